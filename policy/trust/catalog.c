#include "policy/trust/catalog.h"

#include <errno.h>
#include <stdlib.h>

#include "policy/trust/fields.h"

enum { TEXT_MAX = 64, NOTES_MAX = 4096 };

/* A path below the catalog's URL: no scheme, no query, no empty or dot part. */
static bool path_is_plain(struct bytes path)
{
	size_t from = 0;

	if (path.len == 0)
		return false;
	for (size_t i = 0; i <= path.len; i++) {
		uint8_t c = i < path.len ? path.at[i] : '/';
		size_t len = i - from;

		if (c != '/') {
			if (!((c >= 'A' && c <= 'Z') ||
				    (c >= 'a' && c <= 'z') ||
				    (c >= '0' && c <= '9') || c == '-' ||
				    c == '.' || c == '_' || c == '~'))
				return false;
			continue;
		}
		if (len == 0 || (len == 1 && path.at[from] == '.') ||
			(len == 2 && !memcmp(path.at + from, "..", 2)))
			return false;
		from = i + 1;
	}
	return true;
}

static void payload_read(struct fields *f, struct catalog_payload *ret)
{
	struct cbor_list list;

	field_array(f, "payload", 3, 3, &list);
	cbor_next(&f->r, &list);
	ret->path = field_tstr(f, "payload.path", CATALOG_PATH_MAX);
	if (!f->r.err && !path_is_plain(ret->path))
		field_fail(f, ERR_TRUST_CATALOG_FORM, "payload.path",
			"must be a plain relative path");
	cbor_next(&f->r, &list);
	ret->len = field_uint(f, "payload.length");
	cbor_next(&f->r, &list);
	ret->sha256 = field_bstr(f, "payload.digest", 32, 32);
	cbor_next(&f->r, &list);
}

static void payloads_read(struct fields *f, struct catalog_entry *e)
{
	struct catalog_payload payload;
	const uint8_t *from = f->r.at;
	struct cbor_list list;

	field_array(f, "payloads", 1, CATALOG_PAYLOADS_MAX, &list);
	while (cbor_next(&f->r, &list)) {
		payload_read(f, &payload);
		e->payload_count++;
	}
	if (!field_check(f, "payloads"))
		e->payloads = bytes_of(from, (size_t)(f->r.at - from));
}

static void precursors_read(struct fields *f, struct catalog_entry *e)
{
	const uint8_t *from = f->r.at;
	struct cbor_list list;

	field_array(f, "precursors", 1, CATALOG_PRECURSORS_MAX, &list);
	while (cbor_next(&f->r, &list)) {
		field_bstr(f, "precursor", 32, 32);
		e->precursor_count++;
	}
	if (!field_check(f, "precursors"))
		e->precursors = bytes_of(from, (size_t)(f->r.at - from));
}

static void expect_read(struct fields *f, struct catalog_entry *e)
{
	struct cbor_list map;
	int64_t key;

	field_map(f, "expect", &map);
	while (field_next(f, &map, &key)) {
		if (key == 1)
			e->expect_version =
				field_tstr(f, "expect.version", TEXT_MAX);
		else if (key == 2)
			e->expect_digest =
				field_bstr(f, "expect.digest", 1, 64);
		else
			field_skip(f, "expect");
	}
}

static void hardware_read(struct fields *f, struct catalog_entry *e)
{
	struct cbor_list list;

	field_array(f, "hardware", 2, 2, &list);
	cbor_next(&f->r, &list);
	e->hardware_min = field_uint(f, "hardware.min");
	cbor_next(&f->r, &list);
	e->hardware_max = field_uint(f, "hardware.max");
	cbor_next(&f->r, &list);
	e->has_hardware = true;
	if (!f->r.err && e->hardware_max < e->hardware_min)
		field_fail(f, ERR_TRUST_CATALOG_FORM, "hardware",
			"max is below min");
}

static void optional_read(
	struct fields *f, int64_t key, struct catalog_entry *e)
{
	switch (key) {
	case 9:
		expect_read(f, e);
		return;
	case 10:
		e->version = field_tstr(f, "version", TEXT_MAX);
		return;
	case 11:
		hardware_read(f, e);
		return;
	case 12:
		e->security = field_bool(f, "security");
		return;
	case 13:
		e->notes = field_tstr(f, "notes", NOTES_MAX);
		return;
	case 14:
		e->end_of_support = field_uint(f, "end-of-support");
		return;
	case 15:
		e->set = field_tstr(f, "set", TEXT_MAX);
		return;
	case 16:
		precursors_read(f, e);
		return;
	case 17:
		e->withdrawn = field_bool(f, "withdrawn");
		return;
	default:
		field_skip(f, "");
	}
}

static void entry_member(struct fields *f, int64_t key, struct catalog_entry *e)
{
	switch (key) {
	case 1:
		e->vendor_id = field_bstr(f, "vendor-id", 16, 16);
		return;
	case 2:
		e->class_id = field_bstr(f, "class-id", 16, 16);
		return;
	case 3:
		e->component = field_component(f, "component");
		return;
	case 4:
		e->sequence = field_uint(f, "sequence");
		return;
	case 5:
		e->manifest_digest = field_bstr(f, "manifest", 32, 32);
		return;
	case 6:
		e->envelope_digest = field_bstr(f, "envelope", 32, 32);
		return;
	case 7:
		e->envelope_len = field_uint(f, "envelope-length");
		return;
	case 8:
		payloads_read(f, e);
		return;
	default:
		optional_read(f, key, e);
	}
}

static void entry_read(struct fields *f, struct catalog_entry *e)
{
	struct cbor_list map;
	uint64_t seen = 0;
	int64_t key;

	field_map(f, "", &map);
	while (field_next(f, &map, &key)) {
		field_saw(&seen, key);
		entry_member(f, key, e);
	}
	field_require(f, seen, 0x1fe);
}

static void entries_read(struct fields *f, struct catalog *c)
{
	struct fields in = *f;
	struct cbor_list list;

	field_array(f, "entries", 0, CATALOG_ENTRIES_MAX, &list);
	if (f->r.err)
		return;
	c->entries = calloc((size_t)list.left + 1, sizeof(*c->entries));
	if (!c->entries) {
		field_fail(f, -ENOMEM, "entries", "no memory");
		return;
	}
	in.map = "entry";
	while (cbor_next(&f->r, &list)) {
		in.r = f->r;
		entry_read(&in, &c->entries[c->entry_count]);
		f->r = in.r;
		if (f->r.err)
			fault_within(f->fault, "catalog.entries[%u].",
				c->entry_count);
		c->entry_count++;
	}
	field_check(f, "entries");
}

static void evidence_read(struct fields *f, struct catalog_evidence *e)
{
	struct cbor_list map;
	uint64_t seen = 0;
	int64_t key;

	field_map(f, "evidence", &map);
	while (field_next(f, &map, &key)) {
		field_saw(&seen, key);
		if (key == 1) {
			uint64_t kind = field_uint(f, "evidence.kind");

			if (!f->r.err && (kind < 1 || kind > 2))
				field_fail(f, ERR_TRUST_CATALOG_FORM,
					"evidence.kind", "must be 1 or 2");
			e->kind = (unsigned)kind;
		} else if (key == 2) {
			e->sha256 = field_bstr(f, "evidence.digest", 32, 32);
		} else if (key == 3) {
			e->len = field_uint(f, "evidence.length");
		} else {
			field_skip(f, "evidence");
		}
	}
	field_require(f, seen, 0xe);
}

static void evidence_list_read(struct fields *f, struct catalog *c)
{
	struct cbor_list list;

	field_array(f, "evidence", 0, CATALOG_EVIDENCE_MAX, &list);
	while (cbor_next(&f->r, &list))
		evidence_read(f, &c->evidence[c->evidence_count++]);
	field_check(f, "evidence");
}

static void member_read(struct fields *f, int64_t key, struct catalog *c)
{
	switch (key) {
	case 1:
		if (field_uint(f, "format") != 1)
			field_fail(f, ERR_TRUST_CATALOG_FORM, "format",
				"must be 1");
		return;
	case 2:
		c->sequence = field_uint(f, "sequence");
		return;
	case 3:
		c->issued = field_uint(f, "issued");
		return;
	case 4:
		c->expires = field_uint(f, "expires");
		return;
	case 5:
		c->root_version = field_uint(f, "root-version");
		return;
	case 6:
		c->epoch = field_uint(f, "epoch");
		return;
	case 7:
		entries_read(f, c);
		return;
	case 8:
		evidence_list_read(f, c);
		return;
	case 9:
		c->quirks = field_bstr(f, "quirks", 0, CATALOG_FILE_MAX);
		return;
	default:
		field_skip(f, "");
	}
}

static int order(struct bytes a, struct bytes b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int sign = n ? memcmp(a.at, b.at, n) : 0;

	return sign ? sign : (a.len > b.len) - (a.len < b.len);
}

static int order_uint(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* A place in the order of entries. */
struct sorted {
	const struct catalog_entry *entry;
};

/* What no two entries may agree in. */
static int entry_order(const void *left, const void *right)
{
	const struct catalog_entry *a = ((const struct sorted *)left)->entry;
	const struct catalog_entry *b = ((const struct sorted *)right)->entry;
	int sign = order(a->class_id, b->class_id);

	if (!sign)
		sign = order(a->vendor_id, b->vendor_id);
	if (!sign)
		sign = order(a->component, b->component);
	if (!sign)
		sign = order_uint(a->sequence, b->sequence);
	if (!sign)
		sign = order_uint(a->has_hardware, b->has_hardware);
	if (!sign)
		sign = order_uint(a->hardware_min, b->hardware_min);
	if (!sign)
		sign = order_uint(a->hardware_max, b->hardware_max);
	return sign ? sign : order(a->precursors, b->precursors);
}

static int entries_differ(const struct catalog *c, struct fault *fault)
{
	struct sorted *sorted;
	int err = 0;

	if (c->entry_count < 2)
		return 0;
	sorted = calloc(c->entry_count, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (unsigned i = 0; i < c->entry_count; i++)
		sorted[i].entry = &c->entries[i];
	qsort(sorted, c->entry_count, sizeof(*sorted), entry_order);
	for (unsigned i = 1; !err && i < c->entry_count; i++)
		if (entry_order(&sorted[i - 1], &sorted[i]) == 0)
			err = fault_set(fault, ERR_TRUST_CATALOG_ENTRY_TWICE, 0,
				"catalog.entries",
				"entries %u and %u name one release",
				(unsigned)(sorted[i - 1].entry - c->entries),
				(unsigned)(sorted[i].entry - c->entries));
	free(sorted);
	return err;
}

static int payload_parse(
	struct bytes payload, struct catalog *c, struct fault *fault)
{
	struct fields f = {.fault = fault, .map = "catalog"};
	struct cbor_list map;
	uint64_t seen = 0;
	int64_t key;

	cbor_init(&f.r, payload, CBOR_STRICT);
	field_map(&f, "", &map);
	while (field_next(&f, &map, &key)) {
		field_saw(&seen, key);
		member_read(&f, key, c);
	}
	cbor_done(&f.r);
	field_check(&f, "");
	field_require(&f, seen, 0xfe);
	if (!f.r.err && c->expires <= c->issued)
		field_fail(&f, ERR_TRUST_CATALOG_FORM, "expires",
			"must be after issued");
	return f.r.err ? f.r.err : entries_differ(c, fault);
}

void catalog_free(struct catalog *catalog)
{
	if (!catalog)
		return;
	free(catalog->entries);
	free(catalog->file);
	free(catalog);
}

static int copy_file(struct bytes file, struct catalog **ret)
{
	struct catalog *c = calloc(1, sizeof(*c));

	if (c)
		c->file = malloc(file.len);
	if (!c || !c->file) {
		catalog_free(c);
		return -ENOMEM;
	}
	memcpy(c->file, file.at, file.len);
	c->file_len = file.len;
	*ret = c;
	return crypto_sha256(file, c->sha256);
}

static int open_file(struct bytes file, struct catalog **ret,
	struct cose_msg *ret_msg, struct fault *fault)
{
	struct catalog *c = NULL;
	int err;

	if (file.len == 0 || file.len > CATALOG_FILE_MAX)
		return fault_set(fault, ERR_TOO_LARGE, 0, "catalog",
			"file has %zu bytes, limit %u", file.len,
			CATALOG_FILE_MAX);
	err = copy_file(file, &c);
	if (!err)
		err = cose_parse(bytes_of(c->file, c->file_len), COSE_NONE,
			ret_msg, fault);
	if (!err && ret_msg->kind == COSE_MAC0)
		err = fault_set(fault, ERR_TRUST_COSE_TAG, 0, "catalog",
			"must be COSE_Sign1 or COSE_Sign");
	if (!err && !ret_msg->payload_attached)
		err = fault_set(fault, ERR_TRUST_COSE_DETACHED, 0, "catalog",
			"the payload must be attached");
	if (err) {
		catalog_free(c);
		return err;
	}
	*ret = c;
	return 0;
}

int catalog_parse(struct bytes file, struct catalog **ret, struct fault *fault)
{
	struct catalog *c = NULL;
	struct cose_msg msg = {0};
	int err = open_file(file, &c, &msg, fault);

	if (!err)
		err = payload_parse(msg.payload, c, fault);
	if (err) {
		catalog_free(c);
		return err;
	}
	*ret = c;
	return 0;
}

static int signers_of(const struct root *root, const struct cose_msg *msg,
	const struct chain_rules *rules, struct role_signatures *ret)
{
	return role_verify(root_role(root, ROLE_CATALOG), msg,
		ROLE_KID_REQUIRED, bytes_of_text(CATALOG_AAD), msg->payload,
		rules, ret);
}

/* Of the caller's own bytes, so that what is needed points into them and not
 * into a copy that a refusal frees. */
static int signers_of_file(const struct root *root, struct bytes file,
	const struct chain_rules *rules, struct role_signatures *ret)
{
	struct cose_msg msg = {0};
	int err = cose_parse(file, COSE_NONE, &msg, NULL);

	return err ? err : signers_of(root, &msg, rules, ret);
}

int catalog_signers(const struct catalog *catalog, const struct root *root,
	const struct chain_rules *rules, struct role_signatures *ret)
{
	return signers_of_file(root,
		bytes_of(catalog->file, catalog->file_len), rules, ret);
}

/* Signatures that are withheld pass here; judge_revocation() is the last. */
static int judge_signatures(const struct root *root,
	const struct role_signatures *found, struct catalog *c,
	struct fault *fault)
{
	const struct root_role *role = root_role(root, ROLE_CATALOG);

	c->signer_not_after = UINT64_MAX;
	for (unsigned i = 0; i < found->count; i++)
		if (found->of[i].not_after < c->signer_not_after)
			c->signer_not_after = found->of[i].not_after;
	if (role_signatures_right(found) < role->threshold)
		return fault_set(fault, ERR_TRUST_CATALOG_THRESHOLD, 0,
			"catalog.signatures", "%u of %u by role 2 (%s)",
			found->count, role->threshold,
			found->first_refusal ? err_text(found->first_refusal)
					     : "none was refused");
	return 0;
}

static void note_evidence(
	struct catalog *c, const struct role_signatures *found)
{
	c->evidence_until = UINT64_MAX;
	for (unsigned i = 0; i < found->count; i++) {
		const struct revocation_result *r = &found->of[i].revocation;

		if (r->good_until < c->evidence_until)
			c->evidence_until = r->good_until;
		if (r->signed_time > c->signed_time)
			c->signed_time = r->signed_time;
	}
}

static int judge_revocation(const struct root *root,
	const struct role_signatures *found, struct fault *fault)
{
	const struct role_signature *one = role_signatures_withheld(found);

	if (found->count >= root_role(root, ROLE_CATALOG)->threshold)
		return 0;
	return fault_set(fault, one->revocation.code, 0, "catalog.signatures",
		"%.60s: %s", one->subject, one->revocation.evidence);
}

int catalog_judge_again(struct catalog *catalog, const struct root *root,
	const struct chain_rules *rules, struct fault *fault)
{
	struct role_signatures found = {0};
	int err = catalog_signers(catalog, root, rules, &found);

	if (!err)
		err = judge_signatures(root, &found, catalog, fault);
	if (!err)
		err = judge_revocation(root, &found, fault);
	note_evidence(catalog, &found);
	return err;
}

static void copy_shipped(const struct catalog *c, struct catalog_shipped *ret)
{
	for (; ret->count < c->evidence_count; ret->count++) {
		const struct catalog_evidence *e = &c->evidence[ret->count];

		ret->of[ret->count].kind = (enum evidence_kind)e->kind;
		memcpy(ret->of[ret->count].sha256, e->sha256.at, 32);
		ret->of[ret->count].len = e->len;
	}
}

static int judge_floor(const struct catalog *c,
	const struct catalog_floor *floor, struct fault *fault)
{
	if (!floor || !floor->set || floor->epoch < c->epoch)
		return 0;
	if (floor->epoch > c->epoch || c->sequence < floor->sequence)
		return fault_set(fault, ERR_TRUST_CATALOG_ROLLBACK, 0,
			"catalog.sequence", "%llu is below %llu",
			(unsigned long long)c->sequence,
			(unsigned long long)floor->sequence);
	if (c->sequence == floor->sequence &&
		memcmp(c->sha256, floor->sha256, 32) != 0)
		return fault_set(fault, ERR_TRUST_CATALOG_TWIN, 0,
			"catalog.sequence", "%llu again, but another file",
			(unsigned long long)c->sequence);
	return 0;
}

static int judge_place(
	const struct root *root, const struct catalog *c, struct fault *fault)
{
	if (c->root_version > root->version)
		return fault_set(fault, ERR_TRUST_CATALOG_ROOT, 0,
			"catalog.root-version", "%llu, the root here is %llu",
			(unsigned long long)c->root_version,
			(unsigned long long)root->version);
	if (c->epoch != root->epoch)
		return fault_set(fault, ERR_TRUST_CATALOG_EPOCH, 0,
			"catalog.epoch", "%llu, the root's is %llu",
			(unsigned long long)c->epoch,
			(unsigned long long)root->epoch);
	return 0;
}

/* All but the signatures. */
static int judge_content(const struct root *root, const struct cose_msg *msg,
	const struct catalog_floor *floor, struct trust_now now,
	struct catalog *c, struct fault *fault)
{
	int err = payload_parse(msg->payload, c, fault);

	if (!err)
		err = judge_place(root, c, fault);
	if (!err)
		err = judge_floor(c, floor, fault);
	if (!err && trust_now_too_early(now, c->issued))
		err = fault_set(fault, ERR_TRUST_CATALOG_NOT_YET, 0,
			"catalog.issued", "%llu, now is %llu",
			(unsigned long long)c->issued,
			(unsigned long long)now.system);
	return err;
}

int catalog_accept(const struct root *root, struct bytes file,
	const struct catalog_floor *floor, const struct chain_rules *rules,
	struct catalog **ret, struct catalog_shipped *ret_shipped,
	struct fault *fault)
{
	struct role_signatures found = {0};
	struct catalog *c = NULL;
	struct cose_msg msg = {0};
	int err = open_file(file, &c, &msg, fault);

	if (ret_shipped)
		ret_shipped->count = 0;
	if (err || !c)
		return err;
	err = signers_of_file(root, file, rules, &found);
	if (!err)
		err = judge_signatures(root, &found, c, fault);
	if (!err)
		err = judge_content(root, &msg, floor, rules->now, c, fault);
	if (!err) {
		note_evidence(c, &found);
		err = judge_revocation(root, &found, fault);
		if (err && ret_shipped)
			copy_shipped(c, ret_shipped);
	}
	if (err) {
		catalog_free(c);
		return err;
	}
	*ret = c;
	return 0;
}

enum catalog_state catalog_state(const struct catalog *catalog,
	const struct root *root, struct trust_now now)
{
	uint64_t grace = root->offline_grace_s;

	if (!trust_now_expired(now, catalog->expires))
		return CATALOG_CURRENT;
	if (grace > UINT64_MAX - catalog->expires)
		grace = UINT64_MAX - catalog->expires;
	return trust_now_expired(now, catalog->expires + grace)
		       ? CATALOG_EXPIRED
		       : CATALOG_GRACE;
}

int catalog_entry_payload(const struct catalog_entry *entry, unsigned i,
	struct catalog_payload *ret)
{
	struct fields f = {.map = "entry"};
	struct cbor_list list;

	if (i >= entry->payload_count)
		return -ENOENT;
	cbor_init(&f.r, entry->payloads, CBOR_STRICT);
	cbor_array(&f.r, &list);
	do {
		cbor_next(&f.r, &list);
		payload_read(&f, ret);
	} while (i--);
	return f.r.err;
}

int catalog_entry_precursor(
	const struct catalog_entry *entry, unsigned i, struct bytes *ret)
{
	struct cbor_list list;
	struct cbor r;

	if (i >= entry->precursor_count)
		return -ENOENT;
	cbor_init(&r, entry->precursors, CBOR_STRICT);
	cbor_array(&r, &list);
	do {
		cbor_next(&r, &list);
		cbor_bstr(&r, ret);
	} while (i--);
	return r.err;
}

static bool names_target(
	const struct catalog_entry *e, const struct catalog_target *t)
{
	return bytes_equal(e->vendor_id, t->vendor_id) &&
	       bytes_equal(e->class_id, t->class_id) &&
	       bytes_equal(e->component, t->component);
}

static bool in_range(
	const struct catalog_entry *e, const struct catalog_target *t)
{
	return t->hardware >= e->hardware_min && t->hardware <= e->hardware_max;
}

bool catalog_entry_fits(
	const struct catalog_entry *entry, const struct catalog_target *target)
{
	return names_target(entry, target) &&
	       (!entry->has_hardware || !target->hardware_known ||
		       in_range(entry, target));
}

const struct catalog_entry *catalog_find(
	const struct catalog *catalog, const struct catalog_target *target)
{
	const struct catalog_entry *best = NULL;

	for (unsigned i = 0; i < catalog->entry_count; i++) {
		const struct catalog_entry *e = &catalog->entries[i];

		if (e->withdrawn || e->precursor_count ||
			!catalog_entry_fits(e, target) ||
			(e->has_hardware && !target->hardware_known))
			continue;
		if (!best || e->sequence > best->sequence)
			best = e;
	}
	return best;
}

const struct catalog_entry *catalog_find_release(const struct catalog *catalog,
	struct bytes manifest_digest, const struct catalog_target *target)
{
	for (unsigned i = 0; i < catalog->entry_count; i++) {
		const struct catalog_entry *e = &catalog->entries[i];

		if (bytes_equal(e->manifest_digest, manifest_digest) &&
			catalog_entry_fits(e, target))
			return e;
	}
	return NULL;
}

const struct catalog_entry *catalog_find_manifest(
	const struct catalog *catalog, struct bytes manifest_digest)
{
	for (unsigned i = 0; i < catalog->entry_count; i++)
		if (bytes_equal(catalog->entries[i].manifest_digest,
			    manifest_digest))
			return &catalog->entries[i];
	return NULL;
}

uint64_t catalog_sequence_floor(
	const struct catalog *catalog, const struct catalog_target *target)
{
	uint64_t floor = 0;

	for (unsigned i = 0; i < catalog->entry_count; i++)
		if (catalog_entry_fits(&catalog->entries[i], target) &&
			catalog->entries[i].sequence > floor)
			floor = catalog->entries[i].sequence;
	return floor;
}
