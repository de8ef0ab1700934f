/* A verdict: every check that was made, with outcome and evidence.
 *
 * Filled by the judging functions of this room in the order of the checks;
 * shown to people, stored in the ledger and repeated by `ferry-publish verify`.
 * Fails closed: a verdict without rows accepts nothing, and one that ran out of
 * room refuses. A plain struct of the caller, no resources; any thread. */
#ifndef FERRY_POLICY_TRUST_VERDICT_H
#define FERRY_POLICY_TRUST_VERDICT_H

#include "base/err.h"
#include "policy/trust/tier.h"

#define VERDICT_ROWS_MAX 48

enum check_outcome {
	CHECK_PASS,
	CHECK_FAIL,
	CHECK_NOT_EVALUATED, /* an argument or fact was missing */
	CHECK_OFF,	     /* switched off by policy; loud */
};

struct check {
	const char *name; /* static: "author-signature" */
	enum check_outcome outcome;
	int code;	    /* ERR_* of a failure, else 0 */
	uint8_t step;	    /* 1..13, or 0 */
	char evidence[160]; /* printable */
};

struct verdict {
	unsigned count;
	bool overflowed;
	struct check rows[VERDICT_ROWS_MAX];
	struct tiers tiers; /* reached, by what was checked here */
};

void verdict_init(struct verdict *v);

/* Adds a row. `code` is 0 unless `outcome` is CHECK_FAIL. */
void verdict_add(struct verdict *v, const char *name,
	enum check_outcome outcome, int code, unsigned step,
	const char *evidence, ...) __attribute__((format(printf, 6, 7)));

/* Adds a pass for code 0, a failure otherwise; the evidence of a failure is
 * what `fault` says, if it is filled. */
void verdict_add_code(struct verdict *v, const char *name, int code,
	unsigned step, const struct fault *fault, const char *evidence, ...)
	__attribute__((format(printf, 6, 7)));

/* Raises the tier that a step reached. */
void verdict_reach(struct verdict *v, unsigned step, int tier);

/* No row failed; with `strict` also none was not evaluated. A daemon is always
 * strict before the first byte is sent. */
bool verdict_accepts(const struct verdict *v, bool strict);

/* The code of the first failed row; 0 if none failed. */
int verdict_code(const struct verdict *v);

/* The first row with this name, or NULL. */
const struct check *verdict_find(const struct verdict *v, const char *name);

const char *check_outcome_name(enum check_outcome outcome);

#endif
