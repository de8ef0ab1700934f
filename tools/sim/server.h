/* The SMP server of a simulated device: one request in, one answer out.
 * Sans-I/O and without a clock: what takes time is in the effect. Written from
 * the published protocol (Zephyr's server and MCUboot's serial recovery),
 * independent of Ferry's client. One thread. */
#ifndef FERRY_SIM_SERVER_H
#define FERRY_SIM_SERVER_H

#include "base/buf.h"
#include "tools/sim/mcu.h"

#define SMP_HEADER_LEN 8

enum smp_op {
	SMP_READ = 0,
	SMP_READ_RSP = 1,
	SMP_WRITE = 2,
	SMP_WRITE_RSP = 3
};
enum smp_group { SMP_GROUP_OS = 0, SMP_GROUP_IMAGE = 1 };

/* General errors. */
enum smp_rc {
	RC_OK = 0,
	RC_UNKNOWN = 1,
	RC_NO_MEMORY = 2,
	RC_INVALID = 3,
	RC_CORRUPT = 9,
	RC_NOT_SUPPORTED = 8,
	RC_TOO_LARGE = 7,
	RC_BUSY = 10,
	RC_TOO_OLD = 12,
	RC_TOO_NEW = 13,
};

/* Errors of the image group. */
enum image_rc {
	IMAGE_RC_HASH_NOT_FOUND = 8,
	IMAGE_RC_NO_FREE_SLOT = 9,
	IMAGE_RC_FLASH_WRITE = 12,
	IMAGE_RC_INVALID_SLOT = 14,
	IMAGE_RC_NO_OFF = 20,
	IMAGE_RC_NO_LEN = 21,
	IMAGE_RC_SHORT_HEADER = 22,
	IMAGE_RC_BAD_MAGIC = 23,
	IMAGE_RC_BAD_HASH = 24,
	IMAGE_RC_BAD_ADDRESS = 25,
	IMAGE_RC_NOT_NEWER = 27,
	IMAGE_RC_PENDING = 28,
	IMAGE_RC_TOO_LARGE = 30,
	IMAGE_RC_BEYOND_LEN = 31,
	IMAGE_RC_DENIED = 32,
	IMAGE_RC_TEST_ACTIVE = 33,
};

struct smp_effect {
	bool answered;	   /* false: silence */
	bool reset;	   /* restart 250 ms after the answer */
	bool to_recovery;  /* that restart stays in the bootloader */
	bool unplug;	   /* the port vanishes */
	uint64_t delay_us; /* before the answer; the device does nothing else */
};

/* The published formats of section "SMP messages". `message` may be anything.
 * `crowded`: no buffer is left for an answer. Replaces the content of
 * `answer`. */
void server_handle(struct mcu *m, struct bytes message, bool crowded,
	struct buf *answer, struct smp_effect *ret);

/* Forgets what lives in RAM: after a restart. */
void server_restart(struct mcu *m);

#endif
