#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/publish/catalog_file.h"
#include "tools/publish/key_kind.h"
#include "tools/publish/public_key.h"
#include "tools/publish/say.h"
#include "tools/publish/successor.h"
#include "tools/publish/verbs.h"

static const struct cli_option renew_options[] = {SUCCESSOR_OPTIONS, {0}};

static int run_renew(const struct cli *cli)
{
	return successor_run(cli, NULL);
}

const struct cli_verb verb_root_renew = {
	.name = "root renew",
	.args = "",
	.summary = "Publish the next root with the same keys",
	.options = renew_options,
	.run = run_renew,
};

#define COMING_OPTIONS \
	{"role", "ROLE", false, "root, catalog, author, operator or regulator" \
		" (required)"}, \
	{"public", "FILE", false, "public key that comes (default: a new key is" \
		" made, for root and catalog)"}, \
	{"anchor", "FILE", false, "certificate that comes (not for root)"}, \
	{"root-only", NULL, false, "what comes is revoked by a new root only:" \
		" gateways ask for no evidence about it (always so for a" \
		" catalog key)"}, \
	{"kind", KEY_KIND_HELP, false, "kind of a new key (default p256)"}

#define ID_HELP ": the beginning of its id in ferry-publish show"

static const struct cli_option rotate_options[] = {
	SUCCESSOR_OPTIONS,
	COMING_OPTIONS,
	{"replace", "ID", false, "key that goes" ID_HELP " (default: the"
		" role's only one)"},
	{0},
};

static int entry_choose(const struct cli *cli, const char *option,
	const struct root_role *role, struct root_entry **ret)
{
	const char *id = cli_get(cli, option);
	size_t len = id ? strlen(id) : 0;
	struct root_entry *found = NULL;
	char hex[65];

	if (!id && role->count == 1) {
		*ret = &role->entries[0];
		return 0;
	}
	if (len < 8)
		return complain(-EINVAL, cli->verb->name, NULL,
			"--%s needs 8 digits or more of the key's id", option);
	for (unsigned i = 0; i < role->count; i++) {
		bytes_to_hex(bytes_of(role->entries[i].id, COSE_KID_LEN), hex,
			sizeof(hex));
		if (strncmp(hex, id, len) != 0)
			continue;
		if (found)
			return complain(-EINVAL, cli->verb->name, NULL,
				"--%s %s: more than one key", option, id);
		found = &role->entries[i];
	}
	if (!found)
		return complain(-EINVAL, cli->verb->name, NULL,
			"--%s %s: the role has no such key", option, id);
	*ret = found;
	return 0;
}

static int public_take(const char *path, struct root_entry *ret)
{
	struct cose_key key;
	int err = public_key_read(path, &key);

	return err ? err : root_entry_of_key(&key, ret);
}

/* Where the key that comes goes: the next free number, or for a catalog key
 * that takes the place of another, next.pem. */
static int fresh_key_path(const struct publisher *p, enum role role,
	bool replaces, char ret[FILES_PATH_SIZE])
{
	unsigned n = role == ROLE_CATALOG ? 2 : 1;
	int err;

	if (role == ROLE_CATALOG && replaces)
		return publisher_path(p, ret, "keys/catalog/next.pem");
	do
		err = publisher_path(p, ret, "keys/%s/%u.key.pem",
			role_name(role), n++);
	while (!err && file_exists(ret));
	return err;
}

/* The key of an earlier try that no root came of is taken up. */
static int fresh_key_open(const struct cli *cli, const char *path,
	struct key *ret)
{
	if (cli_has(cli, "kind"))
		return complain(-EEXIST, path, NULL, "is there already, from an"
			" earlier try: go without --kind, or remove it");
	return key_open(path, ret);
}

static int fresh_key_make(const struct publisher *p, const struct cli *cli,
	enum role role, bool replaces, struct root_entry *ret)
{
	const char *kind_text = cli_get(cli, "kind");
	struct key_kind kind = {.kty = COSE_KTY_EC2, .curve = CRYPTO_P256};
	char path[FILES_PATH_SIZE];
	bool is_there = false;
	struct key key;
	int err = kind_text ? key_kind_parse(kind_text, &kind) : 0;

	if (!err)
		err = fresh_key_path(p, role, replaces, path);
	if (!err) {
		is_there = file_exists(path);
		err = is_there ? fresh_key_open(cli, path, &key) :
				key_kind_make(path, &kind, &key);
	}
	if (err)
		return err;
	err = root_entry_of_key(&key.public, ret);
	key_done(&key);
	if (!err)
		printf(is_there ? "takes %s, made before\n" : "made %s\n",
			path);
	return err;
}

static int anchor_take(const struct cli *cli, enum role role,
	struct successor *s, struct root_entry *ret)
{
	const char *path = cli_get(cli, "anchor");
	int err;

	if (role == ROLE_ROOT)
		return complain(-EINVAL, cli->verb->name, NULL,
			"--anchor is not for the role root");
	err = pki_chain_read(path, &s->chain);
	if (!err && s->chain.count != 1)
		err = complain(-EINVAL, path, NULL,
			"must hold one certificate");
	return err ? err : root_entry_of_certificate(s->chain.certs[0], path,
		ret);
}

/* What comes; the successor owns the certificate that the entry points to. */
static int entry_take(const struct publisher *p, const struct cli *cli,
	enum role role, bool replaces, struct successor *s,
	struct root_entry *ret)
{
	const char *public = cli_get(cli, "public");
	bool has_anchor = cli_has(cli, "anchor");
	int err;

	if (public && has_anchor)
		return complain(-EINVAL, cli->verb->name, NULL,
			"--public and --anchor exclude each other");
	if (public)
		err = public_take(public, ret);
	else if (has_anchor)
		err = anchor_take(cli, role, s, ret);
	else if (role == ROLE_ROOT || role == ROLE_CATALOG)
		err = catalog_key_promote(p, s->current);
	else
		err = complain(-EINVAL, cli->verb->name, NULL, "the role %s"
			" needs --anchor or --public (ferry-publish pki author"
			" --out makes a new CA)", role_name(role));
	if (!err && !public && !has_anchor)
		err = fresh_key_make(p, cli, role, replaces, ret);
	ret->revoked_by_root_only = cli_has(cli, "root-only") ||
			(role == ROLE_CATALOG && !has_anchor);
	return err;
}

static int rotate(struct publisher *p, const struct cli *cli,
	struct successor *s)
{
	struct root_entry *old = NULL, new = {0};
	struct root_role *role;
	enum role number = ROLE_ROOT;
	int err = role_parse(cli_get(cli, "role"), &number);

	if (err)
		return err;
	role = successor_role(s, number);
	if (!role)
		return complain(-EINVAL, "root rotate", NULL, "this root has no"
			" role %s (ferry-publish root add)",
			role_name(number));
	err = entry_choose(cli, "replace", role, &old);
	if (!err)
		err = entry_take(p, cli, number, true, s, &new);
	if (err)
		return err;
	new.scope_count = old->scope_count;
	memcpy(new.scopes, old->scopes, sizeof(new.scopes));
	*old = new;
	return 0;
}

static int run_rotate(const struct cli *cli)
{
	return successor_run(cli, rotate);
}

const struct cli_verb verb_root_rotate = {
	.name = "root rotate",
	.args = "",
	.summary = "Publish the next root with one key replaced",
	.detail = "The next root is signed by the thresholds of the old and of"
		" the new root role.\nWhere keys are missing here, a draft is"
		" written for ferry-publish root sign.",
	.options = rotate_options,
	.run = run_rotate,
};

static int threshold_take(const struct cli *cli, struct root_role *role)
{
	unsigned long long threshold = role->threshold;

	if (cli_number(cli, "threshold", 1, ROOT_ENTRIES_MAX, &threshold))
		return -EINVAL;
	if (threshold > role->count)
		return complain(-EINVAL, cli->verb->name, "--threshold",
			"%llu is above the %u keys of the role %s", threshold,
			role->count, role_name(role->number));
	role->threshold = (unsigned)threshold;
	return 0;
}

static const struct cli_option add_options[] = {
	SUCCESSOR_OPTIONS,
	COMING_OPTIONS,
	{"class", "NAME", true, "class that it may sign for (default: every"
		" class of the vendor; for root and catalog everything)"},
	{"threshold", "N", false, "signatures that the role needs from now on"
		" (default: as before)"},
	{0},
};

/* What an author, operator or regulator may sign for: the vendor, or some of
 * its classes. */
static int scopes_take(const struct publisher *p, const struct cli *cli,
	struct successor *s, struct root_entry *entry)
{
	const char *const *names;
	size_t count = cli_all(cli, "class", &names);
	struct bytes vendor_id = bytes_of(p->vendor.vendor_id, 16);
	int err = successor_keep(s, vendor_id, &vendor_id);

	entry->scopes[0].vendor_id = vendor_id;
	entry->scope_count = 1;
	for (size_t i = 0; !err && i < count; i++) {
		struct class_conf class;

		entry->scopes[i].vendor_id = vendor_id;
		err = publisher_class(p, names[i], &class);
		if (!err)
			err = successor_keep(s, bytes_of(class.class_id, 16),
				&entry->scopes[i].class_id);
		entry->scope_count = (unsigned)i + 1;
	}
	return err;
}

static int add(struct publisher *p, const struct cli *cli, struct successor *s)
{
	struct root_role *role;
	struct root_entry new = {0};
	enum role number = ROLE_ROOT;
	int err = role_parse(cli_get(cli, "role"), &number);

	if (!err && cli_has(cli, "class") && (number == ROLE_ROOT ||
			number == ROLE_CATALOG))
		err = complain(-EINVAL, "root add", NULL,
			"--class is not for the role %s", role_name(number));
	if (err)
		return err;
	role = successor_role_add(s, number);
	if (!role || role->count == ROOT_ENTRIES_MAX)
		return complain(-E2BIG, "root add", NULL,
			"this role has %d keys already", ROOT_ENTRIES_MAX);
	err = entry_take(p, cli, number, false, s, &new);
	if (!err && number != ROLE_ROOT && number != ROLE_CATALOG)
		err = scopes_take(p, cli, s, &new);
	if (err)
		return err;
	role->entries[role->count++] = new;
	return threshold_take(cli, role);
}

static int run_add(const struct cli *cli)
{
	return successor_run(cli, add);
}

const struct cli_verb verb_root_add = {
	.name = "root add",
	.args = "",
	.summary = "Publish the next root with one key more",
	.detail = "Also the first key of the roles operator and regulator,"
		" which countersign releases.\nWith --threshold, so many of the"
		" role must sign from then on.",
	.options = add_options,
	.run = run_add,
};

static const struct cli_option remove_options[] = {
	SUCCESSOR_OPTIONS,
	{"role", "ROLE", false, "root, catalog, author, operator or regulator"
		" (required)"},
	{"id", "ID", false, "key that goes" ID_HELP " (default: the role's"
		" only one)"},
	{"threshold", "N", false, "signatures that the role needs from now on"
		" (default: as before)"},
	{0},
};

static int take_away(struct publisher *p, const struct cli *cli,
	struct successor *s)
{
	struct root_entry *old = NULL;
	struct root_role *role = NULL;
	enum role number = ROLE_ROOT;
	int err = role_parse(cli_get(cli, "role"), &number);

	(void)p;
	if (!err)
		role = successor_role(s, number);
	if (!err && !role)
		err = complain(-EINVAL, "root remove", NULL,
			"this root has no role %s", role_name(number));
	if (!err)
		err = entry_choose(cli, "id", role, &old);
	if (!err && role->count == 1 && number != ROLE_OPERATOR &&
			number != ROLE_REGULATOR)
		err = complain(-EINVAL, "root remove", NULL, "the role %s needs"
			" a key: add one first, or root rotate",
			role_name(number));
	if (err)
		return err;
	successor_entry_remove(s, role, old);
	role = successor_role(s, number);
	return role ? threshold_take(cli, role) : 0;
}

static int run_remove(const struct cli *cli)
{
	return successor_run(cli, take_away);
}

const struct cli_verb verb_root_remove = {
	.name = "root remove",
	.args = "",
	.summary = "Publish the next root without a key",
	.detail = "What the key has signed no longer counts: a catalog by it is"
		" dropped by gateways at\nonce. With its last key the role"
		" operator or regulator goes.",
	.options = remove_options,
	.run = run_remove,
};

static const struct cli_option sign_options[] = {
	VERB_OPTION_DIR,
	{"key", "FILE", true, "root key that signs (required)"},
	{"no-catalog", NULL, false, "do not renew the catalog"},
	{0},
};

static int run_sign(const struct cli *cli)
{
	const char *const *keys;
	size_t count = cli_all(cli, "key", &keys);
	struct publisher p;
	int err;

	if (count == 0) {
		complain(-EINVAL, "root sign", NULL, "needs --key FILE");
		return EXIT_USAGE;
	}
	err = verb_open(cli, &p);
	if (err)
		return verb_exit(err);
	err = root_draft_sign(&p, cli->args[0], keys, count);
	if (!err)
		err = successor_follow(&p, cli);
	publisher_close(&p);
	return verb_exit(err);
}

const struct cli_verb verb_root_sign = {
	.name = "root sign",
	.args = "DRAFT",
	.args_min = 1,
	.args_max = 1,
	.summary = "Add a signature to a root that still needs some",
	.detail = "DRAFT is a root-N.draft.cose. It is published as soon as the"
		" thresholds are reached.",
	.options = sign_options,
	.run = run_sign,
};
