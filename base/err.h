/* Error numbers and what a failure carries.
 *
 * One int everywhere: 0 or positive is success, -errno what the system said,
 * below -5000 our own. Our codes stand once, in ERR_MAP, each with its class:
 *   TRANSIENT  the same thing may work later, retry is sensible
 *   PERMANENT  it will fail again until somebody changes something
 *   SECURITY   refused because trust was not established; never retried blindly
 * Numbers are part of the admin API and of the ledger: never reuse one.
 * A room owns a hundred: -50xx base, -51xx trust, -52xx policy gates,
 * -53xx store, -54xx vendor link and HTTP, -55xx transports, -56xx devices and
 * engines, -57xx relay and jobs, -58xx configuration, -59xx admin, -60xx to
 * -63xx trust again (revocation, HSS, signers, encryption), -64xx keys,
 * -65xx MACs on the last hop. */
#ifndef FERRY_BASE_ERR_H
#define FERRY_BASE_ERR_H

#include <stddef.h>
#include <stdint.h>

#include "base/err_codes.h"

enum err_class { ERR_CLASS_TRANSIENT, ERR_CLASS_PERMANENT, ERR_CLASS_SECURITY };

enum {
#define ERR_ENUM(name, number, klass, text) ERR_##name = number,
	ERR_MAP(ERR_ENUM)
#undef ERR_ENUM
};

/* "cbor-truncated" for ERR_CBOR_TRUNCATED, "ENOENT" for -ENOENT; "ok" for 0 and
 * above, "unknown" for anything else. Static storage. */
const char *err_name(int code);

/* A short English sentence without a full stop. Static storage. */
const char *err_text(int code);

/* -errno counts as transient, but for EINVAL, ENOSYS, EPERM and EACCES. */
enum err_class err_class(int code);

/* Says which field of an input broke which rule. Filled by parsers; the caller
 * owns it and may pass NULL when the code alone is enough. */
struct fault {
	int code;
	uint64_t offset;  /* byte in the input, 0 where it makes no sense */
	char field[64];   /* "catalog.entries[3].sequence" */
	char rule[160];   /* "must not fall: 4 after 7" */
};

/* Fills `f` (which may be NULL) and returns `code`, so that a parser can write
 * `return fault_set(f, ERR_..., at, "field", "rule %u", n)`. Cuts what is too
 * long. The first fault wins: a filled one is left alone. */
int fault_set(struct fault *f, int code, uint64_t offset, const char *field,
	const char *rule, ...) __attribute__((format(printf, 5, 6)));

/* Prefixes the field of a filled fault: "entries[3]." + "sequence". */
void fault_within(struct fault *f, const char *prefix, ...)
	__attribute__((format(printf, 2, 3)));

#endif
