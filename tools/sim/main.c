#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <uv.h>

#include "tools/sim/config.h"
#include "tools/sim/control.h"
#include "tools/sim/make_command.h"
#include "tools/sim/mkota_command.h"
#include "tools/sim/report.h"

static const struct option options[] = {
	{"config", required_argument, NULL, 'c'},
	{"dir", required_argument, NULL, 'd'},
	{"devices", required_argument, NULL, 'D'},
	{"control", required_argument, NULL, 'C'},
	{"stats", required_argument, NULL, 's'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static void help(FILE *to)
{
	fputs("usage: ferry-sim [--config FILE] [--dir DIR] [--devices "
	      "SETTINGS]...\n"
	      "                 [--control SOCKET] [--stats FILE]\n"
	      "       ferry-sim mkimage --version X.Y.Z --size BYTES OUT\n"
	      "       ferry-sim mkota --manufacturer N --type N --version N "
	      "--size BYTES OUT\n"
	      "SETTINGS: name=sensor-%03u,count=8,transport=pty,baud=115200,"
	      "switch=busy=3\n"
	      "Switches:",
		to);
	for (int i = 0; i < SW_COUNT; i++)
		fprintf(to, " %s", switch_name((enum switch_id)i));
	fputs("\nSwitches of ZigBee nodes:", to);
	for (int i = 0; i < TRAIT_COUNT; i++)
		fprintf(to, " %s", trait_name((enum trait)i));
	fputc('\n', to);
}

static int take_path(char to[GROUP_PATH_SIZE], const char *from)
{
	if (strlen(from) >= GROUP_PATH_SIZE)
		return -EINVAL;
	strcpy(to, from);
	return 0;
}

static int take_option(int option, const char *value, struct world_setup *setup,
	struct fault *fault)
{
	struct group *group;

	switch (option) {
	case 'c':
		return config_load(value, setup, fault);
	case 'd':
		return take_path(setup->dir, value);
	case 'C':
		return take_path(setup->control, value);
	case 's':
		return take_path(setup->stats, value);
	case 'D':
		group = config_add_devices(setup);
		return group ? group_parse(group, value, fault) : -E2BIG;
	default:
		return -EINVAL;
	}
}

static int complain(int err, const struct fault *fault)
{
	if (fault->code)
		fprintf(stderr, "ferry-sim: %s: %s\n", fault->field,
			fault->rule);
	else
		fprintf(stderr, "ferry-sim: %s\n", err_text(err));
	return 1;
}

static void on_ready(struct world *w)
{
	size_t count = world_count(w);

	for (size_t i = 0; i < world_radio_count(w); i++)
		count += mesh_count(world_radio(w, i)->mesh);
	printf("ready devices=%zu\n", count);
	fflush(stdout);
}

static void print_ports(struct world *w)
{
	for (size_t i = 0; i < world_count(w); i++) {
		const struct station *s = world_station(w, i);

		printf("device %s %s%s%s\n", s->device.name, s->port_name,
			s->path[0] ? " " : "", s->path);
	}
	for (size_t i = 0; i < world_radio_count(w); i++) {
		const struct radio *r = world_radio(w, i);

		printf("coordinator %s %s %s%s%s\n", r->name, r->ops->name,
			r->port_name, r->path[0] ? " " : "", r->path);
	}
	fflush(stdout);
}

static void on_signal(uv_signal_t *handle, int number)
{
	(void)number;
	world_stop(handle->data);
}

static int run(const struct world_setup *setup)
{
	static const int numbers[2] = {SIGTERM, SIGINT};
	struct control *control = NULL;
	struct fault fault = {0};
	uv_signal_t signals[2];
	struct world *w;
	int err = world_new(setup, &w, &fault);

	if (err)
		return complain(err, &fault);
	for (int i = 0; i < 2; i++) {
		uv_signal_init(world_loop(w), &signals[i]);
		signals[i].data = w;
		uv_signal_start(&signals[i], on_signal, numbers[i]);
	}
	if (setup->control[0]) {
		err = control_open(w, setup->control, &control);
		if (err)
			fault_set(&fault, err, 0, "control", "%s: %s",
				setup->control, err_text(err));
	}
	if (!err) {
		print_ports(w);
		world_run(w, on_ready);
		if (setup->stats[0])
			err = report_write(w, setup->stats);
	}
	control_close(control);
	for (int i = 0; i < 2; i++)
		uv_close((uv_handle_t *)&signals[i], NULL);
	world_free(w);
	return err ? complain(err, &fault) : 0;
}

int main(int argc, char **argv)
{
	struct world_setup setup = {0};
	struct fault fault = {0};
	int option, err = 0, code;

	if (argc > 1 && strcmp(argv[1], "mkimage") == 0)
		return make_command(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "mkota") == 0)
		return mkota_command(argc - 1, argv + 1);
	signal(SIGPIPE, SIG_IGN);
	while (!err &&
		(option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h' || option == '?') {
			help(option == 'h' ? stdout : stderr);
			world_setup_done(&setup);
			return option == 'h' ? 0 : 2;
		}
		err = take_option(option, optarg, &setup, &fault);
	}
	if (!err && (optind != argc || setup.group_count == 0)) {
		help(stderr);
		world_setup_done(&setup);
		return 2;
	}
	if (!err && setup.dir[0] && mkdir(setup.dir, 0755) < 0 &&
		errno != EEXIST)
		err = fault_set(&fault, -errno, 0, "dir", "%s: %s", setup.dir,
			err_text(-errno));
	code = err ? complain(err, &fault) : run(&setup);
	world_setup_done(&setup);
	return code;
}
