/* The least that can serve an OTA file over a Z-Stack coordinator: it says hello,
 * registers one endpoint, broadcasts an Image Notify and answers each request from
 * a table in memory, as a host must: one request of its own at a time at the
 * coordinator, and so many messages on their way as there are buffers. No driver,
 * no engine, no checks: the measure for what simulator and PTY can carry.
 *
 *   zigbee_responder PORT|tcp://HOST:PORT FILE [BUFFERS [NOTIFY_MS]]
 *
 * Runs until it gets SIGTERM. Prints "ready" when devices were told. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"

#define SOF 0xfe
#define QUEUE 4096u
#define BLOCK_MAX 50u
#define ANSWER_MAX (17u + BLOCK_MAX)

struct answer {
	uint16_t nwk;
	uint8_t endpoint;
	uint8_t len;
	uint8_t asdu[ANSWER_MAX];
};

struct responder {
	int fd;
	uint8_t *file;
	size_t file_len;
	unsigned buffers;
	uint8_t in[4096];
	size_t in_len;
	uint8_t out[1 << 16];
	size_t out_len;
	struct answer queue[QUEUE];
	size_t at, count;
	bool asking; /* a request at the coordinator has no answer */
	unsigned in_flight;
	uint8_t next;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

static void flush(struct responder *r)
{
	size_t done = 0;

	while (done < r->out_len) {
		ssize_t n = write(r->fd, r->out + done, r->out_len - done);

		if (n > 0) {
			done += (size_t)n;
		} else {
			struct pollfd p = {.fd = r->fd, .events = POLLOUT};

			poll(&p, 1, 100);
		}
	}
	r->out_len = 0;
}

static void say(struct responder *r, uint8_t type, uint8_t command,
	const uint8_t *data, size_t len)
{
	uint8_t *at = r->out + r->out_len;
	uint8_t fcs = 0;

	if (r->out_len + len + 5 > sizeof(r->out))
		return;
	at[0] = SOF;
	at[1] = (uint8_t)len;
	at[2] = type;
	at[3] = command;
	memcpy(at + 4, data, len);
	for (size_t i = 1; i < len + 4; i++)
		fcs ^= at[i];
	at[len + 4] = fcs;
	r->out_len += len + 5;
}

/* ---- answers ---- */

static void put_block(
	const struct responder *r, struct answer *a, const uint8_t *request)
{
	uint32_t offset = get_le32(request + 9);
	size_t len = request[13] < BLOCK_MAX ? request[13] : BLOCK_MAX;

	a->asdu[2] = 5;
	if (offset >= r->file_len) {
		a->asdu[3] = 0x80;
		a->len = 4;
		return;
	}
	if (len > r->file_len - offset)
		len = r->file_len - offset;
	a->asdu[3] = 0;
	memcpy(a->asdu + 4, r->file + 10, 8);
	put_le32(a->asdu + 12, offset);
	a->asdu[16] = (uint8_t)len;
	memcpy(a->asdu + 17, r->file + offset, len);
	a->len = (uint8_t)(17 + len);
}

/* The file's keys are where the header has them: 10 manufacturer, 12 type, 14
 * version. */
static void answer(struct responder *r, const uint8_t *m, size_t len)
{
	const uint8_t *asdu = m + 17;
	struct answer *a = &r->queue[(r->at + r->count) % QUEUE];

	if (len < 17 + 3 || m[2] != 0x19 || r->count == QUEUE ||
		m[16] < 12 || 17u + m[16] > len)
		return;
	a->nwk = get_le16(m + 4);
	a->endpoint = m[6];
	a->asdu[0] = 0x19;
	a->asdu[1] = asdu[1];
	if (asdu[2] == 1) {
		bool has = get_le32(asdu + 8) != get_le32(r->file + 14);

		a->asdu[2] = 2;
		a->asdu[3] = has ? 0 : 0x98;
		memcpy(a->asdu + 4, r->file + 10, 8);
		put_le32(a->asdu + 12, (uint32_t)r->file_len);
		a->len = has ? 16 : 4;
	} else if (asdu[2] == 3 && m[16] >= 17) {
		put_block(r, a, asdu + 3);
	} else if (asdu[2] == 6) {
		a->asdu[2] = 7;
		memcpy(a->asdu + 3, r->file + 10, 8);
		memset(a->asdu + 11, 0, 8);
		a->len = 19;
	} else {
		return;
	}
	r->count++;
}

static void send_next(struct responder *r)
{
	const struct answer *a = &r->queue[r->at];
	uint8_t d[10 + ANSWER_MAX];

	if (r->asking || r->count == 0 || r->in_flight >= r->buffers)
		return;
	put_le16(d, a->nwk);
	d[2] = a->endpoint;
	d[3] = 1;
	put_le16(d + 4, 0x0019);
	d[6] = r->next++;
	d[7] = 0;
	d[8] = 30;
	d[9] = a->len;
	memcpy(d + 10, a->asdu, a->len);
	say(r, 0x24, 0x01, d, 10u + a->len);
	r->asking = true;
	r->in_flight++;
	r->at = (r->at + 1) % QUEUE;
	r->count--;
}

/* ---- from the coordinator ---- */

static void frame(struct responder *r, const uint8_t *f)
{
	if (f[2] >> 5 == 3) {
		r->asking = false;
		if (f[2] == 0x64 && f[3] == 0x01 && f[4] != 0)
			r->in_flight--;
	} else if (f[2] == 0x44 && f[3] == 0x80) {
		r->in_flight -= r->in_flight > 0;
	} else if (f[2] == 0x44 && f[3] == 0x81) {
		answer(r, f + 4, f[1]);
	}
}

static bool read_frames(struct responder *r, int timeout_ms, int until)
{
	struct pollfd p = {.fd = r->fd, .events = POLLIN};
	size_t at = 0;
	bool found = false;
	ssize_t n;

	if (poll(&p, 1, timeout_ms) <= 0)
		return false;
	n = read(r->fd, r->in + r->in_len, sizeof(r->in) - r->in_len);
	if (n <= 0)
		return false;
	r->in_len += (size_t)n;
	while (r->in_len - at >= 5) {
		const uint8_t *f = r->in + at;

		if (f[0] != SOF) {
			at++;
			continue;
		}
		if (r->in_len - at < 5u + f[1])
			break;
		if ((f[2] << 8 | f[3]) == until)
			found = true;
		frame(r, f);
		send_next(r);
		at += 5u + f[1];
	}
	r->in_len -= at;
	memmove(r->in, r->in + at, r->in_len);
	flush(r);
	return found;
}

static int ask(struct responder *r, uint8_t type, uint8_t command,
	const uint8_t *data, size_t len, int until)
{
	int64_t end = now_ms() + 5000;

	say(r, type, command, data, len);
	flush(r);
	while (now_ms() < end)
		if (read_frames(r, 100, until))
			return 0;
	fprintf(stderr, "no answer to %02x %02x\n", type, command);
	return -ETIMEDOUT;
}

static int start(struct responder *r)
{
	static const uint8_t delay[] = {100, 0};
	static const uint8_t endpoint[] = {1, 0x04, 0x01, 0x05, 0x00, 0, 0, 3,
		0x00, 0x00, 0x0a, 0x00, 0x19, 0x00, 0};

	if (ask(r, 0x21, 0x01, NULL, 0, 0x6101) < 0 ||
		ask(r, 0x25, 0x40, delay, sizeof(delay), 0x45c0) < 0 ||
		ask(r, 0x24, 0x00, endpoint, sizeof(endpoint), 0x6400) < 0)
		return -1;
	r->asking = false;
	return 0;
}

static void notify(struct responder *r)
{
	uint8_t d[20 + 5] = {2, 0xfd, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0, 0, 1,
		0x19, 0x00, 0, 0, 30, 5, 0, 0x19, 0, 0, 0, 100};

	if (r->asking || r->in_flight >= r->buffers)
		return;
	d[15] = r->next++;
	r->asking = true;
	r->in_flight++;
	say(r, 0x24, 0x02, d, sizeof(d));
	flush(r);
}

static int load(struct responder *r, const char *path)
{
	FILE *f = fopen(path, "rb");

	r->file = malloc(4 << 20);
	if (!f || !r->file)
		return -1;
	r->file_len = fread(r->file, 1, 4 << 20, f);
	fclose(f);
	if (r->file_len < 56)
		return -1;
	if (get_le32(r->file + 52) < r->file_len)
		r->file_len = get_le32(r->file + 52);
	return 0;
}

static int open_tcp(const char *target)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	const char *colon = strrchr(target, ':');
	struct addrinfo *at;
	char host[64];
	int fd, on = 1;

	if (!colon || (size_t)(colon - target) >= sizeof(host))
		return -1;
	memcpy(host, target, (size_t)(colon - target));
	host[colon - target] = '\0';
	if (getaddrinfo(host, colon + 1, &hints, &at) != 0)
		return -1;
	fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) < 0) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(at);
	if (fd >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		fcntl(fd, F_SETFL, O_NONBLOCK);
	}
	return fd;
}

static int open_line(const char *path)
{
	struct termios line;
	int fd;

	if (strncmp(path, "tcp://", 6) == 0)
		return open_tcp(path + 6);
	fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && tcgetattr(fd, &line) == 0) {
		cfmakeraw(&line);
		tcsetattr(fd, TCSANOW, &line);
	}
	return fd;
}

int main(int argc, char **argv)
{
	static struct responder r;
	int64_t notify_ms, next;

	if (argc < 3) {
		fprintf(stderr, "usage: %s PORT FILE [BUFFERS [NOTIFY_MS]]\n",
			argv[0]);
		return 2;
	}
	r.buffers = argc > 3 ? (unsigned)atoi(argv[3]) : 16;
	notify_ms = argc > 4 ? atoi(argv[4]) : 3000;
	r.fd = open_line(argv[1]);
	if (r.fd < 0 || load(&r, argv[2]) < 0 || start(&r) < 0) {
		fprintf(stderr, "%s, %s: cannot start\n", argv[1], argv[2]);
		return 1;
	}
	next = now_ms();
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		if (now_ms() >= next) {
			notify(&r);
			next = now_ms() + notify_ms;
		}
		read_frames(&r, 100, 0);
		send_next(&r);
		flush(&r);
	}
}
