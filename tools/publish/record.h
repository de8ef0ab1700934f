/* What the publisher remembers of a release, one JSON file each in `releases/`:
 * everything that its catalog entry says. The catalog is made from these.
 *
 * Plain structs; release_list_load() to release_list_free(). Functions that
 * fail have said why. */
#ifndef FERRY_PUBLISH_RECORD_H
#define FERRY_PUBLISH_RECORD_H

#include "tools/publish/publisher.h"

/* The limits of docs/formats.md. */
#define RECORD_TEXT_SIZE 65
#define RECORD_NOTES_SIZE 4097
#define RECORD_PRECURSORS_MAX 16
#define RECORD_ENTRIES_MAX 4096

struct release {
	char class_name[64];
	char component[64]; /* as text; see policy/trust/component.h */
	uint8_t vendor_id[16];
	uint8_t class_id[16];
	uint64_t sequence;
	uint8_t manifest_digest[32];
	uint8_t envelope_digest[32];
	uint64_t envelope_len;
	uint8_t payload_digest[32];
	uint64_t payload_len;
	char expect_version[RECORD_TEXT_SIZE];
	uint8_t expect_digest[64];
	size_t expect_digest_len; /* 0: not known */
	char version[RECORD_TEXT_SIZE];
	bool has_hardware;
	uint64_t hardware_min;
	uint64_t hardware_max;
	bool security;
	char notes[RECORD_NOTES_SIZE];
	uint64_t end_of_support; /* 0: none */
	char set[RECORD_TEXT_SIZE];
	uint8_t precursors[RECORD_PRECURSORS_MAX][32];
	size_t precursors_count;
	bool withdrawn;
	uint64_t created;
	uint64_t signed_until; /* end of the signer's chain; 0: a bare key */
	uint64_t class_end_of_support; /* by its class file; in no record */
};

struct release_list {
	struct release *at;
	size_t count;
};

/* All records, by class, component, sequence, manifest digest. */
int release_list_load(const struct publisher *p, struct release_list *ret);
void release_list_free(struct release_list *list);

int release_write(const struct publisher *p, const struct release *release);

/* Takes the record of a release away that was never offered. */
void release_forget(const struct publisher *p, const struct release *release);

/* Fills class_end_of_support from the class files that are there. */
int release_list_support(const struct publisher *p, struct release_list *list);

/* Stores an envelope in www/e/ under its digest, which goes into the record. */
int release_envelope_store(const struct publisher *p, struct bytes envelope,
	struct release *r);

/* Reads it; `ret_path` names the file. */
int release_envelope_read(const struct publisher *p, const struct release *r,
	struct buf *ret, char ret_path[FILES_PATH_SIZE]);

/* The record whose manifest digest begins with these hexadecimal digits (8 or
 * more); exactly one must. */
int release_list_find(const struct release_list *list, const char *digest,
	struct release **ret);

/* The highest sequence of a vendor, class and component; 0: none yet. */
uint64_t release_list_top(const struct release_list *list,
	const struct release *like);

/* Whether two entries would be the same for a gateway but for their content:
 * same vendor, class, component, sequence, hardware range and precursors. */
bool release_collides(const struct release *a, const struct release *b);

#endif
