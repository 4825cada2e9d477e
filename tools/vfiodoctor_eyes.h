/* SPDX-License-Identifier: GPL-2.0-only */
/* A node below /dev as a process sees it. */
#ifndef VFIOSCOPE_VFIODOCTOR_EYES_H
#define VFIOSCOPE_VFIODOCTOR_EYES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define EYES_NODES 2

enum eyes_status {
	EYES_SAW,
	EYES_GONE,	 /* there is no such process */
	EYES_NEEDS_ROOT, /* the caller may not look as that process would */
	EYES_SLOW,	 /* no answer in time */
};

/* Who a process is to the file system. */
struct eyes_user {
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	int group_count;
	uint64_t caps; /* effective, in its own user namespace */
	char name[64]; /* of the user, or the number */
};

struct eyes_node {
	int missing;  /* errno of finding it, 0: it was found */
	int refused;  /* errno of reading and writing it, 0: it may */
	bool nodev;   /* mounted so that no device can be opened */
	bool device;  /* a character device */
	dev_t number; /* of that */
	uid_t uid;    /* its owner */
	mode_t mode;
	char closed[32]; /* the folder that may not be searched, "": none */
};

struct eyes {
	struct eyes_node nodes[EYES_NODES];
	bool elsewhere; /* the process has another root than the caller */
};

/* False: no such process. The caller frees user->groups. */
bool eyes_user(struct eyes_user *user, pid_t pid);
/* What process @pid (0: the caller) finds at @paths. Opens none of them. */
enum eyes_status eyes_look(struct eyes *eyes, pid_t pid,
			   const struct eyes_user *user,
			   const char *const paths[EYES_NODES]);

#endif /* VFIOSCOPE_VFIODOCTOR_EYES_H */
