#include "devices/engine.h"

#include "devices/delegate.h"
#include "devices/smp/smp.h"
#include "devices/zigbee_ota/zigbee_ota.h"

static const struct engine_ops *const engines[] = {&smp_engine_ops,
	&zigbee_ota_engine_ops, &zigbee2mqtt_engine_ops};

const struct engine_ops *engine_find(const char *name)
{
	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++)
		if (name && !strcmp(engines[i]->name, name))
			return engines[i];
	return NULL;
}

const struct engine_ops *engine_at(size_t i)
{
	return i < sizeof(engines) / sizeof(engines[0]) ? engines[i] : NULL;
}

const char *engine_stage_name(enum engine_stage stage)
{
	switch (stage) {
	case ENGINE_STAGE_TRANSFER:
		return "transfer";
	case ENGINE_STAGE_STAGED:
		return "staged";
	case ENGINE_STAGE_ACTIVATE:
		return "activate";
	case ENGINE_STAGE_RESTART:
		return "restart";
	case ENGINE_STAGE_CONFIRM:
		return "confirm";
	}
	return "none";
}

const char *engine_wait_name(enum engine_wait wait)
{
	switch (wait) {
	case ENGINE_WAIT_NONE:
		return "none";
	case ENGINE_WAIT_WAKE:
		return "wake";
	case ENGINE_WAIT_TURN:
		return "turn";
	case ENGINE_WAIT_AIRTIME:
		return "airtime";
	case ENGINE_WAIT_DEVICE:
		return "device";
	}
	return "unknown";
}

const char *engine_outcome_name(enum engine_outcome outcome)
{
	switch (outcome) {
	case ENGINE_DONE:
		return "done";
	case ENGINE_UNVERIFIED:
		return "unverified";
	case ENGINE_FAILED:
		return "failed";
	case ENGINE_WITHDRAWN:
		return "withdrawn";
	}
	return "unknown";
}
