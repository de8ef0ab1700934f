#include "transports/zigbee/numbers.h"

static uint8_t next_of(uint8_t number)
{
	return number == ZB_NUMBERS - 1 ? 1 : (uint8_t)(number + 1);
}

uint8_t zb_number_take(struct zb_numbers *n, int64_t now_ms)
{
	uint8_t number = next_of(n->last);
	unsigned tries;

	for (tries = 1; tries < ZB_NUMBERS; tries++) {
		if (!n->used[number] && n->barred[number] <= now_ms)
			break;
		number = next_of(number);
	}
	for (tries = 1; tries < ZB_NUMBERS && n->used[number]; tries++)
		number = next_of(number);
	n->last = number;
	n->used[number] = true;
	n->barred[number] = 0;
	return number;
}

void zb_number_free(struct zb_numbers *n, uint8_t number)
{
	n->used[number] = false;
}

void zb_number_bar(struct zb_numbers *n, uint8_t number, int64_t now_ms)
{
	n->used[number] = false;
	n->barred[number] = now_ms + ZB_BARRED_MS;
}

void zb_number_late(struct zb_numbers *n, uint8_t number)
{
	if (!n->used[number])
		n->barred[number] = 0;
}
