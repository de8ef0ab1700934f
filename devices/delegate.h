/* Delegates: programs that own a radio themselves and carry out updates on it,
 * when they are asked to and are given the image. What a class that names one
 * may set, and the table entry that makes its name an engine; nothing here talks
 * to the program (gateway/relay/delegate.h does). No state; any thread. */
#ifndef FERRY_DEVICES_DELEGATE_H
#define FERRY_DEVICES_DELEGATE_H

#include "devices/engine.h"

/* Options of a class; 0: what the program itself presets. */
struct delegate_options {
	int response_delay_ms; /* between blocks: 1 to 10000 */
	int block;             /* bytes of a block: 10 to 100 */
	int block_timeout_s;   /* until a silent device is given up */
};

/* "response_delay_ms=50 block=64": 0 or ERR_ZIGBEE_OPTIONS with the fault. */
int delegate_options_read(const char *text, struct delegate_options *ret,
	struct fault *f);

extern const struct engine_ops zigbee2mqtt_engine_ops;

#endif
