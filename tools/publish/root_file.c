#include "tools/publish/root_file.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cbor.h"
#include "base/cbor_out.h"
#include "tools/publish/pki.h"
#include "tools/publish/say.h"
#include "tools/publish/when.h"

#define COSE_KEY_LEN_MAX 256

static const char *const role_names[] = {"", "root", "catalog", "author",
	"operator", "regulator"};

#define ROLE_NAMES (sizeof(role_names) / sizeof(role_names[0]))

const char *role_name(uint64_t number)
{
	return number > 0 && number < ROLE_NAMES ? role_names[number] :
			"unknown";
}

int role_parse(const char *text, enum role *ret)
{
	for (size_t i = 1; text && i < ROLE_NAMES; i++) {
		if (strcmp(text, role_names[i]) != 0)
			continue;
		*ret = (enum role)i;
		return 0;
	}
	return complain(-EINVAL, NULL, "--role", "must be root, catalog,"
		" author, operator or regulator");
}

int root_entry_of_key(const struct cose_key *key, struct root_entry *ret)
{
	struct root_entry entry = {.kind = ROOT_ENTRY_KEY, .key = *key};
	int err = cose_key_thumbprint(key, entry.id);

	if (err)
		return complain(err, NULL, "key thumbprint", "%s",
			err_text(err));
	*ret = entry;
	return 0;
}

int root_entry_of_certificate(struct bytes der, const char *path,
	struct root_entry *ret)
{
	struct x509_facts facts;
	int err = pki_look(der, path, &facts);

	if (!err && !facts.has_key)
		err = complain(-EINVAL, path, "public key",
			"must be on P-256, P-384 or P-521");
	if (!err)
		err = root_entry_of_key(&facts.key, ret);
	if (err)
		return err;
	ret->kind = ROOT_ENTRY_CERTIFICATE;
	ret->certificate = der;
	return 0;
}

static void put_scope(struct buf *b, const struct root_scope *scope)
{
	cbor_put_map(b, (uint64_t)(scope->vendor_id.at != NULL) +
		(scope->class_id.at != NULL) + (scope->component.at != NULL));
	if (scope->vendor_id.at) {
		cbor_put_uint(b, 1);
		cbor_put_bstr(b, scope->vendor_id);
	}
	if (scope->class_id.at) {
		cbor_put_uint(b, 2);
		cbor_put_bstr(b, scope->class_id);
	}
	if (scope->component.at) {
		cbor_put_uint(b, 3);
		buf_add_bytes(b, scope->component);
	}
}

static void put_entry(struct buf *b, const struct root_entry *entry)
{
	struct buf key;

	buf_init(&key, COSE_KEY_LEN_MAX);
	cbor_put_map(b, 1 + (uint64_t)(entry->scope_count > 0) +
		entry->revoked_by_root_only);
	if (entry->kind == ROOT_ENTRY_CERTIFICATE) {
		cbor_put_uint(b, 2);
		cbor_put_bstr(b, entry->certificate);
	} else {
		cose_key_put(&key, &entry->key);
		cbor_put_uint(b, 1);
		cbor_put_bstr(b, buf_bytes(&key));
	}
	if (entry->scope_count) {
		cbor_put_uint(b, 3);
		cbor_put_array(b, entry->scope_count);
		for (unsigned i = 0; i < entry->scope_count; i++)
			put_scope(b, &entry->scopes[i]);
	}
	if (entry->revoked_by_root_only) {
		cbor_put_uint(b, 4);
		cbor_put_bool(b, true);
	}
	buf_done(&key);
}

static void put_role(struct buf *b, const struct root_role *role)
{
	cbor_put_uint(b, role->number);
	cbor_put_map(b, 2);
	cbor_put_uint(b, 1);
	cbor_put_uint(b, role->threshold);
	cbor_put_uint(b, 2);
	cbor_put_array(b, role->count);
	for (unsigned i = 0; i < role->count; i++)
		put_entry(b, &role->entries[i]);
}

static void put_transfers(struct buf *b, const struct root *draft)
{
	cbor_put_uint(b, 7);
	cbor_put_array(b, draft->transfer_count);
	for (unsigned i = 0; i < draft->transfer_count; i++) {
		const struct root_transfer *t = &draft->transfers[i];

		cbor_put_map(b, 2);
		cbor_put_uint(b, 1);
		cbor_put_array(b, t->class_count);
		for (unsigned k = 0; k < t->class_count; k++)
			cbor_put_bstr(b, t->classes[k]);
		cbor_put_uint(b, 2);
		cbor_put_bstr(b, t->heir);
	}
}

/* Roles stand in the order of their numbers in a draft. */
int root_draft_write(const struct root *draft, struct buf *ret)
{
	cbor_put_map(ret, 6 + (uint64_t)(draft->transfer_count > 0) +
		(draft->host_count > 0) + (draft->offline_grace_s > 0));
	cbor_put_uint(ret, 1);
	cbor_put_uint(ret, 1);
	cbor_put_uint(ret, 2);
	cbor_put_uint(ret, draft->version);
	cbor_put_uint(ret, 3);
	cbor_put_uint(ret, draft->issued);
	cbor_put_uint(ret, 4);
	cbor_put_uint(ret, draft->expires);
	cbor_put_uint(ret, 5);
	cbor_put_uint(ret, draft->epoch);
	cbor_put_uint(ret, 6);
	cbor_put_map(ret, draft->role_count);
	for (unsigned i = 0; i < draft->role_count; i++)
		put_role(ret, &draft->roles[i]);
	if (draft->transfer_count)
		put_transfers(ret, draft);
	if (draft->host_count) {
		cbor_put_uint(ret, 8);
		cbor_put_array(ret, draft->host_count);
		for (unsigned i = 0; i < draft->host_count; i++)
			cbor_put_tstr_bytes(ret, draft->hosts[i]);
	}
	if (draft->offline_grace_s) {
		cbor_put_uint(ret, 9);
		cbor_put_uint(ret, draft->offline_grace_s);
	}
	return ret->err ? complain(ret->err, NULL, "root",
		"larger than %zu bytes", ret->max) : 0;
}

static int root_read(const char *path, struct root **ret)
{
	struct fault fault = {0};
	struct buf file;
	int err;

	buf_init(&file, ROOT_FILE_MAX);
	err = file_read(path, &file);
	if (!err) {
		err = root_first(buf_bytes(&file), ret, &fault);
		if (err)
			complain_fault(path, err, &fault);
	}
	buf_done(&file);
	return err;
}

/* A successor that was published just before a crash is adopted. */
static int root_adopt(struct publisher *p, struct root **root)
{
	struct publisher_state state = p->state;
	char path[FILES_PATH_SIZE];
	struct fault fault = {0};
	struct root *next = NULL;
	struct buf file;
	int err = publisher_path(p, path, "www/root/%llu.cose",
		(unsigned long long)(*root)->version + 1);

	if (err || !file_exists(path))
		return err;
	buf_init(&file, ROOT_FILE_MAX);
	err = file_read(path, &file);
	if (!err) {
		err = root_next(*root, buf_bytes(&file), &next, &fault);
		if (err)
			complain_fault(path, err, &fault);
	}
	buf_done(&file);
	if (err)
		return err;
	root_free(*root);
	*root = next;
	state.root_version = next->version;
	if (next->issued > state.issued)
		state.issued = next->issued;
	return publisher_state_write(p, &state);
}

int root_file_current(struct publisher *p, struct root **ret)
{
	char path[FILES_PATH_SIZE];
	struct root *root = NULL;
	int err;

	if (p->state.root_version == 0)
		return complain(-EINVAL, p->dir, "root", "there is none:"
			" ferry-publish init did not finish, start again in a"
			" new folder");
	err = publisher_path(p, path, "www/root/%llu.cose",
		(unsigned long long)p->state.root_version);
	if (!err)
		err = root_read(path, &root);
	if (!err && root->version != p->state.root_version)
		err = complain(-EINVAL, path, "version", "is %llu, not %llu",
			(unsigned long long)root->version,
			(unsigned long long)p->state.root_version);
	if (!err)
		err = root_adopt(p, &root);
	if (err)
		root_free(root);
	else
		*ret = root;
	return err;
}

/* Open keys with what they sign as; embedded, _done() ends them. */
struct key_ring {
	struct key keys[ROOT_KEYS_MAX];
	uint8_t kids[ROOT_KEYS_MAX][COSE_KID_LEN];
	struct cose_signing signing[ROOT_KEYS_MAX];
	unsigned count;
};

static void ring_done(struct key_ring *ring)
{
	for (unsigned i = 0; i < ring->count; i++)
		key_done(&ring->keys[i]);
	ring->count = 0;
}

static bool role_lists(const struct root *root, const struct cose_key *key)
{
	const struct root_role *role = root ? root_role(root, ROLE_ROOT) : NULL;

	for (unsigned i = 0; role && i < role->count; i++)
		if (role->entries[i].kind == ROOT_ENTRY_KEY &&
				cose_key_equal(&role->entries[i].key, key))
			return true;
	return false;
}

/* Opens a key; keeps it if one of the roots lists it and it is new. */
static int ring_add(struct key_ring *ring, const struct publisher *p,
	const char *path, const struct root *old, const struct root *new,
	bool must_be_listed)
{
	struct key *key = &ring->keys[ring->count];
	int err;

	if (ring->count == ROOT_KEYS_MAX)
		return complain(-E2BIG, path, "keys", "more than %d",
			ROOT_KEYS_MAX);
	err = publisher_key_open(p, path, key);
	if (err)
		return err;
	if (!role_lists(old, &key->public) && !role_lists(new, &key->public)) {
		key_done(key);
		return must_be_listed ? complain(-EPERM, path, "key",
			"is not in the root role") : 0;
	}
	for (unsigned i = 0; i < ring->count; i++) {
		if (!cose_key_equal(&ring->keys[i].public, &key->public))
			continue;
		key_done(key);
		return 0;
	}
	err = key_signing(key, p->vendor.unsplit_algorithms,
		ring->kids[ring->count], &ring->signing[ring->count]);
	if (err)
		key_done(key);
	else
		ring->count++;
	return err;
}

static bool has_ending(const char *name, const char *ending)
{
	size_t len = strlen(name), end = strlen(ending);

	return len > end && strcmp(name + len - end, ending) == 0;
}

static int ring_add_folder(struct key_ring *ring, const struct publisher *p,
	const struct root *old, const struct root *new)
{
	char path[FILES_PATH_SIZE];
	struct dirent *entry;
	DIR *folder;
	int err = publisher_path(p, path, "keys/root");

	if (err)
		return err;
	folder = opendir(path);
	if (!folder)
		return errno == ENOENT ? 0 : complain(-errno, path, NULL,
			"cannot open: %s", strerror(errno));
	while (!err && (entry = readdir(folder)) != NULL) {
		if (!has_ending(entry->d_name, ".key.pem"))
			continue;
		err = publisher_path(p, path, "keys/root/%s", entry->d_name);
		if (!err)
			err = ring_add(ring, p, path, old, new, false);
	}
	closedir(folder);
	return err;
}

/* How many distinct keys of the root role of `root` have signed. */
static int role_count_signed(const struct root *root,
	const struct cose_msg *msg, unsigned *ret)
{
	const struct root_role *role = root_role(root, ROLE_ROOT);
	struct role_signatures *seen = calloc(1, sizeof(*seen));
	const struct chain_rules rules = {
		.now = trust_now_at(root->issued),
		.revocation = &revocation_nothing_known,
	};
	int err = -ENOMEM;

	if (seen && role)
		err = role_verify(role, msg, ROLE_KID_REQUIRED,
			bytes_of_text(ROOT_AAD), msg->payload, &rules, seen);
	if (!err)
		*ret = seen->count;
	free(seen);
	return err ? complain(err, NULL, "root", "signatures: %s",
		err_text(err)) : 0;
}

/* Which threshold is still short; `draft` counts as the new root. */
static int thresholds_check(const struct root *previous,
	const struct root *draft, struct bytes file, unsigned *ret_missing)
{
	const struct root *roots[] = {draft, previous};
	struct fault fault = {0};
	struct cose_msg msg;
	int err = cose_parse(file, COSE_NONE, &msg, &fault);

	if (err)
		return complain_fault("root", err, &fault);
	*ret_missing = 0;
	for (size_t i = 0; i < 2 && roots[i]; i++) {
		unsigned count = 0;
		unsigned need = root_role(roots[i], ROLE_ROOT)->threshold;

		err = role_count_signed(roots[i], &msg, &count);
		if (err)
			return err;
		if (count < need && need - count > *ret_missing)
			*ret_missing = need - count;
	}
	return 0;
}

static int root_place(struct publisher *p, const struct root *previous,
	struct bytes file)
{
	struct publisher_state state = p->state;
	char path[FILES_PATH_SIZE];
	struct root *root = NULL;
	struct fault fault = {0};
	int err;

	err = previous ? root_next(previous, file, &root, &fault) :
			root_first(file, &root, &fault);
	if (err)
		return complain_fault("new root", err, &fault);
	state.root_version = root->version;
	if (root->issued > state.issued)
		state.issued = root->issued;
	err = publisher_path(p, path, "www/root/%llu.cose",
		(unsigned long long)root->version);
	root_free(root);
	if (!err)
		err = file_write_new(path, file, 0644);
	return err ? err : publisher_state_write(p, &state);
}

static int draft_keep(const struct publisher *p, uint64_t version,
	unsigned missing, struct bytes file)
{
	char path[FILES_PATH_SIZE];
	int err = publisher_path(p, path, "root-%llu.draft.cose",
		(unsigned long long)version);

	if (!err)
		err = file_write(path, file, 0644);
	return err ? err : complain(-EAGAIN, path, NULL, "needs %u more"
		" signature%s of the root role (ferry-publish root sign)",
		missing, missing == 1 ? "" : "s");
}

/* Signatures that others gave to another change are not written over. */
static int draft_begin(const struct publisher *p, uint64_t version,
	unsigned missing, struct bytes file)
{
	char path[FILES_PATH_SIZE];
	int err = publisher_path(p, path, "root-%llu.draft.cose",
		(unsigned long long)version);

	if (!err && file_exists(path))
		err = complain(-EEXIST, path, NULL, "is there already, of"
			" another change: finish it (ferry-publish root sign),"
			" or remove it");
	return err ? err : draft_keep(p, version, missing, file);
}

int root_draft_publish(struct publisher *p, const struct root *previous,
	const struct root *draft, const char *const *more, size_t more_count)
{
	struct key_ring *ring = calloc(1, sizeof(*ring));
	struct buf payload, file;
	unsigned missing = 0;
	int err = ring ? 0 : complain(-ENOMEM, NULL, NULL, "no memory");

	buf_init(&payload, ROOT_FILE_MAX);
	buf_init(&file, ROOT_FILE_MAX);
	if (!err)
		err = root_draft_write(draft, &payload);
	if (!err)
		err = ring_add_folder(ring, p, previous, draft);
	for (size_t i = 0; !err && i < more_count; i++)
		err = ring_add(ring, p, more[i], previous, draft, true);
	if (!err && ring->count == 0)
		err = complain(-ENOENT, p->dir, "keys/root",
			"holds no key of the root role");
	if (!err) {
		err = cose_put_sign(&file, ring->signing, ring->count,
			bytes_of_text(ROOT_AAD), buf_bytes(&payload), false);
		if (err)
			complain(err, NULL, "root", "cannot be signed: %s",
				err_text(err));
	}
	if (!err)
		err = thresholds_check(previous, draft, buf_bytes(&file),
			&missing);
	if (!err)
		err = missing ? draft_begin(p, draft->version, missing,
			buf_bytes(&file)) :
			root_place(p, previous, buf_bytes(&file));
	if (ring)
		ring_done(ring);
	free(ring);
	buf_done(&file);
	buf_done(&payload);
	return err;
}

/* The content of an array that cose_parse() took, without its head. */
static int signers_of(const struct cose_msg *msg, struct bytes *ret)
{
	struct cbor r;
	struct cbor_list list;

	cbor_init(&r, msg->signers, CBOR_COSE);
	if (cbor_array(&r, &list))
		return r.err;
	*ret = bytes_slice(msg->signers, cbor_offset(&r), SIZE_MAX);
	return 0;
}

/* The signatures of two messages over one payload in one message. */
static int signatures_join(const struct cose_msg *a, const struct cose_msg *b,
	struct buf *ret)
{
	struct bytes first, second;
	int err = signers_of(a, &first);

	if (!err)
		err = signers_of(b, &second);
	if (err)
		return complain(err, NULL, "root.signatures", "%s",
			err_text(err));
	cbor_put_tag(ret, COSE_SIGN);
	cbor_put_array(ret, 4);
	cbor_put_bstr(ret, bytes_of(NULL, 0));
	cbor_put_map(ret, 0);
	cbor_put_bstr(ret, a->payload);
	cbor_put_array(ret, (uint64_t)a->signer_count + b->signer_count);
	buf_add_bytes(ret, first);
	buf_add_bytes(ret, second);
	return ret->err;
}

/* Drops keys that have signed already. */
static int ring_drop_signed(struct key_ring *ring, const struct cose_msg *msg)
{
	for (unsigned i = 0; i < msg->signer_count; i++) {
		struct cose_signer signer;
		unsigned kept = 0;
		int err = cose_signer_at(msg, i, &signer);

		if (err)
			return complain(err, NULL, "root.signatures", "%s",
				err_text(err));
		for (unsigned k = 0; k < ring->count; k++) {
			if (bytes_equal(signer.header.kid,
					ring->signing[k].kid)) {
				key_done(&ring->keys[k]);
				continue;
			}
			ring->keys[kept] = ring->keys[k];
			memcpy(ring->kids[kept], ring->kids[k], COSE_KID_LEN);
			ring->signing[kept] = ring->signing[k];
			ring->signing[kept].arg = &ring->keys[kept];
			ring->signing[kept].kid = bytes_of(ring->kids[kept],
				COSE_KID_LEN);
			kept++;
		}
		ring->count = kept;
	}
	return 0;
}

/* `file` with the signatures of the ring added. */
static int draft_add(struct bytes file, struct key_ring *ring, struct buf *ret)
{
	struct cose_msg old, new;
	struct fault fault = {0};
	struct buf more;
	int err = cose_parse(file, COSE_NONE, &old, &fault);

	if (err)
		return complain_fault("draft", err, &fault);
	err = ring_drop_signed(ring, &old);
	if (err)
		return err;
	if (ring->count == 0)
		return complain(-EEXIST, "draft", "root.signatures",
			"these keys have signed already");
	buf_init(&more, ROOT_FILE_MAX);
	err = cose_put_sign(&more, ring->signing, ring->count,
		bytes_of_text(ROOT_AAD), old.payload, false);
	if (err)
		complain(err, NULL, "root", "cannot be signed: %s",
			err_text(err));
	if (!err)
		err = cose_parse(buf_bytes(&more), COSE_NONE, &new, &fault);
	if (!err)
		err = signatures_join(&old, &new, ret);
	buf_done(&more);
	return err;
}

static int draft_sign(struct publisher *p, const char *draft_path,
	const char *const *keys, size_t keys_count, struct key_ring *ring)
{
	struct root *draft = NULL, *current = NULL;
	struct buf file, signed_file;
	struct fault fault = {0};
	unsigned missing = 0;
	int err;

	buf_init(&file, ROOT_FILE_MAX);
	buf_init(&signed_file, ROOT_FILE_MAX);
	err = file_read(draft_path, &file);
	if (!err) {
		err = root_parse(buf_bytes(&file), &draft, &fault);
		if (err)
			complain_fault(draft_path, err, &fault);
	}
	if (!err)
		err = root_file_current(p, &current);
	for (size_t i = 0; !err && i < keys_count; i++)
		err = ring_add(ring, p, keys[i], current, draft, true);
	if (!err)
		err = draft_add(buf_bytes(&file), ring, &signed_file);
	if (!err)
		err = thresholds_check(current, draft, buf_bytes(&signed_file),
			&missing);
	if (!err)
		err = missing ? draft_keep(p, draft->version, missing,
			buf_bytes(&signed_file)) :
			root_place(p, current, buf_bytes(&signed_file));
	if (!err)
		unlink(draft_path);
	root_free(current);
	root_free(draft);
	buf_done(&signed_file);
	buf_done(&file);
	return err;
}

int root_draft_sign(struct publisher *p, const char *draft_path,
	const char *const *keys, size_t keys_count)
{
	struct key_ring *ring = calloc(1, sizeof(*ring));
	int err = ring ? draft_sign(p, draft_path, keys, keys_count, ring) :
			complain(-ENOMEM, NULL, NULL, "no memory");

	if (ring)
		ring_done(ring);
	free(ring);
	return err;
}
