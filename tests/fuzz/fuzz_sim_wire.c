/* Any packet through the reader: what is read can be written again, to the
 * very same bytes. */
#include "transports/sim/sim_wire.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = bytes_of(data, len);
	struct sim_frame f;
	struct buf out;

	if (sim_wire_read(in, &f))
		return 0;
	buf_init(&out, SIM_WIRE_MAX);
	if (sim_wire_write(&f, &out) || !bytes_equal(buf_bytes(&out), in))
		abort();
	buf_done(&out);
	return 0;
}
