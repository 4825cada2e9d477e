// SPDX-License-Identifier: GPL-2.0-only
/* Stacks, each kept once. */
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

static bool same(const struct leak_stack *s, const struct leak_event *e,
		 int kernel, int user)
{
	return s->tgid == e->tgid && s->kernel_count == kernel &&
	       s->user_count == user &&
	       !memcmp(s->kernel, e->kstack, kernel * sizeof(__u64)) &&
	       !memcmp(s->user, e->user, user * sizeof(e->user[0]));
}

int leak_stacks_add(struct leak_stacks *stacks, const struct leak_event *e)
{
	int kernel = frames(e->kstack_bytes, LEAK_KSTACK);
	int user = e->frames < LEAK_USTACK ? e->frames : LEAK_USTACK;
	struct leak_stack **list, *s;

	/* The latest first: most things come many times in a row. */
	for (size_t i = stacks->count; i-- > 0;)
		if (same(stacks->list[i], e, kernel, user))
			return i;
	list = realloc(stacks->list, (stacks->count + 1) * sizeof(*list));
	if (!list)
		return -1;
	stacks->list = list;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -1;
	s->tgid = e->tgid;
	s->kernel_count = kernel;
	s->user_count = user;
	memcpy(s->kernel, e->kstack, kernel * sizeof(__u64));
	memcpy(s->user, e->user, user * sizeof(e->user[0]));

	list[stacks->count] = s;
	return stacks->count++;
}

void leak_stacks_free(struct leak_stacks *stacks)
{
	for (size_t i = 0; i < stacks->count; i++)
		free(stacks->list[i]);
	free(stacks->list);
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
