/* What a class says of drivers: the words that its peers are known by, the
 * settings of its channel, the lines that restart its devices.
 *
 * A class is for the links whose engine it names, on the driver that its rules
 * name, if they do. What none of these understands is an error; what a driver
 * does not tell of itself may be anything. */
#include "gateway/daemon/check_priv.h"

#include <stdio.h>

#include "base/nearest.h"
#include "devices/attributes.h"
#include "devices/engine.h"
#include "gateway/daemon/drivers.h"

/* The driver that the class is bound to, NULL when it is not bound to one. */
static const char *bound_driver(const struct device_class *d)
{
	for (size_t i = 0; i < d->match_count; i++)
		if (!strcmp(d->match[i].name, "driver") &&
				!strpbrk(d->match[i].glob, "*?"))
			return d->match[i].glob;
	return NULL;
}

/* Whether devices of the class may be found on the link. */
static bool is_for(const struct device_class *d,
	const struct config_link *link)
{
	const char *driver = bound_driver(d);
	const struct engine_ops *engine = engine_find(d->engine);

	if (driver && strcmp(driver, link->driver))
		return false;
	if (link->is_delegate)
		return !strcmp(link->driver, d->engine);
	if (link->network)
		return !strcmp(link->network->engine, d->engine);
	return !engine->network;
}

/* ---- match ---- */

static void offer_all(struct nearest *near, const char *const *words)
{
	for (size_t i = 0; words && words[i]; i++)
		nearest_offer(near, words[i]);
}

static bool is_among(const char *word, const char *const *words)
{
	for (size_t i = 0; words && words[i]; i++)
		if (!strcmp(word, words[i]))
			return true;
	return false;
}

static const char *const *words_of(const struct check_driver *d)
{
	return transport_driver_table(d->driver)->attributes;
}

/* Peers of such a driver may have attributes of any name. */
static bool may_have_any(const struct config_check *c,
	const struct device_class *d)
{
	const char *driver = bound_driver(d);
	const struct check_driver *known = driver ?
		check_driver_find(c, driver) : NULL;

	if (known && !words_of(known))
		return true;
	for (unsigned i = 0; i < c->config->link_count; i++) {
		const struct config_link *link = &c->config->links[i];

		known = link->is_delegate || !is_for(d, link) ? NULL :
			check_driver_find(c, link->driver);
		if (known && !words_of(known))
			return true;
	}
	return false;
}

static const char *const own_words[] = {"driver", "link", "key", NULL};

/* Of all drivers, but for those that the class is not bound to. */
static bool is_word(const struct config_check *c, const struct device_class *d,
	const char *word, struct nearest *near)
{
	const struct engine_ops *engine = engine_find(d->engine);
	const char *driver = bound_driver(d);
	bool found = is_among(word, own_words) ||
		is_among(word, engine->attributes);

	offer_all(near, own_words);
	offer_all(near, engine->attributes);
	for (unsigned i = 0; i < c->driver_count; i++) {
		const struct check_driver *known = &c->drivers[i];

		if (driver && strcmp(driver, known->name))
			continue;
		found = found || is_among(word, words_of(known));
		offer_all(near, words_of(known));
	}
	return found;
}

static int check_words(const struct config_check *c,
	const struct config_class *class)
{
	const struct device_class *d = &class->device;

	if (may_have_any(c, d))
		return 0;
	for (size_t i = 0; i < d->match_count; i++) {
		const char *word = d->match[i].name;
		struct nearest near;
		char field[64];

		nearest_init(&near, bytes_of_text(word));
		if (is_word(c, d, word, &near))
			continue;
		snprintf(field, sizeof(field), "match.%s", word);
		return conf_problem_set(c->problem, ERR_CONFIG_UNKNOWN,
			class->file, 0, field, "is nothing that peers are known "
			"by%s", nearest_text(&near));
	}
	return 0;
}

/* A rule that nothing can ever meet: a number in decimal, capital letters. */
static int check_forms(const struct config_check *c,
	const struct config_class *class)
{
	const struct device_class *d = &class->device;
	char form[64];
	char field[64];

	if (may_have_any(c, d))
		return 0;
	for (size_t i = 0; i < d->match_count; i++) {
		const struct class_match *m = &d->match[i];

		if (attribute_may_fit(m->name, m->glob, form, sizeof(form)))
			continue;
		snprintf(field, sizeof(field), "match.%s", m->name);
		return conf_problem_set(c->problem, ERR_CONFIG_VALUE,
			class->file, 0, field, "must be written as %s%s, not "
			"'%s'", form, strchr(form, '#') ? ", each # one of "
			"0-9 and a-f" : "", m->glob);
	}
	return 0;
}

/* A driver that is loaded from a file may be missing still. */
static int check_bound(const struct config_check *c,
	const struct config_class *class)
{
	const char *driver = bound_driver(&class->device);
	const struct engine_ops *engine = driver ? engine_find(driver) : NULL;
	struct nearest near;

	if (!driver || (engine && engine->delegate) ||
			check_driver_find(c, driver) ||
			c->config->drivers.allow_shared_objects)
		return 0;
	nearest_init(&near, bytes_of_text(driver));
	for (unsigned i = 0; i < c->driver_count; i++)
		nearest_offer(&near, c->drivers[i].name);
	for (size_t i = 0; (engine = engine_at(i)); i++)
		if (engine->delegate)
			nearest_offer(&near, engine->name);
	return conf_problem_set(c->problem, ERR_CONFIG_REFERENCE, class->file,
		0, "match.driver", "'%s' is no driver%s", driver,
		nearest_text(&near));
}

/* ---- channel and lines ---- */

/* One thing that a class asks of the drivers of its links. */
struct asked {
	uint32_t scope;
	const struct ferry_kv *kv;
	size_t count;
};

/* Good if one of the drivers takes it, or if there are none yet. */
static int ask_drivers(const struct config_check *c,
	const struct device_class *d,
	const struct asked *asked, struct fault *fault)
{
	int first = 0;

	for (unsigned i = 0; i < c->config->link_count; i++) {
		const struct config_link *link = &c->config->links[i];
		const struct check_driver *known = is_for(d, link) ?
			check_driver_find(c, link->driver) : NULL;
		int err;

		if (!known)
			continue;
		/* The first fault stays. */
		err = transport_params_check(known->driver, asked->scope,
			asked->kv, asked->count, fault);
		if (!err)
			return 0;
		if (!first)
			first = err;
	}
	return first;
}

static int check_channel(const struct config_check *c,
	const struct config_class *class)
{
	struct ferry_kv kv[sizeof(class->channel) / sizeof(class->channel[0])];
	const struct asked asked = {FERRY_SCOPE_CHANNEL, kv,
		class->channel_count};
	struct fault fault = {0};
	int err;

	if (!class->channel_count)
		return 0;
	for (unsigned i = 0; i < class->channel_count; i++)
		kv[i] = (struct ferry_kv){class->channel[i].key,
			class->channel[i].value};
	err = ask_drivers(c, &class->device, &asked, &fault);
	if (!err)
		return 0;
	fault_within(&fault, "channel.");
	return conf_problem_set(c->problem, err, class->file, 0, fault.field,
		"%s", fault.rule[0] ? fault.rule : err_text(err));
}

/* As a session hands them to the driver. */
static int check_lines(const struct config_check *c,
	const struct config_class *class)
{
	const struct ferry_kv kv = {"lines", class->device.reset_line};
	const struct asked asked = {FERRY_SCOPE_SET, &kv, 1};
	struct fault fault = {0};
	int err;

	if (!class->device.reset_line[0])
		return 0;
	err = ask_drivers(c, &class->device, &asked, &fault);
	return err ? conf_problem_set(c->problem, err, class->file, 0,
		"reset_line", "%s", fault.rule[0] ? fault.rule :
		err_text(err)) : 0;
}

int check_class(const struct config_check *c, const struct config_class *class)
{
	int err = check_bound(c, class);

	if (!err)
		err = check_words(c, class);
	if (!err)
		err = check_forms(c, class);
	if (!err)
		err = check_channel(c, class);
	return err ? err : check_lines(c, class);
}
