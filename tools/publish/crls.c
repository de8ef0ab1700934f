#include "tools/publish/crls.h"

#include <errno.h>
#include <stdio.h>

#include "policy/trust/crl.h"
#include "tools/publish/say.h"
#include "tools/publish/when.h"

const char *const crls_ca_folders[] = {"author-ca", "author-issuing", NULL};

/* The number of the CRL at `path`, 0 if there is none. */
static int published_number(const struct ca *ca, const char *path,
	uint64_t *ret)
{
	struct crl_facts facts;
	struct fault fault = {0};
	struct buf file;
	int err;

	*ret = 0;
	if (!file_exists(path))
		return 0;
	buf_init(&file, EVIDENCE_CRL_MAX);
	err = file_read(path, &file);
	if (!err) {
		err = crl_scan(buf_bytes(&file), ca->cert.certs[0], NULL, 0,
			NULL, &facts, &fault);
		if (err)
			complain_fault(path, err, &fault);
	}
	buf_done(&file);
	if (!err)
		*ret = get_be64(facts.number + EVIDENCE_NUMBER_LEN - 8);
	return err;
}

int crl_issue(struct ca *ca, const char *folder, uint64_t now, uint64_t until)
{
	char path[FILES_PATH_SIZE], text[WHEN_TEXT_SIZE];
	uint64_t number = 0;
	struct buf der;
	int err = path_format(path, "%s/%s.crl", folder, ca->name);

	if (!err && until <= now)
		err = complain(-EINVAL, path, "nextUpdate",
			"must be later than now");
	if (!err)
		err = published_number(ca, path, &number);
	if (!err && number > ca->crl_number)
		err = complain(-EINVAL, path, "cRLNumber", "is %llu, ahead of"
			" %llu in %s/issued.json: this folder went backwards",
			(unsigned long long)number,
			(unsigned long long)ca->crl_number, ca->folder);
	buf_init(&der, EVIDENCE_CRL_MAX);
	if (!err)
		err = ca_crl(ca, now, until, &der);
	if (!err)
		err = file_write(path, buf_bytes(&der), 0644);
	if (!err)
		printf("%s: number %llu, until %s\n", path,
			(unsigned long long)ca->crl_number,
			when_format(until, text));
	buf_done(&der);
	return err;
}

static int one_renew(const struct publisher *p, const char *name,
	const char *out, uint64_t until)
{
	char folder[FILES_PATH_SIZE];
	struct ca ca;
	int err = publisher_path(p, folder, "keys/%s", name);

	if (err || !ca_is_there(folder))
		return err;
	err = ca_open(folder, NULL, &ca);
	if (err)
		return err;
	if (ca.key.id)
		err = crl_issue(&ca, out, p->now, until);
	else
		warn(folder, "key", "is not here: no new CRL of this CA");
	ca_done(&ca);
	return err;
}

int crls_renew(const struct publisher *p, uint64_t until)
{
	char out[FILES_PATH_SIZE];
	int err = publisher_path(p, out, "www/crl");

	if (!err)
		err = folder_make(out, 0755);
	for (size_t i = 0; !err && crls_ca_folders[i]; i++)
		err = one_renew(p, crls_ca_folders[i], out, until);
	return err;
}
