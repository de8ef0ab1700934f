/* How long an APS frame keeps the radio's channel busy, for stacks that do not
 * measure it: one hop, no retries, network security, the 2.4 GHz PHY. Pure.
 *
 * A frame is 32 us a byte from preamble to FCS, with a mean backoff of 1.12 ms,
 * 0.32 ms of listening and turning round, 0.64 ms of pause, and where it is a
 * unicast 0.54 ms for the MAC's acknowledgement. */
#ifndef FERRY_ZIGBEE_AIRTIME_H
#define FERRY_ZIGBEE_AIRTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Microseconds. `ack`: with the APS acknowledgement, a frame of its own the
 * other way. A broadcast has neither acknowledgement. */
uint32_t zb_airtime_us(size_t asdu_len, bool ack, bool broadcast);

#endif
