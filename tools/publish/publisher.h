/* A publisher's folder: settings, keys, release records, counters, and `www/`,
 * the part that a web server serves.
 *
 *   publish.conf  classes/NAME.conf    settings, for people
 *   keys/ROLE/    root, catalog, author-ca, author-issuing, author: one folder
 *                a role
 *   releases/     one JSON record a release
 *   state.json    counters that only rise
 *   evidence/     CRLs and OCSP answers of others that the catalog ships
 *   www/          root/N.cose catalog.cose e/ p/ r/ crl/
 *
 * publisher_open() takes the folder's lock and publisher_close() gives it
 * back. Functions that fail have said why. One thread. */
#ifndef FERRY_PUBLISH_PUBLISHER_H
#define FERRY_PUBLISH_PUBLISHER_H

#include "tools/publish/conf.h"
#include "tools/publish/files.h"
#include "tools/publish/keys.h"

struct publisher_state {
	uint64_t catalog_sequence; /* the highest ever signed; 0: none */
	uint64_t root_version;
	uint64_t issued;           /* the latest signed time */
};

struct publisher {
	char dir[FILES_PATH_SIZE];
	int lock;
	struct vendor_conf vendor;
	struct publisher_state state;
	uint64_t now;
};

int publisher_open(const char *dir, struct publisher *ret);
void publisher_close(struct publisher *p);

/* Makes the folders, settings and counters; `dir` must be new or empty. */
int publisher_make(const char *dir, const struct vendor_conf *vendor);

/* Raises the counters on disk. Called before what they stand for is published:
 * a crash in between burns a number and repeats none. */
int publisher_state_write(struct publisher *p,
	const struct publisher_state *state);

/* Fails when the clock stands before the latest signed time. */
int publisher_clock_check(const struct publisher *p);

/* A path below the folder. */
int publisher_path(const struct publisher *p, char ret[FILES_PATH_SIZE],
	const char *format, ...) __attribute__((format(printf, 3, 4)));

int publisher_class(const struct publisher *p, const char *name,
	struct class_conf *ret);

/* Opens a key file, and ties an HSS key to this folder. */
int publisher_key_open(const struct publisher *p, const char *path,
	struct key *ret);

/* Opens `override` or, where that is NULL, keys/ROLE/key.pem. */
int publisher_key(const struct publisher *p, const char *role,
	const char *override, struct key *ret);

#endif
