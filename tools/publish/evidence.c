#include "tools/publish/evidence.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "policy/trust/crl.h"
#include "policy/trust/ocsp.h"
#include "tools/publish/say.h"
#include "tools/publish/when.h"

static int crl_facts_of(struct bytes der, const char *path,
	struct evidence_file *ret)
{
	struct crl_facts facts;
	struct bytes issuer;
	struct fault fault = {0};
	int err = crl_look(der, &facts, &issuer, NULL, NULL, &fault);

	if (err)
		return complain_fault(path, err, &fault);
	ret->kind = EVIDENCE_CRL;
	ret->next_update = facts.next_update;
	/* Ours are small; the higher bytes of others count as the highest. */
	ret->number = get_be64(facts.number + EVIDENCE_NUMBER_LEN - 8);
	for (size_t i = 0; i < EVIDENCE_NUMBER_LEN - 8; i++)
		if (facts.number[i])
			ret->number = UINT64_MAX;
	memcpy(ret->about, facts.issuer_name, sizeof(ret->about));
	return 0;
}

struct looking {
	struct evidence_file *file;
	unsigned count;
	int err;
};

static void on_answer(void *arg, const struct ocsp_answer *answer)
{
	struct looking *looking = arg;
	const struct bytes parts[] = {answer->name_hash, answer->key_hash,
		answer->serial};

	if (looking->count++)
		return;
	looking->file->number = answer->this_update;
	looking->file->next_update = answer->has_next_update ?
			answer->next_update : 0;
	looking->err = crypto_digest(CRYPTO_SHA256, parts, 3,
		looking->file->about);
}

static int ocsp_facts_of(struct bytes der, const char *path,
	struct evidence_file *ret)
{
	struct looking looking = {.file = ret};
	struct ocsp_facts facts;
	struct fault fault = {0};
	int err = ocsp_look(der, &facts, on_answer, &looking, &fault);

	ret->kind = EVIDENCE_OCSP;
	if (!err)
		err = looking.err;
	return err ? complain_fault(path, err, &fault) : 0;
}

int evidence_look(struct bytes der, const char *path,
	struct evidence_file *ret)
{
	uint8_t name[32];
	bool is_crl = crl_issuer_name(der, name, NULL) == 0;
	int err;

	*ret = (struct evidence_file){.len = der.len};
	if (!is_crl && der.len > EVIDENCE_OCSP_MAX)
		return complain(-EINVAL, path, "evidence", "is no CRL, and too"
			" large for an OCSP response");
	err = is_crl ? crl_facts_of(der, path, ret) :
			ocsp_facts_of(der, path, ret);
	if (!err)
		err = crypto_sha256(der, ret->sha256);
	return err;
}

/* DER begins with a SEQUENCE, PEM with text. */
static bool is_der(const struct buf *file)
{
	return file->len && file->at[0] == 0x30;
}

int evidence_read(const char *path, struct buf *ret_der)
{
	struct buf file;
	int err;

	buf_init(&file, 2 * EVIDENCE_CRL_MAX);
	err = file_read(path, &file);
	/* A long list is not copied. */
	if (!err && is_der(&file) && file.len <= ret_der->max) {
		file.max = ret_der->max;
		buf_done(ret_der);
		*ret_der = file;
		return 0;
	}
	if (!err && evidence_to_der(buf_bytes(&file), ret_der))
		err = complain(-EINVAL, path, "evidence", "must be one CRL (DER"
			" or PEM) or one OCSP response (DER)");
	buf_done(&file);
	return err;
}

static int hex_path(const struct publisher *p, const char *folder,
	const uint8_t sha256[32], char ret[FILES_PATH_SIZE])
{
	char hex[65];

	return publisher_path(p, ret, "%s/%s", folder,
		bytes_to_hex(bytes_of(sha256, 32), hex, sizeof(hex)));
}

int evidence_keep(const struct publisher *p, const char *path)
{
	struct evidence_file facts;
	char to[FILES_PATH_SIZE];
	struct buf der;
	int err;

	buf_init(&der, EVIDENCE_CRL_MAX);
	err = evidence_read(path, &der);
	if (!err)
		err = evidence_look(buf_bytes(&der), path, &facts);
	if (!err && facts.next_update <= p->now)
		err = complain(-EINVAL, path, "nextUpdate", "has passed");
	if (!err)
		err = publisher_path(p, to, "evidence");
	if (!err)
		err = folder_make(to, 0755);
	if (!err)
		err = hex_path(p, "evidence", facts.sha256, to);
	if (!err)
		err = file_write(to, buf_bytes(&der), 0644);
	buf_done(&der);
	return err;
}

/* Keeps the newest about each issuer or certificate. */
static int list_put(struct evidence_list *list,
	const struct evidence_file *file, const char *path)
{
	for (unsigned i = 0; i < list->count; i++) {
		struct evidence_file *at = &list->of[i];

		if (at->kind != file->kind || memcmp(at->about, file->about,
				sizeof(at->about)) != 0)
			continue;
		if (file->number > at->number)
			*at = *file;
		return 0;
	}
	if (list->count == CATALOG_EVIDENCE_MAX)
		return complain(-E2BIG, path, "evidence",
			"a catalog ships %d files at most",
			CATALOG_EVIDENCE_MAX);
	list->of[list->count++] = *file;
	return 0;
}

/* `serve` puts a copy into www/r/. */
static int file_take(const struct publisher *p, const char *path, bool serve,
	struct evidence_list *list)
{
	char to[FILES_PATH_SIZE], text[WHEN_TEXT_SIZE];
	struct evidence_file facts;
	struct buf der;
	int err;

	buf_init(&der, EVIDENCE_CRL_MAX);
	err = evidence_read(path, &der);
	if (!err)
		err = evidence_look(buf_bytes(&der), path, &facts);
	if (!err && facts.next_update <= p->now) {
		warn(path, "nextUpdate", "passed at %s: it is not shipped"
			" (ferry-publish pki crl)",
			when_format(facts.next_update, text));
		buf_done(&der);
		return 0;
	}
	if (!err)
		err = hex_path(p, "www/r", facts.sha256, to);
	if (!err && serve && !file_exists(to))
		err = file_write(to, buf_bytes(&der), 0644);
	if (!err)
		err = list_put(list, &facts, path);
	buf_done(&der);
	return err;
}

static int folder_take(const struct publisher *p, const char *name, bool serve,
	struct evidence_list *list)
{
	char folder[FILES_PATH_SIZE], path[FILES_PATH_SIZE];
	struct dirent **entries;
	int count, err = publisher_path(p, folder, "%s", name);

	if (err || !file_exists(folder))
		return err;
	count = scandir(folder, &entries, NULL, alphasort);
	if (count < 0)
		return complain(-errno, folder, NULL, "cannot open: %s",
			strerror(errno));
	for (int i = 0; i < count; i++) {
		const char *file = entries[i]->d_name;

		if (!err && file[0] != '.') {
			err = path_format(path, "%s/%s", folder, file);
			if (!err)
				err = file_take(p, path, serve, list);
		}
		free(entries[i]);
	}
	free(entries);
	return err;
}

static bool is_listed(const struct evidence_list *list, const char *hex)
{
	uint8_t sha256[32];

	for (unsigned i = 0; i < list->count; i++)
		if (bytes_from_hex(hex, sha256, 32) == 0 &&
				!memcmp(list->of[i].sha256, sha256, 32))
			return true;
	return false;
}

/* What is shipped no more need not be read again. */
static void folder_tidy(const struct publisher *p,
	const struct evidence_list *list)
{
	char folder[FILES_PATH_SIZE], path[FILES_PATH_SIZE];
	struct dirent *entry;
	DIR *dir;

	if (publisher_path(p, folder, "evidence"))
		return;
	dir = opendir(folder);
	while (dir && (entry = readdir(dir)) != NULL)
		if (strlen(entry->d_name) == 64 &&
				!is_listed(list, entry->d_name) &&
				path_format(path, "%s/%s", folder,
				entry->d_name) == 0)
			unlink(path);
	if (dir)
		closedir(dir);
}

int evidence_list(const struct publisher *p, struct evidence_list *ret)
{
	int err;

	ret->count = 0;
	err = folder_take(p, "www/crl", false, ret);
	return err ? err : folder_take(p, "evidence", false, ret);
}

int evidence_collect(const struct publisher *p, struct evidence_list *ret)
{
	char path[FILES_PATH_SIZE];
	int err = publisher_path(p, path, "www/r");

	ret->count = 0;
	if (!err)
		err = folder_make(path, 0755);
	if (!err)
		err = folder_take(p, "www/crl", true, ret);
	if (!err)
		err = folder_take(p, "evidence", true, ret);
	if (!err)
		folder_tidy(p, ret);
	return err;
}

void evidence_judge_init(struct evidence_judge *j, const struct publisher *p,
	const struct evidence_list *list)
{
	*j = (struct evidence_judge){.p = p, .list = list};
	j->view.policy = REVOCATION_REQUIRE;
	j->view.statements = j->table.of;
}

/* Evidence about others is none of this judgement's matter. */
static int file_answer(struct evidence_judge *j,
	const struct evidence_file *file, const struct revocation_needs *needs)
{
	char path[FILES_PATH_SIZE];
	struct fault fault = {0};
	struct buf der;
	int err = hex_path(j->p, "www/r", file->sha256, path);

	buf_init(&der, EVIDENCE_CRL_MAX);
	if (!err)
		err = file_read(path, &der);
	if (!err) {
		err = statement_table_add(&j->table, file->kind,
			buf_bytes(&der), needs, bytes_of(NULL, 0),
			trust_now_at(j->p->now), &fault);
		if (err == ERR_TRUST_EVIDENCE_UNNEEDED)
			err = 0;
		if (err < 0)
			complain_fault(path, err, &fault);
	}
	buf_done(&der);
	return err;
}

static bool was_asked(const struct evidence_judge *j, const struct cert_id *id)
{
	for (unsigned i = 0; i < j->asked_count; i++)
		if (cert_id_equal(&j->asked[i], id))
			return true;
	return false;
}

/* Whether something is lacking that the files were not read for yet: thousands
 * of entries have few signers. */
static bool asks_anew(struct evidence_judge *j,
	const struct revocation_needs *needs)
{
	bool anew = false;

	for (unsigned i = 0; i < needs->count; i++)
		anew = anew || (!needs->of[i].has_current &&
				!was_asked(j, &needs->of[i].id));
	if (!anew)
		return false;
	/* Room for both kinds about each certificate that is asked for. */
	if (j->asked_count + needs->count > REVOCATION_NEEDS_MAX) {
		j->asked_count = 0;
		j->table.count = 0;
	}
	for (unsigned i = 0; i < needs->count; i++)
		if (!was_asked(j, &needs->of[i].id))
			j->asked[j->asked_count++] = needs->of[i].id;
	return true;
}

bool evidence_answer(struct evidence_judge *j,
	const struct revocation_needs *needs, int *ret_err)
{
	int added = 0;

	*ret_err = 0;
	if (!asks_anew(j, needs))
		return false;
	for (unsigned i = 0; i < j->list->count; i++) {
		int n = file_answer(j, &j->list->of[i], needs);

		if (n < 0)
			*ret_err = n;
		else
			added += n;
	}
	j->view.statement_count = j->table.count;
	return added > 0;
}
