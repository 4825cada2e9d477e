// SPDX-License-Identifier: GPL-2.0-only
/*
 * BPF maps as memory, for replay: arrays, and hash maps with a chain a bucket.
 *
 * A value stays where it is, as in the kernel; one that was deleted is freed
 * before the next event, for a handler may still look at it.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "replay.h"
#include "replay_maps.h"
#include "tool.h"

#define MAPS	32
#define BUCKETS 4096

struct entry {
	struct entry *next;
	char data[]; /* key, then value at a multiple of 8 */
};

struct replay_map {
	char name[32];
	unsigned int type;
	size_t key_size;
	size_t value_size;
	size_t entries;
	size_t count;
	char *memory; /* of an array */
	struct entry *buckets[BUCKETS];
};

static struct replay_map *maps[MAPS];
static struct entry *deleted;

static size_t round_up(size_t v, size_t to)
{
	return (v + to - 1) & ~(to - 1);
}

static struct replay_map *find_map(const char *name)
{
	for (int i = 0; i < MAPS && maps[i]; i++)
		if (!strcmp(maps[i]->name, name))
			return maps[i];
	return NULL;
}

static bool is_array(const struct replay_map *m)
{
	return m->type == BPF_MAP_TYPE_ARRAY;
}

struct replay_map *replay_map(const char *name, unsigned int type,
			      size_t key_size, size_t value_size,
			      size_t entries)
{
	struct replay_map *m;
	size_t size;
	int i;

	name += *name == '&';
	m = find_map(name);
	if (m)
		return m;
	for (i = 0; i < MAPS && maps[i]; i++)
		;
	m = i < MAPS ? calloc(1, sizeof(*m)) : NULL;
	if (!m)
		goto err;
	strncpy(m->name, name, sizeof(m->name) - 1);
	m->type = type;
	m->key_size = key_size;
	m->value_size = value_size;
	m->entries = entries;
	if (is_array(m)) {
		/* As the kernel maps it, and who maps it unmaps it. */
		size = round_up(round_up(value_size, 8) * entries,
				sysconf(_SC_PAGESIZE));
		m->memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (m->memory == MAP_FAILED)
			goto err;
	}
	maps[i] = m;
	return m;
err:
	/* Handlers cannot say so, and nothing can be counted without it. */
	tool_error("no memory for the map %s", name);
	exit(TOOL_CANNOT);
}

static struct entry **bucket(struct replay_map *m, const void *key)
{
	const unsigned char *byte = key;
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < m->key_size; i++)
		hash = (hash ^ byte[i]) * 16777619u;
	return &m->buckets[hash % BUCKETS];
}

static struct entry **find(struct replay_map *m, const void *key)
{
	struct entry **at = bucket(m, key);

	while (*at && memcmp((*at)->data, key, m->key_size))
		at = &(*at)->next;
	return at;
}

static void *value_of(const struct replay_map *m, struct entry *e)
{
	return e->data + round_up(m->key_size, 8);
}

void *replay_lookup(struct replay_map *m, const void *key)
{
	struct entry *e;
	uint32_t index;

	if (is_array(m)) {
		memcpy(&index, key, sizeof(index));
		return index < m->entries
			       ? m->memory + index * round_up(m->value_size, 8)
			       : NULL;
	}
	e = *find(m, key);
	return e ? value_of(m, e) : NULL;
}

long replay_update(struct replay_map *m, const void *key, const void *value,
		   uint64_t flags)
{
	void *old = replay_lookup(m, key);
	struct entry **at, *e;

	if (old && flags == BPF_NOEXIST)
		return -EEXIST;
	if (old) {
		memcpy(old, value, m->value_size);
		return 0;
	}
	if (is_array(m) || m->count == m->entries)
		return -E2BIG;
	if (flags == BPF_EXIST)
		return -ENOENT;
	e = calloc(1, sizeof(*e) + round_up(m->key_size, 8) + m->value_size);
	if (!e)
		return -ENOMEM;
	memcpy(e->data, key, m->key_size);
	memcpy(value_of(m, e), value, m->value_size);
	at = find(m, key);
	*at = e;
	m->count++;
	return 0;
}

long replay_delete(struct replay_map *m, const void *key)
{
	struct entry **at, *e;

	if (is_array(m))
		return -EINVAL;
	at = find(m, key);
	e = *at;
	if (!e)
		return -ENOENT;
	*at = e->next;
	e->next = deleted;
	deleted = e;
	m->count--;
	return 0;
}

void replay_maps_free_deleted(void)
{
	while (deleted) {
		struct entry *next = deleted->next;

		free(deleted);
		deleted = next;
	}
}

void replay_maps_free(void)
{
	replay_maps_free_deleted();
	for (int i = 0; i < MAPS && maps[i]; i++) {
		for (int j = 0; j < BUCKETS; j++)
			while (maps[i]->buckets[j]) {
				struct entry *e = maps[i]->buckets[j];

				maps[i]->buckets[j] = e->next;
				free(e);
			}
		free(maps[i]);
		maps[i] = NULL;
	}
}

void *replay_map_memory(const char *name, size_t element, size_t count)
{
	return replay_map(name, BPF_MAP_TYPE_ARRAY, sizeof(uint32_t), element,
			  count)
		->memory;
}

bool replay_map_next(const char *name, const void *key, void *next)
{
	struct replay_map *m = find_map(name);
	struct entry *e = NULL;
	size_t at = 0;

	if (!m || is_array(m))
		return false;
	if (key) {
		e = *find(m, key);
		at = e ? bucket(m, key) - m->buckets : 0;
	}
	/* One that has gone meanwhile: from the beginning, as the kernel. */
	if (e)
		e = e->next, at++;
	while (!e && at < BUCKETS)
		e = m->buckets[at++];
	if (e)
		memcpy(next, e->data, m->key_size);
	return e;
}

bool replay_map_get(const char *name, const void *key, void *value)
{
	struct replay_map *m = find_map(name);
	const void *found;
	int32_t id;

	if (m && m->type == BPF_MAP_TYPE_STACK_TRACE) {
		memcpy(&id, key, sizeof(id));
		return replay_stack(id, value, m->value_size);
	}
	found = m ? replay_lookup(m, key) : NULL;
	if (found)
		memcpy(value, found, m->value_size);
	return found;
}

bool replay_map_delete(const char *name, const void *key)
{
	struct replay_map *m = find_map(name);

	return m && !replay_delete(m, key);
}
