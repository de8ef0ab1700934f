/* The driver `zigbee` without a daemon and without an engine: an "empty" OTA
 * server that gives blocks of one file to whoever asks, as fast as the link
 * takes them. It is the measure for what the simulator, the line and the driver
 * can do, and it proves a stack by whole updates.
 *
 *   zigbee_probe FILE [OPTIONS] KEY=VALUE...
 *
 * KEY=VALUE are parameters of the driver (stack=znp port=/dev/...). Options:
 * --ends N (over when N devices have ended their download), --seconds S (give
 * up, preset 60), --notify MS (broadcast an Image Notify so often), --block N
 * (most bytes of data in an answer, preset 50), --ack (wait for APS
 * acknowledgements),
 * --peers (print them). Lines of JSON; exit 0 over, 1 given up, 2 usage. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

#include "transports/host.h"
#include "transports/zigbee/zigbee.h"

#define QUEUE_MAX 8192u
#define DONE_MAX 4096u
#define PARAMETERS_MAX 16u
#define HEADER 56u /* of an OTA file, as far as it is needed */
#define REPLY_SIZE 12u

enum command {
	NOTIFY = 0x00,
	QUERY = 0x01,
	QUERY_ANSWER = 0x02,
	BLOCK = 0x03,
	PAGE = 0x04,
	BLOCK_ANSWER = 0x05,
	END = 0x06,
	END_ANSWER = 0x07,
	DEFAULT_RESPONSE = 0x0b, /* of any cluster */
};

enum status {
	SUCCESS = 0x00,
	MALFORMED = 0x80,
	UNSUPPORTED = 0x81,
	NONE = 0x98
};

/* A request that waits for its answer. */
struct asked {
	uint8_t reply[FERRY_REPLY_MAX];
	uint8_t reply_len;
	uint8_t command, tsn, status, max;
	uint32_t offset;
};

struct probe {
	uv_loop_t loop;
	uv_timer_t over, notify;
	uv_signal_t stop;
	struct transport_driver *driver;
	struct transport *t;
	uint64_t link;

	uint8_t *file;
	size_t file_len;
	uint32_t version, size;
	uint8_t key[4]; /* manufacturer and image type, as on the air */

	unsigned long ends_wanted, seconds, notify_ms, block;
	bool ack, peers;
	struct ferry_kv kv[PARAMETERS_MAX];
	size_t kv_count;

	struct asked queue[QUEUE_MAX];
	size_t queue_at, queue_len, under_way;
	char done[DONE_MAX][FERRY_KEY_MAX + 1];
	size_t done_count;
	int exit_code;
	bool closing;
	uint64_t started_ns, first_ns, last_ns;
	uint64_t ups, downs, queries, blocks, bytes, ends, bad_ends, other,
		malformed, dropped, sent, failed, pages, peer_events;
};

static void pump(struct probe *p);
static void finish(struct probe *p, int code);

/* ---- answers ---- */

static void put_file_key(const struct probe *p, uint8_t *at)
{
	memcpy(at, p->key, 4);
	put_le32(at + 4, p->version);
}

static size_t put_query_answer(
	const struct probe *p, const struct asked *a, uint8_t *at)
{
	at[0] = a->status;
	if (a->status != SUCCESS)
		return 1;
	put_file_key(p, at + 1);
	put_le32(at + 9, p->size);
	return 13;
}

static size_t put_block(struct probe *p, const struct asked *a, uint8_t *at)
{
	size_t len = a->max < p->block ? a->max : p->block;

	if (a->offset >= p->size || !len) {
		at[0] = MALFORMED;
		return 1;
	}
	if (len > p->size - a->offset)
		len = p->size - a->offset;
	at[0] = SUCCESS;
	put_file_key(p, at + 1);
	put_le32(at + 9, a->offset);
	at[13] = (uint8_t)len;
	memcpy(at + 14, p->file + a->offset, len);
	p->blocks++;
	p->bytes += len;
	p->last_ns = uv_hrtime();
	if (!p->first_ns)
		p->first_ns = p->last_ns;
	return 14 + len;
}

static size_t put_end_answer(const struct probe *p, uint8_t *at)
{
	put_file_key(p, at);
	memset(at + 8, 0, 8); /* now */
	return 16;
}

static size_t write_answer(struct probe *p, const struct asked *a, uint8_t *at)
{
	bool global = a->command == PAGE ||
		      (a->command == END && a->status != SUCCESS);

	at[0] = global ? 0x18 : 0x19;
	at[1] = a->tsn;
	if (global) {
		at[2] = DEFAULT_RESPONSE;
		at[3] = a->command;
		at[4] = a->command == PAGE ? UNSUPPORTED : SUCCESS;
		return 5;
	}
	at[2] = (uint8_t)(a->command == QUERY	? QUERY_ANSWER
			  : a->command == BLOCK ? BLOCK_ANSWER
						: END_ANSWER);
	if (a->command == QUERY)
		return 3 + put_query_answer(p, a, at + 3);
	if (a->command == BLOCK)
		return 3 + put_block(p, a, at + 3);
	return 3 + put_end_answer(p, at + 3);
}

/* Only when the last answer has gone, too. */
static void finish_if_over(struct probe *p)
{
	if (p->ends_wanted && p->done_count >= p->ends_wanted &&
		!p->queue_len && !p->under_way)
		finish(p, 0);
}

static void on_sent(void *arg, const struct ferry_result *result)
{
	struct probe *p = arg;

	p->under_way--;
	if (result->status)
		p->failed++;
	else
		p->sent++;
	pump(p);
	finish_if_over(p);
}

static int send_answer(struct probe *p, const struct asked *a)
{
	uint8_t data[128];
	struct transport_send s = {
		.link = p->link,
		.until = p->ack ? FERRY_DELIVERED : FERRY_SENT,
		.reply = bytes_of(a->reply, a->reply_len),
		.deadline_ms = 60000,
	};

	int err;

	s.data = bytes_of(data, write_answer(p, a, data));
	err = transport_send(p->t, &s, on_sent, p, NULL);
	if (!err)
		p->under_way++;
	return err;
}

static void pump(struct probe *p)
{
	while (p->queue_len && p->link && !p->closing &&
		transport_room(p->t, p->link, 0) > 0) {
		if (send_answer(p, &p->queue[p->queue_at]))
			p->dropped++;
		p->queue_at = (p->queue_at + 1) % QUEUE_MAX;
		p->queue_len--;
	}
}

/* ---- requests ---- */

static bool is_ours(const struct probe *p, const uint8_t *at, size_t len)
{
	return len >= 4 && !memcmp(at, p->key, 4);
}

static void note_end(struct probe *p, const char *peer, unsigned status)
{
	size_t i;

	if (status != SUCCESS) {
		p->bad_ends++;
		return;
	}
	p->ends++;
	for (i = 0; i < p->done_count; i++)
		if (!strcmp(p->done[i], peer))
			return;
	if (p->done_count == DONE_MAX)
		return;
	snprintf(p->done[p->done_count++], FERRY_KEY_MAX + 1, "%s", peer);
}

/* Fills what the answer needs. False: the request is not one of ours. */
static bool read_request(struct probe *p, struct asked *a, const uint8_t *at,
	size_t len, const char *peer)
{
	switch (a->command) {
	case QUERY:
		if (len < 9)
			return false;
		p->queries++;
		a->status =
			is_ours(p, at + 1, 4) && get_le32(at + 5) != p->version
				? SUCCESS
				: NONE;
		return true;
	case BLOCK:
		if (len < 14 || !is_ours(p, at + 1, 4))
			return false;
		a->offset = get_le32(at + 9);
		a->max = at[13];
		return true;
	case PAGE:
		p->pages++;
		return true;
	case END:
		if (len < 9)
			return false;
		a->status = at[0];
		note_end(p, peer, a->status);
		return true;
	}
	return false;
}

static void on_message(void *arg, const struct ferry_message *m)
{
	struct probe *p = arg;
	struct asked a = {.tsn = 0};
	const uint8_t *at = m->data;
	size_t len = m->len, head;

	if (m->channel != 0 || len < 3 || (at[0] & 0x0b) != 0x01) {
		p->other++;
		return;
	}
	head = at[0] & 0x04 ? 5 : 3; /* with a manufacturer code */
	if (len < head || m->reply_len > sizeof(a.reply)) {
		p->malformed++;
		return;
	}
	a.tsn = at[head - 2];
	a.command = at[head - 1];
	a.reply_len = (uint8_t)m->reply_len;
	memcpy(a.reply, m->reply, m->reply_len);
	if (!read_request(p, &a, at + head, len - head, m->peer)) {
		p->malformed++;
		return;
	}
	if (p->queue_len == QUEUE_MAX) {
		p->dropped++;
		return;
	}
	p->queue[(p->queue_at + p->queue_len++) % QUEUE_MAX] = a;
	pump(p);
	finish_if_over(p);
}

/* ---- the link ---- */

static void print_text(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar((unsigned char)*text < 0x20 ? ' ' : *text);
	}
	putchar('"');
}

static void on_notified(void *arg, const struct ferry_result *result)
{
	(void)arg;
	(void)result;
}

static void on_notify(uv_timer_t *timer)
{
	static const uint8_t frame[] = {0x09 | 0x10, 0, NOTIFY, 0, 100};
	struct probe *p = timer->data;
	const struct transport_send s = {
		.link = p->link,
		.until = FERRY_SENT,
		.to = "all-awake",
		.data = bytes_of(frame, sizeof(frame)),
		.deadline_ms = 5000,
	};

	if (p->link)
		transport_send(p->t, &s, on_notified, p, NULL);
}

static void on_connected(void *arg, const struct ferry_result *result)
{
	struct probe *p = arg;

	if (result->status) {
		printf("{\"event\":\"refused\",\"status\":%d}\n",
			result->status);
		return;
	}
	p->link = result->link;
	if (p->notify_ms)
		uv_timer_start(&p->notify, on_notify, 50, p->notify_ms);
}

static void on_up(void *arg, const struct ferry_link *record)
{
	static const struct ferry_kv ota[] = {{"profile", "0x0104"},
		{"cluster", "0x0019"}, {"endpoint", "1"}, {"role", "server"}};
	static const struct ferry_kv basic[] = {{"profile", "0x0104"},
		{"cluster", "0x0000"}, {"endpoint", "1"}, {"role", "client"}};
	static const struct ferry_channel_spec channels[] = {
		{.kv = ota, .count = 4}, {.kv = basic, .count = 4}};
	const struct transport_connect c = {
		.channels = channels, .channel_count = 2, .deadline_ms = 5000};
	struct probe *p = arg;

	p->ups++;
	printf("{\"event\":\"up\",\"text\":");
	print_text(record->text);
	printf("}\n");
	fflush(stdout);
	if (!p->link)
		transport_connect(p->t, &c, on_connected, p, NULL);
}

static void on_down(void *arg, uint64_t link, int status, const char *text,
	int64_t restart_ms)
{
	struct probe *p = arg;

	if (link == p->link)
		p->link = 0;
	if (link)
		return;
	p->link = 0;
	p->queue_len = 0;
	p->downs++;
	uv_timer_stop(&p->notify);
	printf("{\"event\":\"down\",\"status\":%d,\"text\":", status);
	print_text(text ? text : "");
	printf(",\"restart_ms\":%" PRId64 "}\n", restart_ms);
	fflush(stdout);
}

static void on_peer(void *arg, const struct ferry_peer *peer)
{
	struct probe *p = arg;
	uint32_t i;

	p->peer_events++;
	if (!p->peers)
		return;
	printf("{\"event\":\"peer\",\"key\":\"%s\",\"flags\":%u", peer->key,
		peer->flags);
	for (i = 0; i < peer->attribute_count; i++)
		printf(",\"%s\":\"%s\"", peer->attributes[i].key,
			peer->attributes[i].value);
	printf("}\n");
	fflush(stdout);
}

static const struct transport_events events = {
	.on_up = on_up,
	.on_peer = on_peer,
	.on_message = on_message,
	.on_down = on_down,
};

/* ---- the end ---- */

static void on_closed(void *arg)
{
	struct probe *p = arg;

	uv_close((uv_handle_t *)&p->over, NULL);
	uv_close((uv_handle_t *)&p->notify, NULL);
	uv_close((uv_handle_t *)&p->stop, NULL);
}

static void print_counts(const struct probe *p)
{
	struct rusage use;
	double seconds = (double)(p->last_ns - p->first_ns) / 1e9;

	getrusage(RUSAGE_SELF, &use);
	printf("{\"event\":\"done\",\"ends\":%zu,\"all_ends\":%" PRIu64
	       ",\"bad_ends\":%" PRIu64 ",\"queries\":%" PRIu64
	       ",\"blocks\":%" PRIu64 ",\"bytes\":%" PRIu64
	       ",\"pages\":%" PRIu64 ",\"other\":%" PRIu64
	       ",\"malformed\":%" PRIu64 ",\"dropped\":%" PRIu64
	       ",\"sent\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"ups\":%" PRIu64
	       ",\"downs\":%" PRIu64 ",\"peers\":%" PRIu64,
		p->done_count, p->ends, p->bad_ends, p->queries, p->blocks,
		p->bytes, p->pages, p->other, p->malformed, p->dropped, p->sent,
		p->failed, p->ups, p->downs, p->peer_events);
	printf(",\"seconds\":%.3f,\"blocks_per_s\":%.1f,\"cpu_us\":%lld,"
	       "\"rss_kib\":%ld",
		seconds, seconds > 0 ? (double)p->blocks / seconds : 0.0,
		(long long)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) *
				1000000 +
			use.ru_utime.tv_usec + use.ru_stime.tv_usec,
		use.ru_maxrss);
}

static void on_stats(void *arg, const struct ferry_result *result)
{
	struct probe *p = arg;
	uint32_t i;

	print_counts(p);
	for (i = 0; result && !result->status && i < result->counter_count; i++)
		printf(",\"%s\":%" PRIu64, result->counters[i].name,
			result->counters[i].value);
	printf("}\n");
	fflush(stdout);
	transport_close(p->t, on_closed, p);
}

static void finish(struct probe *p, int code)
{
	if (p->closing)
		return;
	p->closing = true;
	p->exit_code = code;
	if (transport_stats(p->t, on_stats, p))
		on_stats(p, NULL);
}

static void on_over(uv_timer_t *timer)
{
	finish(timer->data, 1);
}

static void on_stop(uv_signal_t *signal, int number)
{
	(void)number;
	finish(signal->data, 0);
}

/* ---- the beginning ---- */

static int read_file(struct probe *p, const char *path)
{
	FILE *f = fopen(path, "rb");
	long len = -1;

	if (f && !fseek(f, 0, SEEK_END))
		len = ftell(f);
	if (len >= (long)HEADER && len <= 64 << 20) {
		rewind(f);
		p->file = malloc((size_t)len);
		p->file_len = p->file ? fread(p->file, 1, (size_t)len, f) : 0;
	}
	if (f)
		fclose(f);
	if (p->file_len < HEADER || get_le32(p->file) != 0x0beef11e)
		return -EINVAL;
	memcpy(p->key, p->file + 10, 4);
	p->version = get_le32(p->file + 14);
	p->size = get_le32(p->file + 52);
	return p->size <= p->file_len ? 0 : -EINVAL;
}

static int take_option(struct probe *p, const char *option, const char *value)
{
	const struct {
		const char *name;
		unsigned long *at;
	} numbers[] = {
		{"--ends", &p->ends_wanted},
		{"--seconds", &p->seconds},
		{"--notify", &p->notify_ms},
		{"--block", &p->block},
	};
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!strcmp(option, numbers[i].name) && value) {
			*numbers[i].at = strtoul(value, NULL, 10);
			return 2;
		}
	if (!strcmp(option, "--ack"))
		p->ack = true;
	else if (!strcmp(option, "--peers"))
		p->peers = true;
	else
		return -EINVAL;
	return 1;
}

static int take_parameter(struct probe *p, char *text)
{
	char *equals = strchr(text, '=');

	if (!equals || p->kv_count == PARAMETERS_MAX)
		return -EINVAL;
	*equals = 0;
	p->kv[p->kv_count++] = (struct ferry_kv){text, equals + 1};
	return 1;
}

static int take_arguments(struct probe *p, int argc, char **argv)
{
	int i = 2, n;

	if (argc < 3 || read_file(p, argv[1]))
		return -EINVAL;
	while (i < argc) {
		n = argv[i][0] == '-' ? take_option(p, argv[i], argv[i + 1])
				      : take_parameter(p, argv[i]);
		if (n < 0)
			return n;
		i += n;
	}
	return p->block >= 1 && p->block <= 64 ? 0 : -EINVAL;
}

static int open_all(struct probe *p)
{
	struct transport_config config = {
		.name = "probe",
		.kv = p->kv,
		.kv_count = p->kv_count,
		.restart_min_ms = 100,
		.restart_max_ms = 1000,
		.events = &events,
		.arg = p,
	};
	struct fault fault = {.code = 0};
	int err = transport_driver_admit(zigbee_driver(), &p->driver, &fault);

	config.driver = p->driver;
	if (!err)
		err = transport_open(&p->loop, &config, &p->t, &fault);
	if (err)
		fprintf(stderr, "zigbee_probe: %s: %s\n", fault.field,
			fault.rule);
	return err;
}

int main(int argc, char **argv)
{
	static struct probe p = {.seconds = 60, .block = 50};

	if (take_arguments(&p, argc, argv)) {
		fprintf(stderr, "usage: zigbee_probe FILE [OPTIONS] "
				"KEY=VALUE...\n");
		return 2;
	}
	uv_loop_init(&p.loop);
	uv_timer_init(&p.loop, &p.over);
	uv_timer_init(&p.loop, &p.notify);
	uv_signal_init(&p.loop, &p.stop);
	p.over.data = p.notify.data = p.stop.data = &p;
	if (open_all(&p))
		return 2;
	uv_timer_start(&p.over, on_over, p.seconds * 1000, 0);
	uv_signal_start(&p.stop, on_stop, SIGTERM);
	uv_run(&p.loop, UV_RUN_DEFAULT);
	transport_driver_free(p.driver);
	uv_loop_close(&p.loop);
	free(p.file);
	return p.exit_code;
}
