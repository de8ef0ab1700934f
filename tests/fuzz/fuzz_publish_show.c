/* Any bytes through everything that ferry-publish prints in words, and through
 * what it takes for an anchor. */
#include <stdio.h>

#include "tools/publish/public_key.h"
#include "tools/publish/keys.h"
#include "tools/publish/say.h"
#include "tools/publish/show.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int start(void)
{
	FILE *nowhere = fopen("/dev/null", "w");

	if (!nowhere || !freopen("/dev/null", "w", stdout))
		return -1;
	say_to(nowhere);
	return keys_start();
}

static void try_ota(struct bytes in)
{
	struct ota_file file;

	if (ota_file_find(bytes_slice(in, 0, OTA_FILE_PREFIX), in.len, &file,
			NULL) == 0)
		show_ota(&file, in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static int started = 1;
	struct bytes in = bytes_of(data, len);
	struct cose_key key;

	if (started == 1)
		started = start();
	if (started)
		return 0;
	show_envelope(in, "input");
	show_root(in, "input");
	show_catalog(in, "input");
	show_evidence(in, "input");
	try_ota(in);
	public_key_of(in, &key);
	return 0;
}
