#include "transports/zigbee/znp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TRIES_MAX 4u
#define RETRY_MS 1000
#define WAIT_MS 60000 /* until the network is up */
#define POLL_MS 2000  /* of the state, where Z-Stack tells no changes */
#define RESET_MS 30000
#define SETTLE_MS 30000
#define SETTLE_POLL_MS 1000

/* Z-Stack delivers what is addressed to an endpoint that is registered, in its
 * profile. Some devices of Insta look for a server in the profile of ZLL and
 * then ask endpoint 47 in that of HA. */
static const struct znp_endpoint endpoints[] = {
	{1, ZB_PROFILE_HA, {0x0000, 0x000a, 0x0019}, {0x0020}, 3, 1},
	{12, 0xc05e, {0x0019}, {0}, 1, 0},
	{47, ZB_PROFILE_HA, {0x0019}, {0}, 1, 0},
};

#define ENDPOINT_COUNT (sizeof(endpoints) / sizeof(endpoints[0]))

static void enter(struct znp *z, enum znp_state state);

#define STATE_TEXT(name, text, next) text,
static const char *const texts[] = {ZNP_STATES(STATE_TEXT)};

#define STATE_NEXT(name, text, next) next,
static const uint32_t nexts[] = {ZNP_STATES(STATE_NEXT)};

const char *znp_state_text(enum znp_state state)
{
	return texts[state];
}

bool znp_state_follows(enum znp_state from, enum znp_state to)
{
	return to == ZNP_OFF || to == ZNP_PROBE || (nexts[from] & 1u << to);
}

const struct znp_endpoint *znp_endpoint_find(uint8_t endpoint)
{
	size_t i;

	for (i = 0; i < ENDPOINT_COUNT; i++)
		if (endpoints[i].endpoint == endpoint)
			return &endpoints[i];
	return &endpoints[0];
}

void znp_start_ask(struct znp *z, uint16_t command, const struct znp_out *out)
{
	znp_ask(z, ZNP_STARTING, 0, command, bytes_of(out->at, out->len));
}

static void ask_nothing(struct znp *z, uint16_t command)
{
	const struct znp_out none = {.len = 0};

	znp_start_ask(z, command, &none);
}

static void ask_item(struct znp *z, enum znp_item item)
{
	struct znp_out out = {.len = 0};

	znp_put16(&out, item);
	znp_put8(&out, 0); /* from its first byte on */
	znp_start_ask(z, ZNP_SYS_NV_READ, &out);
}

/* ---- looking for it ---- */

/* A CC2530 or CC2531 waits in its serial bootloader, which EF ends; boards with
 * a CC2652 may have been put into theirs by the wires of the port. */
static const struct probe {
	const char *line;  /* wires, or NULL */
	bool leave_loader; /* EF */
	uint16_t wait_ms;  /* with neither: for the answer to a ping */
} probes[] = {
	{NULL, false, 250},
	{NULL, false, 500},
	{NULL, true, 1000},
	{NULL, false, 500},
	{"dtr=0 rts=0", false, 150},
	{"dtr=0 rts=1", false, 150},
	{"dtr=0 rts=0", false, 1000},
	{NULL, false, 500},
	{NULL, false, 1000},
	{NULL, false, 1000},
	{NULL, false, 2000},
};

#define PROBE_COUNT (sizeof(probes) / sizeof(probes[0]))
#define TCP_WAIT_MS 1000 /* a bridge with WiFi on the way */

static void probe(struct znp *z)
{
	static const uint8_t leave_loader = 0xef;
	const struct probe *p;

	while (z->config.tcp && z->step < PROBE_COUNT && probes[z->step].line)
		z->step++;
	if (z->step == PROBE_COUNT) {
		z->host->fail(z->arg, -ETIMEDOUT,
			"the coordinator does not answer: is it one with "
			"Z-Stack, is the speed right, does another program "
			"have it?");
		znp_start_off(z);
		return;
	}
	p = &probes[z->step++];
	z->until = z->now + p->wait_ms;
	if (p->line)
		z->host->line(z->arg, p->line);
	else if (p->leave_loader)
		znp_write(z, bytes_of(&leave_loader, 1));
	else
		ask_nothing(z, ZNP_SYS_PING);
	if (z->config.tcp && p->wait_ms < TCP_WAIT_MS)
		z->until = z->now + TCP_WAIT_MS;
}

/* ---- what it is and whether it has a network ---- */

static const char *product_text(const struct znp *z)
{
	static const char *const names[] = {"1.2", "3.x.0", "3.0.x"};

	if (z->product >= sizeof(names) / sizeof(names[0]))
		return "of an unknown product";
	return names[z->product];
}

static void take_version(struct znp *z, bool ok, struct bytes data)
{
	struct znp_in in = znp_in_of(data);

	z->product = 0; /* releases that do not know the command are 1.2 */
	z->revision = 0;
	if (ok) {
		znp_get8(&in); /* revision of the transport */
		z->product = znp_get8(&in);
		znp_get(&in, 3); /* major, minor, maintenance */
		z->revision = in.rest.len >= 4 ? znp_get32(&in) : 0;
	}
	snprintf(z->network.text, sizeof(z->network.text), "Z-Stack %s %u",
		product_text(z), z->revision);
	enter(z, ZNP_INFO);
}

static bool read_info(
	struct znp *z, bool ok, struct bytes data, unsigned *ret_state)
{
	struct znp_in in = znp_in_of(data);
	unsigned status = znp_get8(&in), state;
	uint64_t eui64 = znp_get64(&in);

	znp_get16(&in); /* its short address: 0 */
	znp_get8(&in);	/* what it could be */
	state = znp_get8(&in);
	if (!ok || in.bad || status != ZNP_SUCCESS)
		return false;
	z->network.eui64 = eui64;
	*ret_state = state;
	return true;
}

static void take_info(struct znp *z, bool ok, struct bytes data)
{
	unsigned state;

	if (!read_info(z, ok, data, &state))
		enter(z, ZNP_RETRY);
	else
		enter(z, state == ZNP_STATE_COORDINATOR ? ZNP_CALLBACKS
							: ZNP_NIB);
}

/* Z-Stack's own record of the network is a C structure: with and without gaps.
 */
static const struct nib_layout {
	uint8_t len, channel, pan, key_loaded;
} nib_layouts[] = {
	{110, 22, 33, 61}, /* CC253x */
	{116, 24, 36, 65}, /* CC2538, CC26xx, CC13xx */
};

static bool is_network(struct bytes nib)
{
	const struct nib_layout *l;
	size_t i;

	for (i = 0; i < sizeof(nib_layouts) / sizeof(nib_layouts[0]); i++) {
		l = &nib_layouts[i];
		if (nib.len == l->len)
			return nib.at[l->channel] >= 11 &&
			       nib.at[l->channel] <= 26 &&
			       get_le16(nib.at + l->pan) < 0xfffe &&
			       nib.at[l->key_loaded] != 0;
	}
	return nib.len > 0; /* a layout of its own: as it says */
}

/* The value of an item; empty when there is none. */
static struct bytes item_of(bool ok, struct bytes data)
{
	struct znp_in in = znp_in_of(data);
	unsigned status = znp_get8(&in);
	struct bytes value = znp_get(&in, znp_get8(&in));

	if (!ok || in.bad || status != ZNP_SUCCESS)
		return bytes_of(NULL, 0);
	return value;
}

/* Only the coordinator's own word that it has none counts as none: what could
 * not be read may be somebody's network. */
static bool is_known(bool ok, struct bytes data)
{
	struct znp_in in = znp_in_of(data);
	unsigned status = znp_get8(&in);

	if (status == ZNP_NV_NONE)
		return ok;
	znp_get(&in, znp_get8(&in));
	return ok && !in.bad && status == ZNP_SUCCESS;
}

static void take_nib(struct znp *z, bool ok, struct bytes data)
{
	if (!is_known(ok, data)) {
		enter(z, ZNP_RETRY);
	} else if (is_network(item_of(ok, data))) {
		enter(z, ZNP_STARTUP);
	} else if (z->config.form) {
		enter(z, ZNP_CLEAR);
	} else {
		z->host->fail(z->arg, -ENOENT,
			"the coordinator has no network: commission it with "
			"the tool of the hub, or set form = yes to make one");
		znp_start_off(z);
	}
}

static void take_startup(struct znp *z, bool ok)
{
	/* Its status tells between restored and new; a release that says
	 * "not started" comes up all the same. */
	enter(z, ok ? ZNP_WAIT : ZNP_RETRY);
}

static void network_is_up(struct znp *z)
{
	enter(z, z->forming ? ZNP_SETTLE : ZNP_CALLBACKS);
}

/* Where indications of ZDO are switched off the state has to be asked for. */
static void take_poll(struct znp *z, bool ok, struct bytes data)
{
	unsigned state;

	if (read_info(z, ok, data, &state) && state == ZNP_STATE_COORDINATOR)
		network_is_up(z);
}

static void take_callbacks(struct znp *z, bool ok, struct bytes data)
{
	struct bytes value = item_of(ok, data);

	enter(z, value.len && value.at[0] == 0 ? ZNP_SUBSCRIBE : ZNP_NETWORK);
}

static void take_network(struct znp *z, bool ok, struct bytes data)
{
	struct znp_in in = znp_in_of(data);
	struct zb_network *n = &z->network;

	n->pan = 0;
	n->ext_pan = 0;
	n->channel = 0;
	if (ok && data.len >= 24) {
		znp_get16(&in); /* its short address */
		znp_get8(&in);	/* its state */
		n->pan = znp_get16(&in);
		znp_get16(&in); /* its parent */
		n->ext_pan = znp_get64(&in);
		znp_get64(&in); /* its parent, once more */
		n->channel = znp_get8(&in);
	}
	enter(z, ZNP_ENDPOINTS);
}

/* ---- endpoints ---- */

static void take_endpoints(struct znp *z, struct bytes data)
{
	struct znp_in in = znp_in_of(data);
	struct bytes list;
	size_t i;

	znp_get16(&in); /* who answers */
	znp_get8(&in);	/* its status; the list is empty then */
	znp_get16(&in); /* whose endpoints they are */
	list = znp_get(&in, znp_get8(&in));
	for (i = 0; i < list.len; i++)
		z->listed[list.at[i] >> 3] |= (uint8_t)(1u << (list.at[i] & 7));
	enter(z, ZNP_REGISTER);
}

static void ask_register(struct znp *z, const struct znp_endpoint *e)
{
	struct znp_out out = {.len = 0};
	unsigned i;

	znp_put8(&out, e->endpoint);
	znp_put16(&out, e->profile);
	znp_put16(&out, 0x0005); /* a configuration tool */
	znp_put8(&out, 0);	 /* its version */
	znp_put8(&out, 0);	 /* no latency asked for */
	znp_put8(&out, e->in_count);
	for (i = 0; i < e->in_count; i++)
		znp_put16(&out, e->in[i]);
	znp_put8(&out, e->out_count);
	for (i = 0; i < e->out_count; i++)
		znp_put16(&out, e->out[i]);
	znp_start_ask(z, ZNP_AF_REGISTER, &out);
}

/* An endpoint that is registered already is somebody else's from before, maybe
 * without our clusters: it is deleted first. False when all are done. */
static bool register_next(struct znp *z)
{
	const struct znp_endpoint *e;
	struct znp_out out = {.len = 0};
	uint8_t *listed;

	if (z->step == ENDPOINT_COUNT)
		return false;
	e = &endpoints[z->step];
	listed = &z->listed[e->endpoint >> 3];
	z->until = z->now + ZNP_STEP_MS;
	if (*listed & 1u << (e->endpoint & 7)) {
		*listed &= (uint8_t) ~(1u << (e->endpoint & 7));
		znp_put8(&out, e->endpoint);
		znp_start_ask(z, ZNP_AF_DELETE, &out);
	} else {
		z->step++;
		ask_register(z, e);
	}
	return true;
}

static void take_register(
	struct znp *z, bool ok, uint16_t asked, struct bytes data)
{
	unsigned status = ok && data.len ? data.at[0] : ZNP_MEM_ERROR;

	if (asked == ZNP_AF_REGISTER && status != ZNP_SUCCESS &&
		status != ZNP_APS_DUPLICATE) {
		znp_log(z, FERRY_LOG_WARN,
			"registering an endpoint failed status=0x%02x", status);
		enter(z, ZNP_RETRY);
	} else if (!register_next(z)) {
		enter(z, ZNP_UP);
	}
}

/* ---- resuming and making a network ---- */

void znp_start_resume(struct znp *z)
{
	struct znp_out out = {.len = 0};

	z->seen_up = false;
	znp_put16(&out, 100); /* ms until it begins */
	z->until = z->now + ZNP_RESUME_MS;
	znp_start_ask(z, ZNP_ZDO_STARTUP, &out);
}

static void take_form(struct znp *z, bool ok, uint16_t asked, struct bytes data)
{
	unsigned status = ok && data.len ? data.at[0] : ZNP_MEM_ERROR;

	if (!znp_form_accepts(asked, status)) {
		znp_log(z, FERRY_LOG_WARN,
			"forming a network failed command=0x%04x status=0x%02x",
			asked, status);
		enter(z, ZNP_RETRY);
	} else if (!znp_form_next(z)) {
		enter(z, ZNP_WAIT);
	}
}

static void take_settle(struct znp *z, bool ok, struct bytes data)
{
	if (is_network(item_of(ok, data)))
		enter(z, ZNP_MARK);
	else
		z->poll_at = z->now + SETTLE_POLL_MS;
}

static void take_mark(struct znp *z)
{
	if (!znp_form_mark(z))
		enter(z, ZNP_CALLBACKS);
}

/* ---- states ---- */

static void poll(struct znp *z)
{
	znp_forget(z); /* an answer that was lost must not end the polling */
	z->poll_at = z->now + POLL_MS;
	if (z->state == ZNP_SETTLE)
		ask_item(z, ZNP_NV_NIB);
	else
		ask_nothing(z, ZNP_UTIL_INFO);
}

static void go_up(struct znp *z)
{
	struct zb_network *n = &z->network;

	n->window = z->config.window;
	if (!n->window)
		n->window = z->product == 1 ? 16 : 2;
	if (n->window > ZNP_SLOTS)
		n->window = ZNP_SLOTS;
	n->asdu_max = ZNP_ASDU_MAX;
	n->airtime = false;
	z->tries = 0;
	z->forming = false;
	z->was_up = true;
	z->until = INT64_MAX;
	z->host->up(z->arg, n);
}

static void restart(struct znp *z)
{
	static const uint8_t soft = 1;

	z->until = z->now + RESET_MS;
	znp_tell(z, ZNP_SYS_RESET_REQ, bytes_of(&soft, 1));
}

static void ask_endpoints(struct znp *z)
{
	static const uint8_t own[4] = {0, 0, 0, 0};

	memset(z->listed, 0, sizeof(z->listed));
	znp_ask(z, ZNP_STARTING, 0, ZNP_ZDO_ACTIVE_EP,
		bytes_of(own, sizeof(own)));
}

static void subscribe(struct znp *z)
{
	struct znp_out out = {.len = 0};

	znp_put16(&out, 0xffff); /* every cluster */
	znp_start_ask(z, ZNP_ZDO_REGISTER, &out);
}

static void retry(struct znp *z)
{
	znp_log(z, FERRY_LOG_WARN, "coordinator not ready try=%u", z->tries);
	z->until = z->now + RETRY_MS;
	if (z->tries++ < TRIES_MAX)
		return;
	z->host->fail(z->arg, -EIO,
		"the coordinator answers, but does not start: plug it out "
		"and in again; if that does not help, its memory is damaged");
	znp_start_off(z);
}

static void begin(struct znp *z)
{
	switch (z->state) {
	case ZNP_OFF:
	case ZNP_STATE_COUNT:
		z->until = INT64_MAX;
		break;
	case ZNP_PROBE:
		probe(z);
		break;
	case ZNP_VERSION:
		ask_nothing(z, ZNP_SYS_VERSION);
		break;
	case ZNP_INFO:
		ask_nothing(z, ZNP_UTIL_INFO);
		break;
	case ZNP_NIB:
		ask_item(z, ZNP_NV_NIB);
		break;
	case ZNP_STARTUP:
		znp_start_resume(z);
		break;
	case ZNP_WAIT:
		z->until = z->now + WAIT_MS;
		z->poll_at = z->seen_up ? z->now : z->now + POLL_MS;
		break;
	case ZNP_CALLBACKS:
		ask_item(z, ZNP_NV_ZDO_DIRECT_CB);
		break;
	case ZNP_SUBSCRIBE:
		subscribe(z);
		break;
	case ZNP_NETWORK:
		ask_nothing(z, ZNP_ZDO_NETWORK);
		break;
	case ZNP_ENDPOINTS:
		ask_endpoints(z);
		break;
	case ZNP_REGISTER:
		register_next(z);
		break;
	case ZNP_CLEAR:
		znp_form_clear(z);
		break;
	case ZNP_RESET:
		restart(z);
		break;
	case ZNP_FORM:
		znp_form_next(z);
		break;
	case ZNP_SETTLE:
		z->until = z->now + SETTLE_MS;
		z->poll_at = z->now + SETTLE_POLL_MS;
		break;
	case ZNP_MARK:
		znp_form_mark(z);
		break;
	case ZNP_RETRY:
		retry(z);
		break;
	case ZNP_UP:
		go_up(z);
		break;
	}
}

static void enter(struct znp *z, enum znp_state state)
{
	if (!znp_state_follows(z->state, state)) {
		znp_log(z, FERRY_LOG_ERROR, "coordinator: \"%s\" after \"%s\"",
			texts[state], texts[z->state]);
		return;
	}
	znp_forget(z);
	z->state = state;
	z->step = 0;
	z->poll_at = INT64_MAX;
	z->until = z->now + ZNP_STEP_MS;
	begin(z);
}

/* ---- what the rest of the stack calls ---- */

void znp_start_off(struct znp *z)
{
	znp_forget(z);
	z->state = ZNP_OFF;
	z->until = INT64_MAX;
	z->poll_at = INT64_MAX;
	z->was_up = false;
}

void znp_start_again(struct znp *z, const char *text)
{
	bool was_up = z->was_up;

	znp_forget(z);
	znp_air_lose_all(z);
	z->was_up = false;
	z->forming = false;
	z->no_lookup = false;
	if (was_up)
		z->host->lost(z->arg, text);
	enter(z, z->state == ZNP_OFF || was_up ? ZNP_PROBE : ZNP_RETRY);
}

void znp_start_answer(struct znp *z, bool ok, struct bytes data)
{
	uint16_t asked = z->asked;

	switch (z->state) {
	case ZNP_OFF:
	case ZNP_RESET:
	case ZNP_RETRY:
	case ZNP_UP:
	case ZNP_STATE_COUNT:
		break;
	case ZNP_PROBE:
		enter(z, ZNP_VERSION);
		break;
	case ZNP_VERSION:
		take_version(z, ok, data);
		break;
	case ZNP_INFO:
		take_info(z, ok, data);
		break;
	case ZNP_NIB:
		take_nib(z, ok, data);
		break;
	case ZNP_STARTUP:
		take_startup(z, ok);
		break;
	case ZNP_WAIT:
		take_poll(z, ok, data);
		break;
	case ZNP_CALLBACKS:
		take_callbacks(z, ok, data);
		break;
	case ZNP_SUBSCRIBE:
		enter(z, ZNP_NETWORK);
		break;
	case ZNP_NETWORK:
		take_network(z, ok, data);
		break;
	case ZNP_ENDPOINTS:
		break; /* the list comes by itself */
	case ZNP_REGISTER:
		take_register(z, ok, asked, data);
		break;
	case ZNP_CLEAR:
		enter(z, ZNP_RESET);
		break;
	case ZNP_FORM:
		take_form(z, ok, asked, data);
		break;
	case ZNP_SETTLE:
		take_settle(z, ok, data);
		break;
	case ZNP_MARK:
		take_mark(z);
		break;
	}
}

static void take_state(struct znp *z, unsigned state)
{
	bool coordinator = state == ZNP_STATE_COORDINATOR;

	z->seen_up = coordinator;
	if (coordinator && z->state == ZNP_WAIT)
		network_is_up(z);
	else if (!coordinator && z->state == ZNP_UP)
		znp_start_again(z, "the coordinator left its network");
}

void znp_start_areq(struct znp *z, uint16_t command, struct bytes data)
{
	if (command == ZNP_ZDO_STATE && data.len)
		take_state(z, data.at[0]);
	else if (command == ZNP_SYS_RESET_IND && z->state == ZNP_RESET)
		enter(z, ZNP_FORM);
	else if (command == ZNP_SYS_RESET_IND && z->state == ZNP_PROBE)
		enter(z, ZNP_PROBE); /* it has just come to life */
	else if (command == ZNP_ZDO_ACTIVE_EP_RSP && z->state == ZNP_ENDPOINTS)
		take_endpoints(z, data);
}

static void expired(struct znp *z)
{
	znp_forget(z);
	switch (z->state) {
	case ZNP_PROBE:
		probe(z);
		break;
	case ZNP_RETRY:
		enter(z, ZNP_PROBE);
		break;
	case ZNP_VERSION:
		take_version(z, false, bytes_of(NULL, 0));
		break;
	case ZNP_ENDPOINTS:
		enter(z, ZNP_REGISTER);
		break;
	case ZNP_OFF:
	case ZNP_UP:
	case ZNP_STATE_COUNT:
		break;
	case ZNP_INFO:
	case ZNP_NIB:
	case ZNP_STARTUP:
	case ZNP_WAIT:
	case ZNP_CALLBACKS:
	case ZNP_SUBSCRIBE:
	case ZNP_NETWORK:
	case ZNP_REGISTER:
	case ZNP_CLEAR:
	case ZNP_RESET:
	case ZNP_FORM:
	case ZNP_SETTLE:
	case ZNP_MARK:
		enter(z, ZNP_RETRY);
		break;
	}
}

void znp_start_time(struct znp *z)
{
	if (z->now >= z->until)
		expired(z);
	else if (z->now >= z->poll_at)
		poll(z);
}

int64_t znp_start_deadline(const struct znp *z)
{
	return z->until < z->poll_at ? z->until : z->poll_at;
}
