/* Any bytes through the reader, in every profile: what the strict profile takes
 * the others take too, and a skipped item ends inside the input. */
#include "base/cbor.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = bytes_of(data, len);
	int strict = cbor_check(in, CBOR_STRICT);
	int cose = cbor_check(in, CBOR_COSE);
	int wire = cbor_check(in, CBOR_WIRE);
	struct bytes span = {0};
	struct cbor r;

	if ((strict == 0 && cose != 0 && cose != ERR_CBOR_COUNT) ||
			(cose == 0 && wire != 0))
		abort();
	cbor_init(&r, in, CBOR_WIRE);
	while (cbor_skip(&r, &span) == 0)
		if (span.len == 0 || span.at + span.len > data + len)
			abort();
	return 0;
}
