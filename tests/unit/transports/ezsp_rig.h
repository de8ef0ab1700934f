/* The stack `ezsp` between a driver that only records and the small coprocessor
 * of ezsp_peer.h, under a virtual clock. What the stack tells its driver becomes
 * a story, a line each. One stack at a time; one thread. */
#ifndef FERRY_TESTS_EZSP_RIG_H
#define FERRY_TESTS_EZSP_RIG_H

#include "tests/unit/transports/ezsp_peer.h"
#include "tests/unit/unit.h"
#include "transports/zigbee/stack.h"

/* One of each layout that there is. */
#define VERSIONS 4
#define DEVICE 0x00124b0000000001u

extern const unsigned versions[VERSIONS];
extern const struct zb_stack_ops *const ops;
extern const uint8_t query[6];

extern struct ezsp_peer peer;
extern struct zb_stack *stack;
extern int64_t now;
extern char story[16384];
extern size_t story_len;
extern bool gone; /* the coprocessor hears and says nothing */

/* A stack over a coprocessor of this version, whose line is not open yet. */
void create(unsigned version, const struct zb_config *config);
/* Opens the line. */
void start(void);
/* All of it, until the network is up; the story begins behind that. */
void up(unsigned version);
/* The fixture's end of each test. */
void teardown(void);

/* Carries bytes to and fro until there are none. */
void settle(void);
/* Time passes, with everything that is due on the way. */
void pass(int64_t ms);

/* The story is this, and begins anew. */
void assert_story(const char *want);

/* A frame for device 1000, endpoint 3, cluster 0x0019. */
struct zb_request request(uint32_t id);
void send_ok(uint32_t id);
/* `query` comes in from device 1000. */
void incoming(void);

#endif
