#include "tools/publish/uuid.h"

#include <errno.h>

#include "tools/publish/hash.h"

static const uint8_t space_dns[16] = {0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11,
	0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};

static bool is_dash(size_t at)
{
	return at == 8 || at == 13 || at == 18 || at == 23;
}

int uuid_parse(const char *text, uint8_t ret[16])
{
	char digits[33];
	size_t n = 0;

	if (!text || strlen(text) != UUID_TEXT_SIZE - 1)
		return -EINVAL;
	for (size_t i = 0; i < UUID_TEXT_SIZE - 1; i++) {
		if (is_dash(i) != (text[i] == '-'))
			return -EINVAL;
		if (text[i] != '-')
			digits[n++] = text[i];
	}
	digits[n] = '\0';
	return bytes_from_hex(digits, ret, 16);
}

char *uuid_format(const uint8_t uuid[16], char text[UUID_TEXT_SIZE])
{
	char digits[33];
	size_t n = 0;

	bytes_to_hex(bytes_of(uuid, 16), digits, sizeof(digits));
	for (size_t i = 0; i < UUID_TEXT_SIZE - 1; i++)
		text[i] = is_dash(i) ? '-' : digits[n++];
	text[UUID_TEXT_SIZE - 1] = '\0';
	return text;
}

int uuid_of_name(const uint8_t space[16], const char *name, uint8_t ret[16])
{
	uint8_t digest[20];
	int err = hash_sha1(bytes_of(space, 16), bytes_of_text(name), digest);

	if (err)
		return err;
	memcpy(ret, digest, 16);
	ret[6] = (uint8_t)((ret[6] & 0x0f) | 0x50);
	ret[8] = (uint8_t)((ret[8] & 0x3f) | 0x80);
	return 0;
}

int uuid_of_domain(const char *domain, uint8_t ret[16])
{
	return uuid_of_name(space_dns, domain, ret);
}
