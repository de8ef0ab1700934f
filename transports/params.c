/* Settings of a driver held against its schema. */
#include "transports/driver.h"

#include <errno.h>
#include <stdlib.h>

static const struct ferry_param *param_find(
	const struct transport_driver *d, uint32_t scope, const char *name)
{
	uint32_t i;

	for (i = 0; i < d->table.param_count; i++)
		if ((d->params[i].scope & scope) &&
			!strcmp(d->params[i].name, name))
			return &d->params[i];
	return NULL;
}

static bool uint_in_range(const char *text, const char *range)
{
	unsigned long long value, low = 0, high = UINT64_MAX;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end)
		return false;
	if (range) {
		low = strtoull(range, &end, 10);
		if (!strncmp(end, "..", 2) && end[2])
			high = strtoull(end + 2, NULL, 10);
	}
	return value >= low && value <= high;
}

static bool is_choice(const char *text, const char *range)
{
	size_t len = strlen(text);

	while (range && *range) {
		size_t word = strcspn(range, "|");

		if (word == len && !memcmp(range, text, len))
			return true;
		range += word + (range[word] == '|');
	}
	return false;
}

static int check_value(
	const struct ferry_param *p, const char *value, struct fault *fault)
{
	const char *range = p->range ? p->range : "any";

	switch (p->type) {
	case FERRY_TYPE_UINT:
		if (!uint_in_range(value, p->range))
			return fault_set(fault, ERR_TRANSPORT_PARAMETER, 0,
				p->name, "must be a number of %s", range);
		return 0;
	case FERRY_TYPE_BOOL:
		if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
			return fault_set(fault, ERR_TRANSPORT_PARAMETER, 0,
				p->name, "must be yes or no");
		return 0;
	case FERRY_TYPE_CHOICE:
		if (!is_choice(value, p->range))
			return fault_set(fault, ERR_TRANSPORT_PARAMETER, 0,
				p->name, "must be one of %s", range);
		return 0;
	default:
		if (strlen(value) > 4095)
			return fault_set(fault, ERR_TRANSPORT_PARAMETER, 0,
				p->name, "is longer than 4095 bytes");
		if (!value[0] && (p->flags & FERRY_PARAM_REQUIRED))
			return fault_set(fault, ERR_TRANSPORT_PARAMETER, 0,
				p->name, "must not be empty");
		return 0;
	}
}

static bool is_given(const struct ferry_kv *kv, size_t count, const char *key)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (kv[i].key && !strcmp(kv[i].key, key))
			return true;
	return false;
}

int transport_params_check(const struct transport_driver *d, uint32_t scope,
	const struct ferry_kv *kv, size_t count, struct fault *fault)
{
	const struct ferry_param *p;
	size_t i;
	int err;

	for (i = 0; i < count; i++) {
		if (!kv[i].key || !kv[i].value)
			return fault_set(fault, ERR_TRANSPORT_PARAMETER, i,
				"settings", "number %zu has no key or value",
				i);
		p = param_find(d, scope, kv[i].key);
		if (!p)
			return fault_set(fault, ERR_TRANSPORT_PARAMETER, i,
				kv[i].key, "is not known to driver %s",
				d->table.name);
		/* A list to be carried out in order may repeat itself. */
		if (scope != FERRY_SCOPE_SET && is_given(kv, i, kv[i].key))
			return fault_set(fault, ERR_TRANSPORT_PARAMETER, i,
				kv[i].key, "is given twice");
		err = check_value(p, kv[i].value, fault);
		if (err)
			return err;
	}
	for (i = 0; i < d->table.param_count; i++) {
		p = &d->params[i];
		if ((p->scope & scope) && (p->flags & FERRY_PARAM_REQUIRED) &&
			!is_given(kv, count, p->name))
			return fault_set(fault, ERR_TRANSPORT_PARAMETER, 0,
				p->name, "is missing");
	}
	return 0;
}
