#include "policy/trust/lms.h"

#include "policy/trust/crypto.h"

/* Domain separators of section 7.1. */
#define D_PBLC 0x8080
#define D_MESG 0x8181
#define D_LEAF 0x8282
#define D_INTR 0x8383

/* I, then q or r, then a separator. */
#define PREFIX_LEN (LMS_ID_LEN + 4 + 2)

static const struct lms_ots ots_types[] = {
	{1, 1, 265, 7},
	{2, 2, 133, 6},
	{3, 4, 67, 4},
	{4, 8, 34, 0},
};

const struct lms_ots *lms_ots_find(uint32_t type)
{
	for (size_t i = 0; i < sizeof(ots_types) / sizeof(ots_types[0]); i++)
		if (ots_types[i].type == type)
			return &ots_types[i];
	return NULL;
}

unsigned lms_height(uint32_t type)
{
	return type >= 5 && type <= 9 ? 5 * (type - 4) : 0;
}

int lms_public_read(struct bytes in, struct lms_public *ret)
{
	struct lms_public key;

	if (in.len != LMS_PUBLIC_LEN)
		return ERR_TRUST_HSS_KEY;
	key.tree_type = get_be32(in.at);
	key.height = lms_height(key.tree_type);
	key.ots = lms_ots_find(get_be32(in.at + 4));
	key.id = in.at + 8;
	key.root = in.at + 8 + LMS_ID_LEN;
	if (!key.height || !key.ots)
		return ERR_TRUST_HSS_KEY;
	*ret = key;
	return 0;
}

size_t lms_signature_len(const struct lms_ots *ots, unsigned height)
{
	return 4 + 4 + LMS_HASH_LEN * (size_t)(1 + ots->chains) + 4 +
	       LMS_HASH_LEN * (size_t)height;
}

static void prefix_set(uint8_t prefix[PREFIX_LEN], const uint8_t *id,
	uint32_t number, uint16_t separator)
{
	memcpy(prefix, id, LMS_ID_LEN);
	put_be32(prefix + LMS_ID_LEN, number);
	put_be16(prefix + LMS_ID_LEN + 4, separator);
}

unsigned lms_ots_digit(
	const struct lms_ots *ots, const uint8_t *digits, unsigned i)
{
	unsigned bit = i * ots->width;
	unsigned shift = 8 - ots->width - bit % 8;

	return (unsigned)digits[bit / 8] >> shift & ((1u << ots->width) - 1);
}

static uint16_t checksum(const struct lms_ots *ots, const uint8_t *digits)
{
	unsigned count = 8 * LMS_HASH_LEN / ots->width;
	unsigned top = (1u << ots->width) - 1;
	unsigned sum = 0;

	for (unsigned i = 0; i < count; i++)
		sum += top - lms_ots_digit(ots, digits, i);
	return (uint16_t)(sum << ots->shift);
}

int lms_ots_digits(const struct lms_ots *ots, const uint8_t id[LMS_ID_LEN],
	uint32_t q, const uint8_t randomizer[LMS_HASH_LEN],
	const struct bytes *parts, unsigned count, uint8_t ret[LMS_DIGITS_LEN])
{
	struct bytes all[2 + LMS_PARTS_MAX];
	uint8_t prefix[PREFIX_LEN];
	int err;

	if (count > LMS_PARTS_MAX)
		return ERR_TRUST_CRYPTO;
	prefix_set(prefix, id, q, D_MESG);
	all[0] = bytes_of(prefix, sizeof(prefix));
	all[1] = bytes_of(randomizer, LMS_HASH_LEN);
	for (unsigned i = 0; i < count; i++)
		all[2 + i] = parts[i];
	err = crypto_digest(CRYPTO_SHA256, all, 2 + count, ret);
	if (!err)
		put_be16(ret + LMS_HASH_LEN, checksum(ots, ret));
	return err;
}

int lms_ots_chain(const uint8_t id[LMS_ID_LEN], uint32_t q, unsigned i,
	unsigned from, unsigned to, uint8_t value[LMS_HASH_LEN])
{
	uint8_t in[PREFIX_LEN + 1 + LMS_HASH_LEN];
	int err = 0;

	prefix_set(in, id, q, (uint16_t)i);
	memcpy(in + PREFIX_LEN + 1, value, LMS_HASH_LEN);
	for (unsigned j = from; !err && j < to; j++) {
		in[PREFIX_LEN] = (uint8_t)j;
		err = crypto_sha256(
			bytes_of(in, sizeof(in)), in + PREFIX_LEN + 1);
	}
	memcpy(value, in + PREFIX_LEN + 1, LMS_HASH_LEN);
	return err;
}

static int hash_node(const uint8_t *id, uint32_t number, uint16_t separator,
	struct bytes first, struct bytes second, uint8_t *ret)
{
	uint8_t prefix[PREFIX_LEN];
	struct bytes all[] = {bytes_of(prefix, sizeof(prefix)), first, second};

	prefix_set(prefix, id, number, separator);
	return crypto_digest(CRYPTO_SHA256, all, 3, ret);
}

int lms_ots_public(const struct lms_ots *ots, const uint8_t id[LMS_ID_LEN],
	uint32_t q, const uint8_t *ends, uint8_t ret[LMS_HASH_LEN])
{
	return hash_node(id, q, D_PBLC,
		bytes_of(ends, (size_t)ots->chains * LMS_HASH_LEN),
		bytes_of("", 0), ret);
}

int lms_leaf_node(const uint8_t id[LMS_ID_LEN], uint32_t r,
	const uint8_t ots_public[LMS_HASH_LEN], uint8_t ret[LMS_HASH_LEN])
{
	return hash_node(id, r, D_LEAF, bytes_of(ots_public, LMS_HASH_LEN),
		bytes_of("", 0), ret);
}

int lms_inner_node(const uint8_t id[LMS_ID_LEN], uint32_t r,
	const uint8_t left[LMS_HASH_LEN], const uint8_t right[LMS_HASH_LEN],
	uint8_t ret[LMS_HASH_LEN])
{
	return hash_node(id, r, D_INTR, bytes_of(left, LMS_HASH_LEN),
		bytes_of(right, LMS_HASH_LEN), ret);
}

/* A signature by its layout (section 5.4), as views. */
struct signature {
	uint32_t q;
	const uint8_t *randomizer;
	const uint8_t *chains;
	const uint8_t *path;
};

static int signature_read(
	const struct lms_public *key, struct bytes in, struct signature *ret)
{
	size_t chains_len = (size_t)key->ots->chains * LMS_HASH_LEN;
	const uint8_t *tree_type;

	if (in.len < 8)
		return ERR_TRUST_HSS_FORM;
	if (get_be32(in.at + 4) != key->ots->type)
		return ERR_TRUST_HSS_TYPE;
	if (in.len != lms_signature_len(key->ots, key->height))
		return ERR_TRUST_HSS_FORM;
	ret->q = get_be32(in.at);
	ret->randomizer = in.at + 8;
	ret->chains = ret->randomizer + LMS_HASH_LEN;
	tree_type = ret->chains + chains_len;
	ret->path = tree_type + 4;
	if (get_be32(tree_type) != key->tree_type)
		return ERR_TRUST_HSS_TYPE;
	return ret->q < UINT32_C(1) << key->height ? 0 : ERR_TRUST_HSS_FORM;
}

/* The one-time public key that the signature speaks for (algorithm 4b). */
static int ots_candidate(const struct lms_public *key,
	const struct signature *s, const struct bytes *parts, unsigned count,
	uint8_t ret[LMS_HASH_LEN])
{
	uint8_t ends[LMS_CHAINS_MAX * LMS_HASH_LEN];
	uint8_t digits[LMS_DIGITS_LEN];
	unsigned top = (1u << key->ots->width) - 1;
	int err = lms_ots_digits(
		key->ots, key->id, s->q, s->randomizer, parts, count, digits);

	for (unsigned i = 0; !err && i < key->ots->chains; i++) {
		uint8_t *end = ends + (size_t)i * LMS_HASH_LEN;

		memcpy(end, s->chains + (size_t)i * LMS_HASH_LEN, LMS_HASH_LEN);
		err = lms_ots_chain(key->id, s->q, i,
			lms_ots_digit(key->ots, digits, i), top, end);
	}
	return err ? err : lms_ots_public(key->ots, key->id, s->q, ends, ret);
}

int lms_verify(const struct lms_public *key, const struct bytes *parts,
	unsigned count, struct bytes signature)
{
	uint8_t node[LMS_HASH_LEN];
	struct signature s;
	uint32_t r;
	int err = signature_read(key, signature, &s);

	if (!err)
		err = ots_candidate(key, &s, parts, count, node);
	if (err)
		return err;
	r = (UINT32_C(1) << key->height) + s.q;
	err = lms_leaf_node(key->id, r, node, node);
	for (; !err && r > 1; r /= 2, s.path += LMS_HASH_LEN)
		err = r % 2 ? lms_inner_node(
				      key->id, r / 2, s.path, node, node)
			    : lms_inner_node(
				      key->id, r / 2, node, s.path, node);
	if (err)
		return err;
	return memcmp(node, key->root, LMS_HASH_LEN) == 0
		       ? 0
		       : ERR_TRUST_HSS_SIGNATURE;
}
