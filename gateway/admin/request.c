#include "gateway/admin/request.h"

#include <errno.h>
#include <llhttp.h>
#include <stdlib.h>
#include <strings.h>

#define FIELDS_MAX 64
#define NAME_MAX_LEN 32
#define VALUE_MAX_LEN 128

struct request_reader {
	llhttp_t parser;
	llhttp_settings_t settings;
	size_t head_max;
	size_t head_len;
	size_t body_max;
	struct buf target;
	struct buf body;
	/* The header field being read; what is longer than the names and
	 * values that matter here is cut, never stored. */
	char name[NAME_MAX_LEN];
	size_t name_len;
	char value[VALUE_MAX_LEN];
	size_t value_len;
	unsigned fields;
	bool begun;
	bool in_body;
	bool whole;
	bool has_host;
	bool has_json;
	bool wants_continue;
	bool keep_alive;
	int err;
	unsigned status;
	const char *rule;
};

static int refuse(struct request_reader *r, int err, unsigned status,
	const char *rule)
{
	if (!r->err) {
		r->err = err;
		r->status = status;
		r->rule = rule;
	}
	return HPE_USER;
}

static struct request_reader *reader_of(llhttp_t *parser)
{
	return (struct request_reader *)parser->data;
}

static int on_begin(llhttp_t *parser)
{
	reader_of(parser)->begun = true;
	return HPE_OK;
}

static int on_target(llhttp_t *parser, const char *at, size_t len)
{
	struct request_reader *r = reader_of(parser);

	if (buf_add(&r->target, at, len))
		return refuse(r, r->target.err == -ENOMEM ? -ENOMEM :
			ERR_ADMIN_HEAD_SIZE, 431, "the target is too long");
	return HPE_OK;
}

static void append(char *text, size_t size, size_t *len, const char *at,
	size_t more)
{
	for (size_t i = 0; i < more; i++) {
		if (*len + 1 < size)
			text[*len] = at[i];
		++*len;
	}
	text[*len < size ? *len : size - 1] = '\0';
}

static int on_name(llhttp_t *parser, const char *at, size_t len)
{
	struct request_reader *r = reader_of(parser);

	append(r->name, sizeof(r->name), &r->name_len, at, len);
	return HPE_OK;
}

static int on_value(llhttp_t *parser, const char *at, size_t len)
{
	struct request_reader *r = reader_of(parser);

	append(r->value, sizeof(r->value), &r->value_len, at, len);
	return HPE_OK;
}

static bool is_json_type(const char *value)
{
	size_t len = strcspn(value, "; \t");

	return len == strlen("application/json") &&
		!strncasecmp(value, "application/json", len);
}

static int on_field(llhttp_t *parser)
{
	struct request_reader *r = reader_of(parser);
	const char *name = r->name_len < sizeof(r->name) ? r->name : "";

	r->name_len = 0;
	r->value_len = 0;
	if (++r->fields > FIELDS_MAX)
		return refuse(r, ERR_ADMIN_HEAD_SIZE, 431,
			"at most 64 header fields");
	if (!strcasecmp(name, "transfer-encoding"))
		return refuse(r, ERR_ADMIN_REQUEST, 411,
			"Transfer-Encoding is not offered, send Content-Length");
	if (!strcasecmp(name, "host")) {
		if (r->has_host)
			return refuse(r, ERR_ADMIN_REQUEST, 400,
				"Host must be there once");
		r->has_host = true;
	} else if (!strcasecmp(name, "content-type")) {
		r->has_json = is_json_type(r->value);
	} else if (!strcasecmp(name, "expect")) {
		if (strcasecmp(r->value, "100-continue") != 0)
			return refuse(r, ERR_ADMIN_REQUEST, 417,
				"Expect knows only 100-continue");
		r->wants_continue = true;
	}
	r->value[0] = '\0';
	return HPE_OK;
}

static int on_head(llhttp_t *parser)
{
	struct request_reader *r = reader_of(parser);

	r->in_body = true;
	if (llhttp_get_http_major(parser) != 1)
		return refuse(r, ERR_ADMIN_REQUEST, 505,
			"only HTTP/1.0 and HTTP/1.1 are spoken");
	if (!r->has_host && llhttp_get_http_minor(parser) >= 1)
		return refuse(r, ERR_ADMIN_REQUEST, 400,
			"Host must be there once");
	if (llhttp_get_upgrade(parser))
		return refuse(r, ERR_ADMIN_REQUEST, 400,
			"nothing to upgrade to is offered");
	if (parser->content_length > r->body_max)
		return refuse(r, ERR_ADMIN_BODY_SIZE, 413,
			"the body is larger than allowed");
	if (parser->content_length > 0 && !r->has_json)
		return refuse(r, ERR_ADMIN_MEDIA_TYPE, 415,
			"Content-Type must be application/json");
	if (parser->content_length == 0)
		r->wants_continue = false;
	return HPE_OK;
}

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
	struct request_reader *r = reader_of(parser);

	r->wants_continue = false;
	if (buf_add(&r->body, at, len))
		return refuse(r, r->body.err == -ENOMEM ? -ENOMEM :
			ERR_ADMIN_BODY_SIZE, 413,
			"the body is larger than allowed");
	return HPE_OK;
}

static int on_whole(llhttp_t *parser)
{
	struct request_reader *r = reader_of(parser);

	r->whole = true;
	r->keep_alive = llhttp_should_keep_alive(parser);
	return HPE_PAUSED;
}

struct request_reader *request_reader_new(size_t head_max, size_t body_max)
{
	struct request_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	llhttp_settings_init(&r->settings);
	r->settings.on_message_begin = on_begin;
	r->settings.on_url = on_target;
	r->settings.on_header_field = on_name;
	r->settings.on_header_value = on_value;
	r->settings.on_header_value_complete = on_field;
	r->settings.on_headers_complete = on_head;
	r->settings.on_body = on_body;
	r->settings.on_message_complete = on_whole;
	llhttp_init(&r->parser, HTTP_REQUEST, &r->settings);
	r->parser.data = r;
	r->head_max = head_max;
	r->body_max = body_max;
	buf_init(&r->target, head_max);
	buf_init(&r->body, body_max);
	return r;
}

void request_reader_free(struct request_reader *r)
{
	if (!r)
		return;
	buf_done(&r->target);
	buf_done(&r->body);
	free(r);
}

/* Bytes that the parser took of `part`, by the place where it stopped. */
static size_t part_used(struct request_reader *r, struct bytes part)
{
	const char *stop = llhttp_get_error_pos(&r->parser);

	return stop ? (size_t)((const uint8_t *)stop - part.at) : part.len;
}

/* One run of the parser. While the head is open it gets no more than the head
 * may still have. */
static int feed_part(struct request_reader *r, struct bytes in, size_t *used)
{
	struct bytes part = in;
	llhttp_errno_t got;
	size_t took;

	if (!r->in_body)
		part = bytes_slice(in, 0, r->head_max - r->head_len);
	got = llhttp_execute(&r->parser, (const char *)part.at, part.len);
	if (got == HPE_OK)
		took = part.len;
	else if (got == HPE_PAUSED && r->whole)
		took = part_used(r, part);
	else
		return refuse(r, ERR_ADMIN_REQUEST, 400,
			"the request is not HTTP/1.1"), r->err;
	if (!r->in_body) {
		r->head_len += took;
		if (r->head_len >= r->head_max)
			return refuse(r, ERR_ADMIN_HEAD_SIZE, 431,
				"the head is larger than allowed"), r->err;
	}
	*used += took;
	return 0;
}

int request_feed(struct request_reader *r, struct bytes in, size_t *ret_used)
{
	size_t used = 0;
	int err = r->err;

	while (!err && !r->whole && used < in.len)
		err = feed_part(r, bytes_slice(in, used, in.len), &used);
	*ret_used = used;
	return err ? err : r->whole;
}

bool request_wants_continue(struct request_reader *r)
{
	bool wants = r->in_body && !r->whole && r->wants_continue;

	if (wants)
		r->wants_continue = false;
	return wants;
}

void request_get(struct request_reader *r, struct request *ret)
{
	*ret = (struct request){
		.method = llhttp_method_name(
			(llhttp_method_t)llhttp_get_method(&r->parser)),
		.target = buf_bytes(&r->target),
		.body = buf_bytes(&r->body),
		.keep_alive = r->keep_alive,
		.is_old = llhttp_get_http_minor(&r->parser) == 0,
	};
}

void request_next(struct request_reader *r)
{
	llhttp_resume(&r->parser);
	llhttp_reset(&r->parser);
	buf_reset(&r->target);
	buf_reset(&r->body);
	r->head_len = 0;
	r->name_len = 0;
	r->value_len = 0;
	r->fields = 0;
	r->begun = false;
	r->in_body = false;
	r->whole = false;
	r->has_host = false;
	r->has_json = false;
	r->wants_continue = false;
}

bool request_has_begun(const struct request_reader *r)
{
	return r->begun;
}

unsigned request_status(const struct request_reader *r)
{
	return r->status;
}

const char *request_rule(const struct request_reader *r)
{
	return r->rule ? r->rule : "";
}
