#include "devices/mcuboot/image.h"

#include <errno.h>
#include <stdio.h>

char *mcuboot_version_text(struct mcuboot_version v, char *text)
{
	if (v.build)
		snprintf(text, MCUBOOT_VERSION_SIZE, "%u.%u.%u.%lu", v.major,
			v.minor, v.revision, (unsigned long)v.build);
	else
		snprintf(text, MCUBOOT_VERSION_SIZE, "%u.%u.%u", v.major,
			v.minor, v.revision);
	return text;
}

/* Reads 1 to 10 digits at *at and moves past them. */
static int read_number(const char **at, uint64_t max, uint64_t *ret)
{
	const char *p = *at;
	uint64_t value = 0;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++) {
		value = value * 10 + (uint64_t)(*p - '0');
		if (value > max)
			return -EINVAL;
	}
	*at = p;
	*ret = value;
	return 0;
}

int mcuboot_version_read(const char *text, struct mcuboot_version *ret)
{
	static const uint64_t max[4] = {UINT8_MAX, UINT8_MAX, UINT16_MAX,
		UINT32_MAX};
	uint64_t part[4] = {0};
	size_t n = 0;

	for (;;) {
		if (read_number(&text, max[n], &part[n]))
			return -EINVAL;
		n++;
		if (n == 4 || *text == '\0')
			break;
		if (*text != '.' && !(n == 3 && *text == '+'))
			return -EINVAL;
		text++;
	}
	if (n < 3 || *text != '\0')
		return -EINVAL;
	*ret = (struct mcuboot_version){
		.major = (uint8_t)part[0],
		.minor = (uint8_t)part[1],
		.revision = (uint16_t)part[2],
		.build = (uint32_t)part[3],
	};
	return 0;
}

static int compare(uint32_t a, uint32_t b)
{
	return a < b ? -1 : a > b;
}

int mcuboot_version_compare(struct mcuboot_version a, struct mcuboot_version b,
	bool with_build)
{
	int c = compare(a.major, b.major);

	if (c == 0)
		c = compare(a.minor, b.minor);
	if (c == 0)
		c = compare(a.revision, b.revision);
	if (c == 0 && with_build)
		c = compare(a.build, b.build);
	return c;
}
