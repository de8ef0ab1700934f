/* Revocation evidence that the catalog ships: the current CRLs of the
 * publisher's own CAs (www/crl/) and what was given for it (evidence/), each
 * served as www/r/SHA256; and the judgement of a catalog by it, as gateways make
 * it that have nothing else.
 *
 * Functions that fail have said why. One thread. */
#ifndef FERRY_PUBLISH_EVIDENCE_H
#define FERRY_PUBLISH_EVIDENCE_H

#include "policy/trust/catalog.h"
#include "tools/publish/publisher.h"

struct evidence_file {
	enum evidence_kind kind;
	uint8_t sha256[32];
	uint64_t len;
	uint64_t number;      /* of a CRL; thisUpdate of an answer */
	uint64_t next_update;
	uint8_t about[32];    /* equal: the higher number supersedes */
};

struct evidence_list {
	struct evidence_file of[CATALOG_EVIDENCE_MAX];
	unsigned count;
};

/* What a file is, by its form alone. `der` may not be PEM. */
int evidence_look(struct bytes der, const char *path,
	struct evidence_file *ret);

/* Reads a CRL (DER or PEM) or an OCSP response into `ret_der`. */
int evidence_read(const char *path, struct buf *ret_der);

/* Keeps a file in evidence/, from where each catalog ships it until it runs out
 * or a newer one comes. */
int evidence_keep(const struct publisher *p, const char *path);

/* What the next catalog would ship; changes nothing. */
int evidence_list(const struct publisher *p, struct evidence_list *ret);

/* What the next catalog ships; copies of it stand in www/r/ afterwards. What
 * has run out or is superseded is left out, and dropped from evidence/. */
int evidence_collect(const struct publisher *p, struct evidence_list *ret);

/* The statements of shipped evidence, read as they are needed. */
struct evidence_judge {
	const struct publisher *p;
	const struct evidence_list *list;
	struct statement_table table;
	struct revocation_view view;
	struct cert_id asked[REVOCATION_NEEDS_MAX]; /* what is in the table, or
						       in none of the files */
	unsigned asked_count;
};

void evidence_judge_init(struct evidence_judge *j, const struct publisher *p,
	const struct evidence_list *list);

/* Adds what the list says about `needs` to the view. True if that is more than
 * before: then judge again. `ret_err` is set when evidence about these
 * certificates is wrong, which has been said. */
bool evidence_answer(struct evidence_judge *j,
	const struct revocation_needs *needs, int *ret_err);

#endif
