/* The window of an SMP upload: what to send next, and what an answer means.
 *
 * Holds offsets, sequence numbers and times, no bytes: the engine asks for the
 * next chunk, sends it and reports it; answers and time come back in. The
 * device's `off` is the truth: ahead of ours (resume), behind (something was
 * lost), rounded down (recovery servers write whole flash words) or 0 in
 * mid-upload (the device lost its record: first request again).
 *
 *   limit = max(1, buf_count - 1); start at the smaller of 2 and the limit;
 *   halved by a time-out or "no memory", one more after 32 good answers
 *
 * After a rewind nothing is sent until the requests that were under way have
 * been answered or given up: they repeat the same offset and take room on the
 * device. Embedded in the engine, no resources. */
#ifndef FERRY_DEVICES_SMP_UPLOAD_H
#define FERRY_DEVICES_SMP_UPLOAD_H

#include "devices/smp/codec.h"

#define SMP_WINDOW_MAX 8
#define SMP_FIRST_DATA_MIN 32 /* the image header, in the first request */

struct smp_upload_setup {
	uint64_t len;
	struct bytes sha;    /* of the file, borrowed as long as the upload */
	int64_t image;       /* < 0: left out */
	bool upgrade;
	bool can_resume;     /* false: `sha` is left out */
	size_t max_message;  /* header included */
	unsigned window;     /* limit, 1..SMP_WINDOW_MAX */
	unsigned align;      /* chunks end at multiples of it, 1 or more */
	uint32_t quiet_ms;   /* after a time-out (raw links) */
	uint32_t erase_ms;   /* patience for the first request */
	uint32_t answer_ms;  /* least patience for others */
	uint32_t last_ms;    /* for the last */
};

struct smp_flight {
	uint8_t seq;
	bool first;
	uint64_t off;
	uint64_t end;
	int64_t sent_ms;
};

enum smp_upload_state {
	SMP_UPLOAD_RUNS,
	SMP_UPLOAD_DONE,   /* the device has all bytes */
	SMP_UPLOAD_FAILED, /* `code` and `status` say why */
};

struct smp_upload {
	struct smp_upload_setup setup;
	enum smp_upload_state state;
	int code;
	struct smp_status status; /* of the last refusal */

	uint64_t acked; /* what the device has, by its word */
	uint64_t next;  /* start of the next chunk */
	uint64_t high;  /* end of what was sent since the last first request */
	bool need_first;
	bool draining;
	bool has_sha;
	bool resumed;
	bool worked; /* a chunk of the present size was taken */

	struct smp_flight flight[SMP_WINDOW_MAX];
	unsigned flights;
	unsigned window;
	unsigned good;

	int64_t pause_ms; /* nothing is sent before; INT64_MIN: no pause */
	int64_t rtt_ms;   /* smoothed; -1 unknown */
	int64_t rto_ms;

	unsigned strikes;  /* failures since the last progress */
	unsigned busy;     /* busy answers since then */
	unsigned jumps;    /* offsets that make no sense, in a row */
	unsigned restarts; /* first requests repeated by the device's wish */
	unsigned fresh;    /* uploads started over after damage */
	uint64_t repeated; /* bytes sent again */
};

/* Returns 0, or ERR_SMP_TOO_SMALL when no first request fits. */
int smp_upload_init(struct smp_upload *u, const struct smp_upload_setup *setup);

/* Forgets an upload and what the device had of it. */
void smp_upload_reset(struct smp_upload *u);

/* The next chunk, without its data (`ret_len` bytes of it), also while it may
 * not be sent yet, so that its bytes can be fetched. False: none is left. */
bool smp_upload_chunk(const struct smp_upload *u, struct smp_chunk *ret,
	size_t *ret_len);

bool smp_upload_may_send(const struct smp_upload *u, int64_t now_ms);

/* The chunk that smp_upload_chunk() described goes out under `seq`. */
void smp_upload_sent(struct smp_upload *u, uint8_t seq, int64_t now_ms);

/* True when a request of that number is under way. */
bool smp_upload_awaits(const struct smp_upload *u, uint8_t seq);

void smp_upload_answer(struct smp_upload *u, uint8_t seq,
	const struct smp_answer *answer, int64_t now_ms);

/* An answer came that cannot be read: as if it had been lost. */
void smp_upload_garbled(struct smp_upload *u, uint8_t seq, int64_t now_ms);

/* What is under way is given up at `at_ms` at the latest: it was not sent. */
void smp_upload_hurry(struct smp_upload *u, int64_t at_ms);

/* Looks at time-outs. True when one happened: requests were given up. */
bool smp_upload_time(struct smp_upload *u, int64_t now_ms);

/* When smp_upload_time() or smp_upload_may_send() may change; INT64_MAX. */
int64_t smp_upload_deadline(const struct smp_upload *u);

#endif
