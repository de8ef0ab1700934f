/* Any bytes through the three readers. The first byte chooses the framing and
 * how the rest is cut. On byte streams a message that was read and is framed
 * again must be read back the same, and cutting must make no difference. */
#include "devices/smp/frame.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void read_back(enum smp_framing framing, struct bytes message)
{
	struct bytes again, in;
	struct smp_reader r;
	struct buf out;

	buf_init(&out, 4 * SMP_MESSAGE_MAX);
	smp_reader_init(&r, framing);
	if (smp_frame_put(&out, framing, message))
		abort();
	in = buf_bytes(&out);
	if (!smp_reader_take(&r, &in, &again) || !bytes_equal(again, message))
		abort();
	smp_reader_done(&r);
	buf_done(&out);
}

static size_t read_all(enum smp_framing framing, struct bytes in, size_t piece,
	bool again)
{
	struct bytes message, part;
	struct smp_reader r;
	size_t count = 0;

	smp_reader_init(&r, framing);
	while (in.len) {
		part = bytes_slice(in, 0, piece);
		in = bytes_slice(in, piece, in.len);
		while (smp_reader_take(&r, &part, &message)) {
			if (message.len > SMP_MESSAGE_MAX)
				abort();
			count++;
			if (again && (framing != SMP_RAW || count == 1))
				read_back(framing, message);
		}
	}
	smp_reader_done(&r);
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	enum smp_framing framing;
	struct bytes in;

	if (len < 2)
		return 0;
	framing = (enum smp_framing)(data[0] % 3);
	in = bytes_of(data + 1, len - 1);
	if (framing == SMP_DATAGRAM)
		read_all(framing, in, 1 + data[0] / 3, false);
	else if (read_all(framing, in, in.len, framing == SMP_CONSOLE) !=
			read_all(framing, in, 1 + data[0] / 3, false))
		abort();
	return 0;
}
