#include "devices/smp/session.h"

#define DEFAULT_CONSOLE 252 /* 256 less length and CRC */
#define DEFAULT_RAW 256
#define RAW_QUIET_MS 3600

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The largest request, header included. On the console length and CRC share
 * the device's buffer with the message. */
size_t smp_message_limit(const struct smp_session *s)
{
	size_t limit = SMP_MESSAGE_MAX;

	switch (s->framing) {
	case SMP_CONSOLE:
		limit = s->has_params && s->buf_size > 4 ? s->buf_size - 4 :
			DEFAULT_CONSOLE;
		break;
	case SMP_RAW:
		limit = s->has_params ? s->buf_size : DEFAULT_RAW;
		break;
	case SMP_DATAGRAM:
		limit = s->splits ? s->buf_size : s->max_payload;
		if (s->has_params)
			limit = least(limit, s->buf_size);
		break;
	}
	if (s->options.max_message)
		limit = least(limit, (size_t)s->options.max_message);
	return least(limit, SMP_MESSAGE_MAX);
}

static unsigned window_limit(const struct smp_session *s)
{
	unsigned limit = 1;

	if (s->has_params && s->buf_count > 2 && !s->options.recovery)
		limit = s->buf_count - 1;
	if (s->options.window && limit > (unsigned)s->options.window)
		limit = (unsigned)s->options.window;
	return limit > SMP_WINDOW_MAX ? SMP_WINDOW_MAX : limit;
}

static void fail_upload(struct smp_session *s)
{
	const struct smp_upload *u = &s->upload;

	s->status = u->status;
	switch (u->code) {
	case ERR_SMP_DOWNGRADE:
		smp_job_fail(s, u->code, "upload", "it runs %s, the image "
			"is %s", s->facts.version, s->image.version);
		return;
	case ERR_SMP_FOREIGN_UPLOAD:
		smp_job_fail(s, u->code, "upload", "stop the other client, "
			"then retry");
		return;
	case ERR_SMP_TOO_SMALL:
		smp_job_fail(s, u->code, "upload", "requests of %zu bytes "
			"cannot carry the image header",
			s->upload.setup.max_message);
		return;
	}
	smp_job_fail(s, u->code, "upload", "%s", "");
}

void smp_transfer_start(struct smp_session *s, int64_t now_ms)
{
	/* Without `sha` only our own note tells where to go on; the device's
	 * answer corrects it. */
	uint64_t from = s->upload.has_sha ? 0 : s->upload.acked;
	int64_t image = s->options.image >= 0 ? s->options.image :
		(int64_t)s->image_number;
	struct smp_upload_setup setup = {
		.len = s->image.len,
		.sha = bytes_of(s->image.sha256, sizeof(s->image.sha256)),
		.image = image ? image : -1,
		.upgrade = s->options.upgrade_only,
		.can_resume = !s->options.recovery,
		.max_message = smp_message_limit(s),
		.window = window_limit(s),
		.align = (unsigned)s->options.align,
		.quiet_ms = s->framing == SMP_RAW ? RAW_QUIET_MS : 0,
		.erase_ms = (uint32_t)s->options.erase_ms,
		.answer_ms = (uint32_t)s->options.answer_ms,
		.last_ms = (uint32_t)s->options.last_ms,
	};

	(void)now_ms;
	buf_reset(&s->chunk);
	s->need_open = false;
	s->facts.can_resume = setup.can_resume;
	if (smp_upload_init(&s->upload, &setup)) {
		s->upload.code = ERR_SMP_TOO_SMALL;
		fail_upload(s);
		return;
	}
	if (!s->upload.has_sha)
		s->facts.can_resume = 0;
	if (from && from < setup.len && !s->upload.has_sha) {
		s->upload.need_first = false;
		s->upload.next = from;
		s->upload.high = from;
	}
}

/* The bytes of the next chunk, when all of them are there. */
static bool chunk_ready(struct smp_session *s, struct smp_chunk *ret)
{
	size_t len;
	size_t skip;

	if (!smp_upload_chunk(&s->upload, ret, &len) || len == 0 ||
			ret->off < s->chunk_off)
		return false;
	skip = ret->off - s->chunk_off < s->chunk.len ?
		(size_t)(ret->off - s->chunk_off) : s->chunk.len;
	if (s->chunk.len - skip < len)
		return false;
	ret->data = bytes_slice(buf_bytes(&s->chunk), skip, len);
	return true;
}

bool smp_transfer_send(struct smp_session *s, int64_t now_ms)
{
	struct smp_chunk chunk;
	struct smp_header h;

	if (s->phase != SMP_PHASE_UPLOAD ||
			!smp_upload_may_send(&s->upload, now_ms) ||
			!chunk_ready(s, &chunk))
		return false;
	h = smp_request(s, SMP_WRITE, SMP_GROUP_IMAGE, SMP_IMAGE_UPLOAD);
	smp_put_upload(&s->message, &h, &chunk);
	buf_done(&s->chunk);
	smp_upload_sent(&s->upload, h.seq, now_ms);
	return true;
}

/* Drops what the next chunk does not start with. */
static void align_chunk(struct smp_session *s, uint64_t off)
{
	if (off < s->chunk_off || off - s->chunk_off >= s->chunk.len)
		buf_reset(&s->chunk);
	else
		buf_eat(&s->chunk, (size_t)(off - s->chunk_off));
	s->chunk_off = off;
}

bool smp_transfer_needs(struct smp_session *s, uint64_t *ret_off,
	size_t *ret_len)
{
	struct smp_chunk chunk;
	size_t len;

	/* Not before they can go out: the host has them ready, and hundreds
	 * of engines that each hold a kilobyte for later add up. */
	if (s->phase != SMP_PHASE_UPLOAD || s->need_open || !s->up ||
			!smp_upload_may_send(&s->upload, s->now_ms) ||
			!smp_upload_chunk(&s->upload, &chunk, &len) ||
			len == 0)
		return false;
	if (chunk.off != s->chunk_off)
		align_chunk(s, chunk.off);
	if (s->chunk.len >= len)
		return false;
	s->need_open = true;
	s->need_off = s->chunk_off + s->chunk.len;
	*ret_off = s->need_off;
	*ret_len = len - s->chunk.len;
	return true;
}

void smp_transfer_image(struct smp_session *s, uint64_t off, int status,
	struct bytes data, int64_t now_ms)
{
	(void)now_ms;
	if (!s->need_open || s->phase != SMP_PHASE_UPLOAD)
		return;
	if (status == 0 && off != s->need_off)
		return;
	s->need_open = false;
	if (status || data.len == 0) {
		smp_job_fail(s, status ? status : ERR_SMP_IMAGE_BYTES,
			"upload", "the gateway could not read the image");
		return;
	}
	if (off != s->chunk_off + s->chunk.len)
		return; /* a rewind came meanwhile: it is asked for again */
	data = bytes_slice(data, 0, SMP_MESSAGE_MAX - s->chunk.len);
	if (buf_add_bytes(&s->chunk, data))
		smp_job_fail(s, s->chunk.err, "upload", "%s", "");
}

static void after(struct smp_session *s, int64_t now_ms)
{
	struct smp_upload *u = &s->upload;

	if (u->acked != s->told_progress) {
		s->told_progress = u->acked;
		s->wants |= SMP_WANT_PROGRESS;
	}
	switch (u->state) {
	case SMP_UPLOAD_RUNS:
		return;
	case SMP_UPLOAD_DONE:
		smp_steps_uploaded(s, now_ms);
		return;
	case SMP_UPLOAD_FAILED:
		if (u->code == ERR_SMP_NO_FREE_SLOT)
			smp_steps_uploaded(s, now_ms);
		else
			fail_upload(s);
		return;
	}
}

void smp_transfer_answered(struct smp_session *s, uint8_t seq,
	const struct smp_answer *a, int64_t now_ms)
{
	if (!a) {
		smp_upload_garbled(&s->upload, seq, now_ms);
	} else {
		smp_upload_answer(&s->upload, seq, a, now_ms);
		if (!a->status.failed && s->facts.exchanges < UINT16_MAX)
			s->facts.exchanges++;
	}
	after(s, now_ms);
}

void smp_transfer_time(struct smp_session *s, int64_t now_ms)
{
	if (s->phase != SMP_PHASE_UPLOAD || !s->up)
		return;
	if (!smp_upload_time(&s->upload, now_ms))
		return;
	smp_reader_reset(&s->reader);
	after(s, now_ms);
}
