// SPDX-License-Identifier: GPL-2.0-only
/* Copies of things by a number, of which the last one counts. */
#include <stdlib.h>
#include <string.h>

#include "kept.h"

static struct kept *kept_at(const struct kept_list *l, uint64_t key)
{
	size_t low = 0, high = l->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (l->list[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return l->list + low;
}

void *kept_find(const struct kept_list *l, uint64_t key)
{
	struct kept *k = l->count ? kept_at(l, key) : NULL;

	return k && k < l->list + l->count && k->key == key ? k->data : NULL;
}

void kept_add(struct kept_list *l, uint64_t key, const void *data, size_t size)
{
	void *copy = malloc(size);
	struct kept *list, *k;
	size_t at;

	list = realloc(l->list, (l->count + 1) * sizeof(*list));
	if (list)
		l->list = list;
	if (!list || !copy) {
		free(copy);
		return;
	}
	memcpy(copy, data, size);
	k = kept_at(l, key);
	at = k - l->list;
	if (at < l->count && k->key == key) {
		free(k->data);
		k->data = copy;
		return;
	}
	memmove(k + 1, k, (l->count++ - at) * sizeof(*k));
	*k = (struct kept){.key = key, .data = copy};
}

void kept_free(struct kept_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->list[i].data);
	free(l->list);
	*l = (struct kept_list){};
}
