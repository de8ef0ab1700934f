/* The parameters of an HSS key, and what follows from them: how many signatures
 * it has, how long each is, and which leaf made one.
 *
 * A set is a list of trees from the top down, such as "h10/w8,h10/w8". Keys are
 * made with heights of 5, 10 and 15 only: a tree is grown as a whole. A leaf is
 * counted over all levels, from 0. Plain values; any thread. */
#ifndef FERRY_PUBLISH_HSS_SET_H
#define FERRY_PUBLISH_HSS_SET_H

#include "policy/trust/hss.h"

#define HSS_SET_TEXT_SIZE 80
#define HSS_SET_DEFAULT "h10/w8,h10/w8"
#define HSS_SET_HEIGHT_MAX 15
#define HSS_SET_LEAVES_BITS_MAX 60 /* of all levels together */

struct hss_set {
	unsigned levels;
	uint32_t tree_types[HSS_LEVELS_MAX];
	uint32_t ots_types[HSS_LEVELS_MAX];
};

/* -EINVAL when it is none that keys are made with; says nothing. */
int hss_set_parse(const char *text, struct hss_set *ret);
int hss_set_check(const struct hss_set *set);

char *hss_set_format(const struct hss_set *set, char text[HSS_SET_TEXT_SIZE]);

/* Signatures that a key has. */
uint64_t hss_set_total(const struct hss_set *set);

size_t hss_set_signature_len(const struct hss_set *set);

/* The leaf `q` of its tree that level `level` signs with when the key is at
 * `leaf`, and the number of that tree among those of its level. */
uint32_t hss_set_leaf_of(const struct hss_set *set, unsigned level,
	uint64_t leaf);
uint64_t hss_set_tree_of(const struct hss_set *set, unsigned level,
	uint64_t leaf);

/* The leaf that made a signature; -EINVAL when it is no signature of such a
 * key by its length. */
int hss_set_leaf_read(const struct hss_set *set, struct bytes signature,
	uint64_t *ret);

#endif
