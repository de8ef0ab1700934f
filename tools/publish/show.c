#include "tools/publish/show.h"

#include <errno.h>
#include <stdio.h>

#include "policy/trust/catalog.h"
#include "policy/trust/evidence.h"
#include "tools/publish/say.h"
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

static bool is_evidence(struct bytes file)
{
	static const char pem[] = "-----BEGIN X509 CRL-----";

	return evidence_kind_of(file) ||
		memmem(file.at, file.len, pem, sizeof(pem) - 1);
}

/* 0 when it has been shown, else why it is no OTA file. */
static int try_ota(struct bytes file, struct fault *f)
{
	struct ota_file ota;
	int err = ota_file_find(bytes_slice(file, 0, OTA_FILE_PREFIX), file.len,
		&ota, f);

	if (!err)
		show_ota(&ota, file);
	return err;
}

/* What has none of the first bytes that we know. */
static int refuse(struct bytes file, const char *path, const struct fault *ota)
{
	if (ota->code == ERR_OTA_FILE_SIZE || (file.len >= 4 &&
			get_le32(file.at) == OTA_FILE_MAGIC))
		return complain_fault(path, ota->code, ota);
	return complain(-EINVAL, path, NULL, "is no envelope (tag 107), root,"
		" catalog (tags 98, 18), certificate, CRL, OCSP response or"
		" ZigBee OTA file");
}

int show_file(struct bytes file, const char *path)
{
	static const uint8_t envelope_tag[] = {0xd8, 0x6b};
	static const uint8_t sign_tag[] = {0xd8, 0x62};
	struct catalog *catalog = NULL;
	struct root *root = NULL;
	struct fault ota = {0};

	if (file.len == 0)
		return complain(-EINVAL, path, NULL, "is empty");
	if (is_evidence(file))
		return show_evidence(file, path);
	if (bytes_equal(bytes_slice(file, 0, 2), bytes_of(envelope_tag, 2)))
		return show_envelope(file, path);
	if (try_ota(file, &ota) == 0)
		return 0;
	if (file.at[0] == '-' || file.at[0] == 0x30)
		return show_certificates(path);
	if ((file.at[0] & 0xe0) == 0xa0)
		return show_envelope(file, path);
	if (root_parse(file, &root, NULL) == 0) {
		root_free(root);
		return show_root(file, path);
	}
	if (catalog_parse(file, &catalog, NULL) == 0) {
		catalog_free(catalog);
		return show_catalog(file, path);
	}
	if (!bytes_equal(bytes_slice(file, 0, 2), bytes_of(sign_tag, 2)) &&
			file.at[0] != 0xd2)
		return refuse(file, path, &ota);
	complain(-EINVAL, path, NULL, "reads neither as root nor as catalog:");
	show_root(file, path);
	return show_catalog(file, path);
}
