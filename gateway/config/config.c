#include "gateway/config/config.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/nearest.h"
#include "devices/engine.h"
#include "gateway/config/network.h"
#include "gateway/config/schema.h"

#define REFUSE(p, code, file, field, ...) \
	conf_problem_set(p, code, file, 0, field, __VA_ARGS__)

int config_uuid_parse(const char *text, uint8_t ret[16])
{
	char plain[33];
	size_t n = 0;

	if (strlen(text) != 36)
		return -EINVAL;
	for (size_t i = 0; i < 36; i++) {
		bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;

		if (hyphen != (text[i] == '-'))
			return -EINVAL;
		if (!hyphen)
			plain[n++] = text[i];
	}
	plain[n] = '\0';
	return bytes_from_hex(plain, ret, 16);
}

/* ---- one file each ---- */

/* The name of a file without its folder and ".conf" is the preset; none where
 * it is too long, so that the file must say its name. */
static void name_from_file(char *name, size_t size, const char *path)
{
	const char *base = strrchr(path, '/');
	size_t len;

	base = base ? base + 1 : path;
	len = strlen(base) - 5;
	if (len < size)
		snprintf(name, size, "%.*s", (int)len, base);
}

static int check_name(const char *file, const char *name,
	struct conf_problem *p)
{
	size_t good = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-");

	if (!*name || strlen(name) >= CONFIG_NAME_SIZE)
		return REFUSE(p, ERR_CONFIG_VALUE, file, "name",
			"must have 1 to 63 characters");
	if (name[good])
		return REFUSE(p, ERR_CONFIG_VALUE, file, "name",
			"may hold only a-z 0-9 . _ -");
	return 0;
}

static int read_approval(const char *text, enum config_approval *ret)
{
	static const char *const names[] = {"auto", "ask", "security-only"};

	for (unsigned i = 0; i < 3; i++) {
		if (strcmp(text, names[i]))
			continue;
		*ret = (enum config_approval)i;
		return 0;
	}
	return -EINVAL;
}

static int parse_uuids(char (*texts)[40], unsigned count, uint8_t (*ret)[16],
	const char *file, const char *field, struct conf_problem *p)
{
	for (unsigned i = 0; i < count; i++)
		if (config_uuid_parse(texts[i], ret[i]))
			return REFUSE(p, ERR_CONFIG_VALUE, file, field,
				"must be UUIDs, not '%s'", texts[i]);
	return 0;
}

static int vendor_read(const char *path, void *into, struct conf_problem *p)
{
	struct config_vendor *v = into;
	int err;

	config_vendor_init(v);
	snprintf(v->file, sizeof(v->file), "%s", path);
	name_from_file(v->name, sizeof(v->name), path);
	err = conf_read(path, config_vendor_fields, v, p);
	if (!err)
		err = check_name(path, v->name, p);
	if (!err)
		err = parse_uuids(v->vendor_id_texts, v->vendor_id_count,
			v->vendor_ids, path, "vendor_ids", p);
	if (!err)
		err = parse_uuids(v->class_id_texts, v->class_id_count,
			v->class_ids, path, "class_ids", p);
	if (err)
		return err;
	if (v->vendor_id_count == 0)
		return REFUSE(p, ERR_CONFIG_MISSING, path, "vendor_ids",
			"must name at least one vendor-id");
	if (!v->link.certificate[0] != !v->link.key[0])
		return REFUSE(p, ERR_CONFIG_MISSING, path, "link.key",
			"certificate and key come together");
	v->signers = (enum revocation_policy)config_revocation_parse(
		v->revocation);
	v->server = strcmp(v->revocation_tls, "as-vendor") ?
		(enum revocation_policy)config_revocation_parse(
			v->revocation_tls) : v->signers;
	v->revocation_off = v->signers == REVOCATION_OFF;
	return 0;
}

static int class_time(const char *text, int64_t *ret)
{
	struct tm tm = {0};
	const char *end;

	*ret = 0;
	if (!*text)
		return 0;
	end = strptime(text, "%Y-%m-%d", &tm);
	if (!end || *end)
		return -EINVAL;
	*ret = (int64_t)timegm(&tm);
	return 0;
}

/* Settings in words, by the names of devices/class.h. */
static int class_words(const char *path, const struct config_class_file *f,
	struct device_class *d, struct conf_problem *p)
{
	if (config_uuid_parse(f->vendor_id, d->vendor_id))
		return REFUSE(p, ERR_CONFIG_VALUE, path, "vendor_id",
			"must be a UUID, not '%s'", f->vendor_id);
	if (config_uuid_parse(f->class_id, d->class_id))
		return REFUSE(p, ERR_CONFIG_VALUE, path, "class_id",
			"must be a UUID, not '%s'", f->class_id);
	if (class_validates_read(f->device_checks, &d->validates))
		return REFUSE(p, ERR_CONFIG_VALUE, path, "device_checks",
			"must be digest, signature or hash-based, not '%s'",
			f->device_checks);
	if (class_confirm_read(f->confirm, &d->confirm))
		return REFUSE(p, ERR_CONFIG_VALUE, path, "confirm",
			"must be on_version, after_seconds, command or never, "
			"not '%s'", f->confirm);
	if (class_reappear_read(f->reappear, &d->reappear))
		return REFUSE(p, ERR_CONFIG_VALUE, path, "reappear",
			"must be same_key, same_link, usb_serial or "
			"address_plus_1, not '%s'", f->reappear);
	if (class_envelope_read(f->envelope, &d->envelope))
		return REFUSE(p, ERR_CONFIG_VALUE, path, "envelope",
			"must be none or integrated, not '%s'", f->envelope);
	if (class_hw_source_read(f->hw_source, &d->hw_source))
		return REFUSE(p, ERR_CONFIG_VALUE, path, "hw_source",
			"must be unknown, fixed, attribute or engine, not '%s'",
			f->hw_source);
	if (class_time(f->end_of_support, &d->end_of_support_s))
		return REFUSE(p, ERR_CONFIG_VALUE, path, "end_of_support",
			"must be a date like 2030-12-31, not '%s'",
			f->end_of_support);
	return 0;
}

static int class_lists(const char *path, const struct config_class_file *f,
	struct device_class *d, struct conf_problem *p)
{
	for (unsigned i = 0; i < f->match_count; i++) {
		if (strlen(f->match[i].value) >= sizeof(d->match[i].glob))
			return conf_problem_set(p, ERR_CONFIG_RANGE, path,
				f->match[i].line, f->match[i].key,
				"must be shorter than %zu bytes",
				sizeof(d->match[i].glob));
		snprintf(d->match[i].name, sizeof(d->match[i].name), "%s",
			f->match[i].key);
		snprintf(d->match[i].glob, sizeof(d->match[i].glob), "%.63s",
			f->match[i].value);
	}
	d->match_count = f->match_count;
	for (unsigned i = 0; i < f->component_count; i++) {
		snprintf(d->components[i].id, sizeof(d->components[i].id), "%s",
			f->components[i].id);
		d->components[i].slot = (uint32_t)f->components[i].slot;
	}
	d->component_count = f->component_count;
	for (unsigned i = 0; i < f->tier_count; i++)
		for (unsigned k = 0; k < i; k++)
			if (f->tiers[i].step == f->tiers[k].step)
				return REFUSE(p, ERR_CONFIG_TWICE, path,
					"tiers", "step %d stands twice",
					(int)f->tiers[i].step);
	for (unsigned i = 0; i < f->tier_count; i++)
		d->tiers[f->tiers[i].step] =
			(uint8_t)config_tier_parse(f->tiers[i].tier);
	return 0;
}

static void class_plain(const struct config_class_file *f,
	struct device_class *d)
{
	snprintf(d->name, sizeof(d->name), "%s", f->name);
	snprintf(d->vendor, sizeof(d->vendor), "%s", f->vendor);
	snprintf(d->engine, sizeof(d->engine), "%s", f->engine);
	snprintf(d->options, sizeof(d->options), "%s", f->options);
	snprintf(d->hw_value, sizeof(d->hw_value), "%s", f->hw_value);
	snprintf(d->reset_line, sizeof(d->reset_line), "%s", f->reset_line);
	d->auto_enrol = f->auto_enrol;
	d->reset_on_open = f->reset_on_open;
	d->battery = f->battery;
	d->strip_signatures = f->strip_signatures;
	d->can_revert = f->can_revert;
	d->can_resume = f->can_resume;
	d->can_prove = f->can_prove;
	d->connect_limit_s = (uint32_t)f->connect_limit_s;
	d->transfer_limit_s = (uint32_t)f->transfer_limit_s;
	d->return_limit_s = (uint32_t)f->return_limit_s;
	d->inventory_interval_s = (uint32_t)f->inventory_interval_s;
	d->confirm_after_s = (uint32_t)f->confirm_after_s;
}

static struct signer_demand class_demand(const struct config_class_file *f)
{
	struct signer_demand demand = {0};

	for (unsigned i = 0; i < f->require_role_count; i++)
		demand.roles |= signer_role_bit(
			bytes_of_text(f->require_roles[i]));
	for (unsigned i = 0; i < f->require_signature_count; i++)
		demand.algs |= signer_alg_bit(
			bytes_of_text(f->require_signatures[i]));
	return demand;
}

static int class_convert(const char *path, const struct config_class_file *f,
	struct config_class *c, struct conf_problem *p)
{
	struct fault fault = {0};
	int err = class_words(path, f, &c->device, p);

	if (err)
		return err;
	class_plain(f, &c->device);
	err = class_lists(path, f, &c->device, p);
	if (err)
		return err;
	err = class_check(&c->device, &fault);
	if (err)
		return REFUSE(p, err, path, fault.field, "%s", fault.rule);
	if (f->channel_count && network_engine(c->device.engine))
		return REFUSE(p, ERR_CONFIG_VALUE, path, "channel",
			"must be left out: engine '%s' knows its own",
			c->device.engine);
	c->has_approval = f->approval[0] != '\0';
	if (c->has_approval && read_approval(f->approval, &c->approval))
		return REFUSE(p, ERR_CONFIG_VALUE, path, "approval",
			"must be auto, ask or security-only, not '%s'",
			f->approval);
	snprintf(c->vendor, sizeof(c->vendor), "%s", f->vendor);
	snprintf(c->window, sizeof(c->window), "%s", f->window);
	c->demand = class_demand(f);
	c->encrypted = (enum config_encrypted)config_encrypted_parse(
		f->encrypted);
	if (c->encrypted != CONFIG_ENCRYPTED_REFUSE &&
			c->device.envelope == CLASS_ENVELOPE_INTEGRATED)
		return REFUSE(p, ERR_CONFIG_VALUE, path, "encrypted",
			"must be refuse with envelope = \"integrated\": what "
			"the device gets would not be what the envelope names");
	c->channel_count = f->channel_count;
	memcpy(c->channel, f->channel, sizeof(c->channel));
	return 0;
}

static int class_read(const char *path, void *into, struct conf_problem *p)
{
	struct config_class *c = into;
	struct config_class_file *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return REFUSE(p, -ENOMEM, path, "file", "finds no memory");
	class_init(&c->device);
	config_class_file_init(f, &c->device);
	snprintf(c->file, sizeof(c->file), "%s", path);
	name_from_file(f->name, sizeof(f->name), path);
	err = conf_read(path, config_class_fields, f, p);
	if (!err)
		err = check_name(path, f->name, p);
	if (!err)
		err = class_convert(path, f, c, p);
	free(f);
	return err;
}

static char *put_text(char **at, const char *text)
{
	size_t size = strlen(text) + 1;
	char *to = memcpy(*at, text, size);

	*at += size;
	return to;
}

static int link_convert(const char *path, const struct config_link_file *f,
	struct config_link *l, struct conf_problem *p)
{
	size_t size = f->param_count * sizeof(l->params[0]) + strlen(path) + 1;
	char *at;

	for (unsigned i = 0; i < f->param_count; i++)
		size += strlen(f->params[i].key) + 1 +
			strlen(f->params[i].value) + 1;
	l->params = malloc(size);
	if (!l->params)
		return REFUSE(p, -ENOMEM, path, "file", "finds no memory");
	at = (char *)(l->params + f->param_count);
	l->file = put_text(&at, path);
	for (unsigned i = 0; i < f->param_count; i++)
		l->params[i] = (struct config_param){
			put_text(&at, f->params[i].key),
			put_text(&at, f->params[i].value),
			f->params[i].line};
	l->param_count = f->param_count;
	memcpy(l->name, f->name, sizeof(l->name));
	memcpy(l->driver, f->driver, sizeof(l->driver));
	l->line = f->line;
	l->is_delegate = f->delegate[0] != '\0';
	l->max_transfers = f->max_transfers;
	return network_convert(path, f, &l->network, p);
}

/* Either a driver of ours or another program. */
static int link_kind(const char *path, struct config_link_file *f,
	struct conf_problem *p)
{
	const struct engine_ops *engine = engine_find(f->delegate);

	if (!f->driver[0] && !f->delegate[0])
		return REFUSE(p, ERR_CONFIG_MISSING, path, "driver",
			"is missing, and so is delegate");
	if (f->driver[0] && f->delegate[0])
		return REFUSE(p, ERR_CONFIG_VALUE, path, "delegate", "makes no sense beside driver");
	if (!f->delegate[0])
		return 0;
	if (!engine || !engine->delegate)
		return REFUSE(p, ERR_CONFIG_VALUE, path, "delegate", "must be zigbee2mqtt, not '%s'",
			f->delegate);
	if (f->network.engine[0] || f->network.options[0] ||
			f->network.quirks[0])
		return REFUSE(p, ERR_CONFIG_VALUE, path, "network", "must be left out: %s owns the radio",
			f->delegate);
	memcpy(f->driver, f->delegate, sizeof(f->driver));
	return 0;
}

static int link_read(const char *path, void *into, struct conf_problem *p)
{
	struct config_link_file f = {0};
	int err;

	name_from_file(f.name, sizeof(f.name), path);
	err = conf_read(path, config_link_fields, &f, p);
	if (!err)
		err = check_name(path, f.name, p);
	if (!err)
		err = link_kind(path, &f, p);
	return err ? err : link_convert(path, &f, into, p);
}

static void links_free(struct config_link *links, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		free(links[i].params);
		network_free(links[i].network);
	}
	free(links);
}

/* ---- folders ---- */

static int is_conf(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 5 &&
		!strcmp(entry->d_name + len - 5, ".conf");
}

/* A kind of file: a folder of them becomes an array. */
struct kind {
	const char *folder;
	size_t size; /* of an element */
	unsigned max;
	int (*read)(const char *path, void *into, struct conf_problem *p);
};

static const struct kind kinds[] = {
	{"vendors.d", sizeof(struct config_vendor), CONFIG_VENDORS_MAX,
		vendor_read},
	{"classes.d", sizeof(struct config_class), CONFIG_CLASSES_MAX,
		class_read},
	{"links.d", sizeof(struct config_link), CONFIG_LINKS_MAX, link_read},
};

static int read_entries(const char *path, const struct kind *kind,
	struct dirent **entries, unsigned n, char *array,
	struct conf_problem *p)
{
	char file[CONFIG_PATH_SIZE + 300];
	int err = 0;

	for (unsigned i = 0; i < n && !err; i++) {
		snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
		err = kind->read(file, array + i * kind->size, p);
	}
	return err;
}

/* Reads each *.conf of a folder, in the order of their names. An absent folder
 * is an empty one. */
static int read_folder(const char *folder, const struct kind *kind, void **ret,
	unsigned *ret_count, struct conf_problem *p)
{
	char path[CONFIG_PATH_SIZE + 16];
	struct dirent **entries = NULL;
	char *array = NULL;
	int n, err = 0;

	snprintf(path, sizeof(path), "%s/%s", folder, kind->folder);
	n = scandir(path, &entries, is_conf, alphasort);
	if (n < 0)
		return errno == ENOENT ? 0 : REFUSE(p, -errno, path, "folder",
			"cannot be read: %s", err_text(-errno));
	if ((unsigned)n > kind->max)
		err = REFUSE(p, ERR_CONFIG_RANGE, path, "folder",
			"may hold at most %u files", kind->max);
	if (!err && n > 0) {
		array = calloc((size_t)n, kind->size);
		err = array ? read_entries(path, kind, entries, (unsigned)n,
			array, p) : REFUSE(p, -ENOMEM, path, "folder",
			"finds no memory");
	}
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	/* Also after an error: the caller frees what was read so far. */
	*ret = array;
	*ret_count = array ? (unsigned)n : 0;
	return err;
}

/* ---- across files ---- */

const struct config_vendor *config_vendor_find(const struct config *config,
	const char *name)
{
	for (unsigned i = 0; i < config->vendor_count; i++)
		if (!strcmp(config->vendors[i].name, name))
			return &config->vendors[i];
	return NULL;
}

const struct config_class *config_class_find(const struct config *config,
	const char *name)
{
	for (unsigned i = 0; i < config->class_count; i++)
		if (!strcmp(config->classes[i].device.name, name))
			return &config->classes[i];
	return NULL;
}

const struct config_link *config_link_find(const struct config *config,
	const char *name)
{
	for (unsigned i = 0; i < config->link_count; i++)
		if (!strcmp(config->links[i].name, name))
			return &config->links[i];
	return NULL;
}

static bool is_among(const uint8_t id[16], const uint8_t (*ids)[16],
	unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (!memcmp(id, ids[i], 16))
			return true;
	return false;
}

bool config_vendor_may_name(const struct config_vendor *vendor,
	const uint8_t vendor_id[16], const uint8_t class_id[16])
{
	if (!is_among(vendor_id, (const uint8_t (*)[16])vendor->vendor_ids,
			vendor->vendor_id_count))
		return false;
	return vendor->class_id_count == 0 || is_among(class_id,
		(const uint8_t (*)[16])vendor->class_ids,
		vendor->class_id_count);
}

static bool claims(const struct config_vendor *v, const struct config_class *c)
{
	return config_vendor_may_name(v, c->device.vendor_id,
		c->device.class_id);
}

/* The vendor whose heir this one is, if that claims the class too. */
static const struct config_vendor *elder(const struct config *config,
	const struct config_class *c, const struct config_vendor *v)
{
	const struct config_vendor *e = v->heir_of[0] ?
		config_vendor_find(config, v->heir_of) : NULL;

	return e && claims(e, c) ? e : NULL;
}

const struct config_vendor *config_class_first(const struct config *config,
	const struct config_class *c)
{
	const struct config_vendor *v = NULL;

	for (unsigned i = 0; i < config->vendor_count && !v; i++)
		if (claims(&config->vendors[i], c))
			v = &config->vendors[i];
	/* Heirs of each other in a ring would never end. */
	for (unsigned i = 0; v && i < config->vendor_count; i++) {
		const struct config_vendor *e = elder(config, c, v);

		if (!e)
			return v;
		v = e;
	}
	return NULL;
}

/* No file of vendors.d has the name. */
static int refuse_vendor(const struct config *config, const char *file,
	const char *field, const char *name, struct conf_problem *p)
{
	struct nearest near;

	nearest_init(&near, bytes_of_text(name));
	for (unsigned i = 0; i < config->vendor_count; i++)
		nearest_offer(&near, config->vendors[i].name);
	return REFUSE(p, ERR_CONFIG_REFERENCE, file, field,
		"names no file of vendors.d: '%s'%s", name,
		nearest_text(&near));
}

static int check_heir(const struct config *config,
	const struct config_vendor *v, struct conf_problem *p)
{
	if (!v->heir_of[0])
		return 0;
	if (!strcmp(v->heir_of, v->name))
		return REFUSE(p, ERR_CONFIG_REFERENCE, v->file, "heir_of",
			"must be another file of vendors.d");
	return config_vendor_find(config, v->heir_of) ? 0 : refuse_vendor(
		config, v->file, "heir_of", v->heir_of, p);
}

/* Keys are checked for each image; without any, none can be opened. */
static int check_keys(const struct config *config,
	const struct config_class *c, struct conf_problem *p)
{
	const struct config_vendor *vendor = config_vendor_find(config,
		c->vendor);

	if (c->encrypted == CONFIG_ENCRYPTED_OPEN && vendor &&
			!vendor->decryption_key_count)
		return REFUSE(p, ERR_CONFIG_MISSING, c->file, "encrypted",
			"is open, but vendor '%s' has no decryption_keys",
			c->vendor);
	return 0;
}

/* Two vendors that may both name a class: neither starts, but for an heir, which
 * waits for the transfer. */
static int check_claims(const struct config *config,
	const struct config_class *c, struct conf_problem *p)
{
	const struct config_vendor *vendor = config_vendor_find(config,
		c->vendor);
	const struct config_vendor *first;

	if (!vendor)
		return refuse_vendor(config, c->file, "vendor", c->vendor, p);
	if (!claims(vendor, c))
		return REFUSE(p, ERR_CONFIG_REFERENCE, c->file, "class_id",
			"is not one that vendor '%s' may name", c->vendor);
	first = config_class_first(config, c);
	if (!first)
		return REFUSE(p, ERR_CONFIG_REFERENCE, c->file, "class_id",
			"is claimed by vendors that are heirs in a ring");
	for (unsigned i = 0; i < config->vendor_count; i++)
		if (&config->vendors[i] != first &&
				claims(&config->vendors[i], c) &&
				!elder(config, c, &config->vendors[i]))
			return REFUSE(p, ERR_CONFIG_TWICE, c->file, "class_id",
				"is claimed by vendor '%s' and by '%s', which "
				"is not its heir", first->name,
				config->vendors[i].name);
	return 0;
}

static int check_names(const struct config *config, struct conf_problem *p)
{
	for (unsigned i = 0; i < config->vendor_count; i++) {
		const struct config_vendor *v = &config->vendors[i];

		if (config_vendor_find(config, v->name) != v)
			return REFUSE(p, ERR_CONFIG_TWICE, v->file, "name",
				"'%s' stands twice", v->name);
	}
	for (unsigned i = 0; i < config->class_count; i++) {
		const struct config_class *c = &config->classes[i];

		if (config_class_find(config, c->device.name) != c)
			return REFUSE(p, ERR_CONFIG_TWICE, c->file, "name",
				"'%s' stands twice", c->device.name);
	}
	for (unsigned i = 0; i < config->link_count; i++) {
		const struct config_link *l = &config->links[i];

		if (config_link_find(config, l->name) != l)
			return REFUSE(p, ERR_CONFIG_TWICE, l->file, "name",
				"'%s' stands twice", l->name);
	}
	return 0;
}

static const struct config_param *link_param(const struct config_link *l,
	const char *key)
{
	for (unsigned i = 0; i < l->param_count; i++)
		if (!strcmp(l->params[i].key, key))
			return &l->params[i];
	return NULL;
}

static const struct config_param *radio_port(const struct config_link *l)
{
	return strcmp(l->driver, "zigbee") ? NULL : link_param(l, "port");
}

/* A coordinator serves one host: the second link would only steal its port. */
static int check_radios(const struct config *config, struct conf_problem *p)
{
	for (unsigned i = 0; i < config->link_count; i++) {
		const struct config_link *l = &config->links[i];
		const struct config_param *port = radio_port(l);

		for (unsigned k = 0; port && k < i; k++) {
			const struct config_param *other = radio_port(
				&config->links[k]);

			if (other && !strcmp(port->value, other->value))
				return conf_problem_set(p, ERR_CONFIG_TWICE,
					l->file, port->line, "port",
					"'%s' is that of link '%s'; a "
					"coordinator serves one link",
					port->value, config->links[k].name);
		}
	}
	return 0;
}

static bool is_same_param(const struct config_link *a,
	const struct config_link *b, const char *key)
{
	const struct config_param *one = link_param(a, key);
	const struct config_param *other = link_param(b, key);

	return one && other ? !strcmp(one->value, other->value) : one == other;
}

/* Both links would hand each job over. */
static int check_delegates(const struct config *config, struct conf_problem *p)
{
	for (unsigned i = 0; i < config->link_count; i++) {
		const struct config_link *l = &config->links[i];

		for (unsigned k = 0; l->is_delegate && k < i; k++) {
			const struct config_link *other = &config->links[k];

			if (other->is_delegate && link_param(l, "url") &&
					is_same_param(l, other, "url") &&
					is_same_param(l, other, "topic"))
				return conf_problem_set(p, ERR_CONFIG_TWICE,
					l->file, link_param(l, "url")->line,
					"url", "and topic are those of link "
					"'%s'", other->name);
		}
	}
	return 0;
}

static int check_all(const struct config *config, struct conf_problem *p)
{
	int err = check_names(config, p);

	for (unsigned i = 0; i < config->vendor_count && !err; i++)
		err = check_heir(config, &config->vendors[i], p);
	for (unsigned i = 0; i < config->class_count && !err; i++)
		err = check_claims(config, &config->classes[i], p);
	for (unsigned i = 0; i < config->class_count && !err; i++)
		err = check_keys(config, &config->classes[i], p);
	if (!err)
		err = check_radios(config, p);
	return err ? err : check_delegates(config, p);
}

/* ---- the whole ---- */

static int main_read(struct config *config, const char *folder,
	struct conf_problem *p)
{
	char path[CONFIG_PATH_SIZE + 16];
	int err;

	config_presets(config);
	if (strlen(folder) >= sizeof(config->folder))
		return REFUSE(p, ERR_CONFIG_RANGE, folder, "folder",
			"has too long a path");
	snprintf(config->folder, sizeof(config->folder), "%s", folder);
	snprintf(path, sizeof(path), "%s/ferryd.conf", folder);
	err = conf_read(path, config_main_fields, config, p);
	if (err)
		return err;
	if (read_approval(config->approval_text, &config->approval))
		return REFUSE(p, ERR_CONFIG_VALUE, path, "approval",
			"must be auto, ask or security-only, not '%s'",
			config->approval_text);
	if (config->retry.first_s > config->retry.max_s)
		return REFUSE(p, ERR_CONFIG_RANGE, path, "retry",
			"first_s must not be more than max_s");
	if (!strcmp(config->relay.clock, "synchronised"))
		config->clock = CONFIG_CLOCK_SYNCHRONISED;
	else if (!strcmp(config->relay.clock, "untrusted"))
		config->clock = CONFIG_CLOCK_UNTRUSTED;
	else
		config->clock = CONFIG_CLOCK_AUTO;
	return 0;
}

int config_load(const char *folder, struct config **ret,
	struct conf_problem *problem)
{
	struct config *config = calloc(1, sizeof(*config));
	void *arrays[3] = {NULL, NULL, NULL};
	unsigned counts[3] = {0, 0, 0};
	int err;

	if (!config)
		return REFUSE(problem, -ENOMEM, folder, "folder",
			"finds no memory");
	err = main_read(config, folder, problem);
	for (unsigned i = 0; i < 3 && !err; i++)
		err = read_folder(folder, &kinds[i], &arrays[i], &counts[i],
			problem);
	config->vendors = arrays[0];
	config->vendor_count = counts[0];
	config->classes = arrays[1];
	config->class_count = counts[1];
	config->links = arrays[2];
	config->link_count = counts[2];
	if (!err)
		err = check_all(config, problem);
	if (err) {
		conf_locate(problem);
		config_free(config);
		return err;
	}
	*ret = config;
	return 0;
}

void config_free(struct config *config)
{
	if (!config)
		return;
	free(config->vendors);
	free(config->classes);
	links_free(config->links, config->link_count);
	free(config);
}
