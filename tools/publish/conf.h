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
#define CONF_CRL_DAYS 30

struct vendor_conf {
	uint8_t vendor_id[16];
	char name[CONF_TEXT_SIZE];   /* for people and certificates */
	char domain[CONF_TEXT_SIZE]; /* may be empty */
	unsigned catalog_days;       /* 1 to 366 */
	unsigned root_days;          /* 1 to 3660 */
	bool unsplit_algorithms;     /* ES256 and ES384 instead of ESP* */

	/* Where evidence is served: what certificates say. Empty: nothing. */
	char crl_url[CONF_TEXT_SIZE];  /* folder of the CRLs */
	char ocsp_url[CONF_TEXT_SIZE]; /* {ca} is the name of the CA */
	unsigned crl_days;             /* life of a CRL, 1 to 366 */
};

struct class_conf {
	char name[64];
	uint8_t class_id[16];
	char model[CONF_TEXT_SIZE];  /* for people; may be empty */
	char components[CONF_COMPONENTS_MAX][64];
	unsigned components_count;
	uint64_t end_of_support; /* of releases that say none; 0: none */
};

int vendor_conf_read(const char *path, struct vendor_conf *ret);
int vendor_conf_write(const char *path, const struct vendor_conf *conf);

/* The class is called as its file without ".conf". */
int class_conf_read(const char *path, const char *name,
	struct class_conf *ret);
int class_conf_write(const char *path, const struct class_conf *conf);

/* Whether a text is a URL that gateways take for evidence: http:// or https://,
 * printable, without blanks. Complains otherwise; the empty text passes. */
int conf_url_check(const char *what, const char *url);

/* Lower-case letters, digits, '-', '_' and '.', 1 to 63 of them, not starting
 * with '.': names of files. Complains otherwise. */
int conf_name_check(const char *what, const char *name);

#endif
