#include "devices/attributes.h"

void attributes_keep(struct attributes *a, const struct peer_attribute *list,
	size_t count)
{
	size_t kept = 0;

	a->len = 0;
	for (size_t i = 0; i < count && kept < ATTRIBUTES_MAX; i++) {
		size_t name_size = strlen(list[i].name) + 1;
		size_t value_size = strlen(list[i].value) + 1;
		size_t room = sizeof(a->at) - a->len;

		if (name_size > room || value_size > room - name_size)
			continue;
		memcpy(a->at + a->len, list[i].name, name_size);
		memcpy(a->at + a->len + name_size, list[i].value, value_size);
		a->len = (uint16_t)(a->len + name_size + value_size);
		kept++;
	}
}

size_t attributes_list(const struct attributes *a,
	struct peer_attribute into[ATTRIBUTES_MAX])
{
	size_t count = 0;
	size_t at = 0;

	while (at < a->len && count < ATTRIBUTES_MAX) {
		const char *name = a->at + at;
		const char *value = name + strlen(name) + 1;

		into[count++] = (struct peer_attribute){name, value};
		at = (size_t)(value + strlen(value) + 1 - a->at);
	}
	return count;
}
