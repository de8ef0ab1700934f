/* SMP messages: header, requests, answers (mcumgr's os and image groups).
 *
 * Requests are written into a buffer, definite and shortest. Answers are read
 * with the wire profile of the CBOR reader, whatever shape the server gives
 * them: keys in any order, unknown keys, indefinite lengths, errors as `rc`,
 * `err` or `ret`. Strings of an answer are copied or point into the message. No
 * state; any thread. */
#ifndef FERRY_DEVICES_SMP_CODEC_H
#define FERRY_DEVICES_SMP_CODEC_H

#include "base/buf.h"
#include "base/err.h"
#include "devices/smp/frame.h"

enum smp_op { SMP_READ = 0, SMP_WRITE = 2 }; /* the answer is one more */

enum smp_group { SMP_GROUP_OS = 0, SMP_GROUP_IMAGE = 1 };

enum smp_os { SMP_OS_ECHO = 0, SMP_OS_RESET = 5, SMP_OS_PARAMS = 6,
	SMP_OS_BOOTLOADER = 8 };

enum smp_image { SMP_IMAGE_STATE = 0, SMP_IMAGE_UPLOAD = 1 };

struct smp_header {
	uint8_t version; /* 0 or 1: SMP version 1 or 2 */
	uint8_t op;
	uint8_t seq;
	uint8_t id;
	uint16_t group;
};

/* Reads the header; the body must be exactly as long as it says.
 * Returns 0 or ERR_SMP_ANSWER. */
int smp_header_read(struct bytes message, struct smp_header *ret,
	struct bytes *ret_body);

/* Each writes one whole message into `b`, which it empties first; b->err tells
 * of failure. */
void smp_put_plain(struct buf *b, const struct smp_header *h); /* body {} */
void smp_put_echo(struct buf *b, const struct smp_header *h, size_t len);
void smp_put_mode(struct buf *b, const struct smp_header *h);
void smp_put_reset(struct buf *b, const struct smp_header *h, bool force);
/* Empty `hash`: the running image. */
void smp_put_state(struct buf *b, const struct smp_header *h,
	struct bytes hash, bool confirm);

/* One upload request. The fields from `len` on stand in the first one only. */
struct smp_chunk {
	uint64_t off;
	struct bytes data;
	bool first;
	uint64_t len;
	struct bytes sha; /* empty: left out */
	int64_t image;    /* < 0: left out */
	bool upgrade;     /* false: left out */
};

void smp_put_upload(struct buf *b, const struct smp_header *h,
	const struct smp_chunk *chunk);

/* How many bytes of data fit a request of at most `max_message` bytes, header
 * included; `chunk->data` is not looked at. 0 when none does. */
size_t smp_upload_room(const struct smp_chunk *chunk, size_t max_message);

/* An error as the device gave it. */
struct smp_status {
	bool failed;
	int32_t group; /* -1: flat `rc`, the general table */
	int64_t rc;
	char reason[40]; /* `rsn`, printable; "" none */
};

#define SMP_SLOTS_MAX 8 /* entries beyond are passed over */

struct smp_slot {
	uint32_t image;
	uint32_t slot;
	char version[40];
	uint8_t hash[64];
	uint8_t hash_len;
	bool bootable;
	bool pending;
	bool confirmed;
	bool active;
	bool permanent;
};

struct smp_answer {
	struct smp_status status;
	bool has_rc; /* a success that says rc 0 */
	bool has_off;
	bool has_match;
	bool match;
	bool has_buf_size;
	bool has_mode;
	bool has_images;
	uint64_t off;
	uint64_t buf_size;
	uint64_t buf_count; /* 1 when it is not told */
	int64_t mode;
	struct bytes echo; /* points into the message */
	struct smp_slot slots[SMP_SLOTS_MAX];
	size_t slot_count;
};

/* Reads the body of any answer. Returns 0 or ERR_SMP_ANSWER with a fault that
 * names the key. */
int smp_answer_read(struct bytes body, struct smp_answer *ret,
	struct fault *f);

/* What an error means for the request that got it (tables of the image group
 * and the general ones, flat and grouped). */
enum smp_verdict {
	SMP_OK,
	SMP_NO_MEMORY,   /* fewer requests at a time */
	SMP_BUSY,        /* the same again after a pause */
	SMP_TIMED_OUT,
	SMP_TOO_LARGE,   /* smaller requests */
	SMP_UNSUPPORTED,
	SMP_VERSION_OLD,
	SMP_VERSION_NEW,
	SMP_BAD_STATE,   /* flat: no free slot, downgrade or pending */
	SMP_NO_SLOT,
	SMP_IS_PENDING,
	SMP_DOWNGRADE,
	SMP_TEST_ACTIVE, /* test of the image that runs */
	SMP_REFUSED,     /* final: this image will never do */
	SMP_OTHER,
};

enum smp_verdict smp_status_judge(const struct smp_status *status);

/* "rc 6 bad state", "group 1 rc 30 image too large: <reason>". */
char *smp_status_text(const struct smp_status *status, char *text, size_t size);

#endif
