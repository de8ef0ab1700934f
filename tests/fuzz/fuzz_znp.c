/* Any bytes from a coordinator into the stack `znp`. The input is a list of
 * steps: 00 len bytes.. from the line; 01 .. frames with right checks; 02 ms
 * time; 03 a send. Frames that the parser takes must be the same however the
 * line is cut, and every request must be confirmed exactly once. */
#include <stdlib.h>
#include <string.h>

#include "transports/zigbee/stack.h"
#include "transports/zigbee/znp_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct world {
	struct zb_stack *s;
	int64_t now;
	uint32_t next_id;
	bool out[4096]; /* ids that wait for their confirm */
	bool inside;	/* of send(), where no confirm may come */
};

static void on_write(void *arg, struct bytes data)
{
	(void)arg;
	if (data.len > ZNP_FRAME_MAX)
		abort();
}

static void on_up(void *arg, const struct zb_network *network)
{
	(void)arg;
	if (!network->window || network->window > 64)
		abort();
}

static void on_text(void *arg, const char *text)
{
	(void)arg;
	(void)text;
}

static void on_fail(void *arg, int status, const char *text)
{
	(void)arg;
	(void)text;
	if (status >= 0)
		abort();
}

static void on_heard(void *arg, const struct zb_indication *i)
{
	uint8_t copy[ZB_ASDU_MAX];

	(void)arg;
	if (!i->asdu.len || i->asdu.len > sizeof(copy))
		abort();
	memcpy(copy, i->asdu.at, i->asdu.len);
}

static void on_confirm(void *arg, const struct zb_confirm *c)
{
	struct world *w = arg;

	if (c->id >= sizeof(w->out) || !w->out[c->id] || w->inside)
		abort();
	w->out[c->id] = false;
}

static void on_node(void *arg, uint64_t eui64, uint16_t nwk, int sleepy,
	bool joined, bool gone)
{
	(void)arg;
	(void)nwk;
	(void)sleepy;
	if (!eui64 || (joined && gone))
		abort();
}

static void on_known(void *arg, uint64_t eui64, uint16_t nwk)
{
	(void)arg;
	(void)eui64;
	(void)nwk;
}

static void on_log(void *arg, uint32_t level, const char *text)
{
	(void)arg;
	if (level == FERRY_LOG_ERROR || strlen(text) > FERRY_TEXT_MAX)
		abort();
}

static const struct zb_host host = {
	.write = on_write,
	.up = on_up,
	.lost = on_text,
	.fail = on_fail,
	.line = on_text,
	.heard = on_heard,
	.confirm = on_confirm,
	.node = on_node,
	.log = on_log,
	.known = on_known,
};

static void send_one(struct world *w, struct bytes arg)
{
	struct zb_request r = {.id = w->next_id, .asdu = arg};
	int err;

	if (arg.len < 4 || w->next_id >= sizeof(w->out))
		return;
	r.nwk = get_le16(arg.at);
	r.profile = arg.at[2] & 1 ? ZB_PROFILE_ZDO : ZB_PROFILE_HA;
	r.cluster = arg.at[3];
	r.ack = arg.at[2] & 2;
	r.find_route = arg.at[2] & 4;
	w->inside = true;
	err = zb_znp_stack.send(w->s, w->now, &r);
	w->inside = false;
	if (!err)
		w->out[w->next_id++] = true;
}

static void frame_in(struct world *w, struct bytes arg)
{
	uint8_t frame[ZNP_FRAME_MAX];
	size_t len;

	if (arg.len < 2)
		return;
	len = znp_frame_put(
		frame, get_be16(arg.at), bytes_slice(arg, 2, arg.len));
	zb_znp_stack.input(w->s, w->now, bytes_of(frame, len));
}

static void step(struct world *w, unsigned kind, struct bytes arg)
{
	switch (kind & 3) {
	case 0:
		zb_znp_stack.input(w->s, w->now, arg);
		break;
	case 1:
		frame_in(w, arg);
		break;
	case 2:
		w->now += arg.len ? 40 * arg.at[0] : 0;
		zb_znp_stack.time(w->s, w->now);
		break;
	case 3:
		send_one(w, arg);
		break;
	}
	if (zb_znp_stack.room(w->s) > 64)
		abort();
}

static void run(struct bytes in, const struct zb_config *config)
{
	static struct world w;
	struct bytes arg;
	unsigned kind;

	memset(&w, 0, sizeof(w));
	w.next_id = 1;
	if (zb_znp_stack.create(config, &host, &w, &w.s))
		return;
	zb_znp_stack.start(w.s, w.now);
	while (in.len >= 2) {
		kind = in.at[0];
		arg = bytes_slice(in, 2, in.at[1]);
		in = bytes_slice(in, 2 + arg.len, in.len);
		step(&w, kind, arg);
	}
	/* A line that is opened again ends all that is under way. */
	zb_znp_stack.start(w.s, w.now);
	for (kind = 0; kind < sizeof(w.out); kind++)
		if (w.out[kind])
			abort();
	zb_znp_stack.stop(w.s, w.now);
	zb_znp_stack.destroy(w.s);
}

static uint32_t digest(struct bytes in, size_t piece)
{
	struct znp_parser p = {.len = 0};
	struct znp_frame f;
	struct bytes part;
	uint32_t sum = 0;
	size_t i;

	while (in.len) {
		part = bytes_slice(in, 0, piece);
		in = bytes_slice(in, part.len, in.len);
		while (znp_parser_take(&p, &part, &f)) {
			sum = sum * 31 + f.command;
			for (i = 0; i < f.data.len; i++)
				sum = sum * 31 + f.data.at[i];
		}
		if (part.len)
			abort();
	}
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct zb_config config = {.channel = 11, .pan = 0x1a62};
	struct bytes in;

	if (len < 2)
		return 0;
	in = bytes_of(data + 1, len - 1);
	if (digest(in, in.len) != digest(in, 1 + data[0] % 16))
		abort();
	config.form = data[0] & 1;
	config.tcp = data[0] & 2;
	config.window = data[0] >> 2;
	run(in, &config);
	return 0;
}
