/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Groups, who keeps each alive, and how that explains the user count.
 *
 * A unit of container_users is the attachment, an open device (on the stock
 * modules of 6.1: each of its files) or an external user. It is accounted for
 * when somebody was found who holds it: the group's file or one of a device's,
 * which holds the group's, for the attachment; the device's for a device.
 */
#ifndef VFIOSCOPE_HOLDERS_H
#define VFIOSCOPE_HOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../bpf/event.h"
#include "filter.h"
#include "index.h"

/* In the order in which they are shown. */
enum holder_kind {
	HOLDER_PROCESS,	 /* has the file, by an fd or in a socket */
	HOLDER_MMAP,	 /* has a BAR mapped */
	HOLDER_MM,	 /* shares memory that has a BAR mapped */
	HOLDER_KVM,	 /* has a VM that has the file */
	HOLDER_EXTERNAL, /* code in the kernel */
	HOLDER_UNBIND,	 /* waits for the device to be given up */
	HOLDER_KINDS,
};

enum holder_what {
	HOLDER_CONTAINER,
	HOLDER_GROUP,
	HOLDER_DEVICE,
	HOLDER_KVM_VFIO,
};

struct holder {
	enum holder_kind kind;
	enum holder_what what;
	pid_t pid; /* 0: none, or not known */
	int fd;	   /* -1: none */
	bool socket;
	bool closed;	 /* HOLDER_MMAP: it has no fd of it */
	unsigned ranges; /* HOLDER_MMAP */
	unsigned count;	 /* HOLDER_EXTERNAL */
	uint64_t bytes;	 /* HOLDER_MMAP */
	uint64_t file;	 /* struct file, 0: none */
	char comm[VFIOSCOPE_COMM_LEN];
	char device[VFIOSCOPE_NAME_LEN]; /* "": none */
};

struct held_device {
	uint64_t ptr;
	char name[VFIOSCOPE_NAME_LEN];
	unsigned open_count;
	unsigned files; /* of those that are open, found */
	unsigned users; /* units */
};

struct held_group {
	int id;
	bool removed; /* its last device has left it */
	bool opened;  /* its file is open somewhere */
	bool attached;
	bool file_found; /* the attachment, or the open file, is explained */
	bool per_file;	 /* users counts the files of devices */
	uint64_t ptr;
	uint64_t iommu_group;
	uint64_t container_ptr;
	uint32_t container;
	unsigned users;
	unsigned external;
	unsigned accounted;
	unsigned unaccounted;
	struct held_device *devices;
	size_t device_count;
	struct holder *holders;
	size_t holder_count;
	struct index known; /* of holders, see holders_find.c */
};

struct io_uring_user {
	pid_t pid;
	char comm[VFIOSCOPE_COMM_LEN];
};

struct holders {
	struct held_group *groups; /* by number */
	size_t count;
	/* Processes whose io_uring may have files registered. */
	struct io_uring_user *io_urings;
	size_t io_uring_count;
	struct held_look *look; /* kept from one look to the next */
};

/* Looks. Negative: cannot, it was said, and there is nothing. */
int holders_take(struct holders *holders);
/* The same, but looks up to three times while some group that @asked tells has a
 * user that nobody accounts for: who closes or exits is nobody for a moment.
 */
int holders_take_sure(struct holders *holders,
		      bool (*asked)(const struct held_group *group, void *arg),
		      void *arg);
/* What was seen; the next look takes no longer for it. */
void holders_forget(struct holders *holders);
void holders_close(struct holders *holders);
/* Whether the group, or one who holds it, is what was asked for. */
bool held_group_match(const struct held_group *group,
		      const struct filter *filter);

#endif /* VFIOSCOPE_HOLDERS_H */
