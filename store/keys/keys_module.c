#include "store/keys/keys_module.h"

#include <dlfcn.h>
#include <stdio.h>

static struct keys_module modules[KEYS_MODULES_MAX];
static pthread_mutex_t modules_lock = PTHREAD_MUTEX_INITIALIZER;

static struct keys_module *module_find(const char *path)
{
	struct keys_module *empty = NULL;

	for (unsigned i = 0; i < KEYS_MODULES_MAX; i++) {
		if (modules[i].users && !strcmp(modules[i].path, path))
			return &modules[i];
		if (!modules[i].users && !empty)
			empty = &modules[i];
	}
	return empty;
}

static int functions_get(struct keys_module *m, struct fault *fault)
{
	CK_C_GetFunctionList get;
	void *symbol = dlsym(m->library, "C_GetFunctionList");

	/* A pointer to data becomes one to a function, as dlsym() means it. */
	memcpy(&get, &symbol, sizeof(get));
	if (!symbol || get(&m->call) != CKR_OK || !m->call)
		return fault_set(fault, ERR_KEYS_MODULE, 0, m->path,
			"is no PKCS #11 module");
	if (m->call->version.major < 2)
		return fault_set(fault, ERR_KEYS_MODULE, 0, m->path,
			"is of PKCS #11 version %u, must be 2 or 3",
			m->call->version.major);
	return 0;
}

static int module_start(struct keys_module *m, struct fault *fault)
{
	struct ck_c_initialize_args args = {.flags = CKF_OS_LOCKING_OK};
	ck_rv_t status;
	int err;

	m->library = dlopen(m->path, RTLD_NOW | RTLD_LOCAL);
	if (!m->library)
		return fault_set(fault, ERR_KEYS_MODULE, 0, m->path,
			"cannot be loaded: %.120s", dlerror());
	err = functions_get(m, fault);
	if (!err) {
		status = m->call->C_Initialize(&args);
		if (status != CKR_OK)
			err = fault_set(fault, ERR_KEYS_MODULE, 0, m->path,
				"does not start: 0x%lx", status);
	}
	if (err)
		dlclose(m->library);
	return err;
}

int keys_module_get(
	const char *path, struct keys_module **ret, struct fault *fault)
{
	struct keys_module *m;
	int err = 0;

	if (path[0] != '/' || strlen(path) >= sizeof(m->path))
		return fault_set(fault, ERR_KEYS_MODULE, 0, "module-path",
			"must be an absolute path");
	pthread_mutex_lock(&modules_lock);
	m = module_find(path);
	if (!m)
		err = fault_set(fault, ERR_KEYS_MODULE, 0, path,
			"at most %d modules can be loaded", KEYS_MODULES_MAX);
	if (!err && !m->users) {
		snprintf(m->path, sizeof(m->path), "%s", path);
		err = module_start(m, fault);
		if (!err)
			pthread_mutex_init(&m->lock, NULL);
	}
	if (!err) {
		m->users++;
		*ret = m;
	}
	pthread_mutex_unlock(&modules_lock);
	return err;
}

void keys_module_put(struct keys_module *module)
{
	pthread_mutex_lock(&modules_lock);
	if (--module->users == 0) {
		module->call->C_Finalize(NULL);
		pthread_mutex_destroy(&module->lock);
		dlclose(module->library);
		*module = (struct keys_module){0};
	}
	pthread_mutex_unlock(&modules_lock);
}
