/* UUIDs as text and bytes (RFC 9562), also made from names: the vendor-id from
 * the vendor's domain, the class-id from the vendor-id and the name of the
 * class, as the SUIT manifest draft recommends. No state. */
#ifndef FERRY_PUBLISH_UUID_H
#define FERRY_PUBLISH_UUID_H

#include "base/bytes.h"

#define UUID_TEXT_SIZE 37

/* Reads 8-4-4-4-12 hexadecimal digits. Returns 0 or -EINVAL; says nothing. */
int uuid_parse(const char *text, uint8_t ret[16]);
char *uuid_format(const uint8_t uuid[16], char text[UUID_TEXT_SIZE]);

/* Version 5: in the namespace of DNS names, and in that of another UUID. */
int uuid_of_domain(const char *domain, uint8_t ret[16]);
int uuid_of_name(const uint8_t space[16], const char *name, uint8_t ret[16]);

#endif
