#include "transports/zigbee/znp.h"

#define STARTUP_CLEAR_ALL                                                      \
	3u		 /* configuration and state, at the next restart       \
			  */
#define CONFIGURED 0x55u /* what other hosts look for */
#define ALL_CHANNELS 0x07fff800u /* 11 to 26 */
#define BDB_FORMATION 4u

static void ask_write(struct znp *z, enum znp_item item, struct bytes value)
{
	struct znp_out out = {.len = 0};

	znp_put16(&out, item);
	znp_put8(&out, 0);
	znp_put8(&out, (unsigned)value.len);
	znp_put(&out, value);
	znp_start_ask(z, ZNP_SYS_NV_WRITE, &out);
}

/* Makes the item if it is not there. */
static void ask_init(struct znp *z, enum znp_item item, struct bytes value)
{
	struct znp_out out = {.len = 0};

	znp_put16(&out, item);
	znp_put16(&out, (unsigned)value.len);
	znp_put8(&out, (unsigned)value.len);
	znp_put(&out, value);
	znp_start_ask(z, ZNP_SYS_NV_INIT, &out);
}

/* What stands in the memory for the network that shall be. */
static const enum znp_item form_items[] = {ZNP_NV_STARTUP_OPTION,
	ZNP_NV_LOGICAL_TYPE, ZNP_NV_ZDO_DIRECT_CB, ZNP_NV_CHANLIST,
	ZNP_NV_PANID, ZNP_NV_EXTENDED_PAN_ID, ZNP_NV_APS_USE_EXT_PANID,
	ZNP_NV_PRECFGKEYS_ENABLE};

#define FORM_ITEMS (sizeof(form_items) / sizeof(form_items[0]))

/* Of channel 0, any, the least noisy one is taken. */
static uint32_t channels_of(const struct znp *z)
{
	return z->config.channel ? 1u << (z->config.channel & 31)
				 : ALL_CHANNELS;
}

static void put_item(
	const struct znp *z, enum znp_item item, struct znp_out *value)
{
	uint64_t ext_pan =
		z->config.ext_pan ? z->config.ext_pan : z->network.eui64;

	if (item == ZNP_NV_CHANLIST)
		znp_put32(value, channels_of(z));
	else if (item == ZNP_NV_PANID)
		znp_put16(value, z->config.pan);
	else if (item == ZNP_NV_EXTENDED_PAN_ID ||
		 item == ZNP_NV_APS_USE_EXT_PANID)
		znp_put64(value, ext_pan);
	else
		znp_put8(value, item == ZNP_NV_ZDO_DIRECT_CB);
}

static struct bytes key_of(const struct znp *z)
{
	return bytes_of(z->config.network_key, sizeof(z->config.network_key));
}

static void ask_channel(struct znp *z, bool primary)
{
	struct znp_out out = {.len = 0};

	znp_put8(&out, primary);
	znp_put32(&out, primary ? channels_of(z) : 0);
	znp_start_ask(z, ZNP_APP_CHANNEL, &out);
}

static void ask_formation(struct znp *z)
{
	struct znp_out out = {.len = 0};

	znp_put8(&out, BDB_FORMATION);
	z->until = z->now + ZNP_RESUME_MS;
	znp_start_ask(z, ZNP_APP_FORM, &out);
}

/* Z-Stack 3: the key is an item, formation is BDB's. */
static bool form_tail_3(struct znp *z, unsigned at)
{
	switch (at) {
	case 0:
		ask_init(z, ZNP_NV_PRECFGKEY, key_of(z));
		return true;
	case 1:
		ask_write(z, ZNP_NV_PRECFGKEY, key_of(z));
		return true;
	case 2:
		ask_channel(z, true);
		return true;
	case 3:
		ask_channel(z, false);
		return true;
	case 4:
		ask_formation(z);
		return true;
	}
	return false;
}

/* Z-Stack 1.2: the key goes through SAPI, the trust centre's well-known link
 * key ("ZigBeeAlliance09") for all devices has to be put in its table. */
static bool form_tail_12(struct znp *z, unsigned at)
{
	static const uint8_t link_key[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 'Z', 'i', 'g', 'B', 'e', 'e', 'A', 'l', 'l', 'i',
		'a', 'n', 'c', 'e', '0', '9'};
	struct znp_out out = {.len = 0};

	switch (at) {
	case 0:
		znp_put8(&out, ZNP_NV_PRECFGKEY);
		znp_put8(&out, sizeof(z->config.network_key));
		znp_put(&out, key_of(z));
		znp_start_ask(z, ZNP_SAPI_WRITE, &out);
		return true;
	case 1:
		ask_write(z, ZNP_NV_TCLK_TABLE_12,
			bytes_of(link_key, sizeof(link_key)));
		return true;
	case 2:
		znp_start_resume(z);
		return true;
	}
	return false;
}

/* Each item is made, then written; then what differs by release. False when all
 * is asked for. */
bool znp_form_next(struct znp *z)
{
	struct znp_out value = {.len = 0};
	unsigned at = z->step++;
	enum znp_item item;

	z->until = z->now + ZNP_STEP_MS;
	if (at >= 2 * FORM_ITEMS) {
		at -= (unsigned)(2 * FORM_ITEMS);
		return z->product == 0 ? form_tail_12(z, at)
				       : form_tail_3(z, at);
	}
	item = form_items[at / 2];
	put_item(z, item, &value);
	if (at % 2)
		ask_write(z, item, bytes_of(value.at, value.len));
	else
		ask_init(z, item, bytes_of(value.at, value.len));
	return true;
}

bool znp_form_accepts(uint16_t asked, unsigned status)
{
	return status == ZNP_SUCCESS || asked == ZNP_ZDO_STARTUP ||
	       (asked == ZNP_SYS_NV_INIT && status == ZNP_NV_CREATED);
}

void znp_form_clear(struct znp *z)
{
	static const uint8_t all = STARTUP_CLEAR_ALL;

	z->forming = true;
	z->seen_up = false;
	ask_write(z, ZNP_NV_STARTUP_OPTION, bytes_of(&all, 1));
}

bool znp_form_mark(struct znp *z)
{
	static const uint8_t configured = CONFIGURED;
	enum znp_item item =
		z->product == 0 ? ZNP_NV_CONFIGURED_12 : ZNP_NV_CONFIGURED_3;

	if (z->step == 2)
		return false;
	if (z->step++ == 0)
		ask_init(z, item, bytes_of(&configured, 1));
	else
		ask_write(z, item, bytes_of(&configured, 1));
	return true;
}
