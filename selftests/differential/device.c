// SPDX-License-Identifier: GPL-2.0-only
/* The ioctls of a device's fd, as far as the core and vfio-pci share them. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "differential/diff.h"

static void infos(struct env *env)
{
	static const __u32 argszs[] = {0, 4, 15, 16, 17, 20, 100, -1U};

	for (size_t i = 0; i < sizeof(argszs) / sizeof(*argszs); i++) {
		struct {
			struct vfio_device_info info;
			char more[128];
		} arg;
		char what[32];
		long ret;

		memset(&arg, 0, sizeof(arg));
		arg.info.argsz = argszs[i];
		snprintf(what, sizeof(what), "argsz %u", argszs[i]);
		begin(env, "DEVICE_GET_INFO", what);
		ret = vfio_ioctl(env->space.device, VFIO_DEVICE_GET_INFO, &arg);
		end_values(env, ret, argszs[i] < 16 ? -EINVAL : 0,
			   "flags=0x%x regions=%u irqs=%u", arg.info.flags,
			   arg.info.num_regions, arg.info.num_irqs);
	}
}

static void regions(struct env *env)
{
	for (__u32 index = 0; index < 12; index++) {
		struct vfio_region_info info = {.argsz = sizeof(info),
						.index = index};
		char what[32];
		long ret;

		snprintf(what, sizeof(what), "index %u", index);
		begin(env, "GET_REGION_INFO", what);
		ret = vfio_ioctl(env->space.device, VFIO_DEVICE_GET_REGION_INFO,
				 &info);
		end_values(env, ret, ANY,
			   "flags=0x%x size=0x%llx offset=0x%llx", info.flags,
			   (unsigned long long)info.size,
			   (unsigned long long)info.offset);
	}
}

static void irqs(struct env *env)
{
	static const struct {
		const char *mistake;
		__u32 argsz, flags, index, start, count;
	} rows[] = {
		{"argsz 0", 0, 0x21, 1, 0, 1},
		{"argsz short", 19, 0x21, 1, 0, 1},
		{"no data, no action", 20, 0, 1, 0, 1},
		{"two kinds of data", 20, 0x23, 1, 0, 1},
		{"two actions", 20, 0x31, 1, 0, 1},
		{"unknown flag", 20, 0x61, 1, 0, 1},
		{"index beyond", 20, 0x21, 5, 0, 1},
		{"index all ones", 20, 0x21, -1U, 0, 1},
		{"start beyond", 20, 0x21, 1, 1, 1},
		{"count beyond", 20, 0x21, 1, 0, 2},
		{"start and count wrap", 20, 0x21, 1, -2U, 3},
		{"count all ones", 20, 0x21, 1, 0, -1U},
		{"eventfds without data", 20, 0x24, 1, 0, 1},
		{"count whose bytes wrap", 20, 0x24, 1, 0, 0x40000001},
		{"trigger what is off", 20, 0x21, 1, 0, 1},
		{"disable what is off", 20, 0x21, 1, 0, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct vfio_irq_set set = {
			.argsz = rows[i].argsz,
			.flags = rows[i].flags,
			.index = rows[i].index,
			.start = rows[i].start,
			.count = rows[i].count,
		};

		begin(env, "SET_IRQS", rows[i].mistake);
		end(env,
		    vfio_ioctl(env->space.device, VFIO_DEVICE_SET_IRQS, &set),
		    ANY);
	}
}

static void features(struct env *env)
{
	static const struct {
		const char *mistake;
		long want;
		__u32 argsz, flags;
	} rows[] = {
		{"argsz 0", -EINVAL, 0, 0},
		{"argsz short", -EINVAL, 7, 0},
		{"probe with get and set at once, unknown", -ENOTTY, 8,
		 0x70000 + 4242},
		{"get and set at once", -EINVAL, 8, 0x30000},
		{"unknown flag", -EINVAL, 8, 1U << 31},
		{"neither probe, get nor set", ANY, 8, 0},
		{"probe get, vf token", ANY, 8, 0x50000},
		{"probe get, migration", -ENOTTY, 8, 0x50001},
		{"get, migration", -ENOTTY, 32, 0x10001},
		{"probe set, migration", -ENOTTY, 8, 0x60001},
		{"probe set, migration state", -ENOTTY, 8, 0x60002},
		{"probe set, low power entry", ANY, 8, 0x60003},
		{"probe get, low power entry", ANY, 8, 0x50003},
		{"probe set, logging start", -ENOTTY, 8, 0x60006},
		{"set, logging start", -ENOTTY, 64, 0x20006},
		{"probe set, logging stop", -ENOTTY, 8, 0x60007},
		{"probe get, logging report", -ENOTTY, 8, 0x50008},
		{"probe, unknown", -ENOTTY, 8, 0x40000 + 4242},
		{"get, unknown", -ENOTTY, 64, 0x10000 + 4242},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct {
			struct vfio_device_feature head;
			char data[64];
		} arg = {.head = {.argsz = rows[i].argsz,
				  .flags = rows[i].flags}};
		long ret;

		begin(env, "DEVICE_FEATURE", rows[i].mistake);
		ret = vfio_ioctl(env->space.device, VFIO_DEVICE_FEATURE, &arg);
		end_values(env, ret, rows[i].want, "data=0x%llx",
			   digest(arg.data, sizeof(arg.data)));
	}
}

static void access_by_offset(struct env *env)
{
	static const struct {
		const char *what;
		__u64 offset;
		size_t size;
	} rows[] = {
		{"vendor and device", 7ULL << 40, 4},
		{"a byte", (7ULL << 40) + 8, 1},
		{"unaligned", (7ULL << 40) + 1, 4},
		{"end of config space", (7ULL << 40) + 252, 4},
		{"over the end of config space", (7ULL << 40) + 254, 4},
		{"beyond config space", (7ULL << 40) + 4096, 4},
		{"edu's identity", 0, 4},
		{"beyond the BAR", 1 << 20, 4},
		{"a BAR that is not there", 1ULL << 40, 4},
		{"a region that is not there", 99ULL << 40, 4},
		{"nothing", 7ULL << 40, 0},
	};

	vfio_bus_master(env->space.device, true);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		__u32 value = 0;
		long ret;

		begin(env, "pread", rows[i].what);
		ret = pread(env->space.device, &value, rows[i].size,
			    rows[i].offset);
		end_values(env, ret < 0 ? -errno : ret, ANY, "value=0x%x",
			   value);
	}
}

static void mmaps(struct env *env)
{
	static const struct {
		const char *what;
		__u64 offset;
		size_t size;
		int flags;
	} rows[] = {
		{"BAR", 0, 1 << 20, MAP_SHARED},
		{"a page of it", 7 * SZ_4K, SZ_4K, MAP_SHARED},
		{"private", 0, SZ_4K, MAP_PRIVATE},
		{"more than it is", 0, (1 << 20) + SZ_4K, MAP_SHARED},
		{"beyond it", 1 << 20, SZ_4K, MAP_SHARED},
		{"config space", 7ULL << 40, SZ_4K, MAP_SHARED},
		{"a BAR that is not there", 1ULL << 40, SZ_4K, MAP_SHARED},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		void *at;

		begin(env, "mmap", rows[i].what);
		at = mmap(NULL, rows[i].size, PROT_READ, rows[i].flags,
			  env->space.device, rows[i].offset);
		if (at != MAP_FAILED)
			munmap(at, rows[i].size);
		end(env, at == MAP_FAILED ? -errno : 0, ANY);
	}
}

static void device_memory(struct env *env)
{
	void *bar = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED,
			 env->space.device, 0);
	__u64 unmapped = 0;
	long ret;

	if (bar == MAP_FAILED)
		vfio_die("mmap of BAR0: %m");
	begin(env, "MAP_DMA", "a device's BAR");
	ret = __vfio_map(env->space.container, bar, IOVA, 1 << 20, VFIO_RW);
	end(env, ret, 0);
	begin(env, "UNMAP_DMA", "a device's BAR");
	ret = __vfio_unmap(env->space.container, IOVA, 1 << 20, 0, &unmapped);
	end_values(env, ret, 0, "unmapped=0x%llx", unmapped);
	munmap(bar, 1 << 20);
}

void device_cases(struct env *env)
{
	static const struct {
		const char *call;
		unsigned long cmd;
		long want;
	} strangers[] = {
		{"GET_API_VERSION", VFIO_GET_API_VERSION, -ENOTTY},
		{"GROUP_GET_STATUS", VFIO_GROUP_GET_STATUS, -ENOTTY},
		{"MAP_DMA", VFIO_IOMMU_MAP_DMA, ANY},
		{"unknown ioctl", 0x3bff, -ENOTTY},
	};

	for (size_t i = 0; i < sizeof(strangers) / sizeof(*strangers); i++) {
		begin(env, strangers[i].call, "not a device's");
		end(env, vfio_ioctl(env->space.device, strangers[i].cmd, 0),
		    strangers[i].want);
	}
	infos(env);
	regions(env);
	irqs(env);
	features(env);
	access_by_offset(env);
	mmaps(env);
	device_memory(env);
	begin(env, "DEVICE_RESET", "edu");
	end(env, vfio_ioctl(env->space.device, VFIO_DEVICE_RESET, 0), ANY);
}
