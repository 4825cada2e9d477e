// SPDX-License-Identifier: GPL-2.0-only
/*
 * Plays a recording: reads chunk by chunk, keeps what explains events, and
 * hands each event to the tool's handlers.
 *
 * A file that is cut off or damaged is played up to there, and it is said.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kept.h"
#include "replay.h"
#include "replay_maps.h"
#include "snapshot.h"
#include "tool.h"

#define RING_MAX       4096 /* of a record in the ring buffer */
#define SNAPSHOT_LEAST offsetof(struct snap_record, comm)
#define GAP_MAX	       (30 * 86400 * 1000000000ULL) /* between two chunks */

static struct {
	const char *path;
	FILE *file;
	struct record_header header;
	struct record_chunk chunk; /* read, and not played yet */
	char *payload;
	size_t room;
	bool pending;
	bool ended;

	uint64_t last_ns;
	struct record record;
	char source[16];
	uint64_t lost;
	int64_t entry_limit;
	char reason[sizeof(struct record_reason)];
	struct kept_list names, stacks, symbols;
	struct snap_record *snapshot;
	size_t snapshot_count;
	unsigned int generation;

	struct run *run; /* while a handler is called */
	char ring[RING_MAX];
	size_t ring_size;
	int event_status;
} replay;

/* What ON() has left, see replay_bpf.h; none in a tool without. */
extern const struct replay_handler __start_replay_handlers[]
	__attribute__((weak));
extern const struct replay_handler __stop_replay_handlers[]
	__attribute__((weak));

bool replay_active(void)
{
	return replay.file;
}

void replay_close(void)
{
	if (!replay.file)
		return;
	fclose(replay.file);
	replay.file = NULL;
	free(replay.payload);
	free(replay.snapshot);
	kept_free(&replay.names);
	kept_free(&replay.stacks);
	kept_free(&replay.symbols);
	replay_maps_free();
}

/* The next chunk into replay.payload, zeroes behind it. NULL, or how the file
 * ends before that.
 */
static const char *read_chunk(void)
{
	size_t got = fread(&replay.chunk, 1, sizeof(replay.chunk), replay.file);
	size_t want;

	if (!got && feof(replay.file))
		return "has no end mark (its writer was killed, or it was cut)";
	if (got != sizeof(replay.chunk))
		return "is cut off";
	if (replay.chunk.size > RECORD_MAX_CHUNK)
		return "is damaged";
	/* Whatever struct is looked for in it, it is there. */
	want = replay.chunk.size + sizeof(struct record_names);
	if (want > replay.room) {
		char *payload = realloc(replay.payload, want);

		if (!payload)
			return "has a part larger than memory";
		replay.payload = payload;
		replay.room = want;
	}
	got = fread(replay.payload, 1, replay.chunk.size, replay.file);
	if (got != replay.chunk.size)
		return "is cut off";
	memset(replay.payload + got, 0, replay.room - got);
	return NULL;
}

static uint64_t u64_at(size_t offset)
{
	uint64_t v;

	memcpy(&v, replay.payload + offset, sizeof(v));
	return v;
}

/* When the chunk that is pending happened; 0: it goes with what follows. */
static uint64_t pending_ns(void)
{
	switch (replay.chunk.type) {
	case RECORD_EVENT:
		return u64_at(offsetof(struct record, ts_ns));
	case RECORD_SNAPSHOT:
	case RECORD_LOST:
	case RECORD_END:
		return u64_at(0);
	default:
		return 0;
	}
}

static void play_event(struct run *run)
{
	const struct replay_handler *h;
	struct record *r = &replay.record;
	size_t size = replay.chunk.size;

	memset(r, 0, sizeof(*r));
	memcpy(r, replay.payload, size < sizeof(*r) ? size : sizeof(*r));
	r->name[sizeof(r->name) - 1] = '\0';
	r->comm[sizeof(r->comm) - 1] = '\0';
	if (r->event == REC_container_set_iommu)
		r->set_iommu.driver = r->name;
	if (r->event == REC_device_open || r->event == REC_device_close)
		r->device.device = r->name;
	replay.run = run;
	for (h = __start_replay_handlers; h < __stop_replay_handlers; h++)
		if (h->event == r->event)
			h->call((char *)r + RECORD_HEAD);
	replay_maps_free_deleted();
}

static void play_snapshot(void)
{
	struct record_snapshot head;
	size_t size;

	memcpy(&head, replay.payload, sizeof(head));
	size = head.record_size;
	/* Smaller ones there never were: a file must not grow in memory. */
	if (size < SNAPSHOT_LEAST ||
	    sizeof(head) + size * head.count > replay.chunk.size)
		head.count = 0;
	free(replay.snapshot);
	replay.snapshot = calloc(head.count + 1, sizeof(*replay.snapshot));
	replay.snapshot_count = replay.snapshot ? head.count : 0;
	for (size_t i = 0; i < replay.snapshot_count; i++)
		memcpy(&replay.snapshot[i],
		       replay.payload + sizeof(head) + i * size,
		       size < sizeof(*replay.snapshot)
			       ? size
			       : sizeof(*replay.snapshot));
}

static void play_names(void)
{
	struct record_names names;

	memcpy(&names, replay.payload, sizeof(names));
	names.comm[sizeof(names.comm) - 1] = '\0';
	names.vm[sizeof(names.vm) - 1] = '\0';
	names.cgroup[sizeof(names.cgroup) - 1] = '\0';
	kept_add(&replay.names, names.pid, &names, sizeof(names));
}

static void play_chunk(struct run *run)
{
	struct record_symbol symbol;
	struct record_stack stack;

	switch (replay.chunk.type) {
	case RECORD_EVENT:
		play_event(run);
		*replay.reason = '\0';
		break;
	case RECORD_SNAPSHOT:
		play_snapshot();
		replay.generation++;
		break;
	case RECORD_NAMES:
		play_names();
		break;
	case RECORD_LOST:
		replay.lost += u64_at(offsetof(struct record_lost, lost));
		break;
	case RECORD_STACK:
		memcpy(&stack, replay.payload, sizeof(stack));
		kept_add(&replay.stacks, stack.id, &stack, sizeof(stack));
		break;
	case RECORD_SYMBOL:
		memcpy(&symbol, replay.payload, sizeof(symbol));
		symbol.name[sizeof(symbol.name) - 1] = '\0';
		kept_add(&replay.symbols, symbol.address, &symbol,
			 sizeof(symbol));
		break;
	case RECORD_LIMIT:
		replay.entry_limit = u64_at(0);
		break;
	case RECORD_SOURCE:
		memcpy(replay.source, replay.payload,
		       sizeof(replay.source) - 1);
		break;
	case RECORD_REASON:
		memcpy(replay.reason, replay.payload,
		       sizeof(replay.reason) - 1);
		break;
	case RECORD_END:
		replay.ended = true;
		break;
	}
}

/* The group of a device by what was recorded of it, -1: it does not occur. */
static int group_of_chunk(const char *device)
{
	struct record r = {};
	size_t size = replay.chunk.size;

	if (replay.chunk.type == RECORD_SNAPSHOT) {
		play_snapshot();
		for (size_t i = 0; i < replay.snapshot_count; i++)
			if (!strncmp(replay.snapshot[i].device, device,
				     VFIOSCOPE_NAME_LEN))
				return replay.snapshot[i].group;
	}
	if (replay.chunk.type != RECORD_EVENT)
		return -1;
	memcpy(&r, replay.payload, size < sizeof(r) ? size : sizeof(r));
	if ((r.event == REC_device_open || r.event == REC_device_close) &&
	    !strncmp(r.name, device, VFIOSCOPE_NAME_LEN))
		return r.device.group;
	return -1;
}

static int find_device(struct run *run)
{
	int group = -1;

	while (group < 0 && !read_chunk())
		group = group_of_chunk(run->filter.device);
	replay.snapshot_count = 0;
	fseek(replay.file, replay.header.size, SEEK_SET);
	run->filter.device_group = group;
	if (group >= 0)
		return 0;
	tool_error("%s: there is no such device in the recording",
		   run->filter.device);
	return -1;
}

static int not_a_recording(const char *why)
{
	tool_error("%s is not a recording of vfiosnoop -w: %s", replay.path,
		   why);
	fclose(replay.file);
	replay.file = NULL;
	return -1;
}

int replay_open(struct run *run, const char *path)
{
	struct record_header *h = &replay.header;

	replay.path = path;
	replay.entry_limit = -1;
	replay.file = fopen(path, "re");
	if (!replay.file) {
		tool_error("cannot read %s: %s", path, strerror(errno));
		return -1;
	}
	if (fread(h, sizeof(*h), 1, replay.file) != 1)
		return not_a_recording("it is too short");
	if (memcmp(h->magic, RECORD_MAGIC, sizeof(h->magic)))
		return not_a_recording("it does not begin like one");
	if (h->version != RECORD_VERSION || h->size < sizeof(*h))
		return not_a_recording("its version is not known here");
	if (fseek(replay.file, h->size, SEEK_SET))
		return not_a_recording("it is too short");
	h->source[sizeof(h->source) - 1] = '\0';
	memcpy(replay.source, h->source, sizeof(replay.source));
	replay.last_ns = h->mono_ns;
	run->epoch_ns = h->real_ns - h->mono_ns;
	run->now_ns = h->mono_ns;
	return run->filter.device ? find_device(run) : 0;
}

int replay_play(struct run *run, uint64_t *until_ns)
{
	const char *cut = NULL;
	uint64_t ts_ns;

	if (!replay.pending && !replay.ended) {
		cut = read_chunk();
		replay.pending = !cut;
		replay.ended = cut;
	}
	if (cut)
		tool_error("%s %s; what is there was played", replay.path, cut);
	if (replay.ended) {
		*until_ns = replay.last_ns;
		return -1;
	}
	ts_ns = pending_ns();
	if (ts_ns > replay.last_ns + GAP_MAX) {
		tool_error("%s is damaged; what is there was played",
			   replay.path);
		replay.ended = true;
		*until_ns = replay.last_ns;
		return -1;
	}
	if (ts_ns > *until_ns)
		return 0;
	replay.pending = false;
	if (ts_ns > replay.last_ns)
		replay.last_ns = ts_ns;
	play_chunk(run);
	return 1;
}

const char *replay_source(void)
{
	return replay.source;
}

unsigned int replay_generation(void)
{
	return replay.generation;
}

uint64_t replay_lost(void)
{
	return replay.lost;
}

const char *replay_reason(void)
{
	return replay.reason;
}

int64_t replay_entry_limit(void)
{
	return replay.entry_limit;
}

bool replay_symbol(uint64_t address, char *name, size_t size)
{
	const struct record_symbol *s = kept_find(&replay.symbols, address);

	if (s)
		snprintf(name, size, "%s", s->name);
	return s;
}

bool replay_stack(int32_t id, void *frames, size_t size)
{
	const struct record_stack *s = kept_find(&replay.stacks, id);

	memset(frames, 0, size);
	if (s)
		memcpy(frames, s->frames,
		       size < sizeof(s->frames) ? size : sizeof(s->frames));
	return s;
}

const struct record_names *replay_names(pid_t pid)
{
	return kept_find(&replay.names, pid);
}

int replay_snapshot(struct snapshot *s)
{
	struct snap_record *records;

	records = realloc(s->records,
			  (replay.snapshot_count + 1) * sizeof(*records));
	if (!records)
		return -ENOMEM;
	s->records = records;
	s->room = replay.snapshot_count + 1;
	s->count = replay.snapshot_count;
	if (s->count)
		memcpy(records, replay.snapshot, s->count * sizeof(*records));
	for (size_t i = 0; i < s->count; i++) {
		records[i].comm[VFIOSCOPE_COMM_LEN - 1] = '\0';
		records[i].device[VFIOSCOPE_NAME_LEN - 1] = '\0';
	}
	return 0;
}

const struct record *replay_record(void)
{
	return &replay.record;
}

void *replay_reserve(size_t size)
{
	replay.ring_size = size;
	return size <= sizeof(replay.ring) ? replay.ring : NULL;
}

void replay_submit(void *data, bool keep)
{
	const struct tool *tool = replay.run->tool;

	if (keep && tool->event)
		tool->event(replay.run, data, replay.ring_size);
}
