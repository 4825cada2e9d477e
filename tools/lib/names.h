/* SPDX-License-Identifier: GPL-2.0-only */
/* What a person calls a process: its comm, its VM, its pod. */
#ifndef VFIOSCOPE_NAMES_H
#define VFIOSCOPE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* outside_clean(), for names. */
void names_clean(char *name);
/* false and an empty name: no such process. */
bool names_comm(pid_t pid, char *name, size_t size);
/* QEMU's -name, else the libvirt machine, pod or container of the cgroup;
 * false and an empty name: none of these.
 */
bool names_vm(pid_t pid, char *name, size_t size);
/* It has let go of its memory: it exits, or is gone. */
bool names_exiting(pid_t pid);
/* Its cgroup, a path that begins at the root: "/system.slice/..". */
bool names_cgroup(pid_t pid, char *path, size_t size);
/* Whether the process is in this cgroup or below. */
bool names_in_cgroup(pid_t pid, const char *cgroup);

#endif /* VFIOSCOPE_NAMES_H */
