/* PKCS #11 modules (OASIS PKCS #11 2.40), loaded once for the whole process.
 * Internal to store/keys.
 *
 * A module is initialised when its first key is opened and finalised when its
 * last one is closed. Calls into one module wait for each other on its lock:
 * sessions of PKCS #11 are for one thread at a time. */
#ifndef FERRY_STORE_KEYS_KEYS_MODULE_H
#define FERRY_STORE_KEYS_KEYS_MODULE_H

#include <pthread.h>

/* The header's own variant without typedefs for structs. */
#define CRYPTOKI_GNU 1
#include <p11-kit/pkcs11.h>

#include "store/keys/keys_priv.h"

#define KEYS_MODULES_MAX 4

struct keys_module {
	char path[KEYS_TEXT_SIZE];
	unsigned users;
	void *library;
	struct ck_function_list *call;
	pthread_mutex_t lock;
};

/* The path must be absolute: what is loaded runs with all of our rights.
 * ERR_KEYS_MODULE. */
int keys_module_get(
	const char *path, struct keys_module **ret, struct fault *fault);
void keys_module_put(struct keys_module *module);

#endif
