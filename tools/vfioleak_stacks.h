/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stacks, each kept once and as long as anybody uses it; the kernel's are put into
 * words when asked for.
 */
#ifndef VFIOSCOPE_VFIOLEAK_STACKS_H
#define VFIOSCOPE_VFIOLEAK_STACKS_H

#include <stdbool.h>
#include <stddef.h>

#include "vfioleak.h"

#define LEAK_WORDS 96 /* bytes of a frame in words */

struct leak_stack {
	size_t users;
	__u32 tgid;
	int kernel_count;
	int user_count;
	__u64 kernel[LEAK_KSTACK];
	struct leak_frame user[LEAK_USTACK];
};

struct leak_stacks {
	void *tree; /* of struct leak_stack */
};

/* The record's stack, with one user more; NULL: out of memory. */
struct leak_stack *leak_stacks_get(struct leak_stacks *stacks,
				   const struct leak_event *e);
/* One user more, one user less; NULL is none. */
void leak_stacks_use(struct leak_stack *stack);
void leak_stacks_put(struct leak_stacks *stacks, struct leak_stack *stack);
void leak_stacks_free(struct leak_stacks *stacks);
/* Frame @i of the kernel's part as FUNCTION+0xOFFSET, without those of the tool
 * itself; false: there is no more.
 */
bool leak_stack_frame(const struct leak_stack *stack, int i, char *name,
		      size_t size);

/* Frame @i of user space as FILE+0xOFFSET, or 0xADDRESS. */
void leak_stack_user(const struct leak_stack *stack, int i, char *name,
		     size_t size);

#endif /* VFIOSCOPE_VFIOLEAK_STACKS_H */
