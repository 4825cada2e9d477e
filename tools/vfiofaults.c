// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiofaults: IOMMU faults, and whose they are.
 *
 * The kernel's log says which device reached for which address. That is joined
 * with who has the device (a snapshot), with what is mapped now (the backend's
 * books), and with what was unmapped since the tool began (events): so it can
 * say whether the address was ever the device's, and who took it away. Faults
 * of one device and one kind are folded into a line an interval.
 */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/containers.h"
#include "lib/filter.h"
#include "lib/kmsg.h"
#include "lib/names.h"
#include "lib/out.h"
#include "lib/source.h"
#include "lib/tool.h"
#include "vfiofaults.h"
#include "vfiofaults.skel.h"

#define MAX_FOLDS   256
#define MAX_UNMAPS  16384
#define IOMMU_READ  1
#define IOMMU_WRITE 2

enum verdict {
	NOBODY, /* has the device's group in a container */
	READ_ONLY,
	MAPPED, /* by now */
	UNMAPPED,
	NOT_MAPPED,
};

/* Negative: not known. */
struct fold {
	int64_t ts_ns; /* of the first, since 1970 */
	char device[32];
	int64_t group;
	int64_t container;
	int64_t pid;
	char comm[VFIOSCOPE_COMM_LEN];
	char vm[64];
	bool write;
	uint64_t first, last; /* addresses */
	int64_t count;
	char reason[64];
	enum verdict verdict;
	struct snap_survey mapping;
	int64_t unmapped_ns; /* before the fault */
	struct fault_unmap unmap;
};

struct faults {
	bool all;
	int log;
	int64_t clock_ns; /* between the two clocks */
	uint64_t overwritten;
	struct snapshot snapshot;
	struct containers containers;
	size_t count;
	struct fold folds[MAX_FOLDS];
	uint64_t unfolded; /* faults for which there was no line */
	uint64_t suppressed;
	struct fault_unmap unmaps[MAX_UNMAPS];
	size_t unmap_count; /* ever; the place is modulo */
	uint64_t lost_before;
};

static const char *op_name(const struct fold *f)
{
	return f->write ? "write" : "read";
}

static struct json_object *json_op(const void *row)
{
	return json_object_new_string(op_name(row));
}

static struct json_object *json_first(const void *row)
{
	return json_object_new_uint64(((const struct fold *)row)->first);
}

static struct json_object *json_last(const void *row)
{
	return json_object_new_uint64(((const struct fold *)row)->last);
}

static struct json_object *json_verdict(const void *row)
{
	static const char *const names[] = {
		[NOBODY] = "nobody",	     [READ_ONLY] = "read_only",
		[MAPPED] = "mapped",	     [UNMAPPED] = "unmapped",
		[NOT_MAPPED] = "not_mapped",
	};
	const struct fold *f = row;

	return json_object_new_string(names[f->verdict]);
}

static struct json_object *json_by(const void *row)
{
	const struct fold *f = row;
	struct json_object *by;

	if (f->verdict != UNMAPPED)
		return NULL;
	by = json_object_new_object();
	json_object_object_add(by, "pid", json_object_new_int(f->unmap.tgid));
	json_object_object_add(by, "comm",
			       json_object_new_string(f->unmap.comm));
	json_object_object_add(by, "ago_ns",
			       json_object_new_int64(f->unmapped_ns));
	return by;
}

#define JSON_INT(key, member) \
	COLUMN(key, NULL, 0, 0, COLUMN_INT, struct fold, member)
#define JSON_TEXT(key, member) \
	COLUMN(key, NULL, 0, 0, COLUMN_TEXT, struct fold, member)
#define JSON_OWN(key, function)                                 \
	COLUMN(key, NULL, 0, 0, COLUMN_OWN, struct fold, ts_ns, \
	       .json = function)

static const struct column columns[] = {
	JSON_INT("ts_ns", ts_ns),
	JSON_TEXT("device", device),
	JSON_INT("group", group),
	JSON_INT("container", container),
	JSON_INT("pid", pid),
	JSON_TEXT("comm", comm),
	JSON_TEXT("vm", vm),
	JSON_OWN("op", json_op),
	JSON_OWN("iova", json_first),
	JSON_OWN("last_iova", json_last),
	JSON_INT("count", count),
	JSON_TEXT("reason", reason),
	JSON_OWN("verdict", json_verdict),
	JSON_OWN("unmapped_by", json_by),
};

static const struct table table = {columns,
				   sizeof(columns) / sizeof(columns[0])};

static int event(struct run *run, const void *data, size_t size)
{
	struct faults *s = run->state;

	if (size < sizeof(s->unmaps[0]))
		return 0;
	memcpy(&s->unmaps[s->unmap_count++ % MAX_UNMAPS], data,
	       sizeof(s->unmaps[0]));
	return 0;
}

/* The last unmap of this address before the fault. */
static const struct fault_unmap *find_unmap(const struct faults *s,
					    uint32_t container,
					    uint64_t address, uint64_t ts_ns)
{
	size_t oldest =
		s->unmap_count > MAX_UNMAPS ? s->unmap_count - MAX_UNMAPS : 0;

	for (size_t i = s->unmap_count; i-- > oldest;) {
		const struct fault_unmap *u = &s->unmaps[i % MAX_UNMAPS];

		/* The log's clock is some way behind. */
		if (u->container == container && address - u->iova < u->size &&
		    u->ts_ns < ts_ns + 10000000)
			return u;
	}
	return NULL;
}

static struct container *container_of_group(struct faults *s, int64_t group)
{
	for (size_t i = 0; i < s->containers.count; i++) {
		struct container *c = &s->containers.list[i];

		for (size_t g = 0; g < c->group_count; g++)
			if (c->groups[g] == group)
				return c;
	}
	return NULL;
}

static void judge(struct faults *s, struct fold *f, const struct container *c,
		  const struct kmsg_fault *fault)
{
	const struct fault_unmap *unmap;

	f->mapping = (struct snap_survey){
		.container_ptr = c->ptr,
		.container = c->id,
		.find = 1,
		.iova = fault->address,
	};
	f->verdict = NOT_MAPPED;
	if (!snapshot_survey(&s->snapshot, &f->mapping) &&
	    f->mapping.has_done && f->mapping.done) {
		f->verdict = fault->write && !(f->mapping.prot & IOMMU_WRITE)
				     ? READ_ONLY
				     : MAPPED;
		return;
	}
	unmap = find_unmap(s, c->id, fault->address, fault->ts_ns);
	if (!unmap)
		return;
	f->verdict = UNMAPPED;
	f->unmap = *unmap;
	f->unmap.comm[sizeof(f->unmap.comm) - 1] = '\0';
	names_clean(f->unmap.comm);
	f->unmapped_ns =
		fault->ts_ns > unmap->ts_ns ? fault->ts_ns - unmap->ts_ns : 0;
}

static bool same(const struct fold *a, const struct fold *b)
{
	return !strcmp(a->device, b->device) && a->write == b->write &&
	       a->verdict == b->verdict && a->container == b->container;
}

static void add(struct faults *s, const struct kmsg_fault *fault)
{
	struct fold f = {.group = filter_group_of(fault->device),
			 .container = -1,
			 .pid = -1,
			 .write = fault->write,
			 .first = fault->address,
			 .last = fault->address,
			 .count = 1};
	struct container *c = container_of_group(s, f.group);

	f.ts_ns = fault->ts_ns + s->clock_ns;
	memcpy(f.device, fault->device, sizeof(f.device));
	memcpy(f.reason, fault->reason, sizeof(f.reason));
	if (c) {
		f.container = c->id;
		f.pid = c->pid ?: -1;
		memcpy(f.comm, c->comm, sizeof(f.comm));
		memcpy(f.vm, c->vm, sizeof(f.vm));
		judge(s, &f, c, fault);
	}
	for (size_t i = 0; i < s->count; i++) {
		struct fold *have = &s->folds[i];

		if (!same(have, &f))
			continue;
		have->count++;
		if (f.first < have->first)
			have->first = f.first;
		if (f.last > have->last)
			have->last = f.last;
		return;
	}
	if (s->count < MAX_FOLDS)
		s->folds[s->count++] = f;
	else
		s->unfolded++;
}

static bool wanted(const struct run *run, const struct kmsg_fault *fault,
		   struct faults *s)
{
	int group = filter_group_of(fault->device);
	struct container *c = container_of_group(s, group);

	return filter_match(&run->filter, c ? c->pid : 0, &group, 1);
}

static void collect(struct run *run)
{
	struct faults *s = run->state;
	struct kmsg_fault fault;
	bool looked = false;

	s->count = 0;
	s->unfolded = 0;
	s->suppressed = 0;
	while (kmsg_next(s->log, &fault, &s->overwritten)) {
		if (fault.suppressed) {
			s->suppressed += fault.suppressed;
			continue;
		}
		/* Who has the device is only asked when there is a fault. */
		if (!looked && source_ready(run->source) &&
		    !snapshot_take(&s->snapshot))
			containers_build(&s->containers, &s->snapshot);
		looked = true;
		if (wanted(run, &fault, s))
			add(s, &fault);
	}
}

static void show_verdict(struct run *run, const struct fold *f)
{
	const struct snap_survey *m = &f->mapping;
	unsigned long long end = m->start + m->done - 1;

	switch (f->verdict) {
	case NOBODY:
		out_line(run, SCREEN_PLAIN,
			 "    no container has its group now: a driver of the "
			 "host, or one that has gone");
		break;
	case READ_ONLY:
		out_line(run, SCREEN_PLAIN,
			 "    mapped for reading only, at %#llx-%#llx",
			 (unsigned long long)m->start, end);
		break;
	case MAPPED:
		out_line(run, SCREEN_PLAIN,
			 "    mapped now, at %#llx-%#llx: too late for it",
			 (unsigned long long)m->start, end);
		break;
	case UNMAPPED:
		out_line(run, SCREEN_PLAIN,
			 "    unmapped %.3f s before by %s/%u: the device went "
			 "on",
			 f->unmapped_ns / 1e9, f->unmap.comm, f->unmap.tgid);
		break;
	case NOT_MAPPED:
		out_line(run, SCREEN_PLAIN,
			 "    not mapped, and not unmapped since vfiofaults "
			 "began");
		break;
	}
}

static void show_fold(struct run *run, const struct fold *f)
{
	time_t seconds = f->ts_ns / 1000000000;
	char clock[16], who[128] = "";

	strftime(clock, sizeof(clock), "%H:%M:%S", localtime(&seconds));
	if (f->pid > 0)
		snprintf(who, sizeof(who), "  %s/%lld%s%s", f->comm,
			 (long long)f->pid, *f->vm ? " " : "", f->vm);
	out_line(run, SCREEN_ALERT, "%s %s group %lld%s", clock, f->device,
		 (long long)f->group, who);
	if (f->count == 1)
		out_line(run, SCREEN_PLAIN, "    1 %s at %#llx  %s", op_name(f),
			 (unsigned long long)f->first, f->reason);
	else
		out_line(run, SCREEN_PLAIN, "    %lld %ss at %#llx-%#llx  %s",
			 (long long)f->count, op_name(f),
			 (unsigned long long)f->first,
			 (unsigned long long)f->last, f->reason);
	show_verdict(run, f);
}

static void show_missing(struct run *run, const char *what, uint64_t count)
{
	struct json_object *line;

	if (!count)
		return;
	if (!run->json) {
		out_line(run, SCREEN_ALERT, "%llu %s",
			 (unsigned long long)count, what);
		return;
	}
	line = json_object_new_object();
	json_object_object_add(line, what, json_object_new_uint64(count));
	out_line(run, SCREEN_PLAIN, "%s",
		 json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN));
	json_object_put(line);
}

static uint64_t lost_unmaps(struct run *run)
{
	struct faults *s = run->state;
	uint64_t lost = 0, since;
	uint32_t zero = 0;

	source_map_get(run->source, "lost", &zero, &lost);
	since = lost - s->lost_before;
	s->lost_before = lost;
	return since;
}

static int tick(struct run *run)
{
	struct faults *s = run->state;

	collect(run);
	for (size_t i = 0; i < s->count; i++) {
		if (run->json)
			out_json(run, &table, &s->folds[i]);
		else
			show_fold(run, &s->folds[i]);
		run->exit_code = TOOL_FOUND;
	}
	show_missing(run,
		     run->json ? "suppressed"
			       : "more, that the kernel did not log",
		     s->suppressed);
	show_missing(run, run->json ? "unfolded" : "more, of other kinds",
		     s->unfolded);
	show_missing(run,
		     run->json ? "overwritten"
			       : "times the log was overwritten",
		     s->overwritten);
	show_missing(run, run->json ? "lost" : "unmaps were not followed",
		     lost_unmaps(run));
	s->overwritten = 0;
	return 0;
}

static const struct argp_option options[] = {
	{"all", 'a', NULL, 0, "Begin with what the log has from before", 0},
	{},
};

static error_t option(int key, char *arg, struct run *run)
{
	struct faults *s = run->state;

	(void)arg;
	if (key != 'a')
		return ARGP_ERR_UNKNOWN;
	s->all = true;
	return 0;
}

static const void *elf(size_t *size)
{
	return vfiofaults_bpf__elf_bytes(size);
}

static int begin(struct run *run)
{
	struct faults *s = run->state;

	run->batch = true;
	s->clock_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
	s->log = kmsg_open(s->all);
	if (s->log < 0) {
		tool_error("cannot read the kernel's log (/dev/kmsg): %s",
			   strerror(-s->log));
		return -1;
	}
	return 0;
}

static void end(struct run *run)
{
	struct faults *s = run->state;

	snapshot_close(&s->snapshot);
	containers_free(&s->containers);
	if (s->log >= 0)
		close(s->log);
}

static const struct tool vfiofaults = {
	.name = "vfiofaults",
	.summary = "Shows IOMMU faults as they are logged: whose device it is, "
		   "whether the address is mapped, and who unmapped it when.",
	.examples = "Exits 1 if there was a fault, 0 if not.\n\nExamples:\n"
		    "  vfiofaults              until interrupted\n"
		    "  vfiofaults -a 1 1       what the log has\n"
		    "  vfiofaults -d 0000:00:12.0 -j",
	.options = options,
	.option = option,
	.elf = elf,
	.state_size = sizeof(struct faults),
	.begin = begin,
	.tick = tick,
	.event = event,
	.end = end,
};

int main(int argc, char **argv)
{
	return tool_main(&vfiofaults, argc, argv);
}
