// SPDX-License-Identifier: GPL-2.0
/*
 * tools/vexipc-top: screens of every size, of samples that are always the same.
 *
 *   test_top_view		the tests
 *   test_top_view FILE		write the samples to FILE, for vexipc-top --replay
 */
#include <errno.h>
#include <locale.h>

#include "../../tools/vexipc-top/record.h"
#include "../../tools/vexipc-top/view.h"
#include "test_top.h"

enum { STEPS = 40 };

/* Three services: steady, one that gets slow and fails, one that drains. */
static void begin(struct sample *sample)
{
	*sample = (struct sample){ .time_ns = 5000 * SECOND, .wall_sec = 1800000000 };
	strcpy(sample->policy, "round-robin");
	for (uint32_t i = 0; i < 3; i++) {
		static const char *const ids[] = { "alpha", "beta", "gamma-with-a-name-that-is-long" };
		struct sample_service *s = add_service(sample, i, ids[i]);

		s->figures.since_ns = 4000 * SECOND;
		s->figures.cpu_permille = 400 * (i + 1);
		s->figures.memory_bytes = (64ull << 20) * (i + 1);
	}
	sample->services[1].figures.breaker = VEXIPC_BREAKER_OPEN;
	sample->services[2].figures.state = VEXIPC_STATE_DRAINING;
	sample->instance.refused = 12;
	sample->instance.refused_by[VEXIPC_ERR_QUEUE_FULL] = 12;
	sample->instance.highest_high = 9;
	sample->instance.cache_hits = 30;
	sample->instance.cache_misses = 10;
	sample->instance.denied_rule = 3;
	sample->instance.denied_token = 1;
	sample->telemetry.programs = 21;
	sample->telemetry.links = 21;
	sample->module_known = true;
	sample->module.held_bytes = 3 << 20;
	sample->module.cache_bytes = 48 << 10;
	sample->module.cache_entries = 12;
}

static void advance(struct sample *sample, unsigned int i)
{
	struct vexipc_telemetry_service *beta = &sample->services[1].figures;

	pass(sample, SECOND);
	answered(sample, &sample->services[0], 100 + i, 1000000);
	answered(sample, &sample->services[1], 50, i < STEPS / 2 ? 2000000 : 30000000);
	if (i == STEPS / 2)
		failed(sample, &sample->services[1], 5, VEXIPC_ERR_TIMED_OUT);
	beta->in_flight = i % 7;
	beta->queued = i % 3;
	sample->instance.queued_high = beta->queued;
	sample->instance.queued = beta->queued;
	for (uint32_t s = 0; s < sample->count; s++) {
		sample->services[s].figures.heartbeat_ns = sample->time_ns - SECOND;
		sample->services[s].figures.updated_ns = sample->time_ns;
	}
}

static int write_recording(const char *path)
{
	struct bytes scratch = { 0 };
	struct sample sample;
	FILE *file = fopen(path, "w");
	int err;

	if (!file)
		return 1;
	begin(&sample);
	err = record_begin(file, &scratch);
	for (unsigned int i = 0; i <= STEPS && !err; i++) {
		err = record_sample(file, &scratch, &sample);
		advance(&sample, i);
	}
	bytes_free(&scratch);
	sample_free(&sample);
	return fclose(file) || err;
}

static struct model model;

/* A screen as text. Its rows must be no longer than it is wide. */
static const char *screen(struct view *view, unsigned int rows, unsigned int columns, bool utf8)
{
	static char text[CANVAS_MOST * CANVAS_MOST];
	struct canvas canvas = { .utf8 = utf8 };
	FILE *to = fmemopen(text, sizeof(text), "w");

	if (!to || canvas_resize(&canvas, rows, columns))
		tap_bail("no memory");
	view_draw(&canvas, &model, view);
	for (unsigned int y = 0; y < canvas.rows; y++)
		canvas_write(&canvas, y, to);
	fputc('\0', to);
	fclose(to);
	canvas_free(&canvas);
	return text;
}

static bool has(const char *text, const char *wanted)
{
	if (strstr(text, wanted))
		return true;
	printf("# no '%s' in:\n", wanted);
	for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n')
		printf("# %.*s\n", (int)strcspn(at, "\n"), at);
	return false;
}

static void test_table(void)
{
	struct view view = { .order.key = SORT_RATE };
	const char *text = screen(&view, 24, 80, true);

	tap_ok(has(text, "vexipc-top  available 2/3  req/s 189") &&
	       has(text, "in flight 4  queued 0  p50 1.0ms  p99 30ms  errors% 0") &&
	       has(text, "queues:  critical 0  high 0  normal 0  low 0  highest 9") &&
	       has(text, "policy round-robin  dropped 12  queue_full 12  cached% 75.0\n"),
	       "the header has the instance's figures");
	tap_ok(has(text, "SERVICE") && has(text, "\nalpha ") &&
	       has(text, "beta         active   open        26.5    50 ") &&
	       has(text, "gamma-with-a draining closed ") && strstr(text, "alpha") < strstr(text, "beta"),
	       "a row is a service, in order");
	tap_ok(has(text, "h help"), "the last line tells the keys");
	text = screen(&view, 60, 200, true);
	tap_ok(has(text, "gamma-with-a-name-that-is-long") && has(text, "MEM") &&
	       has(text, "SHARE%") && has(text, "\u2588") && has(text, "64M"),
	       "a wide one has every column, and lines");
	tap_ok(has(text, "queue_full 12\nheld 3.0M  cache 48K  answers 12  cached% 75.0  hits 30  "
			 "misses 10  coalesced 0  denied 4  token 1  rule 3\nSERVICE"),
	       "a high one has what is kept and who was denied");
	text = screen(&view, 60, 200, false);
	tap_ok(!strpbrk(text, "\xe2\x96") && has(text, "#"), "without UTF-8, in ASCII");
	text = screen(&view, 5, 20, true);
	tap_ok(has(text, "up 2/3") && has(text, "SERVICE") && has(text, "REQ/S") &&
	       has(text, "alpha"), "a tiny one has what matters most");
	view.screen = SCREEN_HELP;
	tap_ok(has(screen(&view, 40, 80, true),
		   "\nREQ/S    answers a second\nINFL     requests it has now\n"), "help has the columns");
	view.screen = SCREEN_TABLE;
	strcpy(view.order.filter, "nobody");
	tap_ok(has(screen(&view, 24, 80, true), "no service matches the filter"),
	       "a filter that leaves nothing is told");
}

static void test_service(void)
{
	struct view view = { .page = 10 };
	const char *text;

	screen(&view, 24, 80, true);
	view.chosen = (1ull << 32) + 1;
	view.screen = SCREEN_SERVICE;
	text = screen(&view, 60, 100, true);
	tap_ok(has(text, "beta  active  for 17m20s\ntransport netlink  weight 100") &&
	       has(text, "timed out 0") && has(text, "LAST ERRORS") && has(text, "19s ago  timed_out x5"),
	       "one service has its figures and last errors");
	tap_ok(has(text, "p99        30ms   30ms") && has(text, "p99.9") && has(text, "\u2588"),
	       "percentiles over time");
	tap_ok(has(text, "in flight max 0") && has(text, "cancelled 0") &&
	       has(text, "available% 100  bytes/s") && has(text, "cpu% 80.0  memory 128M") &&
	       has(text, "req/s        50   2.0k") && has(text, "errors%       0    0.2") &&
	       has(text, "inflight      4"), "figures have the names and units of their fields");
	tap_ok(has(text, " 1.0ms -  2.1ms   1.0k  ####") && has(text, "  17ms -   34ms   1.0k  ####"),
	       "and a histogram of its latency");
	view.scroll = 15;
	text = screen(&view, 12, 80, true);
	tap_ok(!strstr(text, "p99.9") && view.most_scroll > 10, "it scrolls");
}

static void test_trouble(void)
{
	static const int errs[] = { -ENOENT, -ENODATA, -ENOLINK, -EPROTONOSUPPORT, -EACCES, -EIO };
	struct view view = { .order.key = SORT_RATE };
	struct sample sample = { 0 };
	bool told = true;

	for (size_t i = 0; i < sizeof(errs) / sizeof(*errs); i++) {
		sample.err = errs[i];
		if (model_update(&model, &sample))
			tap_bail("no memory");
		for (unsigned int columns = 1; columns < 100; columns += 7)
			screen(&view, 10, columns, true);
		if (errs[i] == -ENODATA)
			told = has(screen(&view, 24, 80, true), "telemetry is not attached") &&
			       has(screen(&view, 24, 80, true), "vexipc telemetry attach") &&
			       has(screen(&view, 5, 30, true), "vexipc telemetry\nattach");
		if (errs[i] == -ENOLINK)
			told = told && has(screen(&view, 24, 80, true), "its links are gone\nrun 'sudo "
					   "vexipc telemetry attach'\n");
		if (errs[i] == -ENOENT)
			told = told && has(screen(&view, 24, 80, true), "modprobe vexipc");
	}
	tap_ok(told, "what is missing is told, and what to do");
}

static void test_warning(void)
{
	struct view view = { .order.key = SORT_RATE };
	struct vexipc_telemetry_info telemetry = model.telemetry;

	tap_ok(!strstr(screen(&view, 24, 80, true), "telemetry:"), "what is right needs no warning");
	model.stale_ns = 72 * SECOND;
	tap_ok(has(screen(&view, 24, 80, true), "\ntelemetry: figures are stale for 1m12s: run "
		   "'sudo vexipc telemetry attach'\nSERVICE"), "stale figures are told");
	model.telemetry.links = 20;
	tap_ok(has(screen(&view, 24, 80, true), "\ntelemetry: 20 of 21 programs are attached: run "
		   "'sudo vexipc telemetry attach'\nSERVICE") &&
	       has(screen(&view, 10, 40, true), "\ntelemetry: 20 of 21 programs are\nattached: run "
		   "'sudo vexipc telemetry\nattach'\nSERVICE"), "and programs that are missing");
	view.all = true;
	screen(&view, view_rows(&model, &view), 10, true);
	tap_ok(view.rows > 10 && view.rows < view_rows(&model, &view), "with room for them in a list");
	model.telemetry = telemetry;
	model.stale_ns = 0;
}

/* Every size and screen, with whatever a model may hold. */
static void test_sizes(const char *what)
{
	for (unsigned int rows = 1; rows < 40; rows++) {
		for (unsigned int columns = 1; columns < 260; columns += columns < 90 ? 1 : 17) {
			for (unsigned int page = SCREEN_TABLE; page <= SCREEN_HELP; page++) {
				struct view view = {
					.screen = page,
					.scroll = rows * columns % 50,
					.top = rows % 5,
					.at = columns % 5,
				};

				strcpy(view.prompt, columns % 3 ? "" : "drain alpha? y/n");
				screen(&view, rows, columns, rows % 2);
			}
		}
	}
	tap_ok(true, "%s fits every size of terminal", what);
}

static void test_hostile(void)
{
	struct sample sample = { .time_ns = SECOND, .wall_sec = UINT64_MAX };

	memset(&sample.instance, 0xff, sizeof(sample.instance));
	memset(&sample.telemetry, 0xff, sizeof(sample.telemetry));
	memset(&sample.module, 0xff, sizeof(sample.module));
	sample.module_known = true;
	sample.telemetry.links--;
	for (uint32_t i = 0; i < 30; i++) {
		struct sample_service *s = add_service(&sample, i * 30, "");

		memset(s, i % 2 ? 0xff : 0x1b, sizeof(*s));
		s->figures.slot = i * 30;
		s->figures.handle = i % 4 ? i : UINT64_MAX;
		s->latency.handle = s->figures.handle;
	}
	model_free(&model);
	memset(&model, 0, sizeof(model));
	for (unsigned int i = 0; i < 3; i++) {
		sample.time_ns += i == 2 ? UINT64_MAX / 2 : 1;
		for (uint32_t s = 0; s < sample.count; s++)
			memset(&sample.services[s].figures.errors, (int)(i * 90 + s), 512);
		if (model_update(&model, &sample))
			tap_bail("no memory");
		test_sizes("what makes no sense");
	}
	tap_ok(!strchr(screen(&(struct view){ 0 }, 60, 200, true), '\033'),
	       "no name controls the terminal");
	sample_free(&sample);
}

int main(int argc, char **argv)
{
	struct sample sample;

	if (argc > 1)
		return write_recording(argv[1]);
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		tap_bail("no locale C.UTF-8");
	begin(&sample);
	for (unsigned int i = 0; i <= STEPS; i++) {
		if (model_update(&model, &sample))
			tap_bail("no memory");
		advance(&sample, i);
	}
	test_table();
	test_service();
	test_warning();
	test_sizes("a table");
	test_trouble();
	test_hostile();
	sample_free(&sample);
	model_free(&model);
	return tap_done();
}
