/* HSS keys of the publisher: a file that changes with every signature.
 *
 * A leaf signs once. So a signature begins by reserving its leaf: the file is
 * written anew with the next number, flushed and renamed, and only then is
 * anything computed; whoever is killed in between has lost a leaf and nothing
 * else. While that happens the file is locked (fcntl, FILE.lock). What a
 * publisher's folder remembers of the key (`hss/`, and what it has published)
 * must not be ahead of the file: a file that was put back would sign twice
 * with one leaf, so it signs no more.
 *
 * FILE has mode 0600 and holds PEM "FERRY HSS PRIVATE KEY" around CBOR
 * `[body, sha256(body)]`, body `[1, [+ [lms, lmots]], seed, next, public]`.
 * FILE.trees is what was computed, and may be deleted.
 *
 * A struct lives from hss_key_make() or hss_key_open() to hss_key_free() and
 * holds no secret; the seed is in memory during hss_key_sign() only. Functions
 * that fail have said why. One thread. */
#ifndef FERRY_PUBLISH_HSS_KEY_H
#define FERRY_PUBLISH_HSS_KEY_H

#include "tools/publish/files.h"
#include "tools/publish/hss_set.h"

#define HSS_KEY_LABEL "FERRY HSS PRIVATE KEY"

struct hss_key {
	char path[FILES_PATH_SIZE];
	struct hss_set set;
	uint8_t public[HSS_PUBLIC_LEN];
	uint64_t next;  /* leaf, when the file was read */
	uint64_t floor; /* leaves below it have signed what is published */
	char record[FILES_PATH_SIZE]; /* "": none yet */
};

/* Makes a key and its file; never replaces a file. Grows the tree at the top,
 * which takes seconds. */
int hss_key_make(const char *path, const struct hss_set *set,
	struct hss_key **ret);

/* From the content of a file. */
int hss_key_open(const char *path, struct bytes text, struct hss_key **ret);
void hss_key_free(struct hss_key *key);

/* Ties the key to a publisher's folder, without which it does not sign: reads
 * what the folder knows of the key. */
int hss_key_attend(struct hss_key *key, const char *dir);

/* Reserves a leaf and signs with it; `len` is hss_set_signature_len(). The
 * result has been verified. -EBUSY: another process is signing. -ENOSPC: used
 * up. -ESTALE: the file is older than what it has signed. */
int hss_key_sign(struct hss_key *key, struct bytes message,
	uint8_t *ret_signature, size_t len);

/* After a key file got another name: its trees follow it. A file of another
 * kind has none. */
void hss_key_moved(const char *from, const char *to);

/* Signatures that are left. */
uint64_t hss_key_left(const struct hss_key *key);

/* "512 of 1024 signatures left" */
char *hss_key_left_text(const struct hss_key *key, char text[64]);

/* Whether the folder knows of signatures that the file does not. */
bool hss_key_is_behind(const struct hss_key *key);

/* Whether it is time for the next key: a tenth is left. */
bool hss_key_is_low(const struct hss_key *key);

#endif
