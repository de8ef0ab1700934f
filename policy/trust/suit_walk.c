#include "policy/trust/suit.h"

/* Frames alternate: a sequence, the choices of a try-each in it, the sequence
 * of one choice, and so on. */

static void push(struct suit_walk *walk, struct bytes in, bool choices)
{
	struct suit_walk_frame *frame;

	if (walk->depth == sizeof(walk->frames) / sizeof(walk->frames[0])) {
		walk->err = ERR_CBOR_DEPTH;
		return;
	}
	frame = &walk->frames[walk->depth++];
	frame->choices = choices;
	cbor_init(&frame->reader, in, CBOR_STRICT);
	if (cbor_array(&frame->reader, &frame->list))
		walk->err = frame->reader.err;
	else if (choices ? frame->list.left < 2
			 : frame->list.left < 2 || frame->list.left % 2)
		walk->err = ERR_TRUST_SUIT_FORM;
}

void suit_walk_init(struct suit_walk *walk, struct bytes sequence)
{
	*walk = (struct suit_walk){0};
	push(walk, sequence, false);
}

/* Leaves a frame that has no more members. */
static void pop(struct suit_walk *walk)
{
	struct suit_walk_frame *frame = &walk->frames[walk->depth - 1];

	if (cbor_done(&frame->reader))
		walk->err = frame->reader.err;
	walk->depth--;
}

/* Enters the next alternative of a try-each; nil is an empty one. */
static void choice(struct suit_walk *walk, struct suit_walk_frame *frame)
{
	struct bytes sequence = {0};

	if (cbor_peek(&frame->reader) == CBOR_NULL) {
		cbor_null(&frame->reader);
		if (frame->list.left)
			walk->err = ERR_TRUST_SUIT_FORM;
		return;
	}
	if (cbor_bstr(&frame->reader, &sequence))
		walk->err = frame->reader.err;
	else
		push(walk, sequence, false);
}

static void command(struct suit_walk *walk, struct suit_walk_frame *frame,
	struct suit_step *ret)
{
	struct bytes sequence = {0};
	struct cbor inner;

	cbor_int(&frame->reader, &ret->command);
	cbor_next(&frame->reader, &frame->list);
	if (cbor_skip(&frame->reader, &ret->argument)) {
		walk->err = frame->reader.err;
		return;
	}
	if (++walk->commands > SUIT_COMMANDS_MAX) {
		walk->err = ERR_TOO_LARGE;
		return;
	}
	if (ret->command == SUIT_TRY_EACH) {
		push(walk, ret->argument, true);
	} else if (ret->command == SUIT_RUN_SEQUENCE) {
		cbor_init(&inner, ret->argument, CBOR_STRICT);
		if (cbor_bstr(&inner, &sequence))
			walk->err = inner.err;
		else
			push(walk, sequence, false);
	}
}

bool suit_walk_next(struct suit_walk *walk, struct suit_step *ret)
{
	while (walk->depth > 0 && !walk->err) {
		struct suit_walk_frame *frame = &walk->frames[walk->depth - 1];
		unsigned depth = walk->depth - 1;

		if (!cbor_next(&frame->reader, &frame->list)) {
			if (frame->reader.err)
				walk->err = frame->reader.err;
			else
				pop(walk);
			continue;
		}
		*ret = (struct suit_step){.depth = depth};
		if (frame->choices) {
			ret->begins_choice = true;
			choice(walk, frame);
		} else {
			command(walk, frame, ret);
		}
		return !walk->err;
	}
	return false;
}
