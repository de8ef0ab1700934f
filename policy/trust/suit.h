/* SUIT envelopes and manifests (draft-ietf-suit-manifest-37, with the numbers
 * of trust-domains-12, update-management-14 and firmware-encryption-26).
 *
 * A gateway does not execute a manifest: it evaluates what the manifest would
 * have a device do, against what it knows of the child, and takes from it which
 * images go where. Parsing is bounded and allocates nothing; structs are views
 * into the envelope, which must outlive them. No recursion. Any thread. */
#ifndef FERRY_POLICY_TRUST_SUIT_H
#define FERRY_POLICY_TRUST_SUIT_H

#include "base/cbor.h"
#include "policy/trust/cose.h"
#include "policy/trust/time.h"

#define SUIT_ENVELOPE_MAX (64u << 10)
#define SUIT_BLOCKS_MAX 8
#define SUIT_COMPONENTS_MAX 8
#define SUIT_INTEGRATED_MAX 8
#define SUIT_NEST_MAX 6	      /* try-each and run-sequence within another */
#define SUIT_COMMANDS_MAX 512 /* walked in one manifest */
#define SUIT_STEPS_MAX 4096   /* evaluated in one manifest */

enum suit_key {
	SUIT_AUTH = 2,
	SUIT_MANIFEST = 3,
	SUIT_VALIDATE = 7,
	SUIT_LOAD = 8,
	SUIT_INVOKE = 9,
	SUIT_COSWID = 14,
	SUIT_DEPENDENCY_RESOLUTION = 15,
	SUIT_PAYLOAD_FETCH = 16,
	SUIT_CANDIDATE_VERIFICATION = 18,
	SUIT_INSTALL = 20,
	SUIT_TEXT = 23,
	SUIT_UNINSTALL = 24,
};

enum suit_command {
	SUIT_COND_VENDOR = 1,
	SUIT_COND_CLASS = 2,
	SUIT_COND_IMAGE_MATCH = 3,
	SUIT_COND_USE_BEFORE = 4,
	SUIT_COND_SLOT = 5,
	SUIT_COND_CONTENT = 6,
	SUIT_COND_DEPENDENCY_INTEGRITY = 7,
	SUIT_COND_IS_DEPENDENCY = 8,
	SUIT_PROCESS_DEPENDENCY = 11,
	SUIT_SET_INDEX = 12,
	SUIT_COND_ABORT = 14,
	SUIT_TRY_EACH = 15,
	SUIT_WRITE = 18,
	SUIT_SET_PARAMETERS = 19,
	SUIT_OVERRIDE_PARAMETERS = 20,
	SUIT_FETCH = 21,
	SUIT_COPY = 22,
	SUIT_INVOKE_NOW = 23,
	SUIT_COND_DEVICE = 24,
	SUIT_COND_IMAGE_NOT_MATCH = 25,
	SUIT_COND_BATTERY = 26,
	SUIT_COND_AUTHORIZED = 27,
	SUIT_COND_VERSION = 28,
	SUIT_WAIT = 29,
	SUIT_SWAP = 31,
	SUIT_RUN_SEQUENCE = 32,
	SUIT_UNLINK = 33,
	SUIT_OVERRIDE_MULTIPLE = 34,
	SUIT_COPY_PARAMS = 35,
};

enum suit_parameter {
	SUIT_PARAM_VENDOR = 1,
	SUIT_PARAM_CLASS = 2,
	SUIT_PARAM_DIGEST = 3,
	SUIT_PARAM_USE_BEFORE = 4,
	SUIT_PARAM_SLOT = 5,
	SUIT_PARAM_STRICT_ORDER = 12,
	SUIT_PARAM_SOFT_FAILURE = 13,
	SUIT_PARAM_SIZE = 14,
	SUIT_PARAM_CONTENT = 18,
	SUIT_PARAM_ENCRYPTION = 19,
	SUIT_PARAM_URI = 21,
	SUIT_PARAM_SOURCE = 22,
	SUIT_PARAM_INVOKE_ARGS = 23,
	SUIT_PARAM_DEVICE = 24,
	SUIT_PARAM_FETCH_ARGS = 25,
	SUIT_PARAM_BATTERY = 26,
	SUIT_PARAM_PRIORITY = 27,
	SUIT_PARAM_VERSION = 28,
	SUIT_PARAM_WAIT = 29,
	SUIT_PARAM_METADATA = 30,
};

/* Names for people; NULL for numbers that are not known. */
const char *suit_command_name(int64_t command);
const char *suit_parameter_name(int64_t parameter);

struct suit_digest {
	bool known;	       /* `hash` is valid */
	enum crypto_hash hash; /* -16, -43, -44 */
	int64_t alg;
	struct bytes value;
};

/* From the encoding of a SUIT_Digest. */
int suit_digest_parse(struct bytes in, struct suit_digest *ret);

/* 0, ERR_TRUST_SUIT_DIGEST_ALG or ERR_TRUST_SUIT_DIGEST. */
int suit_digest_check(const struct suit_digest *digest, struct bytes in);

/* A byte string with and without its head: digests are over `wrapped`. */
struct suit_span {
	struct bytes wrapped; /* .at NULL: absent */
	struct bytes content;
};

struct suit_integrated {
	struct bytes name;
	struct bytes content;
};

struct suit_envelope {
	bool tagged;		    /* 107 was there */
	bool has_wrapper;	    /* authentication wrapper (2) */
	struct bytes signed_digest; /* encoded SUIT_Digest: what is signed */
	struct suit_digest digest;
	struct bytes blocks[SUIT_BLOCKS_MAX]; /* COSE messages */
	unsigned block_count;
	struct suit_span manifest;
	struct suit_span members[SUIT_UNINSTALL + 1]; /* severed, by key */
	struct suit_integrated integrated[SUIT_INTEGRATED_MAX];
	unsigned integrated_count;
};

/* An envelope without tag is parsed, `tagged` says so; one without wrapper or
 * without manifest is refused with its own code. */
int suit_envelope_parse(
	struct bytes in, struct suit_envelope *ret, struct fault *fault);

/* Manifest digest against the wrapper. */
int suit_envelope_check_digest(const struct suit_envelope *envelope);

/* SHA-256 over the manifest with its head: the identity of a release. */
int suit_envelope_release(
	const struct suit_envelope *envelope, uint8_t ret[32]);

enum suit_presence {
	SUIT_ABSENT,
	SUIT_INLINE,	   /* in the manifest */
	SUIT_SEVERED,	   /* in the envelope; its digest was checked */
	SUIT_SEVERED_AWAY, /* only its digest is there */
	SUIT_SEVERED_BAD,  /* in the envelope, but not what was signed */
};

struct suit_member {
	enum suit_presence presence;
	struct bytes content; /* INLINE and SEVERED */
};

struct suit_manifest {
	uint64_t sequence;
	struct bytes reference_uri;
	struct bytes component_id;		      /* .at NULL: none */
	struct bytes components[SUIT_COMPONENTS_MAX]; /* encoded */
	unsigned component_count;
	bool has_dependencies; /* anywhere in the manifest */
	struct bytes shared;   /* .at NULL: none */
	struct suit_member members[SUIT_UNINSTALL + 1];
	struct bytes set_version;
};

/* Parses the manifest and every command sequence in it by the numbers above:
 * unknown commands, parameters and components refuse, custom ones too. Severed
 * members are checked against their digests; a bad one is noted, not refused.
 */
int suit_manifest_parse(const struct suit_envelope *envelope,
	struct suit_manifest *ret, struct fault *fault);

/* Walks the commands of one sequence with all nested ones, in order. */
struct suit_walk_frame {
	struct cbor reader;
	struct cbor_list list;
	bool choices; /* an argument of try-each, not a sequence */
};

struct suit_walk {
	struct suit_walk_frame frames[2 * SUIT_NEST_MAX + 1];
	unsigned depth; /* 0: at the end */
	unsigned commands;
	int err;
};

struct suit_step {
	unsigned depth;	    /* 0 outermost */
	bool begins_choice; /* a new alternative of try-each begins; no command
			     */
	int64_t command;
	struct bytes argument; /* raw item */
};

void suit_walk_init(struct suit_walk *walk, struct bytes sequence);

/* True while there is a step; then look at walk->err. */
bool suit_walk_next(struct suit_walk *walk, struct suit_step *ret);

/* What is known of the child. Views with .at NULL and flags that are false are
 * facts that are missing. */
struct suit_slot {
	struct bytes component; /* encoded */
	uint32_t slot;
};

struct suit_facts {
	struct bytes vendor_id;
	struct bytes class_id;
	struct bytes device_id;
	const struct suit_slot *slots; /* of the class; NULL: not known */
	unsigned slot_count;
	struct trust_now now;
	bool now_known;
	bool takes_encrypted; /* else an encrypted image refuses */
};

/* One image to install. An encrypted one is fetched into a component of its own
 * and copied from there with encryption-info (firmware-encryption section 5),
 * or, as some devices have it, fetched with encryption-info at once. Digest and
 * length are then of the plaintext. */
struct suit_fetch {
	unsigned component; /* index in the manifest */
	uint32_t slot;	    /* of the class; 0 when slots are not known */
	struct suit_digest digest;
	bool has_len; /* the manifest says the size */
	uint64_t len;
	struct bytes uri;
	struct bytes encryption; /* content of parameter 19; .at NULL: plain */
	unsigned source; /* component of the ciphertext, if it has one */
	bool has_sealed_digest;
	struct suit_digest sealed_digest;
	bool has_sealed_len;
	uint64_t sealed_len;
};

struct suit_outcome {
	bool vendor_checked; /* a condition in the shared sequence was met */
	bool class_checked;
	bool use_before_seen;
	uint64_t use_before;	  /* the earliest that was met */
	bool needs_authorization; /* condition 27: a person must approve */
	bool has_battery;
	uint64_t battery_mwh; /* the highest minimum */
	bool has_priority;
	int64_t priority;      /* smaller is more urgent */
	struct bytes wait;     /* raw SUIT_Wait_Event; .at NULL: none */
	unsigned not_executed; /* copy, write, swap, invoke that were passed */
	struct suit_fetch fetches[SUIT_COMPONENTS_MAX];
	unsigned fetch_count;
};

/* Evaluates shared sequence, payload-fetch and install. Refuses with the code
 * of the first rule that is broken. Where vendor, class, slots or time are
 * missing from the facts, what asks for them is taken as met: whoever left them
 * out says "not evaluated". Conditions about what only the device knows (its
 * present image, its version, a device-id that is missing) refuse. `ret` is
 * filled as far as it got also on a refusal. */
int suit_evaluate(const struct suit_manifest *manifest,
	const struct suit_facts *facts, struct suit_outcome *ret,
	struct fault *fault);

#endif
