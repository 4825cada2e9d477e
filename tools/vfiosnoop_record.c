// SPDX-License-Identifier: GPL-2.0-only
/* vfiosnoop -w: what a recording needs beside the events. */
#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/names.h"
#include "lib/source.h"
#include "vfiosnoop_record.h"

#define SNAPSHOT_EVERY NS_PER_S /* at most */

int snoop_recording_open(struct snoop_recording *rec, const struct run *run,
			 const char *path)
{
	uint64_t now = now_ns();

	rec->to = recorder_open(path, now, now + run->epoch_ns);
	return rec->to ? 0 : -1;
}

bool snoop_recording_close(struct snoop_recording *rec)
{
	struct record_end end = {.ts_ns = now_ns()};
	bool ok;

	snoop_record_waiting(rec);
	recorder_add(rec->to, RECORD_END, &end, sizeof(end));
	ok = recorder_close(rec->to);
	rec->to = NULL;
	return ok;
}

/* Once a process; @again: it may have changed its name. */
static void record_names(struct snoop_recording *rec, uint32_t pid, bool again)
{
	struct record_names names = {.pid = pid};
	uint32_t *seen = &rec->pids[pid % SNOOP_SEEN];
	char cgroup[4096];

	if (!pid || (*seen == pid && !again))
		return;
	*seen = pid;
	if (!names_comm(pid, names.comm, sizeof(names.comm)))
		return;
	names_vm(pid, names.vm, sizeof(names.vm));
	names_cgroup(pid, cgroup, sizeof(cgroup));
	snprintf(names.cgroup, sizeof(names.cgroup), "%.*s",
		 (int)sizeof(names.cgroup) - 1, cgroup);
	recorder_add(rec->to, RECORD_NAMES, &names, sizeof(names));
}

void snoop_record_snapshot(struct snoop_recording *rec,
			   const struct snapshot *snapshot)
{
	if (!rec->to)
		return;
	for (size_t i = 0; i < snapshot->count; i++)
		record_names(rec, snapshot->records[i].tgid, false);
	rec->waiting = snapshot;
	rec->snapshot_ns = snapshot->taken_ns;
	rec->changed = false;
}

void snoop_record_waiting(struct snoop_recording *rec)
{
	const struct snapshot *snapshot = rec->waiting;
	struct record_snapshot head = {
		.record_size = sizeof(*snapshot->records),
	};

	if (!snapshot)
		return;
	head.ts_ns = snapshot->taken_ns;
	head.count = snapshot->count;
	recorder_add_two(rec->to, RECORD_SNAPSHOT, &head, sizeof(head),
			 snapshot->records,
			 snapshot->count * sizeof(*snapshot->records));
	rec->waiting = NULL;
}

void snoop_record_holders(struct snoop_recording *rec, const struct run *run,
			  struct snapshot *snapshot)
{
	char source[16] = "";

	if (!rec->to || !source_ready(run->source))
		return;
	if (!rec->begun) {
		snprintf(source, sizeof(source), "%s",
			 source_kind(run->source));
		recorder_add(rec->to, RECORD_SOURCE, source, sizeof(source));
	} else if (!rec->changed ||
		   now_ns() - rec->snapshot_ns < SNAPSHOT_EVERY) {
		return;
	}
	rec->begun = true;
	snoop_record_waiting(rec);
	if (snapshot_take(snapshot) >= 0)
		snoop_record_snapshot(rec, snapshot);
}

void snoop_record_lost(struct snoop_recording *rec, uint64_t lost,
		       uint64_t ts_ns)
{
	struct record_lost chunk = {.ts_ns = ts_ns, .lost = lost};

	recorder_add(rec->to, RECORD_LOST, &chunk, sizeof(chunk));
}

void snoop_record_stack(struct snoop_recording *rec, int32_t id,
			const uint64_t *frames)
{
	struct record_stack chunk = {.id = id};
	uint32_t *seen = &rec->stacks[id % SNOOP_SEEN];

	if (!rec->to || *seen == (uint32_t)id + 1)
		return;
	*seen = id + 1;
	memcpy(chunk.frames, frames, sizeof(chunk.frames));
	recorder_add(rec->to, RECORD_STACK, &chunk, sizeof(chunk));
}

void snoop_record_symbol(struct snoop_recording *rec, uint64_t address,
			 const char *name)
{
	struct record_symbol chunk = {.address = address};
	uint64_t *seen = &rec->symbols[(address >> 2) % SNOOP_SEEN];

	if (!rec->to || *seen == address)
		return;
	*seen = address;
	snprintf(chunk.name, sizeof(chunk.name), "%s", name);
	recorder_add(rec->to, RECORD_SYMBOL, &chunk, sizeof(chunk));
}

void snoop_record_limit(struct snoop_recording *rec, int64_t limit)
{
	struct record_limit chunk = {.dma_entry_limit = limit};

	recorder_add(rec->to, RECORD_LIMIT, &chunk, sizeof(chunk));
}

void snoop_record_reason(struct snoop_recording *rec, const char *words)
{
	struct record_reason chunk = {};

	if (!rec->to)
		return;
	snprintf(chunk.words, sizeof(chunk.words), "%s", words);
	recorder_add(rec->to, RECORD_REASON, &chunk, sizeof(chunk));
}

static bool changes_holders(const struct record *r)
{
	switch (r->event) {
	case REC_container_open:
	case REC_container_release:
	case REC_group_open:
	case REC_group_release:
	case REC_container_attach:
	case REC_container_detach:
	case REC_container_set_iommu:
	case REC_container_users:
	case REC_device_open:
	case REC_device_close:
	case REC_group_set_kvm:
		return true;
	default:
		return false;
	}
}

void snoop_record_event(struct snoop_recording *rec, const struct record *r)
{
	if (!rec->to)
		return;
	if (rec->waiting && r->ts_ns >= rec->snapshot_ns)
		snoop_record_waiting(rec);
	record_names(rec, r->tgid, r->event == REC_container_open);
	rec->changed |= changes_holders(r);
	recorder_add(rec->to, RECORD_EVENT, r, r->size);
}
