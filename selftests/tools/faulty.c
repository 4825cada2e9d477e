// SPDX-License-Identifier: GPL-2.0-only
/* Does what a program must not do: what reports it is tested by this. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The compiler does not see what becomes of these. */
static volatile char *volatile kept;
static volatile int one = 1;

static void overrun(void)
{
	kept = malloc(8);
	kept[7 + one] = 1;
	free((void *)kept);
}

static void freed(void)
{
	kept = malloc(8);
	free((void *)kept);
	one = *kept;
}

static void leak(void)
{
	for (int i = 0; i < 100; i++)
		kept = malloc(8);
	kept = NULL;
}

static void overflow(void)
{
	one = INT_MAX + one;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*commit)(void);
	} faults[] = {
		{"overrun", overrun},
		{"freed", freed},
		{"leak", leak},
		{"overflow", overflow},
	};

	for (size_t i = 0; argc == 2 && i < sizeof(faults) / sizeof(*faults);
	     i++) {
		if (strcmp(argv[1], faults[i].name))
			continue;
		faults[i].commit();
		return 0;
	}
	fprintf(stderr, "usage: tools_faulty overrun|freed|leak|overflow\n");
	return 2;
}
