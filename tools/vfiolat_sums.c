// SPDX-License-Identifier: GPL-2.0-only
/* vfiolat's figures: read, filtered, added up. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/backing.h"
#include "lib/hist.h"
#include "lib/names.h"
#include "lib/source.h"
#include "lib/tool.h"
#include "vfiolat_sums.h"

#define TIDY_AFTER 60 /* intervals without a change */

static int out_of_memory(void)
{
	tool_error("out of memory");
	return -ENOMEM;
}

static int add_member(struct lat_sums *s, int group, uint32_t container)
{
	struct lat_member *members;

	for (size_t i = 0; i < s->member_count; i++) {
		if (s->members[i].group != group)
			continue;
		s->members[i].container = container;
		return 0;
	}
	members = realloc(s->members, (s->member_count + 1) * sizeof(*members));
	if (!members)
		return -1;
	s->members = members;
	members[s->member_count++] =
		(struct lat_member){.group = group, .container = container};
	return 0;
}

/* Which group is in which container: the snapshot says what was there before
 * we listened, events the rest.
 */
static int read_members(struct lat_sums *s, struct run *run)
{
	unsigned int generation = source_generation(run->source);
	__s32 group, next;
	__u32 container;
	void *at = NULL;

	if (source_ready(run->source) &&
	    (!s->looked || generation != s->generation)) {
		snapshot_close(&s->snapshot);
		if (snapshot_take(&s->snapshot) < 0)
			return -1;
		for (size_t i = 0; i < s->snapshot.count; i++) {
			const struct snap_record *r = &s->snapshot.records[i];

			if (r->kind != SNAP_CONTAINER && r->group >= 0 &&
			    r->container &&
			    add_member(s, r->group, r->container))
				return out_of_memory();
		}
		s->looked = true;
		s->generation = generation;
	}
	for (int i = 0; i < LAT_GROUPS; i++) {
		if (!source_map_next(run->source, "groups", at, &next))
			break;
		group = next;
		at = &group;
		if (source_map_get(run->source, "groups", at, &container) &&
		    add_member(s, group, container))
			return out_of_memory();
	}
	return 0;
}

static struct lat_entry *find_entry(struct lat_sums *s,
				    const struct lat_key *key)
{
	struct lat_entry *entries;
	size_t room;

	for (size_t i = 0; i < s->entry_count; i++)
		if (!memcmp(&s->entries[i].key, key, sizeof(*key)))
			return &s->entries[i];
	if (s->entry_count == s->entry_room) {
		room = s->entry_room ? s->entry_room * 2 : 64;
		entries = realloc(s->entries, room * sizeof(*entries));
		if (!entries)
			return NULL;
		s->entries = entries;
		s->entry_room = room;
	}
	entries = &s->entries[s->entry_count++];
	memset(entries, 0, sizeof(*entries));
	entries->key = *key;
	return entries;
}

/* The groups of a container; for what is of one group, that. */
static size_t groups_of(const struct lat_sums *s, uint32_t container,
			int32_t group, int *groups)
{
	size_t count = 0;

	if (group >= 0) {
		groups[0] = group;
		return 1;
	}
	for (size_t i = 0; i < s->member_count; i++)
		if (s->members[i].container == container &&
		    count < LAT_KEY_GROUPS)
			groups[count++] = s->members[i].group;
	return count;
}

/* An open device's container is that of its group. */
static int64_t container_of(const struct lat_sums *s, const struct lat_key *key)
{
	if (key->container)
		return key->container;
	for (size_t i = 0; i < s->member_count; i++)
		if (s->members[i].group == key->group)
			return s->members[i].container;
	return -1;
}

bool lat_sums_wanted(const struct lat_sums *s, const struct run *run,
		     uint32_t container, int32_t group, uint32_t tgid)
{
	int groups[LAT_KEY_GROUPS];
	size_t count = groups_of(s, container, group, groups);

	return filter_match(&run->filter, tgid, groups, count);
}

int lat_sums_read(struct lat_sums *s, struct run *run)
{
	struct lat_key key, next;
	struct lat_value value;
	__u32 zero = 0;
	void *at = NULL;
	__u64 lost;

	if (read_members(s, run) < 0)
		return -1;
	for (int i = 0; i < LAT_ENTRIES; i++) {
		struct lat_entry *entry;

		if (!source_map_next(run->source, "hists", at, &next))
			break;
		key = next;
		at = &key;
		if (!source_map_get(run->source, "hists", at, &value))
			continue;
		entry = find_entry(s, &key);
		if (!entry)
			return out_of_memory();
		entry->now = value;
		entry->now.comm[sizeof(entry->now.comm) - 1] = '\0';
		names_clean(entry->now.comm);
		if (!entry->wanted)
			entry->wanted = lat_sums_wanted(s, run, key.container,
							key.group, key.tgid);
	}
	if (source_map_get(run->source, "lost", &zero, &lost))
		s->lost = lost;
	return 0;
}

/* The groups as text, for the eye and as the key of several. */
static void name_groups(const int *groups, size_t count, char *name,
			size_t size)
{
	size_t len = 0;

	*name = '\0';
	for (size_t i = 0; i < count && len < size; i++)
		len += snprintf(name + len, size - len, "%s%d", i ? "," : "",
				groups[i]);
}

/* As vfiomaps says it. */
static const char *backing_word(uint32_t backing)
{
	static const enum backing_kind kinds[LAT_BACKINGS] = {
		[LAT_BACKING_ANON] = BACKING_ANON,
		[LAT_BACKING_HUGETLB] = BACKING_HUGETLB,
		[LAT_BACKING_SHMEM] = BACKING_SHMEM,
		[LAT_BACKING_FILE] = BACKING_FILE,
		[LAT_BACKING_DEVICE] = BACKING_DEVICE,
	};

	return backing_name(backing < LAT_BACKINGS ? kinds[backing]
						   : BACKING_UNKNOWN);
}

static void name_key(const struct lat_sums *s, const struct lat_entry *entry,
		     enum lat_by by, struct lat_sum *sum)
{
	int groups[LAT_KEY_GROUPS];
	size_t count;

	memset(sum, 0, sizeof(*sum));
	sum->op = entry->key.op;
	sum->key = -1;
	switch (by) {
	case BY_NOTHING:
		break;
	case BY_CONTAINER:
		sum->key = container_of(s, &entry->key);
		snprintf(sum->who, sizeof(sum->who), "%s", entry->now.comm);
		break;
	case BY_PID:
		sum->key = entry->key.tgid;
		snprintf(sum->who, sizeof(sum->who), "%s", entry->now.comm);
		break;
	case BY_GROUP:
		count = groups_of(s, entry->key.container, entry->key.group,
				  groups);
		if (count)
			sum->key = groups[0];
		name_groups(groups, count, sum->who, sizeof(sum->who));
		break;
	case BY_SIZE:
		if (entry->key.size_log2 != LAT_NO_SIZE)
			sum->key = entry->key.size_log2 < 62
					   ? 1LL << entry->key.size_log2
					   : 1LL << 62; /* and all above */
		break;
	case BY_BACKING:
		if (entry->key.backing && entry->key.backing < LAT_BACKINGS)
			sum->key = entry->key.backing;
		snprintf(sum->who, sizeof(sum->who), "%s",
			 backing_word(entry->key.backing));
		break;
	case BYS:
		break;
	}
}

static struct lat_sum *find_sum(struct lat_sums *s, const struct lat_sum *like,
				enum lat_by by)
{
	struct lat_sum *sums;

	for (size_t i = 0; i < s->count; i++)
		if (s->sums[i].op == like->op && s->sums[i].key == like->key &&
		    (by != BY_GROUP || !strcmp(s->sums[i].who, like->who)))
			return &s->sums[i];
	sums = realloc(s->sums, (s->count + 1) * sizeof(*sums));
	if (!sums)
		return NULL;
	s->sums = sums;
	sums += s->count++;
	memset(sums, 0, sizeof(*sums));
	sums->op = like->op;
	sums->key = like->key;
	memcpy(sums->who, like->who, sizeof(sums->who));
	return sums;
}

static void merge(struct lat_sum *sum, const struct lat_sum *more)
{
	hist_merge(&sum->hist, &more->hist);
	sum->count += more->count;
	sum->failed += more->failed;
	sum->sum += more->sum;
	if (more->max > sum->max)
		sum->max = more->max;
}

static int compare(const void *a, const void *b)
{
	const struct lat_sum *x = a, *y = b;

	if (x->op != y->op)
		return x->op < y->op ? -1 : 1;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return strcmp(x->who, y->who);
}

/* The longest of the interval is exact if it is the longest of all. */
static uint64_t max_since(const struct lat_entry *entry,
			  const struct hist *diff)
{
	uint64_t bound = hist_bound(diff);

	if (entry->now.max > entry->last.max || bound > entry->now.max)
		return entry->now.max;
	return bound;
}

int lat_sums_add(struct lat_sums *s, enum lat_by by)
{
	s->count = 0;
	memset(s->total, 0, sizeof(s->total));
	for (size_t i = 0; i < s->entry_count; i++) {
		struct lat_entry *entry = &s->entries[i];
		struct lat_sum name, *sum;

		name_key(s, entry, by, &name);
		hist_since(&name.hist, &entry->now.hist, &entry->last.hist);
		name.count = hist_count(&name.hist);
		name.failed = entry->now.failed - entry->last.failed;
		name.sum = entry->now.sum - entry->last.sum;
		name.max = name.count ? max_since(entry, &name.hist) : 0;
		entry->last.failed = entry->now.failed;
		entry->last.sum = entry->now.sum;
		entry->last.max = entry->now.max;
		entry->idle = name.count || name.failed ? 0 : entry->idle + 1;
		if (entry->idle || !entry->wanted || entry->key.op >= LAT_OPS)
			continue;
		sum = find_sum(s, &name, by);
		if (!sum)
			return out_of_memory();
		merge(sum, &name);
		merge(&s->total[name.op], &name);
	}
	if (s->count)
		qsort(s->sums, s->count, sizeof(*s->sums), compare);
	return 0;
}

/* Of a process that is gone: nobody can be counting in it. */
void lat_sums_tidy(struct lat_sums *s, struct run *run)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->entry_count; i++) {
		struct lat_entry *entry = &s->entries[i];

		if (entry->idle > TIDY_AFTER && kill(entry->key.tgid, 0) &&
		    errno == ESRCH)
			source_map_delete(run->source, "hists", &entry->key);
		else
			s->entries[kept++] = *entry;
	}
	s->entry_count = kept;
}

void lat_sums_close(struct lat_sums *s)
{
	snapshot_close(&s->snapshot);
	free(s->entries);
	free(s->members);
	free(s->sums);
}
