#include "devices/attributes.h"

#include <stdio.h>
#include <string.h>

void attributes_keep(struct attributes *a, const struct peer_attribute *list,
	size_t count)
{
	size_t kept = 0;

	a->len = 0;
	for (size_t i = 0; i < count && kept < ATTRIBUTES_MAX; i++) {
		size_t name_size = strlen(list[i].name) + 1;
		size_t value_size = strlen(list[i].value) + 1;
		size_t room = sizeof(a->at) - a->len;

		if (name_size > room || value_size > room - name_size)
			continue;
		memcpy(a->at + a->len, list[i].name, name_size);
		memcpy(a->at + a->len + name_size, list[i].value, value_size);
		a->len = (uint16_t)(a->len + name_size + value_size);
		kept++;
	}
}

size_t attributes_list(const struct attributes *a,
	struct peer_attribute into[ATTRIBUTES_MAX])
{
	size_t count = 0;
	size_t at = 0;

	while (at < a->len && count < ATTRIBUTES_MAX) {
		const char *name = a->at + at;
		const char *value = name + strlen(name) + 1;

		into[count++] = (struct peer_attribute){name, value};
		at = (size_t)(value + strlen(value) + 1 - a->at);
	}
	return count;
}

/* ---- as they are stored ---- */

static bool is_name(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

static bool is_value(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

int attributes_restore(struct attributes *a, struct bytes stored)
{
	struct peer_attribute list[ATTRIBUTES_MAX];
	struct attributes read = {.len = (uint16_t)stored.len};
	size_t texts = 0, count;

	if (stored.len > sizeof(read.at) ||
			(stored.len && stored.at[stored.len - 1]))
		return ERR_STORE_ROW;
	if (stored.len)
		memcpy(read.at, stored.at, stored.len);
	for (size_t i = 0; i < stored.len; i++)
		texts += !read.at[i];
	if (texts % 2 || texts / 2 > ATTRIBUTES_MAX)
		return ERR_STORE_ROW;
	count = attributes_list(&read, list);
	for (size_t i = 0; i < count; i++)
		if (!list[i].name[0] || !is_name(list[i].name) ||
				!is_value(list[i].value))
			return ERR_STORE_ROW;
	*a = read;
	return 0;
}

static uint32_t hash_text(uint32_t hash, const char *text)
{
	do {
		hash = (hash ^ (uint8_t)*text) * 16777619u; /* FNV-1a */
	} while (*text++);
	return hash;
}

uint32_t attributes_hash(const struct attributes *a, const char *but)
{
	struct peer_attribute list[ATTRIBUTES_MAX];
	size_t count = attributes_list(a, list);
	uint32_t sum = 0;

	for (size_t i = 0; i < count; i++)
		if (!but || strcmp(list[i].name, but) != 0)
			sum += hash_text(hash_text(2166136261u, list[i].name),
				list[i].value);
	return sum;
}

/* ---- how they are written ---- */

/* '#' is a digit of a number in hexadecimal. */
static const struct {
	const char *name;
	const char *form;
} forms[] = {
	{"eui64", "################"},
	{"nwk", "0x####"},
	{"manufacturer", "0x####"},
	{"image_type", "0x####"},
	{"file_version", "0x########"},
	{"kind", "router"},
	{"kind", "sleepy"},
	{"kind", "unknown"},
	{"usb_vid", "####"},
	{"usb_pid", "####"},
};

#define FORMS (sizeof(forms) / sizeof(forms[0]))

static bool is_one(char form, char asked)
{
	if (asked == '?' || asked == form)
		return true;
	return form == '#' && asked && strchr("0123456789abcdef", asked);
}

/* As class_glob_fits(): greedy, with one point of return. */
static bool form_fits(const char *glob, const char *form)
{
	const char *star = NULL;
	const char *from = NULL;

	while (*form) {
		if (*glob == '*') {
			star = ++glob;
			from = form;
		} else if (is_one(*form, *glob)) {
			glob++;
			form++;
		} else if (star) {
			glob = star;
			form = ++from;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return *glob == '\0';
}

bool attribute_may_fit(const char *name, const char *glob, char *ret_form,
	size_t size)
{
	size_t at = 0;

	for (size_t i = 0; i < FORMS; i++) {
		if (strcmp(forms[i].name, name))
			continue;
		if (form_fits(glob, forms[i].form))
			return true;
		if (at < size)
			at += (size_t)snprintf(ret_form + at, size - at,
				"%s%s", at ? " or " : "", forms[i].form);
	}
	return at == 0;
}
