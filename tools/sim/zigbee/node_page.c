/* Image Page Requests (ZCL revision 8, 11.13.7): a page is asked for with one
 * command, comes in many blocks, and what is missing in the end is asked for by
 * block requests. */
#include <stdlib.h>

#include "tools/sim/zigbee/mesh.h"

#define MS UINT64_C(1000000)
#define FC_PAGE_REQUEST 0x11
#define CMD_PAGE 0x04
/* Without any block of a page a client stalls so long. */
#define PAGE_STALL_NS UINT64_C(10000000000)

static uint32_t page_size(const struct node *n)
{
	const struct traits *t = &n->setup.traits;
	uint64_t size = trait_is_on(t, TRAIT_NEEDS_PAGES)
				? trait_value(t, TRAIT_NEEDS_PAGES)
				: trait_value(t, TRAIT_PAGE);

	if (size > NODE_PAGE_MAX)
		return NODE_PAGE_MAX;
	return size < 64 ? 64 : (uint32_t)size;
}

static uint8_t *have(struct node *n)
{
	return n->ota.page + NODE_PAGE_MAX;
}

static void send_request(struct node *n, uint64_t now)
{
	struct node_ota *o = &n->ota;
	uint8_t p[18] = {0};

	n->counts.page_requests++;
	put_le16(p + 1, o->key.manufacturer);
	put_le16(p + 3, o->key.type);
	put_le32(p + 5, o->key.version);
	put_le32(p + 9, o->page_at);
	p[13] = n->setup.timers.block;
	put_le16(p + 14, (uint16_t)o->page_len);
	put_le16(p + 16, (uint16_t)n->setup.timers.spacing_ms);
	o->asked_len = n->setup.timers.block;
	node_ota_ask(n, now, FC_PAGE_REQUEST, CMD_PAGE, p, sizeof(p));
	o->at = now + PAGE_STALL_NS;
}

bool node_page_ask(struct node *n, uint64_t now)
{
	struct node_ota *o = &n->ota;

	if (!o->page)
		o->page = malloc(2u * NODE_PAGE_MAX);
	if (!o->page)
		return false;
	memset(have(n), 0, NODE_PAGE_MAX);
	o->phase = NODE_PAGE;
	o->page_at = o->offset;
	o->page_len = page_size(n);
	if (o->page_len > o->size - o->offset)
		o->page_len = o->size - o->offset;
	o->page_got = 0;
	o->filling = false;
	send_request(n, now);
	return true;
}

static void page_is_whole(struct node *n, uint64_t now)
{
	struct node_ota *o = &n->ota;

	o->phase = NODE_BLOCKS;
	o->asked = false;
	o->errors = 0;
	o->at = now + n->setup.think_ns;
	node_ota_take(n, now, bytes_of(o->page, o->page_len));
}

void node_page_block(struct node *n, uint64_t now, uint32_t offset,
	struct bytes data)
{
	struct node_ota *o = &n->ota;
	uint32_t from = offset - o->page_at;

	if (offset < o->page_at || from + data.len > o->page_len) {
		n->counts.strangers++;
		return;
	}
	if (have(n)[from])
		n->counts.duplicates++;
	for (uint32_t i = from; i < from + data.len; i++) {
		o->page[i] = data.at[i - from];
		o->page_got += !have(n)[i];
		have(n)[i] = 1;
	}
	n->counts.blocks++;
	if (o->page_got == o->page_len) {
		page_is_whole(n, now);
	} else if (o->filling) {
		o->asked = false;
		o->at = now + n->setup.think_ns;
	} else {
		o->at = now + n->setup.timers.answer_ms * MS;
	}
}

static void ask_missing(struct node *n, uint64_t now)
{
	struct node_ota *o = &n->ota;
	uint32_t from = 0, len = 0;

	while (from < o->page_len && have(n)[from])
		from++;
	while (from + len < o->page_len && !have(n)[from + len] &&
		len < n->setup.timers.block)
		len++;
	n->counts.page_missing++;
	o->filling = true;
	node_ota_ask_block(n, now, o->page_at + from, (uint8_t)len);
}

/* Nothing more comes of the page. */
void node_page_time(struct node *n, uint64_t now)
{
	struct node_ota *o = &n->ota;
	bool failed = o->asked && (o->filling || o->page_got == 0);

	if (failed) {
		node_ota_failed(n, now);
		if (o->phase != NODE_PAGE)
			return;
		if (o->offset < o->page_at) {
			/* Begins at 0 again. */
			o->phase = NODE_BLOCKS;
			return;
		}
	}
	if (o->page_got == 0 &&
		trait_is_on(&n->setup.traits, TRAIT_NEEDS_PAGES)) {
		o->phase = NODE_BLOCKS;
		o->asked = false;
		o->at = now + n->setup.think_ns;
		return;
	}
	if (!failed)
		ask_missing(n, now);
}
