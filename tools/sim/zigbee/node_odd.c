/* Nodes that mean harm, or know no measure. */
#include "tools/sim/zigbee/mesh.h"

#define FC_REQUEST 0x01
#define CMD_BLOCK 0x03
#define CMD_PAGE 0x04
#define CMD_END 0x06
#define HOSTILE_KINDS 13

static size_t write_block_request(const struct node *n, uint8_t *at,
	uint32_t offset, uint8_t max, uint8_t tsn)
{
	at[0] = FC_REQUEST;
	at[1] = tsn;
	at[2] = CMD_BLOCK;
	at[3] = 0;
	put_le16(at + 4, n->ota.key.manufacturer);
	put_le16(at + 6, n->ota.key.type);
	put_le32(at + 8, n->ota.key.version);
	put_le32(at + 12, offset);
	at[16] = max;
	return 17;
}

static uint8_t server_of(const struct node *n)
{
	uint8_t ep;

	return mesh_match(n->mesh, NODE_PROFILE_HA, NODE_CLUSTER_OTA, &ep) ? ep
									   : 1;
}

void node_ota_flood(struct node *n, uint64_t now)
{
	uint64_t rate = trait_value(&n->setup.traits, TRAIT_FLOOD);
	uint8_t frame[17];
	size_t len;

	n->flood_at = now + UINT64_C(1000000000) / (rate ? rate : 1);
	n->counts.hostile++;
	if (n->ota.key.version == 0)
		n->ota.key = n->own;
	n->floods++;
	len = write_block_request(n, frame, n->floods % 1000 * 50, 50,
		(uint8_t)n->floods);
	node_send(n, now, server_of(n), NODE_PROFILE_HA, NODE_CLUSTER_OTA,
		frame, len);
}

/* One of them after the other. */
static size_t write_hostile(struct node *n, uint8_t *at, uint32_t which)
{
	uint32_t size = n->ota.size;
	uint8_t tsn = (uint8_t)(n->next_tsn++ ^ 0x80);

	switch (which) {
	case 0: /* cut off */
		return write_block_request(n, at, 0, 50, tsn) - 9;
	case 1: /* behind the end */
		return write_block_request(n, at, size + 1, 50, tsn);
	case 2:
		return write_block_request(n, at, UINT32_MAX, 255, tsn);
	case 3: /* nothing wanted */
		return write_block_request(n, at, 0, 0, tsn);
	case 4: /* all wanted */
		return write_block_request(n, at, 0, 255, tsn);
	case 5: /* half a header */
		at[0] = FC_REQUEST;
		return 1;
	case 6: /* a manufacturer's code is announced and missing */
		at[0] = 0x05;
		at[1] = tsn;
		return 2;
	case 7: /* a reserved frame type */
		at[0] = 0x03;
		at[1] = tsn;
		at[2] = CMD_BLOCK;
		return 3;
	case 8: /* no such command */
		at[0] = FC_REQUEST;
		at[1] = tsn;
		at[2] = 0x7f;
		return 3;
	case 9: /* the server's own command comes to it */
		at[0] = 0x19;
		at[1] = tsn;
		at[2] = 0x05;
		return 3;
	case 10: /* the end of what never began */
		at[0] = FC_REQUEST;
		at[1] = tsn;
		at[2] = CMD_END;
		memset(at + 3, 0xee, 9);
		return 12;
	case 11: /* a page of nothing */
		write_block_request(n, at, 0, 50, tsn);
		at[2] = CMD_PAGE;
		put_le16(at + 17, 0);
		put_le16(at + 19, 0);
		return 21;
	default: /* an endless page without a pause */
		write_block_request(n, at, 0, 255, tsn);
		at[2] = CMD_PAGE;
		put_le16(at + 17, 0xffff);
		put_le16(at + 19, 0);
		return 21;
	}
}

bool node_ota_hostile(struct node *n, uint64_t now)
{
	uint8_t frame[32];
	size_t len = write_hostile(n, frame, n->hostiles++ % HOSTILE_KINDS);

	n->counts.hostile++;
	node_send(n, now, server_of(n), NODE_PROFILE_HA, NODE_CLUSTER_OTA,
		frame, len);
	return true;
}
