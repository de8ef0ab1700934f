/* The devices of the bench, for the bench alone: what they do with frames and
 * when their time comes. */
#ifndef FERRY_TESTS_ZIGBEE_BENCH_DEVICES_H
#define FERRY_TESTS_ZIGBEE_BENCH_DEVICES_H

#include "tests/unit/devices/zigbee_bench.h"

/* A frame of the server that was sent to device `n`. */
void bench_device_hears(struct bench *b, unsigned n, unsigned channel,
	struct bytes data);
/* A notify that was sent to all. */
void bench_devices_hear(struct bench *b, struct bytes data);
/* Something did not come in time, or a pause is over. */
void bench_device_time(struct bench *b, unsigned n);

/* Puts a frame of the device on its way to the engine. */
void bench_post(struct bench *b, unsigned device, unsigned channel,
	const uint8_t *data, size_t len, int64_t delay_ms);

#endif
