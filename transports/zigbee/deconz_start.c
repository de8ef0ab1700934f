/* Bringing a deCONZ coordinator up, step by step:
 *
 *   PROBE        firmware version, at 115200 and 38400 in turn
 *   PROTOCOL, STATE, MAC, CHANNEL
 *   READ_ENDPOINT, WRITE_ENDPOINT    the OTA server's cluster, see
 *                deconz_endpoint.c
 *   FORM         only when told to, and where there is no network
 *   LEAVE, LEFT  what was written counts from the next connect
 *   CONNECT, CONNECTED, PAN, EXT_PAN, FINAL_CHANNEL, WATCHDOG, READY */
#include "transports/zigbee/deconz.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#define STATE_AGAIN_MS 500
#define CONNECT_MS 12000
#define AGAIN_MS 3000 /* until a network that did not come is tried again */
#define PROBES_EACH 2u
#define WATCHDOG_TTL_S 600u
#define WATCHDOG_AGAIN_MS 300000
#define PROTOCOL_WATCHDOG 0x0108u
#define MIN_PROTOCOL 0x0103u

enum deconz_parameter {
	PARAM_MAC = 0x01,
	PARAM_PAN = 0x05,
	PARAM_NWK = 0x07,
	PARAM_NWK_EXT_PAN = 0x08,
	PARAM_COORDINATOR = 0x09,
	PARAM_CHANNEL_MASK = 0x0a,
	PARAM_EXT_PAN = 0x0b,
	PARAM_TRUST_CENTER = 0x0e,
	PARAM_SECURITY_MODE = 0x10,
	PARAM_ENDPOINT = 0x13,
	PARAM_PREDEFINED_PAN = 0x15,
	PARAM_NETWORK_KEY = 0x18,
	PARAM_LINK_KEY = 0x19,
	PARAM_CHANNEL = 0x1c,
	PARAM_PROTOCOL = 0x22,
	PARAM_UPDATE_ID = 0x24,
	PARAM_WATCHDOG = 0x26,
};

#define SECURITY_ONLY_TRUST_CENTER_KEY 3u

static uint64_t get_le64(const uint8_t *p)
{
	return (uint64_t)get_le32(p + 4) << 32 | get_le32(p);
}

static void put_le64(uint8_t *p, uint64_t v)
{
	put_le32(p, (uint32_t)v);
	put_le32(p + 4, (uint32_t)(v >> 32));
}

static void enter(struct zb_stack *s, enum deconz_step step)
{
	s->step = step;
	s->wait_ms = s->now_ms;
}

void deconz_start(struct zb_stack *s)
{
	s->silent = 0;
	s->probes = 0;
	s->endpoint_at = 0;
	deconz_endpoints_init(&s->endpoints);
	s->formed = false;
	enter(s, STEP_PROBE);
}

static void read_parameter(struct zb_stack *s, uint8_t id)
{
	deconz_ask(s, DECONZ_READ, bytes_of(&id, 1));
}

static void read_endpoint(struct zb_stack *s)
{
	const uint8_t payload[] = {PARAM_ENDPOINT, (uint8_t)s->endpoint_at};

	deconz_ask(s, DECONZ_READ, bytes_of(payload, sizeof(payload)));
}

static void write_endpoint(struct zb_stack *s)
{
	uint8_t payload[2 + DECONZ_DESCRIPTOR_MAX] = {PARAM_ENDPOINT};
	size_t len = deconz_endpoints_put(&s->endpoints, payload + 1);

	deconz_ask(s, DECONZ_WRITE, bytes_of(payload, 1 + len));
}

static void ask_state(struct zb_stack *s)
{
	const uint8_t zeros[3] = {0};

	deconz_ask(s, DECONZ_STATE, bytes_of(zeros, sizeof(zeros)));
}

static void set_network(struct zb_stack *s, uint8_t state)
{
	deconz_ask(s, DECONZ_SET_NETWORK, bytes_of(&state, 1));
}

void deconz_watchdog(struct zb_stack *s)
{
	uint8_t payload[5] = {PARAM_WATCHDOG};

	s->watchdog_ms = s->now_ms + WATCHDOG_AGAIN_MS;
	put_le32(payload + 1, WATCHDOG_TTL_S);
	deconz_ask(s, DECONZ_WRITE, bytes_of(payload, sizeof(payload)));
}

/* ---- making a network ---- */

static uint16_t pan_of(struct zb_stack *s)
{
	/* 0xffff: any; the random one is never in the reserved range. */
	while (s->config.pan >= 0xfff0u)
		if (getrandom(&s->config.pan, sizeof(s->config.pan), 0) !=
			(ssize_t)sizeof(s->config.pan))
			s->config.pan = 0x1a62;
	return s->config.pan;
}

static size_t put_link_key(uint8_t *at, uint64_t eui64)
{
	put_le64(at, eui64);
	memcpy(at + 8, "ZigBeeAlliance09", 16); /* of the specification */
	return 24;
}

/* The parameters of a new network, in order; 0 after the last. */
static size_t form_parameter(struct zb_stack *s, uint8_t *at)
{
	uint64_t ext_pan =
		s->config.ext_pan ? s->config.ext_pan : s->network.eui64;

	switch (s->form_at) {
	case 0:
		at[0] = PARAM_COORDINATOR;
		at[1] = 1;
		return 2;
	case 1:
		at[0] = PARAM_NWK;
		put_le16(at + 1, 0);
		return 3;
	case 2:
		at[0] = PARAM_CHANNEL_MASK;
		put_le32(at + 1, 1u << s->config.channel);
		return 5;
	case 3:
		at[0] = PARAM_PREDEFINED_PAN;
		at[1] = 1;
		return 2;
	case 4:
		at[0] = PARAM_PAN;
		put_le16(at + 1, pan_of(s));
		return 3;
	case 5:
		at[0] = PARAM_EXT_PAN;
		put_le64(at + 1, ext_pan);
		return 9;
	case 6:
		at[0] = PARAM_UPDATE_ID;
		at[1] = 0;
		return 2;
	case 7:
		at[0] = PARAM_NETWORK_KEY;
		at[1] = 0;
		memcpy(at + 2, s->config.network_key, 16);
		return 18;
	case 8:
		at[0] = PARAM_TRUST_CENTER;
		put_le64(at + 1, s->network.eui64);
		return 9;
	case 9:
		at[0] = PARAM_LINK_KEY;
		return 1 + put_link_key(at + 1, s->network.eui64);
	case 10:
		at[0] = PARAM_SECURITY_MODE;
		at[1] = SECURITY_ONLY_TRUST_CENTER_KEY;
		return 2;
	}
	return 0;
}

static void form(struct zb_stack *s)
{
	uint8_t payload[32];
	size_t len = form_parameter(s, payload);

	deconz_ask(s, DECONZ_WRITE, bytes_of(payload, len));
	explicit_bzero(payload, sizeof(payload));
}

/* ---- steps ---- */

static void up(struct zb_stack *s)
{
	struct zb_network *n = &s->network;

	n->window = s->window;
	n->asdu_max = DECONZ_ASDU_MAX;
	snprintf(
		n->text, sizeof(n->text), "deCONZ firmware 0x%08x", s->version);
	enter(s, STEP_READY);
	s->heard_ms = s->now_ms;
	s->was_up = true;
	s->host->up(s->arg, n);
}

/* What was there before can be used, once it is known. */
static void decide(struct zb_stack *s)
{
	uint8_t network = s->state & DECONZ_NETWORK_MASK;
	bool online = network == DECONZ_CONNECTED;

	if (s->network.channel == 0 && network == DECONZ_OFFLINE &&
		!s->formed) {
		if (!s->config.form) {
			deconz_fail(s, -ENOENT,
				"the coordinator has no network; form = yes "
				"makes one");
			return;
		}
		s->form_at = 0;
		enter(s, STEP_FORM);
	} else if (!online) {
		enter(s, STEP_CONNECT);
	} else {
		enter(s, s->endpoints.written ? STEP_LEAVE : STEP_PAN);
	}
}

void deconz_start_next(struct zb_stack *s)
{
	if (s->wait_ms > s->now_ms)
		return;
	switch (s->step) {
	case STEP_PROBE:
		deconz_ask(s, DECONZ_VERSION, bytes_of("\0\0\0", 4));
		break;
	case STEP_PROTOCOL:
		read_parameter(s, PARAM_PROTOCOL);
		break;
	case STEP_STATE:
	case STEP_LEFT:
	case STEP_CONNECTED:
		ask_state(s);
		break;
	case STEP_MAC:
		read_parameter(s, PARAM_MAC);
		break;
	case STEP_CHANNEL:
	case STEP_FINAL_CHANNEL:
		read_parameter(s, PARAM_CHANNEL);
		break;
	case STEP_READ_ENDPOINT:
		read_endpoint(s);
		break;
	case STEP_WRITE_ENDPOINT:
		write_endpoint(s);
		break;
	case STEP_FORM:
		form(s);
		break;
	case STEP_LEAVE:
		set_network(s, DECONZ_OFFLINE);
		break;
	case STEP_CONNECT:
		set_network(s, DECONZ_CONNECTED);
		break;
	case STEP_PAN:
		read_parameter(s, PARAM_PAN);
		break;
	case STEP_EXT_PAN:
		read_parameter(s, PARAM_EXT_PAN);
		break;
	case STEP_NWK_EXT_PAN:
		read_parameter(s, PARAM_NWK_EXT_PAN);
		break;
	case STEP_WATCHDOG:
		deconz_watchdog(s);
		break;
	case STEP_READY:
		break;
	}
}

/* Nobody there, or the line is at the wrong speed. */
void deconz_start_silent(struct zb_stack *s)
{
	if (++s->probes % PROBES_EACH == 0 && !s->config.tcp) {
		s->fast = !s->fast;
		s->host->line(s->arg, s->fast ? "baud=38400" : "baud=115200");
	}
	/* Whatever half of a frame it has read ends here. */
	s->host->write(s->arg, bytes_of("\xc0", 1));
	enter(s, STEP_PROBE);
}

/* The value of a parameter, at least `len` bytes; NULL when it was refused. */
static const uint8_t *value_of(const struct deconz_frame *f, size_t len)
{
	if (f->status != DECONZ_SUCCESS || f->payload.len < 1 + len)
		return NULL;
	return f->payload.at + 1;
}

static void no_endpoint(struct zb_stack *s)
{
	s->host->log(s->arg, FERRY_LOG_WARN,
		"the coordinator does not take an endpoint with the OTA "
		"cluster: devices that look for a server find none");
}

static void write_or_go_on(struct zb_stack *s)
{
	uint8_t at[DECONZ_DESCRIPTOR_MAX + 1];

	if (s->endpoints.there) {
		decide(s);
	} else if (deconz_endpoints_put(&s->endpoints, at)) {
		enter(s, STEP_WRITE_ENDPOINT);
	} else {
		no_endpoint(s); /* all are somebody's */
		decide(s);
	}
}

static void on_endpoint(struct zb_stack *s, const struct deconz_frame *f)
{
	deconz_endpoints_take(&s->endpoints, s->endpoint_at, f);
	if (!s->endpoints.there && ++s->endpoint_at < DECONZ_ENDPOINTS)
		enter(s, STEP_READ_ENDPOINT);
	else
		write_or_go_on(s);
}

static void on_endpoint_written(
	struct zb_stack *s, const struct deconz_frame *f)
{
	s->endpoints.written = f->status == DECONZ_SUCCESS;
	if (s->endpoints.written)
		decide(s);
	else if (deconz_endpoints_refused(&s->endpoints))
		enter(s, STEP_WRITE_ENDPOINT);
	else
		write_or_go_on(s);
}

static void on_state(struct zb_stack *s, const struct deconz_frame *f)
{
	uint8_t wanted =
		s->step == STEP_LEFT ? DECONZ_OFFLINE : DECONZ_CONNECTED;

	if (f->status == DECONZ_SUCCESS && f->payload.len >= 1)
		deconz_take_state(s, f->payload.at[0]);
	if (s->step == STEP_STATE) {
		enter(s, STEP_MAC);
	} else if ((s->state & DECONZ_NETWORK_MASK) == wanted) {
		enter(s, s->step == STEP_LEFT ? STEP_CONNECT : STEP_PAN);
	} else if (s->now_ms < s->until_ms) {
		s->wait_ms = s->now_ms + STATE_AGAIN_MS;
	} else {
		s->host->log(s->arg, FERRY_LOG_WARN,
			"the coordinator does not connect to its network");
		enter(s, STEP_CONNECT);
		s->wait_ms = s->now_ms + AGAIN_MS;
	}
}

static void on_formed(struct zb_stack *s, const struct deconz_frame *f)
{
	uint8_t payload[32];

	/* Old firmware lacks some of them; the key it must take. */
	if (f->status != DECONZ_SUCCESS && s->form_at == 7) {
		deconz_fail(
			s, -EIO, "the coordinator does not take a network key");
		return;
	}
	s->form_at++;
	if (form_parameter(s, payload)) {
		enter(s, STEP_FORM);
		return;
	}
	s->formed = true;
	enter(s, STEP_LEAVE);
}

static void on_mac(struct zb_stack *s, const struct deconz_frame *f)
{
	const uint8_t *at = value_of(f, 8);

	s->network.eui64 = at ? get_le64(at) : 0;
	if (!s->network.eui64) {
		deconz_fail(s, -EPROTO, "the coordinator has no address");
		return;
	}
	enter(s, STEP_CHANNEL);
}

static void on_version(struct zb_stack *s, const struct deconz_frame *f)
{
	if (f->status != DECONZ_SUCCESS || f->payload.len < 4) {
		enter(s, STEP_PROBE);
		s->wait_ms = s->now_ms + STATE_AGAIN_MS;
		return;
	}
	s->version = get_le32(f->payload.at);
	enter(s, STEP_PROTOCOL);
}

static void on_ext_pan(struct zb_stack *s, const struct deconz_frame *f)
{
	const uint8_t *at = value_of(f, 8);

	s->network.ext_pan = at ? get_le64(at) : 0;
	enter(s, s->network.ext_pan || s->step == STEP_NWK_EXT_PAN
			 ? STEP_FINAL_CHANNEL
			 : STEP_NWK_EXT_PAN);
}

static void on_channel(struct zb_stack *s, const struct deconz_frame *f)
{
	const uint8_t *at = value_of(f, 1);

	/* What cannot be read may be somebody's network. */
	if (!at && s->step == STEP_CHANNEL) {
		deconz_fail(s, -EPROTO,
			"the coordinator does not tell its channel");
		return;
	}
	s->network.channel = at && at[0] >= 11 && at[0] <= 26 ? at[0] : 0;
	if (s->step == STEP_CHANNEL)
		enter(s, STEP_READ_ENDPOINT);
	else if (s->protocol >= PROTOCOL_WATCHDOG)
		enter(s, STEP_WATCHDOG);
	else
		up(s);
}

static void wait_for_state(struct zb_stack *s, enum deconz_step step)
{
	enter(s, step);
	s->until_ms = s->now_ms + CONNECT_MS;
}

static void on_protocol(struct zb_stack *s, const struct deconz_frame *f)
{
	const uint8_t *at = value_of(f, 2);

	s->protocol = at ? get_le16(at) : MIN_PROTOCOL;
	s->watchdog_ms = INT64_MAX;
	enter(s, STEP_STATE);
}

static void on_pan(struct zb_stack *s, const struct deconz_frame *f)
{
	const uint8_t *at = value_of(f, 2);

	s->network.pan = at ? get_le16(at) : 0xffff;
	enter(s, STEP_EXT_PAN);
}

void deconz_start_answer(struct zb_stack *s, const struct deconz_frame *f)
{
	/* That says nothing of what was asked for. */
	if (f->status == DECONZ_BUSY || f->status == DECONZ_TIMEOUT) {
		s->wait_ms = s->now_ms + STATE_AGAIN_MS;
		return;
	}
	switch (s->step) {
	case STEP_PROBE:
		on_version(s, f);
		break;
	case STEP_PROTOCOL:
		on_protocol(s, f);
		break;
	case STEP_STATE:
	case STEP_LEFT:
	case STEP_CONNECTED:
		on_state(s, f);
		break;
	case STEP_MAC:
		on_mac(s, f);
		break;
	case STEP_CHANNEL:
	case STEP_FINAL_CHANNEL:
		on_channel(s, f);
		break;
	case STEP_READ_ENDPOINT:
		on_endpoint(s, f);
		break;
	case STEP_WRITE_ENDPOINT:
		on_endpoint_written(s, f);
		break;
	case STEP_FORM:
		on_formed(s, f);
		break;
	case STEP_LEAVE:
		wait_for_state(s, STEP_LEFT);
		break;
	case STEP_CONNECT:
		wait_for_state(s, STEP_CONNECTED);
		break;
	case STEP_PAN:
		on_pan(s, f);
		break;
	case STEP_EXT_PAN:
	case STEP_NWK_EXT_PAN:
		on_ext_pan(s, f);
		break;
	case STEP_WATCHDOG:
		up(s);
		break;
	case STEP_READY:
		break;
	}
}
