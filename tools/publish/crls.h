/* The CRLs of the publisher's own CAs, served as www/crl/NAME.crl.
 *
 * Functions that fail have said why. One thread. */
#ifndef FERRY_PUBLISH_CRLS_H
#define FERRY_PUBLISH_CRLS_H

#include "tools/publish/ca.h"
#include "tools/publish/publisher.h"

/* The folders below keys/ that may hold a CA; ends with NULL. */
extern const char *const crls_ca_folders[];

/* Issues the next CRL of a CA and writes it to FOLDER/NAME.crl. A CRL with a
 * higher number that is there already is never replaced: then the record is an
 * old one. */
int crl_issue(struct ca *ca, const char *folder, uint64_t now, uint64_t until);

/* The same for every CA of the publisher whose key is here. */
int crls_renew(const struct publisher *p, uint64_t until);

#endif
