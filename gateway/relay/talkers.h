/* Who fills a radio: the peer whose frames took most of the channel lately.
 *
 * Counted over periods of AIRTIME_WINDOW_MS in a table of few places, which any
 * number of peers may pass through: whoever comes when it is full takes the
 * place of the least, and with it what that was charged, as a possible error.
 * What is told is without it: never more than the peer has used, and who used
 * more than a TALKERS_MAX-th of all is in the table.
 *
 * No clock and no allocation; times are monotonic milliseconds that never fall.
 * Embedded in its owner; one thread. */
#ifndef FERRY_GATEWAY_RELAY_TALKERS_H
#define FERRY_GATEWAY_RELAY_TALKERS_H

#include "ferry/transport.h"
#include "gateway/relay/airtime.h"

#define TALKERS_MAX 16

struct talker {
	char key[FERRY_KEY_MAX + 1];
	uint32_t hash;    /* of the key */
	uint32_t us;      /* charged, with the error */
	uint32_t over_us; /* at most so much of it is others' */
};

struct talkers {
	struct talker at[TALKERS_MAX]; /* of the period under way */
	unsigned count;
	int64_t since_ms;
	struct talker last; /* the loudest of the period before; us 0: none */
};

/* Hundredths of a per cent of the channel over a window. */
struct talker_use {
	char key[FERRY_KEY_MAX + 1]; /* "": nobody was heard */
	unsigned bp;
};

void talkers_init(struct talkers *t, int64_t now_ms);

/* A frame of the peer was on the air for `us`. */
void talkers_heard(struct talkers *t, int64_t now_ms, const char *key,
	uint32_t us);

/* The loudest of this period and the one before. */
void talkers_loudest(struct talkers *t, int64_t now_ms,
	struct talker_use *ret);

#endif
