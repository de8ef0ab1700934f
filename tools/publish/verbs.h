/* The verbs of ferry-publish, one file each group, and what they share. */
#ifndef FERRY_PUBLISH_VERBS_H
#define FERRY_PUBLISH_VERBS_H

#include "tools/publish/cli.h"
#include "tools/publish/publisher.h"

extern const struct cli_verb verb_init;
extern const struct cli_verb verb_class_add;
extern const struct cli_verb verb_class_list;
extern const struct cli_verb verb_release;
extern const struct cli_verb verb_catalog;
extern const struct cli_verb verb_withdraw;
extern const struct cli_verb verb_resign;
extern const struct cli_verb verb_countersign;
extern const struct cli_verb verb_status;
extern const struct cli_verb verb_key_new;
extern const struct cli_verb verb_root_renew;
extern const struct cli_verb verb_root_rotate;
extern const struct cli_verb verb_root_add;
extern const struct cli_verb verb_root_remove;
extern const struct cli_verb verb_root_set;
extern const struct cli_verb verb_root_transfer;
extern const struct cli_verb verb_root_sign;
extern const struct cli_verb verb_pki_author;
extern const struct cli_verb verb_pki_tls;
extern const struct cli_verb verb_pki_crl;
extern const struct cli_verb verb_pki_revoke;
extern const struct cli_verb verb_pki_ocsp;
extern const struct cli_verb verb_show;
extern const struct cli_verb verb_verify;
extern const struct cli_verb verb_device_keys;
extern const struct cli_verb verb_hub_keys;
extern const struct cli_verb verb_bundle;

/* All of them, ended by NULL. */
extern const struct cli_verb *const verbs_all[];

/* Starts the crypto library and opens the folder of --dir, of the environment's
 * FERRY_PUBLISH_DIR, or the current one. */
int verb_open(const struct cli *cli, struct publisher *ret);

#define VERB_OPTION_DIR \
	{"dir", "DIR", false, "the publisher's folder (default: " \
		"$FERRY_PUBLISH_DIR, then .)"}

/* Reads a time option: RFC 3339, or a span such as 90d from `now`. `*ret` keeps
 * its value where the option is absent. */
int verb_time(const struct cli *cli, const char *name, uint64_t now,
	uint64_t *ret);

/* A line of `status` for each HSS key in the folder: how many signatures are
 * left. */
int keys_status(const struct publisher *p);

/* The exit code for a result: 0 done, 2 for what could not be read or
 * understood, 1 otherwise. */
int verb_exit(int err);

#endif
