#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "gateway/daemon/daemon.h"

static const char usage[] =
	"usage: ferryd [--config FOLDER] [--check] [--version]\n"
	"  -c, --config FOLDER  configuration [/etc/ferry]\n"
	"  -t, --check          only check the configuration\n"
	"  -V, --version        print the version\n";

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 't'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	const char *folder = "/etc/ferry";
	int check = 0;
	int c;

	while ((c = getopt_long(argc, argv, "c:tVh", options, NULL)) != -1) { // NOLINT(concurrency-mt-unsafe)
		switch (c) {
		case 'c':
			folder = optarg;
			break;
		case 't':
			check = 1;
			break;
		case 'V':
			puts("ferryd " FERRY_VERSION);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind < argc) {
		fputs(usage, stderr);
		return 2;
	}
	return check ? daemon_check(folder) : daemon_run(folder);
}
