#include "tools/publish/catalog_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cbor_out.h"
#include "policy/trust/component.h"
#include "tools/publish/catalog_check.h"
#include "tools/publish/hss_key.h"
#include "tools/publish/quirks_file.h"
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

static uint64_t end_of_support(const struct release *r)
{
	return r->end_of_support ? r->end_of_support :
			r->class_end_of_support;
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
	if (end_of_support(r)) {
		cbor_put_uint(b, 14);
		cbor_put_uint(b, end_of_support(r));
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
			(end_of_support(r) != 0) + (r->set[0] != '\0') +
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

/* Gateways refuse entries for a class that the root has handed over. */
static bool is_handed_over(const struct catalog_plan *plan,
	const struct release *r)
{
	return plan->root && root_transfer_of(plan->root,
		bytes_of(r->class_id, 16));
}

static uint64_t entries_count(const struct catalog_plan *plan)
{
	uint64_t count = 0;

	for (size_t i = 0; i < plan->releases->count; i++)
		count += !is_handed_over(plan, &plan->releases->at[i]);
	return count;
}

static void put_evidence(struct buf *b, const struct catalog_plan *plan)
{
	cbor_put_uint(b, 8);
	cbor_put_array(b, plan->evidence_count);
	for (unsigned i = 0; i < plan->evidence_count; i++) {
		const struct evidence_file *e = &plan->evidence[i];

		cbor_put_map(b, 3);
		cbor_put_uint(b, 1);
		cbor_put_uint(b, e->kind);
		cbor_put_uint(b, 2);
		cbor_put_bstr(b, bytes_of(e->sha256, 32));
		cbor_put_uint(b, 3);
		cbor_put_uint(b, e->len);
	}
}

int catalog_plan_write(const struct catalog_plan *plan, struct buf *ret)
{
	int err = 0;

	cbor_put_map(ret, 7 + (uint64_t)(plan->evidence_count > 0) +
		(plan->quirks.len > 0));
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
	cbor_put_array(ret, entries_count(plan));
	for (size_t i = 0; !err && i < plan->releases->count; i++)
		if (!is_handed_over(plan, &plan->releases->at[i]))
			err = put_entry(ret, &plan->releases->at[i]);
	if (plan->evidence_count)
		put_evidence(ret, plan);
	if (plan->quirks.len) {
		cbor_put_uint(ret, 9);
		cbor_put_bstr(ret, plan->quirks);
	}
	if (!err && ret->err)
		err = complain(ret->err, NULL, "catalog",
			"larger than %zu bytes", ret->max);
	return err;
}

static bool is_listed(const struct root *root, const struct key *key)
{
	const struct root_role *role = root_role(root, ROLE_CATALOG);

	for (unsigned i = 0; role && i < role->count; i++)
		if (role->entries[i].kind != ROOT_ENTRY_UNKNOWN &&
				cose_key_equal(&role->entries[i].key,
				&key->public))
			return true;
	return false;
}

static int key_move(const char *from, const char *to)
{
	if (file_exists(to))
		return complain(-EEXIST, to, NULL, "is there already");
	if (rename(from, to))
		return complain(-errno, from, NULL, "cannot rename: %s",
			strerror(errno));
	hss_key_moved(from, to);
	return 0;
}

static int next_is_listed(const char *next, const struct root *root, bool *ret)
{
	struct key key;
	int err = key_open(next, &key);

	if (err)
		return err;
	*ret = is_listed(root, &key);
	key_done(&key);
	return 0;
}

int catalog_key_promote(const struct publisher *p, const struct root *root)
{
	char next[FILES_PATH_SIZE], path[FILES_PATH_SIZE];
	char old[FILES_PATH_SIZE];
	bool listed = false;
	int err = publisher_path(p, next, "keys/catalog/next.pem");

	if (!err)
		err = publisher_path(p, path, "keys/catalog/key.pem");
	if (!err)
		err = publisher_path(p, old, "keys/catalog/until-root-%llu.pem",
			(unsigned long long)root->version);
	if (err || !file_exists(next))
		return err;
	err = next_is_listed(next, root, &listed);
	if (err || !listed)
		return err;
	if (file_exists(path))
		err = key_move(path, old);
	return err ? err : key_move(next, path);
}

/* The keys that sign, opened. */
struct signers {
	struct key keys[CATALOG_KEYS_MAX];
	struct cose_signing by[CATALOG_KEYS_MAX];
	uint8_t kids[CATALOG_KEYS_MAX][COSE_KID_LEN];
	unsigned count;
};

static void signers_done(struct signers *s)
{
	for (unsigned i = 0; i < s->count; i++)
		key_done(&s->keys[i]);
	s->count = 0;
}

/* A key that the root does not list would make a catalog that nobody takes. */
static int signer_add(const struct publisher *p, const struct root *root,
	const char *path, struct signers *s)
{
	unsigned at = s->count;
	int err = publisher_key(p, "catalog", path, &s->keys[at]);

	if (err)
		return err;
	s->count++;
	if (!is_listed(root, &s->keys[at]))
		return complain(-EPERM, path ? path : "keys/catalog/key.pem",
			"key", "is not in the catalog role of root %llu",
			(unsigned long long)root->version);
	return key_signing(&s->keys[at], p->vendor.unsplit_algorithms,
		s->kids[at], &s->by[at]);
}

/* keys/catalog/key.pem and, where the role needs more, those beside it that
 * `root add` has made. */
static int signers_default(const struct publisher *p, const struct root *root,
	struct signers *s)
{
	unsigned need = root_role(root, ROLE_CATALOG)->threshold;
	char path[FILES_PATH_SIZE];
	int err = catalog_key_promote(p, root);

	if (!err)
		err = signer_add(p, root, NULL, s);
	for (unsigned n = 2; !err && s->count < need &&
			n <= CATALOG_KEYS_MAX; n++) {
		err = publisher_path(p, path, "keys/catalog/%u.key.pem", n);
		if (!err && file_exists(path))
			err = signer_add(p, root, path, s);
	}
	return err;
}

static int signers_open(const struct publisher *p, const struct root *root,
	const struct catalog_options *options, struct signers *s)
{
	int err = 0;

	if (options->keys_count > CATALOG_KEYS_MAX)
		return complain(-E2BIG, NULL, "--key", "at most %d",
			CATALOG_KEYS_MAX);
	if (!options->keys_count)
		return signers_default(p, root, s);
	for (size_t i = 0; !err && i < options->keys_count; i++)
		err = signer_add(p, root, options->keys[i], s);
	return err;
}

static int catalog_sign(const struct publisher *p, const struct root *root,
	const struct catalog_options *options, struct bytes payload,
	struct buf *ret)
{
	struct signers *s = calloc(1, sizeof(*s));
	int err = s ? signers_open(p, root, options, s) :
			complain(-ENOMEM, NULL, NULL, "no memory");

	if (!err) {
		err = s->count == 1 ?
			cose_put_sign1(ret, s->by, bytes_of_text(CATALOG_AAD),
				payload, false) :
			cose_put_sign(ret, s->by, s->count,
				bytes_of_text(CATALOG_AAD), payload, false);
		if (err)
			complain(err, NULL, "catalog", "cannot be signed: %s",
				err_text(err));
	}
	if (s)
		signers_done(s);
	free(s);
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

#define QUIRKS_FILE "quirks.cbor"

static int quirks_read(const struct publisher *p, struct buf *ret)
{
	char path[FILES_PATH_SIZE];
	int err = publisher_path(p, path, QUIRKS_FILE);

	return err || !file_exists(path) ? err : file_read(path, ret);
}

int catalog_quirks_keep(const struct publisher *p, const char *from)
{
	char path[FILES_PATH_SIZE];
	struct buf file;
	int err = publisher_path(p, path, QUIRKS_FILE);

	if (err || !from)
		return err ? err : file_remove(path);
	buf_init(&file, CATALOG_QUIRKS_MAX);
	err = quirks_file_read(from, &file);
	if (!err)
		err = file_write(path, buf_bytes(&file), 0644);
	buf_done(&file);
	return err;
}

int catalog_publish(struct publisher *p, struct release_list *releases,
	const struct catalog_options *options, uint64_t *ret_expires)
{
	struct catalog_plan plan = {.issued = p->now, .releases = releases};
	struct catalog_check check = {.p = p,
		.allow_short_evidence = options->allow_short_evidence};
	struct evidence_list *evidence = calloc(1, sizeof(*evidence));
	struct buf payload, file, quirks;
	struct root *root = NULL;
	int err = evidence ? publisher_clock_check(p) :
			complain(-ENOMEM, NULL, NULL, "no memory");

	buf_init(&payload, CATALOG_FILE_MAX);
	buf_init(&file, CATALOG_FILE_MAX);
	buf_init(&quirks, CATALOG_QUIRKS_MAX);
	if (!err)
		err = root_file_current(p, &root);
	if (!err) {
		plan.root = root;
		plan.root_version = root->version;
		plan.epoch = root->epoch;
		err = expiry_choose(p, root, releases, options->expires,
			&plan.expires);
	}
	if (!err)
		err = sequence_next(p, plan.epoch, &plan.sequence);
	if (!err)
		err = evidence_collect(p, evidence);
	if (!err)
		err = release_list_support(p, releases);
	if (!err)
		err = quirks_read(p, &quirks);
	if (!err) {
		plan.evidence = evidence->of;
		plan.evidence_count = evidence->count;
		plan.quirks = buf_bytes(&quirks);
		err = catalog_plan_write(&plan, &payload);
	}
	if (!err)
		err = catalog_sign(p, root, options, buf_bytes(&payload),
			&file);
	check.root = root;
	check.evidence = evidence;
	if (!err)
		err = catalog_check(&check, buf_bytes(&file));
	if (!err)
		err = catalog_place(p, plan.sequence, buf_bytes(&file));
	if (!err && ret_expires)
		*ret_expires = plan.expires;
	root_free(root);
	buf_done(&quirks);
	buf_done(&file);
	buf_done(&payload);
	free(evidence);
	return err;
}

void catalog_print(const struct publisher *p, uint64_t expires)
{
	char text[WHEN_TEXT_SIZE];

	printf("catalog   sequence %llu, until %s\n",
		(unsigned long long)p->state.catalog_sequence,
		when_format(expires, text));
}
