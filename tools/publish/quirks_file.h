/* What a vendor signs into the catalog about how devices misbehave: read from a
 * file, checked, and brought into the form of the catalog.
 *
 * No state; one thread. */
#ifndef FERRY_PUBLISH_QUIRKS_FILE_H
#define FERRY_PUBLISH_QUIRKS_FILE_H

#include "base/buf.h"

/* Appends the `quirks` of a catalog. The file is a CBOR map from engines to their
 * data, taken as it is, or the text of rows for ZigBee devices, which is put
 * into such a map. Rows are parsed in both; a complaint names line and word. */
int quirks_file_read(const char *path, struct buf *ret);

#endif
