#include "tests/unit/policy/hss_maker.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/trust/crypto.h"

#define must(x)                                                                \
	do {                                                                   \
		if (!(x)) {                                                    \
			fprintf(stderr, "hss_maker: %s:%d: %s\n", __FILE__,    \
				__LINE__, #x);                                 \
			abort();                                               \
		}                                                              \
	} while (0)

struct tree {
	const struct lms_ots *ots;
	unsigned height;
	uint32_t q;
	uint8_t pub[LMS_PUBLIC_LEN];
	uint8_t path[LMS_HEIGHT_MAX][LMS_HASH_LEN];
};

/* Any bytes will do, if they are the same each time. */
static void fill(uint8_t *at, size_t len, unsigned level, char what, unsigned n)
{
	uint8_t name[] = {(uint8_t)level, (uint8_t)what, (uint8_t)(n >> 8),
		(uint8_t)n};
	uint8_t hash[LMS_HASH_LEN];

	must(!crypto_sha256(bytes_of(name, sizeof(name)), hash));
	memcpy(at, hash, len);
}

static void tree_make(
	const struct hss_maker *maker, unsigned level, struct tree *t)
{
	uint8_t ends[LMS_CHAINS_MAX * LMS_HASH_LEN];
	uint8_t *id = t->pub + 8;
	uint8_t *node = id + LMS_ID_LEN;

	t->ots = lms_ots_find(maker->ots_types[level]);
	t->height = lms_height(maker->tree_types[level]);
	must(t->ots && t->height && maker->leaf < 1u << t->height);
	t->q = maker->leaf;
	put_be32(t->pub, maker->tree_types[level]);
	put_be32(t->pub + 4, maker->ots_types[level]);
	fill(id, LMS_ID_LEN, level, 'I', 0);
	for (unsigned i = 0; i < t->ots->chains; i++) {
		uint8_t *end = ends + (size_t)i * LMS_HASH_LEN;

		fill(end, LMS_HASH_LEN, level, 'x', i);
		must(!lms_ots_chain(
			id, t->q, i, 0, (1u << t->ots->width) - 1, end));
	}
	must(!lms_ots_public(t->ots, id, t->q, ends, node));
	must(!lms_leaf_node(id, (1u << t->height) + t->q, node, node));
	for (unsigned i = 0; i < t->height; i++) {
		uint32_t r = ((1u << t->height) + t->q) >> i;

		fill(t->path[i], LMS_HASH_LEN, level, 'p', i);
		must(!lms_inner_node(id, r / 2, r % 2 ? t->path[i] : node,
			r % 2 ? node : t->path[i], node));
	}
}

static void tree_sign(const struct tree *t, unsigned level,
	struct bytes message, struct buf *b)
{
	const uint8_t *id = t->pub + 8;
	uint8_t randomizer[LMS_HASH_LEN];
	uint8_t digits[LMS_DIGITS_LEN];
	uint8_t value[LMS_HASH_LEN];
	uint8_t head[8];

	fill(randomizer, LMS_HASH_LEN, level, 'C', 0);
	must(!lms_ots_digits(
		t->ots, id, t->q, randomizer, &message, 1, digits));
	put_be32(head, t->q);
	put_be32(head + 4, t->ots->type);
	buf_add(b, head, sizeof(head));
	buf_add(b, randomizer, sizeof(randomizer));
	for (unsigned i = 0; i < t->ots->chains; i++) {
		fill(value, LMS_HASH_LEN, level, 'x', i);
		must(!lms_ots_chain(id, t->q, i, 0,
			lms_ots_digit(t->ots, digits, i), value));
		buf_add(b, value, sizeof(value));
	}
	buf_add(b, t->pub, 4);
	buf_add(b, t->path, t->height * (size_t)LMS_HASH_LEN);
}

struct hss_maker hss_maker_of(
	unsigned levels, uint32_t tree_type, uint32_t ots_type)
{
	struct hss_maker maker = {.levels = levels, .leaf = 5};

	for (unsigned i = 0; i < levels; i++) {
		maker.tree_types[i] = tree_type;
		maker.ots_types[i] = ots_type;
	}
	return maker;
}

void hss_maker_sign(const struct hss_maker *maker, struct bytes message,
	uint8_t ret_pub[HSS_PUBLIC_LEN], struct buf *ret_signature)
{
	struct tree trees[HSS_LEVELS_MAX];
	uint8_t head[4];

	for (unsigned i = 0; i < maker->levels; i++)
		tree_make(maker, i, &trees[i]);
	put_be32(ret_pub, maker->levels);
	memcpy(ret_pub + 4, trees[0].pub, LMS_PUBLIC_LEN);
	put_be32(head, maker->levels - 1);
	buf_add(ret_signature, head, sizeof(head));
	for (unsigned i = 0; i + 1 < maker->levels; i++) {
		struct bytes next = bytes_of(trees[i + 1].pub, LMS_PUBLIC_LEN);

		tree_sign(&trees[i], i, next, ret_signature);
		buf_add_bytes(ret_signature, next);
	}
	tree_sign(&trees[maker->levels - 1], maker->levels - 1, message,
		ret_signature);
	must(!ret_signature->err);
}
