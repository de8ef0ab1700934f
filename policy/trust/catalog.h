/* The catalog of a vendor: what is current (docs/formats.md, "Catalog").
 *
 * A struct catalog is immutable once made, owns a copy of its file and lives
 * until catalog_free(); views in it and in its entries point into that copy. It
 * may be read from any thread. */
#ifndef FERRY_POLICY_TRUST_CATALOG_H
#define FERRY_POLICY_TRUST_CATALOG_H

#include "policy/trust/root.h"

#define CATALOG_FILE_MAX (4u << 20)
#define CATALOG_ENTRIES_MAX 4096
#define CATALOG_PAYLOADS_MAX 8
#define CATALOG_PRECURSORS_MAX 16
#define CATALOG_EVIDENCE_MAX 64
#define CATALOG_PATH_MAX 256
#define CATALOG_AAD "ferry-catalog-1"

struct catalog_payload {
	struct bytes path;
	uint64_t len;
	struct bytes sha256;
};

/* Optional texts and digests have .at NULL when they are absent. */
struct catalog_entry {
	struct bytes vendor_id;
	struct bytes class_id;
	struct bytes component; /* encoded, see component.h */
	uint64_t sequence;
	struct bytes manifest_digest;
	struct bytes envelope_digest;
	uint64_t envelope_len;
	struct bytes payloads; /* raw array; catalog_entry_payload() */
	unsigned payload_count;
	struct bytes expect_version;
	struct bytes expect_digest;
	struct bytes version;
	bool has_hardware;
	uint64_t hardware_min;
	uint64_t hardware_max;
	bool security;
	bool withdrawn;
	struct bytes notes;
	uint64_t end_of_support; /* 0: not said */
	struct bytes set;
	struct bytes precursors; /* raw array; catalog_entry_precursor() */
	unsigned precursor_count;
};

struct catalog_evidence {
	unsigned kind; /* 1 CRL, 2 OCSP */
	struct bytes sha256;
	uint64_t len;
};

struct catalog {
	uint8_t *file;
	size_t file_len;
	uint8_t sha256[32]; /* of the file */
	uint64_t sequence;
	uint64_t issued;
	uint64_t expires;
	uint64_t root_version;
	uint64_t epoch;
	struct catalog_entry *entries;
	unsigned entry_count;
	struct catalog_evidence evidence[CATALOG_EVIDENCE_MAX];
	unsigned evidence_count;
	struct bytes quirks;
	uint64_t signer_not_after; /* earliest of the signers' chains */
	uint64_t evidence_until;   /* when the first evidence about signers runs
				      out, as judged last; UINT64_MAX: never */
	uint64_t signed_time;	   /* latest of that evidence; 0 none */
};

/* What a catalog ships, copied, when nothing refuses it but the revocation of
 * its signers: their signatures are right, so that the files may be fetched
 * from the vendor's origin and the catalog be judged again. */
struct catalog_shipped {
	unsigned count;
	struct {
		enum evidence_kind kind;
		uint8_t sha256[32];
		uint64_t len;
	} of[CATALOG_EVIDENCE_MAX];
};

/* The highest catalog that was accepted of a vendor. */
struct catalog_floor {
	bool set;
	uint64_t epoch;
	uint64_t sequence;
	uint8_t sha256[32];
};

/* Structure only; nothing is trusted yet. For `ferry-publish show`. */
int catalog_parse(struct bytes file, struct catalog **ret, struct fault *fault);

/* Everything but expiry: signed by the catalog role of `root`, root version
 * and epoch, floor, not issued in the future. The revocation of the signers is
 * judged last; on a code of it (revocation_refuses()) what the catalog ships is
 * written to `ret_shipped`, which may be NULL, and is empty on any other. Needs
 * have views into `file` and the root. */
int catalog_accept(const struct root *root, struct bytes file,
	const struct catalog_floor *floor, const struct chain_rules *rules,
	struct catalog **ret, struct catalog_shipped *ret_shipped,
	struct fault *fault);

/* Judges the signers of an accepted catalog by what is known now; signer_not_after
 * and evidence_until follow. */
int catalog_judge_again(struct catalog *catalog, const struct root *root,
	const struct chain_rules *rules, struct fault *fault);

/* The signatures of a catalog, verified and judged again. */
int catalog_signers(const struct catalog *catalog, const struct root *root,
	const struct chain_rules *rules, struct role_signatures *ret);

void catalog_free(struct catalog *catalog);

enum catalog_state {
	CATALOG_CURRENT,
	CATALOG_GRACE,	 /* expired, but within the root's offline grace */
	CATALOG_EXPIRED, /* no transfer starts */
};

enum catalog_state catalog_state(const struct catalog *catalog,
	const struct root *root, struct trust_now now);

/* Payload or precursor `i` of an entry; -ENOENT past the end. */
int catalog_entry_payload(const struct catalog_entry *entry, unsigned i,
	struct catalog_payload *ret);
int catalog_entry_precursor(
	const struct catalog_entry *entry, unsigned i, struct bytes *ret);

/* Whom an offer is looked for. */
struct catalog_target {
	struct bytes vendor_id;
	struct bytes class_id;
	struct bytes component;
	bool hardware_known;
	uint64_t hardware;
};

/* An unknown revision is inside every range when a floor is asked for. */
bool catalog_entry_fits(
	const struct catalog_entry *entry, const struct catalog_target *target);

/* The best offer: fits, not withdrawn, a full image (no precursors), highest
 * sequence. An entry with a hardware range never fits an unknown revision here.
 * NULL if there is none. */
const struct catalog_entry *catalog_find(
	const struct catalog *catalog, const struct catalog_target *target);

/* The entry of a release for this target; NULL if it is not listed for it. */
const struct catalog_entry *catalog_find_release(const struct catalog *catalog,
	struct bytes manifest_digest, const struct catalog_target *target);

/* The first entry of a release, whatever its target: a manifest may be listed
 * for several classes or hardware ranges. NULL if it is not listed. */
const struct catalog_entry *catalog_find_manifest(
	const struct catalog *catalog, struct bytes manifest_digest);

/* The highest sequence that the catalog lists for the target, withdrawn ones
 * and unknown revisions included; 0 if none. A device's floor is the highest of
 * these over all accepted catalogs. */
uint64_t catalog_sequence_floor(
	const struct catalog *catalog, const struct catalog_target *target);

#endif
