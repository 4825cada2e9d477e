/* SPDX-License-Identifier: GPL-2.0-only */
/* The containers of a snapshot, each with who has it and what is in it. */
#ifndef VFIOSCOPE_CONTAINERS_H
#define VFIOSCOPE_CONTAINERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "snapshot.h"

#define CONTAINER_GROUPS  128
#define CONTAINER_DEVICES 32

struct container {
	uint32_t id;
	uint64_t ptr;	     /* the kernel's */
	uint64_t iommu_data; /* 0: no IOMMU driver was set */
	pid_t pid;	     /* who has its fd, 0: nobody */
	char comm[VFIOSCOPE_COMM_LEN];
	char vm[64];
	int groups[CONTAINER_GROUPS];
	size_t group_count;
	char devices[CONTAINER_DEVICES][VFIOSCOPE_NAME_LEN]; /* open ones */
	size_t device_count;
	uint32_t users; /* of all its groups' attachments */
	bool kvm;
};

struct containers {
	struct container *list;
	size_t count;
};

/* Makes the list anew from a snapshot; false: out of memory. */
bool containers_build(struct containers *containers,
		      const struct snapshot *snapshot);
struct container *containers_find(struct containers *containers, uint32_t id);
/* A number that a person can read and type: the id itself, or, where an id is made
 * of an address, in which order this run of the tool first met it.
 */
uint32_t containers_number(uint32_t id);
/* "container 1", or "container 1 (id 2147483649)": every run of every tool gives a
 * container the same id.
 */
void container_name(uint32_t id, char *buf, size_t size);
/* "container 1: pid 182 qemu, VM web, groups 3, devices 0000:00:10.0" */
void container_title(const struct container *container, char *buf, size_t size);
void containers_free(struct containers *containers);

#endif /* VFIOSCOPE_CONTAINERS_H */
