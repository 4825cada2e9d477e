// SPDX-License-Identifier: GPL-2.0-only
/* Which groups are, or were last, in which container. */
#include "members.h"

void members_add(struct members *m, uint32_t container, int group)
{
	size_t i;

	for (i = 0; i < m->count && m->list[i].group != group; i++)
		;
	if (i == MEMBERS_MAX)
		return;
	if (i == m->count)
		m->count++;
	m->list[i].container = container;
	m->list[i].group = group;
}

void members_take(struct members *m, const struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->count; i++) {
		const struct snap_record *r = &snapshot->records[i];

		if (r->container && r->group >= 0)
			members_add(m, r->container, r->group);
	}
}

void members_forget(struct members *m, uint32_t container)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->count; i++)
		if (m->list[i].container != container)
			m->list[kept++] = m->list[i];
	m->count = kept;
}

size_t members_of(const struct members *m, uint32_t container, int *groups,
		  size_t max)
{
	size_t count = 0;

	for (size_t i = 0; container && i < m->count && count < max; i++)
		if (m->list[i].container == container)
			groups[count++] = m->list[i].group;
	return count;
}
