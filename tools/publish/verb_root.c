#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/publish/catalog_file.h"
#include "tools/publish/pki.h"
#include "tools/publish/root_file.h"
#include "tools/publish/say.h"
#include "tools/publish/verbs.h"
#include "tools/publish/when.h"

/* A successor in the making: a copy of the current root whose role entries may
 * be changed. */
struct successor {
	struct root *current;
	struct root draft;
	struct root_entry *entries; /* ROOT_ENTRIES_MAX for each role */
};

static void successor_done(struct successor *s)
{
	free(s->entries);
	root_free(s->current);
}

static int successor_open(struct publisher *p, const struct cli *cli,
	struct successor *ret)
{
	struct successor s = {0};
	int err = publisher_clock_check(p);

	if (!err)
		err = root_file_current(p, &s.current);
	if (err)
		return err;
	s.entries = calloc((size_t)s.current->role_count * ROOT_ENTRIES_MAX,
		sizeof(*s.entries));
	if (!s.entries) {
		successor_done(&s);
		return complain(-ENOMEM, NULL, NULL, "no memory");
	}
	s.draft = *s.current;
	s.draft.version++;
	s.draft.issued = p->now;
	s.draft.expires = p->now + p->vendor.root_days * WHEN_DAY;
	for (unsigned i = 0; i < s.draft.role_count; i++) {
		struct root_role *role = &s.draft.roles[i];
		struct root_entry *copy = &s.entries[i * ROOT_ENTRIES_MAX];

		memcpy(copy, role->entries, role->count * sizeof(*copy));
		role->entries = copy;
	}
	if (cli_has(cli, "new-epoch"))
		s.draft.epoch++;
	err = verb_time(cli, "expires", p->now, &s.draft.expires);
	if (err) {
		successor_done(&s);
		return err;
	}
	*ret = s;
	return 0;
}

static struct root_role *draft_role(struct successor *s, enum role number)
{
	for (unsigned i = 0; i < s->draft.role_count; i++)
		if (s->draft.roles[i].number == (uint64_t)number)
			return &s->draft.roles[i];
	return NULL;
}

/* A root changes nothing for gateways before a catalog is made under it. */
static int catalog_follow(struct publisher *p, const struct cli *cli)
{
	const struct catalog_options options = {0};
	struct release_list list = {0};
	char path[FILES_PATH_SIZE];
	uint64_t expires;
	int err;

	printf("root %llu is published\n",
		(unsigned long long)p->state.root_version);
	if (cli_has(cli, "no-catalog") || p->state.catalog_sequence == 0)
		return 0;
	err = publisher_path(p, path, "keys/catalog/key.pem");
	if (!err && !file_exists(path)) {
		warn(path, NULL, "is not here: run ferry-publish catalog where"
			" it is");
		return 0;
	}
	if (!err)
		err = release_list_load(p, &list);
	if (!err)
		err = catalog_publish(p, &list, &options, &expires);
	release_list_free(&list);
	return err;
}

/* A key that was made for this root takes the place of the one before. */
static int next_key_promote(const struct publisher *p, const char *role)
{
	char next[FILES_PATH_SIZE], path[FILES_PATH_SIZE];
	char old[FILES_PATH_SIZE];
	int err = publisher_path(p, next, "keys/%s/next.pem", role);

	if (!err)
		err = publisher_path(p, path, "keys/%s/key.pem", role);
	if (!err)
		err = publisher_path(p, old, "keys/%s/until-root-%llu.pem",
			role, (unsigned long long)p->state.root_version);
	if (err || !file_exists(next))
		return err;
	if (file_exists(path) && rename(path, old))
		return complain(-errno, path, NULL, "cannot rename: %s",
			strerror(errno));
	if (rename(next, path))
		return complain(-errno, next, NULL, "cannot rename: %s",
			strerror(errno));
	return 0;
}

static int successor_publish(struct publisher *p, const struct cli *cli,
	const struct successor *s)
{
	const char *const *keys;
	size_t count = cli_all(cli, "key", &keys);
	int err = root_draft_publish(p, s->current, &s->draft, keys, count);

	if (!err)
		err = next_key_promote(p, "catalog");
	return err ? err : catalog_follow(p, cli);
}

#define ROOT_OPTIONS \
	VERB_OPTION_DIR, \
	{"expires", "TIME", false, "end of the root (default: by" \
		" publish.conf)"}, \
	{"new-epoch", NULL, false, "raise the epoch: resets the sequence" \
		" and time floors of gateways"}, \
	{"key", "FILE", true, "one more root key (those in keys/root/ are" \
		" used anyway)"}, \
	{"no-catalog", NULL, false, "do not renew the catalog"}

static const struct cli_option renew_options[] = {ROOT_OPTIONS, {0}};

static int run_renew(const struct cli *cli)
{
	struct successor s;
	struct publisher p;
	int err = verb_open(cli, &p);

	if (err)
		return verb_exit(err);
	err = successor_open(&p, cli, &s);
	if (!err) {
		err = successor_publish(&p, cli, &s);
		successor_done(&s);
	}
	publisher_close(&p);
	return verb_exit(err);
}

const struct cli_verb verb_root_renew = {
	.name = "root renew",
	.args = "",
	.summary = "Publish the next root with the same keys",
	.options = renew_options,
	.run = run_renew,
};

static const struct cli_option rotate_options[] = {
	ROOT_OPTIONS,
	{"role", "ROLE", false, "root, catalog or author (required)"},
	{"replace", "ID", false, "key that goes: the beginning of its id in"
		" ferry-publish show (default: the role's only one)"},
	{"public", "FILE", false, "public key that comes (default: a new key is"
		" made)"},
	{"anchor", "FILE", false, "certificate that comes (role author)"},
	{"curve", "p256|p384", false, "curve of a new key (default p256)"},
	{0},
};

static int role_take(const struct cli *cli, enum role *ret)
{
	const char *text = cli_get(cli, "role");

	if (text && strcmp(text, "root") == 0)
		*ret = ROLE_ROOT;
	else if (text && strcmp(text, "catalog") == 0)
		*ret = ROLE_CATALOG;
	else if (text && strcmp(text, "author") == 0)
		*ret = ROLE_AUTHOR;
	else
		return complain(-EINVAL, "root rotate", NULL,
			"--role must be root, catalog or author");
	return 0;
}

static int entry_choose(const struct cli *cli, const struct root_role *role,
	struct root_entry **ret)
{
	const char *id = cli_get(cli, "replace");
	size_t len = id ? strlen(id) : 0;
	struct root_entry *found = NULL;
	char hex[65];

	if (!id && role->count == 1) {
		*ret = &role->entries[0];
		return 0;
	}
	if (len < 8)
		return complain(-EINVAL, "root rotate", NULL,
			"--replace needs 8 digits or more of the key's id");
	for (unsigned i = 0; i < role->count; i++) {
		bytes_to_hex(bytes_of(role->entries[i].id, COSE_KID_LEN), hex,
			sizeof(hex));
		if (strncmp(hex, id, len) != 0)
			continue;
		if (found)
			return complain(-EINVAL, "root rotate", NULL,
				"--replace %s: more than one key", id);
		found = &role->entries[i];
	}
	if (!found)
		return complain(-ENOENT, "root rotate", NULL,
			"--replace %s: the role has no such key", id);
	*ret = found;
	return 0;
}

static int public_take(const char *path, struct root_entry *ret)
{
	struct cose_key key;
	struct buf file;
	int err;

	buf_init(&file, 8192);
	err = file_read(path, &file);
	if (!err) {
		err = x509_public_key(buf_bytes(&file), &key);
		if (err)
			complain(err, path, "public key", "%s", err_text(err));
	}
	if (!err)
		err = root_entry_of_key(&key, ret);
	buf_done(&file);
	return err;
}

/* Makes the key that comes: keys/root/N.key.pem or keys/catalog/next.pem. */
static int fresh_key_make(const struct publisher *p, const struct cli *cli,
	enum role role, struct root_entry *ret)
{
	const char *curve_text = cli_get(cli, "curve");
	enum crypto_curve curve = CRYPTO_P256;
	char path[FILES_PATH_SIZE];
	struct key key;
	unsigned n = 1;
	int err = curve_text ? key_curve_parse(curve_text, &curve) : 0;

	if (!err && role == ROLE_CATALOG)
		err = publisher_path(p, path, "keys/catalog/next.pem");
	while (!err && role == ROLE_ROOT) {
		err = publisher_path(p, path, "keys/root/%u.key.pem", n++);
		if (err || !file_exists(path))
			break;
	}
	if (!err)
		err = key_make(path, curve, &key);
	if (err)
		return err;
	err = root_entry_of_key(&key.public, ret);
	key_done(&key);
	if (!err)
		printf("made %s\n", path);
	return err;
}

/* What comes; `chain` owns the certificate that the entry points to. */
static int entry_take(const struct publisher *p, const struct cli *cli,
	enum role role, struct pki_chain *chain, struct root_entry *ret)
{
	const char *public = cli_get(cli, "public");
	const char *anchor = cli_get(cli, "anchor");
	int err;

	if (public && anchor)
		return complain(-EINVAL, "root rotate", NULL,
			"--public and --anchor exclude each other");
	if (public)
		return public_take(public, ret);
	if (anchor && role != ROLE_AUTHOR)
		return complain(-EINVAL, "root rotate", NULL,
			"--anchor is for the role author");
	if (anchor) {
		err = pki_chain_read(anchor, chain);
		if (!err && chain->count != 1)
			err = complain(-EINVAL, anchor, NULL,
				"must hold one certificate");
		return err ? err : root_entry_of_certificate(chain->certs[0],
			anchor, ret);
	}
	if (role == ROLE_AUTHOR)
		return complain(-EINVAL, "root rotate", NULL, "the role author"
			" needs --anchor or --public (ferry-publish pki author"
			" --out makes a new CA)");
	return fresh_key_make(p, cli, role, ret);
}

static int rotate(struct publisher *p, const struct cli *cli,
	struct successor *s)
{
	struct pki_chain chain = {0};
	struct root_entry *old = NULL, new = {0};
	struct root_role *role;
	enum role number = ROLE_ROOT;
	int err = role_take(cli, &number);

	if (err)
		return err;
	role = draft_role(s, number);
	err = entry_choose(cli, role, &old);
	if (!err)
		err = entry_take(p, cli, number, &chain, &new);
	if (!err) {
		new.scope_count = old->scope_count;
		memcpy(new.scopes, old->scopes, sizeof(new.scopes));
		*old = new;
		err = successor_publish(p, cli, s);
	}
	pki_chain_done(&chain);
	return err;
}

static int run_rotate(const struct cli *cli)
{
	struct successor s;
	struct publisher p;
	int err = verb_open(cli, &p);

	if (err)
		return verb_exit(err);
	err = successor_open(&p, cli, &s);
	if (!err) {
		err = rotate(&p, cli, &s);
		successor_done(&s);
	}
	publisher_close(&p);
	return verb_exit(err);
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
		err = next_key_promote(&p, "catalog");
	if (!err)
		err = catalog_follow(&p, cli);
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
