#include "transports/serial/settings.h"

#include <asm/termbits.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

_Static_assert(
	sizeof(struct termios2) <= sizeof(((struct serial_saved *)0)->raw),
	"room for what was set before");

static const struct {
	uint32_t baud;
	tcflag_t flag;
} rates[] = {
	{1200, B1200},
	{2400, B2400},
	{4800, B4800},
	{9600, B9600},
	{19200, B19200},
	{38400, B38400},
	{57600, B57600},
	{115200, B115200},
	{230400, B230400},
	{460800, B460800},
	{500000, B500000},
	{576000, B576000},
	{921600, B921600},
	{1000000, B1000000},
	{1152000, B1152000},
	{1500000, B1500000},
	{2000000, B2000000},
	{2500000, B2500000},
	{3000000, B3000000},
	{3500000, B3500000},
	{4000000, B4000000},
};

static int take_number(
	const char *value, uint32_t low, uint32_t high, uint32_t *ret)
{
	unsigned long number;
	char *end;

	if (value[0] < '0' || value[0] > '9')
		return -EINVAL;
	errno = 0;
	number = strtoul(value, &end, 10);
	if (errno || *end || number < low || number > high)
		return -EINVAL;
	*ret = (uint32_t)number;
	return 1;
}

static int take_word(const char *value, const char *const *words, unsigned *ret)
{
	unsigned i;

	for (i = 0; words[i]; i++)
		if (!strcmp(words[i], value)) {
			*ret = i;
			return 1;
		}
	return -EINVAL;
}

int serial_settings_take(
	struct serial_settings *s, const char *key, const char *value)
{
	static const char *const parities[] = {"none", "even", "odd", NULL};
	static const char *const flows[] = {"none", "rtscts", "xonxoff", NULL};
	uint32_t number = 0;
	unsigned word = 0;
	int got;

	if (!strcmp(key, "baud")) {
		return take_number(
			value, SERIAL_BAUD_MIN, SERIAL_BAUD_MAX, &s->baud);
	} else if (!strcmp(key, "data")) {
		got = take_number(value, 7, 8, &number);
		if (got > 0)
			s->data_bits = (uint8_t)number;
	} else if (!strcmp(key, "stop")) {
		got = take_number(value, 1, 2, &number);
		if (got > 0)
			s->stop_bits = (uint8_t)number;
	} else if (!strcmp(key, "parity")) {
		got = take_word(value, parities, &word);
		if (got > 0)
			s->parity = (enum serial_parity)word;
	} else if (!strcmp(key, "flow")) {
		got = take_word(value, flows, &word);
		if (got > 0)
			s->flow = (enum serial_flow)word;
	} else {
		got = 0;
	}
	return got;
}

void serial_settings_text(
	const struct serial_settings *s, char *text, unsigned size)
{
	static const char parities[] = "NEO";
	static const char *const flows[] = {"", " rtscts", " xonxoff"};

	snprintf(text, size, "%u %u%c%u%s", s->baud, s->data_bits,
		parities[s->parity], s->stop_bits, flows[s->flow]);
}

unsigned serial_bits_per_byte(const struct serial_settings *s)
{
	return 1u + s->data_bits + (s->parity != SERIAL_NONE) + s->stop_bits;
}

/* Standard rates by their constants, which a program at the other end of a PTY
 * can read; the rest by number. */
static void set_rate(struct termios2 *t, uint32_t baud)
{
	size_t i;
	tcflag_t flag = BOTHER;

	for (i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		if (rates[i].baud == baud)
			flag = rates[i].flag;
	t->c_cflag &= ~(tcflag_t)(CBAUD | CBAUDEX | (CBAUD << IBSHIFT));
	t->c_cflag |= flag;
	t->c_ispeed = baud;
	t->c_ospeed = baud;
}

static void set_raw(struct termios2 *t)
{
	t->c_iflag = IGNBRK;
	t->c_oflag = 0;
	t->c_lflag = 0;
	t->c_cflag &= ~(tcflag_t)(CSIZE | CSTOPB | PARENB | PARODD | CMSPAR |
				  CRTSCTS | HUPCL);
	t->c_cflag |= CLOCAL | CREAD;
	/* With 1 and O_NONBLOCK "nothing yet" is EAGAIN, so that 0 bytes can
	 * only mean that the line is gone. */
	t->c_cc[VMIN] = 1;
	t->c_cc[VTIME] = 0;
}

static void set_frame(struct termios2 *t, const struct serial_settings *s)
{
	t->c_cflag |= s->data_bits == 7 ? CS7 : CS8;
	if (s->stop_bits == 2)
		t->c_cflag |= CSTOPB;
	if (s->parity != SERIAL_NONE) {
		t->c_cflag |= PARENB;
		t->c_iflag |= INPCK;
	}
	if (s->parity == SERIAL_ODD)
		t->c_cflag |= PARODD;
	if (s->flow == SERIAL_RTSCTS)
		t->c_cflag |= CRTSCTS;
	if (s->flow == SERIAL_XONXOFF)
		t->c_iflag |= IXON | IXOFF;
}

static bool has_modem_lines(int fd)
{
	int lines;

	return ioctl(fd, TIOCMGET, &lines) == 0;
}

/* The kernel reports success even if it could not set everything. */
static int check_set(int fd, const struct termios2 *wanted,
	const struct serial_settings *s, const char **ret_warning)
{
	const tcflag_t frame = CSIZE | CSTOPB | PARENB | PARODD;
	struct termios2 now;

	if (ioctl(fd, TCGETS2, &now))
		return -errno;
	if ((now.c_cflag & frame) != (wanted->c_cflag & frame)) {
		if (has_modem_lines(fd))
			return -EINVAL;
		*ret_warning = "a PTY carries no parity and always 8 bits";
	}
	/* The rate that hardware can make is rarely exact; 5 % is too far. */
	if (now.c_ospeed && has_modem_lines(fd) &&
		(now.c_ospeed > s->baud + s->baud / 20 ||
			now.c_ospeed < s->baud - s->baud / 20))
		return -EINVAL;
	return 0;
}

int serial_settings_apply(
	int fd, const struct serial_settings *s, const char **ret_warning)
{
	struct termios2 t;

	*ret_warning = NULL;
	if (ioctl(fd, TCGETS2, &t))
		return -errno;
	set_raw(&t);
	set_frame(&t, s);
	set_rate(&t, s->baud);
	if (ioctl(fd, TCSETS2, &t)) {
		if (errno != EINVAL || has_modem_lines(fd))
			return -errno;
		*ret_warning = "a PTY carries no parity and always 8 bits";
		return 0;
	}
	return check_set(fd, &t, s, ret_warning);
}

int serial_settings_save(int fd, struct serial_saved *ret)
{
	struct termios2 t;

	if (ioctl(fd, TCGETS2, &t))
		return -errno;
	memcpy(ret->raw, &t, sizeof(t));
	ret->there = true;
	return 0;
}

void serial_settings_restore(int fd, const struct serial_saved *saved)
{
	struct termios2 t;

	if (!saved->there)
		return;
	memcpy(&t, saved->raw, sizeof(t));
	ioctl(fd, TCSETS2, &t);
}
