#include "transports/zigbee/nodes.h"

#include <errno.h>
#include <stdlib.h>

void zb_nodes_init(struct zb_nodes *n, unsigned max)
{
	memset(n, 0, sizeof(*n));
	n->max = max;
	keep_init(&n->keep, max / 4 * 3);
}

void zb_nodes_done(struct zb_nodes *n)
{
	unsigned i;

	for (i = 0; i < ZB_BUCKETS; i++)
		while (n->by_eui64[i])
			zb_nodes_remove(n, n->by_eui64[i]);
	memset(n, 0, sizeof(*n));
}

/* Makers number their devices: the low bits differ, and are mixed so that a
 * stride does not matter. */
static size_t eui64_bucket(uint64_t eui64)
{
	return (size_t)((eui64 * 0x9e3779b97f4a7c15u) >> 54) & (ZB_BUCKETS - 1);
}

static size_t nwk_bucket(uint16_t nwk)
{
	return nwk & (ZB_BUCKETS - 1);
}

struct zb_node *zb_nodes_find(const struct zb_nodes *n, uint64_t eui64)
{
	struct zb_node *node = n->by_eui64[eui64_bucket(eui64)];

	while (node && node->eui64 != eui64)
		node = node->next_eui64;
	return node;
}

struct zb_node *zb_nodes_at(const struct zb_nodes *n, uint16_t nwk)
{
	struct zb_node *node = n->by_nwk[nwk_bucket(nwk)];

	while (node && node->nwk != nwk)
		node = node->next_nwk;
	return node;
}

static void settle(struct zb_nodes *n, struct zb_node *node)
{
	keep_set(&n->keep, &node->keep,
		node->proven ? KEEP_PROVEN : KEEP_STRANGER);
}

static void nwk_unlink(struct zb_nodes *n, struct zb_node *node)
{
	struct zb_node **at = &n->by_nwk[nwk_bucket(node->nwk)];

	if (node->nwk == ZB_NWK_UNKNOWN)
		return;
	while (*at != node)
		at = &(*at)->next_nwk;
	*at = node->next_nwk;
	node->next_nwk = NULL;
	node->nwk = ZB_NWK_UNKNOWN;
	node->sure_ms = 0;
	node->unanswered_ms = 0;
}

/* Who is about to be told to the host, or has sends, stays, as if it had just
 * been heard: so nobody is passed over twice in a row. */
static bool make_room(struct zb_nodes *n)
{
	struct keep_hook *out;
	struct zb_node *node;
	unsigned i;

	for (i = 0; i < ZB_PASSED_MAX; i++) {
		out = keep_next_out(&n->keep);
		if (!out)
			return false;
		node = KEEP_ENTRY(out, struct zb_node, keep);
		if (node->held || node->listed) {
			settle(n, node);
			continue;
		}
		if (n->on_forget)
			n->on_forget(n->arg, node);
		zb_nodes_remove(n, node);
		return true;
	}
	return false;
}

struct zb_node *zb_nodes_get(struct zb_nodes *n, uint64_t eui64, int64_t now_ms)
{
	struct zb_node *node = zb_nodes_find(n, eui64);
	size_t bucket = eui64_bucket(eui64);

	if (node)
		return node;
	if (n->count >= n->max && !make_room(n))
		return NULL;
	node = calloc(1, sizeof(*node));
	if (!node)
		return NULL;
	node->eui64 = eui64;
	node->nwk = ZB_NWK_UNKNOWN;
	node->heard_ms = now_ms;
	node->next_eui64 = n->by_eui64[bucket];
	n->by_eui64[bucket] = node;
	settle(n, node);
	n->count++;
	return node;
}

bool zb_nodes_place(struct zb_nodes *n, struct zb_node *node, uint16_t nwk)
{
	struct zb_node *other;

	if (node->nwk == nwk)
		return false;
	nwk_unlink(n, node);
	if (nwk == ZB_NWK_UNKNOWN)
		return true;
	other = zb_nodes_at(n, nwk);
	if (other)
		nwk_unlink(n, other);
	node->nwk = nwk;
	node->next_nwk = n->by_nwk[nwk_bucket(nwk)];
	n->by_nwk[nwk_bucket(nwk)] = node;
	return true;
}

void zb_nodes_displace(struct zb_nodes *n)
{
	struct zb_node *node;
	unsigned i;

	for (i = 0; i < ZB_BUCKETS; i++)
		for (node = n->by_eui64[i]; node; node = node->next_eui64)
			nwk_unlink(n, node);
}

void zb_nodes_touch(struct zb_nodes *n, struct zb_node *node, int64_t now_ms)
{
	node->heard_ms = now_ms;
	settle(n, node);
}

void zb_nodes_prove(struct zb_nodes *n, struct zb_node *node)
{
	if (node->proven)
		return;
	node->proven = true;
	settle(n, node);
}

void zb_nodes_remove(struct zb_nodes *n, struct zb_node *node)
{
	struct zb_node **at = &n->by_eui64[eui64_bucket(node->eui64)];

	nwk_unlink(n, node);
	keep_drop(&n->keep, &node->keep);
	while (*at != node)
		at = &(*at)->next_eui64;
	*at = node->next_eui64;
	n->count--;
	free(node);
}

void zb_key_write(uint64_t eui64, char *text)
{
	static const char digits[] = "0123456789abcdef";
	unsigned i;

	for (i = 0; i < 16; i++)
		text[i] = digits[eui64 >> (60 - 4 * i) & 15];
	text[16] = '\0';
}

int zb_key_read(const char *text, uint64_t *ret)
{
	uint64_t value = 0;
	unsigned i;
	char c;

	for (i = 0; i < 16; i++) {
		c = text[i];
		if (c >= '0' && c <= '9')
			value = value << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint64_t)(c - 'a' + 10);
		else
			return -EINVAL;
	}
	if (text[16] || value == 0 || value == UINT64_MAX)
		return -EINVAL;
	*ret = value;
	return 0;
}

const char *zb_kind_name(enum zb_kind kind)
{
	switch (kind) {
	case ZB_KIND_UNKNOWN:
		return "unknown";
	case ZB_KIND_ROUTER:
		return "router";
	case ZB_KIND_SLEEPY:
		return "sleepy";
	}
	return "unknown";
}
