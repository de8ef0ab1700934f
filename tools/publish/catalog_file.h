/* Writes the catalog from the release records: payload, signature and the
 * check by the gateway's own code before anything is published.
 *
 * Functions that fail have said why. One thread. */
#ifndef FERRY_PUBLISH_CATALOG_FILE_H
#define FERRY_PUBLISH_CATALOG_FILE_H

#include "tools/publish/evidence.h"
#include "tools/publish/record.h"

#define CATALOG_QUIRKS_MAX ((size_t)1 << 20)

struct catalog_plan {
	uint64_t sequence;
	uint64_t issued;
	uint64_t expires;
	uint64_t root_version;
	uint64_t epoch;
	const struct release_list *releases;
	const struct root *root; /* classes that it hands over are left out;
				    NULL: none */
	const struct evidence_file *evidence;
	unsigned evidence_count;
	struct bytes quirks;     /* empty: none */
};

/* The payload (docs/formats.md, "Catalog"). */
int catalog_plan_write(const struct catalog_plan *plan, struct buf *ret);

struct catalog_options {
	const char *const *keys; /* NULL: keys/catalog/key.pem */
	size_t keys_count;
	uint64_t expires;        /* 0: by the vendor's settings */
	bool allow_short_evidence;
};

/* Copies the file (NULL: none any more) to where every catalog takes its quirks
 * from. */
int catalog_quirks_keep(const struct publisher *p, const char *from);

/* keys/catalog/next.pem takes the place of key.pem as soon as the root lists it,
 * and not before. Does again what was cut short. */
int catalog_key_promote(const struct publisher *p, const struct root *root);

/* Makes, checks and publishes www/catalog.cose with the next sequence.
 * `ret_expires` may be NULL. */
int catalog_publish(struct publisher *p, struct release_list *releases,
	const struct catalog_options *options, uint64_t *ret_expires);

/* Says on standard output which catalog is the current one. */
void catalog_print(const struct publisher *p, uint64_t expires);

#endif
