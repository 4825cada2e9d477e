// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfio-exporter's metrics.
 *
 * What is counted is counted for the host: a VM maps most of its memory in the
 * first second of its container, before anybody has asked for that container's
 * figures, and a counter that goes with it tells nothing. What is at the moment
 * has labels: the container and its VM, the group, the device.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "lib/explain.h"
#include "lib/holders_text.h"
#include "lib/metrics.h"
#include "lib/source.h"
#include "lib/tool.h"
#include "vfio-exporter_metrics.h"

enum family {
	MAP_DURATION,
	UNMAP_DURATION,
	MAPPED_BYTES,
	MAP_FAILURES,
	/* A sample a container. */
	PINNED,
	LOCKED,
	LOCKED_LIMIT,
	MAPPINGS,
	MAPPINGS_LIMIT,
	INFLIGHT,
	/* A sample a group, or several. */
	USERS,
	UNACCOUNTED,
	HOLDERS,
	VIABLE,
	EXTERNAL,
	UNBIND,
	/* A sample a device. */
	DEVICE_OPENS,
	FAULTS,
	FAULTS_UNLOGGED,
	LOST,
	BUILD,
	SOURCE,
	ATTACHED,
	SUCCESS,
	FAMILIES,
};

static const struct metric families[FAMILIES] = {
	[MAP_DURATION] = {"vfio_dma_map_duration_seconds", METRIC_HISTOGRAM,
			  "seconds", "How long maps took that worked."},
	[UNMAP_DURATION] = {"vfio_dma_unmap_duration_seconds", METRIC_HISTOGRAM,
			    "seconds", "How long unmaps took that worked."},
	[MAPPED_BYTES] = {"vfio_dma_mapped_bytes", METRIC_COUNTER, "bytes",
			  "Bytes mapped by maps that worked."},
	[MAP_FAILURES] = {"vfio_dma_map_failures", METRIC_COUNTER, NULL,
			  "Maps that failed, by why."},
	[PINNED] = {"vfio_pinned_bytes", METRIC_GAUGE, "bytes",
		    "Memory pinned for a container."},
	[LOCKED] = {"vfio_locked_vm_bytes", METRIC_GAUGE, "bytes",
		    "VmLck of a container's process, to which pinned memory "
		    "is charged."},
	[LOCKED_LIMIT] = {"vfio_locked_vm_limit_bytes", METRIC_GAUGE, "bytes",
			  "RLIMIT_MEMLOCK of a container's process, where it "
			  "applies."},
	[MAPPINGS] = {"vfio_mappings", METRIC_GAUGE, NULL,
		      "Mappings of a container."},
	[MAPPINGS_LIMIT] = {"vfio_mappings_limit", METRIC_GAUGE, NULL,
			    "Mappings that a container may have "
			    "(dma_entry_limit)."},
	[INFLIGHT] = {"vfio_inflight_map_seconds", METRIC_GAUGE, "seconds",
		      "How long the oldest map in flight has taken so far, 0 "
		      "without one."},
	[USERS] = {"vfio_container_users", METRIC_GAUGE, NULL,
		   "Users of a group's attachment to its container."},
	[UNACCOUNTED] = {"vfio_unaccounted_users", METRIC_GAUGE, NULL,
			 "Users of a group for which no holder was found."},
	[HOLDERS] = {"vfio_holders", METRIC_GAUGE, NULL,
		     "Who keeps a group, its container and its devices alive, "
		     "by kind."},
	[VIABLE] = {"vfio_group_viable", METRIC_GAUGE, NULL,
		    "Whether no driver of the host has a device of the "
		    "group."},
	[EXTERNAL] = {"vfio_external_users", METRIC_GAUGE, NULL,
		      "Users of a group that are code in the kernel."},
	[UNBIND] = {"vfio_unbind_waiting", METRIC_GAUGE, NULL,
		    "Tasks that wait for a device of the group to be given "
		    "up."},
	[DEVICE_OPENS] = {"vfio_device_opens", METRIC_GAUGE, NULL,
			  "How often a device is open."},
	[FAULTS] = {"vfio_iommu_faults", METRIC_COUNTER, NULL,
		    "IOMMU faults that the kernel logged, of any driver's "
		    "device."},
	[FAULTS_UNLOGGED] = {"vfio_iommu_faults_unlogged", METRIC_COUNTER, NULL,
			     "IOMMU faults that came too fast to be logged."},
	[LOST] = {"vfio_events_lost", METRIC_COUNTER, NULL,
		  "Events without a place for their container, and times the "
		  "log was overwritten."},
	[BUILD] = {"vfio_exporter_build", METRIC_INFO, NULL,
		   "The exporter, and the kernel it looks into."},
	[SOURCE] = {"vfio_exporter_source", METRIC_INFO, NULL,
		    "Where events come from."},
	[ATTACHED] = {"vfio_exporter_attached", METRIC_GAUGE, NULL,
		      "Whether vfio is loaded, and its events are heard."},
	[SUCCESS] = {"vfio_exporter_collector_success", METRIC_GAUGE, NULL,
		     "Whether the last look at it worked."},
};

void export_list(void)
{
	char name[64];

	for (int i = 0; i < FAMILIES; i++)
		printf("%s\t%s\t%s\n",
		       metric_full_name(&families[i], name, sizeof(name)),
		       metric_type_name(&families[i], true), families[i].help);
}

/* The BPF side goes on counting: each once. */
static void copy(uint64_t *to, const __u64 *from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

/* Those that are usual are there from the start, so that the first one is seen
 * as an increase.
 */
static bool usual(int error)
{
	static const int errors[] = {EINVAL, EEXIST, ENOMEM, ENOSPC,
				     EFAULT, EBUSY,  EPERM};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i] == error)
			return true;
	return false;
}

static void write_failures(struct metrics *m, const struct top_totals *t)
{
	uint64_t failures[TOP_ERRNOS];
	char name[32];

	metrics_family(m, &families[MAP_FAILURES]);
	copy(failures, t->map_failures, TOP_ERRNOS);
	for (int error = 0; error < TOP_ERRNOS; error++) {
		const struct label labels[] = {{"errno", name}, {}};

		if (!failures[error] && !usual(error))
			continue;
		if (error)
			explain_errno(error, name, sizeof(name));
		else
			snprintf(name, sizeof(name), "other");
		metrics_number(m, labels, failures[error]);
	}
}

static void write_totals(struct metrics *m, const struct top_totals *t)
{
	uint64_t slots[HIST_SLOTS], sum;

	metrics_family(m, &families[MAP_DURATION]);
	copy(slots, t->map_slots, HIST_SLOTS);
	copy(&sum, &t->map_ns, 1);
	metrics_histogram(m, slots, sum);
	metrics_family(m, &families[UNMAP_DURATION]);
	copy(slots, t->unmap_slots, HIST_SLOTS);
	copy(&sum, &t->unmap_ns, 1);
	metrics_histogram(m, slots, sum);
	metrics_family(m, &families[MAPPED_BYTES]);
	copy(&sum, &t->map_bytes, 1);
	metrics_number(m, NULL, sum);
	write_failures(m, t);
}

/* Negative: not known, or there is none. */
static int64_t container_value(const struct look_container *c,
			       enum family family)
{
	switch (family) {
	case PINNED:
		return c->row->pinned_bytes;
	case LOCKED:
		return c->memlock.locked;
	case LOCKED_LIMIT:
		return c->memlock.ipc_lock ? -1 : c->memlock.limit;
	case MAPPINGS:
		return c->row->maps;
	case MAPPINGS_LIMIT:
		return c->row->dma_entry_limit;
	default:
		return c->map_ns;
	}
}

static void write_containers(struct metrics *m, const struct look *look,
			     bool pids)
{
	for (enum family family = PINNED; family <= INFLIGHT; family++) {
		metrics_family(m, &families[family]);
		for (size_t i = 0; i < look->container_count; i++) {
			const struct look_container *c = &look->containers[i];
			int64_t value = container_value(c, family);
			const struct label labels[] = {
				{"container", c->number},
				{"vm", c->row->held.vm},
				{"pid", pids ? c->pid : NULL},
				{}};

			if (value < 0)
				continue;
			if (family == INFLIGHT)
				metrics_seconds(m, labels, value);
			else
				metrics_number(m, labels, value);
		}
	}
}

static void write_holders(struct metrics *m, const struct look_group *g)
{
	for (int kind = 0; kind < HOLDER_KINDS; kind++) {
		const struct holder one = {.kind = kind};
		const struct label labels[] = {
			{"group", g->number}, {"kind", holder_kind(&one)}, {}};

		metrics_number(m, labels, g->holders[kind]);
	}
}

static void write_group(struct metrics *m, const struct look_group *g,
			enum family family)
{
	const struct label labels[] = {{"group", g->number}, {}};
	const struct label attached[] = {{"container", g->container},
					 {"group", g->number},
					 {"vm", g->vm},
					 {}};

	if (family == USERS && g->attached)
		metrics_number(m, attached, g->users);
	else if (family == UNACCOUNTED)
		metrics_number(m, labels, g->unaccounted);
	else if (family == HOLDERS)
		write_holders(m, g);
	else if (family == VIABLE && g->viable >= 0)
		metrics_number(m, labels, g->viable);
	else if (family == EXTERNAL)
		metrics_number(m, labels, g->external);
	else if (family == UNBIND)
		metrics_number(m, labels, g->holders[HOLDER_UNBIND]);
}

/* The kernel's own modules know of no external users. */
static void write_groups(struct metrics *m, const struct look *look,
			 bool external)
{
	for (enum family family = USERS; family <= UNBIND; family++) {
		if (family == EXTERNAL && !external)
			continue;
		metrics_family(m, &families[family]);
		for (size_t i = 0; i < look->group_count; i++)
			write_group(m, &look->groups[i], family);
	}
}

static void write_devices(struct metrics *m, const struct look *look)
{
	static const struct label other[] = {{"device", "other"}, {}};

	metrics_family(m, &families[DEVICE_OPENS]);
	for (size_t i = 0; i < look->device_count; i++) {
		const struct look_device *d = &look->devices[i];
		const struct label labels[] = {
			{"device", d->name}, {"group", d->group}, {}};

		if (d->opens >= 0)
			metrics_number(m, labels, d->opens);
	}
	if (look->log < 0)
		return;
	metrics_family(m, &families[FAULTS]);
	for (size_t i = 0; i < look->device_count; i++) {
		const struct look_device *d = &look->devices[i];
		const struct label labels[] = {
			{"device", d->name}, {"group", d->group}, {}};

		metrics_number(m, labels, d->faults);
	}
	if (look->other_faults)
		metrics_number(m, other, look->other_faults);
	metrics_family(m, &families[FAULTS_UNLOGGED]);
	metrics_number(m, NULL, look->suppressed);
}

static void write_success(struct metrics *m, const struct look *look,
			  bool attached)
{
	const struct {
		const char *name;
		bool tried;
		bool success;
	} collectors[] = {{"containers", attached, look->has_model},
			  {"holders", attached, look->has_holders},
			  {"faults", true, look->log >= 0}};

	metrics_family(m, &families[SUCCESS]);
	for (size_t i = 0; i < sizeof(collectors) / sizeof(*collectors); i++) {
		const struct label labels[] = {
			{"collector", collectors[i].name}, {}};

		if (collectors[i].tried)
			metrics_number(m, labels, collectors[i].success);
	}
}

static void write_exporter(struct metrics *m, const struct look *look,
			   const struct run *run)
{
	static const struct label event[] = {{"kind", "event"}, {}},
				  log[] = {{"kind", "log"}, {}};
	bool attached = source_ready(run->source);
	struct utsname name = {};
	const struct label build[] = {
		{"version", VFIOSCOPE_VERSION}, {"kernel", name.release}, {}};
	const struct label source[] = {{"source", source_kind(run->source)},
				       {}};

	uname(&name);
	metrics_family(m, &families[LOST]);
	metrics_number(m, event, look->model.lost);
	metrics_number(m, log, look->overwritten);
	metrics_family(m, &families[BUILD]);
	metrics_number(m, build, 1);
	if (attached) {
		metrics_family(m, &families[SOURCE]);
		metrics_number(m, source, 1);
	}
	metrics_family(m, &families[ATTACHED]);
	metrics_number(m, NULL, attached);
	write_success(m, look, attached);
}

char *export_write(const struct look *look, const struct run *run, bool open,
		   bool pids, size_t *size)
{
	struct metrics m = {.open = open};
	char *text = NULL;

	m.out = open_memstream(&text, size);
	if (!m.out)
		return NULL;
	write_totals(&m, look->totals);
	write_containers(&m, look, pids);
	write_groups(&m, look, strcmp(source_kind(run->source), "stock"));
	write_devices(&m, look);
	write_exporter(&m, look, run);
	metrics_end(&m);
	if (!fclose(m.out))
		return text;
	free(text);
	return NULL;
}
