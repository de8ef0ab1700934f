/* A simulated device: a microcontroller (mcu.h), its power and its line.
 * Sans-I/O: bytes and time in, bytes and deadlines out. Times are nanoseconds
 * of any monotonic clock.
 *
 * The line has a speed: bytes given to device_rx() arrive one after the other
 * from then on, and what the device sends comes out of device_tx() when its
 * last byte would have left the wire. The owner does not give more bytes
 * before device_rx_free_at().
 *
 *     off -> (bootloader: swap) -> booting -> running | silent | dead
 *      ^            ^                            |
 *      | power cut  +-------- reset, watchdog ---+
 *
 * Embedded in its owner; device_open() to device_close(); one thread. */
#ifndef FERRY_SIM_DEVICE_H
#define FERRY_SIM_DEVICE_H

#include "tools/sim/console.h"
#include "tools/sim/mkimage.h"
#include "tools/sim/server.h"
#include "tools/sim/suit.h"

#define DEVICE_NAME_SIZE 64
#define DEVICE_REQUESTS_MAX 32
#define DEVICE_ANSWERS_MAX 64
#define DEVICE_WIRE_MAX 128
#define DEVICE_BUF_SIZE_MAX 8192
#define DEVICE_NEVER UINT64_MAX

enum device_framing { FRAMING_CONSOLE, FRAMING_RAW, FRAMING_DATAGRAM };

enum device_state {
	DEVICE_OFF,
	DEVICE_SWAPPING,
	DEVICE_BOOTING,
	DEVICE_RUNNING,
	DEVICE_SILENT, /* the image came up and does not answer */
	DEVICE_DEAD,   /* no bootable image */
};

/* All strings are borrowed for device_open(), but `name`, which is copied. */
struct device_setup {
	char name[DEVICE_NAME_SIZE];
	enum device_framing framing;
	enum boot_mode mode;
	uint32_t images;
	uint32_t slot_size;
	uint32_t hw;
	bool serial_recovery; /* dead or asked for: the bootloader serves */
	uint32_t baud;	      /* 0: no limit */
	uint64_t think_us;    /* for each request */
	uint64_t boot_us;
	uint64_t swap_us;
	uint64_t unplug_us; /* how long hot-unplug lasts */
	uint32_t buf_size;
	uint32_t buf_count;
	uint32_t alignment;
	uint32_t payload;	/* of datagrams */
	const char *flash_path; /* NULL: memory */
	bool suit; /* the bootloader takes SUIT envelopes with a MAC only */
	uint8_t suit_key[SUIT_KEY_LEN];
	struct unseal unseal;
	const char *image_path; /* first content of slot 0; NULL: `image` */
	struct mkimage image;
};

struct device_request {
	uint64_t at; /* when its last byte arrives */
	bool arrived;
	size_t len;
	uint8_t *bytes;
};

/* An answer on its way: message until `at`, then bytes on the wire. */
struct device_out {
	uint64_t at;
	size_t len;
	uint8_t *bytes;
};

struct device {
	char name[DEVICE_NAME_SIZE];
	struct mcu mcu;
	uint8_t suit_key[SUIT_KEY_LEN];
	enum device_state state;
	enum device_framing framing;
	bool serial_recovery;
	bool plugged;
	uint32_t baud;
	uint32_t payload;
	uint64_t think_ns, boot_ns, swap_ns, unplug_ns;

	/* What is to come; DEVICE_NEVER when nothing is. */
	uint64_t phase_at;   /* end of swap or boot */
	uint64_t restart_at; /* after a reset request */
	uint64_t watchdog_at;
	uint64_t power_on_at;
	uint64_t replug_at;
	bool restart_to_recovery;
	uint64_t swap_began;

	/* The line. */
	struct console console;
	struct buf assembly; /* raw and datagram framing */
	uint64_t rx_free_at, tx_free_at, last_rx_at;
	uint64_t line_buffer_busy[2];
	uint64_t cpu_free_at;
	unsigned request_count, answer_count, wire_count;
	struct device_request requests[DEVICE_REQUESTS_MAX];
	struct device_out answers[DEVICE_ANSWERS_MAX];
	struct device_out wire[DEVICE_WIRE_MAX];
	struct buf answer; /* scratch of the server */
};

/* Fills everything that has a default. */
void device_setup_init(struct device_setup *s);

/* Opens the flash, writes the first image into a fresh one, powers the device
 * on at `now`. The switches of `sw` count from the start (mode, framing and
 * images follow them). Returns 0 or -errno with the fault filled. */
int device_open(struct device *d, const struct device_setup *setup,
	const struct switches *sw, uint64_t now, struct fault *fault);
void device_close(struct device *d);

/* Bytes that the host has sent, or one datagram. */
void device_rx(struct device *d, uint64_t now, struct bytes in);
/* The link of a datagram peer is gone, and with it the piece of a message that
 * has arrived. */
void device_link_ended(struct device *d);
uint64_t device_rx_free_at(const struct device *d);

/* Does all that is due. */
void device_advance(struct device *d, uint64_t now);

/* When device_advance() or device_tx() have something to do next. */
uint64_t device_deadline(const struct device *d);

/* The next bytes (or datagram) that are out at `now`; empty when there are
 * none. They stay until device_tx_done(). */
struct bytes device_tx(const struct device *d, uint64_t now);
void device_tx_done(struct device *d);

/* Sets one switch of a device that is open. 0, -EINVAL with the fault, -EBUSY
 * when the switch counts only at the start. */
int device_switch(struct device *d, const char *text, struct fault *fault);

/* Cuts the power for `off_ns` (DEVICE_NEVER: until the next call with another
 * value). A swap stops in the middle. */
void device_power_cut(struct device *d, uint64_t now, uint64_t off_ns);

/* Takes the line away for `off_ns` (DEVICE_NEVER: until device_replug()); the
 * device itself keeps running. */
void device_unplug(struct device *d, uint64_t now, uint64_t off_ns);
void device_replug(struct device *d);

/* As by a reset button. */
void device_restart(struct device *d, uint64_t now);

const char *device_state_name(const struct device *d);

/* Between the files of the device only. */
bool device_loses(struct device *d);
void device_line_clear(struct device *d);
void device_line_init(struct device *d);
void device_line_done(struct device *d);
void device_put_answer(struct device *d, uint64_t at, struct bytes message);
void device_send_answer(struct device *d);
void device_power_on(struct device *d, uint64_t now);
void device_phase_ends(struct device *d, uint64_t now);

#endif
