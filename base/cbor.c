#include "base/cbor.h"

#include <assert.h>

#include "base/utf8.h"

struct head {
	unsigned major;
	unsigned detail; /* additional information, 0..31 */
	uint64_t value;
	size_t len;      /* bytes of the head */
};

void cbor_init(struct cbor *r, struct bytes in, enum cbor_profile profile)
{
	*r = (struct cbor){
		.start = in.at,
		.at = in.at,
		.end = in.len ? in.at + in.len : in.at,
		.profile = profile,
	};
}

size_t cbor_offset(const struct cbor *r)
{
	return (size_t)(r->at - r->start);
}

int cbor_fail(struct cbor *r, int code)
{
	if (!r->err)
		r->err = code;
	return r->err;
}

/* Decodes a head without judging what it means. */
static int head_at(const struct cbor *r, const uint8_t *at, struct head *ret)
{
	size_t left = (size_t)(r->end - at);
	size_t extra;
	uint64_t value = 0;

	if (left == 0)
		return ERR_CBOR_TRUNCATED;
	ret->major = at[0] >> 5;
	ret->detail = at[0] & 31;
	ret->len = 1;
	ret->value = ret->detail;
	if (ret->detail < 24)
		return 0;
	if (ret->detail == 31) {
		ret->value = 0;
		return 0;
	}
	if (ret->detail > 27)
		return ERR_CBOR_RESERVED;
	extra = (size_t)1 << (ret->detail - 24);
	if (left - 1 < extra)
		return ERR_CBOR_TRUNCATED;
	for (size_t i = 0; i < extra; i++)
		value = value << 8 | at[1 + i];
	ret->value = value;
	ret->len += extra;
	if (ret->major == 7) {
		if (ret->detail == 24 && value < 32)
			return ERR_CBOR_RESERVED;
		return 0;
	}
	if (r->profile == CBOR_WIRE)
		return 0;
	if (value < 24 || (extra > 1 && value >> (4 * extra) == 0))
		return ERR_CBOR_NOT_SHORTEST;
	return 0;
}

static bool utf8_is_valid(struct bytes b)
{
	uint32_t point;
	size_t n;

	for (size_t i = 0; i < b.len; i += n) {
		n = utf8_read(b.at + i, b.len - i, &point);
		if (n == 0)
			return false;
	}
	return true;
}

/* Judges an item head by the profile. *ret_len is how many bytes the item
 * itself takes, without the content of containers and tags. */
static int item_at(const struct cbor *r, const uint8_t *at, struct head *h,
	size_t *ret_len)
{
	int err = head_at(r, at, h);
	size_t left;

	if (err)
		return err;
	*ret_len = h->len;
	left = (size_t)(r->end - at) - h->len;
	switch (h->major) {
	case 0:
	case 1:
	case 6:
		return h->detail == 31 ? ERR_CBOR_RESERVED : 0;
	case 2:
	case 3:
		if (h->detail == 31)
			return ERR_CBOR_INDEFINITE;
		if (h->value > left)
			return ERR_CBOR_TRUNCATED;
		if (h->major == 3 && !utf8_is_valid(bytes_of(at + h->len,
				(size_t)h->value)))
			return ERR_CBOR_UTF8;
		*ret_len += (size_t)h->value;
		return 0;
	case 4:
	case 5:
		if (h->detail == 31)
			return r->profile == CBOR_WIRE ? 0 :
					ERR_CBOR_INDEFINITE;
		if (h->value > left / (h->major - 3))
			return ERR_CBOR_COUNT;
		return 0;
	default:
		if (h->detail == 31)
			return ERR_CBOR_TYPE; /* a break where none may be */
		if (h->detail >= 20 && h->detail <= 23)
			return 0;
		return r->profile == CBOR_WIRE ? 0 : ERR_CBOR_SIMPLE;
	}
}

enum cbor_type cbor_peek(struct cbor *r)
{
	static const enum cbor_type by_major[] = {CBOR_UINT, CBOR_NINT,
		CBOR_BSTR, CBOR_TSTR, CBOR_ARRAY, CBOR_MAP, CBOR_TAG};
	unsigned detail;

	if (r->err || r->at == r->end)
		return CBOR_END;
	if (r->at[0] >> 5 < 7)
		return by_major[r->at[0] >> 5];
	detail = r->at[0] & 31;
	switch (detail) {
	case 20:
	case 21:
		return CBOR_BOOL;
	case 22:
		return CBOR_NULL;
	case 23:
		return CBOR_UNDEFINED;
	case 31:
		return CBOR_END;
	default:
		return CBOR_OTHER;
	}
}

/* Reads one item of a given major type and moves past its own bytes. */
static int take(struct cbor *r, unsigned major, struct head *ret)
{
	size_t len;
	int err;

	if (r->err)
		return r->err;
	if (r->at < r->end && r->at[0] >> 5 != major)
		return cbor_fail(r, ERR_CBOR_TYPE);
	err = item_at(r, r->at, ret, &len);
	if (err)
		return cbor_fail(r, err);
	r->at += len;
	return 0;
}

int cbor_uint(struct cbor *r, uint64_t *ret)
{
	struct head h;
	int err = take(r, 0, &h);

	if (!err)
		*ret = h.value;
	return err;
}

int cbor_int(struct cbor *r, int64_t *ret)
{
	struct head h;
	unsigned major = r->at < r->end && r->at[0] >> 5 == 1;
	int err = take(r, major, &h);

	if (err)
		return err;
	if (h.value > INT64_MAX)
		return cbor_fail(r, ERR_CBOR_RANGE);
	*ret = major ? -1 - (int64_t)h.value : (int64_t)h.value;
	return 0;
}

static int take_string(struct cbor *r, unsigned major, struct bytes *ret)
{
	struct head h;
	int err = take(r, major, &h);

	if (!err)
		*ret = bytes_of(r->at - h.value, (size_t)h.value);
	return err;
}

int cbor_bstr(struct cbor *r, struct bytes *ret)
{
	return take_string(r, 2, ret);
}

int cbor_tstr(struct cbor *r, struct bytes *ret)
{
	return take_string(r, 3, ret);
}

int cbor_bool(struct cbor *r, bool *ret)
{
	struct head h;

	if (!r->err && cbor_peek(r) != CBOR_BOOL)
		return cbor_fail(r, r->at == r->end ? ERR_CBOR_TRUNCATED :
				ERR_CBOR_TYPE);
	int err = take(r, 7, &h);

	if (!err)
		*ret = h.detail == 21;
	return err;
}

int cbor_null(struct cbor *r)
{
	struct head h;

	if (!r->err && cbor_peek(r) != CBOR_NULL)
		return cbor_fail(r, r->at == r->end ? ERR_CBOR_TRUNCATED :
				ERR_CBOR_TYPE);
	return take(r, 7, &h);
}

int cbor_tag(struct cbor *r, uint64_t *ret)
{
	struct head h;
	int err = take(r, 6, &h);

	if (!err)
		*ret = h.value;
	return err;
}

static int enter(struct cbor *r, unsigned major, struct cbor_list *ret)
{
	struct head h;
	int err = take(r, major, &h);

	if (err)
		return err;
	if (r->depth >= CBOR_DEPTH_MAX)
		return cbor_fail(r, ERR_CBOR_DEPTH);
	r->depth++;
	*ret = (struct cbor_list){
		.left = h.value,
		.is_map = major == 5,
		.indefinite = h.detail == 31,
	};
	return 0;
}

int cbor_array(struct cbor *r, struct cbor_list *ret)
{
	return enter(r, 4, ret);
}

int cbor_map(struct cbor *r, struct cbor_list *ret)
{
	return enter(r, 5, ret);
}

/* One open container of cbor_skip(). */
struct level {
	struct cbor_list list;
	bool value_next; /* in a map: a key was read, its value comes */
};

static int span_from(struct cbor *r, unsigned depth, bool check_keys,
	struct bytes *ret);

/* Finds the raw bytes of the item at the cursor without moving. */
static int span_of(const struct cbor *r, const uint8_t *at, struct bytes *ret)
{
	struct cbor probe = *r;

	probe.at = at;
	return span_from(&probe, r->depth, false, ret);
}

static int key_order(struct bytes before, struct bytes key)
{
	size_t n = before.len < key.len ? before.len : key.len;
	int order = memcmp(before.at, key.at, n);

	return order ? order : (int)(before.len > key.len) -
				(int)(before.len < key.len);
}

/* Keys in any order: look at all earlier keys again. The number of pairs that
 * such a map may have is bounded so that this stays cheap. */
#define UNSORTED_PAIRS_MAX 256

static int key_is_new(const struct cbor *r, const struct cbor_list *list,
	struct bytes key)
{
	const uint8_t *at = list->first_key.at;

	if (list->seen > UNSORTED_PAIRS_MAX)
		return ERR_CBOR_COUNT;
	for (uint64_t i = 0; i < list->seen; i++) {
		struct bytes span = {0};
		int err = span_of(r, at, &span);

		if (err)
			return err;
		if (bytes_equal(span, key))
			return ERR_CBOR_KEY_TWICE;
		err = span_of(r, span.at + span.len, &span);
		if (err)
			return err;
		at = span.at + span.len;
	}
	return 0;
}

static int check_key(struct cbor *r, struct cbor_list *list)
{
	struct bytes key = {0};
	int err = span_of(r, r->at, &key);
	int order;

	if (err)
		return err;
	if (list->seen == 0) {
		list->first_key = key;
	} else if (r->profile == CBOR_STRICT) {
		order = key_order(list->last_key, key);
		if (order == 0)
			return ERR_CBOR_KEY_TWICE;
		if (order > 0)
			return ERR_CBOR_KEY_ORDER;
	} else {
		err = key_is_new(r, list, key);
		if (err)
			return err;
	}
	list->last_key = key;
	list->seen++;
	return 0;
}

/* Moves on in a container; false at its end. Does not look at keys. */
static bool advance(struct cbor *r, struct cbor_list *list)
{
	if (r->err)
		return false;
	if (list->indefinite) {
		if (r->at == r->end) {
			cbor_fail(r, ERR_CBOR_TRUNCATED);
			return false;
		}
		if (*r->at != 0xff)
			return true;
		r->at++;
	} else if (list->left > 0) {
		list->left--;
		return true;
	}
	r->depth--;
	return false;
}

bool cbor_next(struct cbor *r, struct cbor_list *list)
{
	int err;

	if (!advance(r, list))
		return false;
	err = list->is_map ? check_key(r, list) : 0;
	if (err)
		cbor_fail(r, err);
	return !err;
}

/* Reads one item head; opens a level for a container. *ret_more is true when a
 * tag was read, so that an item is still due. */
static int step(struct cbor *r, struct level *levels, unsigned *depth,
	bool *ret_more)
{
	struct head h = {0};
	size_t len = 0;
	int err = item_at(r, r->at, &h, &len);

	*ret_more = false;
	if (err)
		return err;
	r->at += len;
	if (h.major == 6)
		*ret_more = true;
	if (h.major != 4 && h.major != 5)
		return 0;
	if (r->depth >= CBOR_DEPTH_MAX)
		return ERR_CBOR_DEPTH;
	r->depth++;
	levels[(*depth)++] = (struct level){
		.list = {
			.left = h.value,
			.is_map = h.major == 5,
			.indefinite = h.detail == 31,
		},
	};
	return 0;
}

/* True when the innermost container wants another item. */
static bool level_wants(struct cbor *r, struct level *l, bool check_keys)
{
	if (l->value_next) {
		l->value_next = false;
		return true;
	}
	if (!(check_keys ? cbor_next(r, &l->list) : advance(r, &l->list)))
		return false;
	l->value_next = l->list.is_map;
	return true;
}

static int span_from(struct cbor *r, unsigned depth_before, bool check_keys,
	struct bytes *ret)
{
	struct level levels[CBOR_DEPTH_MAX + 1];
	const uint8_t *from = r->at;
	unsigned depth = 0;
	unsigned tags = 0;
	bool more = true;
	int err;

	r->depth = depth_before;
	for (;;) {
		if (!more) {
			while (depth > 0 && !level_wants(r, &levels[depth - 1],
					check_keys)) {
				if (r->err)
					return r->err;
				depth--;
			}
			if (depth == 0)
				break;
			tags = 0;
		}
		err = step(r, levels, &depth, &more);
		if (!err && more && ++tags > CBOR_DEPTH_MAX)
			err = ERR_CBOR_DEPTH;
		if (err)
			return cbor_fail(r, err);
	}
	if (ret)
		*ret = bytes_of(from, (size_t)(r->at - from));
	return 0;
}

int cbor_skip(struct cbor *r, struct bytes *ret_span)
{
	if (r->err)
		return r->err;
	return span_from(r, r->depth, true, ret_span);
}

int cbor_done(struct cbor *r)
{
	if (r->err)
		return r->err;
	return r->at == r->end ? 0 : cbor_fail(r, ERR_CBOR_TRAILING);
}

int cbor_check(struct bytes in, enum cbor_profile profile)
{
	struct cbor r;

	cbor_init(&r, in, profile);
	cbor_skip(&r, NULL);
	return cbor_done(&r);
}
