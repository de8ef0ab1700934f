/* What a publisher's folder knows of an HSS key: `hss/KID` holds the number of
 * the first leaf that was not reserved, and what the folder has published says
 * which leaves have signed. The key's own file may be put back from a copy;
 * this is what it is held against.
 *
 * Functions that fail have said why. */
#ifndef FERRY_PUBLISH_HSS_RECORD_H
#define FERRY_PUBLISH_HSS_RECORD_H

#include "tools/publish/hss_key.h"

/* Sets key->record, and gives the first leaf that nothing in the folder knows:
 * of the record, www/root/, www/catalog.cose, www/e/ and drafts of roots. Writes
 * nothing. */
int hss_record_open(struct hss_key *key, const char *dir, uint64_t *ret);

/* The number in the record; 0 where there is none yet. */
int hss_record_read(const struct hss_key *key, uint64_t *ret);

/* Makes the folder where it is not there. Flushed when it returns. */
int hss_record_write(const struct hss_key *key, uint64_t next);

#endif
