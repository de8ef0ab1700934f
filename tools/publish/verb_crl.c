#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/publish/author.h"
#include "tools/publish/crl_file.h"
#include "tools/publish/crls.h"
#include "tools/publish/responder.h"
#include "tools/publish/say.h"
#include "tools/publish/verbs.h"
#include "tools/publish/when.h"

/* Where a verb works: a folder with one CA (--ca), which needs no publisher, or
 * the publisher's own. */
struct place {
	const char *ca; /* NULL: the publisher's */
	struct publisher p;
	int lock;       /* of the CA's folder */
	uint64_t now;
};

static void place_done(struct place *place)
{
	if (place->ca)
		folder_unlock(place->lock);
	else
		publisher_close(&place->p);
}

static int place_open(const struct cli *cli, struct place *ret)
{
	struct place place = {.ca = cli_get(cli, "ca"), .lock = -1};
	int err;

	if (!place.ca) {
		err = verb_open(cli, &place.p);
		place.now = place.p.now;
	} else {
		err = keys_start();
		if (!err)
			err = folder_lock(place.ca, &place.lock);
		place.now = when_now();
	}
	if (!err)
		*ret = place;
	return err;
}

#define CA_OPTIONS \
	VERB_OPTION_DIR, \
	{"ca", "DIR", false, "folder of another CA, such as that of pki tls" \
		" (default: the publisher's)"}

static const struct cli_option crl_options[] = {
	CA_OPTIONS,
	{"ca-key", "FILE", false, "with --ca: its key (default: in its folder)"},
	{"expires", "TIME", false, "nextUpdate, or a span such as 30d (default"
		" crl_days of publish.conf)"},
	{"out", "DIR", false, "with --ca: folder that NAME.crl goes to"
		" (default: DIR)"},
	{0},
};

static int one_crl(const struct cli *cli, const struct place *place,
	uint64_t until)
{
	const char *out = cli_get(cli, "out");
	struct ca ca;
	int err = ca_open(place->ca, cli_get(cli, "ca-key"), &ca);

	if (err)
		return err;
	err = crl_issue(&ca, out ? out : place->ca, place->now, until);
	ca_done(&ca);
	return err;
}

static int run_crl(const struct cli *cli)
{
	struct place place;
	uint64_t until;
	int err;

	if (!cli_has(cli, "ca") && (cli_has(cli, "out") ||
			cli_has(cli, "ca-key"))) {
		complain(-EINVAL, "pki crl", NULL,
			"--out and --ca-key need --ca");
		return EXIT_USAGE;
	}
	err = place_open(cli, &place);
	if (err)
		return verb_exit(err);
	until = place.now + (place.ca ? CONF_CRL_DAYS :
		place.p.vendor.crl_days) * WHEN_DAY;
	err = verb_time(cli, "expires", place.now, &until);
	if (!err)
		err = place.ca ? one_crl(cli, &place, until) :
				crls_renew(&place.p, until);
	if (!err && !place.ca)
		puts("Next: ferry-publish catalog, which ships them");
	place_done(&place);
	return verb_exit(err);
}

const struct cli_verb verb_pki_crl = {
	.name = "pki crl",
	.args = "",
	.summary = "Issue the certificate revocation lists",
	.detail = "A list of every CA in keys/ whose key is here, to"
		" www/crl/NAME.crl, with the next\ncRLNumber. NAME is the"
		" beginning of the id of the CA's key. Run it well before"
		" the\nold lists run out: gateways that require revocation"
		" evidence stop otherwise.",
	.options = crl_options,
	.run = run_crl,
};

static const struct cli_option revoke_options[] = {
	CA_OPTIONS,
	{"reason", "REASON", false, "unspecified, key-compromise,"
		" ca-compromise, affiliation-changed, superseded or"
		" cessation-of-operation"},
	{"at", "TIME", false, "since when (default now)"},
	{"no-crl", NULL, false, "do not issue the CA's next CRL"},
	{0},
};

struct wish {
	const char *what; /* serial number or file */
	unsigned reason;
	uint64_t at;
	bool no_crl;
};

/* -ENOENT, silently, when the certificate is not of this CA. */
static int issued_choose(struct ca *ca, const struct wish *wish,
	struct ca_issued **ret)
{
	struct pki_chain chain = {0};
	struct x509_facts facts;
	int err = 0;

	*ret = NULL;
	if (!file_exists(wish->what)) {
		*ret = ca_find(ca, wish->what);
		return *ret ? 0 : -ENOENT;
	}
	err = pki_chain_read(wish->what, &chain);
	if (!err && !pki_is_issued_by(chain.certs[0], ca->cert.certs[0]))
		err = -ENOENT;
	if (!err)
		err = ca_note(ca, chain.certs[0], wish->what);
	if (!err)
		err = pki_look(chain.certs[0], wish->what, &facts);
	if (!err)
		*ret = ca_find(ca, facts.serial);
	pki_chain_done(&chain);
	return err;
}

/* The list goes where it was before, so that a revocation is not forgotten. */
static int revoke_in(const char *folder, const char *out,
	const struct wish *wish, uint64_t now, uint64_t until)
{
	struct ca_issued *issued = NULL;
	struct ca ca;
	int err = ca_open(folder, NULL, &ca);

	if (err)
		return err;
	err = issued_choose(&ca, wish, &issued);
	if (!err)
		err = ca_revoke(&ca, issued, wish->reason, wish->at);
	if (!err)
		printf("revoked %s %s (%s)\n", issued->serial, issued->subject,
			crl_reason_text(issued->reason));
	if (!err && !wish->no_crl && ca.key.id)
		err = crl_issue(&ca, out, now, until);
	else if (!err)
		puts("Next: ferry-publish pki crl where the key of the CA is");
	if (!err)
		err = responder_refresh(&ca, now);
	ca_done(&ca);
	return err;
}

static int revoke_anywhere(const struct place *place, const struct wish *wish)
{
	const struct publisher *p = &place->p;
	uint64_t until = place->now + (place->ca ? CONF_CRL_DAYS :
			p->vendor.crl_days) * WHEN_DAY;
	char folder[FILES_PATH_SIZE], out[FILES_PATH_SIZE];
	int err = -ENOENT;

	if (place->ca)
		err = revoke_in(place->ca, place->ca, wish, place->now, until);
	for (size_t i = 0; !place->ca && err == -ENOENT &&
			crls_ca_folders[i]; i++) {
		if (publisher_path(p, folder, "keys/%s",
				crls_ca_folders[i]) ||
				publisher_path(p, out, "www/crl"))
			return -ENAMETOOLONG;
		if (ca_is_there(folder))
			err = revoke_in(folder, out, wish, place->now, until);
	}
	return err == -ENOENT ? complain(-EINVAL, wish->what, "certificate",
		"no CA here has issued it") : err;
}

static int wish_take(const struct cli *cli, uint64_t now, struct wish *ret)
{
	const char *reason = cli_get(cli, "reason");
	struct wish wish = {
		.what = cli->args[0],
		.at = now,
		.no_crl = cli_has(cli, "no-crl"),
	};
	const char *at = cli_get(cli, "at");

	if (reason && crl_reason_parse(reason, &wish.reason))
		return -EINVAL;
	if (at && (when_parse(at, &wish.at) || wish.at > now))
		return complain(-EINVAL, "pki revoke", NULL, "--at must be a"
			" time that has passed, not \"%s\"", at);
	*ret = wish;
	return 0;
}

static int run_revoke(const struct cli *cli)
{
	struct place place;
	struct wish wish;
	int err = place_open(cli, &place);

	if (err)
		return verb_exit(err);
	if (wish_take(cli, place.now, &wish)) {
		place_done(&place);
		return EXIT_USAGE;
	}
	err = revoke_anywhere(&place, &wish);
	if (!err && !place.ca)
		puts("Next: withdraw or resign what it has signed, then"
			" ferry-publish catalog");
	place_done(&place);
	return verb_exit(err);
}

const struct cli_verb verb_pki_revoke = {
	.name = "pki revoke",
	.args = "SERIAL|FILE",
	.args_min = 1,
	.args_max = 1,
	.summary = "Revoke a certificate for good",
	.detail = "SERIAL is hexadecimal, FILE a certificate. The next CRL of"
		" its CA is issued at once\nwhere the CA's key is, and the"
		" index of its OCSP responder is written again.",
	.options = revoke_options,
	.run = run_revoke,
};

static const struct cli_option ocsp_options[] = {
	CA_OPTIONS,
	{"out", "DIR", false, "folder of the responder (default: ocsp in the"
		" folder of the CA)"},
	{"days", "DAYS", false, "life of the responder's certificate (default"
		" 90)"},
	{"port", "PORT", false, "port in the command (default 8888)"},
	{"answers", "SPAN", false, "how long an answer counts, such as 24h"
		" (default), at most 14d"},
	{0},
};

/* The CA whose responder it is: --ca, or the one that certifies authors. */
static int ocsp_ca_open(const struct place *place, struct ca *ret)
{
	char keys[FILES_PATH_SIZE], folder[FILES_PATH_SIZE];
	int err;

	if (place->ca)
		return ca_open(place->ca, NULL, ret);
	err = publisher_path(&place->p, keys, "keys");
	if (!err)
		err = author_ca_folder(keys, folder);
	return err ? err : ca_open(folder, NULL, ret);
}

static int run_ocsp(const struct cli *cli)
{
	struct responder_plan plan = {.folder = cli_get(cli, "out")};
	unsigned long long days = 90, port = 8888;
	uint64_t answers = 86400;
	struct place place;
	struct ca ca = {0};
	int err;

	if (cli_number(cli, "days", 1, 3650, &days) ||
			cli_number(cli, "port", 1, 65535, &port) ||
			verb_time(cli, "answers", 0, &answers))
		return EXIT_USAGE;
	if (answers < 60 || answers > OCSP_VALIDITY_MAX_S) {
		complain(-EINVAL, "pki ocsp", NULL,
			"--answers must be from 60s to 14d");
		return EXIT_USAGE;
	}
	err = place_open(cli, &place);
	if (err)
		return verb_exit(err);
	err = ocsp_ca_open(&place, &ca);
	plan.now = place.now;
	plan.days = days;
	plan.port = (unsigned)port;
	plan.answers_s = answers;
	if (!err)
		err = responder_make(&ca, &plan);
	ca_done(&ca);
	place_done(&place);
	return verb_exit(err);
}

const struct cli_verb verb_pki_ocsp = {
	.name = "pki ocsp",
	.args = "",
	.summary = "Set up an OCSP responder of the CA that certifies authors",
	.detail = "Makes the responder's key and certificate, the index of"
		" what the CA has issued, and\na unit that runs openssl ocsp"
		" with them. Called again, it renews the certificate and\nthe"
		" index. The CA's key is not needed where the responder runs.",
	.options = ocsp_options,
	.run = run_ocsp,
};
