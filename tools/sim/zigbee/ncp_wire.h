/* Reading and writing the little-endian fields of a coprocessor's frames, for the
 * front ends of this folder. A reader that runs out gives zeros and stays `bad`;
 * a writer that runs out of room writes nothing more and stays `bad`: checked
 * once, at the end. On the stack of its user. */
#ifndef FERRY_SIM_ZIGBEE_NCP_WIRE_H
#define FERRY_SIM_ZIGBEE_NCP_WIRE_H

#include "base/bytes.h"

struct wire_in {
	struct bytes left;
	bool bad;
};

struct wire_out {
	uint8_t *at;
	size_t len;
	size_t size;
	bool bad;
};

static inline struct wire_in wire_in(struct bytes from)
{
	return (struct wire_in){.left = from};
}

static inline struct wire_out wire_out(uint8_t *at, size_t size)
{
	return (struct wire_out){.at = at, .size = size};
}

/* `len` bytes; empty when there are fewer. */
static inline struct bytes wire_take(struct wire_in *in, size_t len)
{
	struct bytes taken = bytes_slice(in->left, 0, len);

	if (taken.len < len) {
		in->bad = true;
		in->left = bytes_of(NULL, 0);
		return in->left;
	}
	in->left = bytes_slice(in->left, len, in->left.len);
	return taken;
}

static inline uint64_t wire_number(struct wire_in *in, size_t len)
{
	struct bytes taken = wire_take(in, len);
	uint64_t v = 0;

	for (size_t i = taken.len; i-- > 0;)
		v = v << 8 | taken.at[i];
	return v;
}

static inline uint8_t wire_u8(struct wire_in *in)
{
	return (uint8_t)wire_number(in, 1);
}

static inline uint16_t wire_u16(struct wire_in *in)
{
	return (uint16_t)wire_number(in, 2);
}

static inline uint32_t wire_u32(struct wire_in *in)
{
	return (uint32_t)wire_number(in, 4);
}

static inline uint64_t wire_u64(struct wire_in *in)
{
	return wire_number(in, 8);
}

static inline void wire_add(struct wire_out *out, const void *at, size_t len)
{
	if (out->bad || len > out->size - out->len) {
		out->bad = true;
		return;
	}
	if (len)
		memcpy(out->at + out->len, at, len);
	out->len += len;
}

static inline void wire_put(struct wire_out *out, uint64_t v, size_t len)
{
	uint8_t at[8];

	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t)(v >> 8 * i);
	wire_add(out, at, len);
}

static inline void wire_put8(struct wire_out *out, unsigned v)
{
	wire_put(out, v, 1);
}

static inline void wire_put16(struct wire_out *out, unsigned v)
{
	wire_put(out, v, 2);
}

static inline void wire_put32(struct wire_out *out, uint32_t v)
{
	wire_put(out, v, 4);
}

static inline void wire_put64(struct wire_out *out, uint64_t v)
{
	wire_put(out, v, 8);
}

#endif
