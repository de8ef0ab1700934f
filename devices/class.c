#include "devices/class.h"

#include "base/nearest.h"
#include "devices/engine.h"

#include <errno.h>

static const char *const confirm_names[] = {
	[CLASS_CONFIRM_ON_VERSION] = "on_version",
	[CLASS_CONFIRM_AFTER] = "after_seconds",
	[CLASS_CONFIRM_COMMAND] = "command",
	[CLASS_CONFIRM_NEVER] = "never",
};

static const char *const validates_names[] = {
	[CLASS_VALIDATES_DIGEST] = "digest",
	[CLASS_VALIDATES_SIGNATURE] = "signature",
	[CLASS_VALIDATES_HASH_BASED] = "hash-based",
};

static const char *const reappear_names[] = {
	[CLASS_REAPPEAR_SAME_KEY] = "same_key",
	[CLASS_REAPPEAR_SAME_LINK] = "same_link",
	[CLASS_REAPPEAR_USB_SERIAL] = "usb_serial",
	[CLASS_REAPPEAR_ADDRESS_PLUS_1] = "address_plus_1",
};

static const char *const hw_source_names[] = {
	[CLASS_HW_UNKNOWN] = "unknown",
	[CLASS_HW_FIXED] = "fixed",
	[CLASS_HW_ATTRIBUTE] = "attribute",
	[CLASS_HW_ENGINE] = "engine",
};

static const char *const envelope_names[] = {
	[CLASS_ENVELOPE_NONE] = "none",
	[CLASS_ENVELOPE_INTEGRATED] = "integrated",
};

#define COUNT(names) (sizeof(names) / sizeof((names)[0]))

static int find_name(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; name && i < count; i++)
		if (!strcmp(names[i], name))
			return (int)i;
	return -EINVAL;
}

const char *class_validates_name(enum class_validates validates)
{
	return validates_names[validates];
}

int class_validates_read(const char *name, enum class_validates *ret)
{
	int i = find_name(validates_names, COUNT(validates_names), name);

	if (i < 0)
		return i;
	*ret = (enum class_validates)i;
	return 0;
}

const char *class_confirm_name(enum class_confirm confirm)
{
	return confirm_names[confirm];
}

const char *class_reappear_name(enum class_reappear reappear)
{
	return reappear_names[reappear];
}

const char *class_hw_source_name(enum class_hw_source source)
{
	return hw_source_names[source];
}

const char *class_envelope_name(enum class_envelope envelope)
{
	return envelope_names[envelope];
}

int class_confirm_read(const char *name, enum class_confirm *ret)
{
	int i = find_name(confirm_names, COUNT(confirm_names), name);

	if (i < 0)
		return i;
	*ret = (enum class_confirm)i;
	return 0;
}

int class_reappear_read(const char *name, enum class_reappear *ret)
{
	int i = find_name(reappear_names, COUNT(reappear_names), name);

	if (i < 0)
		return i;
	*ret = (enum class_reappear)i;
	return 0;
}

int class_hw_source_read(const char *name, enum class_hw_source *ret)
{
	int i = find_name(hw_source_names, COUNT(hw_source_names), name);

	if (i < 0)
		return i;
	*ret = (enum class_hw_source)i;
	return 0;
}

int class_envelope_read(const char *name, enum class_envelope *ret)
{
	int i = find_name(envelope_names, COUNT(envelope_names), name);

	if (i < 0)
		return i;
	*ret = (enum class_envelope)i;
	return 0;
}

void class_init(struct device_class *c)
{
	*c = (struct device_class){
		.connect_limit_s = 30,
		.transfer_limit_s = 3600,
		.return_limit_s = 120,
		.inventory_interval_s = 86400,
		.confirm = CLASS_CONFIRM_ON_VERSION,
		.reappear = CLASS_REAPPEAR_SAME_KEY,
		.can_prove = true,
	};
}

/* Greedy with one point of return, so the work is bounded by the product of
 * both lengths. */
bool class_glob_fits(const char *glob, const char *text)
{
	const char *star = NULL;
	const char *from = NULL;

	while (*text) {
		if (*glob == '*') {
			star = ++glob;
			from = text;
		} else if (*glob == '?' || *glob == *text) {
			glob++;
			text++;
		} else if (star) {
			glob = star;
			text = ++from;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return *glob == '\0';
}

const char *peer_attribute(const struct peer_sight *sight, const char *name)
{
	for (size_t i = 0; i < sight->attribute_count; i++)
		if (!strcmp(sight->attributes[i].name, name))
			return sight->attributes[i].value;
	return NULL;
}

static const char *sight_value(const struct peer_sight *sight, const char *name)
{
	if (!strcmp(name, "driver"))
		return sight->driver;
	if (!strcmp(name, "link"))
		return sight->link;
	if (!strcmp(name, "key"))
		return sight->key;
	return peer_attribute(sight, name);
}

const struct class_match *class_mismatch(const struct device_class *c,
	const struct peer_sight *sight, const char **ret_value)
{
	for (size_t i = 0; i < c->match_count; i++) {
		const char *value = sight_value(sight, c->match[i].name);

		if (value && class_glob_fits(c->match[i].glob, value))
			continue;
		*ret_value = value;
		return &c->match[i];
	}
	return NULL;
}

bool class_matches(const struct device_class *c,
	const struct peer_sight *sight)
{
	const char *value;

	return c->match_count > 0 && !class_mismatch(c, sight, &value);
}

int class_component_slot(const struct device_class *c, const char *component,
	uint32_t *ret)
{
	for (size_t i = 0; i < c->component_count; i++) {
		if (strcmp(c->components[i].id, component) != 0)
			continue;
		*ret = c->components[i].slot;
		return 0;
	}
	return -ENOENT;
}

static bool is_zero(const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (at[i])
			return false;
	return true;
}

static int check_components(const struct device_class *c, struct fault *f)
{
	if (c->component_count == 0 ||
			c->component_count > CLASS_COMPONENTS_MAX)
		return fault_set(f, ERR_CLASS_INVALID, 0, "components",
			"there must be 1 to %d", CLASS_COMPONENTS_MAX);
	for (size_t i = 1; i < c->component_count; i++)
		for (size_t j = 0; j < i; j++)
			if (!strcmp(c->components[i].id, c->components[j].id))
				return fault_set(f, ERR_CLASS_INVALID, 0,
					"components", "%s stands there twice",
					c->components[i].id);
	return 0;
}

static int check_found(const struct device_class *c, struct fault *f)
{
	if (c->match_count > CLASS_MATCHES_MAX)
		return fault_set(f, ERR_CLASS_INVALID, 0, "match",
			"at most %d rules", CLASS_MATCHES_MAX);
	if (c->auto_enrol && c->match_count == 0)
		return fault_set(f, ERR_CLASS_INVALID, 0, "auto_enrol",
			"needs at least one rule in `match`");
	if ((c->hw_source == CLASS_HW_FIXED ||
				c->hw_source == CLASS_HW_ATTRIBUTE) &&
			c->hw_value[0] == '\0')
		return fault_set(f, ERR_CLASS_INVALID, 0, "hw_value",
			"must be set when the source is %s",
			class_hw_source_name(c->hw_source));
	return 0;
}

static bool is_line_word(const char *word, size_t len)
{
	static const char *const lines[] = {"dtr=", "rts=", "break="};
	size_t digits = strspn(word, "0123456789");

	if (digits > 0)
		return digits <= 5 && len == digits + 2 &&
			!strncmp(word + digits, "ms", 2);
	for (size_t i = 0; i < COUNT(lines); i++) {
		size_t n = strlen(lines[i]);

		if (len == n + 1 && !strncmp(word, lines[i], n))
			return word[n] == '0' || word[n] == '1';
	}
	return false;
}

/* The words that the drivers of lines know. */
static int check_reset_line(const struct device_class *c, struct fault *f)
{
	const char *at = c->reset_line;

	while (*at) {
		size_t len = strcspn(at, " ");

		if (len && !is_line_word(at, len))
			return fault_set(f, ERR_CLASS_INVALID, 0, "reset_line",
				"is made of dtr=0, dtr=1, rts=0, rts=1, "
				"break=0, break=1 and pauses such as 100ms");
		at += len + (at[len] == ' ');
	}
	return 0;
}

static int check_promises(const struct device_class *c, struct fault *f)
{
	for (size_t i = 1; i < CLASS_STEPS; i++)
		if (c->tiers[i] > 4)
			return fault_set(f, ERR_CLASS_INVALID, 0, "tiers",
				"step %zu: tier must be none to +3", i);
	if (c->confirm == CLASS_CONFIRM_AFTER && c->confirm_after_s == 0)
		return fault_set(f, ERR_CLASS_INVALID, 0, "confirm",
			"after_seconds needs a number of seconds");
	if (c->confirm != CLASS_CONFIRM_AFTER && c->confirm_after_s)
		return fault_set(f, ERR_CLASS_INVALID, 0, "confirm",
			"seconds make sense with after_seconds only");
	if (c->strip_signatures && c->envelope == CLASS_ENVELOPE_NONE)
		return fault_set(f, ERR_CLASS_INVALID, 0, "strip_signatures",
			"makes sense with an envelope only");
	if (c->return_limit_s == 0 || c->transfer_limit_s == 0 ||
			c->connect_limit_s == 0)
		return fault_set(f, ERR_CLASS_INVALID, 0, "limits",
			"time limits must be 1 s or more");
	return 0;
}

static int refuse_engine(const struct device_class *c, struct fault *f)
{
	const struct engine_ops *engine;
	struct nearest near;

	nearest_init(&near, bytes_of_text(c->engine));
	for (size_t i = 0; (engine = engine_at(i)); i++)
		nearest_offer(&near, engine->name);
	return fault_set(f, ERR_ENGINE_UNKNOWN, 0, "engine",
		"there is none of that name: %s%s", c->engine,
		nearest_text(&near));
}

int class_check(const struct device_class *c, struct fault *f)
{
	const struct engine_ops *engine = engine_find(c->engine);
	int rc;

	if (c->name[0] == '\0' || c->vendor[0] == '\0')
		return fault_set(f, ERR_CLASS_INVALID, 0,
			c->name[0] ? "vendor" : "name", "must be set");
	if (is_zero(c->vendor_id, 16) || is_zero(c->class_id, 16))
		return fault_set(f, ERR_CLASS_INVALID, 0,
			is_zero(c->class_id, 16) ? "class_id" : "vendor_id",
			"must be a UUID that is not nil");
	if (!engine)
		return refuse_engine(c, f);
	rc = engine->network ? engine->class_options(c->options, f) :
		engine->create(c->options, NULL, f);
	if (rc) {
		fault_within(f, "options.");
		return rc;
	}
	rc = check_components(c, f);
	if (rc == 0 && engine->class_check)
		rc = engine->class_check(c, f);
	if (rc == 0)
		rc = check_found(c, f);
	if (rc == 0)
		rc = check_reset_line(c, f);
	if (rc == 0)
		rc = check_promises(c, f);
	return rc;
}
