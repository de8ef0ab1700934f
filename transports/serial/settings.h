/* What a serial line is set to, from text and into the kernel. Plain values, any
 * thread. The only file that knows termios is settings.c: rates that have no
 * constant need the kernel's own structure (termios2, BOTHER), which cannot be
 * included together with <termios.h>. */
#ifndef FERRY_SERIAL_SETTINGS_H
#define FERRY_SERIAL_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#define SERIAL_BAUD_MIN 50u
#define SERIAL_BAUD_MAX 12000000u

enum serial_parity { SERIAL_NONE, SERIAL_EVEN, SERIAL_ODD };
enum serial_flow { SERIAL_FLOW_NONE, SERIAL_RTSCTS, SERIAL_XONXOFF };

struct serial_settings {
	uint32_t baud;
	uint8_t data_bits;
	uint8_t stop_bits;
	enum serial_parity parity;
	enum serial_flow flow;
};

/* Takes one "key = value". 1: taken, 0: not a key of a line, -EINVAL: the value
 * is none of those allowed (then `s` is as before). */
int serial_settings_take(
	struct serial_settings *s, const char *key, const char *value);

/* "115200 8N1 rtscts" */
void serial_settings_text(
	const struct serial_settings *s, char *text, unsigned size);

/* Bits on the line for one byte, start and stop included. */
unsigned serial_bits_per_byte(const struct serial_settings *s);

/* What was there before, to be put back when a borrowed port is returned. */
struct serial_saved {
	uint8_t raw[64];
	bool there;
};

/* Makes the line raw, sets all of it, clears HUPCL. `ret_warning` gets a static
 * text or NULL: a PTY takes no parity and no 7 bits, which is no error there.
 * 0, -ENOTTY (not a serial line), -EINVAL (the hardware cannot), -errno. */
int serial_settings_apply(int fd, const struct serial_settings *s,
	const char **ret_warning);

int serial_settings_save(int fd, struct serial_saved *ret);
void serial_settings_restore(int fd, const struct serial_saved *saved);

#endif
