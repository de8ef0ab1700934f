#include <errno.h>
#include <stdio.h>

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
	{"days", "DAYS", false, "life of the certificate (default 730)"},
	{"ca-key", "FILE", false, "key of the CA (default"
		" keys/author-ca/key.pem)"},
	{"curve", "p256|p384", false, "curve of new keys (default p256)"},
	{0},
};

static int author_renew(const struct cli *cli, const struct publisher *p)
{
	char path[FILES_PATH_SIZE], text[WHEN_TEXT_SIZE];
	unsigned long long days = AUTHOR_DAYS;
	struct pki_chain ca = {0};
	struct key key = {0}, ca_key = {0};
	int err = cli_number(cli, "days", 1, AUTHOR_CA_DAYS, &days);

	if (!err)
		err = publisher_path(p, path, "keys/author-ca/cert.pem");
	if (!err)
		err = pki_chain_read(path, &ca);
	if (!err)
		err = publisher_key(p, "author-ca", cli_get(cli, "ca-key"),
			&ca_key);
	if (!err)
		err = pki_match(ca.certs[0], path, &ca_key);
	if (!err)
		err = publisher_key(p, "author", NULL, &key);
	if (!err)
		err = publisher_path(p, path, "keys/author/chain.pem");
	if (!err)
		err = author_certify(path, &p->vendor, &key, &ca_key,
			ca.certs[0], p->now, days);
	if (!err)
		printf("%s: valid until %s\nNext: ferry-publish resign"
			" --all\n", path, when_format(p->now +
			days * WHEN_DAY, text));
	key_done(&key);
	key_done(&ca_key);
	pki_chain_done(&ca);
	return err;
}

static int author_new(const struct cli *cli, const struct publisher *p,
	const char *out)
{
	const char *curve_text = cli_get(cli, "curve");
	enum crypto_curve curve = CRYPTO_P256;
	char path[FILES_PATH_SIZE];
	struct buf ca;
	int err = curve_text ? key_curve_parse(curve_text, &curve) : 0;

	buf_init(&ca, PKI_CERT_MAX);
	if (!err)
		err = folder_make(out, 0700);
	if (!err)
		err = path_format(path, "%s/author-ca", out);
	if (!err)
		err = folder_make(path, 0700);
	if (!err)
		err = path_format(path, "%s/author", out);
	if (!err)
		err = folder_make(path, 0700);
	if (!err)
		err = author_ca_make(out, &p->vendor, curve, p->now, &ca);
	if (!err)
		printf("Made %s/author-ca and %s/author.\nNext: ferry-publish"
			" root rotate --role author --anchor"
			" %s/author-ca/cert.pem\n", out, out, out);
	buf_done(&ca);
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
		" the CA in keys/author-ca.\nResign the releases afterwards.",
	.options = author_options,
	.run = run_author,
};

static const struct cli_option tls_options[] = {
	{"out", "DIR", false, "folder for keys and certificates (required)"},
	{"server", "NAME", true, "DNS name or address of the web server"},
	{"gateway", "NAME", true, "a gateway that gets a client certificate"},
	{"days", "DAYS", false, "life of the certificates (default 365)"},
	{0},
};

/* The CA of the folder with its key; made where it is missing. */
struct tls_ca {
	const char *folder;
	struct key key;
	struct pki_chain cert;
	uint64_t now;
	uint64_t days;
};

static int ca_make(struct tls_ca *ca)
{
	char path[FILES_PATH_SIZE];
	struct pki_request request = {
		.use = PKI_CA,
		.common_name = "Ferry TLS CA for trying out",
		.not_before = ca->now - CERT_CLOCK_SLACK_S,
		.not_after = ca->now + TLS_CA_DAYS * WHEN_DAY,
	};
	struct bytes cert;
	struct key key;
	struct buf der;
	int err = path_format(path, "%s/ca.key.pem", ca->folder);

	if (!err)
		err = key_make(path, CRYPTO_P256, &key);
	if (err)
		return err;
	request.subject_key = &key;
	request.issuer_key = &key;
	buf_init(&der, PKI_CERT_MAX);
	err = pki_issue(&request, &der);
	cert = buf_bytes(&der);
	if (!err)
		err = path_format(path, "%s/ca.pem", ca->folder);
	if (!err)
		err = pki_write(path, &cert, 1);
	buf_done(&der);
	key_done(&key);
	return err;
}

static int ca_open(struct tls_ca *ca)
{
	char path[FILES_PATH_SIZE];
	int err = path_format(path, "%s/ca.pem", ca->folder);

	if (!err && !file_exists(path))
		err = ca_make(ca);
	if (!err)
		err = path_format(path, "%s/ca.pem", ca->folder);
	if (!err)
		err = pki_chain_read(path, &ca->cert);
	if (!err)
		err = path_format(path, "%s/ca.key.pem", ca->folder);
	if (!err)
		err = key_open(path, &ca->key);
	if (!err)
		err = pki_match(ca->cert.certs[0], path, &ca->key);
	return err;
}

/* A key and its certificate: FOLDER/FILE.key.pem and FOLDER/FILE.pem. */
static int leaf_make(const struct tls_ca *ca, enum pki_use use,
	const char *file, const char *const *names, size_t count)
{
	char key_path[FILES_PATH_SIZE], path[FILES_PATH_SIZE];
	struct key key;
	struct pki_request request = {
		.use = use,
		.common_name = names[0],
		.names = names,
		.names_count = count,
		.not_before = ca->now - CERT_CLOCK_SLACK_S,
		.not_after = ca->now + ca->days * WHEN_DAY,
		.subject_key = &key,
		.issuer_key = &ca->key,
		.issuer = ca->cert.certs[0],
	};
	struct bytes cert;
	struct buf der;
	int err = path_format(key_path, "%s/%s.key.pem", ca->folder, file);

	if (!err)
		err = path_format(path, "%s/%s.pem", ca->folder, file);
	if (!err)
		err = file_exists(key_path) ? key_open(key_path, &key) :
				key_make(key_path, CRYPTO_P256, &key);
	if (err)
		return err;
	buf_init(&der, PKI_CERT_MAX);
	err = pki_issue(&request, &der);
	cert = buf_bytes(&der);
	if (!err)
		err = pki_write(path, &cert, 1);
	if (!err)
		printf("%s\n%s\n", key_path, path);
	buf_done(&der);
	key_done(&key);
	return err;
}

static int tls_make(const struct cli *cli, struct tls_ca *ca)
{
	const char *const *servers, *const *gateways;
	size_t server_count = cli_all(cli, "server", &servers);
	size_t gateway_count = cli_all(cli, "gateway", &gateways);
	int err = folder_make(ca->folder, 0700);

	if (!err)
		err = ca_open(ca);
	if (!err && server_count)
		err = leaf_make(ca, PKI_SERVER, "server", servers,
			server_count);
	for (size_t i = 0; !err && i < gateway_count; i++) {
		char file[80];

		err = conf_name_check("--gateway", gateways[i]);
		snprintf(file, sizeof(file), "gateway-%s", gateways[i]);
		if (!err)
			err = leaf_make(ca, PKI_CLIENT, file, &gateways[i], 1);
	}
	return err;
}

static int run_tls(const struct cli *cli)
{
	struct tls_ca ca = {.folder = cli_get(cli, "out"), .now = when_now()};
	unsigned long long days = TLS_DAYS;
	int err;

	if (!ca.folder || (!cli_has(cli, "server") &&
			!cli_has(cli, "gateway"))) {
		complain(-EINVAL, "pki tls", NULL, "needs --out DIR and"
			" --server NAME or --gateway NAME");
		return EXIT_USAGE;
	}
	if (cli_number(cli, "days", 1, TLS_CA_DAYS, &days))
		return EXIT_USAGE;
	ca.days = days;
	err = keys_start();
	if (!err)
		err = tls_make(cli, &ca);
	key_done(&ca.key);
	pki_chain_done(&ca.cert);
	return verb_exit(err);
}

const struct cli_verb verb_pki_tls = {
	.name = "pki tls",
	.args = "",
	.summary = "Make TLS certificates for a server and gateways",
	.detail = "A small CA for trying Ferry out with mutual TLS: ca.pem,"
		" server.pem and\ngateway-NAME.pem with their keys. Called"
		" again, it adds gateways and renews\ncertificates under the"
		" same CA.",
	.options = tls_options,
	.run = run_tls,
};
