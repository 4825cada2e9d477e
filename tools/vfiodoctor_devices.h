/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether the cgroup of a process lets it open a device. */
#ifndef VFIOSCOPE_VFIODOCTOR_DEVICES_H
#define VFIOSCOPE_VFIODOCTOR_DEVICES_H

#include <sys/types.h>

enum devices_answer {
	DEVICES_ALLOW,
	DEVICES_REFUSE_LIST,	/* v1's list of devices */
	DEVICES_REFUSE_PROGRAM, /* a BPF program of v2 */
	DEVICES_UNKNOWN,	/* there is something that may refuse */
	DEVICES_NEEDS_ROOT,
};

struct devices {
	enum devices_answer answer;
	/* Of v1, the topmost group that refuses and those below it: files to
	 * write a line to, "" each that was not needed.
	 */
	char lists[8][256];
	char group[256]; /* the process' own, as /proc says it */
};

/* The group of process @pid, for reading and writing the character device. */
void devices_ask(struct devices *devices, pid_t pid, dev_t device);

#endif /* VFIOSCOPE_VFIODOCTOR_DEVICES_H */
