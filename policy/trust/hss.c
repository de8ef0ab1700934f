#include "policy/trust/hss.h"

static int public_read(
	struct bytes pub, uint32_t *ret_levels, struct lms_public *ret)
{
	if (pub.len != HSS_PUBLIC_LEN)
		return ERR_TRUST_HSS_KEY;
	*ret_levels = get_be32(pub.at);
	if (*ret_levels < 1 || *ret_levels > HSS_LEVELS_MAX)
		return ERR_TRUST_HSS_KEY;
	return lms_public_read(bytes_of(pub.at + 4, LMS_PUBLIC_LEN), ret);
}

int hss_public_check(struct bytes pub)
{
	struct lms_public key;
	uint32_t levels;

	return public_read(pub, &levels, &key);
}

/* The next `len` bytes, or an empty view with .at NULL. */
static struct bytes take(struct bytes *from, size_t len)
{
	struct bytes taken = {0};

	if (len > from->len)
		return taken;
	taken = bytes_of(from->at, len);
	*from = bytes_of(from->at + len, from->len - len);
	return taken;
}

/* One signed public key: verified by `key`, which it replaces. */
static int step_down(struct bytes *rest, struct lms_public *key)
{
	struct bytes signature =
		take(rest, lms_signature_len(key->ots, key->height));
	struct bytes next = take(rest, LMS_PUBLIC_LEN);
	struct lms_public below;
	int err;

	if (!signature.at || !next.at || lms_public_read(next, &below))
		return ERR_TRUST_HSS_FORM;
	err = lms_verify(key, &next, 1, signature);
	if (!err)
		*key = below;
	return err;
}

int hss_verify(struct bytes pub, const struct bytes *parts, unsigned count,
	struct bytes signature)
{
	struct bytes rest = signature;
	struct lms_public key;
	struct bytes head;
	uint32_t levels;
	int err = public_read(pub, &levels, &key);

	if (err)
		return err;
	head = take(&rest, 4);
	if (!head.at || get_be32(head.at) != levels - 1)
		return ERR_TRUST_HSS_FORM;
	for (uint32_t i = 1; !err && i < levels; i++)
		err = step_down(&rest, &key);
	return err ? err : lms_verify(&key, parts, count, rest);
}
