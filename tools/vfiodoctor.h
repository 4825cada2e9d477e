/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vfiodoctor: a table of checks. Each looks at one thing, of the host, a
 * device, a group or a process, and says by doctor_say() what it found, and
 * by doctor_fix() which commands put it right.
 */
#ifndef VFIOSCOPE_VFIODOCTOR_H
#define VFIOSCOPE_VFIODOCTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/containers.h"
#include "lib/sysfs.h"
#include "lib/tool.h"

#define DOCTOR_TEXT 4096

enum doctor_status {
	DOCTOR_NA,
	DOCTOR_OK,
	DOCTOR_WARN,
	DOCTOR_FAIL,
	DOCTOR_UNASKED, /* nothing to look at: there is no line */
};

/* What QEMU's arguments say of its guest. */
struct doctor_guest {
	int64_t huge_page; /* bytes of a page that its memory is of, 0: none */
	bool viommu;	   /* it has a virtual IOMMU */
	size_t refused;	   /* devices whose address is none */
	char nonsense[64]; /* the first of these */
};

struct doctor {
	struct run *run;

	/* What was asked for. */
	char (*devices)[SYSFS_NAME_LEN];
	int device_count;
	pid_t pid;	/* 0: the caller */
	int64_t memory; /* bytes that a guest is to have, -1: not said */
	bool memory_by_pid;
	struct doctor_guest guest;
	const char *only; /* names of checks, commas between; NULL: all */

	/* What is looked at just now. */
	const char *device; /* NULL: none */
	int group;	    /* -1: none */

	/* Who has what, for those checks that can use it. */
	struct snapshot snapshot;
	struct containers held;
	const char *blind; /* why there is no snapshot, NULL: there is */

	/* What a check says. */
	enum doctor_status status;
	char found[DOCTOR_TEXT];
	char fix[DOCTOR_TEXT];
};

struct doctor_check {
	const char *name;
	void (*run)(struct doctor *d);
};

/* Ends with an empty one each. */
extern const struct doctor_check doctor_host_checks[];
extern const struct doctor_check doctor_device_checks[];
extern const struct doctor_check doctor_group_checks[];
extern const struct doctor_check doctor_process_checks[];

void doctor_say(struct doctor *d, enum doctor_status status, const char *format,
		...) __attribute__((format(printf, 3, 4)));
/* The same; what it says stands behind what was said before, unless all was well,
 * and the worse status counts.
 */
void doctor_also(struct doctor *d, enum doctor_status status,
		 const char *format, ...) __attribute__((format(printf, 3, 4)));
/* A command; several, one after the other. What goes into one has a form that is
 * known; what is only of a comment may be any string.
 */
void doctor_fix(struct doctor *d, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Writes what a check left. */
void doctor_show(struct doctor *d, const char *target, const char *check);

void doctor_add_device(struct doctor *d, const char *name);
/* The group of a device, negative: none. */
int doctor_group_of(const char *device);
/* QEMU's: devices, memory, and what is in d->guest. */
void doctor_read_arguments(struct doctor *d);

/* How to give a device to vfio-pci. */
void doctor_fix_driver(struct doctor *d, const char *device,
		       const char *driver);
/* Those that vfio-pci does not take, or nobody should; false: it is none. */
bool doctor_say_bridge(struct doctor *d, const char *driver);
bool doctor_say_denylisted(struct doctor *d);

enum noiommu {
	NOIOMMU_LACKS,
	NOIOMMU_HAS,
	NOIOMMU_UNKNOWN,
};

/* Whether this is a VM; @name says which kind, and may be empty. */
bool machine_is_vm(char *name, size_t size);
enum noiommu machine_noiommu(void);
/* It has no IOMMU because its host gives it none. */
void doctor_say_vm(struct doctor *d, const char *name);

/* Checks that have a file of their own. */
void doctor_check_answers(struct doctor *d);
void doctor_check_bars(struct doctor *d);
void doctor_check_permission(struct doctor *d);
void doctor_check_arguments(struct doctor *d);
void doctor_check_memory(struct doctor *d);

#endif /* VFIOSCOPE_VFIODOCTOR_H */
