/* A gateway with one link, "hub": a radio whose driver is the pretended one
 * (pretended_radio.h) and whose engine does what the test says (script_engine.h,
 * under the name "script"). The classes are "lamp" (devices of model "Lamp*",
 * enrolled by it) and "plug" (of model "Plug*", enrolled by a person), both of
 * that engine, and "other", of another one. The database is in a folder of its
 * own. One at a time; one thread. */
#ifndef FERRY_TESTS_RADIO_RIG_H
#define FERRY_TESTS_RADIO_RIG_H

#include "gateway/daemon/inventory.h"
#include "gateway/daemon/lines.h"
#include "gateway/daemon/radio.h"
#include "tests/unit/gateway/pretended_radio.h"
#include "tests/unit/gateway/script_engine.h"

#define RIG_CLASSES 3

struct radio_rig {
	uv_loop_t loop;
	uv_timer_t beat; /* no turn of the loop waits for ever */
	struct gateway gateway;
	struct config config;
	struct config_class classes[RIG_CLASSES];
	struct config_link link;
	struct config_network network;
	struct line *line;
	char folder[256];
	bool store_changed; /* it is open, or closed, as was asked for */
	bool closed;
};

extern struct radio_rig rig;

/* The link is there and the engine knows. Before and after each test. */
void rig_setup(void);
void rig_teardown(void);

/* ferryd ends and starts again, or was killed. */
void rig_restart(bool killed);

/* Waits until the engine was told `words`. */
void rig_until(const char *words);
/* What is due now happens; nothing else. */
void rig_turn(void);

/* The driver reports a peer: flags FERRY_PEER_*, attribute `kind`, and `joined`
 * unless it is NULL. */
void rig_report(const char *key, uint32_t flags, const char *joined);

/* The engine says what a peer is: model `model` (NULL: nothing), FERRY_PEER's
 * two truths; or which version it runs. Carried out by rig_pass(). */
void rig_says(const char *key, const char *model, bool proven, bool untold);
void rig_says_version(const char *key, const char *version);
void rig_pass(void);

/* "kind=router model=Lamp ", or NULL: no candidate. */
const char *rig_attributes(const char *key);
struct device *rig_device(const char *key);
/* A person makes the candidate a device. */
struct device *rig_enrol(const char *key, const char *class_name);

#endif
