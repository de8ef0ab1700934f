/* The settings that a vendor edits: `publish.conf` and one file a class in
 * `classes/` (libconfig). Unknown settings are errors with file and line.
 *
 * Plain structs without resources. Functions that fail have said why. */
#ifndef FERRY_PUBLISH_CONF_H
#define FERRY_PUBLISH_CONF_H

#include <stdbool.h>
#include <stdint.h>

#define CONF_TEXT_SIZE 256
#define CONF_COMPONENTS_MAX 8

struct vendor_conf {
	uint8_t vendor_id[16];
	char name[CONF_TEXT_SIZE];   /* for people and certificates */
	char domain[CONF_TEXT_SIZE]; /* may be empty */
	unsigned catalog_days;       /* 1 to 366 */
	unsigned root_days;          /* 1 to 3660 */
	bool unsplit_algorithms;     /* ES256 and ES384 instead of ESP* */
};

struct class_conf {
	char name[64];
	uint8_t class_id[16];
	char model[CONF_TEXT_SIZE];  /* for people; may be empty */
	char components[CONF_COMPONENTS_MAX][64];
	unsigned components_count;
};

int vendor_conf_read(const char *path, struct vendor_conf *ret);
int vendor_conf_write(const char *path, const struct vendor_conf *conf);

/* The class is called as its file without ".conf". */
int class_conf_read(const char *path, const char *name,
	struct class_conf *ret);
int class_conf_write(const char *path, const struct class_conf *conf);

/* Lower-case letters, digits, '-', '_' and '.', 1 to 63 of them, not starting
 * with '.': names of files. Complains otherwise. */
int conf_name_check(const char *what, const char *name);

#endif
