#include "base/nearest.h"

#include <ctype.h>
#include <stdio.h>

#define DISTANCE_INSIDE 2u /* one word stands whole in the other */
#define LEN_INSIDE 3u

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static int letter(struct bytes word, size_t i)
{
	return tolower(word.at[i]);
}

static bool are_swapped(struct bytes a, struct bytes b, size_t i, size_t j)
{
	return i > 1 && j > 1 && letter(a, i - 1) == letter(b, j - 2) &&
		letter(a, i - 2) == letter(b, j - 1);
}

/* How many letters must be put in, left out, replaced or swapped with their
 * neighbour. Three rows of the usual table are enough. */
static unsigned distance(struct bytes a, struct bytes b)
{
	unsigned rows[3][NEAREST_LEN_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *now = rows[2];

	for (unsigned j = 0; j <= b.len; j++) {
		before[j] = 0;
		last[j] = j;
	}
	for (unsigned i = 1; i <= a.len; i++) {
		unsigned *spare = before;

		now[0] = i;
		for (unsigned j = 1; j <= b.len; j++) {
			bool same = letter(a, i - 1) == letter(b, j - 1);

			now[j] = least(least(last[j], now[j - 1]) + 1,
				last[j - 1] + !same);
			if (are_swapped(a, b, i, j))
				now[j] = least(now[j], before[j - 2] + 1);
		}
		before = last;
		last = now;
		now = spare;
	}
	return last[b.len];
}

static bool is_inside(struct bytes small, struct bytes large)
{
	return small.len >= LEN_INSIDE &&
		memmem(large.at, large.len, small.at, small.len) != NULL;
}

static unsigned rate(struct bytes word, struct bytes known)
{
	unsigned far = distance(word, known);

	if (is_inside(word, known) || is_inside(known, word))
		return least(far, DISTANCE_INSIDE);
	return far;
}

void nearest_init(struct nearest *n, struct bytes word)
{
	*n = (struct nearest){.word = bytes_slice(word, 0, NEAREST_LEN_MAX)};
}

/* Into the best, of which those that are as good keep their order. */
static void put(struct nearest *n, const char *known, unsigned far)
{
	unsigned at = n->count;

	while (at > 0 && n->distance[at - 1] > far)
		at--;
	if (at == NEAREST_MAX)
		return;
	if (n->count < NEAREST_MAX)
		n->count++;
	for (unsigned i = n->count - 1; i > at; i--) {
		n->best[i] = n->best[i - 1];
		n->distance[i] = n->distance[i - 1];
	}
	n->best[at] = known;
	n->distance[at] = far;
}

static void list(struct nearest *n, const char *known)
{
	size_t used = strlen(n->all);

	if (used + strlen(known) + 3 > sizeof(n->all))
		n->is_cut = true;
	if (!n->is_cut)
		snprintf(n->all + used, sizeof(n->all) - used, "%s%s",
			used ? ", " : "", known);
}

static bool is_listed(const struct nearest *n, const char *known)
{
	size_t len = strlen(known);

	for (const char *at = n->all; (at = strstr(at, known)); at += len)
		if ((at == n->all || at[-1] == ' ') &&
				(at[len] == ',' || !at[len]))
			return true;
	for (unsigned i = 0; i < n->count; i++)
		if (!strcmp(n->best[i], known))
			return true;
	return false;
}

void nearest_offer(struct nearest *n, const char *known)
{
	struct bytes word = bytes_slice(bytes_of_text(known), 0,
		NEAREST_LEN_MAX);
	unsigned far;

	if (!word.len || is_listed(n, known))
		return;
	list(n, known);
	far = rate(n->word, word);
	if (far <= 1 + n->word.len / 3)
		put(n, known, far);
}

const char *nearest_text(struct nearest *n)
{
	size_t used = 0;

	n->text[0] = '\0';
	if (!n->count && n->all[0])
		snprintf(n->text, sizeof(n->text), "; known are %s%s", n->all,
			n->is_cut ? ", ..." : "");
	for (unsigned i = 0; i < n->count; i++) {
		/* What is much further away than the best was not meant. */
		bool last = i + 1 == n->count ||
			n->distance[i + 1] > n->distance[0] + 1;
		int len = snprintf(n->text + used, sizeof(n->text) - used,
			"%s'%.30s'%s", i == 0 ? "; did you mean " : last ?
			" or " : ", ", n->best[i], last ? "?" : "");

		used += (size_t)len;
		if (last)
			break;
	}
	return n->text;
}
