#include <errno.h>
#include <stdio.h>

#include "policy/trust/crl.h"
#include "policy/trust/der.h"
#include "policy/trust/ocsp.h"
#include "tools/publish/say.h"
#include "tools/publish/show.h"
#include "tools/publish/when.h"

#define NAME_SIZE 512

/* The types of RFC 4514 section 3 and emailAddress, serialNumber. */
static const char *type_text(struct bytes oid)
{
	static const struct {
		struct bytes oid;
		const char *text;
	} rows[] = {
		{{(const uint8_t *)"\x55\x04\x03", 3}, "CN"},
		{{(const uint8_t *)"\x55\x04\x05", 3}, "serialNumber"},
		{{(const uint8_t *)"\x55\x04\x06", 3}, "C"},
		{{(const uint8_t *)"\x55\x04\x07", 3}, "L"},
		{{(const uint8_t *)"\x55\x04\x08", 3}, "ST"},
		{{(const uint8_t *)"\x55\x04\x0a", 3}, "O"},
		{{(const uint8_t *)"\x55\x04\x0b", 3}, "OU"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (bytes_equal(rows[i].oid, oid))
			return rows[i].text;
	return "?";
}

/* The parts of a Name, one behind the other; what is no Name adds nothing. */
static void show_name(const char *label, struct bytes name)
{
	struct bytes list, set, one, oid, text;
	char shown[NAME_SIZE];
	struct buf b;

	buf_init(&b, NAME_SIZE);
	if (!der_take(&name, DER_SEQUENCE, &list))
		list = bytes_of(NULL, 0);
	while (der_take(&list, 0x31, &set))
		while (der_take(&set, DER_SEQUENCE, &one)) {
			if (!der_take(&one, DER_OID, &oid) || one.len == 0 ||
					!der_take(&one, one.at[0], &text))
				continue;
			buf_printf(&b, "%s%s=", b.len ? ", " : "",
				type_text(oid));
			buf_add_bytes(&b, text);
		}
	printf("%s%s\n", label,
		bytes_to_printable(buf_bytes(&b), shown, sizeof(shown)));
	buf_done(&b);
}

static const char *reason_text(unsigned reason)
{
	static const char *const texts[] = {"unspecified", "keyCompromise",
		"cACompromise", "affiliationChanged", "superseded",
		"cessationOfOperation", "certificateHold", "?",
		"removeFromCRL", "privilegeWithdrawn", "aACompromise"};

	return reason < sizeof(texts) / sizeof(*texts) ? texts[reason] : "?";
}

/* Without the zeros in front. */
static void show_number(const char *label, const uint8_t *number)
{
	size_t zeros = 0;

	while (zeros < EVIDENCE_NUMBER_LEN - 1 && !number[zeros])
		zeros++;
	show_hex(label, bytes_of(number + zeros, EVIDENCE_NUMBER_LEN - zeros));
}

static void put_entry(void *arg, const struct crl_entry *entry)
{
	char serial[2 * 64 + 1], at[WHEN_TEXT_SIZE];

	(void)arg;
	printf("revoked %s  %s  %s\n",
		bytes_to_hex(entry->serial, serial, sizeof(serial)),
		when_format(entry->revoked_at, at), reason_text(entry->reason));
}

int show_crl(struct bytes file, const char *path)
{
	struct fault fault = {0};
	struct crl_facts facts;
	struct bytes issuer;
	int err = crl_look(file, &facts, &issuer, NULL, NULL, &fault);

	if (err)
		return complain_fault(path, err, &fault);
	printf("CRL, %zu bytes\n", file.len);
	show_hex("  sha-256           ", bytes_of(facts.sha256, 32));
	show_name("  issuer            ", issuer);
	show_number("  number            ", facts.number);
	show_time("  this update       ", facts.this_update);
	show_time("  next update       ", facts.next_update);
	printf("  entries           %llu\n", (unsigned long long)facts.entries);
	return crl_look(file, &facts, &issuer, put_entry, NULL, &fault);
}

static const char *status_text(enum statement_status status)
{
	switch (status) {
	case STATEMENT_GOOD:
		return "good";
	case STATEMENT_REVOKED:
		return "revoked";
	case STATEMENT_UNKNOWN:
		return "unknown";
	}
	return "?";
}

static void put_answer(void *arg, const struct ocsp_answer *answer)
{
	(void)arg;
	printf("answer %s\n", status_text(answer->status));
	show_hex("  serial            ", answer->serial);
	if (der_is_oid(answer->hash, OID_SHA256))
		puts("  hash              sha-256");
	else
		show_hex("  hash              another, OID ", answer->hash);
	show_hex("  issuer name hash  ", answer->name_hash);
	show_hex("  issuer key hash   ", answer->key_hash);
	if (answer->status == STATEMENT_REVOKED) {
		show_time("  revoked at        ", answer->revoked_at);
		printf("  reason            %s\n", reason_text(answer->reason));
	}
	show_time("  this update       ", answer->this_update);
	if (answer->has_next_update)
		show_time("  next update       ", answer->next_update);
	if (answer->has_critical)
		puts("  extensions        critical ones that are not known");
}

int show_ocsp(struct bytes file, const char *path)
{
	struct fault fault = {0};
	struct ocsp_facts facts;
	int err = ocsp_look(file, &facts, NULL, NULL, &fault);

	if (err)
		return complain_fault(path, err, &fault);
	printf("OCSP response, %zu bytes\n", file.len);
	if (facts.responder_name.len)
		show_name("  responder         ", facts.responder_name);
	else
		show_hex("  responder         key ", facts.responder_key);
	show_time("  produced          ", facts.produced_at);
	if (facts.nonce.len)
		show_hex("  nonce             ", facts.nonce);
	printf("  certificates      %u\n", facts.certs);
	return ocsp_look(file, &facts, put_answer, NULL, &fault);
}

int show_evidence(struct bytes file, const char *path)
{
	struct fault fault = {0};
	struct buf der;
	int err;

	buf_init(&der, EVIDENCE_CRL_MAX + 1);
	err = evidence_to_der(file, &der);
	if (err)
		complain_fault(path, err, &fault);
	else if (evidence_kind_of(buf_bytes(&der)) == EVIDENCE_OCSP)
		err = show_ocsp(buf_bytes(&der), path);
	else
		err = show_crl(buf_bytes(&der), path);
	buf_done(&der);
	return err;
}
