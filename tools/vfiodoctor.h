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

#define DOCTOR_DEVICES 64
#define DOCTOR_TEXT    1024

enum doctor_status {
	DOCTOR_NA,
	DOCTOR_OK,
	DOCTOR_WARN,
	DOCTOR_FAIL,
};

struct doctor {
	struct run *run;

	/* What was asked for. */
	char devices[DOCTOR_DEVICES][SYSFS_NAME_LEN];
	int device_count;
	pid_t pid;	/* 0: the caller */
	int64_t memory; /* bytes that a guest is to have, -1: not said */
	bool memory_by_pid;

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
/* A command; several, one after the other. */
void doctor_fix(struct doctor *d, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* How to give a device to vfio-pci. */
void doctor_fix_driver(struct doctor *d, const char *device,
		       const char *driver);

#endif /* VFIOSCOPE_VFIODOCTOR_H */
