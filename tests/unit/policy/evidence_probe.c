/* What policy/trust says of evidence made by others, in lines that a script
 * compares. All files are DER, but `crl` and `entries` take PEM too.
 *
 *   evidence_probe entries LIST...              "entries N digest" of each
 *   evidence_probe crl LIST ISSUER CERT...      a statement for each CERT
 *   evidence_probe request CERT ISSUER OUT [NONCE]
 *   evidence_probe ocsp RESPONSE CERT ISSUER NOW [NONCE]
 *   evidence_probe uris CERT
 */
#include <stdio.h>
#include <stdlib.h>

#include "policy/trust/crl.h"
#include "policy/trust/crypto.h"
#include "policy/trust/ocsp.h"

#define FILE_MAX (2 * EVIDENCE_CRL_MAX)

static struct bytes read_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *at = malloc(FILE_MAX);
	size_t len;

	if (!file || !at) {
		perror(path);
		exit(2);
	}
	len = fread(at, 1, FILE_MAX, file);
	fclose(file);
	return bytes_of(at, len);
}

static struct bytes read_list(const char *path)
{
	struct bytes file = read_file(path);
	struct buf der;

	buf_init(&der, FILE_MAX);
	if (evidence_to_der(file, &der))
		exit(2);
	free((void *)(uintptr_t)file.at);
	return buf_bytes(&der);
}

static void drop(struct bytes file)
{
	free((void *)(uintptr_t)file.at);
}

static int say(int code, const struct fault *fault)
{
	printf("%s", err_name(code));
	if (code)
		printf(" %s: %s", fault->field, fault->rule);
	putchar('\n');
	return 0;
}

/* A digest over "SERIAL DATE REASON\n" of all entries in their order. */
struct listing {
	struct buf text;
};

static void on_entry(void *arg, const struct crl_entry *entry)
{
	struct listing *listing = arg;
	char serial[64];

	buf_printf(&listing->text, "%s %llu %u\n",
		bytes_to_hex(entry->serial, serial, sizeof(serial)),
		(unsigned long long)entry->revoked_at, entry->reason);
}

static int entries_of(const char *path)
{
	struct bytes list = read_list(path);
	struct fault fault = {0};
	struct crl_facts facts;
	struct listing listing;
	struct bytes issuer;
	uint8_t digest[32];
	char hex[65];
	int err;

	buf_init(&listing.text, (size_t)16 << 20);
	err = crl_look(list, &facts, &issuer, on_entry, &listing, &fault);
	if (err) {
		say(err, &fault);
	} else {
		if (listing.text.err ||
			crypto_sha256(buf_bytes(&listing.text), digest))
			exit(2);
		printf("entries %llu %s %llu %llu\n",
			(unsigned long long)facts.entries,
			bytes_to_hex(bytes_of(digest, 32), hex, sizeof(hex)),
			(unsigned long long)facts.this_update,
			(unsigned long long)facts.next_update);
	}
	buf_done(&listing.text);
	drop(list);
	return 0;
}

static void say_statement(const struct statement *s)
{
	static const char *const texts[] = {
		[STATEMENT_GOOD] = "good",
		[STATEMENT_REVOKED] = "revoked",
		[STATEMENT_UNKNOWN] = "unknown",
	};
	char number[2 * EVIDENCE_NUMBER_LEN + 1];

	printf("%s reason=%u at=%llu this=%llu next=%llu number=%s\n",
		texts[s->status], s->reason, (unsigned long long)s->revoked_at,
		(unsigned long long)s->this_update,
		(unsigned long long)s->next_update,
		bytes_to_hex(bytes_of(s->number, sizeof(s->number)), number,
			sizeof(number)));
}

static int scan(char **args, int count)
{
	struct bytes list = read_list(args[0]), issuer = read_file(args[1]);
	struct statement got[CRL_IDS_MAX];
	struct cert_id ids[CRL_IDS_MAX];
	struct fault fault = {0};
	int err = 0;

	for (int i = 2; !err && i < count && i < CRL_IDS_MAX; i++) {
		struct bytes cert = read_file(args[i]);

		err = cert_id_of(cert, issuer, &ids[i - 2]);
		drop(cert);
	}
	if (!err)
		err = crl_scan(list, issuer, ids, (unsigned)count - 2, got,
			NULL, &fault);
	if (err)
		say(err, &fault);
	for (int i = 0; !err && i < count - 2; i++)
		say_statement(&got[i]);
	drop(list);
	drop(issuer);
	return 0;
}

static struct cert_id id_of(const char *cert_path, const char *issuer_path)
{
	struct bytes cert = read_file(cert_path);
	struct bytes issuer = read_file(issuer_path);
	struct cert_id id;

	if (cert_id_of(cert, issuer, &id)) {
		fprintf(stderr, "%s: no certificate of %s\n", cert_path,
			issuer_path);
		exit(2);
	}
	drop(cert);
	drop(issuer);
	return id;
}

static int request(char **args, int count)
{
	struct cert_id id = id_of(args[0], args[1]);
	FILE *file = fopen(args[2], "wb");
	struct buf b;
	int err;

	buf_init(&b, 1024);
	err = ocsp_request(&id, bytes_of_text(count > 3 ? args[3] : NULL), &b);
	if (err || !file || fwrite(b.at, 1, b.len, file) != b.len)
		exit(2);
	fclose(file);
	buf_done(&b);
	return 0;
}

static int judge(char **args, int count)
{
	struct bytes response = read_file(args[0]);
	struct bytes issuer = read_file(args[2]);
	struct ocsp_question q = {
		.id = id_of(args[1], args[2]),
		.issuer = issuer,
		.now = trust_now_at(strtoull(args[3], NULL, 10)),
		.nonce = bytes_of_text(count > 4 ? args[4] : NULL),
		.nonce_required = count > 4,
	};
	struct ocsp_delegate delegate;
	struct fault fault = {0};
	struct statement got;
	int err = ocsp_read(response, &q, &got, &delegate, &fault);

	if (err) {
		say(err, &fault);
	} else {
		say_statement(&got);
		if (delegate.needs_evidence)
			puts("delegate needs evidence");
	}
	drop(response);
	drop(issuer);
	return 0;
}

static int uris_of(const char *path)
{
	struct bytes cert = read_file(path);
	struct evidence_uris uris;
	int err = evidence_uris(cert, &uris);

	if (err)
		puts(err_name(err));
	for (unsigned i = 0; !err && i < uris.crl_count; i++)
		printf("crl %s\n", uris.crl[i]);
	for (unsigned i = 0; !err && i < uris.ocsp_count; i++)
		printf("ocsp %s\n", uris.ocsp[i]);
	drop(cert);
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[1] : "";

	if (crypto_init())
		return 2;
	if (!strcmp(verb, "entries")) {
		for (int i = 2; i < argc; i++)
			entries_of(argv[i]);
		return 0;
	}
	if (!strcmp(verb, "crl") && argc > 4)
		return scan(argv + 2, argc - 2);
	if (!strcmp(verb, "request") && argc > 4)
		return request(argv + 2, argc - 2);
	if (!strcmp(verb, "ocsp") && argc > 5)
		return judge(argv + 2, argc - 2);
	if (!strcmp(verb, "uris"))
		return uris_of(argv[2]);
	fprintf(stderr, "usage: see %s\n", __FILE__);
	return 2;
}
