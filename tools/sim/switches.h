/* The switches of a simulated device: each makes it behave like some real
 * server, bootloader or line that has hurt a client. docs/simulator.md says
 * what each does; this list is the only one.
 *
 * Text form: NAME, NAME=VALUE, NAME=VALUE/EVERY, with :TIMES behind, or
 * NAME=off. A duration without unit is in milliseconds (us, ms, s). Embedded in
 * the device; one thread. */
#ifndef FERRY_SIM_SWITCHES_H
#define FERRY_SIM_SWITCHES_H

#include "base/err.h"
#include "base/bytes.h"

/* How the value is read. EVERY: the n-th occasion, again and again. */
enum switch_kind {
	SWITCH_FLAG,
	SWITCH_NUMBER,
	SWITCH_DURATION, /* kept in microseconds */
	SWITCH_EVERY,
	SWITCH_CBOR,	 /* indefinite+shuffled+unknown+rc0 */
	SWITCH_FINISHED, /* over or match */
	SWITCH_ERROR,	 /* [upload.|state.|erase.]CODE */
};

/* When it can be set. A switch of the build shapes flash, framing or
 * bootloader, so it counts only before the device first starts. */
enum switch_when { SWITCH_ANY_TIME, SWITCH_AT_START };

enum {
	CBOR_STYLE_INDEFINITE = 1,
	CBOR_STYLE_SHUFFLED = 2,
	CBOR_STYLE_UNKNOWN = 4,
	CBOR_STYLE_RC0 = 8,
	CBOR_STYLE_ALL = 15,
};

/* X(id, name, kind, value without "=", times without ":", when) */
#define SWITCH_MAP(X)                                                          \
	X(V1_ONLY, "v1-only", FLAG, 1, 0, ANY_TIME)                            \
	X(V2_RET, "v2-ret", FLAG, 1, 0, ANY_TIME)                              \
	X(NO_V1, "no-v1", FLAG, 1, 0, ANY_TIME)                                \
	X(CBOR, "cbor", CBOR, CBOR_STYLE_ALL, 0, ANY_TIME)                     \
	X(NO_PARAMS, "no-params", FLAG, 1, 0, ANY_TIME)                        \
	X(TINY_BUFFER, "tiny-buffer", NUMBER, 256, 0, ANY_TIME)                \
	X(TINY_ANSWERS, "tiny-answers", FLAG, 1, 0, ANY_TIME)                  \
	X(SLOW_ERASE, "slow-erase", DURATION, 2000000, 0, ANY_TIME)            \
	X(BUSY, "busy", EVERY, 3, 0, ANY_TIME)                                 \
	X(LOSS, "loss", EVERY, 7, 0, ANY_TIME)                                 \
	X(LATE, "late", DURATION, 3000000, 0, ANY_TIME)                        \
	X(WRONG_SEQ, "wrong-seq", EVERY, 1, 0, ANY_TIME)                       \
	X(WINDOW_LIMIT, "window-limit", NUMBER, 0, 0, ANY_TIME)                \
	X(REWIND, "rewind", EVERY, 10, 0, ANY_TIME)                            \
	X(RESTART, "restart", EVERY, 10, 1, ANY_TIME)                          \
	X(RESUME, "resume", FLAG, 1, 0, ANY_TIME)                              \
	X(FOREIGN_UPLOAD, "foreign-upload", EVERY, 10, 1, ANY_TIME)            \
	X(FINISHED, "finished", FINISHED, 1, 0, ANY_TIME)                      \
	X(MATCH, "match", FLAG, 1, 0, ANY_TIME)                                \
	X(MATCH_FALSE, "match-false", EVERY, 1, 0, ANY_TIME)                   \
	X(RECOVERY, "recovery", NUMBER, 4, 0, AT_START)                        \
	X(IMAGE_ERRORS, "image-errors", ERROR, 9, 1, ANY_TIME)                 \
	X(NO_FREE_SLOT, "no-free-slot", FLAG, 1, 0, ANY_TIME)                  \
	X(DOWNGRADE, "downgrade", FLAG, 1, 0, ANY_TIME)                        \
	X(TEST_CONFIRM, "test-confirm", DURATION, 2000000, 0, ANY_TIME)        \
	X(REVERT, "revert", DURATION, 1500000, 0, ANY_TIME)                    \
	X(SELF_REVERT, "self-revert", DURATION, 3000000, 0, ANY_TIME)          \
	X(NO_REVERT, "no-revert", FLAG, 1, 0, AT_START)                        \
	X(DIRECT_XIP, "direct-xip", FLAG, 1, 0, AT_START)                      \
	X(SAME_HASH, "same-hash", FLAG, 1, 0, ANY_TIME)                        \
	X(BAD_IMAGE, "bad-image", FLAG, 1, 0, ANY_TIME)                        \
	X(FRUGAL, "frugal", FLAG, 1, 0, ANY_TIME)                              \
	X(TWO_IMAGES, "two-images", FLAG, 1, 0, AT_START)                      \
	X(RESET_REFUSED, "reset-refused", FLAG, 1, 0, ANY_TIME)                \
	X(RESET_SILENT, "reset-silent", FLAG, 1, 0, ANY_TIME)                  \
	X(NOISE, "noise", NUMBER, 1, 0, ANY_TIME)                              \
	X(LINE_LIMITS, "line-limits", DURATION, 0, 0, ANY_TIME)                \
	X(CRC_FLIP, "crc-flip", EVERY, 11, 0, ANY_TIME)                        \
	X(SHORT_LINE, "short-line", FLAG, 1, 0, ANY_TIME)                      \
	X(RAW_UART, "raw-uart", FLAG, 1, 0, AT_START)                          \
	X(HOT_UNPLUG, "hot-unplug", EVERY, 10, 1, ANY_TIME)                    \
	X(BLE_NO_REASSEMBLY, "ble-no-reassembly", FLAG, 1, 0, ANY_TIME)        \
	X(NO_ECHO, "no-echo", FLAG, 1, 0, ANY_TIME)                            \
	X(NO_STATE, "no-state", FLAG, 1, 0, ANY_TIME)                          \
	X(NO_SLOT_INFO, "no-slot-info", FLAG, 1, 0, ANY_TIME)                  \
	X(NO_BOOTLOADER_INFO, "no-bootloader-info", FLAG, 1, 0, ANY_TIME)

enum switch_id {
#define SWITCH_ENUM(id, ...) SW_##id,
	SWITCH_MAP(SWITCH_ENUM)
#undef SWITCH_ENUM
		SW_COUNT
};

struct switch_state {
	bool on;
	uint64_t value;
	uint32_t scope; /* of image-errors: id of the command + 1, 0 = any */
	uint32_t every;
	uint32_t times; /* 0: without end */
	uint32_t seen;
	uint32_t fired;
};

struct switches {
	struct switch_state s[SW_COUNT];
};

/* One of a table of switches; other kinds of devices have tables of their own. */
struct switch_row {
	const char *name;
	enum switch_kind kind;
	uint64_t value;
	uint32_t times;
	enum switch_when when;
};

/* Reads one text form by a table. Returns 0 or -EINVAL with the fault. */
int switch_read(const struct switch_row *rows, int count, const char *text,
	int *ret_id, struct switch_state *ret, struct fault *fault);

/* Counts one occasion and says whether the switch acts on it. */
bool switch_state_fires(struct switch_state *one);

/* All off, but `resume`. */
void switches_init(struct switches *s);

/* Reads one text form. `ret_id` may be NULL. Returns 0 or -EINVAL with the
 * fault. An old value and its counts are forgotten. */
int switches_set(struct switches *s, const char *text, enum switch_id *ret_id,
	struct fault *fault);

const char *switch_name(enum switch_id id);
enum switch_when switch_when(enum switch_id id);

static inline bool switch_is_on(const struct switches *s, enum switch_id id)
{
	return s->s[id].on;
}

static inline uint64_t switch_value(const struct switches *s, enum switch_id id)
{
	return s->s[id].value;
}

/* As switch_state_fires(). */
bool switch_fires(struct switches *s, enum switch_id id);

/* A number of at most 32 bits, decimal or with 0x. Returns 0 or -EINVAL. */
int word_parse(const char *text, uint64_t *ret);

/* "1500ms", "2s", "250us", "40": to microseconds; a bare number is in ms.
 * Returns 0 or -EINVAL; at most one day. */
int duration_parse(const char *text, uint64_t *ret_us);

/* A decimal number from 0 to `max`. Returns 0 or -EINVAL. */
int number_parse(const char *text, uint64_t max, uint64_t *ret);

#endif
