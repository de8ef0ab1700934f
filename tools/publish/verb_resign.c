#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/publish/author_set.h"
#include "tools/publish/catalog_file.h"
#include "tools/publish/envelope.h"
#include "tools/publish/root_file.h"
#include "tools/publish/say.h"
#include "tools/publish/verbs.h"

/* What a change of releases works with. */
struct change {
	struct publisher *p;
	const struct cli *cli;
	struct root *root;         /* the current one */
	struct author_set *signers; /* NULL: nobody signs */
	enum role role;            /* of the signers */
};

typedef int change_fn(const struct change *change, struct release *r);

/* Changes releases in memory: those that are named, or all. */
static int list_change(const struct change *change, struct release_list *list,
	change_fn *fn)
{
	const struct cli *cli = change->cli;
	bool all = cli->args_count == 0;
	size_t count = all ? list->count : cli->args_count;
	int err = 0;

	for (size_t i = 0; !err && i < count; i++) {
		struct release *r = all ? &list->at[i] : NULL;

		if (!all)
			err = release_list_find(list, cli->args[i], &r);
		if (!err)
			err = fn(change, r);
	}
	return err;
}

static int list_write(const struct publisher *p,
	const struct release_list *list)
{
	int err = 0;

	for (size_t i = 0; !err && i < list->count; i++)
		err = release_write(p, &list->at[i]);
	return err;
}

/* Changes, publishes, and puts the records back when gateways would refuse. */
static int releases_change(const struct change *change, change_fn *fn)
{
	const struct catalog_options options = {0};
	struct release_list list = {0}, before = {0};
	struct publisher *p = change->p;
	uint64_t expires = 0;
	int err = release_list_load(p, &before);

	if (!err)
		err = release_list_load(p, &list);
	if (!err)
		err = list_change(change, &list, fn);
	if (!err)
		err = list_write(p, &list);
	if (!err && !cli_has(change->cli, "no-catalog")) {
		err = catalog_publish(p, &list, &options, &expires);
		if (!err)
			catalog_print(p, expires);
		else
			list_write(p, &before);
	}
	release_list_free(&list);
	release_list_free(&before);
	return err;
}

static const struct cli_option withdraw_options[] = {
	VERB_OPTION_DIR,
	{"undo", NULL, false, "offer it again"},
	{"no-catalog", NULL, false, "do not renew the catalog"},
	{0},
};

static int withdraw(const struct change *change, struct release *r)
{
	r->withdrawn = !cli_has(change->cli, "undo");
	return 0;
}

static int run_withdraw(const struct cli *cli)
{
	struct publisher p;
	struct change change = {.p = &p, .cli = cli};
	int err = verb_open(cli, &p);

	if (err)
		return verb_exit(err);
	err = releases_change(&change, withdraw);
	publisher_close(&p);
	return verb_exit(err);
}

const struct cli_verb verb_withdraw = {
	.name = "withdraw",
	.args = "RELEASE...",
	.args_min = 1,
	.args_max = CLI_ARGS_MAX,
	.summary = "Stop offering releases",
	.detail = "RELEASE is the beginning of a manifest digest (8 digits or"
		" more). The entry stays in\nthe catalog as withdrawn: devices"
		" do not go below its sequence number.",
	.options = withdraw_options,
	.run = run_withdraw,
};

/* Who of a role has signed an authentication block, whatever is known of
 * revocation. */
static int block_signers(const struct change *change, enum role number,
	const struct suit_envelope *envelope, struct bytes block,
	struct role_signatures *ret)
{
	static const struct revocation_view off = {.policy = REVOCATION_OFF};
	const struct chain_rules rules = {
		.now = trust_now_at(change->p->now), .revocation = &off};
	const struct root_role *role = root_role(change->root, number);
	struct cose_msg msg;

	*ret = (struct role_signatures){0};
	if (!role || cose_parse(block, COSE_NONE, &msg, NULL) ||
			msg.kind == COSE_MAC0 || msg.payload_attached)
		return 0;
	return role_verify(role, &msg, ROLE_KID_OR_CHAIN, bytes_of("", 0),
		envelope->signed_digest, &rules, ret);
}

/* The blocks that stay: of a countersignature all, of a new signature by the
 * author those of the other roles. */
static int blocks_keep(const struct change *change,
	const struct suit_envelope *envelope, struct bytes *ret_blocks,
	unsigned *ret_count, uint64_t *ret_until)
{
	static const enum role others[] = {ROLE_OPERATOR, ROLE_REGULATOR};
	struct role_signatures *found = calloc(1, sizeof(*found));
	int err = found ? 0 : complain(-ENOMEM, NULL, NULL, "no memory");

	*ret_count = 0;
	*ret_until = 0;
	for (unsigned i = 0; !err && i < envelope->block_count; i++) {
		bool keep = false;

		for (size_t k = 0; !err && !keep && k < 2; k++) {
			err = block_signers(change, others[k], envelope,
				envelope->blocks[i], found);
			keep = !err && found->count > 0;
		}
		if (!keep)
			continue;
		ret_blocks[(*ret_count)++] = envelope->blocks[i];
		if (found->of[0].not_after != UINT64_MAX)
			*ret_until = author_until(*ret_until,
				found->of[0].not_after);
	}
	free(found);
	return err;
}

/* Fails unless the newest block is by a signer of the role, and by one that had
 * not signed before. */
static int signature_check(const struct change *change, struct bytes file,
	unsigned before, const char *path)
{
	struct role_signatures *all = calloc(2, sizeof(*all));
	struct suit_envelope envelope;
	struct fault fault = {0};
	int err = all ? suit_envelope_parse(file, &envelope, &fault) :
			-ENOMEM;

	if (err)
		complain_fault(path, err, &fault);
	for (unsigned i = 0; !err && i < envelope.block_count; i++) {
		struct role_signatures *one = &all[1];

		err = block_signers(change, change->role, &envelope,
			envelope.blocks[i], one);
		if (err) {
			complain(err, path, "signature", "%s", err_text(err));
			break;
		}
		if (i >= before && one->count == 0)
			err = complain(-EPERM, path, "signature", "root %llu"
				" does not list this signer in the role %s%s%s",
				(unsigned long long)change->root->version,
				role_name(change->role),
				one->first_refusal ? ": " : "",
				one->first_refusal ?
				err_text(one->first_refusal) : "");
		for (unsigned k = 0; !err && k < one->count; k++)
			if (!role_signatures_add(&all[0], &one->of[k]) &&
					i >= before)
				err = complain(-EEXIST, path, "signature",
					"%s has signed this release already",
					one->of[k].subject);
	}
	free(all);
	return err;
}

/* What is countersigned is what was signed, in all its parts. */
static int severed_check(const struct suit_envelope *envelope,
	const char *path)
{
	struct suit_manifest *manifest = calloc(1, sizeof(*manifest));
	struct fault fault = {0};
	int err = manifest ? suit_manifest_parse(envelope, manifest, &fault) :
			-ENOMEM;

	if (err)
		complain_fault(path, err, &fault);
	for (unsigned key = 0; !err && key <= SUIT_UNINSTALL; key++)
		if (manifest->members[key].presence == SUIT_SEVERED_BAD)
			err = complain(ERR_TRUST_SUIT_SEVERED, path,
				"envelope", "member %u is not the one that was"
				" signed", key);
	free(manifest);
	return err;
}

static int envelope_open(const struct publisher *p, const struct release *r,
	struct buf *file, struct suit_envelope *ret)
{
	struct fault fault = {0};
	uint8_t digest[32];
	char path[FILES_PATH_SIZE];
	int err = release_envelope_read(p, r, file, path);

	if (err)
		return err;
	err = suit_envelope_parse(buf_bytes(file), ret, &fault);
	if (!err)
		err = suit_envelope_check_digest(ret);
	if (!err)
		err = suit_envelope_release(ret, digest);
	if (err)
		return complain_fault(path, err, &fault);
	if (memcmp(digest, r->manifest_digest, 32) != 0)
		return complain(-EINVAL, path, "manifest digest",
			"is not the one of the release record");
	if (ret->integrated_count)
		return complain(-EINVAL, path, "payload",
			"stands in the envelope: made elsewhere");
	return severed_check(ret, path);
}

/* The manifest stays, so the identity of the release stays. */
static int envelope_renew(const struct change *change, bool keep_all,
	struct release *r, struct buf *old, struct buf *new)
{
	struct envelope_content content = {0};
	struct bytes blocks[SUIT_BLOCKS_MAX];
	struct suit_envelope envelope;
	uint64_t until = keep_all ? r->signed_until : 0;
	char hex[65];
	int err = envelope_open(change->p, r, old, &envelope);

	if (err)
		return err;
	content.manifest = envelope.manifest.content;
	for (unsigned key = 0; key <= SUIT_UNINSTALL; key++)
		content.severed[key] = envelope.members[key].content;
	content.blocks = keep_all ? envelope.blocks : blocks;
	content.block_count = envelope.block_count;
	if (!keep_all)
		err = blocks_keep(change, &envelope, blocks,
			&content.block_count, &until);
	if (!err)
		err = envelope_sign(&content, change->signers->by,
			change->signers->count, new);
	if (!err && keep_all)
		err = signature_check(change, buf_bytes(new),
			content.block_count, bytes_to_hex(bytes_of(
			r->manifest_digest, 8), hex, sizeof(hex)));
	if (!err)
		err = release_envelope_store(change->p, buf_bytes(new), r);
	if (!err)
		r->signed_until = author_until(until, change->signers->until);
	return err;
}

static int renew(const struct change *change, bool keep_all, struct release *r)
{
	char release[17], envelope[65];
	struct buf old, new;
	int err;

	if (r->withdrawn && change->cli->args_count == 0)
		return 0;
	buf_init(&old, SUIT_ENVELOPE_MAX);
	buf_init(&new, SUIT_ENVELOPE_MAX);
	err = envelope_renew(change, keep_all, r, &old, &new);
	if (!err)
		printf("%s: %s, envelope %s\n", keep_all ? "countersigned" :
			"signed again", bytes_to_hex(bytes_of(
			r->manifest_digest, 8), release, sizeof(release)),
			bytes_to_hex(bytes_of(r->envelope_digest, 32),
			envelope, sizeof(envelope)));
	buf_done(&new);
	buf_done(&old);
	return err;
}

static int resign(const struct change *change, struct release *r)
{
	return renew(change, false, r);
}

static int countersign(const struct change *change, struct release *r)
{
	return renew(change, true, r);
}

/* Opens what signs, changes, closes. */
static int run_signed(const struct cli *cli, enum role role, change_fn *fn)
{
	struct author_set *signers = calloc(1, sizeof(*signers));
	struct publisher p;
	struct change change = {.p = &p, .cli = cli, .signers = signers,
		.role = role};
	int err = signers ? verb_open(cli, &p) : -ENOMEM;

	if (err) {
		free(signers);
		return verb_exit(err);
	}
	err = root_file_current(&p, &change.root);
	if (!err)
		err = author_set_open(&p, cli, signers);
	if (!err) {
		err = releases_change(&change, fn);
		author_set_done(signers);
	}
	root_free(change.root);
	publisher_close(&p);
	free(signers);
	return verb_exit(err);
}

static const struct cli_option resign_options[] = {
	VERB_OPTION_DIR,
	{"all", NULL, false, "every release that is not withdrawn"},
	{"no-catalog", NULL, false, "do not renew the catalog"},
	AUTHOR_OPTIONS,
	{0},
};

static bool names_or_all(const struct cli *cli)
{
	if ((cli->args_count == 0) == cli_has(cli, "all"))
		return true;
	complain(-EINVAL, cli->verb->name, NULL,
		"needs either releases or --all");
	return false;
}

static int run_resign(const struct cli *cli)
{
	return names_or_all(cli) ? run_signed(cli, ROLE_AUTHOR, resign) :
			EXIT_USAGE;
}

const struct cli_verb verb_resign = {
	.name = "resign",
	.args = "[RELEASE...]",
	.args_max = CLI_ARGS_MAX,
	.summary = "Renew the author's signature of releases",
	.detail = "RELEASE is the beginning of a manifest digest (8 digits or"
		" more). The manifest stays\nas it is: this is no new release,"
		" and no device updates because of it.\nSignatures of operators"
		" and regulators stay, those of all authors are replaced.",
	.options = resign_options,
	.run = run_resign,
};

static const struct cli_option countersign_options[] = {
	VERB_OPTION_DIR,
	{"role", "ROLE", false, "operator, regulator, or author for one author"
		" more (required)"},
	{"all", NULL, false, "every release that is not withdrawn"},
	{"no-catalog", NULL, false, "do not renew the catalog"},
	AUTHOR_OPTIONS,
	{0},
};

static int run_countersign(const struct cli *cli)
{
	enum role role;

	if (role_parse(cli_get(cli, "role"), &role))
		return EXIT_USAGE;
	if (role == ROLE_ROOT || role == ROLE_CATALOG || !cli_has(cli, "key")) {
		complain(-EINVAL, "countersign", NULL, "needs --key FILE, and"
			" --role author, operator or regulator");
		return EXIT_USAGE;
	}
	return names_or_all(cli) ? run_signed(cli, role, countersign) :
			EXIT_USAGE;
}

const struct cli_verb verb_countersign = {
	.name = "countersign",
	.args = "[RELEASE...]",
	.args_max = CLI_ARGS_MAX,
	.summary = "Add signatures to releases",
	.detail = "Appends an authentication block by --key (with --chain, or"
		" as a bare key) to the\nenvelope; every signature that is"
		" there stays, and so does the release's identity.\nThe current"
		" root must list the signer in the role.",
	.options = countersign_options,
	.run = run_countersign,
};
