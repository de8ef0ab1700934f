/* The shared part's end of a stack, for fuzz targets: checks what stacks promise.
 * Every request is confirmed once, by lost() at the latest; indications and
 * networks keep their bounds. One thread; static. */
#ifndef FERRY_FUZZ_ZIGBEE_STACK_END_H
#define FERRY_FUZZ_ZIGBEE_STACK_END_H

#include <stdlib.h>
#include <string.h>

#include "transports/zigbee/stack.h"

#define END_REQUESTS 256u

static struct {
	uint32_t out[END_REQUESTS]; /* without a confirm; 0: free */
	uint32_t next_id;
	uint64_t sum; /* of all bytes told, so that they are read */
	bool failed;
} end;

static void end_read(struct bytes b)
{
	size_t i;

	for (i = 0; i < b.len; i++)
		end.sum += b.at[i];
}

static void end_write(void *arg, struct bytes data)
{
	(void)arg;
	if (!data.len)
		abort();
	end_read(data);
}

static void end_up(void *arg, const struct zb_network *n)
{
	(void)arg;
	if (memchr(n->text, 0, sizeof(n->text)) == NULL)
		abort();
}

static void end_lost(void *arg, const char *text)
{
	(void)arg;
	end.sum += strlen(text);
	memset(end.out, 0, sizeof(end.out));
}

static void end_fail(void *arg, int status, const char *text)
{
	(void)arg;
	end.sum += strlen(text);
	end.failed = true;
	if (status >= 0)
		abort();
}

static void end_line(void *arg, const char *text)
{
	(void)arg;
	end.sum += strlen(text);
}

static void end_heard(void *arg, const struct zb_indication *i)
{
	(void)arg;
	if (i->asdu.len > ZB_ASDU_MAX)
		abort();
	end_read(i->asdu);
}

static void end_confirm(void *arg, const struct zb_confirm *c)
{
	unsigned i;

	(void)arg;
	for (i = 0; i < END_REQUESTS; i++)
		if (c->id && end.out[i] == c->id) {
			end.out[i] = 0;
			return;
		}
	abort();
}

static void end_node(void *arg, uint64_t eui64, uint16_t nwk, int sleepy,
	bool joined, bool gone)
{
	(void)arg;
	end.sum += eui64 + nwk + (uint64_t)(sleepy + 1) + joined + gone;
}

static void end_known(void *arg, uint64_t eui64, uint16_t nwk)
{
	(void)arg;
	(void)eui64;
	(void)nwk;
}

static void end_log(void *arg, uint32_t level, const char *text)
{
	(void)arg;
	(void)level;
	end.sum += strlen(text);
}

static const struct zb_host end_host = {
	.write = end_write,
	.up = end_up,
	.lost = end_lost,
	.fail = end_fail,
	.line = end_line,
	.heard = end_heard,
	.confirm = end_confirm,
	.node = end_node,
	.log = end_log,
	.known = end_known,
};

/* One request, its address and length by `byte`. */
static void end_send(const struct zb_stack_ops *ops, struct zb_stack *s,
	int64_t now_ms, uint8_t byte)
{
	static const uint8_t asdu[ZB_ASDU_MAX] = {0x19, 0x42, 0xc0, 0xdb};
	const struct zb_request r = {
		.id = ++end.next_id,
		.nwk = byte & 1 ? ZB_NWK_UNKNOWN : ZB_NWK_ALL_AWAKE,
		.eui64 = byte & 1 ? 0x00124b0000000001u : 0,
		.profile = 0x0104,
		.cluster = 0x0019,
		.src_ep = 1,
		.dst_ep = 1,
		.ack = byte & 2,
		.asdu = bytes_of(asdu, (byte >> 2) + 1u),
	};
	unsigned i;

	for (i = 0; i < END_REQUESTS; i++)
		if (!end.out[i])
			break;
	if (i == END_REQUESTS)
		abort(); /* the window is not kept */
	if (ops->send(s, now_ms, &r) == 0)
		end.out[i] = r.id;
}

#endif
