#include "tools/publish/catalog_check.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "policy/trust/offer.h"
#include "tools/publish/say.h"
#include "tools/publish/when.h"

/* The signers, their responders, and once more to see that it is all. */
#define ROUNDS_MAX 4

/* What is said once in a run. */
struct told {
	bool fetched;
	bool nowhere;
};

struct judging {
	const struct catalog_check *check;
	struct catalog *catalog;
	struct evidence_judge evidence;
	struct revocation_needs needs;
	struct verdict verdict;
	struct told told;
};

static void verdict_complain(const struct verdict *v, const char *file)
{
	for (unsigned i = 0; i < v->count; i++)
		if (v->rows[i].outcome == CHECK_FAIL)
			complain(v->rows[i].code, file, v->rows[i].name,
				"%s: %s [%s]", err_text(v->rows[i].code),
				v->rows[i].evidence,
				err_name(v->rows[i].code));
}

/* Nothing here says whether the certificate is good: a gateway has to look
 * further, where the certificate says. */
static void missing_tell(struct judging *j, const char *path,
	const struct revocation_need *need)
{
	struct evidence_uris uris = {0};
	bool has_uri = evidence_uris(need->certificate, &uris) == 0 &&
			(uris.crl_count || uris.ocsp_count);

	if (has_uri && !j->told.fetched)
		warn(path, "revocation", "the catalog ships no evidence about"
			" the signer: gateways have to fetch it from %s",
			uris.crl_count ? uris.crl[0] : uris.ocsp[0]);
	if (!has_uri && !j->told.nowhere)
		warn(path, "revocation", "there is no evidence about the"
			" signer, and its certificate names none: gateways that"
			" require it refuse (ferry-publish pki crl, or catalog"
			" --evidence)");
	j->told.fetched = j->told.fetched || has_uri;
	j->told.nowhere = j->told.nowhere || !has_uri;
}

static int needs_tell(struct judging *j, const char *path)
{
	char a[WHEN_TEXT_SIZE], b[WHEN_TEXT_SIZE];

	for (unsigned i = 0; i < j->needs.count; i++) {
		const struct revocation_need *need = &j->needs.of[i];

		if (!need->has_current) {
			missing_tell(j, path, need);
			continue;
		}
		if (need->good_until >= j->catalog->expires)
			continue;
		if (!j->check->allow_short_evidence)
			return complain(-EINVAL, path, "revocation",
				"the shipped evidence about the signer runs out"
				" at %s, before the catalog at %s"
				" (ferry-publish pki crl, or"
				" --short-evidence)", when_format(
				need->good_until, a), when_format(
				j->catalog->expires, b));
	}
	return 0;
}

/* Judges until no evidence that is shipped says more. `judge` fills needs and
 * returns a code. */
static int judge_with_evidence(struct judging *j, int (*judge)(void *arg),
	void *arg)
{
	int code = 0, err = 0;

	for (unsigned i = 0; i < ROUNDS_MAX; i++) {
		j->needs = (struct revocation_needs){0};
		code = judge(arg);
		if (!evidence_answer(&j->evidence, &j->needs, &err) || err)
			break;
	}
	return err ? err : code;
}

struct entry_judging {
	struct judging *j;
	struct offer_request request;
};

static int entry_once(void *arg)
{
	struct entry_judging *e = arg;

	return offer_judge(&e->request, &e->j->verdict, NULL);
}

/* By evidence first; what only lacks evidence is judged again without, so that
 * everything else is right. */
static int offer_check(struct judging *j, struct offer_request *request,
	const char *path)
{
	static const struct revocation_view off = {.policy = REVOCATION_OFF};
	struct entry_judging e = {j, *request};
	int code;

	e.request.revocation = &j->evidence.view;
	e.request.needs = &j->needs;
	code = judge_with_evidence(j, entry_once, &e);
	if (code == 0 && verdict_accepts(&j->verdict, false))
		return needs_tell(j, path);
	if (!revocation_refuses(code) || code == ERR_TRUST_REVOKED) {
		verdict_complain(&j->verdict, path);
		return code ? code : -EINVAL;
	}
	if (code == ERR_TRUST_REVOCATION_ANCHOR)
		warn(path, "revocation", "the signer is a bare key or its own"
			" anchor: gateways that require evidence refuse, unless"
			" the root lists it as revoked by root only"
			" (ferry-publish root set --root-only)");
	e.request.revocation = &off;
	e.request.needs = NULL;
	code = entry_once(&e);
	if (code || !verdict_accepts(&j->verdict, false)) {
		verdict_complain(&j->verdict, path);
		return code ? code : -EINVAL;
	}
	return needs_tell(j, path);
}

/* Judges one entry as a gateway with one such device will. */
static int entry_judge(struct judging *j, const struct catalog_entry *entry)
{
	const struct publisher *p = j->check->p;
	char path[FILES_PATH_SIZE], hex[65];
	const struct suit_slot slot = {entry->component, 0};
	struct offer_payload image = {0};
	struct catalog_payload payload;
	struct offer_request request = {
		.root = j->check->root,
		.catalog = j->catalog,
		.entry = entry,
		.facts = {.vendor_id = entry->vendor_id,
			.class_id = entry->class_id, .slots = &slot,
			.slot_count = 1},
		.floor_known = true,
		.floor = entry->sequence,
		.now = trust_now_at(p->now),
		.now_known = true,
		.payloads = &image,
		.payload_count = 1,
		.encrypted = OFFER_ENCRYPTED_SEALED,
	};
	struct buf envelope;
	struct stat st;
	int err;

	buf_init(&envelope, SUIT_ENVELOPE_MAX);
	err = publisher_path(p, path, "www/e/%s.suit", bytes_to_hex(
		entry->envelope_digest, hex, sizeof(hex)));
	if (!err)
		err = file_read(path, &envelope);
	if (!err && catalog_entry_payload(entry, 0, &payload))
		err = complain(-EINVAL, path, "payload", "is missing");
	if (!err) {
		request.envelope = buf_bytes(&envelope);
		image.len = payload.len;
		memcpy(image.sha256, payload.sha256.at, 32);
		err = offer_check(j, &request, path);
	}
	if (!err)
		err = publisher_path(p, path, "www/p/%s", bytes_to_hex(
			payload.sha256, hex, sizeof(hex)));
	if (!err && (stat(path, &st) || (uint64_t)st.st_size != payload.len))
		err = complain(-EINVAL, path, "payload",
			"is missing or has another length");
	buf_done(&envelope);
	return err;
}

struct signer_judging {
	struct judging *j;
	struct bytes file;
	struct fault fault;
	struct revocation_view view;
};

static int signers_once(void *arg)
{
	struct signer_judging *s = arg;
	struct judging *j = s->j;
	const struct chain_rules rules = {
		.now = trust_now_at(j->check->p->now),
		.revocation = s->view.policy == REVOCATION_OFF ? &s->view :
				&j->evidence.view,
		.needs = &j->needs,
	};

	catalog_free(j->catalog);
	j->catalog = NULL;
	s->fault = (struct fault){0};
	return catalog_accept(j->check->root, s->file, NULL, &rules,
		&j->catalog, NULL, &s->fault);
}

static int signers_judge(struct judging *j, struct bytes file)
{
	struct signer_judging s = {.j = j, .file = file};
	int err = judge_with_evidence(j, signers_once, &s);

	if (err && revocation_refuses(err) && err != ERR_TRUST_REVOKED) {
		warn("catalog.cose", "revocation", "%s: gateways that require"
			" evidence refuse the catalog [%s]", err_text(err),
			err_name(err));
		s.view.policy = REVOCATION_OFF;
		err = signers_once(&s);
	}
	if (err)
		return complain_fault("catalog.cose", err, &s.fault);
	if (j->catalog->signer_not_after < j->catalog->expires)
		return complain(-EINVAL, "catalog.cose", "signer",
			"its certificate ends before the catalog");
	return needs_tell(j, "catalog.cose");
}

int catalog_check(const struct catalog_check *check, struct bytes file)
{
	struct judging *j = calloc(1, sizeof(*j));
	int err;

	if (!j)
		return complain(-ENOMEM, NULL, NULL, "no memory");
	j->check = check;
	evidence_judge_init(&j->evidence, check->p, check->evidence);
	err = signers_judge(j, file);
	for (unsigned i = 0; !err && i < j->catalog->entry_count; i++)
		if (!j->catalog->entries[i].withdrawn)
			err = entry_judge(j, &j->catalog->entries[i]);
	catalog_free(j->catalog);
	free(j);
	return err;
}
