/* The 8-bit numbers under which a coprocessor confirms frames. They come round
 * quickly; one whose confirm was not seen in time is barred, as the confirm may
 * still come and would be taken for that of another frame. Embedded, all zero at
 * first; one thread. Times are monotonic milliseconds. */
#ifndef FERRY_ZIGBEE_NUMBERS_H
#define FERRY_ZIGBEE_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

#define ZB_NUMBERS 256u
#define ZB_BARRED_MS 60000 /* longer than any coprocessor keeps a frame */

struct zb_numbers {
	uint8_t last; /* that was given out */
	bool used[ZB_NUMBERS];
	int64_t barred[ZB_NUMBERS]; /* until when */
};

/* Gives out the next number that is neither used nor barred, never 0. When all
 * are, one that is only barred: an old confirm then ends the wrong frame early.
 * There must be fewer than 255 in use. */
uint8_t zb_number_take(struct zb_numbers *n, int64_t now_ms);

/* Its confirm came: it may be given out again. */
void zb_number_free(struct zb_numbers *n, uint8_t number);

/* Nobody waits for its confirm any more, which may still come. */
void zb_number_bar(struct zb_numbers *n, uint8_t number, int64_t now_ms);

/* A confirm for a number that is not in use: what it was barred for has come. */
void zb_number_late(struct zb_numbers *n, uint8_t number);

#endif
