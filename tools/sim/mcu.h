/* One simulated microcontroller without its line and its clock: flash, boot
 * state, the SMP server's memory, the counters. device.h adds time and line.
 * Embedded in the device; one thread. */
#ifndef FERRY_SIM_MCU_H
#define FERRY_SIM_MCU_H

#include "tools/sim/boot.h"
#include "tools/sim/switches.h"
#include "tools/sim/unseal.h"

/* X(field): counters of a device since ferry-sim started, as they appear in
 * `state` and in the file of --stats. */
#define COUNT_MAP(X)                                                           \
	X(requests)	    /* SMP requests understood as such */              \
	X(errors)	    /* answers that carried an error */                \
	X(payload_received) /* bytes of `data` in upload requests */           \
	X(payload_accepted) /* of these: written to flash */                   \
	X(payload_repeated) /* of these: below what had arrived before */      \
	X(uploads_started)                                                     \
	X(uploads_finished)                                                    \
	X(erases)                                                              \
	X(boots)                                                               \
	X(resets) /* by request */                                             \
	X(power_cuts)                                                          \
	X(unplugs)                                                             \
	X(swaps) /* images moved by the bootloader, reverts too */             \
	X(reverts)                                                             \
	X(refused_images)                                                      \
	X(max_outstanding) /* requests without an answer yet */                \
	X(bytes_in)                                                            \
	X(bytes_out)                                                           \
	X(lines_dropped)                                                       \
	X(bad_crc)                                                             \
	X(requests_dropped) /* no buffer was free, or the `loss` switch */     \
	X(answers_dropped)  /* the `loss` switch, or nobody read the line */

struct mcu_counts {
#define COUNT_FIELD(name) uint64_t name;
	COUNT_MAP(COUNT_FIELD)
#undef COUNT_FIELD
};

/* The one upload record of a server; in RAM. */
struct mcu_upload {
	bool open;
	bool foreign; /* another client has taken it over */
	uint8_t slot; /* image * 2 + slot */
	uint32_t off;
	uint32_t len;
	uint8_t sha_len;
	uint8_t sha[32];
};

struct mcu {
	struct flash flash;
	struct boot boot;
	struct switches sw;
	struct mcu_counts counts;
	struct mcu_upload upload;
	uint8_t active[FLASH_IMAGES_MAX];
	bool in_recovery;
	bool runs; /* an application, or the recovery server */
	uint32_t buf_size;
	uint32_t buf_count;
	uint32_t message_max; /* what fits a buffer under the line's framing */
	uint32_t alignment;   /* of flash writes in recovery */
	uint32_t random;      /* of reply styles; not 0 */
	uint32_t arrived; /* highest end of data of this upload, by offset */
	uint8_t arrived_sha[32];
	struct unseal unseal; /* what an upload goes through */
	const char *name; /* borrowed from the owner of the device */
};

/* What the next boot does with the running image, from its trailers. */
bool mcu_runs_unconfirmed(const struct mcu *m, unsigned image);

/* The buffers that count: 1 in recovery. */
uint32_t mcu_buffers(const struct mcu *m);

/* Size of one buffer, smaller with `tiny-buffer`. */
uint32_t mcu_buffer_size(const struct mcu *m);

/* Marks the running image as a test that nobody confirmed yet, and copies it
 * to the other slot as the image to go back to when that is empty. */
int mcu_make_unconfirmed(struct mcu *m);

/* Copies the running image of image 0 into the other slot. */
int mcu_copy_running(struct mcu *m);

#endif
