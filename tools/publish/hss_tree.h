/* The trees of an HSS key: grown from its seed, kept in memory as a whole, and
 * signing.
 *
 * Everything of a tree follows from the seed of the key, its level and its
 * number, the randomizers of its signatures too: whoever asks a leaf twice for
 * one message gets one signature, byte for byte. That is what makes it safe to
 * sign a lower tree's public key again after a restart. Never ask a leaf for
 * two messages; this module does not know what was asked before, hss_key.h
 * does.
 *
 * hss_trees_init() to hss_trees_done(), which wipes. One thread. */
#ifndef FERRY_PUBLISH_HSS_TREE_H
#define FERRY_PUBLISH_HSS_TREE_H

#include "base/buf.h"
#include "tools/publish/hss_set.h"

#define HSS_SEED_LEN 32

struct hss_tree {
	bool is_grown;
	uint64_t number; /* among those of its level */
	uint8_t id[LMS_ID_LEN];
	uint8_t seed[LMS_HASH_LEN];
	uint8_t *nodes; /* node r at r * LMS_HASH_LEN; the root is 1 */
};

/* One tree of each level: those that sign the current leaf. */
struct hss_trees {
	struct hss_set set;
	uint8_t seed[HSS_SEED_LEN];
	struct hss_tree of[HSS_LEVELS_MAX];
	bool has_grown; /* something that hss_trees_load() did not bring */
};

void hss_trees_init(struct hss_trees *trees, const struct hss_set *set,
	const uint8_t seed[HSS_SEED_LEN]);
void hss_trees_done(struct hss_trees *trees);

/* The HSS public key; grows the tree at the top. */
int hss_trees_public(struct hss_trees *trees, uint8_t ret[HSS_PUBLIC_LEN]);

/* Appends the signature of `leaf` over a message. Grows what is not there. */
int hss_trees_sign(struct hss_trees *trees, uint64_t leaf,
	struct bytes message, struct buf *ret);

/* Hashes that growing the first `levels` trees over `leaf` will take; 0 when
 * they are there. */
uint64_t hss_trees_missing(const struct hss_trees *trees, unsigned levels,
	uint64_t leaf);

/* What is grown, so that it need not be grown again. A digest over the seed
 * and all of it stands at the end: nodes that were changed meanwhile would
 * make a leaf sign two different trees. */
int hss_trees_save(const struct hss_trees *trees, struct buf *ret);

/* Takes over the trees of such a file; all other content is passed over, and
 * has no effect but time. */
void hss_trees_load(struct hss_trees *trees, struct bytes file);

/* The most that hss_trees_save() makes for a set. */
size_t hss_trees_file_max(const struct hss_set *set);

#endif
