#include "tools/sim/switches.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define UNSAID UINT32_MAX
#define DAY_US 86400000000u

static const struct switch_row table[SW_COUNT] = {
#define SWITCH_ROW(id, name, kind, value, times, when)                         \
	[SW_##id] = {name, SWITCH_##kind, value, times, SWITCH_##when},
	SWITCH_MAP(SWITCH_ROW)
#undef SWITCH_ROW
};

static const struct {
	const char *name;
	unsigned bit;
} cbor_styles[] = {
	{"indefinite", CBOR_STYLE_INDEFINITE},
	{"shuffled", CBOR_STYLE_SHUFFLED},
	{"unknown", CBOR_STYLE_UNKNOWN},
	{"rc0", CBOR_STYLE_RC0},
};

/* Ids of the commands of the image group, plus 1. */
static const struct {
	const char *name;
	uint32_t scope;
} error_scopes[] = {{"state.", 1}, {"upload.", 2}, {"erase.", 6}};

const char *switch_name(enum switch_id id)
{
	return table[id].name;
}

enum switch_when switch_when(enum switch_id id)
{
	return table[id].when;
}

void switches_init(struct switches *s)
{
	memset(s, 0, sizeof(*s));
	s->s[SW_RESUME] =
		(struct switch_state){.on = true, .value = 1, .every = 1};
}

bool switch_state_fires(struct switch_state *one)
{
	if (!one->on || (one->times != 0 && one->fired >= one->times))
		return false;
	one->seen++;
	if (one->seen % one->every != 0)
		return false;
	one->fired++;
	return true;
}

bool switch_fires(struct switches *s, enum switch_id id)
{
	return switch_state_fires(&s->s[id]);
}

int number_parse(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0;

	if (*text == '\0')
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || n > max / 10)
			return -EINVAL;
		n = n * 10 + (uint64_t)(*text - '0');
	}
	if (n > max)
		return -EINVAL;
	*ret = n;
	return 0;
}

int word_parse(const char *text, uint64_t *ret)
{
	uint64_t n = 0;
	size_t digits;

	if (text[0] != '0' || text[1] != 'x')
		return number_parse(text, UINT32_MAX, ret);
	text += 2;
	digits = strspn(text, "0123456789abcdefABCDEF");
	if (digits == 0 || digits > 8 || text[digits] != '\0')
		return -EINVAL;
	for (; *text; text++) {
		unsigned c = (unsigned)*text;

		n = n << 4 | (c <= '9' ? c - '0' : (c & 7u) + 9);
	}
	*ret = n;
	return 0;
}

int duration_parse(const char *text, uint64_t *ret_us)
{
	size_t digits = strspn(text, "0123456789");
	char number[16];
	uint64_t n, unit;

	if (digits == 0 || digits >= sizeof(number))
		return -EINVAL;
	memcpy(number, text, digits);
	number[digits] = '\0';
	text += digits;
	if (*text == '\0' || strcmp(text, "ms") == 0)
		unit = 1000;
	else if (strcmp(text, "us") == 0)
		unit = 1;
	else if (strcmp(text, "s") == 0)
		unit = 1000000;
	else
		return -EINVAL;
	if (number_parse(number, DAY_US / unit, &n) < 0)
		return -EINVAL;
	*ret_us = n * unit;
	return 0;
}

static int parse_cbor(const char *text, uint64_t *ret)
{
	uint64_t mask = 0;

	while (*text) {
		size_t len = strcspn(text, "+");
		size_t i;

		for (i = 0; i < 4; i++)
			if (bytes_is_text(
				    bytes_of(text, len), cbor_styles[i].name))
				break;
		if (i == 4)
			return -EINVAL;
		mask |= cbor_styles[i].bit;
		text += len;
		if (*text == '+')
			text++;
	}
	*ret = mask;
	return mask ? 0 : -EINVAL;
}

static int parse_error(const char *text, struct switch_state *ret)
{
	for (size_t i = 0; i < 3; i++) {
		size_t len = strlen(error_scopes[i].name);

		if (strncmp(text, error_scopes[i].name, len) == 0) {
			ret->scope = error_scopes[i].scope;
			text += len;
			break;
		}
	}
	return number_parse(text, 255, &ret->value);
}

static int parse_value(
	enum switch_kind kind, const char *text, struct switch_state *ret)
{
	switch (kind) {
	case SWITCH_FLAG:
		return strcmp(text, "on") == 0 ? 0 : -EINVAL;
	case SWITCH_NUMBER:
		return word_parse(text, &ret->value);
	case SWITCH_DURATION:
		return duration_parse(text, &ret->value);
	case SWITCH_EVERY:
		return number_parse(text, UINT32_MAX, &ret->value) < 0 ||
				       ret->value == 0
			       ? -EINVAL
			       : 0;
	case SWITCH_CBOR:
		return parse_cbor(text, &ret->value);
	case SWITCH_FINISHED:
		ret->value = strcmp(text, "match") == 0;
		return ret->value || strcmp(text, "over") == 0 ? 0 : -EINVAL;
	case SWITCH_ERROR:
		return parse_error(text, ret);
	}
	return -EINVAL;
}

/* Cuts `text` at the last `mark` and reads the number behind it. */
static int take_suffix(char *text, char mark, uint64_t least, uint32_t *ret)
{
	char *at = strrchr(text, mark);
	uint64_t n;

	if (!at)
		return 0;
	if (number_parse(at + 1, UINT32_MAX, &n) < 0 || n < least)
		return -EINVAL;
	*at = '\0';
	*ret = (uint32_t)n;
	return 0;
}

static bool find(const struct switch_row *rows, int count, const char *name,
	int *ret)
{
	for (int i = 0; i < count; i++) {
		if (strcmp(rows[i].name, name) == 0) {
			*ret = i;
			return true;
		}
	}
	return false;
}

int switch_read(const struct switch_row *rows, int count, const char *text,
	int *ret_id, struct switch_state *ret, struct fault *fault)
{
	struct switch_state next = {.on = true, .every = 1, .times = UNSAID};
	int id = 0;
	char copy[96];
	char *value;

	if (strlen(text) >= sizeof(copy))
		return fault_set(fault, -EINVAL, 0, "switch", "is too long");
	strcpy(copy, text);
	value = strchr(copy, '=');
	if (value)
		*value++ = '\0';
	else
		value = copy + strlen(copy);
	if (!find(rows, count, copy, &id) &&
		(*value != '\0' || take_suffix(copy, ':', 0, &next.times) < 0 ||
			!find(rows, count, copy, &id)))
		return fault_set(fault, -EINVAL, 0, "switch",
			"%s is not a switch", copy);
	next.value = rows[id].value;
	if (strcmp(value, "off") == 0)
		next.on = false;
	else if (*value != '\0' &&
		 (take_suffix(value, ':', 0, &next.times) < 0 ||
			 take_suffix(value, '/', 1, &next.every) < 0 ||
			 parse_value(rows[id].kind, value, &next) < 0))
		return fault_set(fault, -EINVAL, 0, copy,
			"value %s is not of its form", value);
	if (next.times == UNSAID)
		next.times = rows[id].times;
	if (rows[id].kind == SWITCH_EVERY)
		next.every = (uint32_t)next.value;
	*ret = next;
	*ret_id = id;
	return 0;
}

int switches_set(struct switches *s, const char *text, enum switch_id *ret_id,
	struct fault *fault)
{
	struct switch_state next;
	int id, err = switch_read(table, SW_COUNT, text, &id, &next, fault);

	if (err)
		return err;
	s->s[id] = next;
	if (ret_id)
		*ret_id = (enum switch_id)id;
	return 0;
}
