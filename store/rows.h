/* What the databases keep, as plain rows.
 *
 * Rows are filled by the caller (zero them first), copied by the commit
 * builder of store/db.h and given back by its loads. Texts are UTF-8, end in
 * NUL inside their array and hold no other NUL; a text that is not closed is
 * refused. Times are milliseconds since 1970 UTC (`_ms`), 0 for never. Numbers
 * that are compared as floors use all 64 bits. No code, no state; any thread.
 *
 * Sizes of texts count the NUL. */
#ifndef FERRY_STORE_ROWS_H
#define FERRY_STORE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROW_NAME_SIZE 65    /* ids and names: device, vendor, class, link */
#define ROW_PEER_SIZE 129   /* address of a peer on its link */
#define ROW_VERSION_SIZE 65 /* version text */
#define ROW_STATE_SIZE 25   /* "transferring" */
#define ROW_WORD_SIZE 33    /* "approved", "enrol", "passed" */
#define ROW_COMPONENT_SIZE                                                     \
	97		       /* component id in the caller's canonical text  \
				*/
#define ROW_NOTE_SIZE 257      /* sentences for people */
#define ROW_EXPECT_SIZE 769
#define ROW_EVIDENCE_SIZE 1025 /* JSON */
#define ROW_ETAG_SIZE 129
#define ROW_DIGEST_LEN 32 /* SHA-256 */
#define ROW_ATTRIBUTES_MAX 382
#define ROW_HASH_MAX 64	  /* a digest that a device reports */
#define ROW_REPORT_MAX 2048
#define ROW_ROOT_MAX 65536
#define ROW_NUMBER_LEN 20 /* cRLNumber, RFC 5280 section 5.2.3 */

/* ---- state.db ---- */

/* One enrolled child. Key: id. */
struct device_row {
	char id[ROW_NAME_SIZE];
	char vendor[ROW_NAME_SIZE];
	char class_name[ROW_NAME_SIZE];
	char link[ROW_NAME_SIZE];
	char peer[ROW_PEER_SIZE];
	int64_t enrolled_ms;
	char enrolled_by[ROW_NAME_SIZE];
	char hw_revision[ROW_VERSION_SIZE];
	/* Last read back from the device itself; read_ms says when. */
	char version[ROW_VERSION_SIZE];
	uint8_t hash[ROW_HASH_MAX];
	uint8_t hash_len;
	bool confirmed;
	int64_t read_ms;
	int64_t end_of_support_ms;
	char note[ROW_NOTE_SIZE];
	/* It runs an image that was recalled; code 0: it does not. */
	int recalled_code; /* base/err.h */
	int64_t recalled_ms;
	char recalled_reason[ROW_NOTE_SIZE];
	uint8_t recalled_manifest[ROW_DIGEST_LEN];
	/* What was known of it: name, NUL, value, NUL, name ... */
	uint8_t attributes[ROW_ATTRIBUTES_MAX];
	uint16_t attributes_len;
	int64_t heard_ms; /* its last sign of life, about */
	/* Its class made it a device, and nothing has shown that it is real. */
	bool on_trust;
};

/* Why a job stands where it stands. All zero: no failure. */
struct job_failure {
	int code; /* base/err.h */
	int step; /* of the thirteen */
	uint64_t offset;
	char device_status[ROW_WORD_SIZE];
	char hint[ROW_NOTE_SIZE];
};

/* One release for one device. Key: id, given by the core (1 or more, below
 * 2^63, never used again: start at next_job_id of the load). */
struct job_row {
	uint64_t id;
	char device[ROW_NAME_SIZE];
	char vendor[ROW_NAME_SIZE];
	char class_name[ROW_NAME_SIZE];
	char component[ROW_COMPONENT_SIZE];
	char state[ROW_STATE_SIZE];
	/* The job has ended; closed jobs are not loaded at start and the oldest
	 * of them are dropped beyond STORE_JOBS_CLOSED_MAX. */
	bool closed;
	bool paused;
	uint8_t manifest_digest[ROW_DIGEST_LEN];
	uint8_t envelope_digest[ROW_DIGEST_LEN];
	uint8_t payload_digest[ROW_DIGEST_LEN];
	uint64_t payload_len;
	uint64_t sequence;
	char from_version[ROW_VERSION_SIZE];
	char to_version[ROW_VERSION_SIZE];
	int attempts;
	int64_t created_ms;
	int64_t updated_ms;
	int64_t next_retry_ms;
	char approval[ROW_WORD_SIZE];
	char approved_by[ROW_NAME_SIZE];
	struct job_failure failure;
	char expect[ROW_EXPECT_SIZE];
	uint8_t staged_hash[ROW_HASH_MAX]; /* as the device reported it */
	uint8_t staged_len;
};

enum ledger_tier {
	LEDGER_TIER_NONE, /* below Basic */
	LEDGER_TIER_BASIC,
	LEDGER_TIER_1,
	LEDGER_TIER_2,
	LEDGER_TIER_3,
};

/* One of the thirteen steps of a job, with evidence. Appended, never changed;
 * `id` is given by the store. Its job must exist. */
struct ledger_row {
	uint64_t id;
	uint64_t job;
	char device[ROW_NAME_SIZE];
	int step; /* 0..13 */
	int64_t at_ms;
	enum ledger_tier tier;
	char outcome[ROW_WORD_SIZE];
	char evidence[ROW_EVIDENCE_SIZE];
};

/* Something worth knowing later: enrolment, end of a job, unlock. Appended;
 * `id` is given by the store. Beyond STORE_HISTORY_MAX the oldest go. */
struct history_row {
	uint64_t id;
	int64_t at_ms;
	char kind[ROW_WORD_SIZE]; /* "job-done", "device-enrolled" */
	char vendor[ROW_NAME_SIZE];
	char device[ROW_NAME_SIZE];
	uint64_t job; /* 0: none */
	char who[ROW_NAME_SIZE];
	char detail[ROW_EVIDENCE_SIZE]; /* JSON */
};

/* A report that its vendor has not taken yet. `seq` is given by the store and
 * rises. Beyond STORE_OUTBOX_MAX the oldest go, and are counted. */
struct outbox_row {
	uint64_t seq;
	char vendor[ROW_NAME_SIZE];
	int64_t at_ms;
	uint8_t body[ROW_REPORT_MAX];
	uint16_t body_len;
};

/* What is remembered of a vendor's link; nothing of it is trusted. Key: name.
 */
struct vendor_row {
	char name[ROW_NAME_SIZE];
	char catalog_etag[ROW_ETAG_SIZE];
	int64_t checked_ms; /* last try */
	int64_t succeeded_ms;
	int failures; /* in a row */
	int last_error;
	uint8_t pseudonym_key[ROW_DIGEST_LEN];
};

/* ---- trust.db ---- */

/* The newest accepted catalog of a vendor. (epoch, sequence) only rises; the
 * same pair with another digest is refused (ERR_STORE_CONFLICT). */
struct catalog_floor_row {
	char vendor[ROW_NAME_SIZE];
	uint64_t epoch;
	uint64_t sequence;
	uint8_t digest[ROW_DIGEST_LEN];
};

/* Highest sequence in any accepted catalog for hardware in [hw_min, hw_max].
 * All revisions: 0 and UINT64_MAX. */
struct class_floor_row {
	char vendor[ROW_NAME_SIZE];
	uint8_t class_id[16];
	char component[ROW_COMPONENT_SIZE];
	uint64_t hw_min;
	uint64_t hw_max;
	uint64_t sequence;
};

/* Highest sequence that one device ran, or was brought down to by an
 * administrator. `lowered` tells the core that the class floors do not count
 * for this device until the floor rises again; lowering sets it, a rise to a
 * higher sequence clears it. */
struct device_floor_row {
	char vendor[ROW_NAME_SIZE];
	char device[ROW_NAME_SIZE];
	char component[ROW_COMPONENT_SIZE];
	uint64_t sequence;
	bool lowered;
};

/* Lower bound of the time, from this vendor's signed statements. Rises, but
 * for store_commit_epoch(). */
struct time_bound_row {
	char vendor[ROW_NAME_SIZE];
	int64_t time_ms;
};

/* The newest accepted root. The bytes go beside it (store_commit_root()). */
struct root_row {
	char vendor[ROW_NAME_SIZE];
	uint64_t version;
	uint64_t epoch;
	uint8_t digest[ROW_DIGEST_LEN]; /* SHA-256 of the bytes */
	/* SHA-256 of the first root, that of the vendor's file. */
	uint8_t first_digest[ROW_DIGEST_LEN];
};

/* Who spoke for a class, one after the other, since it was handed over for the
 * first time: place 0 is the vendor that had it at first, the highest place is
 * in force. No row: never handed over. Key: class_id, place. */
struct authority_row {
	uint8_t class_id[16];
	uint64_t place;
	char vendor[ROW_NAME_SIZE];
	/* SHA-256 of the vendor's first root, which the transfer named. */
	uint8_t first_digest[ROW_DIGEST_LEN];
	char by[ROW_NAME_SIZE]; /* whose root said so; empty at place 0 */
	uint64_t by_version;	/* of that root */
	/* Since it has the class, a root of this vendor was seen that hands it to
	 * nobody: only from then on its transfers count. */
	bool cleared;
	int64_t at_ms;
};

/* Once revoked, always revoked. `what` says of which kind `id` is. */
struct revocation_row {
	char vendor[ROW_NAME_SIZE];
	char what[ROW_WORD_SIZE]; /* "certificate", "key", "anchor" */
	uint8_t id[ROW_HASH_MAX];
	uint8_t id_len;
	int64_t at_ms;
	char reason[ROW_NOTE_SIZE];
};

/* What evidence of revocation may never fall behind: the cRLNumber of an issuer
 * ("crl"), the time of the answer about a certificate ("ocsp"). `number` is
 * unsigned, right aligned, and rises. Key: vendor, what, id. */
struct evidence_floor_row {
	char vendor[ROW_NAME_SIZE];
	char what[ROW_WORD_SIZE];
	uint8_t id[ROW_DIGEST_LEN];
	uint8_t number[ROW_NUMBER_LEN];
};

/* A value fixed at first use: the identity of a server. Key: vendor, what, name. */
struct pin_row {
	char vendor[ROW_NAME_SIZE];
	char what[ROW_WORD_SIZE];
	char name[ROW_PEER_SIZE];
	uint8_t digest[ROW_DIGEST_LEN];
	uint64_t number;
};

#endif
