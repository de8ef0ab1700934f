#include "gateway/relay/mosquitto_library.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#define LIBRARY "libmosquitto.so.1"

static struct mosquitto_library calls;
static bool is_loaded;

static const struct {
	const char *symbol;
	void *place; /* of a pointer to a function */
} places[] = {
#define MOSQUITTO_CALL(name) {"mosquitto_" #name, &calls.name},
	MOSQUITTO_CALLS(MOSQUITTO_CALL)
#undef MOSQUITTO_CALL
};

const struct mosquitto_library *mosquitto_library_get(struct fault *fault)
{
	void *library;

	if (is_loaded)
		return &calls;
	library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		fault_set(fault, -ENOSYS, 0, "delegate",
			"cannot be loaded: %.120s", dlerror());
		return NULL;
	}
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		void *symbol = dlsym(library, places[i].symbol);

		if (!symbol) {
			fault_set(fault, -ENOSYS, 0, "delegate",
				"%s has no %s()", LIBRARY, places[i].symbol);
			dlclose(library);
			return NULL;
		}
		/* A pointer to data becomes one to a function, as dlsym()
		 * means it. */
		memcpy(places[i].place, &symbol, sizeof(symbol));
	}
	is_loaded = true;
	return &calls;
}
