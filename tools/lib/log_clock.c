// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's log has the time of the CPUs' own clock (local_clock()), which
 * nobody corrects; CLOCK_MONOTONIC goes at the pace that NTP gives it. They are
 * seconds apart after some days. No call reads the first one, but it is perf's
 * default clock: a thread that sets its own name to what it is anyway gets an
 * event, and looks at the other clock before and after.
 */
#include <linux/perf_event.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "log_clock.h"

#define PAGES 2 /* perf's own, and one for the event */

static int open_event(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.size = sizeof(attr),
		.sample_type = PERF_SAMPLE_TIME,
		.sample_id_all = 1,
		.comm = 1,
	};

	return syscall(SYS_perf_event_open, &attr, 0, -1, -1,
		       PERF_FLAG_FD_CLOEXEC);
}

/* Of the first event, 0: there is none. Its time is the last that it has. */
static uint64_t event_time(const struct perf_event_mmap_page *page)
{
	const char *data = (const char *)page + page->data_offset;
	struct perf_event_header header;
	uint64_t time;

	if (__atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE) <
	    sizeof(header))
		return 0;
	memcpy(&header, data, sizeof(header));
	if (header.type != PERF_RECORD_COMM ||
	    header.size < sizeof(header) + sizeof(time))
		return 0;
	memcpy(&time, data + header.size - sizeof(time), sizeof(time));
	return time;
}

static int64_t measure(void)
{
	size_t size = PAGES * sysconf(_SC_PAGESIZE);
	uint64_t before, after, time;
	char name[16];
	void *page;
	int fd = open_event();

	if (fd < 0)
		return 0;
	page = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (page == MAP_FAILED)
		return 0;
	prctl(PR_GET_NAME, name);
	before = now_ns();
	prctl(PR_SET_NAME, name);
	after = now_ns();
	time = event_time(page);
	munmap(page, size);
	return time ? (int64_t)(before + (after - before) / 2 - time) : 0;
}

int64_t log_clock_lag(void)
{
	static uint64_t measured_ns;
	static int64_t lag;

	if (!measured_ns || now_ns() - measured_ns > NS_PER_S) {
		lag = measure();
		measured_ns = now_ns();
	}
	return lag;
}
