#include "gateway/http/response.h"

#include <errno.h>
#include <llhttp.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#define INTERIM_MAX 8
#define CHUNK_EXTENSION_MAX 1024
#define RETRY_AFTER_MAX 604800U /* a week */
/* ": " and the line's end. */
#define HEADER_EXTRA 4
#define LEAD_SLACK ((size_t)16 * 1024)

/* The headers that mean something to us. */
enum header {
	HEADER_OTHER,
	HEADER_CONTENT_ENCODING,
	HEADER_CONTENT_RANGE,
	HEADER_DATE,
	HEADER_ETAG,
	HEADER_LOCATION,
	HEADER_RETRY_AFTER,
	HEADER_TRANSFER_ENCODING,
	HEADER_COUNT,
};

static const char *const header_names[HEADER_COUNT] = {
	[HEADER_OTHER] = "",
	[HEADER_CONTENT_ENCODING] = "content-encoding",
	[HEADER_CONTENT_RANGE] = "content-range",
	[HEADER_DATE] = "date",
	[HEADER_ETAG] = "etag",
	[HEADER_LOCATION] = "location",
	[HEADER_RETRY_AFTER] = "retry-after",
	[HEADER_TRANSFER_ENCODING] = "transfer-encoding",
};

struct value {
	unsigned times;
	bool too_long;
	size_t len;
	char text[160];
};

struct http_response {
	llhttp_t parser;
	llhttp_settings_t callbacks;
	struct http_response_rules rules;
	struct http_response_sink sink;
	struct fault fault;
	int err;

	char name[32];
	size_t name_len;
	bool in_value;
	enum header header;
	struct value values[HEADER_COUNT];
	char location[HTTP_LOCATION_MAX + 1];
	size_t location_len;

	struct http_head head;
	uint64_t fed;       /* bytes before the head was complete */
	size_t head_bytes;
	unsigned head_count;
	unsigned interim;   /* 1xx answers so far */
	size_t extension_bytes;
	uint64_t body_max;
	uint64_t body_bytes;
	bool has_begun;
	bool has_head;
	bool is_complete;
	bool keeps;
};

static int fail(struct http_response *r, int code, const char *field,
	const char *rule)
{
	if (r->err == 0)
		r->err = fault_set(&r->fault, code, 0, field, "%s", rule);
	return -1;
}

static struct http_response *of_parser(llhttp_t *parser)
{
	return parser->data;
}

static int count_head(struct http_response *r, size_t len)
{
	r->head_bytes += len;
	if (r->head_bytes > r->rules.head_bytes)
		return fail(r, ERR_VENDOR_HTTP_HEAD, "head",
			"longer than the limit");
	return 0;
}

static int on_span(llhttp_t *parser, const char *at, size_t len)
{
	(void)at;
	return count_head(of_parser(parser), len);
}

static int on_extension(llhttp_t *parser, const char *at, size_t len)
{
	struct http_response *r = of_parser(parser);

	(void)at;
	r->extension_bytes += len;
	if (r->extension_bytes > CHUNK_EXTENSION_MAX)
		return fail(r, ERR_VENDOR_HTTP_SYNTAX, "chunk",
			"extensions are longer than 1024 bytes");
	return 0;
}

static enum header header_find(const char *name, size_t len)
{
	for (int i = HEADER_OTHER + 1; i < HEADER_COUNT; i++)
		if (strlen(header_names[i]) == len &&
				!strncasecmp(header_names[i], name, len))
			return (enum header)i;
	return HEADER_OTHER;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t len)
{
	struct http_response *r = of_parser(parser);

	if (r->in_value) {
		r->in_value = false;
		r->name_len = 0;
	}
	if (r->name_len == 0 && ++r->head_count > r->rules.head_count)
		return fail(r, ERR_VENDOR_HTTP_HEAD, "head",
			"more headers than the limit");
	for (size_t i = 0; i < len && r->name_len < sizeof(r->name); i++)
		r->name[r->name_len++] = at[i];
	return count_head(r, len);
}

static int on_header_field_complete(llhttp_t *parser)
{
	struct http_response *r = of_parser(parser);

	r->in_value = true;
	r->header = r->has_head ? HEADER_OTHER
				: header_find(r->name, r->name_len);
	if (r->header != HEADER_OTHER)
		r->values[r->header].times++;
	return count_head(r, HEADER_EXTRA);
}

static void value_add(struct value *value, const char *at, size_t len)
{
	if (len > sizeof(value->text) - 1 - value->len) {
		value->too_long = true;
		return;
	}
	memcpy(value->text + value->len, at, len);
	value->len += len;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t len)
{
	struct http_response *r = of_parser(parser);

	if (count_head(r, len))
		return -1;
	if (r->header == HEADER_LOCATION) {
		if (len > HTTP_LOCATION_MAX - r->location_len)
			return fail(r, ERR_VENDOR_HTTP_HEAD, "location",
				"longer than 2048 bytes");
		memcpy(r->location + r->location_len, at, len);
		r->location_len += len;
	} else if (r->header != HEADER_OTHER) {
		value_add(&r->values[r->header], at, len);
	}
	return 0;
}

static int read_uint(const char **at, uint64_t *ret)
{
	const char *p = *at;
	uint64_t value = 0;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++) {
		unsigned digit = (unsigned)(*p - '0');

		if (value > ((uint64_t)INT64_MAX - digit) / 10)
			return -EINVAL;
		value = value * 10 + digit;
	}
	*at = p;
	*ret = value;
	return 0;
}

/* "bytes FIRST-LAST/TOTAL", TOTAL may be an asterisk (RFC 9110 section
 * 14.4). */
static int read_content_range(const char *text, struct http_head *head)
{
	uint64_t first, last, total;

	if (strncasecmp(text, "bytes ", 6) != 0)
		return -EINVAL;
	text += 6;
	if (read_uint(&text, &first) || *text++ != '-' ||
			read_uint(&text, &last) || *text++ != '/')
		return -EINVAL;
	head->total = -1;
	if (!strcmp(text, "*")) {
		text++;
	} else {
		if (read_uint(&text, &total) || last >= total)
			return -EINVAL;
		head->total = (int64_t)total;
	}
	if (*text || first > last || last >= (uint64_t)INT64_MAX)
		return -EINVAL;
	head->range_from = first;
	head->range_end = last + 1;
	return 0;
}

static int judge_range(struct http_response *r)
{
	const struct http_response_rules *rules = &r->rules;
	struct value *value = &r->values[HEADER_CONTENT_RANGE];
	struct http_head *head = &r->head;

	if (!rules->ranged)
		return fail(r, ERR_VENDOR_HTTP_RANGE, "status",
			"206 without a range in the request");
	if (value->times != 1 || value->too_long ||
			read_content_range(value->text, head))
		return fail(r, ERR_VENDOR_HTTP_RANGE, "content-range",
			"must be there once as 'bytes FIRST-LAST/TOTAL'");
	if (head->range_from != rules->range_from)
		return fail(r, ERR_VENDOR_HTTP_RANGE, "content-range",
			"begins elsewhere than the range in the request");
	if (rules->range_end && head->range_end > rules->range_end)
		return fail(r, ERR_VENDOR_HTTP_RANGE, "content-range",
			"ends after the range in the request");
	if (head->length >= 0 && (uint64_t)head->length !=
			head->range_end - head->range_from)
		return fail(r, ERR_VENDOR_HTTP_RANGE, "content-range",
			"is not as long as the body");
	head->is_range = true;
	return 0;
}

/* Every body must say once how long it is, and be uncoded. */
static int judge_framing(struct http_response *r, const llhttp_t *parser)
{
	struct value *transfer = &r->values[HEADER_TRANSFER_ENCODING];
	struct value *content = &r->values[HEADER_CONTENT_ENCODING];
	bool has_length = parser->flags & F_CONTENT_LENGTH;

	if (content->times && (content->times > 1 || content->too_long ||
			strcasecmp(content->text, "identity") != 0))
		return fail(r, ERR_VENDOR_HTTP_CODING, "content-encoding",
			"must be absent or identity");
	if (transfer->times && (transfer->times > 1 || transfer->too_long ||
			strcasecmp(transfer->text, "chunked") != 0))
		return fail(r, ERR_VENDOR_HTTP_CODING, "transfer-encoding",
			"must be absent or chunked");
	if (has_length == (transfer->times == 1))
		return fail(r, ERR_VENDOR_HTTP_LENGTH, "content-length",
			"either this or chunked coding must be there");
	r->head.length = -1;
	if (has_length) {
		if (parser->content_length > (uint64_t)INT64_MAX)
			return fail(r, ERR_VENDOR_HTTP_LENGTH,
				"content-length", "must fit 63 bits");
		r->head.length = (int64_t)parser->content_length;
	}
	return 0;
}

static bool etag_is_good(const struct value *value)
{
	const char *p = value->text;

	if (value->times != 1 || value->too_long ||
			value->len >= HTTP_ETAG_MAX)
		return false;
	if (!strncmp(p, "W/", 2))
		p += 2;
	if (*p++ != '"')
		return false;
	while (*p == 0x21 || (*p >= 0x23 && *p <= 0x7e))
		p++;
	return p[0] == '"' && p[1] == '\0';
}

static uint32_t read_retry_after(const struct http_response *r)
{
	const struct value *after = &r->values[HEADER_RETRY_AFTER];
	const struct value *date = &r->values[HEADER_DATE];
	const char *text = after->text;
	int64_t then, now;
	uint64_t seconds;

	if (after->times != 1 || after->too_long)
		return 0;
	/* A date is measured by the server's own clock, never by ours. */
	if (http_date_read(text, &then) == 0) {
		if (date->times != 1 || http_date_read(date->text, &now) ||
				then <= now)
			return 0;
		seconds = (uint64_t)(then - now);
	} else if (read_uint(&text, &seconds) || *text) {
		return 0;
	}
	return seconds > RETRY_AFTER_MAX ? RETRY_AFTER_MAX : (uint32_t)seconds;
}

/* A 1xx comes before the real answer; what it said is forgotten. */
static int interim_pass(struct http_response *r)
{
	if (r->head.status == 101)
		return fail(r, ERR_VENDOR_HTTP_SYNTAX, "status",
			"101, but no other protocol was asked for");
	if (++r->interim > INTERIM_MAX)
		return fail(r, ERR_VENDOR_HTTP_HEAD, "status",
			"too many 1xx answers");
	memset(r->values, 0, sizeof(r->values));
	r->location_len = 0;
	return 1;
}

static void trim(struct value *value)
{
	while (value->len && (value->text[value->len - 1] == ' ' ||
			value->text[value->len - 1] == '\t'))
		value->len--;
	value->text[value->len] = '\0';
}

static int head_judge(struct http_response *r, const llhttp_t *parser,
	bool has_body)
{
	struct http_head *head = &r->head;

	if (has_body && judge_framing(r, parser))
		return -1;
	if (head->status == 206 && judge_range(r))
		return -1;
	r->body_max = r->rules.body_max;
	if (head->status != 200 && head->status != 206)
		r->body_max = HTTP_ERROR_BODY_MAX;
	if (head->length > 0 && (uint64_t)head->length > r->body_max)
		return fail(r, ERR_VENDOR_HTTP_LARGE, "content-length",
			"is more than the limit of this body");
	if (head->status == 200)
		head->total = head->length;
	return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
	struct http_response *r = of_parser(parser);
	bool has_body = parser->status_code != 204 && parser->status_code != 304;

	r->head = (struct http_head){.status = parser->status_code, .total = -1};
	if (parser->http_major != 1)
		return fail(r, ERR_VENDOR_HTTP_SYNTAX, "version",
			"must be HTTP/1.0 or HTTP/1.1");
	if (r->head.status < 200)
		return interim_pass(r);
	for (int i = 0; i < HEADER_COUNT; i++)
		trim(&r->values[i]);
	r->location[r->location_len] = '\0';
	if (r->values[HEADER_LOCATION].times > 1)
		return fail(r, ERR_VENDOR_HTTP_HEAD, "location",
			"must not be there twice");
	if (head_judge(r, parser, has_body))
		return -1;
	if (etag_is_good(&r->values[HEADER_ETAG]))
		memcpy(r->head.etag, r->values[HEADER_ETAG].text,
			r->values[HEADER_ETAG].len + 1);
	r->head.retry_after_s = read_retry_after(r);
	r->keeps = llhttp_should_keep_alive(parser);
	r->has_head = true;
	if (r->sink.on_head)
		r->err = r->sink.on_head(r->sink.arg, &r->head, r->location);
	if (r->err)
		return -1;
	return has_body ? 0 : 1;
}

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
	struct http_response *r = of_parser(parser);

	if (len > r->body_max - r->body_bytes)
		return fail(r, ERR_VENDOR_HTTP_LARGE, "body",
			"is more than the limit");
	r->body_bytes += len;
	if (r->head.is_range && r->body_bytes >
			r->head.range_end - r->head.range_from)
		return fail(r, ERR_VENDOR_HTTP_RANGE, "body",
			"is longer than its Content-Range");
	if (r->sink.on_body)
		r->err = r->sink.on_body(r->sink.arg, bytes_of(at, len));
	return r->err ? -1 : 0;
}

static int on_message_complete(llhttp_t *parser)
{
	struct http_response *r = of_parser(parser);

	if (!r->has_head)
		return 0;
	if (r->head.is_range && r->body_bytes !=
			r->head.range_end - r->head.range_from)
		return fail(r, ERR_VENDOR_HTTP_RANGE, "body",
			"is shorter than its Content-Range");
	r->is_complete = true;
	return HPE_PAUSED;
}

int http_response_new(struct http_response **ret_response)
{
	struct http_response *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	llhttp_settings_init(&r->callbacks);
	r->callbacks.on_status = on_span;
	r->callbacks.on_header_field = on_header_field;
	r->callbacks.on_header_field_complete = on_header_field_complete;
	r->callbacks.on_header_value = on_header_value;
	r->callbacks.on_headers_complete = on_headers_complete;
	r->callbacks.on_chunk_extension_name = on_extension;
	r->callbacks.on_chunk_extension_value = on_extension;
	r->callbacks.on_body = on_body;
	r->callbacks.on_message_complete = on_message_complete;
	*ret_response = r;
	return 0;
}

void http_response_free(struct http_response *response)
{
	free(response);
}

void http_response_begin(struct http_response *response,
	const struct http_response_rules *rules,
	const struct http_response_sink *sink)
{
	llhttp_settings_t callbacks = response->callbacks;

	memset(response, 0, sizeof(*response));
	response->callbacks = callbacks;
	response->rules = *rules;
	response->sink = *sink;
	llhttp_init(&response->parser, HTTP_RESPONSE, &response->callbacks);
	response->parser.data = response;
}

/* Our code for what llhttp found. */
static int map_error(struct http_response *r, llhttp_errno_t found)
{
	const char *reason = llhttp_get_error_reason(&r->parser);
	int code = ERR_VENDOR_HTTP_SYNTAX;

	if (found == HPE_INVALID_CONTENT_LENGTH ||
			found == HPE_UNEXPECTED_CONTENT_LENGTH)
		code = ERR_VENDOR_HTTP_LENGTH;
	else if (found == HPE_INVALID_TRANSFER_ENCODING)
		code = ERR_VENDOR_HTTP_CODING;
	fail(r, code, r->has_head ? "body" : "head",
		reason && *reason ? reason : llhttp_errno_name(found));
	return r->err;
}

/* The parser passes over empty lines before the status line without a word. */
static int count_lead(struct http_response *r, size_t len)
{
	if (r->has_head)
		return 0;
	r->fed += len;
	if (r->fed <= r->rules.head_bytes + LEAD_SLACK)
		return 0;
	fail(r, ERR_VENDOR_HTTP_HEAD, "head", "longer than the limit");
	return r->err;
}

static int fail_surplus(struct http_response *r)
{
	fail(r, ERR_VENDOR_HTTP_SURPLUS, "body",
		"the answer ends before these bytes");
	return r->err;
}

int http_response_feed(struct http_response *response, struct bytes in)
{
	struct http_response *r = response;
	llhttp_errno_t found;

	if (r->err || in.len == 0)
		return r->err;
	if (r->is_complete)
		return fail_surplus(r);
	r->has_begun = true;
	found = llhttp_execute(&r->parser, (const char *)in.at, in.len);
	if (r->err)
		return r->err;
	if (found == HPE_OK)
		return count_lead(r, in.len);
	if (found != HPE_PAUSED || !r->is_complete)
		return map_error(r, found);
	if ((const uint8_t *)llhttp_get_error_pos(&r->parser) !=
			in.at + in.len)
		return fail_surplus(r);
	return 0;
}

int http_response_end(const struct http_response *response)
{
	if (response->err || response->is_complete)
		return response->err;
	return response->has_head ? ERR_VENDOR_HTTP_TRUNCATED
				  : ERR_VENDOR_CLOSED;
}

bool http_response_is_complete(const struct http_response *response)
{
	return response->is_complete;
}

bool http_response_has_begun(const struct http_response *response)
{
	return response->has_begun;
}

bool http_response_keeps(const struct http_response *response)
{
	return response->is_complete && response->keeps && !response->err;
}

const struct fault *http_response_fault(const struct http_response *response)
{
	return &response->fault;
}

/* The number in the `count` digits at `at`, or -1. */
static int read_digits(const char *at, unsigned count)
{
	int value = 0;

	for (; count; count--, at++) {
		if (*at < '0' || *at > '9')
			return -1;
		value = value * 10 + (*at - '0');
	}
	return value;
}

static int read_month(const char *at)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12; i++)
		if (!memcmp(months + (size_t)i * 3, at, 3))
			return i;
	return -1;
}

/* Every character of the form but digits and names stands where it must. */
static bool date_has_form(const char *text)
{
	static const char form[] = "???, ?? ??? ???? ??:??:?? GMT";

	if (strlen(text) != sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < sizeof(form) - 1; i++)
		if (form[i] != '?' && form[i] != text[i])
			return false;
	return true;
}

int http_date_read(const char *text, int64_t *ret_seconds)
{
	struct tm tm = {0};
	int year;

	if (!date_has_form(text))
		return -EINVAL;
	year = read_digits(text + 12, 4);
	tm.tm_year = year - 1900;
	tm.tm_mon = read_month(text + 8);
	tm.tm_mday = read_digits(text + 5, 2);
	tm.tm_hour = read_digits(text + 17, 2);
	tm.tm_min = read_digits(text + 20, 2);
	tm.tm_sec = read_digits(text + 23, 2);
	if (year < 1970 || tm.tm_mon < 0 || tm.tm_mday < 1 ||
			tm.tm_mday > 31 || tm.tm_hour < 0 || tm.tm_hour > 23 ||
			tm.tm_min < 0 || tm.tm_min > 59 || tm.tm_sec < 0 ||
			tm.tm_sec > 60)
		return -EINVAL;
	*ret_seconds = timegm(&tm);
	return 0;
}
