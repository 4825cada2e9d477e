// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiomaps' ledger: what a container's memory is charged to the process that
 * mapped it, and whether one more container would be let in.
 *
 * type1 charges every mapping to the VmLck of its mapper, the same page twice
 * when it is mapped in two containers. A device that joins the container costs
 * nothing; a device with a container of its own, as QEMU gives it behind a
 * virtual IOMMU, costs the whole guest again.
 */
#include <stdio.h>
#include <string.h>

#include "lib/names.h"
#include "lib/sysfs.h"
#include "vfiomaps.h"

#define PAGE_BYTES 4096
#define MIB	   (1 << 20)
#define PARAMETER_LIMIT \
	"/sys/module/vfio_iommu_type1/parameters/dma_entry_limit"

/* What pinning all of it would be charged. */
static int64_t sum_needed(const struct maps_container *c,
			  const struct maps_rows *rows)
{
	int64_t bytes = 0;

	for (size_t i = 0; i < c->count; i++) {
		const struct mapping *one = &c->list[i];

		if (one->flags & MAPPING_PINNED &&
		    one->locked_pages != EV_UNKNOWN)
			bytes += one->locked_pages * PAGE_BYTES;
		else if (rows->list[i].backing.kind != BACKING_DEVICE)
			bytes += one->size;
	}
	return bytes;
}

static void fill_others(struct maps_ledger *l, const struct maps_model *m,
			const struct maps_container *c)
{
	l->others = 0;
	for (size_t i = 0; i < m->count; i++) {
		const struct maps_container *other = &m->list[i];

		if (other == c || other->pid != c->pid)
			continue;
		if (other->charged < 0)
			l->others = -1;
		if (l->others < 0)
			break;
		l->others += other->charged;
	}
	l->elsewhere = -1;
	if (l->memlock.locked >= 0 && l->charged >= 0 && l->others >= 0)
		l->elsewhere = l->memlock.locked - l->charged - l->others;
	/* Read one after the other, they may disagree for a moment. */
	if (l->elsewhere < 0 && l->memlock.locked >= 0 && l->charged >= 0)
		l->elsewhere = 0;
}

void maps_ledger_make(struct maps_ledger *l, const struct maps_model *m,
		      const struct maps_container *c,
		      const struct maps_rows *rows)
{
	bool known = memlock_read(&l->memlock, c->pid);

	l->container = c->held->id;
	l->pid = c->pid ?: -1;
	names_comm(c->pid, l->comm, sizeof(l->comm));
	l->charged = c->charged;
	fill_others(l, m, c);
	l->left = known ? memlock_left(&l->memlock) : -1;
	l->needed = sum_needed(c, rows);
	l->mapped = 0;
	for (size_t i = 0; i < c->count; i++)
		l->mapped += c->list[i].size;
	l->maps = c->count;
	l->maps_left = c->dma_avail;
	l->entry_limit = sysfs_number(PARAMETER_LIMIT);
	l->torn = c->torn;
	l->one_more = -1;
	if (known)
		l->one_more = (l->left < 0 || l->needed <= l->left) &&
			      (l->entry_limit < 0 || l->maps <= l->entry_limit);
}

static void add(struct json_object *object, const char *key, int64_t v)
{
	json_object_object_add(object, key,
			       v < 0 ? NULL : json_object_new_int64(v));
}

static struct json_object *json_ledger(const void *row)
{
	const struct maps_ledger *l = row;
	struct json_object *o = json_object_new_object();

	add(o, "pid", l->pid);
	json_object_object_add(
		o, "comm", *l->comm ? json_object_new_string(l->comm) : NULL);
	add(o, "vmlck_bytes", l->memlock.locked);
	add(o, "vmpin_bytes", l->memlock.pinned);
	add(o, "locked_vm_bytes", l->charged);
	add(o, "other_containers_bytes", l->others);
	add(o, "elsewhere_bytes", l->elsewhere);
	add(o, "memlock_limit", l->memlock.limit);
	json_object_object_add(o, "ipc_lock",
			       json_object_new_boolean(l->memlock.ipc_lock));
	add(o, "memlock_left", l->left);
	add(o, "needed_bytes", l->needed);
	json_object_object_add(
		o, "one_more_fits",
		l->one_more < 0 ? NULL : json_object_new_boolean(l->one_more));
	add(o, "mapped_bytes", l->mapped);
	add(o, "maps", l->maps);
	add(o, "dma_entry_limit",
	    l->maps_left < 0 ? -1 : l->maps + l->maps_left);
	add(o, "dma_avail", l->maps_left);
	json_object_object_add(o, "complete",
			       json_object_new_boolean(!l->torn));
	return o;
}

#define INT(key, head, width, member, ...)                                  \
	COLUMN(key, head, width, 0, COLUMN_INT, struct maps_ledger, member, \
	       ##__VA_ARGS__)
#define BYTES(head, width, member) \
	INT(NULL, head, width, member, .scale = MIB, .decimals = 1)

void maps_ledger_json(struct run *run, const struct maps_ledger *l)
{
	static const struct column columns[] = {
		INT("container", NULL, 0, container),
		COLUMN("ledger", NULL, 0, 0, COLUMN_OWN, struct maps_ledger,
		       pid, .json = json_ledger),
	};
	static const struct table table = {columns, sizeof(columns) /
							    sizeof(columns[0])};

	out_json(run, &table, l);
}

static void say_one_more(struct run *run, const struct maps_ledger *l)
{
	double needed = l->needed / (double)MIB;

	if (l->one_more < 0)
		out_line(
			run, SCREEN_PLAIN,
			"  a second container: not known, the process is gone");
	else if (l->one_more && l->left < 0)
		out_line(run, SCREEN_PLAIN,
			 "  a second container: fits (%.1f MiB; %s)", needed,
			 l->memlock.ipc_lock ? "CAP_IPC_LOCK, no limit applies"
					     : "no limit");
	else if (l->one_more)
		out_line(run, SCREEN_PLAIN,
			 "  a second container: fits (%.1f MiB, %.1f left)",
			 needed, l->left / (double)MIB);
	else if (l->left >= 0 && l->needed > l->left)
		out_line(
			run, SCREEN_ALERT,
			"  a second container: does not fit, %.1f MiB more are "
			"wanted: raise RLIMIT_MEMLOCK\n"
			"    prlimit --pid %ld --memlock=%ld",
			(l->needed - l->left) / (double)MIB, l->pid,
			l->memlock.locked + l->needed);
	else
		out_line(run, SCREEN_ALERT,
			 "  a second container: does not fit, %ld mappings are "
			 "wanted, %ld allowed: raise dma_entry_limit\n"
			 "    echo %ld >" PARAMETER_LIMIT,
			 l->maps, l->entry_limit, l->maps);
}

void maps_ledger_text(struct run *run, const struct maps_ledger *l)
{
	static const struct column columns[] = {
		BYTES("VmLckMiB", 9, memlock.locked),
		BYTES("THISMiB", 9, charged),
		BYTES("OTHERMiB", 9, others),
		BYTES("ELSEMiB", 8, elsewhere),
		BYTES("LIMITMiB", 9, memlock.limit),
		BYTES("VmPinMiB", 8, memlock.pinned),
		INT(NULL, "MAPS", 8, maps),
		INT(NULL, "MAPSLEFT", 8, maps_left),
	};
	static const struct table table = {columns, sizeof(columns) /
							    sizeof(columns[0])};

	out_header(run, &table, 80);
	out_row(run, &table, 80, l);
	if (l->torn)
		out_line(run, SCREEN_ALERT,
			 "  the mappings changed while they were read: some "
			 "may be missing");
	out_line(
		run, SCREEN_PLAIN,
		"  one more device in this container: nothing more is charged");
	say_one_more(run, l);
}
