#include "policy/trust/fields.h"

#include <stdio.h>

#include "policy/trust/component.h"
#include "policy/trust/cose.h"

static int fail_at(
	struct fields *f, int code, const char *field, const char *rule)
{
	char name[64];

	if (field[0])
		snprintf(name, sizeof(name), "%s.%s", f->map, field);
	else
		snprintf(name, sizeof(name), "%s", f->map);
	fault_set(f->fault, code, cbor_offset(&f->r), name, "%s", rule);
	return cbor_fail(&f->r, code);
}

int field_fail(struct fields *f, int code, const char *field, const char *rule)
{
	return f->r.err ? f->r.err : fail_at(f, code, field, rule);
}

int field_check(struct fields *f, const char *field)
{
	if (f->r.err)
		fail_at(f, f->r.err, field, err_text(f->r.err));
	return f->r.err;
}

bool field_next(struct fields *f, struct cbor_list *list, int64_t *ret_key)
{
	if (!cbor_next(&f->r, list)) {
		field_check(f, "");
		return false;
	}
	if (cbor_int(&f->r, ret_key)) {
		field_check(f, "");
		return false;
	}
	if (*ret_key < 0) {
		field_fail(f, ERR_TRUST_NEGATIVE_KEY, "",
			"an unknown negative key refuses");
		return false;
	}
	return true;
}

uint64_t field_uint(struct fields *f, const char *field)
{
	uint64_t value = 0;

	if (cbor_uint(&f->r, &value))
		field_check(f, field);
	return value;
}

bool field_bool(struct fields *f, const char *field)
{
	bool value = false;

	if (cbor_bool(&f->r, &value))
		field_check(f, field);
	return value;
}

struct bytes field_bstr(
	struct fields *f, const char *field, size_t min, size_t max)
{
	struct bytes value = {0};

	if (cbor_bstr(&f->r, &value)) {
		field_check(f, field);
		return (struct bytes){0};
	}
	if (value.len < min || value.len > max) {
		field_fail(
			f, ERR_TOO_LARGE, field, "not of the required length");
		return (struct bytes){0};
	}
	return value;
}

struct bytes field_tstr(struct fields *f, const char *field, size_t max)
{
	struct bytes value = {0};

	if (cbor_tstr(&f->r, &value)) {
		field_check(f, field);
		return (struct bytes){0};
	}
	if (value.len > max) {
		field_fail(f, ERR_TOO_LARGE, field, "longer than the limit");
		return (struct bytes){0};
	}
	return value;
}

void field_array(struct fields *f, const char *field, unsigned min,
	unsigned max, struct cbor_list *ret)
{
	*ret = (struct cbor_list){0};
	if (cbor_array(&f->r, ret)) {
		field_check(f, field);
		return;
	}
	if (ret->left < min)
		field_fail(f, ERR_CBOR_RANGE, field, "too few members");
	else if (ret->left > max)
		field_fail(
			f, ERR_TOO_LARGE, field, "more members than the limit");
}

void field_map(struct fields *f, const char *field, struct cbor_list *ret)
{
	*ret = (struct cbor_list){0};
	if (cbor_map(&f->r, ret))
		field_check(f, field);
}

struct bytes field_skip(struct fields *f, const char *field)
{
	struct bytes span = {0};

	if (cbor_skip(&f->r, &span)) {
		field_check(f, field);
		return (struct bytes){0};
	}
	return span;
}

struct bytes field_component(struct fields *f, const char *field)
{
	struct bytes span = field_skip(f, field);

	if (!f->r.err && !component_is_valid(span))
		field_fail(f, ERR_CBOR_TYPE, field,
			"not a component identifier within the limit");
	return span;
}

void field_require(struct fields *f, uint64_t seen, uint64_t required)
{
	char rule[40];
	unsigned key = 0;

	if (f->r.err || (seen & required) == required)
		return;
	while (!((required & ~seen) >> key & 1))
		key++;
	snprintf(rule, sizeof(rule), "key %u is missing", key);
	field_fail(f, ERR_CBOR_TYPE, "", rule);
}

static void header_map(
	struct fields *f, field_header_fn *member, void *arg, bool is_protected)
{
	struct cbor_list map;
	int64_t label;

	field_map(f, "", &map);
	while (cbor_next(&f->r, &map)) {
		if (cbor_peek(&f->r) == CBOR_TSTR) {
			field_skip(f, "");
			field_skip(f, "");
			continue;
		}
		if (cbor_int(&f->r, &label) == 0)
			member(f, label, arg, is_protected);
	}
	field_check(f, "");
}

void field_header_alg(struct fields *f, struct cose_header *ret, int twice,
	bool is_protected)
{
	if (ret->has_alg) {
		field_fail(f, twice, "alg", "stands twice");
		return;
	}
	ret->has_alg = true;
	ret->alg_protected = is_protected;
	if (cbor_peek(&f->r) == CBOR_TSTR) {
		field_skip(f, "alg");
		return;
	}
	ret->alg_is_int = cbor_int(&f->r, &ret->alg) == 0;
	field_check(f, "alg");
}

void field_headers(struct fields *f, const char *map, size_t protected_max,
	field_header_fn *member, void *arg, struct bytes *ret_protected)
{
	struct bytes wrapped = field_bstr(f, "protected", 0, protected_max);
	struct fields in = {.fault = f->fault, .map = map};

	*ret_protected = wrapped;
	if (wrapped.len == 1 && wrapped.at[0] == 0xa0)
		*ret_protected = bytes_of(wrapped.at, 0);
	else if (wrapped.len) {
		cbor_init(&in.r, wrapped, CBOR_COSE);
		header_map(&in, member, arg, true);
		cbor_done(&in.r);
		if (field_check(&in, ""))
			cbor_fail(&f->r, in.r.err);
	}
	header_map(f, member, arg, false);
}
