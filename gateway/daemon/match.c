#include "gateway/daemon/match.h"

#include <errno.h>
#include <stdlib.h>

bool match_hardware(const struct device *d, uint64_t *ret)
{
	bool is_hex = !strncmp(d->hw_revision, "0x", 2);
	char *end = NULL;
	unsigned long long value;

	if (d->hw_revision[0] < '0' || d->hw_revision[0] > '9')
		return false;
	errno = 0;
	value = strtoull(d->hw_revision, &end, is_hex ? 16 : 10);
	if (errno || *end)
		return false;
	*ret = value;
	return true;
}

bool match_class(const struct catalog_entry *e,
	const struct device_class *klass)
{
	return !memcmp(e->class_id.at, klass->class_id, 16) &&
		!memcmp(e->vendor_id.at, klass->vendor_id, 16);
}

bool match_range(const struct catalog_entry *e, const struct device *d)
{
	uint64_t hardware = 0;

	if (!e->has_hardware)
		return true;
	return match_hardware(d, &hardware) && hardware >= e->hardware_min &&
		hardware <= e->hardware_max;
}

bool match_running(const struct catalog_entry *e, const struct device *d)
{
	if (e->expect_digest.at && d->hash_len)
		return bytes_equal(bytes_of(d->hash, d->hash_len),
			e->expect_digest);
	return e->expect_version.at && d->version[0] &&
		bytes_is_text(e->expect_version, d->version);
}
