// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiosnoop: a line an event.
 *
 * The BPF side drops what was not asked for. What it sends hidden goes into the
 * books that explain errors (lib/explain.h) and is not printed. Which container
 * a group is in, for -g and -d, is told by a snapshot and the events since.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/containers.h"
#include "lib/explain.h"
#include "lib/members.h"
#include "lib/names.h"
#include "lib/out.h"
#include "lib/replay.h"
#include "lib/source.h"
#include "lib/symbols.h"
#include "lib/tool.h"
#include "../bpf/vfiosnoop.h"
#include "vfiosnoop_reason.h"
#include "vfiosnoop_record.h"
#include "vfiosnoop_show.h"
#include "vfiosnoop.skel.h"

#define GROUPS	   128 /* of a container */
#define LOOKED_FOR 64  /* containers that no snapshot knew */
#define ALL_EVENTS ((1ULL << REC_EVENTS) - 1)
#define PARAMETER_LIMIT \
	"/sys/module/vfio_iommu_type1/parameters/dma_entry_limit"

enum { OPTION_DURATION = 0x200, OPTION_STACK, OPTION_BUFFER };

struct snoop {
	/* Arguments. */
	uint64_t events; /* bits of enum record_event; 0: all */
	uint64_t min_ns;
	double duration;
	bool failed;
	bool stack;
	const char *write; /* the recording to make */

	/* Shared with the BPF side. */
	struct snoop_config *config;
	uint64_t *lost;
	uint64_t lost_shown;

	struct snoop_recording recording;
	struct explain explain;
	struct members members;
	uint32_t looked_for[LOOKED_FOR]; /* in a snapshot, by low bits */
	struct snapshot snapshot;
	/* Containers in the order they were met, where ids are addresses. */
	unsigned int generation;
};

static const struct argp_option options[] = {
	{"event", 'e', "EVENT", 0,
	 "Only this event, or those that begin so; may be repeated", 0},
	{"failed", 'x', NULL, 0, "Only what failed", 0},
	{"min", 'm', "MS", 0, "Only what took so many milliseconds or more", 0},
	{"duration", OPTION_DURATION, "SECONDS", 0, "End after so long", 0},
	{"stack", OPTION_STACK, NULL, 0, "Show the kernel's stack", 0},
	{"write", 'w', "FILE", 0,
	 "Record all events, also those that are not shown", 0},
	{"buffer", OPTION_BUFFER, "KIB", 0,
	 "Size of the buffer between kernel and tool (default 1024)", 0},
	{},
};

/* The event of this name, or else all that begin with it. */
static uint64_t find_events(const char *name)
{
	static const char prefix[] = "vfio_";
	uint64_t found = 0;

	if (!strncmp(name, prefix, sizeof(prefix) - 1))
		name += sizeof(prefix) - 1;
	for (uint32_t i = 0; i < REC_EVENTS; i++) {
		if (!strcmp(explain_event_name(i), name))
			return 1ULL << i;
		if (!strncmp(explain_event_name(i), name, strlen(name)))
			found |= 1ULL << i;
	}
	return found;
}

static bool parse_number(const char *arg, double min, double max, double *v)
{
	char *end;

	*v = strtod(arg, &end);
	return *arg && !*end && *v >= min && *v <= max;
}

/* The kernel wants a power of two. */
static size_t buffer_bytes(double kib)
{
	size_t size = sysconf(_SC_PAGESIZE);

	while (size < kib * 1024)
		size *= 2;
	return size;
}

static error_t option(int key, char *arg, struct run *run)
{
	struct snoop *s = run->state;
	uint64_t events;
	double v;

	switch (key) {
	case 'e':
		events = find_events(arg);
		s->events |= events;
		return events ? 0 : EINVAL;
	case 'x':
		s->failed = true;
		return 0;
	case 'm':
		if (!parse_number(arg, 0, 1e9, &v))
			return EINVAL;
		s->min_ns = v * 1e6;
		return 0;
	case OPTION_DURATION:
		return parse_number(arg, 0.01, 1e9, &s->duration) ? 0 : EINVAL;
	case OPTION_STACK:
		s->stack = true;
		return 0;
	case 'w':
		s->write = arg;
		return 0;
	case OPTION_BUFFER:
		if (!parse_number(arg, 1, 1 << 20, &v))
			return EINVAL;
		run->buffer = buffer_bytes(v);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const void *elf(size_t *size)
{
	return vfiosnoop_bpf__elf_bytes(size);
}

static int64_t entry_limit(void *context)
{
	struct snoop *s = context;
	long long v = -1;
	FILE *f;

	if (replay_active())
		return replay_entry_limit();
	f = fopen(PARAMETER_LIMIT, "re");
	if (f && fscanf(f, "%lld", &v) != 1)
		v = -1;
	if (f)
		fclose(f);
	snoop_record_limit(&s->recording, v);
	return v;
}

/* Of what is shown or recorded only: a look costs more than an event. */
static bool cause(void *context, const struct record *r, int error, char *buf,
		  size_t size)
{
	struct snoop *s = context;
	int groups[GROUPS + 1], group = snoop_group(r);
	size_t count;

	if (replay_active()) {
		snprintf(buf, size, "%s", replay_reason());
		names_clean(buf);
		return *buf;
	}
	if (r->hidden && !s->recording.to)
		return false;
	count = members_of(&s->members, snoop_container(r), groups, GROUPS);
	if (group >= 0)
		groups[count++] = group;
	if (!snoop_reason_find(r, error, groups, count, buf, size))
		return false;
	snoop_record_reason(&s->recording, buf);
	return true;
}

static bool by_group(const struct run *run)
{
	return run->filter.group >= 0 || run->filter.device_group >= 0;
}

/* What is needed for the books, though nobody asked to see it. */
static uint64_t kept_events(const struct run *run)
{
	const struct snoop *s = run->state;
	uint64_t kept = 0;

	if (s->write)
		return ALL_EVENTS;
	if (s->config->shown & 1ULL << REC_dma_map)
		kept |= 1ULL << REC_container_open |
			1ULL << REC_container_release |
			1ULL << REC_container_set_iommu | 1ULL << REC_dma_map |
			1ULL << REC_dma_unmap;
	if (by_group(run) ||
	    s->config->shown &
		    (1ULL << REC_dma_map | 1ULL << REC_container_set_iommu))
		kept |= 1ULL << REC_container_attach |
			1ULL << REC_container_release;
	return kept;
}

static int begin(struct run *run)
{
	struct snoop *s = run->state;

	run->batch = true;
	s->config = source_map_memory(run->source, "settings",
				      sizeof(*s->config), 1);
	s->lost = source_map_memory(run->source, "lost", sizeof(*s->lost),
				    LOST_REASONS);
	if (!s->config || !s->lost)
		return -1;
	if (s->write && run->replay) {
		tool_error("-w records what happens: leave out --replay");
		return -1;
	}
	if (s->write && snoop_recording_open(&s->recording, run, s->write) < 0)
		return -1;
	s->explain.entry_limit = entry_limit;
	s->explain.cause = cause;
	s->explain.context = s;
	s->config->shown = s->events ?: ALL_EVENTS;
	s->config->kept = kept_events(run);
	s->config->min_ns = s->min_ns;
	s->config->tgid = run->filter.pid;
	s->config->failed = s->failed;
	s->config->stack = s->stack;
	s->config->mixed = s->config->kept & ~s->config->shown ||
			   (s->config->kept &&
			    (s->failed || s->min_ns || run->filter.pid));
	s->config->wake_bytes = source_buffer(run->source) / 2;
	if (s->duration) {
		/* In ticks of about a second. */
		run->count = s->duration > 1 ? s->duration : 1;
		run->interval = s->duration / run->count;
	}
	if (!run->json)
		snoop_header(run);
	return out_flush(run) ? 0 : -1;
}

static uint64_t lost_events(const struct snoop *s)
{
	return __atomic_load_n(&s->lost[LOST_EVENTS], __ATOMIC_RELAXED);
}

static void say_lost(const struct snoop *s)
{
	if (lost_events(s))
		tool_error("%llu events were lost: the buffer was full "
			   "(--buffer makes it larger)",
			   (unsigned long long)lost_events(s));
	if (s->lost[LOST_STACKS] && !replay_active())
		tool_error("%llu stacks are missing: there was no place",
			   (unsigned long long)s->lost[LOST_STACKS]);
}

static void end(struct run *run)
{
	struct snoop *s = run->state;
	size_t page = sysconf(_SC_PAGESIZE);

	if (s->lost)
		say_lost(s);
	if (s->recording.to && !snoop_recording_close(&s->recording))
		run->exit_code = TOOL_CANNOT;
	explain_free(&s->explain);
	snapshot_close(&s->snapshot);
	symbols_forget();
	if (s->config)
		munmap(s->config, page);
	if (s->lost)
		munmap(s->lost, page);
}

static void show_lost(struct run *run, uint64_t count)
{
	struct json_object *o;

	if (!run->json) {
		out_line(run, SCREEN_ALERT,
			 "lost %llu events: the buffer was full (--buffer)",
			 (unsigned long long)count);
		return;
	}
	o = json_object_new_object();
	json_object_object_add(o, "event", json_object_new_string("lost"));
	json_object_object_add(o, "lost", json_object_new_int64(count));
	out_object(o);
}

static void check_lost(struct run *run, uint64_t ts_ns)
{
	struct snoop *s = run->state;
	uint64_t lost =
		__atomic_load_n(&s->lost[LOST_EVENTS], __ATOMIC_RELAXED);

	if (lost == s->lost_shown)
		return;
	show_lost(run, lost - s->lost_shown);
	if (s->recording.to)
		snoop_record_lost(&s->recording, lost - s->lost_shown, ts_ns);
	s->lost_shown = lost;
}

/* A container that was there before, once. */
static void look(struct snoop *s, uint32_t container)
{
	uint32_t *looked_for = &s->looked_for[container % LOOKED_FOR];
	int group;

	if (!container || container == *looked_for ||
	    members_of(&s->members, container, &group, 1))
		return;
	*looked_for = container;
	snoop_record_waiting(&s->recording);
	if (snapshot_take(&s->snapshot) < 0)
		return;
	snoop_record_snapshot(&s->recording, &s->snapshot);
	members_take(&s->members, &s->snapshot);
}

/* Whether -g and -d let it through. */
static bool group_wanted(const struct run *run, const struct record *r)
{
	struct filter filter = run->filter;
	struct snoop *s = run->state;
	uint32_t container = snoop_container(r);
	int groups[GROUPS + 1], group = snoop_group(r);
	size_t count;

	if (!by_group(run))
		return true;
	if (group < 0)
		look(s, container);
	count = members_of(&s->members, container, groups, GROUPS);
	if (group >= 0)
		groups[count++] = group;
	/* The rest is not about groups. */
	filter.pid = 0;
	filter.cgroup = NULL;
	return filter_match(&filter, r->tgid, groups, count);
}

static bool wanted(const struct run *run, const struct record *r)
{
	if (r->hidden || !group_wanted(run, r))
		return false;
	return !run->filter.cgroup ||
	       names_in_cgroup(r->tgid, run->filter.cgroup);
}

static void name_address(struct snoop *s, uint64_t address, char *name,
			 size_t size)
{
	symbols_name(address, name, size);
	snoop_record_symbol(&s->recording, address, name);
}

/* Frames of BPF itself lie above those that are of interest. */
static size_t name_stack(struct run *run, const struct record *r,
			 char names[][64])
{
	uint64_t frames[RECORD_STACK_DEPTH] = {};
	struct snoop *s = run->state;
	uint32_t id = r->stack;
	size_t count = 0;

	if (r->stack < 0 || !source_map_get(run->source, "stacks", &id, frames))
		return 0;
	snoop_record_stack(&s->recording, r->stack, frames);
	for (int i = 0; i < RECORD_STACK_DEPTH && frames[i]; i++) {
		name_address(s, frames[i], names[count], sizeof(names[0]));
		if (count || strncmp(names[0], "bpf_", 4))
			count++;
	}
	return count;
}

static void show(struct run *run, const struct shown *shown)
{
	if (run->json)
		snoop_json(run, shown);
	else
		snoop_text(run, shown);
}

static int event(struct run *run, const void *data, size_t size)
{
	char explanation[192], stack[RECORD_STACK_DEPTH][64];
	struct snoop *s = run->state;
	struct record r = {};
	struct shown shown = {
		.record = &r, .explanation = explanation, .stack = stack};

	memcpy(&r, data, size < sizeof(r) ? size : sizeof(r));
	if (size < RECORD_HEAD || r.event >= REC_EVENTS)
		return 0;
	check_lost(run, r.ts_ns);
	if (!s->recording.begun)
		snoop_record_holders(&s->recording, run, &s->snapshot);
	if (r.event == REC_container_attach && !r.attach.ret)
		members_add(&s->members, r.attach.container, r.attach.group);
	explain_event(&s->explain, &r, explanation, sizeof(explanation));
	shown.frames = name_stack(run, &r, stack);
	if (r.event == REC_external_user_get ||
	    r.event == REC_external_user_put)
		name_address(s, r.external.caller, shown.caller,
			     sizeof(shown.caller));
	if (wanted(run, &r)) {
		shown.number = containers_number(snoop_container(&r));
		show(run, &shown);
	}
	snoop_record_event(&s->recording, &r);
	if (r.event == REC_container_release)
		members_forget(&s->members, r.container.container);
	return 0;
}

static int tick(struct run *run)
{
	struct snoop *s = run->state;

	snoop_record_waiting(&s->recording);
	/* A module that came anew has its functions elsewhere. */
	if (s->generation != source_generation(run->source)) {
		s->generation = source_generation(run->source);
		symbols_forget();
		snapshot_close(&s->snapshot);
	}
	check_lost(run, run->now_ns);
	snoop_record_holders(&s->recording, run, &s->snapshot);
	return recorder_flush(s->recording.to) ? 0 : -1;
}

static const struct tool vfiosnoop = {
	.name = "vfiosnoop",
	.summary = "Prints VFIO events as they happen, a line each, and says "
		   "in words why one failed.",
	.examples =
		"Examples:\n"
		"  vfiosnoop                     everything\n"
		"  vfiosnoop -x                  what fails, and why\n"
		"  vfiosnoop -e dma_map -m 100   maps of 100 ms and more\n"
		"  vfiosnoop -e dma -e group     events that begin so\n"
		"  vfiosnoop -d 0000:00:12.0 -j  one device's, as JSON\n"
		"  vfiosnoop -w vm.rec           record, to look at later:\n"
		"  vfiosnoop --replay vm.rec -x",
	.options = options,
	.option = option,
	.elf = elf,
	.state_size = sizeof(struct snoop),
	.begin = begin,
	.tick = tick,
	.event = event,
	.end = end,
};

int main(int argc, char **argv)
{
	return tool_main(&vfiosnoop, argc, argv);
}
