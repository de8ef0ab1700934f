#include "base/keep.h"

void keep_init(struct keep *k, size_t proven_max)
{
	*k = (struct keep){.proven_max = proven_max};
}

void keep_drop(struct keep *k, struct keep_hook *h)
{
	struct keep_list *l;

	if (!h->in)
		return;
	l = &k->lists[h->rank];
	if (h->older)
		h->older->newer = h->newer;
	else
		l->oldest = h->newer;
	if (h->newer)
		h->newer->older = h->older;
	else
		l->newest = h->older;
	l->count--;
	*h = (struct keep_hook){0};
}

static void append(struct keep *k, struct keep_hook *h, enum keep_rank rank)
{
	struct keep_list *l = &k->lists[rank];

	*h = (struct keep_hook){.older = l->newest, .in = true, .rank = rank};
	if (l->newest)
		l->newest->newer = h;
	else
		l->oldest = h;
	l->newest = h;
	l->count++;
}

void keep_set(struct keep *k, struct keep_hook *h, enum keep_rank rank)
{
	struct keep_hook *oldest;

	keep_drop(k, h);
	if (rank == KEEP_PINNED)
		return;
	append(k, h, rank);
	oldest = k->lists[KEEP_PROVEN].oldest;
	if (k->lists[KEEP_PROVEN].count <= k->proven_max)
		return;
	keep_drop(k, oldest);
	append(k, oldest, KEEP_STRANGER);
}

struct keep_hook *keep_next_out(const struct keep *k)
{
	for (int rank = KEEP_GONE; rank < KEEP_PINNED; rank++)
		if (k->lists[rank].oldest)
			return k->lists[rank].oldest;
	return NULL;
}
