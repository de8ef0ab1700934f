#include "tools/publish/hss_set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
	const char *name;
	uint32_t type;
} trees[] = {{"h5", 5}, {"h10", 6}, {"h15", 7}},
	widths[] = {{"w1", 1}, {"w2", 2}, {"w4", 3}, {"w8", 4}};

static int level_parse(const char *text, size_t len, uint32_t *ret_tree,
	uint32_t *ret_ots)
{
	char want[16];

	for (size_t t = 0; t < sizeof(trees) / sizeof(*trees); t++)
		for (size_t w = 0; w < sizeof(widths) / sizeof(*widths); w++) {
			snprintf(want, sizeof(want), "%s/%s", trees[t].name,
				widths[w].name);
			if (strlen(want) != len || memcmp(want, text, len) != 0)
				continue;
			*ret_tree = trees[t].type;
			*ret_ots = widths[w].type;
			return 0;
		}
	return -EINVAL;
}

int hss_set_parse(const char *text, struct hss_set *ret)
{
	struct hss_set set = {0};

	while (set.levels < HSS_LEVELS_MAX) {
		size_t len = strcspn(text, ",");
		int err = level_parse(text, len, &set.tree_types[set.levels],
			&set.ots_types[set.levels]);

		if (err)
			return err;
		set.levels++;
		text += len;
		if (*text == '\0') {
			err = hss_set_check(&set);
			if (!err)
				*ret = set;
			return err;
		}
		text++;
	}
	return -EINVAL;
}

static unsigned bits_below(const struct hss_set *set, unsigned level)
{
	unsigned bits = 0;

	for (unsigned i = level; i < set->levels; i++)
		bits += lms_height(set->tree_types[i]);
	return bits;
}

int hss_set_check(const struct hss_set *set)
{
	if (set->levels < 1 || set->levels > HSS_LEVELS_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < set->levels; i++) {
		unsigned height = lms_height(set->tree_types[i]);

		if (height == 0 || height > HSS_SET_HEIGHT_MAX ||
				!lms_ots_find(set->ots_types[i]))
			return -EINVAL;
	}
	return bits_below(set, 0) <= HSS_SET_LEAVES_BITS_MAX ? 0 : -EINVAL;
}

char *hss_set_format(const struct hss_set *set, char text[HSS_SET_TEXT_SIZE])
{
	size_t len = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < set->levels && len < HSS_SET_TEXT_SIZE; i++)
		len += (size_t)snprintf(text + len, HSS_SET_TEXT_SIZE - len,
			"%sh%u/w%u", i ? "," : "",
			lms_height(set->tree_types[i]),
			lms_ots_find(set->ots_types[i])->width);
	return text;
}

uint64_t hss_set_total(const struct hss_set *set)
{
	return UINT64_C(1) << bits_below(set, 0);
}

static size_t level_len(const struct hss_set *set, unsigned level)
{
	return lms_signature_len(lms_ots_find(set->ots_types[level]),
		lms_height(set->tree_types[level]));
}

size_t hss_set_signature_len(const struct hss_set *set)
{
	size_t len = 4;

	for (unsigned i = 0; i < set->levels; i++)
		len += level_len(set, i) + (i ? LMS_PUBLIC_LEN : 0);
	return len;
}

uint32_t hss_set_leaf_of(const struct hss_set *set, unsigned level,
	uint64_t leaf)
{
	unsigned height = lms_height(set->tree_types[level]);

	leaf >>= bits_below(set, level + 1);
	return (uint32_t)(leaf & ((UINT64_C(1) << height) - 1));
}

uint64_t hss_set_tree_of(const struct hss_set *set, unsigned level,
	uint64_t leaf)
{
	return leaf >> bits_below(set, level);
}

int hss_set_leaf_read(const struct hss_set *set, struct bytes signature,
	uint64_t *ret)
{
	size_t at = 4;
	uint64_t leaf = 0;

	if (signature.len != hss_set_signature_len(set))
		return -EINVAL;
	for (unsigned i = 0; i < set->levels; i++) {
		uint32_t q = get_be32(signature.at + at);
		unsigned height = lms_height(set->tree_types[i]);

		if (q >> height)
			return -EINVAL;
		leaf = leaf << height | q;
		at += level_len(set, i) + LMS_PUBLIC_LEN;
	}
	*ret = leaf;
	return 0;
}
