#include "tools/publish/hss_tree.h"

#include <errno.h>
#include <stdlib.h>

#include "policy/trust/crypto_secret.h"

/* RFC 8554 appendix A, and as there for the randomizer. */
#define D_PRIVATE 0xff
#define I_RANDOMIZER 0xfffd

static const char file_head[] = "ferry-hss-trees-1\n";

#define FILE_HEAD_LEN (sizeof(file_head) - 1)

static unsigned height_of(const struct hss_trees *t, unsigned level)
{
	return lms_height(t->set.tree_types[level]);
}

/* All nodes of a tree, with the place of node 0 that does not exist. */
static size_t nodes_len(const struct hss_set *set, unsigned level)
{
	return (size_t)LMS_HASH_LEN << (1 + lms_height(set->tree_types[level]));
}

void hss_trees_init(struct hss_trees *trees, const struct hss_set *set,
	const uint8_t seed[HSS_SEED_LEN])
{
	*trees = (struct hss_trees){.set = *set};
	memcpy(trees->seed, seed, HSS_SEED_LEN);
}

void hss_trees_done(struct hss_trees *trees)
{
	for (unsigned i = 0; i < HSS_LEVELS_MAX; i++)
		free(trees->of[i].nodes);
	crypto_wipe(trees, sizeof(*trees));
}

static int derive(const struct hss_trees *trees, const char *purpose,
	unsigned level, uint64_t number, uint8_t ret[LMS_HASH_LEN])
{
	uint8_t place[12];
	struct bytes parts[] = {bytes_of_text(purpose),
		bytes_of(trees->seed, HSS_SEED_LEN),
		bytes_of(place, sizeof(place))};

	put_be32(place, level);
	put_be32(place + 4, (uint32_t)(number >> 32));
	put_be32(place + 8, (uint32_t)number);
	return crypto_digest(CRYPTO_SHA256, parts, 3, ret);
}

/* The beginning of a chain, or with I_RANDOMIZER the randomizer of a leaf. */
static int leaf_secret(const struct hss_tree *tree, uint32_t q, uint16_t i,
	uint8_t ret[LMS_HASH_LEN])
{
	uint8_t in[LMS_ID_LEN + 4 + 2 + 1 + LMS_HASH_LEN];
	int err;

	memcpy(in, tree->id, LMS_ID_LEN);
	put_be32(in + LMS_ID_LEN, q);
	put_be16(in + LMS_ID_LEN + 4, i);
	in[LMS_ID_LEN + 6] = D_PRIVATE;
	memcpy(in + LMS_ID_LEN + 7, tree->seed, LMS_HASH_LEN);
	err = crypto_sha256(bytes_of(in, sizeof(in)), ret);
	crypto_wipe(in, sizeof(in));
	return err;
}

static int leaf_grow(const struct hss_tree *tree, const struct lms_ots *ots,
	unsigned height, uint32_t q)
{
	uint8_t ends[LMS_CHAINS_MAX * LMS_HASH_LEN];
	uint32_t r = (UINT32_C(1) << height) + q;
	uint8_t *node = tree->nodes + (size_t)r * LMS_HASH_LEN;
	int err = 0;

	for (unsigned i = 0; !err && i < ots->chains; i++) {
		uint8_t *end = ends + (size_t)i * LMS_HASH_LEN;

		err = leaf_secret(tree, q, (uint16_t)i, end);
		if (!err)
			err = lms_ots_chain(tree->id, q, i, 0,
				(1u << ots->width) - 1, end);
	}
	if (!err)
		err = lms_ots_public(ots, tree->id, q, ends, node);
	return err ? err : lms_leaf_node(tree->id, r, node, node);
}

static int tree_grow(struct hss_trees *trees, unsigned level)
{
	const struct lms_ots *ots = lms_ots_find(trees->set.ots_types[level]);
	struct hss_tree *tree = &trees->of[level];
	unsigned height = height_of(trees, level);
	uint32_t leaves = UINT32_C(1) << height;
	int err = 0;

	for (uint32_t q = 0; !err && q < leaves; q++)
		err = leaf_grow(tree, ots, height, q);
	for (uint32_t r = leaves - 1; !err && r > 0; r--) {
		const uint8_t *child =
				tree->nodes + (size_t)2 * r * LMS_HASH_LEN;

		err = lms_inner_node(tree->id, r, child, child + LMS_HASH_LEN,
			tree->nodes + (size_t)r * LMS_HASH_LEN);
	}
	tree->is_grown = !err;
	trees->has_grown = true;
	return err;
}

/* Makes the tree `number` of a level the one that is there, grown or not. */
static int tree_name(struct hss_trees *trees, unsigned level, uint64_t number)
{
	struct hss_tree *tree = &trees->of[level];
	uint8_t id[LMS_HASH_LEN];
	int err;

	if (!tree->nodes)
		tree->nodes = calloc(1, nodes_len(&trees->set, level));
	if (!tree->nodes)
		return -ENOMEM;
	err = derive(trees, "ferry-hss-seed", level, number, tree->seed);
	if (!err)
		err = derive(trees, "ferry-hss-id", level, number, id);
	if (err)
		return err;
	memcpy(tree->id, id, LMS_ID_LEN);
	tree->number = number;
	tree->is_grown = false;
	return 0;
}

static int tree_need(struct hss_trees *trees, unsigned level, uint64_t number)
{
	struct hss_tree *tree = &trees->of[level];
	int err;

	if (tree->is_grown && tree->number == number)
		return 0;
	err = tree_name(trees, level, number);
	return err ? err : tree_grow(trees, level);
}

static void public_of(const struct hss_trees *trees, unsigned level,
	uint8_t ret[LMS_PUBLIC_LEN])
{
	const struct hss_tree *tree = &trees->of[level];

	put_be32(ret, trees->set.tree_types[level]);
	put_be32(ret + 4, trees->set.ots_types[level]);
	memcpy(ret + 8, tree->id, LMS_ID_LEN);
	memcpy(ret + 8 + LMS_ID_LEN, tree->nodes + LMS_HASH_LEN, LMS_HASH_LEN);
}

int hss_trees_public(struct hss_trees *trees, uint8_t ret[HSS_PUBLIC_LEN])
{
	int err = tree_need(trees, 0, 0);

	if (err)
		return err;
	put_be32(ret, trees->set.levels);
	public_of(trees, 0, ret + 4);
	return 0;
}

static int chains_sign(const struct hss_tree *tree, const struct lms_ots *ots,
	uint32_t q, const uint8_t digits[LMS_DIGITS_LEN], struct buf *b)
{
	uint8_t value[LMS_HASH_LEN];
	int err = 0;

	for (unsigned i = 0; !err && i < ots->chains; i++) {
		err = leaf_secret(tree, q, (uint16_t)i, value);
		if (!err)
			err = lms_ots_chain(tree->id, q, i, 0,
				lms_ots_digit(ots, digits, i), value);
		if (!err)
			err = buf_add(b, value, sizeof(value));
	}
	crypto_wipe(value, sizeof(value));
	return err;
}

static void path_put(const struct hss_trees *trees, unsigned level, uint32_t q,
	struct buf *b)
{
	uint32_t r = (UINT32_C(1) << height_of(trees, level)) + q;

	for (; r > 1; r /= 2)
		buf_add(b, trees->of[level].nodes +
			(size_t)(r ^ 1) * LMS_HASH_LEN, LMS_HASH_LEN);
}

static int level_sign(const struct hss_trees *trees, unsigned level, uint32_t q,
	struct bytes message, struct buf *b)
{
	const struct lms_ots *ots = lms_ots_find(trees->set.ots_types[level]);
	const struct hss_tree *tree = &trees->of[level];
	uint8_t randomizer[LMS_HASH_LEN];
	uint8_t digits[LMS_DIGITS_LEN];
	uint8_t head[8], type[4];
	int err = leaf_secret(tree, q, I_RANDOMIZER, randomizer);

	if (!err)
		err = lms_ots_digits(ots, tree->id, q, randomizer, &message, 1,
			digits);
	if (err)
		return err;
	put_be32(head, q);
	put_be32(head + 4, ots->type);
	put_be32(type, trees->set.tree_types[level]);
	buf_add(b, head, sizeof(head));
	buf_add(b, randomizer, sizeof(randomizer));
	err = chains_sign(tree, ots, q, digits, b);
	buf_add(b, type, sizeof(type));
	path_put(trees, level, q, b);
	return err ? err : b->err;
}

int hss_trees_sign(struct hss_trees *trees, uint64_t leaf,
	struct bytes message, struct buf *ret)
{
	unsigned last = trees->set.levels - 1;
	uint8_t head[4], public[LMS_PUBLIC_LEN];
	int err = 0;

	for (unsigned i = 0; !err && i <= last; i++)
		err = tree_need(trees, i, hss_set_tree_of(&trees->set, i,
			leaf));
	put_be32(head, last);
	buf_add(ret, head, sizeof(head));
	for (unsigned i = 0; !err && i < last; i++) {
		public_of(trees, i + 1, public);
		err = level_sign(trees, i, hss_set_leaf_of(&trees->set, i,
			leaf), bytes_of(public, sizeof(public)), ret);
		buf_add(ret, public, sizeof(public));
	}
	if (!err)
		err = level_sign(trees, last, hss_set_leaf_of(&trees->set,
			last, leaf), message, ret);
	return err ? err : ret->err;
}

uint64_t hss_trees_missing(const struct hss_trees *trees, unsigned levels,
	uint64_t leaf)
{
	uint64_t hashes = 0;

	for (unsigned i = 0; i < levels; i++) {
		const struct lms_ots *ots =
				lms_ots_find(trees->set.ots_types[i]);
		const struct hss_tree *tree = &trees->of[i];

		if (!tree->is_grown || tree->number !=
				hss_set_tree_of(&trees->set, i, leaf))
			hashes += ((uint64_t)ots->chains << ots->width)
					<< height_of(trees, i);
	}
	return hashes;
}

size_t hss_trees_file_max(const struct hss_set *set)
{
	size_t len = FILE_HEAD_LEN + LMS_HASH_LEN;

	for (unsigned i = 0; i < set->levels; i++)
		len += 8 + nodes_len(set, i);
	return len;
}

static int file_tag(const struct hss_trees *trees, struct bytes content,
	uint8_t ret[LMS_HASH_LEN])
{
	struct bytes parts[] = {bytes_of_text("ferry-hss-trees"),
		bytes_of(trees->seed, HSS_SEED_LEN), content};

	return crypto_digest(CRYPTO_SHA256, parts, 3, ret);
}

int hss_trees_save(const struct hss_trees *trees, struct buf *ret)
{
	uint8_t tag[LMS_HASH_LEN];
	int err;

	buf_add(ret, file_head, FILE_HEAD_LEN);
	for (unsigned i = 0; i < trees->set.levels; i++) {
		const struct hss_tree *tree = &trees->of[i];
		uint64_t number = tree->is_grown ? tree->number : UINT64_MAX;
		uint8_t head[8];

		put_be32(head, (uint32_t)(number >> 32));
		put_be32(head + 4, (uint32_t)number);
		buf_add(ret, head, sizeof(head));
		if (tree->is_grown)
			buf_add(ret, tree->nodes, nodes_len(&trees->set, i));
	}
	err = file_tag(trees, buf_bytes(ret), tag);
	return err ? err : buf_add(ret, tag, sizeof(tag));
}

static bool file_is_ours(const struct hss_trees *trees, struct bytes file)
{
	uint8_t tag[LMS_HASH_LEN];

	if (file.len < FILE_HEAD_LEN + sizeof(tag) ||
			memcmp(file.at, file_head, FILE_HEAD_LEN) != 0)
		return false;
	return file_tag(trees, bytes_slice(file, 0, file.len - sizeof(tag)),
		tag) == 0 && memcmp(file.at + file.len - sizeof(tag), tag,
		sizeof(tag)) == 0;
}

void hss_trees_load(struct hss_trees *trees, struct bytes file)
{
	struct bytes rest = file;

	if (!file_is_ours(trees, file))
		return;
	rest = bytes_slice(file, FILE_HEAD_LEN,
		file.len - FILE_HEAD_LEN - LMS_HASH_LEN);
	for (unsigned i = 0; i < trees->set.levels && rest.len >= 8; i++) {
		size_t len = nodes_len(&trees->set, i);
		uint64_t number = get_be64(rest.at);

		rest = bytes_slice(rest, 8, rest.len - 8);
		if (number == UINT64_MAX)
			continue;
		if (rest.len < len || tree_name(trees, i, number))
			return;
		memcpy(trees->of[i].nodes, rest.at, len);
		trees->of[i].is_grown = true;
		rest = bytes_slice(rest, len, rest.len - len);
	}
}
