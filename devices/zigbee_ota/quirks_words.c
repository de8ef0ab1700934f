#include "devices/zigbee_ota/quirks_words.h"

#include <errno.h>
#include <stdio.h>

#define DAY_S 86400u

/* ---- numbers ---- */

static int read_range(struct bytes value, uint32_t max, uint32_t *ret_low,
	uint32_t *ret_high)
{
	const uint8_t *dots = memmem(value.at, value.len, "..", 2);
	size_t len = dots ? (size_t)(dots - value.at) : value.len;
	uint32_t low, high;

	if (bytes_to_u32(bytes_slice(value, 0, len), &low))
		return -EINVAL;
	high = low;
	if (dots && bytes_to_u32(bytes_slice(value, len + 2, value.len), &high))
		return -EINVAL;
	if (low > high || high > max)
		return -EINVAL;
	*ret_low = low;
	*ret_high = high;
	return 0;
}

/* ---- what devices are matched by ---- */

static const struct {
	const char *name;
	bool is_text;
	uint32_t max;
} matches[] = {
	[QUIRK_MATCH_MANUFACTURER] = {"manufacturer", false, 0xfffe},
	[QUIRK_MATCH_TYPE] = {"type", false, 0xfffe},
	[QUIRK_MATCH_VERSION] = {"version", false, UINT32_MAX},
	[QUIRK_MATCH_MODEL] = {"model", true, 0},
	[QUIRK_MATCH_MANUFACTURER_NAME] = {"manufacturer_name", true, 0},
};

const char *quirk_match_name(size_t which)
{
	return which < sizeof(matches) / sizeof(matches[0]) ?
		matches[which].name : NULL;
}

int quirk_match_find(struct bytes name, enum quirk_match *ret)
{
	for (size_t i = 0; i < sizeof(matches) / sizeof(matches[0]); i++)
		if (bytes_is_text(name, matches[i].name)) {
			*ret = (enum quirk_match)i;
			return 0;
		}
	return -ENOENT;
}

static int read_text(struct bytes value, struct bytes *ret)
{
	bool quoted = value.len >= 2 && value.at[0] == '"' &&
		value.at[value.len - 1] == '"';
	struct bytes text = quoted ? bytes_slice(value, 1, value.len - 2) :
		value;

	if (text.len == 0 || memchr(text.at, '"', text.len))
		return -EINVAL;
	*ret = text;
	return 0;
}

int quirk_match_read(enum quirk_match match, struct bytes value,
	uint32_t *ret_low, uint32_t *ret_high, struct bytes *ret_text)
{
	if (matches[match].is_text)
		return read_text(value, ret_text);
	return read_range(value, matches[match].max, ret_low, ret_high);
}

const char *quirk_match_rule(enum quirk_match match)
{
	switch (match) {
	case QUIRK_MATCH_MANUFACTURER:
	case QUIRK_MATCH_TYPE:
		return "must be numbers or LOW..HIGH, 0x0000 to 0xfffe, "
			"separated by |";
	case QUIRK_MATCH_VERSION:
		return "must be numbers or LOW..HIGH of 32 bits, separated by |";
	case QUIRK_MATCH_MODEL:
	case QUIRK_MATCH_MANUFACTURER_NAME:
		return "must be texts of a byte or more, separated by |";
	}
	return "";
}

/* `*` stands for any bytes, also none. Goes back to the last one when what
 * follows it does not fit. */
static bool fits_pattern(struct bytes pattern, struct bytes text)
{
	size_t p = 0, t = 0, star = SIZE_MAX, from = 0;

	while (t < text.len) {
		if (p < pattern.len && pattern.at[p] == '*') {
			star = p++;
			from = t;
		} else if (p < pattern.len && pattern.at[p] == text.at[t]) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++from;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.at[p] == '*')
		p++;
	return p == pattern.len;
}

static bool text_fits(struct bytes pattern, const char *text, size_t size)
{
	struct bytes known = bytes_of(text, strnlen(text, size));

	if (bytes_is_text(pattern, "*"))
		return true;
	return known.len && fits_pattern(pattern, known);
}

bool quirk_match_holds(enum quirk_match match, uint32_t low, uint32_t high,
	struct bytes text, const struct quirk_subject *s)
{
	switch (match) {
	case QUIRK_MATCH_MANUFACTURER:
		return s->manufacturer >= low && s->manufacturer <= high;
	case QUIRK_MATCH_TYPE:
		return s->type >= low && s->type <= high;
	case QUIRK_MATCH_VERSION:
		return s->has_version && s->version >= low &&
			s->version <= high;
	case QUIRK_MATCH_MODEL:
		return text_fits(text, s->model, sizeof(s->model));
	case QUIRK_MATCH_MANUFACTURER_NAME:
		return text_fits(text, s->manufacturer_name,
			sizeof(s->manufacturer_name));
	}
	return false;
}

/* ---- what can be set ---- */

enum kind { KIND_BOOL, KIND_U8, KIND_U16, KIND_U32 };

#define SETTING(member, kind, min, max) \
	{#member, kind, offsetof(struct quirks, member), min, max}

static const struct {
	const char *name;
	enum kind kind;
	size_t offset;
	uint32_t min, max;
} settings[] = {
	SETTING(block_max, KIND_U8, 8, 64),
	SETTING(block_min, KIND_U8, 1, 64),
	SETTING(block_fallback, KIND_U8, 8, 64),
	SETTING(block_delay_ms, KIND_U16, 0, 60000),
	SETTING(ack_blocks, KIND_BOOL, 0, 1),
	SETTING(pages, KIND_BOOL, 0, 1),
	SETTING(honours_wait, KIND_BOOL, 0, 1),
	SETTING(wait_s, KIND_U16, 1, 3600),
	SETTING(idle_s, KIND_U32, 10, 2 * DAY_S),
	SETTING(finish_s, KIND_U32, 10, 2 * DAY_S),
	SETTING(return_s, KIND_U32, 10, 2 * DAY_S),
	SETTING(no_end, KIND_BOOL, 0, 1),
	SETTING(ignore_malformed, KIND_BOOL, 0, 1),
	SETTING(any_key, KIND_BOOL, 0, 1),
	SETTING(restarts_at_zero, KIND_BOOL, 0, 1),
	SETTING(upgrade_now, KIND_BOOL, 0, 1),
	SETTING(attempts_max, KIND_U8, 1, 100),
	SETTING(refuses_downgrade, KIND_BOOL, 0, 1),
	SETTING(lower_is_newer, KIND_BOOL, 0, 1),
	SETTING(broadcast, KIND_BOOL, 0, 1),
};

_Static_assert(sizeof(settings) / sizeof(settings[0]) == QUIRK_SETTING_COUNT,
	"a row has room for every setting once");

const char *quirk_setting_name(size_t which)
{
	return settings[which].name;
}

int quirk_setting_find(struct bytes name, size_t *ret)
{
	for (size_t i = 0; i < QUIRK_SETTING_COUNT; i++)
		if (bytes_is_text(name, settings[i].name)) {
			*ret = i;
			return 0;
		}
	return -ENOENT;
}

int quirk_setting_read(size_t which, struct bytes value, uint32_t *ret)
{
	uint32_t number;

	if (settings[which].kind == KIND_BOOL) {
		if (!bytes_is_text(value, "yes") && !bytes_is_text(value, "no"))
			return -EINVAL;
		*ret = bytes_is_text(value, "yes");
		return 0;
	}
	if (bytes_to_u32(value, &number) || number < settings[which].min ||
			number > settings[which].max)
		return -EINVAL;
	*ret = number;
	return 0;
}

const char *quirk_setting_rule(size_t which, char *text, size_t size)
{
	if (settings[which].kind == KIND_BOOL)
		return "must be yes or no";
	snprintf(text, size, "must be %lu to %lu",
		(unsigned long)settings[which].min,
		(unsigned long)settings[which].max);
	return text;
}

void quirk_setting_put(size_t which, uint32_t value, struct quirks *q)
{
	char *at = (char *)q + settings[which].offset;

	switch (settings[which].kind) {
	case KIND_BOOL:
		*(bool *)at = value != 0;
		break;
	case KIND_U8:
		*(uint8_t *)at = (uint8_t)value;
		break;
	case KIND_U16:
		*(uint16_t *)(void *)at = (uint16_t)value;
		break;
	case KIND_U32:
		*(uint32_t *)(void *)at = value;
		break;
	}
}
