#include "policy/trust/root_read.h"

#include <errno.h>
#include <stdlib.h>

#include "policy/trust/fields.h"
#include "policy/trust/x509.h"

#define HOST_MAX 255

static void scope_read(struct fields *f, struct root_scope *ret)
{
	struct cbor_list map;
	int64_t key;

	field_map(f, "scope", &map);
	while (field_next(f, &map, &key)) {
		if (key == 1)
			ret->vendor_id = field_bstr(f, "scope.vendor", 16, 16);
		else if (key == 2)
			ret->class_id = field_bstr(f, "scope.class", 16, 16);
		else if (key == 3)
			ret->component = field_component(f, "scope.component");
		else
			field_skip(f, "scope");
	}
}

static void scopes_read(struct fields *f, struct root_entry *entry)
{
	struct cbor_list list;

	field_array(f, "scopes", 1, ROOT_SCOPES_MAX, &list);
	while (cbor_next(&f->r, &list))
		scope_read(f, &entry->scopes[entry->scope_count++]);
	field_check(f, "scopes");
}

/* A key that is well-formed CBOR, but of a kind that this version does not
 * know, is listed all the same: gateways live for ten years. */
static void key_read(
	struct fields *f, struct bytes encoded, struct root_entry *entry)
{
	struct fault fault = {0};
	int err;

	if (f->r.err)
		return;
	err = cose_key_parse(encoded, &entry->key, &fault);
	if (err == ERR_TRUST_COSE_ALG) {
		entry->kind = ROOT_ENTRY_UNKNOWN;
		err = crypto_sha256(encoded, entry->id);
	} else if (!err) {
		entry->kind = ROOT_ENTRY_KEY;
		err = cose_key_thumbprint(&entry->key, entry->id);
	}
	if (err)
		field_fail(
			f, err, "key", fault.code ? fault.rule : err_text(err));
}

static void certificate_read(
	struct fields *f, struct bytes der, struct root_entry *entry)
{
	struct x509_facts facts;
	int err;

	if (f->r.err)
		return;
	err = x509_read(der, &facts);
	if (err) {
		field_fail(f, err, "certificate", err_text(err));
		return;
	}
	entry->kind = ROOT_ENTRY_CERTIFICATE;
	entry->certificate = der;
	if (facts.has_key)
		entry->key = facts.key;
	memcpy(entry->id, facts.key_id, sizeof(entry->id));
}

static void entry_read(struct fields *f, struct root_entry *entry)
{
	struct bytes encoded = {0};
	struct bytes der = {0};
	struct cbor_list map;
	int64_t key;

	field_map(f, "entry", &map);
	while (field_next(f, &map, &key)) {
		if (key == 1)
			encoded = field_bstr(f, "key", 1, 1024);
		else if (key == 2)
			der = field_bstr(
				f, "certificate", 1, COSE_CERT_LEN_MAX);
		else if (key == 3)
			scopes_read(f, entry);
		else if (key == 4)
			entry->revoked_by_root_only = field_bool(f, "revoked");
		else
			field_skip(f, "entry");
	}
	if (!f->r.err && !encoded.at == !der.at)
		field_fail(f, ERR_TRUST_ROOT_FORM, "entry",
			"needs a key or a certificate, not both");
	if (encoded.at)
		key_read(f, encoded, entry);
	else if (der.at)
		certificate_read(f, der, entry);
}

static void entries_read(struct fields *f, struct root_role *role)
{
	struct cbor_list list;

	field_array(f, "entries", 1, ROOT_ENTRIES_MAX, &list);
	if (f->r.err)
		return;
	role->entries = calloc((size_t)list.left, sizeof(*role->entries));
	if (!role->entries) {
		field_fail(f, -ENOMEM, "entries", "no memory");
		return;
	}
	while (cbor_next(&f->r, &list))
		entry_read(f, &role->entries[role->count++]);
	field_check(f, "entries");
}

static void role_read(struct fields *f, struct root_role *role)
{
	struct cbor_list map;
	uint64_t threshold = 0;
	int64_t key;

	field_map(f, "role", &map);
	while (field_next(f, &map, &key)) {
		if (key == 1)
			threshold = field_uint(f, "threshold");
		else if (key == 2)
			entries_read(f, role);
		else
			field_skip(f, "role");
	}
	if (f->r.err)
		return;
	if (threshold == 0 || threshold > role->count) {
		field_fail(f, ERR_TRUST_ROOT_FORM, "threshold",
			"must be 1 .. the number of entries");
		return;
	}
	role->threshold = (unsigned)threshold;
}

static void roles_read(struct fields *f, struct root *root)
{
	struct cbor_list map;
	int64_t key;

	field_map(f, "roles", &map);
	if (map.left > ROOT_ROLES_MAX)
		field_fail(f, ERR_TOO_LARGE, "roles", "more than the limit");
	while (field_next(f, &map, &key)) {
		struct root_role *role = &root->roles[root->role_count++];

		role->number = (uint64_t)key;
		role_read(f, role);
	}
}

static void transfer_read(struct fields *f, struct root_transfer *t)
{
	struct cbor_list map;
	struct cbor_list list;
	int64_t key;

	field_map(f, "transfer", &map);
	while (field_next(f, &map, &key)) {
		if (key == 2) {
			t->heir = field_bstr(f, "transfer.heir", 32, 32);
			continue;
		}
		if (key != 1) {
			field_skip(f, "transfer");
			continue;
		}
		field_array(f, "transfer.classes", 1, ROOT_TRANSFER_CLASSES_MAX,
			&list);
		while (cbor_next(&f->r, &list))
			t->classes[t->class_count++] =
				field_bstr(f, "transfer.class", 16, 16);
		field_check(f, "transfer.classes");
	}
	if (!f->r.err && (!t->heir.at || t->class_count == 0))
		field_fail(f, ERR_TRUST_ROOT_FORM, "transfer",
			"needs classes and an heir");
}

static void transfers_read(struct fields *f, struct root *root)
{
	struct cbor_list list;

	field_array(f, "transfers", 0, ROOT_TRANSFERS_MAX, &list);
	if (f->r.err)
		return;
	root->transfers =
		calloc((size_t)list.left + 1, sizeof(*root->transfers));
	if (!root->transfers) {
		field_fail(f, -ENOMEM, "transfers", "no memory");
		return;
	}
	while (cbor_next(&f->r, &list))
		transfer_read(f, &root->transfers[root->transfer_count++]);
	field_check(f, "transfers");
}

static void hosts_read(struct fields *f, struct root *root)
{
	struct cbor_list list;

	field_array(f, "hosts", 0, ROOT_HOSTS_MAX, &list);
	while (cbor_next(&f->r, &list))
		root->hosts[root->host_count++] =
			field_tstr(f, "host", HOST_MAX);
	field_check(f, "hosts");
}

static void member_read(struct fields *f, int64_t key, struct root *root)
{
	switch (key) {
	case 1:
		if (field_uint(f, "format") != 1)
			field_fail(
				f, ERR_TRUST_ROOT_FORM, "format", "must be 1");
		return;
	case 2:
		root->version = field_uint(f, "version");
		return;
	case 3:
		root->issued = field_uint(f, "issued");
		return;
	case 4:
		root->expires = field_uint(f, "expires");
		return;
	case 5:
		root->epoch = field_uint(f, "epoch");
		return;
	case 6:
		roles_read(f, root);
		return;
	case 7:
		transfers_read(f, root);
		return;
	case 8:
		hosts_read(f, root);
		return;
	case 9:
		root->offline_grace_s = field_uint(f, "grace");
		return;
	default:
		field_skip(f, "");
	}
}

int root_read(struct bytes payload, struct root *root, struct fault *fault)
{
	struct fields f = {.fault = fault, .map = "root"};
	struct cbor_list map;
	uint64_t seen = 0;
	int64_t key;

	cbor_init(&f.r, payload, CBOR_STRICT);
	field_map(&f, "", &map);
	while (field_next(&f, &map, &key)) {
		field_saw(&seen, key);
		member_read(&f, key, root);
	}
	cbor_done(&f.r);
	field_check(&f, "");
	field_require(&f, seen, 0x7e);
	if (!f.r.err && root->version == 0)
		field_fail(&f, ERR_TRUST_ROOT_FORM, "version",
			"must be 1 or more");
	if (!f.r.err && root->expires <= root->issued)
		field_fail(&f, ERR_TRUST_ROOT_FORM, "expires",
			"must be after issued");
	return f.r.err;
}
