#include "devices/registry_list.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int registry_list_add(struct registry_list *list, void *take_record)
{
	size_t size = list->size ? list->size * 2 : 16;
	struct registry_place *at;

	if (list->count == list->max)
		return -ENOBUFS;
	if (list->count == list->size) {
		if (size > list->max)
			size = list->max;
		at = realloc(list->at, size * sizeof(*at));
		if (!at)
			return -ENOMEM;
		list->at = at;
		list->size = size;
	}
	list->at[list->count++] = (struct registry_place){
		.record = take_record,
		.number = ++list->last_number,
	};
	return 0;
}

void registry_list_drop(struct registry_list *list, const void *record)
{
	size_t i = 0;

	while (i < list->count && list->at[i].record != record)
		i++;
	assert(i < list->count);
	free(list->at[i].record);
	list->count--;
	memmove(list->at + i, list->at + i + 1,
		(list->count - i) * sizeof(*list->at));
}

void registry_list_done(struct registry_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->at[i].record);
	free(list->at);
}

void *registry_list_at(const struct registry_list *list, size_t i)
{
	return i < list->count ? list->at[i].record : NULL;
}

/* Position of the first record behind `number`. */
static size_t behind(const struct registry_list *list, uint64_t number)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (list->at[middle].number <= number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void *registry_list_next(const struct registry_list *list, uint64_t *cursor)
{
	size_t i = behind(list, *cursor);

	if (i == list->count)
		return NULL;
	*cursor = list->at[i].number;
	return list->at[i].record;
}
