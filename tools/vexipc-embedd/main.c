// SPDX-License-Identifier: GPL-2.0-only
/* vexipc-embedd: an embedding service. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "answer.h"
#include "engine.h"
#include "notify.h"
#include "options.h"

enum { EXIT_NO_MODULE = 3, TEXT = 256 };

static const char default_model[] = "/usr/share/vexipc/use-lite.model";

/* struct server is all that the threads share. */
struct server {
	struct worker workers[MAX_THREADS];
	unsigned int threads;
};

/* For the signal handler, which gets nothing else. */
static struct vexipc_service *serving;
static int stop_delays = -1;

static void on_signal(int number)
{
	int saved = errno;
	uint64_t one = 1;

	(void)number;
	if (write(stop_delays, &one, sizeof(one)) < 0)
		errno = 0;
	vexipc_service_stop(serving);
	errno = saved;
}

static int answer(struct vexipc_service *service, struct vexipc_request *request,
		  void *context)
{
	struct server *server = context;

	return worker_answer(&server->workers[request->thread], service, request);
}

/* The token that was named, or that systemd brought. */
static int read_token(struct options *options)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY"), *file = options->token_file;
	char credential[4096];
	int err;

	if (!file && folder) {
		snprintf(credential, sizeof(credential), "%s/vexipc.token", folder);
		if (!access(credential, F_OK))
			file = credential;
	}
	if (!file)
		return 0;
	err = vexipc_token_read(file, options->token);
	if (err) {
		fprintf(stderr, "vexipc-embedd: %s: %s\n", file, err == -EINVAL ?
			"no token: 64 hexadecimal digits, as `vexipc token issue` prints them" :
			strerror(-err));
		return err;
	}
	options->service.token = options->token;
	options->service.token_len = sizeof(options->token);
	return 0;
}

/* What to do about a registration that failed. */
static int explain(const struct options *options, int err)
{
	const char *id = options->service.id;

	switch (err) {
	case -ENOENT:
	case -ENODEV:
		fprintf(stderr, "vexipc-embedd: the vexipc module is not loaded: modprobe vexipc\n");
		return EXIT_NO_MODULE;
	case -EACCES:
		if (options->service.token) {
			fprintf(stderr, "vexipc-embedd: the token is unknown, over, or not good for "
				"\"%s\" (or %s is not for us): see `vexipc token list`\n", id,
				VEXIPC_DEVICE);
			return EXIT_NO_MODULE;
		}
		fprintf(stderr, "vexipc-embedd: no right to open %s: join the group vexipc\n",
			VEXIPC_DEVICE);
		return EXIT_NO_MODULE;
	case -EPERM:
		fprintf(stderr, "vexipc-embedd: registering takes CAP_NET_ADMIN or a token: run it "
			"as root, or with --token-file and what `vexipc token issue` printed\n");
		return EXIT_NO_MODULE;
	case -EEXIST:
		fprintf(stderr, "vexipc-embedd: there is a service \"%s\" already: choose another --id\n",
			id);
		return EXIT_FAILURE;
	case -EILSEQ:
		fprintf(stderr, "vexipc-embedd: id, name, endpoint and metadata must be UTF-8 "
			"without control characters\n");
		return EXIT_FAILURE;
	default:
		fprintf(stderr, "vexipc-embedd: can not register \"%s\": %s\n", id, strerror(-err));
		return EXIT_FAILURE;
	}
}

static int open_engine(const struct options *options, const struct engine_ops *ops,
		       struct engine **engine)
{
	char message[ENGINE_MESSAGE_BYTES] = "";
	int err;

	/* The engine takes its file from the environment, too. */
	if (options->model)
		setenv("VEXIPC_MODEL", options->model, 1);
	else
		setenv("VEXIPC_MODEL", default_model, 0);
	err = ops->open(engine, options->engine_options, message);
	if (err)
		fprintf(stderr, "vexipc-embedd: %s\n", *message ? message : strerror(-err));
	return err;
}

/* What the service can do is what its engine can. */
static void announce(struct options *options, const struct engine_ops *ops,
		     const struct engine *engine, const char *models[2])
{
	struct engine_info info;

	ops->info(engine, &info);
	models[0] = info.model;
	models[1] = NULL;
	options->service.models = models;
	/* One that can do any says so by naming none. */
	if (!options->service.dimensions_count && info.min_dims == info.max_dims) {
		options->dimensions[0] = info.native_dims;
		options->service.dimensions_count = 1;
	}
}

static int serve(const struct options *options, struct server *server)
{
	struct sigaction action = { .sa_handler = on_signal };
	char status[TEXT], ready[TEXT];
	int err;

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	snprintf(status, sizeof(status), "serving as %.64s over %s", options->service.id,
		 vexipc_transport_name(vexipc_service_transport(serving)));
	snprintf(ready, sizeof(ready), "READY=1\nSTATUS=%.200s", status);
	if (!options->quiet)
		fprintf(stderr, "vexipc-embedd: %s\n", status);
	err = notify(ready);
	if (err)
		fprintf(stderr, "vexipc-embedd: NOTIFY_SOCKET: %s\n", strerror(-err));
	err = vexipc_service_serve(serving, answer, options->threads, server);
	notify("STOPPING=1");
	if (err)
		fprintf(stderr, "vexipc-embedd: the module ended the service: %s\n",
			strerror(-err));
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run(struct options *options, const struct engine_ops *ops, struct engine *engine)
{
	struct server *server = calloc(1, sizeof(*server));
	int status = EXIT_FAILURE, err;
	const char *models[2];

	stop_delays = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!server || stop_delays < 0) {
		fprintf(stderr, "vexipc-embedd: %s\n", strerror(errno));
		goto free;
	}
	for (; server->threads < options->threads; server->threads++) {
		err = worker_open(&server->workers[server->threads], ops, engine, stop_delays);
		if (err) {
			worker_close(&server->workers[server->threads]);
			fprintf(stderr, "vexipc-embedd: %s\n", strerror(-err));
			goto close_workers;
		}
	}
	announce(options, ops, engine, models);
	err = vexipc_service_open(&options->service, &serving);
	if (err) {
		status = explain(options, err);
		goto close_workers;
	}
	status = serve(options, server);
	vexipc_service_close(serving);

close_workers:
	while (server->threads--)
		worker_close(&server->workers[server->threads]);
free:
	if (stop_delays >= 0)
		close(stop_delays);
	free(server);
	return status;
}

int main(int argc, char **argv)
{
	const struct engine_ops *ops;
	struct options options;
	struct engine *engine;
	int status;

	options_parse(&options, argc, argv);
	if (read_token(&options))
		return EXIT_FAILURE;
	ops = engine_find(options.engine);
	if (open_engine(&options, ops, &engine))
		return EXIT_FAILURE;
	status = run(&options, ops, engine);
	ops->close(engine);
	return status;
}
