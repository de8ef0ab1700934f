/* Settings of a driver held against its schema, then against its own rules. */
#include "transports/driver.h"

#include <errno.h>
#include <stdlib.h>

#include "base/nearest.h"

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

static int refuse_unknown(const struct transport_driver *d, uint32_t scope,
	const char *key, size_t at, struct fault *fault)
{
	struct nearest near;
	char shown[32];
	uint32_t i;

	nearest_init(&near, bytes_of_text(key));
	for (i = 0; i < d->table.param_count; i++)
		if (d->params[i].scope & scope)
			nearest_offer(&near, d->params[i].name);
	bytes_to_printable(bytes_of_text(key), shown, sizeof(shown));
	return fault_set(fault, ERR_TRANSPORT_PARAMETER, at, shown,
		"is not known to driver %s%s", d->table.name,
		nearest_text(&near));
}

static int check_schema(const struct transport_driver *d, uint32_t scope,
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
			return refuse_unknown(d, scope, kv[i].key, i, fault);
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

size_t transport_params_preset(const struct transport_driver *d,
	const struct ferry_kv *kv, size_t count, struct ferry_kv *ret)
{
	const struct ferry_param *p;
	size_t n = 0;
	uint32_t i;

	for (i = 0; i < d->table.param_count; i++) {
		p = &d->params[i];
		if ((p->scope & FERRY_SCOPE_INSTANCE) && p->preset &&
			!is_given(kv, count, p->name))
			ret[n++] = (struct ferry_kv){p->name, p->preset};
	}
	return n;
}

/* The driver's own word, on settings as start() would get them. */
static int check_rules(const struct transport_driver *d, uint32_t scope,
	const struct ferry_kv *kv, size_t count, struct fault *fault)
{
	struct ferry_kv *all =
		calloc(count + d->table.param_count + 1, sizeof(*all));
	char text[FERRY_TEXT_MAX + 1] = "";
	char rule[FERRY_TEXT_MAX + 1];
	const char *key = NULL;
	size_t n = count;
	int err;

	if (!all)
		return -ENOMEM;
	if (count)
		memcpy(all, kv, count * sizeof(*all));
	if (scope == FERRY_SCOPE_INSTANCE)
		n += transport_params_preset(d, kv, count, all + count);
	err = d->table.check(scope, all, (uint32_t)n, &key, text);
	text[FERRY_TEXT_MAX] = 0;
	if (err && err != -ENOMEM) {
		bytes_to_printable(bytes_of_text(text), rule, sizeof(rule));
		err = fault_set(fault, ERR_TRANSPORT_PARAMETER, 0,
			key ? key : "settings", "%s",
			rule[0] ? rule : "is not valid");
	}
	free(all);
	return err;
}

int transport_params_check(const struct transport_driver *d, uint32_t scope,
	const struct ferry_kv *kv, size_t count, struct fault *fault)
{
	int err = check_schema(d, scope, kv, count, fault);

	if (err || !d->table.check)
		return err;
	return check_rules(d, scope, kv, count, fault);
}
