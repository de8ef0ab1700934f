/* A driver for a network: its instance comes up at once, its link goes to anybody.
 * It takes what it is given and completes it when the test says so. One instance
 * at a time; one thread. */
#ifndef FERRY_TESTS_PRETENDED_RADIO_H
#define FERRY_TESTS_PRETENDED_RADIO_H

#include "ferry/transport.h"
#include "tests/unit/unit.h"

#define RADIO_WINDOW 16
#define RADIO_SENDS_MAX 256

struct pretended_radio {
	const struct ferry_host *host;
	struct ferry_owner *owner;
	uint64_t link;
	unsigned connects;
	bool refuse; /* connects fail */
	char spec[128]; /* of the channels, "NUMBER:key=value " */
	uint64_t tokens[RADIO_SENDS_MAX];
	char to[RADIO_SENDS_MAX][64];
	unsigned taken, ended;
};

/* Cleared by the test before it begins. */
extern struct pretended_radio radio;
extern const struct ferry_driver radio_driver;

/* Completes all that it was given. */
void radio_finish(int status, uint32_t airtime_us);
/* A frame of `peer` came in on channel 1, with the reply handle "re". */
void radio_hears(const char *peer, const char *text, uint32_t airtime_us);
/* The link is gone; 0: the instance is. */
void radio_loses(uint64_t link);

#endif
