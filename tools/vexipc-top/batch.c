// SPDX-License-Identifier: GPL-2.0-only
/* Printing: the table, or JSON, look after look. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "top.h"

enum { BATCH_COLUMNS = 132 };

static void add_recent(cJSON *object, const struct recent *recent)
{
	struct vexipc_telemetry_recent figures = recent->figures;

	/* Those of an older interval are for the eye. */
	if (!recent->known || !recent->answers)
		figures.p50_ns = figures.p90_ns = figures.p99_ns = figures.p999_ns = NAN;
	cJSON_AddItemToObject(object, "recent",
			      json_object(vexipc_telemetry_recent_fields(), &figures));
}

static void print_json(const struct model *model, const struct view *view)
{
	const struct row *rows[VEXIPC_MAX_SERVICES];
	unsigned int count = order_rows(model, &view->order, rows);
	cJSON *json = cJSON_CreateObject(), *telemetry, *instance, *services, *service;

	json_number(json, "time", model->wall_sec);
	json_number(json, "monotonic_ns", model->time_ns);
	cJSON_AddNumberToObject(json, "interval", model->interval_sec);
	cJSON_AddStringToObject(json, "policy", model->policy);
	telemetry = json_object(vexipc_telemetry_info_fields(), &model->telemetry);
	json_number(telemetry, "stale_ns", model->stale_ns);
	cJSON_AddItemToObject(json, "telemetry", telemetry);
	cJSON_AddItemToObject(json, "module", model->module_known ?
			      json_object(vexipc_stats_fields(), &model->module) :
			      cJSON_CreateNull());
	instance = json_object(vexipc_telemetry_instance_fields(), &model->instance);
	add_recent(instance, &model->recent);
	cJSON_AddItemToObject(json, "instance", instance);
	services = cJSON_AddArrayToObject(json, "services");
	for (unsigned int i = 0; i < count; i++) {
		service = json_object(vexipc_telemetry_service_fields(), &rows[i]->now);
		add_recent(service, &rows[i]->recent);
		cJSON_AddItemToArray(services, service);
	}
	json_line(json);
}

static unsigned int columns_wanted(void)
{
	const char *text = getenv("COLUMNS");
	uint64_t n;

	return text && !parse_number(text, 10, CANVAS_MOST, &n) ? (unsigned int)n :
								  BATCH_COLUMNS;
}

static int print_table(const struct model *model, struct view *view, struct canvas *canvas)
{
	if (canvas_resize(canvas, view_rows(model, view), columns_wanted()))
		return -ENOMEM;
	view_draw(canvas, model, view);
	for (unsigned int y = 0; y < view->rows && y < canvas->rows; y++)
		canvas_write(canvas, y, stdout);
	putchar('\n');
	return 0;
}

/* A signal ends it early. */
static void wait_ms(uint32_t ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000L };

	if (!interrupted)
		nanosleep(&time, NULL);
}

static int no_figures(int err)
{
	fprintf(stderr, "vexipc-top: %s\n", vexipc_telemetry_strerror(err));
	return err == -ENOENT ? EXIT_NO_MODULE :
	       err == -EACCES || err == -EPERM ? EXIT_PERMISSION : EXIT_FAILED;
}

static int failed(const struct top *top, int err)
{
	char why[512];

	top_explain(top, err, why, sizeof(why));
	fprintf(stderr, "vexipc-top: %s\n", why);
	return EXIT_FAILED;
}

/* The first look is what the second one is compared with: it is not shown. */
int run_batch(struct top *top)
{
	const struct options *options = &top->options;
	struct view view = { .order = options->order, .all = true, .replay = options->replay };
	struct canvas canvas = { .utf8 = top->utf8 };
	uint32_t delay = options->delay_ms ?: DEFAULT_DELAY_MS;
	int err, code = EXIT_OK;

	for (uint64_t i = 0; !options->iterations || i <= options->iterations; i++) {
		if (i && !options->replay)
			wait_ms(delay);
		if (interrupted)
			break;
		err = top_step(top);
		/* Of one sample there is nothing more to wait for. */
		if (err == -ENODATA && options->replay && i != 1)
			break;
		if (err && err != -ENODATA)
			code = failed(top, err);
		else if (top->model.err)
			code = no_figures(top->model.err);
		if (code)
			break;
		if (!i)
			continue;
		if (options->json)
			print_json(&top->model, &view);
		else if (print_table(&top->model, &view, &canvas))
			code = failed(top, -ENOMEM);
		if (code || fflush(stdout) || err)
			break;
	}
	canvas_free(&canvas);
	return finish_output(code);
}
