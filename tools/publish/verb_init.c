#include <errno.h>
#include <stdio.h>

#include "tools/publish/author.h"
#include "tools/publish/crls.h"
#include "tools/publish/root_file.h"
#include "tools/publish/say.h"
#include "tools/publish/uuid.h"
#include "tools/publish/verbs.h"
#include "tools/publish/when.h"

struct plan {
	enum crypto_curve curve;
	unsigned long long root_keys;
	unsigned long long root_threshold;
	bool intermediate;
};

static const struct cli_option options[] = {
	{"vendor", "NAME", false, "name of the vendor, for people"},
	{"vendor-id", "UUID", false, "vendor-id (default: version 5 of the"
		" domain or name)"},
	{"domain", "DOMAIN", false, "DNS domain of the vendor"},
	{"curve", "p256|p384", false, "curve of all keys (default p256)"},
	{"root-keys", "N", false, "keys of the root role (default 3)"},
	{"root-threshold", "N", false, "root signatures needed (default 2)"},
	{"root-days", "DAYS", false, "life of a root (default 365)"},
	{"catalog-days", "DAYS", false, "life of a catalog (default 7)"},
	{"crl-days", "DAYS", false, "life of a CRL (default 30)"},
	{"crl-url", "URL", false, "folder that CRLs are served from"},
	{"ocsp-url", "URL", false, "OCSP responder; {ca} becomes the name of"
		" the CA"},
	{"intermediate", NULL, false, "a CA between the author anchor and the"
		" author"},
	{0},
};

static int vendor_take(const struct cli *cli, struct vendor_conf *ret)
{
	const char *name = cli_get(cli, "vendor");
	const char *domain = cli_get(cli, "domain");
	const char *id = cli_get(cli, "vendor-id");
	const char *crl_url = cli_get(cli, "crl-url");
	const char *ocsp_url = cli_get(cli, "ocsp-url");
	unsigned long long root_days = 365, catalog_days = 7;
	unsigned long long crl_days = CONF_CRL_DAYS;
	struct vendor_conf conf = {0};

	if (!name)
		name = domain;
	if (!name && !id)
		return complain(-EINVAL, "init", NULL,
			"needs --vendor NAME or --vendor-id UUID");
	if (!name)
		name = id;
	if (strlen(name) >= 64 || (domain && strlen(domain) >= 64))
		return complain(-EINVAL, "init", NULL,
			"--vendor and --domain have at most 63 bytes");
	if (cli_number(cli, "root-days", 1, 3660, &root_days) ||
			cli_number(cli, "catalog-days", 1, 366,
				&catalog_days) ||
			cli_number(cli, "crl-days", 1, 366, &crl_days) ||
			(crl_url && conf_url_check("--crl-url", crl_url)) ||
			(ocsp_url && conf_url_check("--ocsp-url", ocsp_url)))
		return -EINVAL;
	if (id && uuid_parse(id, conf.vendor_id))
		return complain(-EINVAL, "init", NULL,
			"--vendor-id must be a UUID, not \"%s\"", id);
	if (!id && uuid_of_domain(domain ? domain : name, conf.vendor_id))
		return -EINVAL;
	strcpy(conf.name, name);
	strcpy(conf.domain, domain ? domain : "");
	conf.root_days = (unsigned)root_days;
	conf.catalog_days = (unsigned)catalog_days;
	conf.crl_days = (unsigned)crl_days;
	strcpy(conf.crl_url, crl_url ? crl_url : "");
	strcpy(conf.ocsp_url, ocsp_url ? ocsp_url : "");
	*ret = conf;
	return 0;
}

static int plan_take(const struct cli *cli, struct plan *ret)
{
	struct plan plan = {CRYPTO_P256, 3, 2, cli_has(cli, "intermediate")};
	const char *curve = cli_get(cli, "curve");

	if ((curve && key_curve_parse(curve, &plan.curve)) ||
			cli_number(cli, "root-keys", 1, ROOT_ENTRIES_MAX,
				&plan.root_keys) ||
			cli_number(cli, "root-threshold", 1, ROOT_ENTRIES_MAX,
				&plan.root_threshold))
		return -EINVAL;
	if (plan.root_threshold > plan.root_keys)
		return complain(-EINVAL, "init", NULL, "--root-threshold %llu"
			" is above --root-keys %llu", plan.root_threshold,
			plan.root_keys);
	*ret = plan;
	return 0;
}

/* The keys of the root role and their entries. */
static int root_keys_make(const struct publisher *p, const struct plan *plan,
	struct root_entry *entries)
{
	char path[FILES_PATH_SIZE];
	int err = 0;

	for (unsigned i = 0; !err && i < plan->root_keys; i++) {
		struct key key;

		err = publisher_path(p, path, "keys/root/%u.key.pem", i + 1);
		if (!err)
			err = key_make(path, plan->curve, &key);
		if (err)
			break;
		err = root_entry_of_key(&key.public, &entries[i]);
		key_done(&key);
	}
	return err;
}

static int catalog_key_make(const struct publisher *p, const struct plan *plan,
	struct root_entry *entry)
{
	char path[FILES_PATH_SIZE];
	struct key key;
	int err = publisher_path(p, path, "keys/catalog/key.pem");

	if (!err)
		err = key_make(path, plan->curve, &key);
	if (err)
		return err;
	err = root_entry_of_key(&key.public, entry);
	/* Nobody issues evidence about a bare key: only a new root takes it
	 * away, and gateways that require revocation want to be told so. */
	entry->revoked_by_root_only = true;
	key_done(&key);
	return err;
}

static int first_root_make(struct publisher *p, const struct plan *plan)
{
	struct root_entry root_entries[ROOT_ENTRIES_MAX] = {{0}};
	struct root_entry catalog_entry = {0}, author_entry = {0};
	struct root draft = {
		.version = 1,
		.issued = p->now,
		.expires = p->now + p->vendor.root_days * WHEN_DAY,
		.role_count = 3,
		.roles = {
			{ROLE_ROOT, (unsigned)plan->root_threshold,
				(unsigned)plan->root_keys, root_entries},
			{ROLE_CATALOG, 1, 1, &catalog_entry},
			{ROLE_AUTHOR, 1, 1, &author_entry},
		},
	};
	char folder[FILES_PATH_SIZE];
	const struct author_plan author = {folder, &p->vendor, plan->curve,
		p->now, plan->intermediate};
	struct buf ca;
	int err;

	buf_init(&ca, PKI_CERT_MAX);
	err = root_keys_make(p, plan, root_entries);
	if (!err)
		err = catalog_key_make(p, plan, &catalog_entry);
	if (!err)
		err = publisher_path(p, folder, "keys");
	if (!err)
		err = author_ca_make(&author, &ca);
	if (!err)
		err = root_entry_of_certificate(buf_bytes(&ca),
			"keys/author-ca/cert.pem", &author_entry);
	if (!err) {
		author_entry.scope_count = 1;
		author_entry.scopes[0].vendor_id =
				bytes_of(p->vendor.vendor_id, 16);
		err = root_draft_publish(p, NULL, &draft, NULL, 0);
	}
	if (!err)
		err = crls_renew(p, p->now + p->vendor.crl_days * WHEN_DAY);
	buf_done(&ca);
	return err;
}

static void told(const struct publisher *p)
{
	char uuid[UUID_TEXT_SIZE];

	printf("Made %s for %s, vendor-id %s.\n\n"
		"keys/      private keys, one folder a role; keep keys/root and"
		" keys/author-ca\n           offline\n"
		"www/       serve this folder by any web server\n"
		"www/root/1.cose goes into every gateway's vendor file\n\n"
		"Next: ferry-publish class add NAME, then ferry-publish"
		" release.\n", p->dir, p->vendor.name,
		uuid_format(p->vendor.vendor_id, uuid));
}

static int run(const struct cli *cli)
{
	struct vendor_conf vendor = {0};
	struct plan plan = {0};
	struct publisher p;
	int err;

	if (keys_start())
		return EXIT_REFUSED;
	if (vendor_take(cli, &vendor) || plan_take(cli, &plan))
		return EXIT_USAGE;
	err = publisher_make(cli->args[0], &vendor);
	if (!err)
		err = publisher_open(cli->args[0], &p);
	if (err)
		return verb_exit(err);
	err = first_root_make(&p, &plan);
	if (!err)
		told(&p);
	publisher_close(&p);
	return verb_exit(err);
}

const struct cli_verb verb_init = {
	.name = "init",
	.args = "DIR",
	.args_min = 1,
	.args_max = 1,
	.summary = "Make a publisher's folder with keys and the first root",
	.detail = "Makes the keys of root (2 of 3 must sign), catalog and"
		" author, a CA for authors\nwith one signing certificate, and"
		" www/root/1.cose. Nothing is ever overwritten.",
	.options = options,
	.run = run,
};
