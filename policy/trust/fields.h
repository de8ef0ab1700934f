/* Readers of the fields of our formats: one item, its limits, and a fault that
 * names both. Errors stick in the cursor, values are zero then; a parser reads
 * on and looks at r->err once. Internal to this room. */
#ifndef FERRY_POLICY_TRUST_FIELDS_H
#define FERRY_POLICY_TRUST_FIELDS_H

#include "base/cbor.h"
#include "base/err.h"

struct fields {
	struct cbor r;
	struct fault *fault; /* may be NULL */
	const char *map;     /* name of what is being read: "catalog" */
};

/* Fails with a code of the caller; returns it. */
int field_fail(struct fields *f, int code, const char *field, const char *rule);

/* Fails with the error that is stuck in the cursor, if there is one. */
int field_check(struct fields *f, const char *field);

/* The key that comes next in a map of the (ext) kind: true and its number;
 * false at the end, on an error, and on a negative key, which refuses. Text
 * keys refuse. */
bool field_next(struct fields *f, struct cbor_list *list, int64_t *ret_key);

uint64_t field_uint(struct fields *f, const char *field);
bool field_bool(struct fields *f, const char *field);
struct bytes field_bstr(
	struct fields *f, const char *field, size_t min, size_t max);
struct bytes field_tstr(struct fields *f, const char *field, size_t max);
void field_array(struct fields *f, const char *field, unsigned min,
	unsigned max, struct cbor_list *ret);
void field_map(struct fields *f, const char *field, struct cbor_list *ret);
struct bytes field_skip(struct fields *f, const char *field);

/* An encoded component identifier. */
struct bytes field_component(struct fields *f, const char *field);

/* Bit n of `seen`: key n stood in the map. Other keys than 0 to 63 leave none. */
static inline void field_saw(uint64_t *seen, int64_t key)
{
	if (key >= 0 && key < 64)
		*seen |= (uint64_t)1 << key;
}

/* All keys of `required` are in `seen`. */
void field_require(struct fields *f, uint64_t seen, uint64_t required);

struct cose_header;

/* The value of label 1 of a COSE header, a number or a text, into the members of
 * `ret` that are about the algorithm. Fails with `twice` where one stands there
 * already. */
void field_header_alg(struct fields *f, struct cose_header *ret, int twice,
	bool is_protected);

/* Reads the value of one member of a COSE header. */
typedef void field_header_fn(
	struct fields *f, int64_t label, void *arg, bool is_protected);

/* Protected and unprotected header of a COSE message (RFC 9052 section 3), both
 * at the cursor; labels that are texts are passed over. `map` names the protected
 * one in faults. An empty protected map becomes the empty string, which is what
 * the structures to be signed, MACed and encrypted take. */
void field_headers(struct fields *f, const char *map, size_t protected_max,
	field_header_fn *member, void *arg, struct bytes *ret_protected);

#endif
