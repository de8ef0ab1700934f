/* A certificate authority in a folder, and the record of what it has issued.
 *
 *   key.pem cert.pem (or ca.key.pem ca.pem)   the CA
 *   issued.json   every certificate with its serial number, what was revoked
 *                 and why, and the number of the last CRL
 *
 * The record is written before what it stands for: a crash in between leaves a
 * serial number that nobody has, or burns a CRL number. It belongs to the key and
 * goes where the key goes. ca_open() to ca_done(); under the lock of the
 * publisher's folder, or of nobody else at work in this one. Functions that fail
 * have said why. One thread. */
#ifndef FERRY_PUBLISH_CA_H
#define FERRY_PUBLISH_CA_H

#include "tools/publish/files.h"
#include "tools/publish/pki.h"

#define CA_ISSUED_MAX 65536
#define CA_NAME_SIZE 17 /* 16 hexadecimal digits of the key's id */
#define CA_SERIAL_SIZE (2 * CERT_SERIAL_MAX + 1)

struct ca_issued {
	char serial[CA_SERIAL_SIZE]; /* content of the INTEGER, hexadecimal */
	char subject[128];           /* "CN=..., O=..." */
	uint64_t until;
	uint64_t revoked;            /* when; 0: it is not */
	unsigned reason;
};

struct ca {
	char folder[FILES_PATH_SIZE];
	char name[CA_NAME_SIZE]; /* what its CRL and its responder are called */
	struct pki_chain cert;   /* its certificate, then those above it */
	struct x509_facts facts;
	struct key key;          /* id 0: not here */
	uint64_t crl_number;     /* of the last CRL; 0: none yet */
	uint64_t crl_until;
	struct ca_issued *issued;
	size_t count;
};

/* Opens the CA of a folder. `key` is the path of its key, NULL: in the folder;
 * where that is missing, the CA is open for looking only. */
int ca_open(const char *folder, const char *key, struct ca *ret);
void ca_done(struct ca *ca);

/* Makes key and certificate of a new CA: key.pem and cert.pem (`is_plain`), or
 * ca.key.pem and ca.pem; never replaces a key. The request says names, dates and
 * path length; the beginning of the key's id is added to the common name. `parent` NULL: it signs itself. */
int ca_make(const char *folder, bool is_plain, struct pki_request *request,
	enum crypto_curve curve, struct ca *parent);

/* Whether a folder holds a CA. */
bool ca_is_there(const char *folder);

/* Fails unless the key is here. */
int ca_need_key(const struct ca *ca);

/* Reserves a serial number in the record and issues. Fills in issuer, serial
 * and key of the request. */
int ca_issue(struct ca *ca, struct pki_request *request, struct buf *ret);

/* Puts a certificate that this CA issued into the record, if it is not there.
 * -EINVAL when another CA issued it. */
int ca_note(struct ca *ca, struct bytes der, const char *path);

/* The certificate with this serial number (hexadecimal, any case, leading zeros
 * do not count), or NULL. */
struct ca_issued *ca_find(const struct ca *ca, const char *serial);

/* -EEXIST when it is revoked already: the first time and reason stay. */
int ca_revoke(struct ca *ca, struct ca_issued *issued, unsigned reason,
	uint64_t at);

/* Appends the next CRL. The number is in the record before it is returned. */
int ca_crl(struct ca *ca, uint64_t now, uint64_t until, struct buf *ret);

/* Writes what `openssl ocsp -index` reads. */
int ca_index_write(const struct ca *ca, const char *path, uint64_t now);

/* BASE/NAME.crl, and the URL of the responder with {ca} replaced by the name.
 * NULL for an empty base; `text` holds PKI_URL_SIZE bytes. */
int ca_crl_url(const struct ca *ca, const char *base, char *text,
	const char **ret);
int ca_ocsp_url(const struct ca *ca, const char *pattern, char *text,
	const char **ret);

#endif
