/* The OTA Upgrade server of ZigBee (cluster 0x0019) as an update engine.
 *
 * Behind devices/engine.h; scope: network. One engine answers every device of a
 * radio, with or without a job; a job opens and closes an offer. What is served
 * follows from the request alone (manufacturer, type, version, offset), so that
 * a device goes on where it is after any restart of the gateway.
 *
 * Options of the link, all optional ("concurrent=4 block=50"):
 *   concurrent    downloads at a time, 1..1024; preset 4
 *   sleepy_concurrent  of them by sleepy devices, 1..1024; preset 2
 *   window        frames under way, 1..64; preset 32 (what the radio bears is
 *                 known to the driver)
 *   block         most bytes in a block, 20..64; preset 50
 *   grace_s       so long after the link came up, requests for blocks that no
 *                 offer is open for are put off, 0..3600; preset 120
 *   broadcast     yes | no: many devices of one image are notified at once
 *   jitter        of the broadcast in percent, 1..100; preset: so many that
 *                 about twice the free places answer
 *   budget        share of the channel in percent, 1..100: kept by the relay
 *
 * Options of a class, all optional:
 *   activate      now | wait: the device is told to wait before it is asked
 *                 whether it may activate; preset now
 *   from          LOW-HIGH: versions that the image may follow
 *   manufacturer, image_type  what the device asks for, where its image has
 *                 another
 *   downgrade     yes | no: no refuses even what was ordered; preset yes
 *   block         as above, for devices of this class
 *   and every setting of quirks.h: "finish_s=1800 pages=no" */
#ifndef FERRY_DEVICES_ZIGBEE_OTA_ZIGBEE_OTA_H
#define FERRY_DEVICES_ZIGBEE_OTA_ZIGBEE_OTA_H

#include "devices/engine.h"

extern const struct engine_ops zigbee_ota_engine_ops;

/* What holds of a class of ZigBee devices, also where another program serves it:
 * 0 or ERR_CLASS_INVALID with the setting as the field. */
int zigbee_ota_class_check(const struct device_class *c, struct fault *f);

/* Channels of the link, in the order of engine_ops.channels. */
enum zigbee_ota_channel {
	ZIGBEE_OTA_CHANNEL_OTA,
	ZIGBEE_OTA_CHANNEL_BASIC,
	ZIGBEE_OTA_CHANNEL_POLL,
	ZIGBEE_OTA_CHANNELS,
};

struct zigbee_ota_counts {
	uint64_t requests;  /* read without a fault */
	uint64_t blocks;    /* sent with data */
	uint64_t coalesced; /* the same request while its answer was under way */
	uint64_t dropped;   /* beyond the rate of one device */
	uint64_t bad;       /* frames that cannot be read */
	uint64_t repeated;  /* answers sent again after the radio failed */
	uint64_t refused_peers; /* not known, and no room for one more */
	size_t peers;
	size_t offers;
	size_t downloads; /* places in use */
};

void zigbee_ota_counts(const struct engine *e, struct zigbee_ota_counts *ret);

#endif
