#include "tools/sim/server.h"

#include "tools/sim/exchange.h"

/* The flat `rc` of a fault of the image group, for version 0; 1 where the
 * table names none. */
static int image_rc_flat(int rc)
{
	static const uint8_t flat[] = {[3] = 5,
		[4] = 5,
		[9] = 6,
		[14] = 3,
		[15] = 2,
		[19] = 3,
		[20] = 3,
		[21] = 3,
		[22] = 3,
		[24] = 3,
		[25] = 3,
		[27] = 6,
		[28] = 6};

	return rc < (int)sizeof(flat) && flat[rc] ? flat[rc] : 1;
}

int exchange_body(struct exchange *x, struct cbor *r, struct cbor_list *list)
{
	cbor_init(r, x->body, CBOR_WIRE);
	if (cbor_map(r, list) < 0)
		x->rc = RC_INVALID;
	return x->rc;
}

bool exchange_key(struct cbor *r, struct cbor_list *list, struct bytes *ret_key)
{
	return cbor_next(r, list) && cbor_tstr(r, ret_key) == 0;
}

static void take_style(struct exchange *x)
{
	const struct switches *sw = &x->m->sw;
	uint64_t bits =
		switch_is_on(sw, SW_CBOR) ? switch_value(sw, SW_CBOR) : 0;

	x->style = (struct reply_style){
		.indefinite = bits & CBOR_STYLE_INDEFINITE,
		.shuffled = bits & CBOR_STYLE_SHUFFLED,
		.unknown = bits & CBOR_STYLE_UNKNOWN,
		.rc0 = bits & CBOR_STYLE_RC0 || x->m->in_recovery,
		.frugal = switch_is_on(sw, SW_FRUGAL),
		.random = x->m->random,
	};
}

static void serve_image(struct exchange *x)
{
	bool recovery = x->m->in_recovery;

	switch (x->id) {
	case 0:
		if (switch_is_on(&x->m->sw, SW_NO_STATE))
			break;
		serve_state(x);
		return;
	case 1:
		if (x->op != SMP_WRITE)
			break;
		serve_upload(x);
		return;
	case 5:
		if (x->op != SMP_WRITE || recovery)
			break;
		serve_erase(x);
		return;
	case 6:
		if (x->op != SMP_READ || recovery ||
			switch_is_on(&x->m->sw, SW_NO_SLOT_INFO))
			break;
		serve_slot_info(x);
		return;
	default:
		break;
	}
	x->rc = RC_NOT_SUPPORTED;
}

/* An error that the switch asks for instead of the real work. */
static bool forced_error(struct exchange *x)
{
	struct switches *sw = &x->m->sw;
	uint32_t scope = sw->s[SW_IMAGE_ERRORS].scope;

	if (x->group != SMP_GROUP_IMAGE || (scope && scope != x->id + 1u) ||
		(!scope && x->op != SMP_WRITE) ||
		!switch_fires(sw, SW_IMAGE_ERRORS))
		return false;
	x->group_rc = (int)switch_value(sw, SW_IMAGE_ERRORS);
	return true;
}

static void dispatch(struct exchange *x)
{
	if (forced_error(x))
		return;
	switch (x->group) {
	case SMP_GROUP_OS:
		serve_os(x);
		return;
	case SMP_GROUP_IMAGE:
		serve_image(x);
		return;
	default:
		x->rc = RC_NOT_SUPPORTED;
	}
}

static void put_error(struct exchange *x, struct buf *body)
{
	bool flat = x->version == 0 || x->m->in_recovery;
	struct buf inner;

	reply_done(&x->map);
	reply_init(&x->map);
	x->m->counts.errors++;
	if (x->rc != RC_OK || flat) {
		int rc = x->rc != RC_OK	     ? x->rc
			 : x->m->in_recovery ? RC_INVALID
			 : x->group == SMP_GROUP_IMAGE
				 ? image_rc_flat(x->group_rc)
			 : x->group_rc == 2 ? RC_INVALID
					    : RC_UNKNOWN;

		reply_uint(&x->map, "rc", (uint64_t)rc);
		reply_end(&x->map, &x->style, body);
		return;
	}
	buf_init(&inner, 64);
	reply_uint(&x->map, "group", x->group);
	reply_uint(&x->map, "rc", (uint64_t)x->group_rc);
	reply_end(&x->map,
		&(struct reply_style){
			.random = 1, .indefinite = x->style.indefinite},
		&inner);
	reply_raw(&x->map, switch_is_on(&x->m->sw, SW_V2_RET) ? "ret" : "err",
		buf_bytes(&inner));
	reply_end(&x->map, &x->style, body);
	buf_done(&inner);
}

/* `rc` 0 stands first, as the servers that send it write it. */
static void put_success(struct exchange *x, struct buf *body)
{
	struct reply_map *m = &x->map;

	if (x->style.rc0 && m->count < REPLY_PAIRS_MAX) {
		struct reply_pair last;

		reply_uint(m, "rc", 0);
		last = m->pairs[m->count - 1];
		memmove(m->pairs + 1, m->pairs,
			(m->count - 1) * sizeof(m->pairs[0]));
		m->pairs[0] = last;
	}
	reply_end(m, &x->style, body);
}

/* What a buffer holds. Real servers keep answers to it as well; here only
 * when the buffer is of a usual size, or `tiny-answers` is on. */
static size_t answer_max(const struct mcu *m)
{
	uint32_t size = mcu_buffer_size(m);

	if (size < 384 && !switch_is_on(&m->sw, SW_TINY_ANSWERS))
		size = 384;
	return size - (m->buf_size - m->message_max);
}

static void put_answer(
	struct exchange *x, const uint8_t *request, struct buf *answer)
{
	uint8_t header[SMP_HEADER_LEN];

	buf_reset(answer);
	memcpy(header, request, sizeof(header));
	header[0] = (uint8_t)(x->version << 3 | (x->op + 1));
	header[1] = 0;
	buf_add(answer, header, sizeof(header));
	if (x->rc == RC_OK && x->group_rc == 0)
		put_success(x, answer);
	else
		put_error(x, answer);
	if (answer->len > answer_max(x->m) || answer->err) {
		buf_reset(answer);
		buf_add(answer, header, sizeof(header));
		x->rc = RC_TOO_LARGE;
		put_error(x, answer);
	}
	if (answer->err)
		return;
	put_be16(answer->at + 2, (uint16_t)(answer->len - SMP_HEADER_LEN));
	x->effect->answered = true;
}

/* What the SMP layer says before it looks at group and body. */
static bool accept_header(struct exchange *x, struct bytes message)
{
	const struct switches *sw = &x->m->sw;
	uint8_t version = message.at[0] >> 3 & 3;
	size_t len = get_be16(message.at + 2);

	x->version = version;
	if (x->m->in_recovery)
		version = 0; /* copied back, looked at by nobody */
	else if (switch_is_on(sw, SW_V1_ONLY))
		x->version = version = 0;
	else if (version > 1)
		x->version = 1;
	if (version > 1)
		x->rc = RC_TOO_NEW;
	else if (version == 0 && !x->m->in_recovery &&
		 switch_is_on(sw, SW_NO_V1))
		x->rc = RC_TOO_OLD;
	else if (len > message.len - SMP_HEADER_LEN)
		x->rc = RC_CORRUPT;
	x->body = bytes_slice(message, SMP_HEADER_LEN, len);
	return x->rc == RC_OK;
}

void server_handle(struct mcu *m, struct bytes message, bool crowded,
	struct buf *answer, struct smp_effect *ret)
{
	struct exchange x = {.m = m, .effect = ret};

	*ret = (struct smp_effect){0};
	buf_reset(answer);
	if (message.len < SMP_HEADER_LEN)
		return;
	x.op = message.at[0] & 7;
	x.group = get_be16(message.at + 4);
	x.id = message.at[7];
	/* MCUboot also ignores a body that is shorter than the header says. */
	if ((x.op != SMP_READ && x.op != SMP_WRITE) ||
		(m->in_recovery && get_be16(message.at + 2) >
					   message.len - SMP_HEADER_LEN))
		return;
	m->counts.requests++;
	take_style(&x);
	reply_init(&x.map);
	if (accept_header(&x, message)) {
		if (crowded)
			x.rc = RC_NO_MEMORY;
		else
			dispatch(&x);
	}
	put_answer(&x, message.at, answer);
	m->random = x.style.random;
	reply_done(&x.map);
}

void server_restart(struct mcu *m)
{
	m->upload = (struct mcu_upload){0};
}
