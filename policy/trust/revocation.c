#include "policy/trust/revocation.h"

#include <stdarg.h>
#include <stdio.h>

const struct revocation_view revocation_nothing_known = {
	.policy = REVOCATION_REQUIRE,
};

bool revocation_refuses(int code)
{
	return code == ERR_TRUST_REVOKED || code == ERR_TRUST_REVOCATION_NONE ||
	       code == ERR_TRUST_REVOCATION_MISSING ||
	       code == ERR_TRUST_REVOCATION_STALE ||
	       code == ERR_TRUST_REVOCATION_NOT_YET ||
	       code == ERR_TRUST_REVOCATION_UNKNOWN ||
	       code == ERR_TRUST_REVOCATION_ANCHOR ||
	       code == ERR_TRUST_REVOCATION_NEEDS;
}

static int says(struct revocation_result *r, int code, const char *text, ...)
	__attribute__((format(printf, 3, 4)));

static int says(struct revocation_result *r, int code, const char *text, ...)
{
	va_list args;

	r->code = code;
	va_start(args, text);
	vsnprintf(r->evidence, sizeof(r->evidence), text, args);
	va_end(args);
	return code;
}

int revocation_judge(const struct revocation_view *view,
	const struct bytes *certs, unsigned count, bool root_only,
	struct trust_now now, struct revocation_needs *needs,
	struct revocation_result *ret)
{
	(void)certs;
	(void)now;
	(void)needs;
	*ret = (struct revocation_result){.good_until = UINT64_MAX};
	if (view && view->policy == REVOCATION_OFF)
		return says(ret, 0, "SWITCHED OFF by policy");
	ret->by_root_only = count <= 1;
	if (ret->by_root_only && root_only && view)
		return says(ret, 0, "revoked by a new root only");
	if (ret->by_root_only)
		return says(ret, ERR_TRUST_REVOCATION_ANCHOR,
			"the anchor signs by itself");
	return says(ret, ERR_TRUST_REVOCATION_NONE,
		"required, and no evidence is there");
}
