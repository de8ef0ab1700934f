#include <stdio.h>

#include "tools/publish/say.h"
#include "tools/publish/show.h"

#define ELEMENTS_SHOWN 32

struct shown {
	unsigned count;
};

static void put_element(void *arg, const struct ota_element *e)
{
	struct shown *shown = arg;

	if (++shown->count > ELEMENTS_SHOWN)
		return;
	printf("  element 0x%04x    %lu bytes at %lu\n", e->tag,
		(unsigned long)e->len, (unsigned long)e->data_at);
}

static void put_elements(const struct ota_file *file, struct bytes image)
{
	struct shown shown = {0};

	switch (ota_file_elements(file, image, put_element, &shown)) {
	case OTA_TILES_PLAIN:
		break;
	case OTA_TILES_TELINK:
		puts("  elements          one, with Telink's header of 8 bytes");
		break;
	case OTA_TILES_NOT:
		puts("  elements          none: the body has a form of its own");
		break;
	}
	if (shown.count > ELEMENTS_SHOWN)
		printf("  elements          %u in all\n", shown.count);
}

static void put_optional(const struct ota_file *file)
{
	if (file->has_credential)
		printf("  credential        0x%02x\n", file->credential);
	if (file->has_destination)
		show_hex("  for device        ",
			bytes_of(file->destination, 8));
	if (file->has_hw)
		printf("  hardware          0x%04x to 0x%04x\n", file->hw_min,
			file->hw_max);
}

void show_ota(const struct ota_file *file, struct bytes container)
{
	char version[11];
	size_t len = strnlen((const char *)file->string, sizeof(file->string));

	ota_version_text(file->key.version, version, sizeof(version));
	printf("ZigBee OTA file, %lu bytes\n", (unsigned long)file->size);
	if (file->at || file->trailing)
		printf("  container         %llu bytes before it, %llu behind"
			" it\n", (unsigned long long)file->at,
			(unsigned long long)file->trailing);
	printf("  manufacturer      0x%04x\n  image type        0x%04x\n"
		"  file version      %s\n", file->key.manufacturer,
		file->key.type, version);
	printf("  stack             %u\n", file->stack);
	if (len)
		show_text("  name              ",
			bytes_of(file->string, len));
	put_optional(file);
	put_elements(file, bytes_slice(container, file->at, file->size));
}
