#include "devices/smp/session.h"

#define BUSY_PAUSE_MS 500
#define RAW_QUIET_MS 3600 /* servers resynchronise after 3000 ms of silence */

struct smp_header smp_request(struct smp_session *s, enum smp_op op,
	uint16_t group, uint8_t id)
{
	return (struct smp_header){
		.version = s->version,
		.op = (uint8_t)op,
		.group = group,
		.seq = s->seq++,
		.id = id,
	};
}

void smp_ask(struct smp_session *s, enum smp_ask what, uint32_t patience_ms,
	unsigned tries, int64_t from_ms)
{
	s->ask = (struct smp_asking){
		.what = what,
		.tries = tries,
		.patience_ms = patience_ms,
		.at_ms = from_ms,
	};
}

void smp_ask_stop(struct smp_session *s)
{
	s->ask.what = SMP_ASK_NONE;
	s->ask.under_way = false;
}

static struct bytes wanted_hash(const struct smp_session *s)
{
	struct smp_view v = {
		.slots = s->slots,
		.slot_count = s->slot_count,
		.image = s->image_number,
	};
	const struct smp_slot *other = smp_flow_other(&v);

	if (s->image.hash_len)
		return bytes_of(s->image.hash, s->image.hash_len);
	return other ? bytes_of(other->hash, other->hash_len) : bytes_of("", 0);
}

/* Confirming without a hash means what runs: should the device have reverted
 * meanwhile, that is harmless, while the hash would mark the bad image for
 * good. Only other images than 0 must be named. */
static struct bytes confirm_hash(const struct smp_session *s)
{
	struct smp_view v = {
		.slots = s->slots,
		.slot_count = s->slot_count,
		.image = s->image_number,
	};
	const struct smp_slot *active = smp_flow_active(&v);

	if (s->image_number == 0 || !active)
		return bytes_of("", 0);
	return bytes_of(active->hash, active->hash_len);
}

static void put_request(struct smp_session *s)
{
	struct smp_header h;

	switch (s->ask.what) {
	case SMP_ASK_PARAMS:
		h = smp_request(s, SMP_READ, SMP_GROUP_OS, SMP_OS_PARAMS);
		smp_put_plain(&s->message, &h);
		break;
	case SMP_ASK_MODE:
		h = smp_request(s, SMP_READ, SMP_GROUP_OS, SMP_OS_BOOTLOADER);
		smp_put_mode(&s->message, &h);
		break;
	case SMP_ASK_SPLIT:
		h = smp_request(s, SMP_WRITE, SMP_GROUP_OS, SMP_OS_ECHO);
		/* Longer than one datagram, header and keys added. */
		smp_put_echo(&s->message, &h, s->max_payload);
		break;
	case SMP_ASK_STATE:
		h = smp_request(s, SMP_READ, SMP_GROUP_IMAGE, SMP_IMAGE_STATE);
		smp_put_plain(&s->message, &h);
		break;
	case SMP_ASK_MARK:
		h = smp_request(s, SMP_WRITE, SMP_GROUP_IMAGE, SMP_IMAGE_STATE);
		smp_put_state(&s->message, &h, wanted_hash(s),
			s->options.permanent);
		break;
	case SMP_ASK_RESET:
		h = smp_request(s, SMP_WRITE, SMP_GROUP_OS, SMP_OS_RESET);
		smp_put_reset(&s->message, &h, s->forced);
		break;
	case SMP_ASK_CONFIRM:
		h = smp_request(s, SMP_WRITE, SMP_GROUP_IMAGE, SMP_IMAGE_STATE);
		smp_put_state(&s->message, &h, confirm_hash(s), true);
		break;
	case SMP_ASK_NONE:
		return;
	}
	s->ask.seq = h.seq;
}

bool smp_ask_send(struct smp_session *s, int64_t now_ms)
{
	if (s->ask.what == SMP_ASK_NONE || s->ask.under_way ||
			now_ms < s->ask.at_ms)
		return false;
	put_request(s);
	if (s->ask.what == SMP_ASK_RESET) {
		s->restarted = true;
		s->reset_ms = now_ms;
		s->facts.exchanges = 0;
	}
	s->ask.under_way = true;
	s->ask.sent++;
	s->ask.at_ms = now_ms + s->ask.patience_ms;
	return true;
}

bool smp_ask_is(const struct smp_session *s, const struct smp_header *h)
{
	static const struct {
		uint16_t group;
		uint8_t id;
		uint8_t op;
	} of[] = {
		[SMP_ASK_NONE] = {0xffff, 0, 0},
		[SMP_ASK_PARAMS] = {SMP_GROUP_OS, SMP_OS_PARAMS, SMP_READ},
		[SMP_ASK_MODE] = {SMP_GROUP_OS, SMP_OS_BOOTLOADER, SMP_READ},
		[SMP_ASK_SPLIT] = {SMP_GROUP_OS, SMP_OS_ECHO, SMP_WRITE},
		[SMP_ASK_STATE] = {SMP_GROUP_IMAGE, SMP_IMAGE_STATE, SMP_READ},
		[SMP_ASK_MARK] = {SMP_GROUP_IMAGE, SMP_IMAGE_STATE, SMP_WRITE},
		[SMP_ASK_RESET] = {SMP_GROUP_OS, SMP_OS_RESET, SMP_WRITE},
		[SMP_ASK_CONFIRM] = {SMP_GROUP_IMAGE, SMP_IMAGE_STATE,
			SMP_WRITE},
	};
	enum smp_ask what = s->ask.what;

	return s->ask.under_way && h->seq == s->ask.seq &&
		h->group == of[what].group && h->id == of[what].id &&
		h->op == of[what].op + 1;
}

static void finish(struct smp_session *s, const struct smp_answer *a,
	int64_t now_ms)
{
	smp_ask_stop(s);
	if (!a)
		s->status.failed = false;
	smp_steps_answer(s, a, now_ms);
}

static void repeat(struct smp_session *s, int64_t from_ms)
{
	s->ask.under_way = false;
	s->ask.tries--;
	s->ask.at_ms = from_ms;
}

/* True when the same request goes again: the device was busy, or wants the
 * other version of the protocol. */
static bool goes_again(struct smp_session *s, const struct smp_answer *a,
	int64_t now_ms)
{
	enum smp_verdict verdict = smp_status_judge(&a->status);

	if (s->ask.what == SMP_ASK_RESET && verdict == SMP_BUSY)
		return false;
	if ((verdict == SMP_VERSION_NEW && s->version == 1) ||
			(verdict == SMP_VERSION_OLD && s->version == 0)) {
		if (s->ask.sent > 4)
			return false;
		s->version = !s->version;
		s->ask.tries++;
		repeat(s, now_ms);
		return true;
	}
	if (s->ask.tries == 0 || (verdict != SMP_BUSY &&
				verdict != SMP_NO_MEMORY &&
				verdict != SMP_TIMED_OUT))
		return false;
	repeat(s, now_ms + BUSY_PAUSE_MS);
	return true;
}

void smp_ask_answered(struct smp_session *s, const struct smp_answer *a,
	int64_t now_ms)
{
	if (!a) {
		s->ask.at_ms = now_ms;
		smp_ask_time(s, now_ms);
		return;
	}
	s->status = a->status;
	if (a->status.failed && goes_again(s, a, now_ms))
		return;
	if (!a->status.failed && s->facts.exchanges < UINT16_MAX)
		s->facts.exchanges++;
	finish(s, a, now_ms);
}

void smp_ask_time(struct smp_session *s, int64_t now_ms)
{
	if (!s->ask.under_way || now_ms < s->ask.at_ms)
		return;
	smp_reader_reset(&s->reader);
	if (s->framing == SMP_RAW)
		s->quiet_ms = now_ms + RAW_QUIET_MS;
	if (s->ask.tries == 0) {
		finish(s, NULL, now_ms);
		return;
	}
	/* A server that knows one version only may keep silent to the other. */
	if (s->ask.what == SMP_ASK_PARAMS && s->ask.sent % 2 == 0)
		s->version = !s->version;
	repeat(s, now_ms);
}

int64_t smp_ask_deadline(const struct smp_session *s)
{
	bool waits = s->ask.under_way || s->ask.at_ms > s->now_ms;

	/* One that may go out now waits for the host, not for time. */
	if (s->ask.what == SMP_ASK_NONE || !s->up || !waits)
		return ENGINE_NEVER;
	return s->ask.at_ms;
}
