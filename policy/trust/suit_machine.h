/* The machine that runs the command sequences of a SUIT manifest, for its own
 * files: suit_evaluate.c has the sequences and their blocks, suit_commands.c
 * what one command does for one component. Lives for one suit_evaluate(). */
#ifndef FERRY_POLICY_TRUST_SUIT_MACHINE_H
#define FERRY_POLICY_TRUST_SUIT_MACHINE_H

#include "policy/trust/suit.h"

#define SUIT_PARAMS (SUIT_PARAM_METADATA + 1)
#define SUIT_FRAMES_MAX (2 * SUIT_NEST_MAX + 1)

/* A condition is not met; errors are negative. */
#define SUIT_UNMET 1

enum suit_frame_kind {
	FRAME_SEQUENCE,
	FRAME_RUN, /* a run-sequence; its child is the sequence */
	FRAME_TRY, /* a try-each; its children are the alternatives in turn */
};

struct suit_frame {
	enum suit_frame_kind kind;
	struct cbor reader; /* of SEQUENCE and TRY */
	struct cbor_list list;
	struct bytes source; /* of RUN and TRY: the argument */
	uint32_t todo;	     /* components it is still to run for */
	uint32_t selected;   /* what to restore */
	bool soft;	     /* of SEQUENCE: soft-failure */
	unsigned fetches;    /* of SEQUENCE: suit_fetches_made() then */
};

/* The abstract machine of the draft's section 6.4. Parameters are raw items of
 * which suit_manifest_parse() has checked the types. */
struct suit_machine {
	const struct suit_manifest *manifest;
	const struct suit_facts *facts;
	struct suit_outcome *out;
	struct fault *fault;
	struct bytes params[SUIT_COMPONENTS_MAX][SUIT_PARAMS];
	uint32_t selected;
	uint32_t produced; /* by a command that we do not execute */
	/* Why a fetch is not good as it stands; it may still turn out to be the
	 * ciphertext of an image. By the index of the fetch. */
	int pending[SUIT_COMPONENTS_MAX];
	unsigned decrypted; /* fetches that became images of other components */
	bool shared;
	struct suit_frame frames[SUIT_FRAMES_MAX];
	unsigned depth;
	unsigned steps;
	bool child_soft; /* of the sequence that ended last */
	int unmet_code;
	const char *unmet_text;
};

/* Sets the fault; returns `code`. */
int suit_refuse(struct suit_machine *m, int code, const char *field,
	const char *rule);

/* One condition or directive, for one component; those that change the machine
 * itself are not among them. 0, SUIT_UNMET with the reason in `m`, an error. */
int suit_run_command(struct suit_machine *m, int64_t command, unsigned c);

/* So many fetches there were, those that a copy has decrypted counted too. */
unsigned suit_fetches_made(const struct suit_machine *m);

/* 0, or the error of the first fetch that is of no use as it stands. */
int suit_refuse_pending(struct suit_machine *m);

#endif
