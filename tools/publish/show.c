#include "tools/publish/show.h"

#include <stdio.h>

#include "tools/publish/uuid.h"
#include "tools/publish/when.h"

#define SHOW_TEXT_SIZE 1024
#define SHOW_HEX_MAX 128

void show_text(const char *name, struct bytes text)
{
	char shown[SHOW_TEXT_SIZE];

	printf("%s%s\n", name, bytes_to_printable(text, shown, sizeof(shown)));
}

void show_hex(const char *name, struct bytes value)
{
	char shown[2 * SHOW_HEX_MAX + 1];

	printf("%s%s%s\n", name, bytes_to_hex(value, shown, sizeof(shown)),
		value.len > SHOW_HEX_MAX ? "..." : "");
}

void show_time(const char *name, uint64_t at)
{
	char shown[WHEN_TEXT_SIZE];

	printf("%s%s\n", name, when_format(at, shown));
}

void show_uuid(const char *name, struct bytes value)
{
	char shown[UUID_TEXT_SIZE];

	if (value.len == 16)
		printf("%s%s\n", name, uuid_format(value.at, shown));
	else
		show_hex(name, value);
}
