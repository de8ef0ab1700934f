/* The ZigBee OTA engine among scripted devices, on a virtual clock. Devices are
 * small OTA clients with switches for how they misbehave; the air between can
 * lose, and the host can be slow. Frames are read and written with the codec,
 * which has tests of its own. */
#ifndef FERRY_TESTS_ZIGBEE_BENCH_H
#define FERRY_TESTS_ZIGBEE_BENCH_H

#include "devices/engine.h"
#include "devices/zigbee_ota/file.h"
#include "devices/zigbee_ota/zigbee_ota.h"

#define BENCH_DEVICES 256
#define BENCH_IMAGE_MAX 20000
#define BENCH_LOG 64
#define BENCH_PARCELS 4096

#define BENCH_MANUFACTURER 0x1234
#define BENCH_TYPE 0x0102
#define BENCH_OLD 0x00000100u
#define BENCH_NEW 0x0a0b0c0du

/* A frame that the engine sent, or one that is under way to it. */
struct bench_frame {
	int64_t at_ms;
	unsigned device; /* BENCH_DEVICES: broadcast */
	unsigned channel;
	int until;
	bool has_reply;
	uint32_t airtime_us;
	size_t len;
	uint8_t data[ZCL_ASDU_MAX];
};

enum device_state {
	DEVICE_IDLE,
	DEVICE_QUERY, /* asked, no answer yet */
	DEVICE_BLOCKS,
	DEVICE_PAUSE, /* told to wait, or thinking */
	DEVICE_END,   /* all there, end request is out */
	DEVICE_COUNT_DOWN,
	DEVICE_AWAY,
};

struct device {
	char key[20];
	bool sleepy, silent; /* silent: never says a thing */
	uint16_t manufacturer, type;
	uint32_t version;
	bool has_hw;
	uint16_t hw;

	/* Switches. */
	bool ignores_notify, knows_no_wait, knows_no_read, announces_not;
	bool uses_pages, no_end, stays_old, stays_away, malformed, zero_after;
	bool refuses_notify; /* with a default response */
	bool any_key_asked, asks_twice, period_bit;
	uint8_t max_data, end_status;
	unsigned drop_answers; /* so many blocks never arrive */
	unsigned drop_nth;     /* every n-th frame to it is lost */
	unsigned drop_queries; /* so many of its queries are lost */
	unsigned stops_at;     /* silent from this offset on; 0 never */
	uint16_t becomes_type; /* after the update; 0: as it was */
	uint32_t becomes;      /* version after the update; 0: the new one */
	int64_t finish_ms;     /* between last block and End */
	int64_t restart_ms, think_ms;

	/* What is. */
	enum device_state state;
	uint8_t tsn;
	uint32_t offset, size, page_end;
	struct ota_key image;
	int64_t due_ms; /* next action or time-out */
	unsigned tries, received;
	uint8_t got[BENCH_IMAGE_MAX];

	/* What happened. */
	unsigned queries, blocks, waits, aborts, no_image, ends, notifies;
	unsigned restarts, bad, gave_up, check_ins, fast, stops, defaults;
	uint8_t last_default;
	uint32_t last_wait_s, last_upgrade_s;
	size_t shortest, longest;
};

struct bench_job {
	uint64_t job;
	unsigned device;
	unsigned stages; /* bits, announced */
	bool over;
	int64_t over_ms;
	enum engine_outcome outcome;
	struct engine_failure failure;
	struct engine_facts facts;
	enum engine_wait wait;
	unsigned waits;  /* bits */
	uint64_t progress, total;
	unsigned progresses;
	int pending; /* stage that waits for GO; -1 none */
	int64_t go_ms;
};

struct bench {
	struct engine *engine;
	int64_t now_ms, limit_ms;
	struct device devices[BENCH_DEVICES];
	unsigned count;
	uint8_t image[BENCH_IMAGE_MAX + 2048];
	size_t image_len; /* of the container */
	size_t image_at;  /* where the OTA file begins */
	struct engine_image want;

	/* Switches. */
	bool down;          /* no link */
	unsigned fail_nth;  /* every n-th send fails */
	unsigned fail_from, fail_count; /* the sends from this one on fail */
	int fail_status;
	uint32_t retry_after_ms;
	size_t image_part;  /* the host gives at most so many bytes at once */
	int image_status;
	int64_t image_ms;   /* the host needs so long for image bytes */
	int64_t sent_ms;    /* and so long until a send is reported */
	int64_t go_ms;      /* GO comes so much later */
	int go_at;          /* at this stage; -1 none */
	int stop_at;        /* no GO for this stage; -1 none */
	int withdraw_at;
	uint32_t budget_us; /* per second; 0: no limit */
	unsigned failed;    /* earlier runs of a job, as its offer says */
	unsigned reply_len; /* of the handles; preset 12 */

	/* What happened. */
	struct bench_job jobs[BENCH_DEVICES];
	unsigned job_count, over_count;
	struct bench_frame wire[BENCH_PARCELS]; /* to the engine */
	unsigned wire_count;
	struct bench_frame log[BENCH_LOG]; /* the newest sends, a ring */
	unsigned sends, broadcasts, peer_tells, facts_tells, most_places;
	char attributes[512]; /* of the newest PEER command */
	char facts_version[40];
	uint64_t airtime_us;
	uint64_t spent_us; /* in the present second */
	uint64_t most_us;  /* in any second */
	int64_t second_ms;
	uint8_t last_jitter;
	struct { int64_t at_ms; uint64_t id; uint32_t airtime_us; int status; }
		reports[64];
	struct { int64_t at_ms; uint64_t job, offset; size_t len; } needs[64];
};

/* `count` awake devices with the old version that an image of `len` bytes is
 * made for; the link is up and they are known to it. */
void bench_init(struct bench *b, unsigned count, size_t len,
	const char *options);
void bench_done(struct bench *b);

/* Puts the image into a container with bytes before and behind it. */
void bench_contain(struct bench *b, size_t before, size_t behind);
/* Gives the image a range of hardware versions, or another key. */
void bench_hardware(struct bench *b, uint16_t low, uint16_t high);

/* Opens an offer for the device; its job is 100 + device. */
void bench_offer(struct bench *b, unsigned device);
void bench_offer_as(struct bench *b, unsigned device, enum engine_goal goal,
	int reached, const char *options, bool allow_downgrade);
void bench_event(struct bench *b, const struct engine_event *e);
void bench_link(struct bench *b, bool up);
/* A new life of the gateway: a fresh engine, the same devices. */
void bench_restart(struct bench *b, const char *options);
void bench_peer(struct bench *b, unsigned device, bool joined);
void bench_quirks(struct bench *b, const char *source, const char *rows);

/* A frame of the device as it is; and what comes of it. */
void bench_rx(struct bench *b, unsigned device, unsigned channel,
	const uint8_t *data, size_t len);
void bench_rx_hex(struct bench *b, unsigned device, unsigned channel,
	const char *hex);
/* The n-th newest send, 0 the newest. */
const struct bench_frame *bench_log(const struct bench *b, unsigned n);

/* Goes on until all jobs are over, nothing is left to happen, or `until`. */
void bench_run(struct bench *b);
void bench_run_until(struct bench *b, int64_t until_ms);
void bench_query(struct bench *b, unsigned device);
void bench_check_in(struct bench *b, unsigned device);
struct bench_job *bench_job(struct bench *b, unsigned device);
/* Device has the whole image, byte for byte. */
bool bench_has_image(const struct bench *b, unsigned device);

#endif
