// SPDX-License-Identifier: GPL-2.0-only
/* Stacks, each kept once. */
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/names.h"
#include "lib/symbols.h"
#include "vfioleak_stacks.h"

static int frames(__s32 bytes, int most)
{
	int count = bytes / (int)sizeof(__u64);

	return count < 0 ? 0 : count > most ? most : count;
}

static int order(__s64 left, __s64 right)
{
	return (left > right) - (left < right);
}

static int compare(const void *left, const void *right)
{
	const struct leak_stack *a = left, *b = right;
	int ret = order(a->tgid, b->tgid);

	if (!ret)
		ret = order(a->kernel_count, b->kernel_count);
	if (!ret)
		ret = order(a->user_count, b->user_count);
	if (!ret)
		ret = memcmp(a->kernel, b->kernel,
			     a->kernel_count * sizeof(a->kernel[0]));
	if (!ret)
		ret = memcmp(a->user, b->user,
			     a->user_count * sizeof(a->user[0]));
	return ret;
}

struct leak_stack *leak_stacks_get(struct leak_stacks *stacks,
				   const struct leak_event *e)
{
	struct leak_stack like = {
		.tgid = e->tgid,
		.kernel_count = frames(e->kstack_bytes, LEAK_KSTACK),
		.user_count = e->frames < LEAK_USTACK ? e->frames : LEAK_USTACK,
	};
	struct leak_stack *stack;
	void *node;

	memcpy(like.kernel, e->kstack,
	       like.kernel_count * sizeof(like.kernel[0]));
	memcpy(like.user, e->user, like.user_count * sizeof(like.user[0]));
	node = tfind(&like, &stacks->tree, compare);
	if (node) {
		stack = *(struct leak_stack **)node;
		stack->users++;
		return stack;
	}
	stack = malloc(sizeof(*stack));
	if (!stack)
		return NULL;
	*stack = like;
	stack->users = 1;
	if (tsearch(stack, &stacks->tree, compare))
		return stack;
	free(stack);
	return NULL;
}

void leak_stacks_use(struct leak_stack *stack)
{
	if (stack)
		stack->users++;
}

void leak_stacks_put(struct leak_stacks *stacks, struct leak_stack *stack)
{
	if (!stack || --stack->users)
		return;
	tdelete(stack, &stacks->tree, compare);
	free(stack);
}

void leak_stacks_free(struct leak_stacks *stacks)
{
	tdestroy(stacks->tree, free);
}

/* On the way from the event to us. */
static bool own(const char *name)
{
	static const char *const ours[] = {"bpf_",	     "__bpf_",
					   "__traceiter_",   "stack_trace_",
					   "arch_stack",     "get_callchain",
					   "get_perf_callc", "perf_callchain"};

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (!strncmp(name, ours[i], strlen(ours[i])))
			return true;
	return !*name; /* a program's trampoline */
}

bool leak_stack_frame(const struct leak_stack *s, int i, char *name,
		      size_t size)
{
	const char *function;
	uint64_t offset = 0;
	int skip = 0;

	while (skip < s->kernel_count &&
	       own(symbols_kernel(s->kernel[skip], NULL)))
		skip++;
	if (skip + i >= s->kernel_count)
		return false;
	function = symbols_kernel(s->kernel[skip + i], &offset);
	if (*function)
		snprintf(name, size, "%s+0x%llx", function,
			 (unsigned long long)offset);
	else
		snprintf(name, size, "0x%llx",
			 (unsigned long long)s->kernel[skip + i]);
	return true;
}

void leak_stack_user(const struct leak_stack *s, int i, char *name, size_t size)
{
	char file[LEAK_FILE];

	memcpy(file, s->user[i].file, sizeof(file));
	file[sizeof(file) - 1] = '\0';
	names_clean(file);
	snprintf(name, size, "%s%s0x%llx", file, *file ? "+" : "",
		 (unsigned long long)s->user[i].offset);
}
