// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a live tool's own process costs while the machine is in a certain state:
 * so many events a second, files that are open, containers there are, with
 * something to look for every second or without. One run is one state.
 *
 * tool_bench PID EVENTS FILES CONTAINERS LOOKS
 *
 * EVENTS a second: a map of 4 KiB begins, ends, and is unmapped, evenly. LOOKS a
 * second: a container is opened and closed again, so that who holds what has to
 * be looked at anew. CONTAINERS have an emulated device each, and a mapping.
 *
 * Lines: "events", those a second that were reached; "ran", the instructions of
 * the process a second (ran.h); "link", those of reading the link of one of the
 * FILES in /proc/self/fd, which is how it is found out without BPF.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "../../tools/lib/clock.h"
#include "../lib/emulated.h"
#include "ran.h"

#define SECONDS	       20
#define STEPS	       100 /* a second */
#define EVENTS_OF_PAIR 3   /* a map's beginning, its end, the unmap */

static void sleep_until(uint64_t ns)
{
	struct timespec until = {ns / NS_PER_S, ns % NS_PER_S};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL))
		;
}

static void open_files(int count)
{
	struct rlimit limit = {count + 1024, count + 1024};

	if (setrlimit(RLIMIT_NOFILE, &limit))
		vfio_die("RLIMIT_NOFILE: %m");
	for (int i = 0; i < count; i++)
		if (open("/dev/null", O_RDONLY) < 0)
			vfio_die("/dev/null: %m");
}

static void read_links(int first, int count)
{
	char path[64], target[256];
	uint64_t from = now_ns();

	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", first + i);
		if (readlink(path, target, sizeof(target)) < 0)
			vfio_die("%s: %m", path);
	}
	printf("link %.0f\n", (double)(now_ns() - from) / count);
}

/* Containers as a client has them; they go with their spaces. */
static struct vfio_space *open_spaces(int testdev, int count)
{
	struct vfio_space *spaces = calloc(count + 1, sizeof(*spaces));
	void *mem = vfio_memory(SZ_4K, 0);
	char name[32];

	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "bench-%d", i);
		vfio_must(__testdev_create(testdev, name));
		vfio_space_open(&spaces[i], name, VFIO_TYPE1v2_IOMMU);
		vfio_space_open_device(&spaces[i]);
		vfio_map(spaces[i].container, mem, 0, SZ_4K);
	}
	return spaces;
}

static void close_spaces(int testdev, struct vfio_space *spaces, int count)
{
	char name[32];

	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "bench-%d", i);
		vfio_space_close(&spaces[i]);
		vfio_must(__testdev_destroy(testdev, name));
	}
	free(spaces);
}

struct state {
	int container;
	void *mem;
	uint64_t pairs; /* a second */
	uint64_t looks; /* a second */
};

/* Evenly, step by step; returns the pairs of map and unmap that were done. */
static uint64_t load(const struct state *s, uint64_t begin_ns)
{
	uint64_t pairs = 0, looks = 0;

	for (uint64_t step = 1; step <= SECONDS * STEPS; step++) {
		for (; pairs * STEPS < step * s->pairs; pairs++) {
			vfio_map(s->container, s->mem, 0, SZ_4K);
			vfio_unmap(s->container, 0, SZ_4K);
		}
		for (; looks * STEPS < step * s->looks; looks++)
			close(vfio_container_open());
		sleep_until(begin_ns + step * (NS_PER_S / STEPS));
	}
	return pairs;
}

int main(int argc, char **argv)
{
	int numbers[5] = {}, files, containers, testdev = testdev_open();
	struct vfio_space space, *spaces;
	struct state state;
	uint64_t begin_ns, ran, pairs;
	pid_t tool;

	for (int i = 1; i < argc && i <= 5; i++)
		numbers[i - 1] = atoi(argv[i]);
	tool = numbers[0];
	files = numbers[2];
	containers = numbers[3];
	open_files(files);
	if (files)
		read_links(testdev + 1, files);
	spaces = open_spaces(testdev, containers);
	vfio_space_open(&space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	state = (struct state){.container = space.container,
			       .mem = vfio_memory(SZ_4K, 0),
			       .pairs = numbers[1] / EVENTS_OF_PAIR,
			       .looks = numbers[4]};
	/* The tool's first look at all of this is not what is measured. */
	sleep_until(now_ns() + 2 * NS_PER_S);

	ran = ran_ns(tool);
	begin_ns = now_ns();
	pairs = load(&state, begin_ns);
	printf("events %.0f\n", (double)pairs * EVENTS_OF_PAIR * NS_PER_S /
					(now_ns() - begin_ns));
	printf("ran %.0f\n", (double)(ran_ns(tool) - ran) / SECONDS);
	vfio_space_close(&space);
	close_spaces(testdev, spaces, containers);
	return 0;
}
