/* SMP on a serial console, the device's side: lines of base64 with markers,
 * length and CRC-16 (receiver and sender as in Zephyr). Sans-I/O.
 *
 * Receiving: feed bytes; at the end of each line the caller says whether the
 * line was taken (a real device has two line buffers and may have lost it).
 * Embedded in the device, console_done() frees; one thread. */
#ifndef FERRY_SIM_CONSOLE_H
#define FERRY_SIM_CONSOLE_H

#include "base/buf.h"

#define CONSOLE_LINE_MAX 128 /* Zephyr's line buffer, newline included */
#define CONSOLE_FRAGMENT 93  /* packet bytes of a full line */

uint16_t crc16_xmodem(const void *at, size_t len);

enum console_event {
	CONSOLE_NOTHING, /* the line was text, or more lines are to come */
	CONSOLE_MESSAGE, /* a whole message: console_message() */
	CONSOLE_DROPPED, /* line or packet thrown away in silence */
	CONSOLE_BAD_CRC,
};

struct console {
	uint8_t line[CONSOLE_LINE_MAX];
	size_t line_len;
	bool line_too_long;
	bool open;	   /* a packet has begun */
	struct buf packet; /* length, message, CRC; at most the buffer size */
};

/* `packet_max` is the server's buffer size. */
void console_init(struct console *c, size_t packet_max);
void console_done(struct console *c);
void console_reset(struct console *c);

/* Takes bytes up to and with the first newline. Returns how many were taken;
 * `ret_line_end` says whether a line has ended. */
size_t console_feed(struct console *c, struct bytes in, bool *ret_line_end);

/* Judges the line that has ended. `line_max` 127 or 128. */
enum console_event console_line(struct console *c, size_t line_max);

/* After CONSOLE_MESSAGE; until the next call. */
struct bytes console_message(const struct console *c);

struct console_style {
	bool short_line; /* the last line but one carries 4 characters less */
	bool noise;	 /* log text between the lines and before a marker */
	bool crlf;	 /* lines end in CR LF */
	bool damage;	 /* one character of the first line is wrong */
	uint32_t tick;	 /* for the text of the noise */
};

/* Appends the lines of `message` to `to`; failures stick there. */
void console_encode(struct bytes message, const struct console_style *style,
	struct buf *to);

#endif
