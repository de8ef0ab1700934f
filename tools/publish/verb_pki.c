#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/publish/author.h"
#include "tools/publish/say.h"
#include "tools/publish/verbs.h"
#include "tools/publish/when.h"

#define TLS_CA_DAYS 3650
#define TLS_DAYS 365

static const struct cli_option author_options[] = {
	VERB_OPTION_DIR,
	{"out", "DIR", false, "make a new CA and author in this new folder"
		" instead"},
	{"intermediate", NULL, false, "with --out: a CA between the anchor and"
		" the author"},
	{"new-key", NULL, false, "make a new author's key; the old one is kept"
		" beside it"},
	{"days", "DAYS", false, "life of the certificate (default 730)"},
	{"ca-key", "FILE", false, "key of the CA (default key.pem in"
		" keys/author-issuing or keys/author-ca)"},
	{"curve", "p256|p384", false, "curve of new keys (default p256)"},
	{0},
};

static int curve_take(const struct cli *cli, enum crypto_curve *ret)
{
	const char *text = cli_get(cli, "curve");

	*ret = CRYPTO_P256;
	return text ? key_curve_parse(text, ret) : 0;
}

/* keys/author/key.pem goes to the first free until-N.pem. */
static int author_key_replace(const struct cli *cli, const struct publisher *p)
{
	char path[FILES_PATH_SIZE], old[FILES_PATH_SIZE];
	enum crypto_curve curve;
	unsigned n = 1;
	int err = curve_take(cli, &curve);

	if (!err)
		err = publisher_path(p, path, "keys/author/key.pem");
	do {
		if (!err)
			err = publisher_path(p, old, "keys/author/old-%u.pem",
				n++);
	} while (!err && file_exists(old));
	if (!err && file_exists(path) && rename(path, old))
		err = complain(-errno, path, NULL, "cannot rename: %s",
			strerror(errno));
	if (!err)
		err = key_make(path, curve, NULL);
	if (!err)
		printf("made %s\n", path);
	return err;
}

static int author_renew(const struct cli *cli, const struct publisher *p)
{
	char path[FILES_PATH_SIZE], folder[FILES_PATH_SIZE];
	char text[WHEN_TEXT_SIZE];
	unsigned long long days = AUTHOR_DAYS;
	struct key key = {0};
	struct ca ca = {0};
	int err = cli_number(cli, "days", 1, AUTHOR_CA_DAYS, &days);

	if (!err)
		err = publisher_path(p, path, "keys");
	if (!err)
		err = author_ca_folder(path, folder);
	if (!err)
		err = ca_open(folder, cli_get(cli, "ca-key"), &ca);
	if (!err)
		err = ca_need_key(&ca);
	if (!err && cli_has(cli, "new-key"))
		err = author_key_replace(cli, p);
	if (!err)
		err = publisher_key(p, "author", NULL, &key);
	if (!err)
		err = publisher_path(p, path, "keys/author/chain.pem");
	if (!err)
		err = author_certify(path, &p->vendor, &key, &ca, p->now,
			days);
	if (!err)
		printf("%s: valid until %s\nNext: ferry-publish resign"
			" --all\n", path, when_format(p->now +
			days * WHEN_DAY, text));
	key_done(&key);
	ca_done(&ca);
	return err;
}

static int author_new(const struct cli *cli, const struct publisher *p,
	const char *out)
{
	struct author_plan plan = {
		.folder = out,
		.vendor = &p->vendor,
		.now = p->now,
		.intermediate = cli_has(cli, "intermediate"),
	};
	struct buf anchor;
	int err = curve_take(cli, &plan.curve);

	buf_init(&anchor, PKI_CERT_MAX);
	if (!err)
		err = folder_make(out, 0700);
	if (!err)
		err = author_ca_make(&plan, &anchor);
	if (!err)
		printf("Made %s/author-ca%s and %s/author.\nNext: ferry-publish"
			" root rotate --role author --anchor"
			" %s/author-ca/cert.pem\n", out, plan.intermediate ?
			", author-issuing" : "", out, out);
	buf_done(&anchor);
	return err;
}

static int run_author(const struct cli *cli)
{
	struct publisher p;
	int err = verb_open(cli, &p);

	if (err)
		return verb_exit(err);
	err = cli_has(cli, "out") ? author_new(cli, &p, cli_get(cli, "out")) :
			author_renew(cli, &p);
	publisher_close(&p);
	return verb_exit(err);
}

const struct cli_verb verb_pki_author = {
	.name = "pki author",
	.args = "",
	.summary = "Renew the author's certificate, or make a new author CA",
	.detail = "Without --out: a new certificate for keys/author/key.pem by"
		" the CA in keys/author-issuing\nor keys/author-ca. Resign the"
		" releases afterwards. After a theft: pki revoke, then\npki"
		" author --new-key, then resign --all.",
	.options = author_options,
	.run = run_author,
};

static const struct cli_option tls_options[] = {
	{"out", "DIR", false, "folder for keys and certificates (required)"},
	{"server", "NAME", true, "DNS name or address of the web server"},
	{"gateway", "NAME", true, "a gateway that gets a client certificate"},
	{"days", "DAYS", false, "life of the certificates (default 365)"},
	{"crl-url", "URL", false, "folder that the CA's CRL is served from"},
	{"ocsp-url", "URL", false, "OCSP responder of the CA"},
	{0},
};

struct tls_plan {
	const char *folder;
	const char *crl_url;  /* "": none */
	const char *ocsp_url;
	uint64_t now;
	uint64_t days;
};

/* The CA of the folder; made where it is missing. */
static int tls_ca_open(const struct tls_plan *plan, struct ca *ret)
{
	struct pki_request request = {
		.common_name = "Ferry TLS CA for trying out",
		.not_before = plan->now - CERT_CLOCK_SLACK_S,
		.not_after = plan->now + TLS_CA_DAYS * WHEN_DAY,
	};
	int err = 0;

	if (!ca_is_there(plan->folder))
		err = ca_make(plan->folder, false, &request, CRYPTO_P256,
			NULL);
	if (!err)
		err = ca_open(plan->folder, NULL, ret);
	return err;
}

/* A key and its certificate: FOLDER/FILE.key.pem and FOLDER/FILE.pem. */
static int leaf_make(const struct tls_plan *plan, struct ca *ca,
	enum pki_use use, const char *file, const char *const *names,
	size_t count)
{
	char key_path[FILES_PATH_SIZE], path[FILES_PATH_SIZE];
	char crl_url[PKI_URL_SIZE], ocsp_url[PKI_URL_SIZE];
	struct key key;
	struct pki_request request = {
		.use = use,
		.common_name = names[0],
		.names = names,
		.names_count = count,
		.not_before = plan->now - CERT_CLOCK_SLACK_S,
		.not_after = plan->now + plan->days * WHEN_DAY,
		.subject_key = &key,
	};
	struct bytes cert;
	struct buf der;
	int err = path_format(key_path, "%s/%s.key.pem", plan->folder, file);

	if (!err)
		err = path_format(path, "%s/%s.pem", plan->folder, file);
	if (!err)
		err = ca_crl_url(ca, plan->crl_url, crl_url,
			&request.crl_url);
	if (!err)
		err = ca_ocsp_url(ca, plan->ocsp_url, ocsp_url,
			&request.ocsp_url);
	if (!err)
		err = file_exists(key_path) ? key_open(key_path, &key) :
				key_make(key_path, CRYPTO_P256, &key);
	if (err)
		return err;
	buf_init(&der, PKI_CERT_MAX);
	err = ca_issue(ca, &request, &der);
	cert = buf_bytes(&der);
	if (!err)
		err = pki_write(path, &cert, 1);
	if (!err)
		printf("%s\n%s\n", key_path, path);
	buf_done(&der);
	key_done(&key);
	return err;
}

static int tls_leaves_make(const struct cli *cli, const struct tls_plan *plan,
	struct ca *ca)
{
	const char *const *servers, *const *gateways;
	size_t server_count = cli_all(cli, "server", &servers);
	size_t gateway_count = cli_all(cli, "gateway", &gateways);
	int err = 0;

	if (server_count)
		err = leaf_make(plan, ca, PKI_SERVER, "server", servers,
			server_count);
	for (size_t i = 0; !err && i < gateway_count; i++) {
		char file[80];

		err = conf_name_check("--gateway", gateways[i]);
		snprintf(file, sizeof(file), "gateway-%s", gateways[i]);
		if (!err)
			err = leaf_make(plan, ca, PKI_CLIENT, file,
				&gateways[i], 1);
	}
	return err;
}

static int tls_make(const struct cli *cli, const struct tls_plan *plan)
{
	struct ca ca = {0};
	int lock = -1;
	int err = folder_make(plan->folder, 0700);

	if (!err)
		err = folder_lock(plan->folder, &lock);
	if (!err)
		err = tls_ca_open(plan, &ca);
	if (!err)
		err = tls_leaves_make(cli, plan, &ca);
	ca_done(&ca);
	folder_unlock(lock);
	return err;
}

static int run_tls(const struct cli *cli)
{
	const char *crl_url = cli_get(cli, "crl-url");
	const char *ocsp_url = cli_get(cli, "ocsp-url");
	struct tls_plan plan = {
		.folder = cli_get(cli, "out"),
		.crl_url = crl_url ? crl_url : "",
		.ocsp_url = ocsp_url ? ocsp_url : "",
		.now = when_now(),
	};
	unsigned long long days = TLS_DAYS;
	int err;

	if (!plan.folder || (!cli_has(cli, "server") &&
			!cli_has(cli, "gateway"))) {
		complain(-EINVAL, "pki tls", NULL, "needs --out DIR and"
			" --server NAME or --gateway NAME");
		return EXIT_USAGE;
	}
	if (cli_number(cli, "days", 1, TLS_CA_DAYS, &days) ||
			conf_url_check("--crl-url", plan.crl_url) ||
			conf_url_check("--ocsp-url", plan.ocsp_url))
		return EXIT_USAGE;
	plan.days = days;
	err = keys_start();
	if (!err)
		err = tls_make(cli, &plan);
	return verb_exit(err);
}

const struct cli_verb verb_pki_tls = {
	.name = "pki tls",
	.args = "",
	.summary = "Make TLS certificates for a server and gateways",
	.detail = "A small CA for trying Ferry out with mutual TLS: ca.pem,"
		" server.pem and\ngateway-NAME.pem with their keys. Called"
		" again, it adds gateways and renews\ncertificates under the"
		" same CA. Gateways that require revocation evidence of the"
		"\nserver need --crl-url or --ocsp-url (http), and pki crl"
		" --ca DIR.",
	.options = tls_options,
	.run = run_tls,
};
