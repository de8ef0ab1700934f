/* A scripted SMP server for the tests of the engine: two slots per image, the
 * decisions of a device in tables and switches, answers written by hand. It
 * holds every byte it is given against the image that was to be sent. One
 * thread; zeroed by its owner, then peer_init(). */
#ifndef FERRY_TESTS_SMP_PEER_H
#define FERRY_TESTS_SMP_PEER_H

#include "base/buf.h"
#include "devices/smp/codec.h"

#define PEER_IMAGE_MAX 65536

struct peer_slot {
	bool here;
	uint8_t hash[32];
	char version[16];
	bool pending, permanent, confirmed;
};

struct peer {
	/* Switches; 0 is an ordinary modern server. */
	int only_version;    /* 1: answers v1, flat; 2: refuses v1 with 12 */
	bool ret_map;        /* errors under `ret` */
	bool odd_cbor;       /* indefinite, shuffled, unknown keys, rc 0 */
	bool flat;           /* errors flat under v2 too, rc 0 in success */
	bool no_params, no_mode, no_state, no_mark, no_echo;
	size_t buf_size;     /* preset 384 */
	unsigned buf_count;  /* preset 4 */
	int64_t mode;        /* preset 1: swap using scratch */
	int64_t erase_ms;
	unsigned busy;       /* so many upload answers are rc 10 */
	unsigned no_memory;  /* so many are rc 2 */
	unsigned drop_request_nth, drop_answer_nth; /* every n-th; 0 none */
	unsigned late_nth;   /* every n-th answer comes late_ms late */
	int64_t late_ms;
	bool wrong_seq;      /* an answer of another number before each */
	uint64_t rewind_at;  /* once: forgets rewind_by bytes (preset 64) */
	uint64_t rewind_by;
	uint64_t restart_at; /* loses the record when it gets here, n times */
	unsigned restarts;
	uint64_t foreign_at; /* from here on answers another client's offset */
	unsigned align;      /* rounds off down; recovery */
	bool in_place;       /* upload goes to slot 0, no resume; recovery */
	unsigned match;      /* 0 no key, 1 true, n false n - 1 times */
	int64_t upload_err;  /* group error of every first request */
	int64_t upload_rc;   /* the same, flat */
	int64_t mark_err;
	bool reverts, refuses_boot, other_boot, overwrite;
	unsigned reset_refused; /* rc 10 so many times, unless forced */
	bool reset_silent, reset_ignored_once;
	bool frugal;
	bool dies_at_reset;  /* never answers again */
	bool forgets_state_after_reset;
	int64_t boot_ms;     /* preset 1000 */
	unsigned images;     /* 1; 2: image 1 has its own two slots */
	size_t max_request;  /* longer ones are lost in silence; 0 none */

	/* What it is. */
	struct peer_slot slot[4];
	unsigned active[2];
	const uint8_t *image;
	size_t image_len;
	int64_t now_ms;
	int64_t away_until_ms;
	bool is_away; /* for ever */

	/* The upload record. */
	bool open;
	uint64_t off, len;
	uint8_t sha[32];
	uint8_t head[64]; /* the hash stands at 32 */
	unsigned upload_image;

	/* What happened. */
	unsigned requests, uploads, firsts, resets, marks, confirms;
	unsigned bad_bytes, outstanding_max, upload_max_message;
	uint64_t payload; /* bytes of data in all requests */
	unsigned with_sha;
	unsigned writes; /* requests that would change the device */
};

void peer_init(struct peer *p);

/* As by its reset pin. */
void peer_restart(struct peer *p, int64_t now_ms);

/* Handles one request. True: `ret` holds the answer, to be delivered at
 * `ret_at_ms`. */
bool peer_take(struct peer *p, struct bytes request, int64_t now_ms,
	struct buf *ret, int64_t *ret_at_ms);

#endif
