/* Sequences of modem lines as data: "rts=1 dtr=1 5ms dtr=0 100ms". Words are
 * dtr=0|1, rts=0|1, break=0|1 and a pause in ms; 1 is asserted. Words between
 * two pauses take effect at once and together. A sequence is plain data; a run of
 * it is a cursor that the caller moves on when the pause is over. */
#ifndef FERRY_SERIAL_LINES_H
#define FERRY_SERIAL_LINES_H

#include <stdbool.h>
#include <stdint.h>

#define LINES_STEPS_MAX 24u
#define LINES_PAUSE_MAX_MS 60000u /* all pauses together */

#define LINES_DTR 1u
#define LINES_RTS 2u
#define LINES_BREAK 4u

struct lines_step {
	uint8_t mask; /* which of LINES_* change */
	uint8_t on;   /* to what */
	uint16_t pause_ms; /* afterwards */
};

struct lines {
	uint32_t count;
	struct lines_step steps[LINES_STEPS_MAX];
};

/* 0 or -EINVAL; NULL and "" are an empty sequence. */
int serial_lines_parse(const char *text, struct lines *ret);

/* Puts one step on the line. 0; -ENOTTY: it has no such lines (a PTY, a
 * socket); -errno. */
int serial_lines_apply(int fd, const struct lines_step *step);

/* True if the descriptor has modem lines. */
bool serial_lines_exist(int fd);

#endif
