// SPDX-License-Identifier: GPL-2.0-only
/* vexipc: embeddings and their services, from the command line. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const struct command {
	const char *name;
	const char *help;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "embed", "turn texts into vectors", cmd_embed },
	{ "services", "list services", cmd_services },
	{ "status", "show one service", cmd_status },
	{ "stats", "show counters of the instance or a service", cmd_stats },
	{ "cache", "show the cache of answers, or flush it", cmd_cache },
	{ "config", "show or change the configuration", cmd_config },
	{ "drain", "send a service nothing new", cmd_drain },
	{ "resume", "let a drained service have requests again", cmd_resume },
	{ "breaker", "hold a service's breaker open or closed, or let it go", cmd_breaker },
	{ "monitor", "watch services come and go, and alerts", cmd_monitor },
	{ "ping", "ask the module or a service how it is", cmd_ping },
	{ "policy", "balance by a policy in BPF", cmd_policy },
	{ "token", "let services register without privilege", cmd_token },
	{ "rule", "who may embed what, look, administer", cmd_rule },
	{ "telemetry", "keep figures of services in BPF maps", cmd_telemetry },
};

static void usage(FILE *to)
{
	fputs("Usage: vexipc COMMAND [OPTION...] [ARGUMENT...]\n"
	      "Embeddings through the vexipc kernel module.\n\n", to);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].help);
	fputs("  version    show the versions of the tool, the protocol and the module\n\n"
	      "'vexipc COMMAND --help' explains one. -V shows the version.\n"
	      "Exit status: 0 done, 1 failed, 2 wrong usage, 3 module not loaded,\n"
	      "4 no service can do it, 5 not permitted.\n", to);
}

/* The loaded module's own version, if it says one. */
static void print_version(void)
{
	char version[64] = "";
	FILE *f = fopen("/sys/module/vexipc/version", "re");

	printf("vexipc %s, protocol %u", vexipc_version(), VEXIPC_PROTOCOL_VERSION);
	if (f && fgets(version, sizeof(version), f)) {
		version[strcspn(version, "\n")] = '\0';
		printf(", module %s", version);
	}
	if (f)
		fclose(f);
	putchar('\n');
}

static void argp_version(FILE *to, struct argp_state *state)
{
	(void)to;
	(void)state;
	print_version();
}

int main(int argc, char **argv)
{
	static char name[64];

	argp_err_exit_status = EXIT_USAGE;
	argp_program_version_hook = argp_version;
	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
	    !strcmp(argv[1], "-?") || !strcmp(argv[1], "help")) {
		usage(stdout);
		return finish_output(EXIT_OK);
	}
	if (!strcmp(argv[1], "-V") || !strcmp(argv[1], "--version") ||
	    !strcmp(argv[1], "version")) {
		print_version();
		return finish_output(EXIT_OK);
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(argv[1], commands[i].name))
			continue;
		snprintf(name, sizeof(name), "vexipc %s", commands[i].name);
		argv[1] = name;
		return finish_output(commands[i].run(argc - 1, argv + 1));
	}
	fprintf(stderr, "vexipc: no command '%s': see vexipc --help\n", argv[1]);
	return EXIT_USAGE;
}
