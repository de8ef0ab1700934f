/* The SMP engine on a real descriptor, without a daemon: opens a PTY or serial
 * line, gives the engine a job and GO at every stage, prints one line of JSON.
 *
 *   smp_probe LINE OPTIONS inventory
 *   smp_probe LINE OPTIONS update IMAGE SHA256 VERSION HASH [REACHED]
 *   smp_probe LINE OPTIONS update-until STAGE IMAGE SHA256 VERSION HASH
 *
 * LINE is opened again by its name when it hangs up. update-until ends without
 * a word to the device where that stage is announced. Exit 0 done, 1 any other
 * result, 2 usage, 3 stopped at the stage. */
#include "devices/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define JOB 1

struct probe {
	const struct engine_ops *ops;
	struct engine *engine;
	const char *line;
	int fd; /* -1: the line is gone */
	int image_fd;
	struct engine_image want;
	int stop_at;
	uint8_t out[65536]; /* not yet written */
	size_t out_len;
	int64_t first_ms, last_ms; /* of the transfer */
	uint64_t first_off;
	uint64_t offset;
	bool over;
	int status;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void send_event(struct probe *p, const struct engine_event *e)
{
	p->ops->event(p->engine, now_ms(), e);
}

static void open_line(struct probe *p)
{
	struct engine_event e = {.type = ENGINE_UP};
	struct termios t;

	p->fd = open(p->line, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (p->fd < 0)
		return;
	if (tcgetattr(p->fd, &t) == 0) {
		cfmakeraw(&t);
		cfsetspeed(&t, B115200);
		tcsetattr(p->fd, TCSANOW, &t);
		tcflush(p->fd, TCIFLUSH);
	}
	p->out_len = 0;
	send_event(p, &e);
}

static void lose_line(struct probe *p)
{
	struct engine_event e = {.type = ENGINE_DOWN};

	close(p->fd);
	p->fd = -1;
	send_event(p, &e);
}

static void give_image(struct probe *p, uint64_t off, size_t len)
{
	struct engine_event e = {.type = ENGINE_IMAGE};
	uint8_t data[8192];
	ssize_t n;

	n = pread(p->image_fd, data, len < sizeof(data) ? len : sizeof(data),
		(off_t)off);
	e.image.job = JOB;
	e.image.offset = off;
	if (n > 0)
		e.image.data = bytes_of(data, (size_t)n);
	else
		e.image.status = n < 0 ? -errno : -EIO;
	send_event(p, &e);
}

static void stage(struct probe *p, enum engine_stage stage)
{
	struct engine_event e = {.type = ENGINE_GO};

	if ((int)stage == p->stop_at) {
		p->over = true;
		p->status = 3;
		return;
	}
	e.go.job = JOB;
	e.go.stage = stage;
	send_event(p, &e);
}

static void result(struct probe *p, const struct engine_command *c)
{
	const struct engine_facts *f = c->result.facts;
	const struct engine_failure *why = c->result.failure;
	char hash[129];

	bytes_to_hex(bytes_of(f->hash, f->hash_len), hash, sizeof(hash));
	printf("{\"outcome\":\"%s\",\"code\":\"%s\",\"step\":\"%s\","
		"\"device_status\":\"%s\",\"hint\":\"%s\",\"version\":\"%s\","
		"\"hash\":\"%s\",\"confirmed\":%d,\"mode\":\"%s\","
		"\"can_revert\":%d,\"first_off\":%llu,\"transfer_ms\":%lld}\n",
		engine_outcome_name(c->result.outcome),
		why ? err_name(why->code) : "ok", why ? why->step : "",
		why ? why->device_status : "", why ? why->hint : "",
		f->version, hash, f->confirmed, f->mode, f->can_revert,
		(unsigned long long)p->first_off,
		(long long)(p->last_ms - p->first_ms));
	p->over = true;
	p->status = c->result.outcome == ENGINE_DONE ? 0 : 1;
}

static void progress(struct probe *p, uint64_t offset)
{
	if (p->offset == 0) {
		p->first_ms = now_ms();
		p->first_off = offset;
	}
	p->last_ms = now_ms();
	p->offset = offset;
}

static void command(struct probe *p, const struct engine_command *c)
{
	struct engine_event sent = {.type = ENGINE_SENT};

	switch (c->type) {
	case ENGINE_CMD_TX:
		memcpy(p->out + p->out_len, c->tx.data.at, c->tx.data.len);
		p->out_len += c->tx.data.len;
		send_event(p, &sent);
		return;
	case ENGINE_CMD_NEED_IMAGE:
		give_image(p, c->need_image.offset, c->need_image.len);
		return;
	case ENGINE_CMD_STAGE:
		stage(p, c->stage.stage);
		return;
	case ENGINE_CMD_PROGRESS:
		progress(p, c->progress.offset);
		return;
	case ENGINE_CMD_RESULT:
		result(p, c);
		return;
	case ENGINE_CMD_PEER:
	case ENGINE_CMD_WAIT:
	case ENGINE_CMD_LINE:
	case ENGINE_CMD_RECONNECT:
	case ENGINE_CMD_FACTS:
		return;
	}
}

/* Takes commands while what they may write fits. */
static void drain(struct probe *p)
{
	struct engine_command c;

	while (!p->over && sizeof(p->out) - p->out_len >= 16384 &&
			p->ops->next(p->engine, now_ms(), &c))
		command(p, &c);
}

static void write_some(struct probe *p)
{
	ssize_t n = write(p->fd, p->out, p->out_len);

	if (n > 0) {
		memmove(p->out, p->out + n, p->out_len - (size_t)n);
		p->out_len -= (size_t)n;
	} else if (n < 0 && errno != EAGAIN) {
		lose_line(p);
	}
}

static void read_some(struct probe *p)
{
	struct engine_event e = {.type = ENGINE_RX};
	uint8_t data[4096];
	ssize_t n = read(p->fd, data, sizeof(data));

	if (n > 0) {
		e.rx.data = bytes_of(data, (size_t)n);
		send_event(p, &e);
	} else if (n == 0 || errno != EAGAIN) {
		lose_line(p);
	}
}

static int wait_ms(const struct probe *p)
{
	int64_t at = p->ops->deadline(p->engine);
	int64_t left = at == ENGINE_NEVER ? 1000 : at - now_ms();

	if (p->fd < 0 && left > 50)
		left = 50;
	return left < 0 ? 0 : left > 1000 ? 1000 : (int)left;
}

static void turn(struct probe *p)
{
	struct engine_event e = {.type = ENGINE_TIME};
	struct pollfd f = {.fd = p->fd, .events = POLLIN};

	if (p->fd < 0)
		open_line(p);
	drain(p);
	if (p->over && p->out_len == 0)
		return;
	f.fd = p->fd;
	if (p->out_len)
		f.events |= POLLOUT;
	if (poll(&f, 1, wait_ms(p)) > 0) {
		if (f.revents & (POLLIN | POLLHUP | POLLERR))
			read_some(p);
		if (p->fd >= 0 && p->out_len && f.revents & POLLOUT)
			write_some(p);
	}
	send_event(p, &e);
	drain(p);
}

static int read_want(struct probe *p, char **arg)
{
	off_t len;

	p->image_fd = open(arg[0], O_RDONLY | O_CLOEXEC);
	len = p->image_fd < 0 ? -1 : lseek(p->image_fd, 0, SEEK_END);
	if (len < 0 || bytes_from_hex(arg[1], p->want.sha256, 32))
		return -1;
	p->want.len = (uint64_t)len;
	snprintf(p->want.version, sizeof(p->want.version), "%s", arg[2]);
	if (arg[3][0] && bytes_from_hex(arg[3], p->want.hash, 32))
		return -1;
	p->want.hash_len = arg[3][0] ? 32 : 0;
	return 0;
}

int main(int argc, char **argv)
{
	static struct probe p = {.fd = -1, .stop_at = -1, .status = 2};
	struct engine_event e = {.type = ENGINE_OFFER, .offer.job = JOB,
		.offer.reached = ENGINE_STAGE_NONE};
	bool until = argc > 3 && !strcmp(argv[3], "update-until");
	bool update = argc > 3 && (until || !strcmp(argv[3], "update"));
	struct fault f = {0};

	if (argc < 4 || (update && argc < 8 + until))
		return 2;
	if (update && read_want(&p, argv + 4 + until))
		return 2;
	if (until)
		p.stop_at = atoi(argv[4]);
	else if (update && argc > 8)
		e.offer.reached = atoi(argv[8]);
	e.offer.goal = update ? ENGINE_GOAL_UPDATE : ENGINE_GOAL_INVENTORY;
	e.offer.image = update ? &p.want : NULL;
	p.ops = engine_find("smp");
	p.line = argv[1];
	if (p.ops->create(argv[2], &p.engine, &f)) {
		fprintf(stderr, "%s: %s\n", f.field, f.rule);
		return 2;
	}
	open_line(&p);
	send_event(&p, &e);
	while (!p.over || (p.out_len && p.fd >= 0))
		turn(&p);
	p.ops->destroy(p.engine);
	if (p.fd >= 0)
		close(p.fd);
	return p.status;
}
