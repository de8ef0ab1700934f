#include "gateway/daemon/restore.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "gateway/config/config.h"
#include "store/db.h"

/* What root would write, the daemon's user could not open. */
static int become_owner(const char *dir, const struct stat *st)
{
	if (geteuid() != 0 || st->st_uid == 0)
		return 0;
	if (setgroups(0, NULL) || setgid(st->st_gid) || setuid(st->st_uid)) {
		fprintf(stderr, "ferryd: cannot become the owner of %s: %s\n",
			dir, err_text(-errno));
		return -EPERM;
	}
	return 0;
}

static int check_source(const char *from)
{
	static const char *const names[] = {"state.db", "trust.db"};
	char path[CONFIG_PATH_SIZE + 16];

	if (strlen(from) >= CONFIG_PATH_SIZE) {
		fprintf(stderr, "ferryd: %s: the path is too long\n", from);
		return -ENAMETOOLONG;
	}
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", from, names[i]);
		if (access(path, R_OK) == 0)
			continue;
		fprintf(stderr, "ferryd: %s: %s\n  hint: a backup is a folder "
			"with state.db and trust.db that user %u can read\n",
			path, err_text(-errno), (unsigned)geteuid());
		return -EINVAL;
	}
	return 0;
}

static int restore(const char *state_dir, const char *from)
{
	struct fault fault = {0};
	int err = store_restore(from, state_dir, &fault);

	if (err == 0)
		return 0;
	fprintf(stderr, "ferryd: %s: %s (%s)\n", fault.field, fault.rule,
		err_name(err));
	if (err == ERR_STORE_BUSY)
		fprintf(stderr, "  hint: ferryd runs; systemctl stop ferryd, "
			"then try again\n");
	return err;
}

static int restore_into(const char *state_dir, const char *from)
{
	char trust[CONFIG_PATH_SIZE + 16];
	struct stat st;
	bool had_trust;

	if (stat(state_dir, &st) || !S_ISDIR(st.st_mode)) {
		fprintf(stderr, "ferryd: state_dir %s: %s\n", state_dir,
			err_text(errno ? -errno : -ENOTDIR));
		return 1;
	}
	if (become_owner(state_dir, &st) || check_source(from))
		return 1;
	umask(0077);
	snprintf(trust, sizeof(trust), "%s/trust.db", state_dir);
	had_trust = access(trust, F_OK) == 0;
	if (restore(state_dir, from))
		return 1;
	printf("%s: restored from %s\n", state_dir, from);
	if (had_trust)
		printf("Floors against rollback were raised where the copy's "
			"are higher, never lowered.\n");
	else
		printf("There was no trust.db: that of the copy was put in and "
			"is locked.\n");
	printf("Start ferryd, then look at: ferryctl status\n");
	return 0;
}

int restore_run(const char *config_folder, const char *from)
{
	struct conf_problem problem = {0};
	struct config *config = NULL;
	int status;

	if (config_load(config_folder, &config, &problem)) {
		fprintf(stderr, "ferryd: %s:%d: %s %s\n", problem.file,
			problem.line, problem.fault.field, problem.fault.rule);
		return 1;
	}
	status = restore_into(config->state_dir, from);
	config_free(config);
	return status;
}
