/* Options of the ZigBee OTA engine: of a link and of a class. */
#ifndef FERRY_DEVICES_ZIGBEE_OTA_SERVER_OPTIONS_H
#define FERRY_DEVICES_ZIGBEE_OTA_SERVER_OPTIONS_H

#include "devices/zigbee_ota/quirks.h"

struct server_options {
	int concurrent;
	int sleepy_concurrent;
	int window;
	int block;
	int grace_s;
	int jitter; /* 0: by the number of free places */
	int broadcast;
	int budget; /* the relay's */
};

struct server_class_options {
	int wait;         /* 1: the device waits until it is let go on */
	int manufacturer; /* -1: that of the image */
	int type;
	int downgrade;
	int block; /* 0: that of the link */
	bool has_from;
	uint32_t from_low, from_high;
	struct quirk_table *quirks; /* NULL: none */
};

/* 0, ERR_ZIGBEE_OPTIONS (or a code of quirks.h) with a fault that names the
 * word, -ENOMEM. NULL text is none. */
int server_options_read(const char *text, struct server_options *ret,
	struct fault *f);
int server_class_options_read(const char *text,
	struct server_class_options *ret, struct fault *f);
void server_class_options_done(struct server_class_options *o);

#endif
