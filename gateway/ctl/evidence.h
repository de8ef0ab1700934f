/* The evidence of a step of the ledger as text for people: "key value, key
 * value" instead of JSON.
 *
 * Pure; the texts are foreign still. */
#ifndef FERRY_GATEWAY_CTL_EVIDENCE_H
#define FERRY_GATEWAY_CTL_EVIDENCE_H

#include <jansson.h>

/* "tls TLSv1.3, from cache no" of an object: what is empty is left out, and the
 * list "checks" too. What does not fit into `size` ends with "...". */
void evidence_pairs(const json_t *evidence, char *text, size_t size);

/* The same with the checks in short before: "passed a, b; c fail: why". */
void evidence_brief(const json_t *evidence, char *text, size_t size);

#endif
