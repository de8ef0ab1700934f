#include "transports/zigbee/ezsp.h"

#include <errno.h>
#include <stdio.h>

/* The coprocessor forgets its configuration, policies and endpoints with each
 * reset; networks and keys it keeps. Endpoints can only be added before the
 * network is up. */

#define STACK_TYPE_MESH 2u
#define PROFILE_ZLL 0xc05eu
#define DEVICE_ID 0x0005u
#define CONFIG_UNICASTS 0x03u
#define VALUE_EXTENDED_SECURITY 0x0au
#define VALUE_VERSION_INFO 0x11u
#define NETWORK_INIT_OPTIONS 0x0003u /* parent in token, rejoin on reboot */
#define CONCENTRATOR_HIGH_RAM 0xfff9u
#define ROUTES_RESCHEDULE 2u
#define CHANNELS_ALL 0x07fff800u
#define TX_POWER_DBM 8u
#define ASDU_USUAL 82u

/* Link keys are derived from a seed of the trust centre; a network key is given;
 * it is never sent in clear. */
#define SECURITY_BITS (0x0084u | 0x0100u | 0x0200u | 0x0800u)
/* Joining devices use the global link key; nobody may tell us to leave. */
#define SECURITY_EXTENDED (0x0010u | 0x0100u)

static const struct {
	uint8_t id;
	uint16_t value;
} configs[] = {
	{CONFIG_UNICASTS, 10}, /* in flight; the window, where it is larger */
	{0x0c, 2},    /* stack profile: ZigBee PRO */
	{0x0d, 5},    /* security level: encryption and 32 bits of MIC */
	{0x10, 30},   /* hops */
	{0x11, 32},   /* children; fewer than before would lose some */
	{0x12, 7680}, /* ms that a frame waits for a sleeping child */
	{0x13, 8},    /* 2^8 minutes until a silent child is forgotten */
	{0x19, 2},    /* addresses the trust centre remembers */
	{0x2d, 1},    /* networks */
};

static const struct {
	uint8_t id;
	uint16_t decision;
} policies[] = {
	{0x00, 0x0002}, /* trust centre: known devices may come back */
	{0x04, 0x0040}, /* messageSentHandler carries the tag, not the frame */
};

/* Devices find the server by Match_Desc, which the coprocessor answers from these.
 * The first is the server of Basic, Time and OTA, the client of Basic and Poll
 * Control; it must be there. */
static const struct endpoint {
	uint8_t number;
	uint16_t profile;
	uint8_t in_count, out_count;
	uint16_t in[3], out[2];
} endpoints[] = {
	{1, ZB_PROFILE_HA, 3, 2, {0x0000, 0x000a, 0x0019}, {0x0000, 0x0020}},
	{12, PROFILE_ZLL, 1, 0, {0x0019}, {0}},   /* lights that look there */
	{47, ZB_PROFILE_HA, 1, 0, {0x0019}, {0}}, /* devices that ask there */
};

static const char *const names[] = {
#define STEP_NAME(name) #name,
	EZSP_STEP_MAP(STEP_NAME)
#undef STEP_NAME
};

const char *ezsp_step_name(enum ezsp_step step)
{
	return names[step];
}

void ezsp_enter(struct zb_stack *s, enum ezsp_step step)
{
	s->step = step;
	s->row = 0;
}

/* ---- what the steps ask ---- */

static void put_version(struct zb_stack *s, struct ezsp_writer *w)
{
	ezsp_put(w, 1, s->version ? s->version : EZSP_VERSION_MAX);
}

static void put_firmware(struct zb_stack *s, struct ezsp_writer *w)
{
	(void)s;
	ezsp_put(w, 1, VALUE_VERSION_INFO);
}

static void put_config(struct zb_stack *s, struct ezsp_writer *w)
{
	unsigned value = configs[s->row].value;

	if (configs[s->row].id == CONFIG_UNICASTS && value < s->window)
		value = s->window;
	ezsp_put(w, 1, configs[s->row].id);
	ezsp_put(w, 2, value);
}

static void put_policy(struct zb_stack *s, struct ezsp_writer *w)
{
	ezsp_put(w, 1, policies[s->row].id);
	ezsp_put(w, 2, policies[s->row].decision);
}

static void put_endpoint(struct zb_stack *s, struct ezsp_writer *w)
{
	const struct endpoint *e = &endpoints[s->row];
	unsigned i;

	ezsp_put(w, 1, e->number);
	ezsp_put(w, 2, e->profile);
	ezsp_put(w, 2, DEVICE_ID);
	ezsp_put(w, 1, 0);
	ezsp_put(w, 1, e->in_count);
	ezsp_put(w, 1, e->out_count);
	for (i = 0; i < e->in_count; i++)
		ezsp_put(w, 2, e->in[i]);
	for (i = 0; i < e->out_count; i++)
		ezsp_put(w, 2, e->out[i]);
}

static void put_init(struct zb_stack *s, struct ezsp_writer *w)
{
	s->network_up = false;
	ezsp_put(w, 2, NETWORK_INIT_OPTIONS);
}

static void put_security(struct zb_stack *s, struct ezsp_writer *w)
{
	ezsp_put(w, 2, SECURITY_BITS);
	ezsp_put_bytes(w, bytes_of(s->random, 16));
	ezsp_put_bytes(w, bytes_of(s->config.network_key,
		sizeof(s->config.network_key)));
	ezsp_put(w, 1, 0); /* number of the network key */
	ezsp_put(w, 8, 0);
}

static void put_extended(struct zb_stack *s, struct ezsp_writer *w)
{
	(void)s;
	ezsp_put(w, 1, VALUE_EXTENDED_SECURITY);
	ezsp_put(w, 1, 2);
	ezsp_put(w, 2, SECURITY_EXTENDED);
}

static uint16_t pan_of(const struct zb_stack *s)
{
	uint16_t pan = get_le16(s->random + 16) & 0x3fff;

	if (s->config.pan != 0xffff)
		return s->config.pan;
	return pan ? pan : 1;
}

static void put_form(struct zb_stack *s, struct ezsp_writer *w)
{
	s->network_up = false;
	ezsp_put(w, 8, s->config.ext_pan ? s->config.ext_pan :
		s->network.eui64);
	ezsp_put(w, 2, pan_of(s));
	ezsp_put(w, 1, TX_POWER_DBM);
	ezsp_put(w, 1, s->config.channel ? s->config.channel : 11);
	ezsp_put(w, 1, 0);     /* joined by: association */
	ezsp_put(w, 2, 0);     /* network manager: the coordinator */
	ezsp_put(w, 1, 0);     /* update id */
	ezsp_put(w, 4, CHANNELS_ALL);
}

static void put_concentrator(struct zb_stack *s, struct ezsp_writer *w)
{
	(void)s;
	ezsp_put(w, 1, 1);
	ezsp_put(w, 2, CONCENTRATOR_HIGH_RAM);
	ezsp_put(w, 2, 5);     /* seconds between route requests: least, */
	ezsp_put(w, 2, 60);    /* most */
	ezsp_put(w, 1, 3);     /* route errors, */
	ezsp_put(w, 1, 1);     /* failed deliveries that cause one */
	ezsp_put(w, 1, 0);     /* hops: as many as the stack allows */
}

static void put_routes(struct zb_stack *s, struct ezsp_writer *w)
{
	(void)s;
	ezsp_put(w, 1, ROUTES_RESCHEDULE);
}

/* ---- what they make of the answers ---- */

static void take_version(struct zb_stack *s, struct ezsp_reader *r)
{
	unsigned version = (unsigned)ezsp_get(r, 1);
	unsigned type = (unsigned)ezsp_get(r, 1);
	unsigned stack = (unsigned)ezsp_get(r, 2);
	bool again = s->step == EZSP_STEP_VERSION_AGAIN;

	if (r->bad) {
		ezsp_restart(s, "the answer to VERSION is too short");
		return;
	}
	if (type != STACK_TYPE_MESH || version < EZSP_VERSION_MIN) {
		ezsp_fail(s, -EPROTO, "the coprocessor speaks EZSP version %u "
			"(stack type %u); %u to %u are known: it needs newer "
			"firmware", version, type, EZSP_VERSION_MIN,
			EZSP_VERSION_MAX);
		return;
	}
	if (again && version != s->version) {
		ezsp_fail(s, -EPROTO, "the coprocessor insists on EZSP version "
			"%u; %u to %u are known", version, EZSP_VERSION_MIN,
			EZSP_VERSION_MAX);
		return;
	}
	s->version = version < EZSP_VERSION_MAX ? version : EZSP_VERSION_MAX;
	snprintf(s->network.text, sizeof(s->network.text),
		"EmberZNet %u.%u.%u.%u, EZSP v%u", stack >> 12 & 15,
		stack >> 8 & 15, stack >> 4 & 15, stack & 15, s->version);
	ezsp_enter(s, again || version == EZSP_VERSION_MAX ?
		EZSP_STEP_FIRMWARE : EZSP_STEP_VERSION_AGAIN);
}

static void take_firmware(struct zb_stack *s, struct ezsp_reader *r)
{
	uint32_t status = ezsp_get_status(r, s->version);
	struct bytes b = ezsp_get_counted(r);

	if (!r->bad && !status && b.len >= 6)
		snprintf(s->network.text, sizeof(s->network.text),
			"EmberZNet %u.%u.%u.%u, EZSP v%u", b.at[2], b.at[3],
			b.at[4], b.at[5], s->version);
	ezsp_enter(s, EZSP_STEP_CONFIG);
}

static void take_config(struct zb_stack *s, struct ezsp_reader *r)
{
	uint32_t status = ezsp_get_status(r, s->version);

	if (status)
		ezsp_log(s, FERRY_LOG_DEBUG, "configuration %02x: status %x",
			configs[s->row].id, status);
	if (++s->row >= sizeof(configs) / sizeof(configs[0]))
		ezsp_enter(s, EZSP_STEP_POLICY);
}

static void take_policy(struct zb_stack *s, struct ezsp_reader *r)
{
	uint32_t status = ezsp_get_status(r, s->version);

	if (status)
		ezsp_log(s, FERRY_LOG_WARN, "policy %02x: status %x",
			policies[s->row].id, status);
	if (++s->row >= sizeof(policies) / sizeof(policies[0]))
		ezsp_enter(s, EZSP_STEP_ENDPOINT);
}

/* Goes on to `next`, or starts again when the status is none. */
static void expect_ok(struct zb_stack *s, struct ezsp_reader *r,
	enum ezsp_step next)
{
	uint32_t status = ezsp_get_status(r, s->version);

	if (r->bad || status)
		ezsp_restart(s, "step %s failed, status %x",
			ezsp_step_name(s->step), status);
	else
		ezsp_enter(s, next);
}

static void take_endpoint(struct zb_stack *s, struct ezsp_reader *r)
{
	uint32_t status = ezsp_get_status(r, s->version);

	if (s->row == 0 && (r->bad || status))
		ezsp_restart(s, "addEndpoint failed, status %x", status);
	else if (++s->row >= sizeof(endpoints) / sizeof(endpoints[0]))
		ezsp_enter(s, EZSP_STEP_EUI64);
}

static void take_eui64(struct zb_stack *s, struct ezsp_reader *r)
{
	s->network.eui64 = ezsp_get(r, 8);
	if (r->bad)
		ezsp_restart(s, "the answer to getEui64 is too short");
	else
		ezsp_enter(s, EZSP_STEP_NETWORK_INIT);
}

static void wait_up(struct zb_stack *s)
{
	if (s->network_up) {
		ezsp_enter(s, EZSP_STEP_CONCENTRATOR);
		return;
	}
	ezsp_enter(s, EZSP_STEP_WAIT_UP);
	s->step_due = s->now + EZSP_UP_MS;
}

static void take_init(struct zb_stack *s, struct ezsp_reader *r)
{
	uint32_t status = ezsp_get_status(r, s->version);

	if (!r->bad && !status)
		wait_up(s);
	else if (ezsp_network_of(s->version, status) !=
			EZSP_NETWORK_NOT_JOINED)
		ezsp_restart(s, "networkInit failed, status %x", status);
	else if (s->config.form)
		ezsp_enter(s, EZSP_STEP_RANDOM);
	else
		ezsp_fail(s, -ENOTCONN, "the coordinator has no network: "
			"commission it first, or set form = yes");
}

static void take_random(struct zb_stack *s, struct ezsp_reader *r)
{
	uint32_t status = ezsp_get_status(r, s->version);
	uint16_t value = (uint16_t)ezsp_get(r, 2);

	if (r->bad || status) {
		ezsp_restart(s, "no random numbers, status %x", status);
		return;
	}
	put_le16(s->random + 2 * s->row, value);
	if (++s->row >= sizeof(s->random) / 2)
		ezsp_enter(s, EZSP_STEP_SECURITY);
}

static void take_security(struct zb_stack *s, struct ezsp_reader *r)
{
	expect_ok(s, r, EZSP_STEP_EXTENDED);
}

static void take_extended(struct zb_stack *s, struct ezsp_reader *r)
{
	expect_ok(s, r, EZSP_STEP_CLEAR_KEYS);
}

/* A table without keys is as good as a cleared one. */
static void take_clear(struct zb_stack *s, struct ezsp_reader *r)
{
	(void)r;
	ezsp_enter(s, EZSP_STEP_FORM);
}

static void take_form(struct zb_stack *s, struct ezsp_reader *r)
{
	uint32_t status = ezsp_get_status(r, s->version);

	if (r->bad || status)
		ezsp_restart(s, "formNetwork failed, status %x", status);
	else
		wait_up(s);
}

static void take_concentrator(struct zb_stack *s, struct ezsp_reader *r)
{
	uint32_t status = ezsp_get_status(r, s->version);

	if (status)
		ezsp_log(s, FERRY_LOG_WARN, "setConcentrator: status %x",
			status);
	ezsp_enter(s, EZSP_STEP_ROUTES);
}

static void take_routes(struct zb_stack *s, struct ezsp_reader *r)
{
	(void)r;
	ezsp_enter(s, EZSP_STEP_PARAMETERS);
}

static void take_parameters(struct zb_stack *s, struct ezsp_reader *r)
{
	uint32_t status = ezsp_get_status(r, s->version);

	ezsp_get(r, 1); /* kind of node */
	s->network.ext_pan = ezsp_get(r, 8);
	s->network.pan = (uint16_t)ezsp_get(r, 2);
	ezsp_get(r, 1); /* transmit power */
	s->network.channel = (uint8_t)ezsp_get(r, 1);
	if (r->bad || status)
		ezsp_restart(s, "getNetworkParameters failed, status %x",
			status);
	else
		ezsp_enter(s, EZSP_STEP_PAYLOAD);
}

static void take_payload(struct zb_stack *s, struct ezsp_reader *r)
{
	unsigned len = (unsigned)ezsp_get(r, 1);

	s->network.asdu_max = !len ? ASDU_USUAL :
		len < ZB_ASDU_MAX ? len : ZB_ASDU_MAX;
	s->network.window = s->window;
	s->backoff_ms = EZSP_BACKOFF_MS;
	s->ever_up = s->reported = true;
	ezsp_enter(s, EZSP_STEP_UP);
	s->host->up(s->arg, &s->network);
}

/* What a step asks and who takes the answer. A step that does not matter goes on
 * when the coprocessor does not know its command. */
struct step {
	enum ezsp_id id;
	bool asks, matters;
	void (*put)(struct zb_stack *s, struct ezsp_writer *w);
	void (*take)(struct zb_stack *s, struct ezsp_reader *r);
};

#define NEED(id, put, take) {EZSP_##id, true, true, put, take}
#define WISH(id, put, take) {EZSP_##id, true, false, put, take}

static const struct step steps[] = {
	[EZSP_STEP_VERSION] = NEED(VERSION, put_version, take_version),
	[EZSP_STEP_VERSION_AGAIN] = NEED(VERSION, put_version, take_version),
	[EZSP_STEP_FIRMWARE] = WISH(GET_VALUE, put_firmware, take_firmware),
	[EZSP_STEP_CONFIG] = WISH(SET_CONFIGURATION_VALUE, put_config,
		take_config),
	[EZSP_STEP_POLICY] = WISH(SET_POLICY, put_policy, take_policy),
	[EZSP_STEP_ENDPOINT] = WISH(ADD_ENDPOINT, put_endpoint, take_endpoint),
	[EZSP_STEP_EUI64] = NEED(GET_EUI64, NULL, take_eui64),
	[EZSP_STEP_NETWORK_INIT] = NEED(NETWORK_INIT, put_init, take_init),
	[EZSP_STEP_RANDOM] = NEED(GET_RANDOM_NUMBER, NULL, take_random),
	[EZSP_STEP_SECURITY] = NEED(SET_INITIAL_SECURITY_STATE, put_security,
		take_security),
	[EZSP_STEP_EXTENDED] = NEED(SET_VALUE, put_extended, take_extended),
	[EZSP_STEP_CLEAR_KEYS] = WISH(CLEAR_KEY_TABLE, NULL, take_clear),
	[EZSP_STEP_FORM] = NEED(FORM_NETWORK, put_form, take_form),
	[EZSP_STEP_CONCENTRATOR] = WISH(SET_CONCENTRATOR, put_concentrator,
		take_concentrator),
	[EZSP_STEP_ROUTES] = WISH(SET_SOURCE_ROUTE_DISCOVERY_MODE, put_routes,
		take_routes),
	[EZSP_STEP_PARAMETERS] = NEED(GET_NETWORK_PARAMETERS, NULL,
		take_parameters),
	[EZSP_STEP_PAYLOAD] = WISH(MAXIMUM_PAYLOAD_LENGTH, NULL, take_payload),
	[EZSP_STEP_UP] = {0},
};

void ezsp_step_ask(struct zb_stack *s)
{
	const struct step *step = &steps[s->step];
	struct ezsp_writer w;

	if (!step->asks)
		return;
	ezsp_command(s, &w, step->id);
	if (step->put)
		step->put(s, &w);
	ezsp_ask(s, EZSP_CALL_STEP, step->id, &w);
}

void ezsp_step_answer(struct zb_stack *s, struct ezsp_reader *r, bool refused)
{
	const struct step *step = &steps[s->step];
	struct ezsp_reader nothing = {{NULL, 0}, true};

	if (!step->asks)
		return;
	if (refused && step->matters)
		ezsp_restart(s, "the coprocessor refuses step %s, reason %x",
			ezsp_step_name(s->step),
			ezsp_get_status(r, s->version));
	else
		step->take(s, refused ? &nothing : r);
}

void ezsp_stack_status(struct zb_stack *s, uint32_t status)
{
	switch (ezsp_network_of(s->version, status)) {
	case EZSP_NETWORK_UP:
		s->network_up = true;
		if (s->step != EZSP_STEP_WAIT_UP)
			break;
		s->step_due = INT64_MAX;
		ezsp_enter(s, EZSP_STEP_CONCENTRATOR);
		break;
	case EZSP_NETWORK_DOWN:
	case EZSP_NETWORK_NOT_JOINED:
		s->network_up = false;
		if (s->step > EZSP_STEP_WAIT_UP)
			ezsp_restart(s, "the network went down, status %x",
				status);
		break;
	case EZSP_NETWORK_MOVED:
		if (s->step != EZSP_STEP_UP)
			break;
		ezsp_air_lose(s);
		s->reported = false;
		s->host->lost(s->arg, "the network moved");
		ezsp_enter(s, EZSP_STEP_PARAMETERS);
		break;
	case EZSP_NETWORK_OTHER:
		ezsp_log(s, FERRY_LOG_DEBUG, "stack status %x", status);
		break;
	}
}
