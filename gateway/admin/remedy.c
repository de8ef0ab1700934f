#include "gateway/admin/remedy.h"

#include <errno.h>
#include <stddef.h>

#include "base/err.h"
#include "gateway/admin/remedies.h"

enum remedy_kind {
#define KIND(name, act, text) REMEDY_##name,
	REMEDY_MAP(KIND)
#undef KIND
};

static const struct remedy remedies[] = {
#define ROW(name, act, text) [REMEDY_##name] = {REMEDY_ACT_##act, text},
	REMEDY_MAP(ROW)
#undef ROW
};

struct code_row {
	int code;
	enum remedy_kind kind;
};

static const struct code_row codes[] = {
#define ROW(code, remedy) {ERR_##code, REMEDY_##remedy},
	REMEDY_CODES(ROW)
#undef ROW
#define ROW(number, remedy) {-(number), REMEDY_##remedy},
	REMEDY_ERRNOS(ROW)
#undef ROW
};

const struct remedy *remedy_of(int code)
{
	if (code >= 0)
		return &remedies[REMEDY_NOTHING_TO_DO];
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (codes[i].code == code)
			return &remedies[codes[i].kind];
	switch (err_class(code)) {
	case ERR_CLASS_TRANSIENT:
	case ERR_CLASS_PERMANENT:
		return &remedies[REMEDY_MAKERS];
	case ERR_CLASS_SECURITY:
		return &remedies[REMEDY_RECHECK];
	}
	return &remedies[REMEDY_MAKERS];
}
