#include "policy/trust/suit.h"

struct name {
	int number;
	const char *text;
};

static const struct name commands[] = {
	{SUIT_COND_VENDOR, "condition-vendor-identifier"},
	{SUIT_COND_CLASS, "condition-class-identifier"},
	{SUIT_COND_IMAGE_MATCH, "condition-image-match"},
	{SUIT_COND_USE_BEFORE, "condition-use-before"},
	{SUIT_COND_SLOT, "condition-component-slot"},
	{SUIT_COND_CONTENT, "condition-check-content"},
	{SUIT_COND_DEPENDENCY_INTEGRITY, "condition-dependency-integrity"},
	{SUIT_COND_IS_DEPENDENCY, "condition-is-dependency"},
	{SUIT_PROCESS_DEPENDENCY, "directive-process-dependency"},
	{SUIT_SET_INDEX, "directive-set-component-index"},
	{SUIT_COND_ABORT, "condition-abort"},
	{SUIT_TRY_EACH, "directive-try-each"},
	{SUIT_WRITE, "directive-write"},
	{SUIT_SET_PARAMETERS, "directive-set-parameters"},
	{SUIT_OVERRIDE_PARAMETERS, "directive-override-parameters"},
	{SUIT_FETCH, "directive-fetch"},
	{SUIT_COPY, "directive-copy"},
	{SUIT_INVOKE_NOW, "directive-invoke"},
	{SUIT_COND_DEVICE, "condition-device-identifier"},
	{SUIT_COND_IMAGE_NOT_MATCH, "condition-image-not-match"},
	{SUIT_COND_BATTERY, "condition-minimum-battery"},
	{SUIT_COND_AUTHORIZED, "condition-update-authorized"},
	{SUIT_COND_VERSION, "condition-version"},
	{SUIT_WAIT, "directive-wait"},
	{SUIT_SWAP, "directive-swap"},
	{SUIT_RUN_SEQUENCE, "directive-run-sequence"},
	{SUIT_UNLINK, "directive-unlink"},
	{SUIT_OVERRIDE_MULTIPLE, "directive-override-multiple"},
	{SUIT_COPY_PARAMS, "directive-copy-params"},
};

static const struct name parameters[] = {
	{SUIT_PARAM_VENDOR, "vendor-identifier"},
	{SUIT_PARAM_CLASS, "class-identifier"},
	{SUIT_PARAM_DIGEST, "image-digest"},
	{SUIT_PARAM_USE_BEFORE, "use-before"},
	{SUIT_PARAM_SLOT, "component-slot"},
	{SUIT_PARAM_STRICT_ORDER, "strict-order"},
	{SUIT_PARAM_SOFT_FAILURE, "soft-failure"},
	{SUIT_PARAM_SIZE, "image-size"},
	{SUIT_PARAM_CONTENT, "content"},
	{SUIT_PARAM_ENCRYPTION, "encryption-info"},
	{SUIT_PARAM_URI, "uri"},
	{SUIT_PARAM_SOURCE, "source-component"},
	{SUIT_PARAM_INVOKE_ARGS, "invoke-args"},
	{SUIT_PARAM_DEVICE, "device-identifier"},
	{SUIT_PARAM_FETCH_ARGS, "fetch-arguments"},
	{SUIT_PARAM_BATTERY, "minimum-battery"},
	{SUIT_PARAM_PRIORITY, "update-priority"},
	{SUIT_PARAM_VERSION, "version"},
	{SUIT_PARAM_WAIT, "wait-info"},
	{SUIT_PARAM_METADATA, "component-metadata"},
};

static const char *find(const struct name *names, size_t count, int64_t number)
{
	for (size_t i = 0; i < count; i++)
		if (names[i].number == number)
			return names[i].text;
	return NULL;
}

const char *suit_command_name(int64_t command)
{
	return find(commands, sizeof(commands) / sizeof(commands[0]), command);
}

const char *suit_parameter_name(int64_t parameter)
{
	return find(parameters, sizeof(parameters) / sizeof(parameters[0]),
		parameter);
}
