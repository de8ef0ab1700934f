/* The next root in the making: a copy of the current one that the verbs of
 * `root` change, and how it becomes the published one.
 *
 * successor_open() to successor_done(); what its entries point to must live as
 * long. Functions that fail have said why. One thread. */
#ifndef FERRY_PUBLISH_SUCCESSOR_H
#define FERRY_PUBLISH_SUCCESSOR_H

#include "tools/publish/cli.h"
#include "tools/publish/pki.h"
#include "tools/publish/root_file.h"

struct successor {
	struct root *current;
	struct root draft;
	struct root_entry *entries; /* ROOT_ENTRIES_MAX for each role */
	struct root_transfer transfers[ROOT_TRANSFERS_MAX];
	struct pki_chain chain;     /* certificates that come */
	struct buf bytes;           /* whatever else the draft points to */
};

/* The options that every verb of `root` has. */
#define SUCCESSOR_OPTIONS \
	VERB_OPTION_DIR, \
	{"expires", "TIME", false, "end of the root (default: by" \
		" publish.conf)"}, \
	{"new-epoch", NULL, false, "raise the epoch: resets the sequence" \
		" and time floors of gateways"}, \
	{"key", "FILE", true, "one more root key (those in keys/root/ are" \
		" used anyway)"}, \
	{"no-catalog", NULL, false, "do not renew the catalog"}

int successor_open(struct publisher *p, const struct cli *cli,
	struct successor *ret);
void successor_done(struct successor *s);

/* The role in the draft, or NULL. */
struct root_role *successor_role(struct successor *s, enum role number);

/* The role, made with threshold 1 and no entry where the root has none. */
struct root_role *successor_role_add(struct successor *s, enum role number);

/* Takes an entry away; with the last one the role goes. */
void successor_entry_remove(struct successor *s, struct root_role *role,
	struct root_entry *entry);

/* Keeps a copy of some bytes as long as the successor lives. */
int successor_keep(struct successor *s, struct bytes from, struct bytes *ret);

/* Signs with the keys that are here and of --key, publishes, and renews the
 * catalog, unless --no-catalog or its key is elsewhere. -EAGAIN when signatures
 * are missing. */
int successor_publish(struct publisher *p, const struct cli *cli,
	const struct successor *s);

/* What follows a root that has just been published. */
int successor_follow(struct publisher *p, const struct cli *cli);

/* Opens publisher and successor, lets `change` (NULL: nothing) change the
 * draft, and publishes it. Returns an exit code. */
typedef int successor_change_fn(struct publisher *p, const struct cli *cli,
	struct successor *s);
int successor_run(const struct cli *cli, successor_change_fn *change);

#endif
