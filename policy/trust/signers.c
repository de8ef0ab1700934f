#include "policy/trust/signers.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

struct named_bit {
	const char *name;
	unsigned bit;
};

static const struct named_bit roles[] = {
	{"author", SIGNER_AUTHOR},
	{"catalog", SIGNER_CATALOG},
	{"operator", SIGNER_OPERATOR},
	{"regulator", SIGNER_REGULATOR},
};

static const struct named_bit algs[] = {
	{"es256", SIGNER_ES256},
	{"hss", SIGNER_HSS},
	{"ed25519", SIGNER_ED25519},
};

static unsigned bit_of(
	const struct named_bit *list, size_t count, struct bytes name)
{
	for (size_t i = 0; i < count; i++)
		if (bytes_is_text(name, list[i].name))
			return list[i].bit;
	return 0;
}

unsigned signer_role_bit(struct bytes name)
{
	return bit_of(roles, COUNT(roles), name);
}

unsigned signer_alg_bit(struct bytes name)
{
	return bit_of(algs, COUNT(algs), name);
}

static const char *name_of(
	const struct named_bit *list, size_t count, unsigned bit)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].bit == bit)
			return list[i].name;
	return "?";
}

const char *signer_role_name(unsigned bit)
{
	return name_of(roles, COUNT(roles), bit);
}

const char *signer_alg_name(unsigned bit)
{
	return name_of(algs, COUNT(algs), bit);
}

unsigned signer_alg_of(enum cose_alg alg)
{
	switch (alg) {
	case COSE_ES256:
	case COSE_ESP256:
	case COSE_ES384:
	case COSE_ESP384:
	case COSE_ES512:
	case COSE_ESP512:
		return SIGNER_ES256;
	case COSE_HSS_LMS:
		return SIGNER_HSS;
	case COSE_EDDSA:
	case COSE_ED25519:
		return SIGNER_ED25519;
	case COSE_HMAC256:
	case COSE_HMAC384:
	case COSE_HMAC512:
		break;
	}
	return 0;
}
