/* ferry-driver-check: holds a driver against the rules of its interface. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/driver-check/check.h"
#include "transports/serial/serial.h"
#include "transports/sim/sim.h"
#include "transports/zigbee/zigbee.h"

struct options {
	const char *driver;
	const char *peer;
	struct ferry_kv kv[BENCH_SETTINGS_MAX];
	size_t kv_count;
	unsigned only; /* one number, or 0 */
};

struct tally {
	unsigned ok, failed, skipped;
};

static void usage(FILE *to)
{
	fputs("usage: ferry-driver-check [--case N] serial|sim|zigbee\n"
	      "       ferry-driver-check [--case N] --set KEY=VALUE... "
	      "--peer KEY DRIVER\n"
	      "\n"
	      "Runs the conformance checks of the driver guide that apply.\n"
	      "serial is tried on a PTY and on a serial server, sim against a\n"
	      "radio of its own, zigbee against a hub of its own. DRIVER is\n"
	      "serial, sim, zigbee or the path of a shared object, tried with\n"
	      "the settings given, against a peer that is there and takes "
	      "what\n"
	      "it gets.\n"
	      "Exit code: 0 all that applied passed, 1 some failed, 2 usage.\n",
		to);
}

static void run_one(const struct check *c, struct bench *b, struct tally *t)
{
	static const char *const words[] = {"ok", "FAIL", "n/a"};
	char why[256] = "";
	enum outcome outcome = check_run(c, b, why, sizeof(why));

	printf("%4u %-4s %s%s%s\n", c->number, words[outcome], c->name,
		outcome == CHECK_FAILED ? ": " : "",
		outcome == CHECK_FAILED ? why : "");
	fflush(stdout);
	t->ok += outcome == CHECK_OK;
	t->failed += outcome == CHECK_FAILED;
	t->skipped += outcome == CHECK_NOT_APPLICABLE;
}

static void run_all(struct bench *b, unsigned only, struct tally *t)
{
	const struct check *const lists[] = {
		checks_of_links, checks_of_sends, checks_of_ends,
		checks_of_settings};
	const struct check *c;
	size_t i;

	printf("# %s\n", b->name);
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (c = lists[i]; c->run; c++)
			if (!only || c->number == only)
				run_one(c, b, t);
}

static int parse_setting(struct options *o, char *text)
{
	char *equals = strchr(text, '=');

	if (!equals || o->kv_count == BENCH_SETTINGS_MAX)
		return -1;
	*equals = 0;
	o->kv[o->kv_count++] = (struct ferry_kv){text, equals + 1};
	return 0;
}

static int parse(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{"case", required_argument, NULL, 'c'},
		{"set", required_argument, NULL, 's'},
		{"peer", required_argument, NULL, 'p'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) !=
		-1) { /* NOLINT(concurrency-mt-unsafe) */
		if (c == 'h') {
			usage(stdout);
			exit(0); /* NOLINT(concurrency-mt-unsafe) */
		}
		if (c == 'c')
			o->only = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'p')
			o->peer = optarg;
		else if (c != 's' || parse_setting(o, optarg))
			return -1;
	}
	if (optind + 1 != argc)
		return -1;
	o->driver = argv[optind];
	return (o->peer != NULL) == (o->kv_count > 0) ? 0 : -1;
}

static void check_given(const struct options *o,
	const struct ferry_driver *table, struct tally *t)
{
	struct bench b = {
		.name = table->name,
		.table = table,
		.kind = &bench_given,
		.kv_count = o->kv_count,
		.peer = o->peer,
	};

	memcpy(b.kv, o->kv, sizeof(b.kv));
	run_all(&b, o->only, t);
}

static void check_serial(const struct options *o, struct tally *t)
{
	struct bench pty = {.name = "serial on a PTY",
		.table = serial_driver(),
		.kind = &bench_pty};
	struct bench tcp = {.name = "serial over TCP",
		.table = serial_driver(),
		.kind = &bench_tcp};

	run_all(&pty, o->only, t);
	run_all(&tcp, o->only, t);
}

static void check_sim(const struct options *o, struct tally *t)
{
	struct bench sim = {
		.name = "sim", .table = sim_driver(), .kind = &bench_sim};

	run_all(&sim, o->only, t);
}

static void check_zigbee(const struct options *o, struct tally *t)
{
	struct bench hub = {.name = "zigbee behind a hub's stack",
		.table = zigbee_driver(),
		.kind = &bench_hub};

	run_all(&hub, o->only, t);
}

static int check_loaded(const struct options *o, struct tally *t)
{
	struct transport_driver *d;
	struct fault fault = {0};
	int err = transport_driver_load(o->driver, &d, &fault);

	if (err) {
		fprintf(stderr, "%s: %s: %s\n", o->driver, fault.field,
			fault.rule);
		return err;
	}
	check_given(o, transport_driver_table(d), t);
	transport_driver_free(d);
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = {0};
	struct tally t = {0};

	signal(SIGPIPE, SIG_IGN);
	if (parse(&o, argc, argv)) {
		usage(stderr);
		return 2;
	}
	if (strchr(o.driver, '/')) {
		if (check_loaded(&o, &t))
			return 2;
	} else if (!strcmp(o.driver, "serial")) {
		if (o.peer)
			check_given(&o, serial_driver(), &t);
		else
			check_serial(&o, &t);
	} else if (!strcmp(o.driver, "sim")) {
		if (o.peer)
			check_given(&o, sim_driver(), &t);
		else
			check_sim(&o, &t);
	} else if (!strcmp(o.driver, "zigbee")) {
		if (o.peer)
			check_given(&o, zigbee_driver(), &t);
		else
			check_zigbee(&o, &t);
	} else {
		usage(stderr);
		return 2;
	}
	printf("# ok %u, failed %u, not applicable %u\n", t.ok, t.failed,
		t.skipped);
	return t.failed || !t.ok ? 1 : 0;
}
