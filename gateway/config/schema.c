#include "gateway/config/schema.h"

#include <errno.h>
#include <stdio.h>

#define TEXT(type, member, ...) \
	{.name = #member, .kind = CONF_TEXT, .offset = offsetof(type, member), \
		.size = sizeof(((type *)0)->member), __VA_ARGS__}
#define INT(type, member, low, high) \
	{.name = #member, .kind = CONF_INT, .offset = offsetof(type, member), \
		.min = (low), .max = (high)}
#define BOOL(type, member) \
	{.name = #member, .kind = CONF_BOOL, .offset = offsetof(type, member)}
#define TEXTS(type, label, member, count, ...) \
	{.name = label, .kind = CONF_TEXTS, .offset = offsetof(type, member), \
		.size = sizeof(((type *)0)->member[0]), \
		.max_count = sizeof(((type *)0)->member) / \
			sizeof(((type *)0)->member[0]), \
		.count_offset = offsetof(type, count), __VA_ARGS__}
#define PAIRS(type, label, member, count) \
	{.name = label, .kind = CONF_PAIRS, .offset = offsetof(type, member), \
		.max_count = sizeof(((type *)0)->member) / \
			sizeof(struct conf_pair), \
		.count_offset = offsetof(type, count)}
#define GROUPS(type, label, member, count, fields) \
	{.name = label, .kind = CONF_GROUPS, .offset = offsetof(type, member), \
		.size = sizeof(((type *)0)->member[0]), .group = (fields), \
		.max_count = sizeof(((type *)0)->member) / \
			sizeof(((type *)0)->member[0]), \
		.count_offset = offsetof(type, count)}
#define GROUP(label, fields) \
	{.name = label, .kind = CONF_GROUP, .offset = 0, .group = (fields)}
#define END {.name = NULL}

#define YEAR_S (366L * 86400)

static const char *absolute_rule(const char *text)
{
	return text[0] == '/' ? NULL : "must be an absolute path";
}

static const char *url_rule(const char *text)
{
	return strncmp(text, "https://", 8) || !text[8] ?
		"must begin with https://" : NULL;
}

static const char *level_rule(const char *text)
{
	return strcmp(text, "error") && strcmp(text, "warn") &&
		strcmp(text, "info") && strcmp(text, "debug") ?
		"must be error, warn, info or debug" : NULL;
}

static const char *mode_rule(const char *text)
{
	return strlen(text) == 4 && text[0] == '0' &&
		strspn(text, "01234567") == 4 ? NULL :
		"must be four octal digits such as 0660";
}

static const char *clock_rule(const char *text)
{
	return strcmp(text, "auto") && strcmp(text, "synchronised") &&
		strcmp(text, "untrusted") ?
		"must be auto, synchronised or untrusted" : NULL;
}

static const char *kind_rule(const char *text)
{
	return strcmp(text, "https") ? "must be https" : NULL;
}

static const char *tls_rule(const char *text)
{
	return strcmp(text, "1.3") && strcmp(text, "1.2") ?
		"must be 1.3 or 1.2" : NULL;
}

static const char *const revocation_words[] = {
	[REVOCATION_REQUIRE] = "require",
	[REVOCATION_IF_REACHABLE] = "require-if-reachable",
	[REVOCATION_OFF] = "off",
};

int config_revocation_parse(const char *text)
{
	for (int i = 0; i < 3; i++)
		if (!strcmp(text, revocation_words[i]))
			return i;
	return -EINVAL;
}

const char *config_revocation_name(enum revocation_policy policy)
{
	return revocation_words[policy];
}

static const char *revocation_rule(const char *text)
{
	return config_revocation_parse(text) < 0 ?
		"must be require, require-if-reachable or off" : NULL;
}

static const char *revocation_tls_rule(const char *text)
{
	return strcmp(text, "as-vendor") && config_revocation_parse(text) < 0 ?
		"must be as-vendor, require, require-if-reachable or off" :
		NULL;
}

static const char *pin_rule(const char *text)
{
	uint8_t pin[32];

	return bytes_from_hex(text, pin, sizeof(pin)) ?
		"must be 64 hexadecimal digits" : NULL;
}

static const char *keys_rule(const char *text)
{
	return strncmp(text, "credential:", 11) && text[0] != '/' ?
		"must be an absolute path or credential:NAME" : NULL;
}

static const char *const encrypted_words[] = {
	[CONFIG_ENCRYPTED_REFUSE] = "refuse",
	[CONFIG_ENCRYPTED_SEALED] = "sealed",
	[CONFIG_ENCRYPTED_OPEN] = "open",
};

int config_encrypted_parse(const char *text)
{
	for (int i = 0; i < 3; i++)
		if (!strcmp(text, encrypted_words[i]))
			return i;
	return -EINVAL;
}

static const char *encrypted_rule(const char *text)
{
	return config_encrypted_parse(text) < 0 ?
		"must be refuse, sealed or open" : NULL;
}

static const char *key_rule(const char *text)
{
	return text[0] != '/' && strncmp(text, "credential:", 11) &&
		strncmp(text, "pkcs11:", 7) ? "must be an absolute path, "
		"credential:NAME or pkcs11:..." : NULL;
}

static const char *tier_rule(const char *text)
{
	return config_tier_parse(text) < 0 ?
		"must be none, basic, +1, +2 or +3" : NULL;
}

static const char *role_rule(const char *text)
{
	return signer_role_bit(bytes_of_text(text)) ? NULL :
		"must be author, catalog, operator or regulator";
}

static const char *signature_rule(const char *text)
{
	return signer_alg_bit(bytes_of_text(text)) ? NULL :
		"must be es256, hss or ed25519";
}

int config_tier_parse(const char *text)
{
	static const char *const names[] = {"none", "basic", "+1", "+2", "+3"};

	for (int i = 0; i < 5; i++)
		if (!strcmp(text, names[i]))
			return i;
	return -EINVAL;
}

/* ---- ferryd.conf ---- */

static const struct conf_field admin_fields[] = {
	{.name = "socket", .kind = CONF_TEXT,
		.offset = offsetof(struct config, admin.socket),
		.size = sizeof(((struct config *)0)->admin.socket),
		.rule = absolute_rule},
	{.name = "group", .kind = CONF_TEXT,
		.offset = offsetof(struct config, admin.group),
		.size = CONFIG_NAME_SIZE},
	{.name = "mode", .kind = CONF_TEXT,
		.offset = offsetof(struct config, admin.mode),
		.size = sizeof(((struct config *)0)->admin.mode),
		.rule = mode_rule},
	TEXTS(struct config, "viewers", admin.viewers, admin.viewer_count),
	TEXTS(struct config, "operators", admin.operators,
		admin.operator_count),
	TEXTS(struct config, "admins", admin.admins, admin.admin_count),
	END,
};

static const struct conf_field log_fields[] = {
	{.name = "level", .kind = CONF_TEXT,
		.offset = offsetof(struct config, log.level),
		.size = sizeof(((struct config *)0)->log.level),
		.rule = level_rule},
	TEXTS(struct config, "debug", log.debug, log.debug_count),
	END,
};

#define MEMBER_INT(label, member, low, high) \
	{.name = label, .kind = CONF_INT, \
		.offset = offsetof(struct config, member), \
		.min = (low), .max = (high)}

static const struct conf_field cache_fields[] = {
	MEMBER_INT("quota_mb", cache.quota_mb, 1, 1 << 20),
	MEMBER_INT("part_days", cache.part_days, 1, 365),
	END,
};

static const struct conf_field retry_fields[] = {
	MEMBER_INT("first_s", retry.first_s, 1, 86400),
	MEMBER_INT("max_s", retry.max_s, 1, 30 * 86400),
	MEMBER_INT("budget", retry.budget, 1, 1000),
	END,
};

static const struct conf_field relay_fields[] = {
	MEMBER_INT("max_transfers", relay.max_transfers, 0, 4096),
	MEMBER_INT("inventory_interval_s", relay.inventory_interval_s, 1,
		YEAR_S),
	MEMBER_INT("utc_offset_min", relay.utc_offset_min, -840, 840),
	{.name = "clock", .kind = CONF_TEXT,
		.offset = offsetof(struct config, relay.clock),
		.size = sizeof(((struct config *)0)->relay.clock),
		.rule = clock_rule},
	END,
};

static const struct conf_field driver_fields[] = {
	{.name = "allow_shared_objects", .kind = CONF_BOOL,
		.offset = offsetof(struct config,
			drivers.allow_shared_objects)},
	{.name = "folder", .kind = CONF_TEXT,
		.offset = offsetof(struct config, drivers.folder),
		.size = CONFIG_PATH_SIZE, .rule = absolute_rule},
	END,
};

const struct conf_field config_main_fields[] = {
	TEXT(struct config, state_dir, .rule = absolute_rule),
	GROUP("admin", admin_fields),
	GROUP("log", log_fields),
	GROUP("cache", cache_fields),
	GROUP("retry", retry_fields),
	GROUP("relay", relay_fields),
	GROUP("drivers", driver_fields),
	{.name = "approval", .kind = CONF_TEXT,
		.offset = offsetof(struct config, approval_text),
		.size = sizeof(((struct config *)0)->approval_text)},
	TEXT(struct config, window),
	END,
};

void config_presets(struct config *config)
{
	snprintf(config->state_dir, sizeof(config->state_dir),
		"/var/lib/ferry");
	snprintf(config->admin.socket, sizeof(config->admin.socket),
		"/run/ferry/admin.sock");
	snprintf(config->admin.mode, sizeof(config->admin.mode), "0660");
	snprintf(config->log.level, sizeof(config->log.level), "info");
	snprintf(config->drivers.folder, sizeof(config->drivers.folder),
		"/usr/lib/ferry/drivers");
	snprintf(config->approval_text, sizeof(config->approval_text), "auto");
	snprintf(config->relay.clock, sizeof(config->relay.clock), "auto");
	config->cache.quota_mb = 512;
	config->cache.part_days = 14;
	config->retry.first_s = 30;
	config->retry.max_s = 3600;
	config->retry.budget = 6;
	config->relay.inventory_interval_s = 86400;
}

/* ---- vendors.d ---- */

#define LINK_TEXT(label, member, ...) \
	{.name = label, .kind = CONF_TEXT, \
		.offset = offsetof(struct config_vendor, link.member), \
		.size = sizeof(((struct config_vendor *)0)->link.member), \
		__VA_ARGS__}
#define LINK_INT(label, member, low, high) \
	{.name = label, .kind = CONF_INT, \
		.offset = offsetof(struct config_vendor, link.member), \
		.min = (low), .max = (high)}

static const struct conf_field vendor_link_fields[] = {
	LINK_TEXT("type", type, .rule = kind_rule),
	LINK_TEXT("url", url, .rule = url_rule, .required = true),
	LINK_TEXT("ca", ca, .rule = absolute_rule, .required = true),
	LINK_TEXT("certificate", certificate, .rule = absolute_rule),
	LINK_TEXT("key", key, .rule = absolute_rule),
	LINK_TEXT("tls_min", tls_min, .rule = tls_rule),
	LINK_TEXT("reports", reports),
	LINK_INT("interval_s", interval_s, 1, 30 * 86400),
	LINK_INT("jitter_pct", jitter_pct, 0, 50),
	LINK_INT("retry_first_s", retry_first_s, 1, 86400),
	LINK_INT("retry_max_s", retry_max_s, 1, 30 * 86400),
	TEXTS(struct config_vendor, "pins", link.pins, link.pin_count,
		.rule = pin_rule),
	END,
};

const struct conf_field config_vendor_fields[] = {
	TEXT(struct config_vendor, name),
	TEXT(struct config_vendor, root, .rule = absolute_rule,
		.required = true),
	TEXTS(struct config_vendor, "vendor_ids", vendor_id_texts,
		vendor_id_count),
	TEXTS(struct config_vendor, "class_ids", class_id_texts,
		class_id_count),
	{.name = "link", .kind = CONF_GROUP, .group = vendor_link_fields,
		.required = true},
	TEXT(struct config_vendor, heir_of),
	TEXTS(struct config_vendor, "decryption_keys", decryption_keys,
		decryption_key_count, .rule = key_rule),
	TEXT(struct config_vendor, revocation, .rule = revocation_rule),
	TEXT(struct config_vendor, revocation_tls, .rule = revocation_tls_rule),
	INT(struct config_vendor, revocation_max_age_s, 60, YEAR_S),
	TEXTS(struct config_vendor, "evidence_hosts", evidence_hosts,
		evidence_host_count),
	BOOL(struct config_vendor, plain_device_ids),
	TEXT(struct config_vendor, device_keys, .rule = keys_rule),
	END,
};

void config_vendor_init(struct config_vendor *vendor)
{
	snprintf(vendor->revocation, sizeof(vendor->revocation), "require");
	snprintf(vendor->revocation_tls, sizeof(vendor->revocation_tls),
		"as-vendor");
	vendor->revocation_max_age_s = 7 * 86400;
	snprintf(vendor->link.type, sizeof(vendor->link.type), "https");
	snprintf(vendor->link.tls_min, sizeof(vendor->link.tls_min), "1.3");
	vendor->link.interval_s = 3600;
	vendor->link.jitter_pct = 10;
	vendor->link.retry_first_s = 30;
	vendor->link.retry_max_s = 3600;
}

/* ---- classes.d ---- */

struct component_file {
	char id[64];
	int64_t slot;
};

struct tier_file {
	int64_t step;
	char tier[8];
};

static const struct conf_field component_fields[] = {
	TEXT(struct component_file, id, .required = true),
	INT(struct component_file, slot, 0, 255),
	END,
};

static const struct conf_field tier_fields[] = {
	{.name = "step", .kind = CONF_INT, .required = true,
		.offset = offsetof(struct tier_file, step), .min = 1,
		.max = 13},
	TEXT(struct tier_file, tier, .rule = tier_rule, .required = true),
	END,
};

const struct conf_field config_class_fields[] = {
	TEXT(struct config_class_file, name),
	TEXT(struct config_class_file, vendor, .required = true),
	TEXT(struct config_class_file, vendor_id, .required = true),
	TEXT(struct config_class_file, class_id, .required = true),
	PAIRS(struct config_class_file, "match", match, match_count),
	BOOL(struct config_class_file, auto_enrol),
	TEXT(struct config_class_file, engine, .required = true),
	TEXT(struct config_class_file, options),
	GROUPS(struct config_class_file, "components", components,
		component_count, component_fields),
	TEXT(struct config_class_file, hw_source),
	TEXT(struct config_class_file, hw_value),
	TEXT(struct config_class_file, reset_line),
	BOOL(struct config_class_file, reset_on_open),
	BOOL(struct config_class_file, battery),
	TEXT(struct config_class_file, reappear),
	TEXT(struct config_class_file, envelope),
	BOOL(struct config_class_file, strip_signatures),
	INT(struct config_class_file, connect_limit_s, 1, 86400),
	INT(struct config_class_file, transfer_limit_s, 1, 30 * 86400),
	INT(struct config_class_file, return_limit_s, 1, 86400),
	INT(struct config_class_file, inventory_interval_s, 0, YEAR_S),
	GROUPS(struct config_class_file, "tiers", tiers, tier_count,
		tier_fields),
	TEXTS(struct config_class_file, "require_roles", require_roles,
		require_role_count, .rule = role_rule),
	TEXTS(struct config_class_file, "require_signatures",
		require_signatures, require_signature_count,
		.rule = signature_rule),
	TEXT(struct config_class_file, device_checks),
	TEXT(struct config_class_file, confirm),
	INT(struct config_class_file, confirm_after_s, 0, 30 * 86400),
	BOOL(struct config_class_file, can_revert),
	BOOL(struct config_class_file, can_resume),
	BOOL(struct config_class_file, can_prove),
	TEXT(struct config_class_file, end_of_support),
	TEXT(struct config_class_file, approval),
	TEXT(struct config_class_file, window),
	TEXT(struct config_class_file, encrypted, .rule = encrypted_rule),
	PAIRS(struct config_class_file, "channel", channel, channel_count),
	END,
};

void config_class_file_init(struct config_class_file *f,
	const struct device_class *presets)
{
	snprintf(f->hw_source, sizeof(f->hw_source), "%s",
		class_hw_source_name(presets->hw_source));
	snprintf(f->reappear, sizeof(f->reappear), "%s",
		class_reappear_name(presets->reappear));
	snprintf(f->envelope, sizeof(f->envelope), "%s",
		class_envelope_name(presets->envelope));
	snprintf(f->device_checks, sizeof(f->device_checks), "%s",
		class_validates_name(presets->validates));
	snprintf(f->encrypted, sizeof(f->encrypted), "refuse");
	snprintf(f->confirm, sizeof(f->confirm), "%s",
		class_confirm_name(presets->confirm));
	f->confirm_after_s = presets->confirm_after_s;
	f->connect_limit_s = presets->connect_limit_s;
	f->transfer_limit_s = presets->transfer_limit_s;
	f->return_limit_s = presets->return_limit_s;
	f->can_revert = presets->can_revert;
	f->can_resume = presets->can_resume;
	f->can_prove = presets->can_prove;
}

/* ---- links.d ---- */

#define NETWORK(member, ...) \
	{.name = #member, .kind = CONF_TEXT, \
		.offset = offsetof(struct config_link_file, network.member), \
		.size = sizeof(((struct config_link_file *)0)->network.member), \
		__VA_ARGS__}

static const struct conf_field network_fields[] = {
	NETWORK(engine),
	NETWORK(options),
	NETWORK(quirks, .rule = absolute_rule),
	END,
};

const struct conf_field config_link_fields[] = {
	TEXT(struct config_link_file, name),
	TEXT(struct config_link_file, driver,
		.line_offset = offsetof(struct config_link_file, line)),
	TEXT(struct config_link_file, delegate,
		.line_offset = offsetof(struct config_link_file, line)),
	PAIRS(struct config_link_file, "params", params, param_count),
	INT(struct config_link_file, max_transfers, 0, 4096),
	GROUP("network", network_fields),
	END,
};
