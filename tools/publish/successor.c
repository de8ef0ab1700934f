#include "tools/publish/successor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/publish/catalog_file.h"
#include "tools/publish/say.h"
#include "tools/publish/verbs.h"
#include "tools/publish/when.h"

#define BYTES_MAX ((size_t)256 * 1024)

void successor_done(struct successor *s)
{
	pki_chain_done(&s->chain);
	buf_done(&s->bytes);
	free(s->entries);
	root_free(s->current);
	*s = (struct successor){0};
}

/* Roles and transfers of the draft point into memory of its own. */
static int draft_copy(struct successor *s)
{
	s->entries = calloc((size_t)ROOT_ROLES_MAX * ROOT_ENTRIES_MAX,
		sizeof(*s->entries));
	if (!s->entries || !buf_room(&s->bytes, BYTES_MAX))
		return complain(-ENOMEM, NULL, NULL, "no memory");
	s->draft = *s->current;
	for (unsigned i = 0; i < s->draft.role_count; i++) {
		struct root_role *role = &s->draft.roles[i];
		struct root_entry *copy = &s->entries[i * ROOT_ENTRIES_MAX];

		memcpy(copy, role->entries, role->count * sizeof(*copy));
		role->entries = copy;
	}
	if (s->draft.transfer_count)
		memcpy(s->transfers, s->draft.transfers,
			s->draft.transfer_count * sizeof(*s->transfers));
	return 0;
}

int successor_open(struct publisher *p, const struct cli *cli,
	struct successor *ret)
{
	int err = publisher_clock_check(p);

	*ret = (struct successor){0};
	buf_init(&ret->bytes, BYTES_MAX);
	if (!err)
		err = root_file_current(p, &ret->current);
	if (!err)
		err = draft_copy(ret);
	if (!err) {
		ret->draft.transfers = ret->transfers;
		ret->draft.version++;
		ret->draft.issued = p->now;
		ret->draft.expires = p->now + p->vendor.root_days * WHEN_DAY;
		if (cli_has(cli, "new-epoch"))
			ret->draft.epoch++;
		err = verb_time(cli, "expires", p->now, &ret->draft.expires);
	}
	if (err)
		successor_done(ret);
	return err;
}

struct root_role *successor_role(struct successor *s, enum role number)
{
	for (unsigned i = 0; i < s->draft.role_count; i++)
		if (s->draft.roles[i].number == (uint64_t)number)
			return &s->draft.roles[i];
	return NULL;
}

/* A block of entries that no role of the draft uses. */
static struct root_entry *entries_free(struct successor *s)
{
	for (unsigned i = 0; i < ROOT_ROLES_MAX; i++) {
		struct root_entry *at = &s->entries[i * ROOT_ENTRIES_MAX];
		bool used = false;

		for (unsigned k = 0; k < s->draft.role_count; k++)
			used = used || s->draft.roles[k].entries == at;
		if (!used)
			return at;
	}
	return NULL;
}

struct root_role *successor_role_add(struct successor *s, enum role number)
{
	struct root_role *role = successor_role(s, number);
	struct root_entry *entries = role ? NULL : entries_free(s);
	unsigned at = 0;

	if (role || !entries)
		return role;
	while (at < s->draft.role_count &&
			s->draft.roles[at].number < (uint64_t)number)
		at++;
	role = &s->draft.roles[at];
	memmove(role + 1, role, (s->draft.role_count - at) * sizeof(*role));
	*role = (struct root_role){(uint64_t)number, 1, 0, entries};
	s->draft.role_count++;
	return role;
}

void successor_entry_remove(struct successor *s, struct root_role *role,
	struct root_entry *entry)
{
	size_t behind = (size_t)(&role->entries[--role->count] - entry);

	memmove(entry, entry + 1, behind * sizeof(*entry));
	if (role->count)
		return;
	behind = (size_t)(&s->draft.roles[--s->draft.role_count] - role);
	memmove(role, role + 1, behind * sizeof(*role));
}

int successor_keep(struct successor *s, struct bytes from, struct bytes *ret)
{
	size_t at = s->bytes.len;

	/* The room was taken whole at the start, so that nothing moves. */
	if (from.len > BYTES_MAX - at || buf_add_bytes(&s->bytes, from))
		return complain(-EMSGSIZE, NULL, "root", "is too large");
	*ret = bytes_of(s->bytes.at + at, from.len);
	return 0;
}

static int catalog_renew(struct publisher *p, const struct cli *cli)
{
	const struct catalog_options options = {0};
	struct release_list list = {0};
	char path[FILES_PATH_SIZE];
	uint64_t expires;
	int err;

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

int successor_follow(struct publisher *p, const struct cli *cli)
{
	struct root *root = NULL;
	int err = root_file_current(p, &root);

	if (!err)
		err = catalog_key_promote(p, root);
	root_free(root);
	printf("root %llu is published\n",
		(unsigned long long)p->state.root_version);
	return err ? err : catalog_renew(p, cli);
}

int successor_publish(struct publisher *p, const struct cli *cli,
	const struct successor *s)
{
	const char *const *keys;
	size_t count = cli_all(cli, "key", &keys);
	int err = root_draft_publish(p, s->current, &s->draft, keys, count);

	return err ? err : successor_follow(p, cli);
}

int successor_run(const struct cli *cli, successor_change_fn *change)
{
	struct successor s;
	struct publisher p;
	int err = verb_open(cli, &p);

	if (err)
		return verb_exit(err);
	err = successor_open(&p, cli, &s);
	if (!err) {
		err = change ? change(&p, cli, &s) : 0;
		if (!err)
			err = successor_publish(&p, cli, &s);
		successor_done(&s);
	}
	publisher_close(&p);
	return verb_exit(err);
}
