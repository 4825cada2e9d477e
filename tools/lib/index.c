// SPDX-License-Identifier: GPL-2.0-only
/* A hash table from a key of four words to a number. */
#include <stdlib.h>

#define HASH_NONFATAL_OOM	   1
#define uthash_nonfatal_oom(entry) ((entry)->added = false)
#include <uthash.h>

#include "index.h"

struct index_entry {
	struct index_key key;
	size_t place;
	bool added; /* the table had memory for it */
	UT_hash_handle hh;
};

static struct index_entry *find(const struct index *index,
				const struct index_key *key)
{
	struct index_entry *entry;

	HASH_FIND(hh, index->entries, key, sizeof(*key), entry);
	return entry;
}

size_t *index_find(const struct index *index, const struct index_key *key)
{
	struct index_entry *entry = find(index, key);

	return entry ? &entry->place : NULL;
}

bool index_add(struct index *index, const struct index_key *key, size_t place)
{
	struct index_entry *entry;

	if (find(index, key))
		return false;
	entry = malloc(sizeof(*entry));
	if (entry) {
		entry->key = *key;
		entry->place = place;
		entry->added = true;
		HASH_ADD(hh, index->entries, key, sizeof(entry->key), entry);
		if (entry->added)
			return true;
		free(entry);
	}
	index->failed = true;
	return false;
}

void index_clear(struct index *index)
{
	struct index_entry *entry, *next;

	HASH_ITER(hh, index->entries, entry, next)
	{
		HASH_DELETE(hh, index->entries, entry);
		free(entry);
	}
	*index = (struct index){};
}
