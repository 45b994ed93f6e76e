// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ratios as bars, as SVG: a panel for each kind of work, on a logarithmic scale; a column
 * for each pair of sizes, a row for each depth.
 */
#include <err.h>
#include <math.h>
#include <stdio.h>

#include "bench.h"

enum { LABEL = 150, BAR = 220, VALUE = 70, LINE = 18, HEAD = 44 };

static const double least = 0.02, most = 50;

static double bar(double ratio)
{
	if (ratio <= least)
		return 0;
	return BAR * (ratio < most ? log(ratio / least) / log(most / least) : 1);
}

static void plot_panel(FILE *to, const struct bench_report *report, unsigned int first,
		       unsigned int rows, unsigned int x, unsigned int y)
{
	const struct bench_work *work = &report->results[first].work;

	fprintf(to, "<g transform=\"translate(%u %u)\">\n", x, y);
	fprintf(to, "<text x=\"0\" y=\"16\" font-weight=\"bold\">%zu B → %zu B, depth %u</text>\n",
		work->request, work->answer, work->depth);
	for (unsigned int i = 0; i < rows; i++) {
		const struct bench_result *result = &report->results[first + i];
		double ratio = bench_ratio(report, result), at = HEAD + i * LINE;

		fprintf(to, "<text x=\"%d\" y=\"%.0f\" text-anchor=\"end\">%s</text>\n", LABEL - 6,
			at - 4, result->peer->name);
		fprintf(to, "<rect x=\"%d\" y=\"%.0f\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n",
			LABEL, at - LINE + 3, bar(ratio), LINE - 4,
			result->peer->name[0] == 'v' ? "#3465a4" : "#babdb6");
		if (ratio > 0)
			fprintf(to, "<text x=\"%.1f\" y=\"%.0f\">%.2f</text>\n",
				LABEL + bar(ratio) + 4, at - 4, ratio);
	}
	fprintf(to, "<path d=\"M%.1f %dv%u\" stroke=\"#cc0000\"/>\n</g>\n", LABEL + bar(1),
		HEAD - LINE, rows * LINE);
}

/* How many results from the first on have @same in common with it. */
static unsigned int run_of(const struct bench_report *report,
			   bool (*same)(const struct bench_work *a, const struct bench_work *b))
{
	unsigned int n = 1;

	while (n < report->count && same(&report->results[n].work, &report->results[0].work))
		n++;
	return n;
}

static bool same_sizes(const struct bench_work *a, const struct bench_work *b)
{
	return a->request == b->request && a->answer == b->answer;
}

void bench_write_svg(const struct bench_report *report, const char *path)
{
	unsigned int bars = run_of(report, bench_same_work), a_column = run_of(report, same_sizes);
	unsigned int columns = report->count / a_column, rows = a_column / bars;
	unsigned int width = LABEL + BAR + VALUE, height = HEAD + bars * LINE;
	FILE *to = fopen(path, "we");

	if (!to)
		err(1, "%s", path);
	fprintf(to, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %u %u\" "
		"font-family=\"sans-serif\" font-size=\"12\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
		"<text x=\"8\" y=\"18\">%s a round trip, to unix-stream (red line); "
		"logarithmic, shorter is better</text>\n", width * columns, 30 + rows * height,
		report->instructions ? "Instructions" : "Time");
	for (unsigned int i = 0; i < columns * rows; i++)
		plot_panel(to, report, i * bars, bars, i / rows * width, 30 + i % rows * height);
	fputs("</svg>\n", to);
	if (ferror(to) || fclose(to))
		err(1, "%s", path);
}
