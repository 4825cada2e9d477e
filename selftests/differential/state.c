// SPDX-License-Identifier: GPL-2.0-only
/* Around a case: the state before and after, its line, its verdict. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "differential/report.h"
#include "lib/proc.h"

/*
 * What a failed call must not move. There is no list of mappings to ask for:
 * how many there may still be, what is pinned and what is charged stand for it.
 */
struct state {
	long avail;
	long locked;
	long pinned;
	long status;
	__u32 group_flags;
};

static struct state before;
static char name[256];
static FILE *lines;
static int number, failures;

void report_open(const char *path)
{
	lines = fopen(path, "w");
	if (!lines)
		vfio_die("%s: %m", path);
	printf("TAP version 13\n");
}

int report_close(void)
{
	if (fclose(lines))
		vfio_die("writing the table: %m");
	printf("1..%d\n", number);
	return failures != 0;
}

static void take(struct env *env, struct state *state)
{
	struct {
		struct vfio_iommu_type1_info info;
		char caps[SZ_4K];
	} arg = {.info.argsz = sizeof(arg)};
	struct vfio_iommu_type1_info_dma_avail *cap;

	memset(state, 0, sizeof(*state));
	state->locked = locked_pages(0);
	state->pinned = pinned_pages();
	if (env->space.group >= 0)
		state->status = __vfio_group_status(env->space.group,
						    &state->group_flags);
	if (env->space.container < 0 ||
	    vfio_ioctl(env->space.container, VFIO_IOMMU_GET_INFO, &arg) < 0)
		return;
	cap = (void *)vfio_iommu_cap(&arg.info,
				     VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL);
	state->avail = cap ? (long)cap->avail : -1;
}

void begin(struct env *env, const char *call, const char *mistake)
{
	snprintf(name, sizeof(name), "%s %s: %s", env->section, call, mistake);
	take(env, &before);
}

static void finish(struct env *env, long ret, long want, const char *values)
{
	struct state after;
	bool untouched, good;

	take(env, &after);
	untouched = !memcmp(&before, &after, sizeof(after));
	fprintf(lines, "%s\t%ld\t%ld\t%s%suntouched=%s\n", name,
		ret < 0 ? -1 : ret, ret < 0 ? -ret : 0, values,
		*values ? " " : "", untouched ? "yes" : "no");
	good = (want == ANY || ret == want) && (ret >= 0 || untouched);
	printf("%sok %d %s", good ? "" : "not ", ++number, name);
	if (!good)
		printf(" # got %ld, want %ld, state %s", ret, want,
		       untouched ? "untouched" : "touched");
	printf("\n");
	fflush(stdout);
	failures += !good;
}

void end(struct env *env, long ret, long want)
{
	finish(env, ret, want, "");
}

void end_values(struct env *env, long ret, long want, const char *fmt, ...)
{
	char values[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(values, sizeof(values), fmt, ap);
	va_end(ap);
	finish(env, ret, want, values);
}

void end_fd(struct env *env, long ret, long want)
{
	if (ret >= 0) {
		close(ret);
		ret = 0;
	}
	finish(env, ret, want, "");
}

void end_skipped(const char *reason)
{
	printf("ok %d %s # SKIP %s\n", ++number, name, reason);
}

bool v2(const struct env *env)
{
	return env->type == VFIO_TYPE1v2_IOMMU;
}

/* FNV-1a, to compare what does not read well. */
__u64 digest(const void *data, size_t size)
{
	const unsigned char *byte = data;
	__u64 hash = 0xcbf29ce484222325ULL;

	while (size--)
		hash = (hash ^ *byte++) * 0x100000001b3ULL;
	return hash;
}
