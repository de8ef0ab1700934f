/* What the tests of the ZigBee server share: a bench a test, and single frames
 * of its device 0. One bench at a time; one thread. */
#ifndef FERRY_TESTS_ZIGBEE_CASE_H
#define FERRY_TESTS_ZIGBEE_CASE_H

#include "tests/unit/devices/zigbee_bench.h"
#include "tests/unit/unit.h"

#define CASE_LEN 3000 /* of most images */
#define OTA ZIGBEE_OTA_CHANNEL_OTA
#define MINUTE 60000
#define BIT(stage) (1u << ENGINE_STAGE_##stage)

/* Frames of device 0, TSN 42; versions as the bench has them. */
#define QUERY "01420100" "3412" "0201" "00010000"
#define BLOCK_AT(offset, max) \
	"01420300" "3412" "0201" "0d0c0b0a" offset max
#define END_OK "01420600" "3412" "0201" "0d0c0b0a"

/* The bench of this test; not initialised yet. */
extern struct bench *b;

/* The fixture of each test; teardown ends what bench_init() began. */
void case_setup(void);
void case_teardown(void);
/* A suite of one case with this fixture; for main(). */
int case_run(const char *name, void (*add)(TCase *));

struct zigbee_ota_counts case_counts(void);
/* The n-th newest send, 0 the newest, is this in hexadecimal. */
void case_expect_sent(unsigned n, const char *hex);
/* Whatever is due now happens. */
void case_settle(void);
/* A transfer of device 0 that is under way and does not end by itself. */
void case_begin_transfer(const char *options);

#endif
