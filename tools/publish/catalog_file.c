#include "tools/publish/catalog_file.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cbor_out.h"
#include "policy/trust/component.h"
#include "policy/trust/offer.h"
#include "tools/publish/root_file.h"
#include "tools/publish/say.h"
#include "tools/publish/when.h"

#define CATALOG_KEYS_MAX 16

static void put_payload(struct buf *b, const struct release *r)
{
	char path[80] = "p/";

	bytes_to_hex(bytes_of(r->payload_digest, 32), path + 2,
		sizeof(path) - 2);
	cbor_put_array(b, 1);
	cbor_put_array(b, 3);
	cbor_put_tstr(b, path);
	cbor_put_uint(b, r->payload_len);
	cbor_put_bstr(b, bytes_of(r->payload_digest, 32));
}

static void put_expect(struct buf *b, const struct release *r)
{
	bool has_version = r->expect_version[0] != '\0';
	bool has_digest = r->expect_digest_len > 0;

	cbor_put_uint(b, 9);
	cbor_put_map(b, (uint64_t)has_version + has_digest);
	if (has_version) {
		cbor_put_uint(b, 1);
		cbor_put_tstr(b, r->expect_version);
	}
	if (has_digest) {
		cbor_put_uint(b, 2);
		cbor_put_bstr(b, bytes_of(r->expect_digest,
			r->expect_digest_len));
	}
}

static void put_text(struct buf *b, unsigned key, const char *text)
{
	if (!text[0])
		return;
	cbor_put_uint(b, key);
	cbor_put_tstr(b, text);
}

/* Members 9 to 17, each only where there is something to say. */
static void put_optional(struct buf *b, const struct release *r)
{
	if (r->expect_version[0] || r->expect_digest_len)
		put_expect(b, r);
	put_text(b, 10, r->version);
	if (r->has_hardware) {
		cbor_put_uint(b, 11);
		cbor_put_array(b, 2);
		cbor_put_uint(b, r->hardware_min);
		cbor_put_uint(b, r->hardware_max);
	}
	if (r->security) {
		cbor_put_uint(b, 12);
		cbor_put_bool(b, true);
	}
	put_text(b, 13, r->notes);
	if (r->end_of_support) {
		cbor_put_uint(b, 14);
		cbor_put_uint(b, r->end_of_support);
	}
	put_text(b, 15, r->set);
	if (r->precursors_count) {
		cbor_put_uint(b, 16);
		cbor_put_array(b, r->precursors_count);
		for (size_t i = 0; i < r->precursors_count; i++)
			cbor_put_bstr(b, bytes_of(r->precursors[i], 32));
	}
	if (r->withdrawn) {
		cbor_put_uint(b, 17);
		cbor_put_bool(b, true);
	}
}

static uint64_t optional_count(const struct release *r)
{
	return (uint64_t)(r->expect_version[0] || r->expect_digest_len) +
			(r->version[0] != '\0') + r->has_hardware +
			r->security + (r->notes[0] != '\0') +
			(r->end_of_support != 0) + (r->set[0] != '\0') +
			(r->precursors_count != 0) + r->withdrawn;
}

static int put_entry(struct buf *b, const struct release *r)
{
	uint8_t id[COMPONENT_LEN_MAX];
	size_t id_len;

	if (component_from_text(r->component, id, &id_len))
		return complain(-EINVAL, r->component, "component",
			"is no component identifier");
	cbor_put_map(b, 8 + optional_count(r));
	cbor_put_uint(b, 1);
	cbor_put_bstr(b, bytes_of(r->vendor_id, 16));
	cbor_put_uint(b, 2);
	cbor_put_bstr(b, bytes_of(r->class_id, 16));
	cbor_put_uint(b, 3);
	buf_add(b, id, id_len);
	cbor_put_uint(b, 4);
	cbor_put_uint(b, r->sequence);
	cbor_put_uint(b, 5);
	cbor_put_bstr(b, bytes_of(r->manifest_digest, 32));
	cbor_put_uint(b, 6);
	cbor_put_bstr(b, bytes_of(r->envelope_digest, 32));
	cbor_put_uint(b, 7);
	cbor_put_uint(b, r->envelope_len);
	cbor_put_uint(b, 8);
	put_payload(b, r);
	put_optional(b, r);
	return 0;
}

int catalog_plan_write(const struct catalog_plan *plan, struct buf *ret)
{
	int err = 0;

	cbor_put_map(ret, 7);
	cbor_put_uint(ret, 1);
	cbor_put_uint(ret, 1);
	cbor_put_uint(ret, 2);
	cbor_put_uint(ret, plan->sequence);
	cbor_put_uint(ret, 3);
	cbor_put_uint(ret, plan->issued);
	cbor_put_uint(ret, 4);
	cbor_put_uint(ret, plan->expires);
	cbor_put_uint(ret, 5);
	cbor_put_uint(ret, plan->root_version);
	cbor_put_uint(ret, 6);
	cbor_put_uint(ret, plan->epoch);
	cbor_put_uint(ret, 7);
	cbor_put_array(ret, plan->releases->count);
	for (size_t i = 0; !err && i < plan->releases->count; i++)
		err = put_entry(ret, &plan->releases->at[i]);
	if (!err && ret->err)
		err = complain(ret->err, NULL, "catalog",
			"larger than %zu bytes", ret->max);
	return err;
}

/* A key that the root does not list would make a catalog that nobody takes. */
static int key_is_listed(const struct root *root, const struct key *key,
	const char *path)
{
	const struct root_role *role = root_role(root, ROLE_CATALOG);

	for (unsigned i = 0; role && i < role->count; i++)
		if (role->entries[i].kind != ROOT_ENTRY_UNKNOWN &&
				cose_key_equal(&role->entries[i].key,
				&key->public))
			return 0;
	return complain(-EPERM, path ? path : "keys/catalog/key.pem", "key",
		"is not in the catalog role of root %llu",
		(unsigned long long)root->version);
}

static int catalog_sign(const struct publisher *p, const struct root *root,
	const struct catalog_options *options, struct bytes payload,
	struct buf *ret)
{
	struct cose_signing by[CATALOG_KEYS_MAX];
	uint8_t kids[CATALOG_KEYS_MAX][COSE_KID_LEN];
	struct key keys[CATALOG_KEYS_MAX] = {{0}};
	size_t count = options->keys_count ? options->keys_count : 1;
	size_t opened = 0;
	int err = count > CATALOG_KEYS_MAX ? complain(-E2BIG, NULL, "--key",
		"at most %d", CATALOG_KEYS_MAX) : 0;

	while (!err && opened < count) {
		const char *path = options->keys_count ?
				options->keys[opened] : NULL;

		err = publisher_key(p, "catalog", path, &keys[opened]);
		if (err)
			break;
		opened++;
		err = key_is_listed(root, &keys[opened - 1], path);
		if (!err)
			err = key_signing(&keys[opened - 1],
				p->vendor.unsplit_algorithms, kids[opened - 1],
				&by[opened - 1]);
	}
	if (!err) {
		err = count == 1 ?
			cose_put_sign1(ret, by, bytes_of_text(CATALOG_AAD),
				payload, false) :
			cose_put_sign(ret, by, (unsigned)count,
				bytes_of_text(CATALOG_AAD), payload, false);
		if (err)
			complain(err, NULL, "catalog", "cannot be signed: %s",
				err_text(err));
	}
	for (size_t i = 0; i < opened; i++)
		key_done(&keys[i]);
	return err;
}

/* The expiry that was asked for, held against root, chains and clock. */
static int expiry_choose(const struct publisher *p, const struct root *root,
	const struct release_list *releases, uint64_t wanted, uint64_t *ret)
{
	uint64_t expires = wanted ? wanted :
			p->now + p->vendor.catalog_days * WHEN_DAY;
	char a[WHEN_TEXT_SIZE], b[WHEN_TEXT_SIZE], hex[17];

	if (expires <= p->now)
		return complain(-EINVAL, NULL, "catalog.expires",
			"must be later than now: %s", when_format(expires, a));
	if (p->now >= root->expires)
		return complain(-EINVAL, NULL, "root.expires",
			"root %llu ended at %s (ferry-publish root renew)",
			(unsigned long long)root->version,
			when_format(root->expires, a));
	if (root->expires < expires)
		warn(NULL, "root.expires", "the root ends at %s, before the"
			" catalog at %s (ferry-publish root renew)",
			when_format(root->expires, a),
			when_format(expires, b));
	for (size_t i = 0; i < releases->count; i++) {
		const struct release *r = &releases->at[i];

		if (r->withdrawn || !r->signed_until ||
				r->signed_until >= expires)
			continue;
		return complain(-EINVAL, bytes_to_hex(bytes_of(
			r->manifest_digest, 8), hex, sizeof(hex)),
			"author certificate", "ends at %s, before the catalog"
			" at %s (ferry-publish pki author, then resign)",
			when_format(r->signed_until, a),
			when_format(expires, b));
	}
	*ret = expires;
	return 0;
}

static void verdict_complain(const struct verdict *v, const char *file)
{
	for (unsigned i = 0; i < v->count; i++)
		if (v->rows[i].outcome == CHECK_FAIL)
			complain(v->rows[i].code, file, v->rows[i].name,
				"%s: %s [%s]", err_text(v->rows[i].code),
				v->rows[i].evidence,
				err_name(v->rows[i].code));
}

/* Revocation is what a gateway judges, by what is known there. */
static const struct revocation_view not_judged_here = {
	.policy = REVOCATION_OFF,
};

/* Judges one entry as a gateway with one such device will. */
static int entry_judge(const struct publisher *p, const struct root *root,
	const struct catalog *catalog, const struct catalog_entry *entry)
{
	char path[FILES_PATH_SIZE], hex[65];
	const struct suit_slot slot = {entry->component, 0};
	struct offer_payload image = {0};
	struct catalog_payload payload;
	struct offer_request request = {
		.root = root,
		.catalog = catalog,
		.entry = entry,
		.facts = {.vendor_id = entry->vendor_id,
			.class_id = entry->class_id, .slots = &slot,
			.slot_count = 1},
		.floor_known = true,
		.floor = entry->sequence,
		.now = trust_now_at(p->now),
		.now_known = true,
		.revocation = &not_judged_here,
		.payloads = &image,
		.payload_count = 1,
	};
	struct verdict verdict;
	struct buf envelope;
	struct stat st;
	int err;

	buf_init(&envelope, SUIT_ENVELOPE_MAX);
	err = publisher_path(p, path, "www/e/%s.suit", bytes_to_hex(
		entry->envelope_digest, hex, sizeof(hex)));
	if (!err)
		err = file_read(path, &envelope);
	if (!err && catalog_entry_payload(entry, 0, &payload))
		err = complain(-EINVAL, path, "payload", "is missing");
	if (!err) {
		request.envelope = buf_bytes(&envelope);
		image.len = payload.len;
		memcpy(image.sha256, payload.sha256.at, 32);
		offer_judge(&request, &verdict, NULL);
		if (!verdict_accepts(&verdict, false)) {
			err = verdict_code(&verdict);
			err = err ? err : -EINVAL;
			verdict_complain(&verdict, path);
		}
	}
	if (!err)
		err = publisher_path(p, path, "www/p/%s", bytes_to_hex(
			payload.sha256, hex, sizeof(hex)));
	if (!err && (stat(path, &st) || (uint64_t)st.st_size != payload.len))
		err = complain(-EINVAL, path, "payload",
			"is missing or has another length");
	buf_done(&envelope);
	return err;
}

static int catalog_check(const struct publisher *p, const struct root *root,
	struct bytes file)
{
	const struct chain_rules rules = {
		.now = trust_now_at(p->now), .revocation = &not_judged_here};
	struct catalog *catalog = NULL;
	struct fault fault = {0};
	int err = catalog_accept(root, file, NULL, &rules, &catalog, NULL,
		&fault);

	if (err)
		return complain_fault("catalog.cose", err, &fault);
	if (catalog->signer_not_after < catalog->expires)
		err = complain(-EINVAL, "catalog.cose", "signer",
			"its certificate ends before the catalog");
	for (unsigned i = 0; !err && i < catalog->entry_count; i++)
		if (!catalog->entries[i].withdrawn)
			err = entry_judge(p, root, catalog,
				&catalog->entries[i]);
	catalog_free(catalog);
	return err;
}

static int catalog_place(struct publisher *p, uint64_t sequence,
	struct bytes file)
{
	struct publisher_state state = p->state;
	char path[FILES_PATH_SIZE];
	int err;

	state.catalog_sequence = sequence;
	state.issued = p->now;
	err = publisher_state_write(p, &state);
	if (!err)
		err = publisher_path(p, path, "www/catalog.cose");
	return err ? err : file_write(path, file, 0644);
}

/* The published catalog counts too, in case state.json was put back. */
static int sequence_next(const struct publisher *p, uint64_t epoch,
	uint64_t *ret)
{
	struct catalog *catalog = NULL;
	char path[FILES_PATH_SIZE];
	struct fault fault = {0};
	struct buf file;
	int err = publisher_path(p, path, "www/catalog.cose");

	*ret = p->state.catalog_sequence + 1;
	if (err || !file_exists(path))
		return err;
	buf_init(&file, CATALOG_FILE_MAX);
	err = file_read(path, &file);
	if (!err) {
		err = catalog_parse(buf_bytes(&file), &catalog, &fault);
		if (err)
			complain_fault(path, err, &fault);
	}
	if (!err && (catalog->sequence > p->state.catalog_sequence ||
			catalog->epoch > epoch))
		err = complain(-EINVAL, path, "sequence", "is %llu in epoch"
			" %llu, ahead of state.json and root: this folder went"
			" backwards", (unsigned long long)catalog->sequence,
			(unsigned long long)catalog->epoch);
	catalog_free(catalog);
	buf_done(&file);
	return err;
}

int catalog_publish(struct publisher *p, const struct release_list *releases,
	const struct catalog_options *options, uint64_t *ret_expires)
{
	struct catalog_plan plan = {.issued = p->now, .releases = releases};
	struct buf payload, file;
	struct root *root = NULL;
	int err = publisher_clock_check(p);

	buf_init(&payload, CATALOG_FILE_MAX);
	buf_init(&file, CATALOG_FILE_MAX);
	if (!err)
		err = root_file_current(p, &root);
	if (!err) {
		plan.root_version = root->version;
		plan.epoch = root->epoch;
		err = expiry_choose(p, root, releases, options->expires,
			&plan.expires);
	}
	if (!err)
		err = sequence_next(p, plan.epoch, &plan.sequence);
	if (!err)
		err = catalog_plan_write(&plan, &payload);
	if (!err)
		err = catalog_sign(p, root, options, buf_bytes(&payload),
			&file);
	if (!err)
		err = catalog_check(p, root, buf_bytes(&file));
	if (!err)
		err = catalog_place(p, plan.sequence, buf_bytes(&file));
	if (!err && ret_expires)
		*ret_expires = plan.expires;
	root_free(root);
	buf_done(&file);
	buf_done(&payload);
	return err;
}
