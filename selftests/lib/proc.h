/* SPDX-License-Identifier: GPL-2.0-only */
/* Figures of /proc, privileges and limits that tests look at or set. */
#ifndef _SELFTESTS_PROC_H
#define _SELFTESTS_PROC_H

#include <stdbool.h>
#include <sys/types.h>

/* A field of /proc/PID/status in KiB (VmLck, VmPin), pid 0: oneself. */
long proc_status_kb(pid_t pid, const char *field);
#define locked_pages(pid) (proc_status_kb(pid, "VmLck") / 4)

long proc_vmstat(const char *field);
/* Pages pinned by pin_user_pages() and not given back, in the whole system. */
long pinned_pages(void);

/* Waits for @pinned pages, as a group may be closing in another task. */
bool pinned_settles(long pinned);

bool ours_loaded(void);
/* Whether a kernel function is there, under that very name. */
bool kernel_has(const char *function);
bool kernel_at_least(int major, int minor);
long module_refs(const char *module);

/* Drops all capabilities but the one to open what root may; limits memlock. */
void drop_ipc_lock(void);
void set_memlock(unsigned long bytes);

/* True in a child that @body should run; its status is the parent's value. */
int run_child(int (*body)(void *), void *arg);

/* A child that runs @body and then waits for its end; it waits already. */
pid_t child_start(void (*body)(void *), void *arg);
void child_kill(pid_t pid);

#endif /* _SELFTESTS_PROC_H */
