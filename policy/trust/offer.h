/* The whole decision about one release for one class or device.
 *
 * Used by the daemon before it fetches (without payloads), before the first
 * byte is sent (with payloads, strict), and by `ferry-publish verify`. Pure;
 * all views must outlive the call, and the plan points into the envelope and
 * the catalog. Any thread; takes some milliseconds. */
#ifndef FERRY_POLICY_TRUST_OFFER_H
#define FERRY_POLICY_TRUST_OFFER_H

#include "policy/trust/catalog.h"
#include "policy/trust/revocation.h"
#include "policy/trust/signers.h"
#include "policy/trust/suit.h"
#include "policy/trust/verdict.h"

#define OFFER_ANCHORS_MAX 16

/* Author anchors without a root (`--anchor`). */
struct offer_anchor {
	bool is_certificate;
	struct cose_key key;
	struct bytes certificate; /* DER */
};

/* An image that is there, hashed whole. */
struct offer_payload {
	uint64_t len;
	uint8_t sha256[32];
	const uint8_t *sha384; /* NULL: not computed */
	const uint8_t *sha512;
};

/* What is done with an encrypted image. The digest and the length of the
 * ciphertext are checked in every case. */
enum offer_encrypted {
	OFFER_ENCRYPTED_REFUSE,
	OFFER_ENCRYPTED_SEALED, /* relayed as it is: only the device can tell
				   what is inside */
	OFFER_ENCRYPTED_OPEN,	/* decrypted here; `opened` is judged */
};

struct offer_request {
	struct bytes envelope;

	/* Either a root, or anchors. */
	const struct root *root;
	const struct offer_anchor *anchors;
	unsigned anchor_count;

	/* NULL: the rows of the catalog are not evaluated. `entry` NULL with a
	 * catalog: found by the manifest digest. */
	const struct catalog *catalog;
	const struct catalog_entry *entry;
	int catalog_code; /* what catalog_accept() returned; 1: not asked */

	/* What is known of the child; see struct suit_facts (`now` in it is
	 * ignored, the one below counts). */
	struct suit_facts facts;
	bool hardware_known;
	uint64_t hardware;

	bool floor_known;
	uint64_t floor; /* highest sequence of the device */

	struct trust_now now;
	bool now_known;
	const struct revocation_view *revocation; /* NULL: refuses */
	struct revocation_needs *needs;		  /* may be NULL */
	const struct bytes *issuers; /* as of struct chain_rules */
	unsigned issuer_count;
	const struct signer_demand *demand;	  /* NULL: the author alone */

	/* Payloads that are there, in any order: images, or ciphertexts of
	 * images. NULL: not evaluated. */
	const struct offer_payload *payloads;
	unsigned payload_count;

	enum offer_encrypted encrypted;
	/* Images that were decrypted from payloads. NULL: not evaluated. */
	const struct offer_payload *opened;
	unsigned opened_count;
};

/* What to fetch and where it goes. Written also when the verdict refuses, as
 * far as it is known; act on it only when the verdict accepts. */
struct offer_image {
	unsigned component;	   /* index in the manifest */
	struct bytes component_id; /* encoded */
	uint32_t slot;
	struct suit_digest digest; /* of the image, decrypted */
	uint64_t len;		   /* of the image; 0: not known */
	struct bytes encryption;   /* encryption-info; .at NULL: plain */
	int payload; /* index in the entry, -1 unknown */
	struct catalog_payload
		from; /* where to fetch it; valid if payload >= 0 */
};

struct offer_plan {
	uint8_t release[32]; /* manifest digest, SHA-256 */
	uint64_t sequence;
	struct offer_image images[SUIT_COMPONENTS_MAX];
	unsigned image_count;
	const struct catalog_entry *entry;
	/* The last second at which all signers of release and catalog count: the
	 * earliest end of a chain or of its revocation evidence. */
	uint64_t signer_not_after;
	uint64_t signed_time; /* for trust_note(); 0: none */
	struct suit_outcome outcome;
};

/* Always fills the verdict with every check by name; `ret_plan` may be NULL.
 * Returns verdict_code(): 0 or the first refusal. */
int offer_judge(const struct offer_request *request, struct verdict *ret,
	struct offer_plan *ret_plan);

#endif
