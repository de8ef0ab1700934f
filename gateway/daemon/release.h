/* One manifest for one class: its envelope and its image fetched once, judged
 * wholly, readable from the cache.
 *
 * Made when the first job needs it. Everything is judged again after a start:
 * a stored verdict is history, never authority. The verdict is about the class
 * (vendor-id, class-id, slots) without a device; floor and hardware range of
 * each device are judged by the plan. Loop thread; judging runs on the pool. */
#ifndef FERRY_GATEWAY_DAEMON_RELEASE_H
#define FERRY_GATEWAY_DAEMON_RELEASE_H

#include "gateway/daemon/vendor.h"

enum release_state {
	RELEASE_LISTED,
	RELEASE_ENVELOPE,  /* being fetched */
	RELEASE_JUDGING,   /* before the image, or with it; being decrypted */
	RELEASE_PAYLOAD,   /* being fetched, or hashed again */
	RELEASE_VERIFIED,
	RELEASE_REFUSED,   /* see verdict; stays until the catalog changes */
	RELEASE_FAILED,    /* could not be fetched; tried again at retry_ms */
	RELEASE_UNPROVED,  /* refused only until evidence of revocation comes */
};

struct release {
	struct release *next;
	struct gateway *gateway;
	char vendor[CONFIG_NAME_SIZE];
	char class_name[CLASS_NAME_SIZE];
	char component[ROW_COMPONENT_SIZE];
	uint8_t manifest[32];
	uint8_t envelope[32];
	uint64_t envelope_len;
	uint8_t payload[32];   /* what is fetched: the image, or its ciphertext */
	uint64_t payload_len;
	uint8_t image[32];     /* what is relayed; once VERIFIED */
	uint64_t image_len;
	bool opened;           /* the image was decrypted here, and is pinned */
	struct opening *opening;
	char payload_path[CATALOG_PATH_MAX + 1];
	uint64_t sequence;
	char version[ROW_VERSION_SIZE];        /* text for people */
	char expect_version[40];
	uint8_t expect_hash[64];
	uint8_t expect_hash_len;
	bool security;
	uint32_t slot;
	/* What the manifest names the image by, and its digest once computed;
	 * not used for SHA-256, which is the cache's own. */
	enum crypto_hash image_hash;
	bool has_long_digest;
	uint8_t long_digest[CRYPTO_HASH_MAX];
	bool needs_authorization;
	bool below_floor;      /* an administrator lowered a device's floor to it */
	enum release_state state;
	struct verdict verdict;
	/* SHA-256 of the root and the catalog that it was judged under, and when
	 * the verdict runs out by itself: use-before, certificates. */
	uint8_t root[32], catalog[32];
	uint64_t good_until;
	unsigned revoked;      /* how many were known to be revoked then */
	uint64_t generation;   /* of the evidence, of UNPROVED */
	int code;              /* why REFUSED or FAILED */
	struct fault fault;
	unsigned failures;
	int64_t retry_ms;      /* wall clock */
	unsigned users;        /* open jobs */
	bool watched;          /* some device runs it: see recall.h */
	bool looked;           /* its envelope was judged for that, and is good */
	uint64_t fetched_bytes;
	uint64_t have_bytes;
	struct cache_part *part;
	uint64_t request;
	struct release_work *work;
	/* How the image came here, when this process fetched it. */
	bool carried;
	char tls_version[16], tls_suite[64];
	bool mutual;          /* we showed a certificate */
	bool server_checked;  /* with evidence that the server's is not revoked */
	bool closing;
};

/* The release of a catalog entry for a class; made if it is not there. NULL: no
 * memory or too many. */
struct release *release_of(struct vendor *v, const struct device_class *klass,
	const struct catalog_entry *entry);
struct release *release_find(const struct gateway *g, const char *class_name,
	const uint8_t manifest[32]);

/* The entry of the catalog in force that lists a manifest for just this class
 * and component; one that is not withdrawn, if there is any. A catalog may list
 * a manifest for others too. NULL: not listed for it. */
const struct catalog_entry *release_entry(const struct vendor *v,
	const struct device_class *klass, const char *component,
	const uint8_t manifest[32]);

/* The highest sequence that counts for every device that the entry fits. */
uint64_t release_class_floor(const struct release *r,
	const struct device_class *klass, const struct catalog_entry *entry);

/* A job needs it, and does not any more. */
void release_use(struct release *r);
void release_unuse(struct release *r);

/* Does the next thing towards VERIFIED, if something needs it. */
void release_advance(struct release *r);

/* The image turned out rotten on disk: fetched and judged again. */
void release_rotten(struct release *r);

/* Root or catalog may have changed: releases that are not listed any more are
 * marked withdrawn (REFUSED), all others are judged anew. */
void release_recheck(struct vendor *v);

/* Evidence came, or was looked for in vain: who waited for it is judged again,
 * and everything if somebody was revoked. */
void release_evidence(struct vendor *v, bool revoked);

/* An administrator lowered the floor of a device to it. */
void release_lower(struct release *r);

/* Whether it is verified under the root and the catalog in force: asked right
 * before the first byte and right before activation. 0; -EAGAIN while that is
 * not known; or why it is refused. */
int release_is_good(const struct release *r);

const char *release_state_name(enum release_state state);

/* What was decrypted goes: nobody unpins it when the releases are freed. */
void release_forget_all_opened(struct gateway *g);

/* Cancels what is under way; frees it once nothing runs any more. */
void release_close_all(struct gateway *g);
bool release_all_closed(const struct gateway *g);

/* Nothing runs and nobody uses one any more. */
void release_free_all(struct gateway *g);

#endif
