#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "gateway/daemon/daemon.h"
#include "gateway/daemon/restore.h"
#include "policy/trust/ed25519.h"

static const char usage[] =
	"usage: ferryd [--config FOLDER] [--check | --restore BACKUP]\n"
	"  -c, --config FOLDER  configuration [/etc/ferry]\n"
	"  -t, --check          only check the configuration\n"
	"  -r, --restore BACKUP put back what ferryctl backup wrote\n"
	"  -V, --version        print the version\n";

/* What was built in decides which vendors it can serve. */
static void version_print(void)
{
	printf("ferryd " FERRY_VERSION "\nsignatures: ECDSA, HSS-LMS%s\n",
		ed25519_is_built() ? ", Ed25519" : " (no Ed25519)");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 't'},
		{"restore", required_argument, NULL, 'r'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	const char *folder = "/etc/ferry";
	const char *backup = NULL;
	int check = 0;
	int c;

	while ((c = getopt_long(argc, argv, "c:tr:Vh", options, NULL)) != -1) { // NOLINT(concurrency-mt-unsafe)
		switch (c) {
		case 'c':
			folder = optarg;
			break;
		case 't':
			check = 1;
			break;
		case 'r':
			backup = optarg;
			break;
		case 'V':
			version_print();
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind < argc || (check && backup)) {
		fputs(usage, stderr);
		return 2;
	}
	if (backup)
		return restore_run(folder, backup);
	return check ? daemon_check(folder) : daemon_run(folder);
}
