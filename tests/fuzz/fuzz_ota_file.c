/* Any bytes as a file that may have an OTA image in it. The first two bytes say
 * how many more bytes the file has than there are here. */
#include "devices/zigbee_ota/file.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct walk {
	const struct ota_file *file;
	uint64_t at;
	unsigned count;
};

static void step(void *arg, const struct ota_element *e)
{
	struct walk *w = arg;

	if (e->data_at != w->at + e->header_len)
		abort();
	w->at = (uint64_t)e->data_at + e->len;
	if (w->at > w->file->size)
		abort();
	w->count++;
}

static void check_elements(const struct ota_file *file, struct bytes image)
{
	struct walk w = {file, file->header_len, 0};
	enum ota_tiling tiling = ota_file_elements(file, image, step, &w);

	if ((tiling == OTA_TILES_NOT) != (w.count == 0))
		abort();
	if (tiling != OTA_TILES_NOT && w.at != file->size)
		abort();
	if (ota_file_check_strict(file, image, NULL) == 0 &&
			tiling != OTA_TILES_PLAIN)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct ota_file file;
	struct fault f = {0};
	struct bytes bytes;
	uint64_t file_len;
	int err;

	if (len < 2)
		return 0;
	bytes = bytes_of(data + 2, len - 2);
	file_len = bytes.len + get_le16(data);
	err = ota_file_find(bytes_slice(bytes, 0, OTA_FILE_PREFIX), file_len,
		&file, &f);
	if (err != f.code || (err && (!f.field[0] || !f.rule[0])))
		abort();
	if (err)
		return 0;
	if (file.at + file.size + file.trailing != file_len ||
			file.header_len < OTA_FILE_HEADER_MIN ||
			file.header_len > OTA_FILE_HEADER_MAX ||
			file.size <= file.header_len)
		abort();
	check_elements(&file, bytes_slice(bytes, file.at, file.size));
	return 0;
}
