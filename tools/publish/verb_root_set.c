#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/publish/say.h"
#include "tools/publish/successor.h"
#include "tools/publish/uuid.h"
#include "tools/publish/verbs.h"

#define HOST_LEN_MAX 255

static const struct cli_option set_options[] = {
	SUCCESSOR_OPTIONS,
	{"host", "HOST[:PORT]", true, "host that gateways may fetch evidence"
		" from; replaces the list"},
	{"no-hosts", NULL, false, "none"},
	{"offline-grace", "SPAN", false, "how long an expired catalog still"
		" counts, such as 24h; 0s: not at all"},
	{"threshold", "ROLE=N", true, "signatures that a role needs"},
	{"root-only", "ID", true, "key that is revoked by a new root only: the"
		" beginning of its id"},
	{"evidence", "ID", true, "key about which evidence is asked for, as"
		" usual for certificates"},
	{0},
};

static int hosts_take(const struct cli *cli, struct successor *s)
{
	const char *const *hosts;
	size_t count = cli_all(cli, "host", &hosts);
	int err = 0;

	if (count && cli_has(cli, "no-hosts"))
		return complain(-EINVAL, "root set", NULL,
			"--host and --no-hosts exclude each other");
	if (!count && !cli_has(cli, "no-hosts"))
		return 0;
	s->draft.host_count = (unsigned)count;
	for (size_t i = 0; !err && i < count; i++) {
		size_t len = strlen(hosts[i]);

		if (len == 0 || len > HOST_LEN_MAX || strspn(hosts[i],
				"abcdefghijklmnopqrstuvwxyz0123456789.-:[]")
				!= len)
			return complain(-EINVAL, "root set", NULL, "--host"
				" must be a name or address in lower case,"
				" maybe with a port, not \"%s\"", hosts[i]);
		err = successor_keep(s, bytes_of_text(hosts[i]),
			&s->draft.hosts[i]);
	}
	return err;
}

static int thresholds_take(const struct cli *cli, struct successor *s)
{
	const char *const *texts;
	size_t count = cli_all(cli, "threshold", &texts);

	for (size_t i = 0; i < count; i++) {
		const char *equals = strchr(texts[i], '=');
		char name[16] = "", *end = NULL;
		struct root_role *role;
		enum role number;
		unsigned long n;

		if (equals && (size_t)(equals - texts[i]) < sizeof(name))
			memcpy(name, texts[i], (size_t)(equals - texts[i]));
		if (role_parse(name, &number))
			return -EINVAL;
		n = equals ? strtoul(equals + 1, &end, 10) : 0;
		role = successor_role(s, number);
		if (!role || !end || *end || n < 1 || n > role->count)
			return complain(-EINVAL, "root set", NULL,
				"--threshold %s: must be from 1 to the %u keys"
				" of the role", texts[i], role ? role->count :
				0);
		role->threshold = (unsigned)n;
	}
	return 0;
}

/* The entry whose id begins so, in whatever role. */
static struct root_entry *entry_find(struct successor *s, const char *id,
	unsigned *ret_count)
{
	struct root_entry *found = NULL;
	char hex[2 * COSE_KID_LEN + 1];

	*ret_count = 0;
	for (unsigned i = 0; i < s->draft.role_count; i++) {
		struct root_role *role = &s->draft.roles[i];

		for (unsigned k = 0; k < role->count; k++) {
			bytes_to_hex(bytes_of(role->entries[k].id,
				COSE_KID_LEN), hex, sizeof(hex));
			if (strncmp(hex, id, strlen(id)) != 0)
				continue;
			found = &role->entries[k];
			++*ret_count;
		}
	}
	return found;
}

static int flags_take(const struct cli *cli, struct successor *s,
	const char *option, bool root_only)
{
	const char *const *ids;
	size_t count = cli_all(cli, option, &ids);

	for (size_t i = 0; i < count; i++) {
		unsigned found = 0;
		struct root_entry *entry = entry_find(s, ids[i], &found);

		if (strlen(ids[i]) < 8 || found != 1)
			return complain(-EINVAL, "root set", NULL, "--%s needs"
				" 8 digits or more of one key's id, not \"%s\"",
				option, ids[i]);
		entry->revoked_by_root_only = root_only;
	}
	return 0;
}

static int set(struct publisher *p, const struct cli *cli, struct successor *s)
{
	int err = hosts_take(cli, s);

	(void)p;
	if (!err)
		err = verb_time(cli, "offline-grace", 0,
			&s->draft.offline_grace_s);
	if (!err)
		err = thresholds_take(cli, s);
	if (!err)
		err = flags_take(cli, s, "root-only", true);
	if (!err)
		err = flags_take(cli, s, "evidence", false);
	return err;
}

static int run_set(const struct cli *cli)
{
	return successor_run(cli, set);
}

const struct cli_verb verb_root_set = {
	.name = "root set",
	.args = "",
	.summary = "Publish the next root with other rules for the same keys",
	.detail = "Hosts of evidence, offline grace, thresholds, and which keys"
		" are revoked by a new\nroot only. What is not named stays.",
	.options = set_options,
	.run = run_set,
};

static const struct cli_option transfer_options[] = {
	SUCCESSOR_OPTIONS,
	{"class", "NAME|UUID", true, "class that is handed over (required)"},
	{"heir", "FILE", false, "first root of the heir (required, but with"
		" --undo)"},
	{"undo", NULL, false, "hand the classes to nobody any more: when the"
		" heir has handed them back"},
	{0},
};

static int heir_take(const struct cli *cli, struct successor *s,
	struct bytes *ret)
{
	const char *path = cli_get(cli, "heir");
	struct root *heir = NULL;
	struct fault fault = {0};
	struct buf file;
	int err;

	buf_init(&file, ROOT_FILE_MAX);
	err = file_read(path, &file);
	if (!err) {
		err = root_first(buf_bytes(&file), &heir, &fault);
		if (err)
			complain_fault(path, err, &fault);
	}
	if (!err && heir->version != 1)
		warn(path, "version", "is %llu: gateways take the heir by the"
			" root that stands in their vendor file, usually"
			" version 1", (unsigned long long)heir->version);
	if (!err && bytes_equal(bytes_of(heir->sha256, 32),
			bytes_of(s->current->sha256, 32)))
		err = complain(-EINVAL, path, "heir", "is this vendor itself");
	if (!err)
		err = successor_keep(s, bytes_of(heir->sha256, 32), ret);
	root_free(heir);
	buf_done(&file);
	return err;
}

static int class_id_take(const struct publisher *p, const char *text,
	uint8_t ret[16])
{
	struct class_conf class;
	int err;

	if (uuid_parse(text, ret) == 0)
		return 0;
	err = publisher_class(p, text, &class);
	if (!err)
		memcpy(ret, class.class_id, 16);
	return err;
}

static int class_take(const struct publisher *p, const char *text,
	struct successor *s, struct bytes *ret)
{
	uint8_t id[16];
	int err = class_id_take(p, text, id);

	if (!err && root_transfer_of(&s->draft, bytes_of(id, sizeof(id))))
		err = complain(-EEXIST, text, "class", "was handed over"
			" already: only the heir can hand it on or back");
	return err ? err : successor_keep(s, bytes_of(id, sizeof(id)), ret);
}

/* The transfer that names no class any more goes. */
static void class_drop(struct successor *s, struct bytes id)
{
	for (unsigned i = 0; i < s->draft.transfer_count; i++) {
		struct root_transfer *t = &s->transfers[i];

		for (unsigned k = 0; k < t->class_count; k++)
			if (bytes_equal(t->classes[k], id)) {
				t->classes[k] = t->classes[--t->class_count];
				break;
			}
		if (t->class_count)
			continue;
		*t = s->transfers[--s->draft.transfer_count];
		return;
	}
}

static int transfer_undo(const struct publisher *p, const char *const *names,
	size_t count, struct successor *s)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t id[16];
		int err = class_id_take(p, names[i], id);

		if (!err && !root_transfer_of(&s->draft, bytes_of(id, 16)))
			err = complain(-EINVAL, names[i], "class",
				"is handed to nobody by this root");
		if (err)
			return err;
		class_drop(s, bytes_of(id, 16));
	}
	return 0;
}

/* One more class to the same heir goes into the transfer that is there. */
static struct root_transfer *transfer_for(struct successor *s,
	struct bytes heir)
{
	struct root_transfer *t;

	for (unsigned i = 0; i < s->draft.transfer_count; i++) {
		t = &s->transfers[i];
		if (bytes_equal(t->heir, heir) &&
				t->class_count < ROOT_TRANSFER_CLASSES_MAX)
			return t;
	}
	if (s->draft.transfer_count == ROOT_TRANSFERS_MAX)
		return NULL;
	t = &s->transfers[s->draft.transfer_count++];
	*t = (struct root_transfer){.heir = heir};
	return t;
}

static int transfer(struct publisher *p, const struct cli *cli,
	struct successor *s)
{
	const char *const *names;
	size_t count = cli_all(cli, "class", &names);
	struct bytes heir = {0};
	int err;

	if (!count || cli_has(cli, "heir") == cli_has(cli, "undo"))
		return complain(-EINVAL, "root transfer", NULL,
			"needs --class, and --heir or --undo");
	if (cli_has(cli, "undo"))
		return transfer_undo(p, names, count, s);
	err = heir_take(cli, s, &heir);
	for (size_t i = 0; !err && i < count; i++) {
		struct root_transfer *t;
		struct bytes id;

		err = class_take(p, names[i], s, &id);
		if (err)
			break;
		t = transfer_for(s, heir);
		if (!t)
			return complain(-E2BIG, "root transfer", NULL,
				"a root holds %d transfers at most",
				ROOT_TRANSFERS_MAX);
		t->classes[t->class_count++] = id;
	}
	return err;
}

static int run_transfer(const struct cli *cli)
{
	return successor_run(cli, transfer);
}

const struct cli_verb verb_root_transfer = {
	.name = "root transfer",
	.args = "",
	.summary = "Hand classes over to another vendor, for good",
	.detail = "Gateways refuse this vendor's releases for the classes from"
		" then on, and take those of\nthe vendor whose first root is"
		" FILE. Releases of the classes leave the catalog. Only\nthe"
		" heir's root can hand them on or back. What came back is taken"
		" with --undo: until\nthen gateways serve it by nobody.",
	.options = transfer_options,
	.run = run_transfer,
};
