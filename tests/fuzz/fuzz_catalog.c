/* Any bytes as a catalog file, and, wrapped into a message, as the payload of
 * one. Whatever is listed can be read again. */
#include <stdlib.h>

#include "base/cbor_out.h"
#include "policy/trust/catalog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void read_all(const struct catalog *c)
{
	for (unsigned i = 0; i < c->entry_count; i++) {
		const struct catalog_entry *e = &c->entries[i];
		struct catalog_payload payload;
		struct bytes precursor;

		for (unsigned k = 0; k < e->payload_count; k++)
			if (catalog_entry_payload(e, k, &payload))
				abort();
		for (unsigned k = 0; k < e->precursor_count; k++)
			if (catalog_entry_precursor(e, k, &precursor))
				abort();
		if (e->vendor_id.len != 16 || !e->component.len)
			abort();
	}
}

static void judge(struct bytes file)
{
	struct catalog *catalog;

	if (catalog_parse(file, &catalog, NULL))
		return;
	read_all(catalog);
	catalog_free(catalog);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf b;
	static int ready;

	if (!ready && crypto_init())
		abort();
	ready = 1;
	judge(bytes_of(data, len));
	buf_init(&b, len + 64);
	cbor_put_tag(&b, COSE_SIGN1);
	cbor_put_array(&b, 4);
	cbor_put_bstr(&b, bytes_of("", 0));
	cbor_put_map(&b, 0);
	cbor_put_bstr(&b, bytes_of(data, len));
	cbor_put_bstr(&b, bytes_of("", 0));
	judge(buf_bytes(&b));
	buf_done(&b);
	return 0;
}
