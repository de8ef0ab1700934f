#include "tests/unit/policy/maker.h"

#include <mbedtls/ecp.h>
#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/trust/component.h"

#define must(x)                                                                \
	do {                                                                   \
		if (!(x)) {                                                    \
			fprintf(stderr, "maker: %s:%d: %s\n", __FILE__,        \
				__LINE__, #x);                                 \
			abort();                                               \
		}                                                              \
	} while (0)

const uint8_t maker_vendor_id[16] = "vendor-vendor-1";
const uint8_t maker_class_id[16] = "class-class-cl1";

const struct revocation_view maker_revocation_off = {
	.policy = REVOCATION_OFF,
};

struct chain_rules maker_rules(uint64_t now)
{
	return (struct chain_rules){
		.now = trust_now_at(now),
		.revocation = &maker_revocation_off,
	};
}

void maker_init(void)
{
	must(crypto_init() == 0);
}

static struct named_key {
	char name[32];
	struct maker_key key;
} keys[24];

static void key_make(struct maker_key *k, enum crypto_curve curve)
{
	static const mbedtls_ecp_group_id groups[] = {MBEDTLS_ECP_DP_NONE,
		MBEDTLS_ECP_DP_SECP256R1, MBEDTLS_ECP_DP_SECP384R1,
		MBEDTLS_ECP_DP_SECP521R1};
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
	mbedtls_pk_context *pk = calloc(1, sizeof(*pk));
	uint8_t point[140];
	psa_key_id_t id;
	size_t len;

	must(pk != NULL);
	mbedtls_pk_init(pk);
	must(!mbedtls_pk_setup(
		pk, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)));
	must(!mbedtls_ecp_gen_key(groups[curve], mbedtls_pk_ec(*pk),
		mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE));
	must(!mbedtls_pk_get_psa_attributes(
		pk, PSA_KEY_USAGE_SIGN_HASH, &attributes));
	must(!mbedtls_pk_import_into_psa(pk, &attributes, &id));
	must(!psa_export_public_key(id, point, sizeof(point), &len));
	must(!cose_key_from_point(bytes_of(point, len), &k->key));
	must(!cose_key_thumbprint(&k->key, k->kid));
	k->pk = pk;
	k->id = id;
}

const struct maker_key *maker_key_on(const char *name, enum crypto_curve curve)
{
	struct named_key *k = keys;

	while (k->name[0] && strcmp(k->name, name))
		must(++k < keys + sizeof(keys) / sizeof(keys[0]));
	if (!k->name[0]) {
		snprintf(k->name, sizeof(k->name), "%s", name);
		key_make(&k->key, curve);
	}
	return &k->key;
}

const struct maker_key *maker_key(const char *name)
{
	return maker_key_on(name, CRYPTO_P256);
}

static int sign(void *arg, enum cose_alg alg, struct bytes digest,
	uint8_t *ret_signature, size_t len)
{
	const struct maker_key *k = arg;
	psa_algorithm_t psa_alg =
		PSA_ALG_ECDSA(digest.len == 32	 ? PSA_ALG_SHA_256
			      : digest.len == 48 ? PSA_ALG_SHA_384
						 : PSA_ALG_SHA_512);
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
	psa_key_id_t id = k->id;
	psa_key_id_t copy;
	size_t n;

	(void)alg;
	must(!mbedtls_pk_get_psa_attributes(
		k->pk, PSA_KEY_USAGE_SIGN_HASH, &attributes));
	psa_set_key_algorithm(&attributes, psa_alg);
	must(!mbedtls_pk_import_into_psa(k->pk, &attributes, &copy));
	must(!psa_sign_hash(
		copy, psa_alg, digest.at, digest.len, ret_signature, len, &n));
	psa_destroy_key(copy);
	(void)id;
	return n == len ? 0 : ERR_TRUST_CRYPTO;
}

static struct cose_signing signing_of(const struct maker_key *k)
{
	return (struct cose_signing){
		.alg = cose_key_alg(&k->key),
		.kid = bytes_of(k->kid, sizeof(k->kid)),
		.sign = sign,
		.arg = (void *)(uintptr_t)k,
	};
}

struct bytes maker_cert_der(const struct maker_cert *cert)
{
	return bytes_of(cert->der + sizeof(cert->der) - cert->len, cert->len);
}

static void put_eku(mbedtls_x509write_cert *w, const struct maker_cert *cert)
{
	mbedtls_asn1_sequence one = {0};

	one.buf.tag = MBEDTLS_ASN1_OID;
	if (cert->any_eku) {
		one.buf.p = (uint8_t *)(uintptr_t)
			MBEDTLS_OID_ANY_EXTENDED_KEY_USAGE;
		one.buf.len =
			MBEDTLS_OID_SIZE(MBEDTLS_OID_ANY_EXTENDED_KEY_USAGE);
	} else {
		one.buf.p = (uint8_t *)(uintptr_t)MBEDTLS_OID_CODE_SIGNING;
		one.buf.len = MBEDTLS_OID_SIZE(MBEDTLS_OID_CODE_SIGNING);
	}
	must(!mbedtls_x509write_crt_set_ext_key_usage(w, &one));
}

void maker_cert_make(struct maker_cert *cert)
{
	const struct maker_cert *issuer = cert->issuer ? cert->issuer : cert;
	mbedtls_x509write_cert w;
	static unsigned serial;
	uint8_t number[4];
	int len;

	put_be32(number, 0x10000000 + ++serial);
	mbedtls_x509write_crt_init(&w);
	mbedtls_x509write_crt_set_version(&w, MBEDTLS_X509_CRT_VERSION_3);
	mbedtls_x509write_crt_set_md_alg(
		&w, cert->sha1 ? MBEDTLS_MD_SHA1 : MBEDTLS_MD_SHA256);
	must(!mbedtls_x509write_crt_set_subject_name(&w, cert->subject));
	must(!mbedtls_x509write_crt_set_issuer_name(&w, issuer->subject));
	mbedtls_x509write_crt_set_subject_key(&w, cert->key->pk);
	mbedtls_x509write_crt_set_issuer_key(&w, issuer->key->pk);
	must(!mbedtls_x509write_crt_set_serial_raw(&w, number, 4));
	must(!mbedtls_x509write_crt_set_validity(&w,
		cert->not_before ? cert->not_before : "20200101000000",
		cert->not_after ? cert->not_after : "20991231235959"));
	must(!mbedtls_x509write_crt_set_basic_constraints(&w, cert->ca, -1));
	if (cert->ca)
		must(!mbedtls_x509write_crt_set_key_usage(
			&w, MBEDTLS_X509_KU_KEY_CERT_SIGN));
	else if (!cert->no_usage)
		must(!mbedtls_x509write_crt_set_key_usage(
			&w, MBEDTLS_X509_KU_DIGITAL_SIGNATURE));
	if (!cert->ca && !cert->no_eku)
		put_eku(&w, cert);
	len = mbedtls_x509write_crt_der(&w, cert->der, sizeof(cert->der),
		mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
	must(len > 0);
	cert->len = (size_t)len;
	mbedtls_x509write_crt_free(&w);
}

struct maker_root maker_root_default(void)
{
	return (struct maker_root){
		.version = 1,
		.issued = MAKER_NOW - 1000,
		.expires = MAKER_NOW + MAKER_YEAR,
		.epoch = 1,
		.roles =
			{
				{ROLE_ROOT, 2,
					{{.key = maker_key("root-a")},
						{.key = maker_key("root-b")},
						{.key = maker_key("root-c")}}},
				{ROLE_CATALOG, 1,
					{{.key = maker_key("catalog")}}},
				{ROLE_AUTHOR, 1,
					{{.key = maker_key("author")}}},
			},
		.signers = {maker_key("root-a"), maker_key("root-b")},
	};
}

static void entry_put(struct buf *b, const struct maker_entry *e)
{
	struct buf key;

	cbor_put_map(b, 1u + (e->scope_class != NULL) + e->root_only);
	buf_init(&key, 512);
	if (e->cert) {
		cbor_put_uint(b, 2);
		cbor_put_bstr(b, maker_cert_der(e->cert));
	} else {
		cbor_put_uint(b, 1);
		if (e->unknown_kind) {
			cbor_put_map(&key, 2);
			cbor_put_int(&key, 1);
			cbor_put_int(&key, 77);
			cbor_put_int(&key, -1);
			cbor_put_bstr(&key, bytes_of(e->key->kid, 32));
		} else {
			cose_key_put(&key, &e->key->key);
		}
		cbor_put_bstr(b, buf_bytes(&key));
	}
	buf_done(&key);
	if (e->scope_class) {
		cbor_put_uint(b, 3);
		cbor_put_array(b, 1);
		cbor_put_map(b, 1);
		cbor_put_uint(b, 2);
		cbor_put_bstr(b, bytes_of(e->scope_class, 16));
	}
	if (e->root_only) {
		cbor_put_uint(b, 4);
		cbor_put_bool(b, true);
	}
}

static void role_put(struct buf *b, const struct maker_role *role)
{
	unsigned count = 0;

	while (count < 4 &&
		(role->entries[count].key || role->entries[count].cert))
		count++;
	cbor_put_uint(b, role->number);
	cbor_put_map(b, 2);
	cbor_put_uint(b, 1);
	cbor_put_uint(b, role->threshold);
	cbor_put_uint(b, 2);
	cbor_put_array(b, count);
	for (unsigned i = 0; i < count; i++)
		entry_put(b, &role->entries[i]);
}

static void uint_member(struct buf *b, unsigned key, uint64_t value)
{
	cbor_put_uint(b, key);
	cbor_put_uint(b, value);
}

static void root_payload(const struct maker_root *root, struct buf *b)
{
	unsigned roles = 0;

	while (roles < 6 && root->roles[roles].number)
		roles++;
	cbor_put_map(b, 7u + (root->transfer != NULL) + root->unknown_key +
				root->negative_key);
	uint_member(b, 1, 1);
	uint_member(b, 2, root->version);
	uint_member(b, 3, root->issued);
	uint_member(b, 4, root->expires);
	uint_member(b, 5, root->epoch);
	cbor_put_uint(b, 6);
	cbor_put_map(b, roles);
	for (unsigned i = 0; i < roles; i++)
		role_put(b, &root->roles[i]);
	if (root->transfer) {
		cbor_put_uint(b, 7);
		cbor_put_array(b, 1);
		cbor_put_map(b, 2);
		cbor_put_uint(b, 1);
		cbor_put_array(b, 1);
		cbor_put_bstr(b, bytes_of(root->transfer, 16));
		cbor_put_uint(b, 2);
		cbor_put_bstr(
			b, bytes_of("0123456789abcdef0123456789abcdef", 32));
	}
	uint_member(b, 9, root->grace);
	if (root->unknown_key)
		uint_member(b, 40, 7);
	if (root->negative_key) {
		cbor_put_int(b, -1);
		cbor_put_uint(b, 0);
	}
}

void maker_root_file(const struct maker_root *root, struct buf *out)
{
	struct cose_signing by[6];
	unsigned count = 0;
	struct buf payload;

	buf_init(&payload, ROOT_FILE_MAX);
	root_payload(root, &payload);
	for (; count < 6 && root->signers[count]; count++) {
		by[count] = signing_of(root->signers[count]);
		if (root->kid_unprotected)
			by[count].kid = bytes_of("", 0);
	}
	must(!cose_put_sign(out, by, count,
		bytes_of_text(root->aad ? root->aad : ROOT_AAD),
		buf_bytes(&payload), false));
	buf_done(&payload);
}

struct maker_catalog maker_catalog_default(void)
{
	return (struct maker_catalog){
		.sequence = 10,
		.issued = MAKER_NOW - 100,
		.expires = MAKER_NOW + 86400,
		.root_version = 1,
		.epoch = 1,
		.signers = {maker_key("catalog")},
	};
}

static void put_component(struct buf *b, const char *text)
{
	uint8_t id[COMPONENT_LEN_MAX];
	size_t len;

	must(!component_from_text(text ? text : "app", id, &len));
	must(!buf_add(b, id, len));
}

static void envelope_digests(
	const struct maker_offer *o, uint8_t release[32], uint8_t file[32])
{
	struct suit_envelope e;

	memset(release, 0x11, 32);
	must(!crypto_sha256(o->envelope, file));
	if (o->envelope.len && !suit_envelope_parse(o->envelope, &e, NULL))
		must(!suit_envelope_release(&e, release));
	release[0] ^= o->wrong_manifest;
	file[0] ^= o->wrong_envelope;
}

static void offer_put(struct buf *b, const struct maker_offer *o)
{
	uint8_t release[32];
	uint8_t file[32];

	envelope_digests(o, release, file);
	cbor_put_map(b, 8u + o->has_hardware + o->precursor + o->withdrawn +
				o->negative_key);
	cbor_put_uint(b, 1);
	cbor_put_bstr(b, bytes_of(maker_vendor_id, 16));
	cbor_put_uint(b, 2);
	cbor_put_bstr(
		b, bytes_of(o->class_id ? o->class_id : maker_class_id, 16));
	cbor_put_uint(b, 3);
	put_component(b, o->component);
	uint_member(b, 4, o->sequence);
	cbor_put_uint(b, 5);
	cbor_put_bstr(b, bytes_of(release, 32));
	cbor_put_uint(b, 6);
	cbor_put_bstr(b, bytes_of(file, 32));
	uint_member(b, 7, o->envelope.len);
	cbor_put_uint(b, 8);
	cbor_put_array(b, 1);
	cbor_put_array(b, 3);
	cbor_put_tstr(b, o->path ? o->path : "p/x");
	cbor_put_uint(b, o->payload_len);
	cbor_put_bstr(b, bytes_of(o->payload_sha256, 32));
	if (o->has_hardware) {
		cbor_put_uint(b, 11);
		cbor_put_array(b, 2);
		cbor_put_uint(b, o->hardware_min);
		cbor_put_uint(b, o->hardware_max);
	}
	if (o->precursor) {
		cbor_put_uint(b, 16);
		cbor_put_array(b, 1);
		cbor_put_bstr(b, bytes_of(o->payload_sha256, 32));
	}
	if (o->withdrawn) {
		cbor_put_uint(b, 17);
		cbor_put_bool(b, true);
	}
	if (o->negative_key) {
		cbor_put_int(b, -3);
		cbor_put_uint(b, 0);
	}
}

static void shipped_put(struct buf *b, unsigned count)
{
	uint8_t digest[32] = {0};

	if (!count)
		return;
	cbor_put_uint(b, 8);
	cbor_put_array(b, count);
	for (unsigned i = 0; i < count; i++) {
		digest[0] = (uint8_t)i;
		cbor_put_map(b, 3);
		uint_member(b, 1, 1 + i % 2);
		cbor_put_uint(b, 2);
		cbor_put_bstr(b, bytes_of(digest, sizeof(digest)));
		uint_member(b, 3, 1000 + i);
	}
}

static void catalog_payload_put(const struct maker_catalog *c, struct buf *b)
{
	cbor_put_map(b, 7u + (c->shipped > 0) + c->unknown_key +
				c->negative_key);
	uint_member(b, 1, 1);
	uint_member(b, 2, c->sequence);
	uint_member(b, 3, c->issued);
	uint_member(b, 4, c->expires);
	uint_member(b, 5, c->root_version);
	uint_member(b, 6, c->epoch);
	cbor_put_uint(b, 7);
	cbor_put_array(b, c->offer_count);
	for (unsigned i = 0; i < c->offer_count; i++)
		offer_put(b, &c->offers[i]);
	shipped_put(b, c->shipped);
	if (c->unknown_key)
		uint_member(b, 99, 7);
	if (c->negative_key) {
		cbor_put_int(b, -1);
		cbor_put_uint(b, 0);
	}
}

/* The chain as views; returns how many. */
static unsigned chain_of(
	const struct maker_cert *const *chain, struct bytes ret[3])
{
	unsigned count = 0;

	for (; count < 3 && chain[count]; count++)
		ret[count] = maker_cert_der(chain[count]);
	return count;
}

void maker_catalog_file(const struct maker_catalog *c, struct buf *out)
{
	struct bytes aad = bytes_of_text(c->aad ? c->aad : CATALOG_AAD);
	struct cose_signing by[4];
	struct bytes certs[3];
	unsigned count = 0;
	struct buf payload;

	buf_init(&payload, CATALOG_FILE_MAX);
	catalog_payload_put(c, &payload);
	for (; count < 4 && c->signers[count]; count++)
		by[count] = signing_of(c->signers[count]);
	by[0].cert_count = chain_of(c->chain, certs);
	by[0].certs = certs;
	if (count == 1 && !c->as_sign)
		must(!cose_put_sign1(out, by, aad, buf_bytes(&payload), false));
	else
		must(!cose_put_sign(
			out, by, count, aad, buf_bytes(&payload), false));
	buf_done(&payload);
}

void maker_put_digest(struct buf *out, int64_t alg, struct bytes digest)
{
	struct buf in;

	buf_init(&in, 128);
	cbor_put_array(&in, 2);
	cbor_put_int(&in, alg);
	cbor_put_bstr(&in, digest);
	cbor_put_bstr(out, buf_bytes(&in));
	buf_done(&in);
}

static void shared_put(struct buf *out, struct bytes vendor_id,
	struct bytes class_id, int64_t alg, struct bytes digest, uint64_t size)
{
	cbor_put_array(out, 8);
	cbor_put_uint(out, SUIT_SET_INDEX);
	cbor_put_uint(out, 0);
	cbor_put_uint(out, SUIT_OVERRIDE_PARAMETERS);
	cbor_put_map(out, 3u + (size != 0));
	cbor_put_uint(out, SUIT_PARAM_VENDOR);
	cbor_put_bstr(out, vendor_id);
	cbor_put_uint(out, SUIT_PARAM_CLASS);
	cbor_put_bstr(out, class_id);
	cbor_put_uint(out, SUIT_PARAM_DIGEST);
	maker_put_digest(out, alg, digest);
	if (size)
		uint_member(out, SUIT_PARAM_SIZE, size);
	uint_member(out, SUIT_COND_VENDOR, 15);
	uint_member(out, SUIT_COND_CLASS, 15);
}

void maker_shared(struct buf *out, struct bytes vendor_id,
	struct bytes class_id, struct bytes digest, uint64_t size)
{
	shared_put(out, vendor_id, class_id, -16, digest, size);
}

static void install_put(struct buf *out)
{
	cbor_put_array(out, 8);
	cbor_put_uint(out, SUIT_SET_INDEX);
	cbor_put_uint(out, 0);
	cbor_put_uint(out, SUIT_OVERRIDE_PARAMETERS);
	cbor_put_map(out, 1);
	cbor_put_uint(out, SUIT_PARAM_URI);
	cbor_put_tstr(out, "p/x");
	uint_member(out, SUIT_FETCH, 2);
	uint_member(out, SUIT_COND_IMAGE_MATCH, 15);
}

static void common_put(const struct maker_envelope *e, struct buf *b)
{
	unsigned components = 0;
	struct buf shared;

	while (components < 4 && e->components[components])
		components++;
	cbor_put_map(b, 1u + !e->no_shared + e->dependencies);
	if (e->dependencies) {
		cbor_put_uint(b, 1);
		cbor_put_map(b, 1);
		cbor_put_uint(b, 1);
		cbor_put_map(b, 0);
	}
	cbor_put_uint(b, 2);
	cbor_put_array(b, components ? components : 1);
	for (unsigned i = 0; i < (components ? components : 1); i++)
		put_component(b, e->components[i]);
	if (e->no_shared)
		return;
	buf_init(&shared, 4096);
	if (e->shared.at)
		buf_add_bytes(&shared, e->shared);
	else
		shared_put(&shared, bytes_of(maker_vendor_id, 16),
			bytes_of(maker_class_id, 16),
			e->digest_alg ? e->digest_alg : -16,
			e->long_digest.at ? e->long_digest
					  : bytes_of(e->digest, 32),
			e->size);
	cbor_put_uint(b, 4);
	cbor_put_bstr(b, buf_bytes(&shared));
	buf_done(&shared);
}

static void wrapped_put(struct buf *b, unsigned key, struct bytes content)
{
	cbor_put_uint(b, key);
	cbor_put_bstr(b, content);
}

/* The digest of a text as a severed member. */
static void severed_put(struct buf *b, unsigned key, const char *text)
{
	uint8_t digest[32];
	struct buf wrapped;

	buf_init(&wrapped, SUIT_ENVELOPE_MAX);
	cbor_put_bstr(&wrapped, bytes_of_text(text));
	must(!crypto_sha256(buf_bytes(&wrapped), digest));
	buf_done(&wrapped);
	cbor_put_uint(b, key);
	cbor_put_array(b, 2);
	cbor_put_int(b, -16);
	cbor_put_bstr(b, bytes_of(digest, 32));
}

static void manifest_put(const struct maker_envelope *e, struct buf *b)
{
	struct buf part;

	buf_init(&part, 8192);
	cbor_put_map(b, 3u + !e->no_install + (e->fetch.at != NULL) +
				(e->text != NULL));
	uint_member(b, 1, e->version ? e->version : 1);
	uint_member(b, 2, e->sequence);
	common_put(e, &part);
	wrapped_put(b, 3, buf_bytes(&part));
	if (e->fetch.at)
		wrapped_put(b, SUIT_PAYLOAD_FETCH, e->fetch);
	buf_reset(&part);
	if (e->install.at)
		buf_add_bytes(&part, e->install);
	else
		install_put(&part);
	if (!e->no_install)
		wrapped_put(b, SUIT_INSTALL, buf_bytes(&part));
	if (e->text)
		severed_put(b, SUIT_TEXT, e->text);
	must(!b->err);
	buf_done(&part);
}

static void wrapper_put(
	const struct maker_envelope *e, struct bytes manifest, struct buf *out)
{
	const struct maker_key *signers[3] = {maker_key("author")};
	struct buf wrapped, digest, block;
	struct bytes certs[3];
	uint8_t sha[32];
	unsigned count = 0;

	buf_init(&wrapped, SUIT_ENVELOPE_MAX);
	buf_init(&digest, 128);
	buf_init(&block, 16384);
	if (e->signers[0])
		memcpy(signers, e->signers, sizeof(signers));
	while (count < 3 && signers[count])
		count++;
	cbor_put_bstr(&wrapped, manifest);
	must(!crypto_sha256(buf_bytes(&wrapped), sha));
	cbor_put_array(&digest, 2);
	cbor_put_int(&digest, -16);
	cbor_put_bstr(&digest, bytes_of(sha, 32));
	cbor_put_array(out, 1 + count + (e->extra != NULL));
	cbor_put_bstr(out, buf_bytes(&digest));
	for (unsigned i = 0; i < count; i++) {
		struct cose_signing by = signing_of(signers[i]);

		const struct maker_cert *const *chain =
			i == 0 ? e->chain : e->other_chain;

		if (i < 2 && chain[0]) {
			by.cert_count = chain_of(chain, certs);
			by.certs = certs;
			by.kid = bytes_of("", 0);
		}
		buf_reset(&block);
		must(!cose_put_sign1(&block, &by, bytes_of("", 0),
			buf_bytes(&digest), true));
		cbor_put_bstr(out, buf_bytes(&block));
	}
	if (e->extra) {
		buf_reset(&block);
		must(!cose_put_sign1(&block, e->extra, bytes_of("", 0),
			buf_bytes(&digest), true));
		cbor_put_bstr(out, buf_bytes(&block));
	}
	buf_done(&block);
	buf_done(&digest);
	buf_done(&wrapped);
}

void maker_envelope_file(const struct maker_envelope *e, struct buf *out)
{
	const char *text = e->text_there ? e->text_there : e->text;
	struct buf manifest, wrapper;

	buf_init(&manifest, SUIT_ENVELOPE_MAX);
	buf_init(&wrapper, SUIT_ENVELOPE_MAX);
	manifest_put(e, &manifest);
	wrapper_put(e, buf_bytes(&manifest), &wrapper);
	if (!e->untagged)
		cbor_put_tag(out, 107);
	cbor_put_map(out, 2u + (e->unsigned_member != NULL) + (text != NULL));
	wrapped_put(out, SUIT_AUTH, buf_bytes(&wrapper));
	wrapped_put(out, SUIT_MANIFEST, buf_bytes(&manifest));
	if (e->unsigned_member)
		wrapped_put(
			out, SUIT_COSWID, bytes_of_text(e->unsigned_member));
	if (text)
		wrapped_put(out, SUIT_TEXT, bytes_of_text(text));
	must(!out->err);
	buf_done(&wrapper);
	buf_done(&manifest);
}
