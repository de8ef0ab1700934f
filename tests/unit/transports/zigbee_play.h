/* The driver zigbee over a stack that the test plays, on a host with a virtual
 * clock: the test is the network. What the driver sends is kept in `sent`; what
 * happens in the network are calls into the driver, made while it reads from its
 * line. One instance a program; one thread. */
#ifndef FERRY_TESTS_ZIGBEE_PLAY_H
#define FERRY_TESTS_ZIGBEE_PLAY_H

#include "tests/unit/transports/played_stack.h"
#include "tests/unit/transports/vhost.h"
#include "tests/unit/unit.h"
#include "transports/zigbee/zigbee.h"

#define LAMP 0x00124b0000000001u
#define LAMP_KEY "00124b0000000001"
#define LAMP_NWK 0x1234u
#define OTHER 0x00124b0000000002u
#define LINK 7u
#define SENT_MAX 1024

struct sent {
	struct zb_request r;
	uint8_t data[ZB_ASDU_MAX];
};

extern struct vhost v;
extern struct zb_stack *stack;
extern struct sent sent[SENT_MAX];
extern unsigned sent_count, confirmed;
extern struct zb_network network; /* what is_up() tells */

/* The fixture of each test; teardown ends the instance. */
void setup(void);
void teardown(void);

/* Starts the instance with these settings; it completes later. */
int start_with(const struct ferry_kv *kv, uint32_t count);
/* Starts it and has the network come up. */
void start(void);
/* And connects link LINK: channel 0 OTA, 1 Basic, 2 Poll Control. */
void up(void);

/* Something comes in on the line, and `what` is what it means. */
void input(void (*what)(void));
/* Meanings: the network is up, `frame` was heard, `confirm` came. */
void is_up(void);
void hears(void);
void confirms(void);
/* And: the network told of a node, as told_* say. */
void tells(void);
extern struct zb_indication frame;
extern struct zb_confirm confirm;
extern uint64_t told_eui64;
extern uint16_t told_nwk;
extern int told_sleepy;
extern bool told_joined, told_gone;

/* A frame from endpoint 11 to endpoint 47; `eui64` 0: the stack cannot say. */
void hear(uint64_t eui64, uint16_t nwk, uint16_t cluster, const char *text);
/* One of the device profile. */
void hear_zdo(uint16_t nwk, uint16_t cluster, const void *at, size_t len);
/* A node whose address and kind are known, without a question to be asked. */
void know(uint64_t eui64, uint16_t nwk);
/* up(), and LAMP, which is known, has asked: message 0 can be answered. */
void up_with_query(void);
/* What became of the i-th frame sent. */
void confirm_it(unsigned i, enum zb_sent result);

/* Sends; each returns the token. The driver must take it with `want`. */
uint64_t send_it(struct ferry_send s, const char *text, int want);
uint64_t send_to(const char *key, const char *text);
/* To the sender of this message of `v`. */
uint64_t answer(unsigned message, const char *text);

/* How many of the frames sent are for this cluster; the newest, or NULL; its
 * index, which fails the test when there is none. */
unsigned count_sent(uint16_t cluster);
const struct sent *last_sent(uint16_t cluster);
unsigned index_of_last(uint16_t cluster);

#endif
