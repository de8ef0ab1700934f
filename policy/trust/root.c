#include "policy/trust/root.h"

#include <errno.h>
#include <stdlib.h>

#include "policy/trust/root_read.h"

/* Of a root's own signatures: at any time, by bare keys alone. */
static const struct chain_rules root_rules = {
	.revocation = &revocation_nothing_known,
};

void root_free(struct root *root)
{
	if (!root)
		return;
	for (unsigned i = 0; i < root->role_count; i++)
		free(root->roles[i].entries);
	free(root->transfers);
	free(root->file);
	free(root);
}

const struct root_role *root_role(const struct root *root, enum role role)
{
	for (unsigned i = 0; i < root->role_count; i++)
		if (root->roles[i].number == (uint64_t)role)
			return &root->roles[i];
	return NULL;
}

static int no_key_twice(const struct root *root, struct fault *fault)
{
	const uint8_t *ids[ROOT_ROLES_MAX * ROOT_ENTRIES_MAX];
	unsigned count = 0;

	for (unsigned i = 0; i < root->role_count; i++)
		for (unsigned k = 0; k < root->roles[i].count; k++) {
			const uint8_t *id = root->roles[i].entries[k].id;

			for (unsigned n = 0; n < count; n++)
				if (!memcmp(ids[n], id, COSE_KID_LEN))
					return fault_set(fault,
						ERR_TRUST_ROOT_KEY_TWICE, 0,
						"root.roles",
						"a key stands twice, again in"
						" role %u entry %u",
						(unsigned)root->roles[i].number,
						k);
			ids[count++] = id;
		}
	return 0;
}

static int roles_are_complete(const struct root *root, struct fault *fault)
{
	const struct root_role *self;

	for (int role = ROLE_ROOT; role <= ROLE_AUTHOR; role++)
		if (!root_role(root, (enum role)role))
			return fault_set(fault, ERR_TRUST_ROOT_ROLE, 0,
				"root.roles", "role %d is missing", role);
	self = root_role(root, ROLE_ROOT);
	for (unsigned i = 0; self && i < self->count; i++)
		if (self->entries[i].kind == ROOT_ENTRY_CERTIFICATE)
			return fault_set(fault, ERR_TRUST_ROOT_FORM, 0,
				"root.roles", "role 1 has bare keys only");
	return 0;
}

/* Copies and reads the file; `ret_msg` gets views into the copy. */
static int open_file(struct bytes file, struct root **ret,
	struct cose_msg *ret_msg, struct fault *fault)
{
	struct root *root;
	struct bytes copy;
	int err;

	if (file.len == 0 || file.len > ROOT_FILE_MAX)
		return fault_set(fault, ERR_TOO_LARGE, 0, "root",
			"file has %zu bytes, limit %u", file.len,
			ROOT_FILE_MAX);
	root = calloc(1, sizeof(*root));
	if (root)
		root->file = malloc(file.len);
	if (!root || !root->file) {
		root_free(root);
		return -ENOMEM;
	}
	memcpy(root->file, file.at, file.len);
	root->file_len = file.len;
	copy = bytes_of(root->file, root->file_len);
	err = crypto_sha256(copy, root->sha256);
	if (!err)
		err = cose_parse(copy, COSE_NONE, ret_msg, fault);
	if (!err && ret_msg->kind != COSE_SIGN)
		err = fault_set(fault, ERR_TRUST_COSE_TAG, 0, "root",
			"must be COSE_Sign, tag 98");
	if (!err && !ret_msg->payload_attached)
		err = fault_set(fault, ERR_TRUST_COSE_DETACHED, 0, "root",
			"the payload must be attached");
	if (!err)
		err = root_read(ret_msg->payload, root, fault);
	if (!err)
		err = roles_are_complete(root, fault);
	if (!err)
		err = no_key_twice(root, fault);
	if (err) {
		root_free(root);
		return err;
	}
	*ret = root;
	return 0;
}

/* The message has the threshold of `by`'s root role. */
static int signed_by(const struct root *by, const struct cose_msg *msg,
	int code, struct fault *fault)
{
	const struct root_role *role = root_role(by, ROLE_ROOT);
	struct role_signatures found;
	int err = role_verify(role, msg, ROLE_KID_REQUIRED,
		bytes_of_text(ROOT_AAD), msg->payload, &root_rules,
		&found);

	if (err)
		return err;
	if (found.count < role->threshold)
		return fault_set(fault, code, 0, "root.signatures",
			"%u of %u by role 1 of version %llu (%s)", found.count,
			role->threshold, (unsigned long long)by->version,
			found.first_refusal ? err_text(found.first_refusal)
					    : "none was refused");
	return 0;
}

int root_first(struct bytes file, struct root **ret, struct fault *fault)
{
	struct cose_msg msg = {0};
	struct root *root = NULL;
	int err = open_file(file, &root, &msg, fault);

	if (err || !root)
		return err;
	err = signed_by(root, &msg, ERR_TRUST_ROOT_THRESHOLD, fault);
	if (err) {
		root_free(root);
		return err;
	}
	*ret = root;
	return 0;
}

int root_parse(struct bytes file, struct root **ret, struct fault *fault)
{
	struct cose_msg msg;

	return open_file(file, ret, &msg, fault);
}

static int follows(const struct root *before, const struct root *root,
	const struct cose_msg *msg, struct fault *fault)
{
	int err = signed_by(before, msg, ERR_TRUST_ROOT_THRESHOLD_OLD, fault);

	if (!err)
		err = signed_by(root, msg, ERR_TRUST_ROOT_THRESHOLD, fault);
	if (err)
		return err;
	if (before->version == UINT64_MAX ||
		root->version != before->version + 1)
		return fault_set(fault, ERR_TRUST_ROOT_VERSION, 0,
			"root.version", "%llu does not follow %llu",
			(unsigned long long)root->version,
			(unsigned long long)before->version);
	if (root->epoch < before->epoch)
		return fault_set(fault, ERR_TRUST_ROOT_EPOCH, 0, "root.epoch",
			"must not fall: %llu after %llu",
			(unsigned long long)root->epoch,
			(unsigned long long)before->epoch);
	return 0;
}

int root_next(const struct root *before, struct bytes file, struct root **ret,
	struct fault *fault)
{
	struct cose_msg msg = {0};
	struct root *root = NULL;
	int err = open_file(file, &root, &msg, fault);

	if (err || !root)
		return err;
	err = follows(before, root, &msg, fault);
	if (err) {
		root_free(root);
		return err;
	}
	*ret = root;
	return 0;
}

int root_judge_time(
	const struct root *root, struct trust_now now, struct fault *fault)
{
	if (trust_now_expired(now, root->expires))
		return fault_set(fault, ERR_TRUST_ROOT_EXPIRED, 0,
			"root.expires", "%llu, now is %llu or later",
			(unsigned long long)root->expires,
			(unsigned long long)trust_now_latest(now));
	if (trust_now_too_early(now, root->issued))
		return fault_set(fault, ERR_TRUST_ROOT_NOT_YET, 0,
			"root.issued", "%llu, now is %llu",
			(unsigned long long)root->issued,
			(unsigned long long)now.system);
	return 0;
}

static bool member_allows(struct bytes allowed, struct bytes asked)
{
	return !allowed.at || !asked.at || bytes_equal(allowed, asked);
}

bool root_entry_allows(const struct root_entry *entry, struct bytes vendor_id,
	struct bytes class_id, struct bytes component)
{
	for (unsigned i = 0; i < entry->scope_count; i++) {
		const struct root_scope *s = &entry->scopes[i];

		if (member_allows(s->vendor_id, vendor_id) &&
			member_allows(s->class_id, class_id) &&
			member_allows(s->component, component))
			return true;
	}
	return entry->scope_count == 0;
}

const struct root_transfer *root_transfer_of(
	const struct root *root, struct bytes class_id)
{
	for (unsigned i = 0; i < root->transfer_count; i++)
		for (unsigned k = 0; k < root->transfers[i].class_count; k++)
			if (bytes_equal(
				    root->transfers[i].classes[k], class_id))
				return &root->transfers[i];
	return NULL;
}
