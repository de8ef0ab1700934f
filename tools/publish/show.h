/* Prints published files in words on standard output: envelopes, roots,
 * catalogs, certificates, CRLs, OCSP responses, ZigBee OTA files.
 *
 * What comes from the file is escaped. Structure only: whether something is to
 * be trusted is for ferry-publish verify. One thread. */
#ifndef FERRY_PUBLISH_SHOW_H
#define FERRY_PUBLISH_SHOW_H

#include "base/bytes.h"
#include "devices/zigbee_ota/file.h"

/* What a file is, it says by its first bytes (the tags of docs/formats.md); a
 * certificate is read again from `path`. */
int show_file(struct bytes file, const char *path);

/* Each returns 0, or a negative code after it has complained; what was readable
 * has been printed by then. `path` names the file in complaints. */
int show_envelope(struct bytes file, const char *path);
int show_root(struct bytes file, const char *path);
int show_catalog(struct bytes file, const char *path);
int show_certificates(const char *path);
int show_crl(struct bytes file, const char *path);
int show_ocsp(struct bytes file, const char *path);

/* Either of them, a CRL also as PEM. */
int show_evidence(struct bytes file, const char *path);

/* `container`: the whole file that holds it. */
void show_ota(const struct ota_file *file, struct bytes container);

/* One line "  name  text" with the text escaped. */
void show_text(const char *name, struct bytes text);
void show_hex(const char *name, struct bytes value);
void show_time(const char *name, uint64_t at);
void show_uuid(const char *name, struct bytes value);

#endif
