#include <errno.h>
#include <stdio.h>

#include "policy/trust/catalog.h"
#include "policy/trust/component.h"
#include "tools/publish/pki.h"
#include "tools/publish/root_file.h"
#include "tools/publish/say.h"
#include "tools/publish/show.h"

static void put_component(const char *name, struct bytes id)
{
	char text[128];

	printf("%s%s\n", name, component_to_text(id, text, sizeof(text)));
}

static void put_scope(const struct root_scope *scope)
{
	puts("    may sign for");
	if (scope->vendor_id.at)
		show_uuid("      vendor-id       ", scope->vendor_id);
	if (scope->class_id.at)
		show_uuid("      class-id        ", scope->class_id);
	if (scope->component.at)
		put_component("      component       ", scope->component);
	if (!scope->vendor_id.at && !scope->class_id.at && !scope->component.at)
		puts("      everything");
}

static void put_root_entry(const struct root_entry *entry)
{
	struct x509_facts facts;

	show_hex("  key ", bytes_of(entry->id, COSE_KID_LEN));
	switch (entry->kind) {
	case ROOT_ENTRY_KEY:
		printf("    kind              public key, %s\n",
			cose_key_kind(&entry->key));
		break;
	case ROOT_ENTRY_CERTIFICATE:
		puts("    kind              certificate, an anchor");
		if (x509_read(entry->certificate, &facts) == 0) {
			printf("    subject           %s\n",
				facts.subject);
			show_time("    until             ", facts.not_after);
		}
		break;
	case ROOT_ENTRY_UNKNOWN:
		puts("    kind              of a kind that is not known");
		break;
	}
	if (entry->revoked_by_root_only)
		puts("    revocation        only by a new root");
	for (unsigned i = 0; i < entry->scope_count; i++)
		put_scope(&entry->scopes[i]);
}

static void put_transfers(const struct root *root)
{
	for (unsigned i = 0; i < root->transfer_count; i++) {
		show_hex("transfer to the root ", root->transfers[i].heir);
		for (unsigned k = 0; k < root->transfers[i].class_count; k++)
			show_uuid("  class-id          ",
				root->transfers[i].classes[k]);
	}
}

int show_root(struct bytes file, const char *path)
{
	struct root *root = NULL, *checked = NULL;
	struct fault fault = {0};
	int err = root_parse(file, &root, &fault);

	if (err)
		return complain_fault(path, err, &fault);
	printf("root, version %llu, %zu bytes\n",
		(unsigned long long)root->version, file.len);
	show_hex("  sha-256           ", bytes_of(root->sha256, 32));
	show_time("  issued            ", root->issued);
	show_time("  expires           ", root->expires);
	printf("  epoch             %llu\n", (unsigned long long)root->epoch);
	if (root->offline_grace_s)
		printf("  offline grace     %llu s\n",
			(unsigned long long)root->offline_grace_s);
	err = root_first(file, &checked, &fault);
	printf("  own signatures    %s\n", err ? fault.rule[0] ? fault.rule :
		err_text(err) : "enough");
	for (unsigned i = 0; i < root->role_count; i++) {
		const struct root_role *role = &root->roles[i];

		printf("role %s (%llu), %u of %u\n", role_name(role->number),
			(unsigned long long)role->number, role->threshold,
			role->count);
		for (unsigned k = 0; k < role->count; k++)
			put_root_entry(&role->entries[k]);
	}
	put_transfers(root);
	for (unsigned i = 0; i < root->host_count; i++)
		show_text("evidence host       ", root->hosts[i]);
	root_free(checked);
	root_free(root);
	return 0;
}

static void put_payloads(const struct catalog_entry *entry)
{
	struct catalog_payload payload;

	for (unsigned i = 0; catalog_entry_payload(entry, i, &payload) == 0;
			i++) {
		show_text("  payload           ", payload.path);
		printf("    length          %llu\n",
			(unsigned long long)payload.len);
		show_hex("    sha-256         ", payload.sha256);
	}
}

static void put_optional(const struct catalog_entry *entry)
{
	struct bytes precursor;

	if (entry->version.at)
		show_text("  version           ", entry->version);
	if (entry->expect_version.at)
		show_text("  expect version    ", entry->expect_version);
	if (entry->expect_digest.at)
		show_hex("  expect digest     ", entry->expect_digest);
	if (entry->has_hardware)
		printf("  hardware          %llu to %llu\n",
			(unsigned long long)entry->hardware_min,
			(unsigned long long)entry->hardware_max);
	if (entry->security)
		puts("  security          yes");
	if (entry->end_of_support)
		show_time("  end of support    ", entry->end_of_support);
	if (entry->set.at)
		show_text("  set               ", entry->set);
	for (unsigned i = 0;
			catalog_entry_precursor(entry, i, &precursor) == 0; i++)
		show_hex("  precursor         ", precursor);
	if (entry->notes.at)
		show_text("  notes             ", entry->notes);
	if (entry->withdrawn)
		puts("  withdrawn         yes");
}

static void put_entry(const struct catalog_entry *entry)
{
	show_hex("release ", entry->manifest_digest);
	show_uuid("  vendor-id         ", entry->vendor_id);
	show_uuid("  class-id          ", entry->class_id);
	put_component("  component         ", entry->component);
	printf("  sequence          %llu\n",
		(unsigned long long)entry->sequence);
	show_hex("  envelope          ", entry->envelope_digest);
	printf("    length          %llu\n",
		(unsigned long long)entry->envelope_len);
	put_payloads(entry);
	put_optional(entry);
}

int show_catalog(struct bytes file, const char *path)
{
	struct catalog *catalog = NULL;
	struct fault fault = {0};
	int err = catalog_parse(file, &catalog, &fault);

	if (err)
		return complain_fault(path, err, &fault);
	printf("catalog, sequence %llu, %zu bytes\n",
		(unsigned long long)catalog->sequence, file.len);
	show_hex("  sha-256           ", bytes_of(catalog->sha256, 32));
	show_time("  issued            ", catalog->issued);
	show_time("  expires           ", catalog->expires);
	printf("  root version      %llu\n  epoch             %llu\n",
		(unsigned long long)catalog->root_version,
		(unsigned long long)catalog->epoch);
	for (unsigned i = 0; i < catalog->evidence_count; i++)
		show_hex(catalog->evidence[i].kind == 1 ?
			"  evidence CRL      " : "  evidence OCSP     ",
			catalog->evidence[i].sha256);
	if (catalog->quirks.at)
		printf("  quirks            %zu bytes\n", catalog->quirks.len);
	for (unsigned i = 0; i < catalog->entry_count; i++)
		put_entry(&catalog->entries[i]);
	catalog_free(catalog);
	return 0;
}

/* Where evidence about a certificate is found. */
static void put_uris(struct bytes der)
{
	struct evidence_uris uris;

	if (evidence_uris(der, &uris))
		return;
	for (unsigned i = 0; i < uris.crl_count; i++)
		show_text("  CRL at            ", bytes_of_text(uris.crl[i]));
	for (unsigned i = 0; i < uris.ocsp_count; i++)
		show_text("  OCSP at           ", bytes_of_text(uris.ocsp[i]));
}

int show_certificates(const char *path)
{
	struct pki_chain chain;
	int err = pki_chain_read(path, &chain);

	for (size_t i = 0; !err && i < chain.count; i++) {
		struct x509_facts facts;

		err = pki_look(chain.certs[i], path, &facts);
		if (err)
			break;
		printf("certificate %s\n", facts.subject);
		printf("  serial            %s\n", facts.serial);
		show_time("  from              ", facts.not_before);
		show_time("  until             ", facts.not_after);
		printf("  CA                %s\n", facts.is_ca ? "yes" : "no");
		printf("  signs code        %s\n", facts.code_signing &&
			facts.can_sign ? "yes" : "no");
		put_uris(chain.certs[i]);
	}
	if (!err)
		pki_chain_done(&chain);
	return err;
}
