#include "tools/publish/ca.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "tools/publish/crl_file.h"
#include "tools/publish/say.h"
#include "tools/publish/when.h"

#define RECORD_MAX ((size_t)32 << 20)
#define CA_UNIQUE_LEN 4 /* bytes of the key's id in the CA's name */

static int part_path(const char *folder, const char *plain, const char *of_ca,
	char ret[FILES_PATH_SIZE])
{
	int err = path_format(ret, "%s/cert.pem", folder);

	if (err)
		return err;
	return path_format(ret, "%s/%s", folder, file_exists(ret) ? plain :
		of_ca);
}

bool ca_is_there(const char *folder)
{
	char path[FILES_PATH_SIZE];

	return part_path(folder, "cert.pem", "ca.pem", path) == 0 &&
			file_exists(path);
}

static int record_path(const struct ca *ca, char ret[FILES_PATH_SIZE])
{
	return path_format(ret, "%s/issued.json", ca->folder);
}

static struct ca_issued *issued_new(struct ca *ca)
{
	struct ca_issued *at;

	if (ca->count == CA_ISSUED_MAX) {
		complain(-E2BIG, ca->folder, "issued.json",
			"more than %d certificates", CA_ISSUED_MAX);
		return NULL;
	}
	at = reallocarray(ca->issued, ca->count + 1, sizeof(*at));
	if (!at) {
		complain(-ENOMEM, ca->folder, NULL, "no memory");
		return NULL;
	}
	ca->issued = at;
	at[ca->count] = (struct ca_issued){0};
	return &at[ca->count++];
}

static bool take_number(const json_t *o, const char *name, uint64_t *ret)
{
	const json_t *value = json_object_get(o, name);

	if (!value)
		return true;
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*ret = (uint64_t)json_integer_value(value);
	return true;
}

static bool take_text(const json_t *o, const char *name, char *ret, size_t size)
{
	const char *text = json_string_value(json_object_get(o, name));

	if (!text || strlen(text) >= size)
		return false;
	strcpy(ret, text);
	return true;
}

static bool serial_is_good(const char *serial)
{
	size_t len = strlen(serial);

	return len > 0 && len % 2 == 0 &&
			strspn(serial, "0123456789abcdef") == len;
}

static bool issued_take(const json_t *o, struct ca_issued *ret)
{
	const char *reason = json_string_value(json_object_get(o, "reason"));

	return take_text(o, "serial", ret->serial, sizeof(ret->serial)) &&
			serial_is_good(ret->serial) &&
			take_text(o, "subject", ret->subject,
			sizeof(ret->subject)) &&
			take_number(o, "until", &ret->until) &&
			take_number(o, "revoked", &ret->revoked) &&
			(!reason || crl_reason_parse(reason, &ret->reason) ==
			0);
}

static int record_take(struct ca *ca, const json_t *o, const char *path)
{
	const json_t *list = json_object_get(o, "certificates");

	if (!json_is_array(list) ||
			!take_number(o, "crl_number", &ca->crl_number) ||
			!take_number(o, "crl_until", &ca->crl_until))
		return complain(-EINVAL, path, NULL,
			"is no record of a CA");
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct ca_issued *issued = issued_new(ca);

		if (!issued)
			return -ENOMEM;
		if (!issued_take(json_array_get(list, i), issued))
			return complain(-EINVAL, path, "certificates",
				"entry %zu breaks the form", i + 1);
	}
	return 0;
}

/* A CA from before there were records, or from elsewhere, has none. */
static int record_read(struct ca *ca)
{
	char path[FILES_PATH_SIZE];
	json_error_t error;
	json_t *o = NULL;
	struct buf text;
	int err = record_path(ca, path);

	if (err || !file_exists(path))
		return err;
	buf_init(&text, RECORD_MAX);
	err = file_read(path, &text);
	if (!err) {
		o = json_loadb((const char *)text.at, text.len,
			JSON_REJECT_DUPLICATES, &error);
		err = o ? record_take(ca, o, path) : complain(-EINVAL, path,
			NULL, "line %d: %s", error.line, error.text);
	}
	json_decref(o);
	buf_done(&text);
	return err;
}

static json_t *issued_json(const struct ca_issued *issued)
{
	json_t *o = json_object();

	json_object_set_new(o, "serial", json_string(issued->serial));
	json_object_set_new(o, "subject", json_string(issued->subject));
	json_object_set_new(o, "until",
		json_integer((json_int_t)issued->until));
	if (issued->revoked) {
		json_object_set_new(o, "revoked",
			json_integer((json_int_t)issued->revoked));
		json_object_set_new(o, "reason",
			json_string(crl_reason_text(issued->reason)));
	}
	return o;
}

static int record_write(const struct ca *ca)
{
	json_t *o = json_object(), *list = json_array();
	char path[FILES_PATH_SIZE];
	char *text;
	int err = record_path(ca, path);

	for (size_t i = 0; i < ca->count; i++)
		json_array_append_new(list, issued_json(&ca->issued[i]));
	json_object_set_new(o, "crl_number",
		json_integer((json_int_t)ca->crl_number));
	json_object_set_new(o, "crl_until",
		json_integer((json_int_t)ca->crl_until));
	json_object_set_new(o, "certificates", list);
	text = json_dumps(o, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
	json_decref(o);
	if (!err)
		err = text ? file_write(path, bytes_of_text(text), 0644) :
				complain(-ENOMEM, path, NULL, "no memory");
	free(text);
	return err;
}

static int key_take(struct ca *ca, const char *given)
{
	char path[FILES_PATH_SIZE];
	int err = part_path(ca->folder, "key.pem", "ca.key.pem", path);

	if (!err && !given && !file_exists(path))
		return 0;
	if (!err)
		err = key_open(given ? given : path, &ca->key);
	return err ? err : pki_match(ca->cert.certs[0], given ? given : path,
		&ca->key);
}

int ca_open(const char *folder, const char *key, struct ca *ret)
{
	struct ca ca = {0};
	char path[FILES_PATH_SIZE];
	int err = path_format(ca.folder, "%s", folder);

	if (!err)
		err = part_path(folder, "cert.pem", "ca.pem", path);
	if (!err)
		err = pki_chain_read(path, &ca.cert);
	if (!err && ca.cert.count == 0)
		err = complain(-EINVAL, path, NULL, "holds no certificate");
	if (!err)
		err = pki_look(ca.cert.certs[0], path, &ca.facts);
	if (!err && !ca.facts.is_ca)
		err = complain(-EINVAL, path, "certificate",
			"is not that of a CA");
	if (!err) {
		bytes_to_hex(bytes_of(ca.facts.key_id, COSE_KID_LEN), ca.name,
			sizeof(ca.name));
		err = key_take(&ca, key);
	}
	if (!err)
		err = record_read(&ca);
	if (err)
		ca_done(&ca);
	else
		*ret = ca;
	return err;
}

void ca_done(struct ca *ca)
{
	key_done(&ca->key);
	pki_chain_done(&ca->cert);
	free(ca->issued);
	*ca = (struct ca){0};
}

int ca_make(const char *folder, bool is_plain, struct pki_request *request,
	enum crypto_curve curve, struct ca *parent)
{
	char key_path[FILES_PATH_SIZE], path[FILES_PATH_SIZE];
	char name[PKI_URL_SIZE + 32], id[2 * CA_UNIQUE_LEN + 1];
	uint8_t kid[COSE_KID_LEN];
	struct bytes cert;
	struct key key;
	struct buf der;
	int err = path_format(key_path, "%s/%s", folder, is_plain ?
		"key.pem" : "ca.key.pem");

	if (!err)
		err = path_format(path, "%s/%s", folder, is_plain ?
			"cert.pem" : "ca.pem");
	if (!err)
		err = key_make(key_path, curve, &key);
	if (err)
		return err;
	err = cose_key_thumbprint(&key.public, kid);
	/* A CRL is found by its issuer's name, so no two CAs share one. */
	snprintf(name, sizeof(name), "%s %s", request->common_name,
		bytes_to_hex(bytes_of(kid, CA_UNIQUE_LEN), id, sizeof(id)));
	request->common_name = name;
	request->use = PKI_CA;
	request->subject_key = &key;
	request->issuer_key = &key;
	buf_init(&der, PKI_CERT_MAX);
	if (!err)
		err = parent ? ca_issue(parent, request, &der) :
				pki_issue(request, &der);
	cert = buf_bytes(&der);
	if (!err)
		err = pki_write(path, &cert, 1);
	buf_done(&der);
	key_done(&key);
	return err;
}

int ca_need_key(const struct ca *ca)
{
	return ca->key.id ? 0 : complain(-ENOENT, ca->folder, "key",
		"is not here: run this where the key of the CA is, or give it"
		" by --ca-key");
}

static void issued_fill(struct ca_issued *issued, struct bytes serial,
	const char *subject, uint64_t until)
{
	bytes_to_hex(serial, issued->serial, sizeof(issued->serial));
	snprintf(issued->subject, sizeof(issued->subject), "%s", subject);
	issued->until = until;
}

int ca_issue(struct ca *ca, struct pki_request *request, struct buf *ret)
{
	uint8_t serial[PKI_SERIAL_LEN];
	struct ca_issued *issued;
	char subject[128];
	int err = ca_need_key(ca);

	if (!err && request->not_after > ca->facts.not_after)
		err = complain(-EINVAL, ca->folder, "certificate", "the CA"
			" ends before what it is to issue: fewer --days, or a"
			" new CA");
	if (!err)
		err = pki_serial_make(serial);
	if (err)
		return err;
	issued = issued_new(ca);
	if (!issued)
		return -ENOMEM;
	snprintf(subject, sizeof(subject), "CN=%s%s%s", request->common_name,
		request->organization ? ", O=" : "", request->organization ?
		request->organization : "");
	issued_fill(issued, bytes_of(serial, sizeof(serial)), subject,
		request->not_after);
	err = record_write(ca);
	if (err)
		return err;
	request->serial = bytes_of(serial, sizeof(serial));
	request->issuer = ca->cert.certs[0];
	request->issuer_key = &ca->key;
	err = pki_issue(request, ret);
	request->serial = bytes_of(NULL, 0);
	return err;
}

/* Without the zero bytes that DER puts before a high bit. */
static const char *serial_plain(const char *serial)
{
	while (serial[0] == '0' && serial[1])
		serial++;
	return serial;
}

struct ca_issued *ca_find(const struct ca *ca, const char *serial)
{
	for (size_t i = 0; i < ca->count; i++)
		if (strcasecmp(serial_plain(ca->issued[i].serial),
				serial_plain(serial)) == 0)
			return &ca->issued[i];
	return NULL;
}

int ca_note(struct ca *ca, struct bytes der, const char *path)
{
	struct ca_issued *issued;
	struct x509_facts facts;
	uint8_t serial[CERT_SERIAL_MAX];
	size_t len;
	int err = pki_look(der, path, &facts);

	if (!err && !pki_is_issued_by(der, ca->cert.certs[0]))
		err = complain(-EINVAL, path, "issuer", "is not the CA in %s",
			ca->folder);
	len = strlen(facts.serial) / 2;
	if (!err && (len == 0 || len > sizeof(serial) ||
			bytes_from_hex(facts.serial, serial, len)))
		err = complain(-EINVAL, path, "serial",
			"must have 1 to %d bytes", CERT_SERIAL_MAX);
	if (err || ca_find(ca, facts.serial))
		return err;
	issued = issued_new(ca);
	if (!issued)
		return -ENOMEM;
	issued_fill(issued, bytes_of(serial, len), facts.subject,
		facts.not_after);
	return record_write(ca);
}

int ca_revoke(struct ca *ca, struct ca_issued *issued, unsigned reason,
	uint64_t at)
{
	char when[WHEN_TEXT_SIZE];

	if (issued->revoked)
		return complain(-EEXIST, issued->serial, "certificate",
			"was revoked at %s already (%s); ferry-publish pki crl"
			" issues the list that says so",
			when_format(issued->revoked, when),
			crl_reason_text(issued->reason));
	issued->revoked = at;
	issued->reason = reason;
	return record_write(ca);
}

/* The revoked ones; `serials` holds CERT_SERIAL_MAX bytes for each. */
static size_t entries_collect(const struct ca *ca, struct crl_line *entries,
	uint8_t (*serials)[CERT_SERIAL_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < ca->count; i++) {
		const struct ca_issued *issued = &ca->issued[i];
		size_t len = strlen(issued->serial) / 2;

		if (!issued->revoked || bytes_from_hex(issued->serial,
				serials[n], len))
			continue;
		entries[n] = (struct crl_line){
			.serial = bytes_of(serials[n], len),
			.at = issued->revoked,
			.reason = issued->reason,
		};
		n++;
	}
	return n;
}

int ca_crl(struct ca *ca, uint64_t now, uint64_t until, struct buf *ret)
{
	struct crl_line *entries = calloc(ca->count + 1, sizeof(*entries));
	uint8_t (*serials)[CERT_SERIAL_MAX] = calloc(ca->count + 1,
		sizeof(*serials));
	struct crl_plan plan = {
		.key = &ca->key,
		.issuer = ca->cert.certs[0],
		.this_update = now,
		.next_update = until,
		.entries = entries,
	};
	int err = entries && serials ? ca_need_key(ca) : complain(-ENOMEM,
		ca->folder, NULL, "no memory");

	if (!err) {
		plan.count = entries_collect(ca, entries, serials);
		plan.number = ++ca->crl_number;
		ca->crl_until = until;
		err = record_write(ca);
	}
	if (!err)
		err = crl_write(&plan, ret);
	free(entries);
	free(serials);
	return err;
}

/* YYMMDDHHMMSSZ, or with four digits of the year from 2050 on. */
static void put_index_time(struct buf *b, uint64_t at)
{
	char iso[WHEN_TEXT_SIZE];

	when_format(at, iso);
	for (size_t i = strcmp(iso, "2050") < 0 ? 2 : 0; iso[i]; i++)
		if (isalnum((unsigned char)iso[i]) && iso[i] != 'T')
			buf_add(b, &iso[i], 1);
}

/* "/CN=.../O=..." of "CN=..., O=..."; only shown to people. */
static void put_index_name(struct buf *b, const char *subject)
{
	buf_add_text(b, "/");
	for (const char *at = subject; *at; at++) {
		if (strncmp(at, ", ", 2) == 0 && strchr(at + 2, '=')) {
			buf_add_text(b, "/");
			at++;
		} else if ((unsigned char)*at >= ' ' && *at != '\\') {
			buf_add(b, at, 1);
		}
	}
}

static void put_index_line(struct buf *b, const struct ca_issued *issued,
	uint64_t now)
{
	const char *serial = serial_plain(issued->serial);

	buf_add_text(b, issued->revoked ? "R\t" : issued->until < now ?
		"E\t" : "V\t");
	put_index_time(b, issued->until);
	buf_add_text(b, "\t");
	if (issued->revoked) {
		put_index_time(b, issued->revoked);
		if (issued->reason)
			buf_printf(b, ",%s",
				crl_reason_openssl(issued->reason));
	}
	buf_add_text(b, strlen(serial) % 2 ? "\t0" : "\t");
	for (; *serial; serial++)
		buf_printf(b, "%c", toupper((unsigned char)*serial));
	buf_add_text(b, "\tunknown\t");
	put_index_name(b, issued->subject);
	buf_add_text(b, "\n");
}

int ca_index_write(const struct ca *ca, const char *path, uint64_t now)
{
	struct buf b;
	int err;

	buf_init(&b, RECORD_MAX);
	for (size_t i = 0; i < ca->count; i++)
		put_index_line(&b, &ca->issued[i], now);
	err = b.err ? complain(b.err, path, NULL, "too large") :
			file_write(path, buf_bytes(&b), 0644);
	buf_done(&b);
	return err;
}

static int url_finish(char *text, int n, const char **ret)
{
	if (n < 0 || n >= PKI_URL_SIZE)
		return complain(-EINVAL, NULL, "URL", "longer than %d bytes",
			PKI_URL_SIZE - 1);
	*ret = text;
	return 0;
}

int ca_crl_url(const struct ca *ca, const char *base, char *text,
	const char **ret)
{
	size_t len = strlen(base);

	*ret = NULL;
	if (len == 0)
		return 0;
	return url_finish(text, snprintf(text, PKI_URL_SIZE, "%s%s%s.crl",
		base, base[len - 1] == '/' ? "" : "/", ca->name), ret);
}

int ca_ocsp_url(const struct ca *ca, const char *pattern, char *text,
	const char **ret)
{
	const char *place = strstr(pattern, "{ca}");

	*ret = NULL;
	if (!pattern[0])
		return 0;
	if (!place)
		return url_finish(text, snprintf(text, PKI_URL_SIZE, "%s",
			pattern), ret);
	return url_finish(text, snprintf(text, PKI_URL_SIZE, "%.*s%s%s",
		(int)(place - pattern), pattern, ca->name, place + 4), ret);
}
