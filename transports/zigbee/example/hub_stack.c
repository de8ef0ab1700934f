/* The stack's end of zcl-socket, complete and small: a program to start from
 * when a hub's own ZigBee stack shall hand the OTA Upgrade cluster to Ferry.
 * Written from docs/zigbee.md alone, with nothing of Ferry.
 *
 *     hub_stack SOCKET
 *
 * The network is pretended: one lamp, which asks for a newer image every
 * second, takes it block by block, restarts and announces itself. In a real
 * stack, air_*() are what the radio does and lamp_*() do not exist. It serves
 * one gateway at a time until it gets SIGTERM. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PACKET_MAX 256
#define ASDU_MAX 82
#define WINDOW 4
#define SILENCE_MS 60000

/* ---- packets: a place that moves on ---- */

struct packet {
	uint8_t at[PACKET_MAX];
	size_t len; /* written, or there to be read */
	size_t pos; /* read */
};

static void put(struct packet *p, uint64_t value, unsigned len)
{
	while (len-- && p->len < PACKET_MAX) {
		p->at[p->len++] = (uint8_t)value;
		value >>= 8;
	}
}

static void put_bytes(struct packet *p, const void *at, size_t len)
{
	if (len > PACKET_MAX - p->len)
		return;
	memcpy(p->at + p->len, at, len);
	p->len += len;
}

/* The caller has checked the length of the packet. */
static uint64_t get(struct packet *p, unsigned len)
{
	uint64_t value = 0;
	unsigned i;

	for (i = 0; i < len && p->pos < p->len; i++)
		value |= (uint64_t)p->at[p->pos++] << (8 * i);
	return value;
}

/* ---- the gateway ---- */

static int listener = -1, gateway = -1;
static bool greeted;
static int64_t heard_ms;
static volatile sig_atomic_t stopping;

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void drop_gateway(const char *why)
{
	if (gateway < 0)
		return;
	printf("gateway gone: %s\n", why);
	fflush(stdout);
	close(gateway);
	gateway = -1;
	greeted = false;
}

/* False when the socket is full: the caller decides what that means. */
static bool say(const struct packet *p)
{
	if (gateway < 0)
		return false;
	return send(gateway, p->at, p->len, MSG_NOSIGNAL | MSG_DONTWAIT) ==
	       (ssize_t)p->len;
}

static void must_say(const struct packet *p)
{
	if (gateway >= 0 && !say(p))
		drop_gateway("it does not read");
}

/* ---- the pretended network ---- */

#define COORDINATOR 0x00124b00000000ffu
#define LAMP 0x00124b0000000001u
#define LAMP_NWK 0x1234u
#define LAMP_ENDPOINT 11
#define OTA 0x0019u
#define PROFILE 0x0104u
#define MANUFACTURER 0x1234u
#define IMAGE_TYPE 0x0102u

static struct lamp {
	uint32_t version, new_version, size, offset;
	int64_t ask_ms;	      /* when it asks again */
	uint8_t tsn, request; /* of what it asked last; 0xff: nothing */
	uint32_t sum;	      /* of the bytes that it got */
} lamp = {.version = 1, .request = 0xff};

static void say_network(void)
{
	struct packet p = {.len = 0};

	put(&p, 0x81, 1);
	put(&p, 1, 1);	  /* version */
	put(&p, 0x01, 1); /* up; airtime is not measured; no ZDO */
	put(&p, 15, 1);
	put(&p, WINDOW, 1);
	put(&p, ASDU_MAX, 1);
	put(&p, 0x1a62, 2);
	put(&p, COORDINATOR, 8);
	put(&p, 0xddddddddddddddddu, 8);
	put_bytes(&p, "example hub", 11);
	must_say(&p);
}

static void say_lamp(bool joined)
{
	struct packet p = {.len = 0};

	put(&p, 0x82, 1);
	put(&p, LAMP, 8);
	put(&p, LAMP_NWK, 2);
	put(&p, joined ? 0x05 : 0x04, 1); /* it does not sleep */
	must_say(&p);
}

static void say_listed(void)
{
	struct packet p = {.len = 0};

	say_lamp(false);
	put(&p, 0x83, 1);
	put(&p, 1, 2);
	must_say(&p);
}

static void confirm(uint32_t id, uint8_t result)
{
	struct packet p = {.len = 0};

	put(&p, 0x85, 1);
	put(&p, id, 4);
	put(&p, result, 1);
	put(&p, 0, 4); /* the radio's own status */
	put(&p, 0, 4); /* airtime: not measured */
	must_say(&p);
}

/* A frame came from the air: it goes to the gateway at once, whatever of the
 * gateway's own is still under way. When its socket is full it is dropped. */
static void air_heard(const uint8_t *asdu, size_t len)
{
	struct packet p = {.len = 0};

	put(&p, 0x84, 1);
	put(&p, LAMP_NWK, 2);
	put(&p, LAMP, 8);
	put(&p, PROFILE, 2);
	put(&p, OTA, 2);
	put(&p, LAMP_ENDPOINT, 1);
	put(&p, 1, 1);
	put(&p, 0, 1);		  /* unicast, network key */
	put(&p, 255, 1);	  /* lqi */
	put(&p, (uint8_t)-40, 1); /* rssi */
	put(&p, 0, 4);		  /* airtime */
	put_bytes(&p, asdu, len);
	if (greeted)
		say(&p);
}

/* ---- the lamp ---- */

/* Fields of the OTA cluster, behind the ZCL header. */
static void lamp_ask(uint8_t command, uint32_t version)
{
	struct packet p = {.len = 0};

	put(&p, 0x01, 1);
	put(&p, ++lamp.tsn, 1);
	put(&p, command, 1);
	put(&p, 0, 1); /* field control; of an end request: its status */
	put(&p, MANUFACTURER, 2);
	put(&p, IMAGE_TYPE, 2);
	put(&p, version, 4);
	if (command == 0x03) {
		put(&p, lamp.offset, 4);
		put(&p, 50, 1);
	}
	lamp.request = command;
	lamp.ask_ms = now_ms() + 1000;
	air_heard(p.at, p.len);
}

static void lamp_ask_on(void)
{
	if (!lamp.size)
		lamp_ask(0x01, lamp.version);
	else if (lamp.offset < lamp.size)
		lamp_ask(0x03, lamp.new_version);
	else
		lamp_ask(0x06, lamp.new_version);
}

static void lamp_offered(struct packet *z)
{
	if (get(z, 1) != 0 || z->len < 16)
		return;
	get(z, 4); /* manufacturer and type */
	lamp.new_version = (uint32_t)get(z, 4);
	lamp.size = (uint32_t)get(z, 4);
	lamp.offset = 0;
	lamp.sum = 0;
	lamp_ask_on();
}

static void lamp_took_block(struct packet *z)
{
	unsigned i, len;

	if (get(z, 1) != 0 || z->len < 17)
		return; /* it asks again later */
	get(z, 8);
	if (get(z, 4) != lamp.offset)
		return;
	len = (unsigned)get(z, 1);
	for (i = 0; i < len && lamp.offset < lamp.size; i++) {
		lamp.sum = lamp.sum * 31 + (uint8_t)get(z, 1);
		lamp.offset++;
	}
	lamp_ask_on();
}

static void lamp_restart(void)
{
	lamp.version = lamp.new_version;
	lamp.size = 0;
	lamp.request = 0xff;
	lamp.ask_ms = now_ms() + 1000;
	printf("lamp runs version %08x, sum %08x\n", lamp.version, lamp.sum);
	fflush(stdout);
	say_lamp(true);
}

/* Read Attributes: it knows CurrentFileVersion only. */
static void lamp_read(uint8_t tsn, struct packet *z)
{
	struct packet p = {.len = 0};
	unsigned attribute;

	put(&p, 0x18, 1);
	put(&p, tsn, 1);
	put(&p, 0x01, 1);
	while (z->len - z->pos >= 2 && p.len < 60) {
		attribute = (unsigned)get(z, 2);
		put(&p, attribute, 2);
		put(&p, attribute == 0x0002 ? 0x00 : 0x86, 1);
		if (attribute != 0x0002)
			continue;
		put(&p, 0x23, 1);
		put(&p, lamp.version, 4);
	}
	air_heard(p.at, p.len);
}

static void lamp_heard(struct packet *z)
{
	uint8_t control = (uint8_t)get(z, 1), tsn = (uint8_t)get(z, 1);
	uint8_t command = (uint8_t)get(z, 1);
	bool answer = tsn == lamp.tsn;

	if ((control & 3) == 0 && command == 0x00)
		lamp_read(tsn, z);
	if ((control & 3) != 1)
		return;
	if (command == 0x00)
		lamp_ask(0x01, lamp.version); /* notified */
	else if (command == 0x02 && answer && lamp.request == 0x01)
		lamp_offered(z);
	else if (command == 0x05 && answer && lamp.request == 0x03)
		lamp_took_block(z);
	else if (command == 0x07 && lamp.request == 0x06)
		lamp_restart();
}

/* ---- what the gateway says ---- */

/* A frame for the air. The real thing confirms when the acknowledgement came.
 */
static void on_send(struct packet *p)
{
	uint32_t id = (uint32_t)get(p, 4);
	unsigned nwk = (unsigned)get(p, 2), cluster;
	uint64_t eui64 = get(p, 8);
	struct packet z = {.len = 0};

	get(p, 2);
	cluster = (unsigned)get(p, 2);
	get(p, 4); /* endpoints, flags, radius */
	put_bytes(&z, p->at + p->pos, p->len - p->pos);
	if (z.len > ASDU_MAX) {
		confirm(id, 5);
	} else if (eui64 == LAMP || (eui64 == 0 && nwk == 0xfffd)) {
		confirm(id, 0);
		if (cluster == OTA && z.len >= 3)
			lamp_heard(&z);
	} else {
		confirm(id, 2);
	}
}

static void on_pong(struct packet *p)
{
	struct packet pong = {.len = 0};

	put(&pong, 0x05, 1);
	put_bytes(&pong, p->at + 1, 4);
	must_say(&pong);
}

static void on_hello(struct packet *p)
{
	if (greeted || p->len < 7 || memcmp(p->at + 1, "ZCLS", 4) != 0 ||
		p->at[5] != 1) {
		drop_gateway("its greeting does not fit");
		return;
	}
	greeted = true;
	say_network();
}

static void on_packet(struct packet *p)
{
	uint8_t type = (uint8_t)get(p, 1);

	heard_ms = now_ms();
	if (type == 0x01)
		on_hello(p);
	else if (!greeted)
		drop_gateway("it did not greet");
	else if (type == 0x02)
		say_listed();
	else if (type == 0x03 && p->len >= 24)
		on_send(p);
	else if (type == 0x04 && p->len >= 5)
		on_pong(p);
	else if (type == 0x03 || type == 0x04)
		drop_gateway("it sent a packet that is too short");
}

static void read_gateway(void)
{
	struct packet p = {.len = 0};
	uint8_t raw[PACKET_MAX + 1];
	ssize_t n = recv(gateway, raw, sizeof(raw), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || n > PACKET_MAX) {
		drop_gateway(n > 0 ? "a packet is too long" : "it hung up");
		return;
	}
	put_bytes(&p, raw, (size_t)n);
	on_packet(&p);
}

/* The new one counts. */
static void accept_gateway(void)
{
	int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		return;
	drop_gateway("another came");
	gateway = fd;
	greeted = false;
	heard_ms = now_ms();
	lamp.ask_ms = now_ms();
}

/* ---- the loop ---- */

static int listen_on(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(at.sun_path))
		return -1;
	strcpy(at.sun_path, path);
	unlink(path);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (listener < 0 ||
		bind(listener, (struct sockaddr *)&at, sizeof(at)) != 0 ||
		chmod(path, 0660) != 0 || listen(listener, 1) != 0)
		return -1;
	return 0;
}

static void turn(void)
{
	struct pollfd fds[2] = {
		{.fd = listener, .events = POLLIN},
		{.fd = gateway, .events = POLLIN},
	};

	if (poll(fds, 2, 50) < 0)
		return;
	if (gateway >= 0 && fds[1].revents)
		read_gateway();
	if (fds[0].revents)
		accept_gateway();
	if (gateway >= 0 && now_ms() - heard_ms > SILENCE_MS)
		drop_gateway("it is silent");
	if (greeted && now_ms() >= lamp.ask_ms)
		lamp_ask_on();
}

static void on_signal(int number)
{
	(void)number;
	stopping = 1;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: hub_stack SOCKET\n");
		return 2;
	}
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	if (listen_on(argv[1])) {
		perror(argv[1]);
		return 1;
	}
	printf("listening\n");
	fflush(stdout);
	while (!stopping)
		turn();
	drop_gateway("the stack ends");
	unlink(argv[1]);
	return 0;
}
