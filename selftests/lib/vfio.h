/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests share: containers, groups, devices, mappings.
 *
 * Of each call there are two: __x() returns what the kernel said, as a value
 * >= 0 or a negative errno; x() ends the test with a line that says what failed.
 */
#ifndef _SELFTESTS_VFIO_H
#define _SELFTESTS_VFIO_H

#include <errno.h>
#include <linux/types.h>
#include <linux/vfio.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/types.h>

/* The harness gives a test 30 s; under KASAN and software emulation some need
 * minutes. What hangs is ended by run-all.
 */
#ifdef TEST_TIMEOUT_DEFAULT
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 600
#endif

#define SZ_4K (4096UL)
#define SZ_1M (1UL << 20)
#define SZ_2M (2UL << 20)
#define SZ_1G (1UL << 30)

/* The devices that the VM's harness gives, each in a group of its own. */
#define EDU_BDF	   "0000:00:10.0"
#define E1000E_BDF "0000:00:11.0"
#define NVME_BDF   "0000:00:12.0"
#define LARGE_BDF  "0000:00:14.0" /* a BAR of 256 MiB */

/* But for these two: edu and e1000e, in one slot. */
#define SLOT_EDU_BDF	"0000:01:00.0"
#define SLOT_E1000E_BDF "0000:01:00.1"

#define VFIO_RW (VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)

#define vfio_die(fmt, ...) \
	__vfio_die("# %s:%d: " fmt "\n", __FILE__, __LINE__, ##__VA_ARGS__)
void __vfio_die(const char *fmt, ...)
	__attribute__((format(printf, 1, 2), noreturn));

/* Ends the test unless @call is >= 0; its value otherwise. */
#define vfio_must(call)                                           \
	({                                                        \
		long __ret = (call);                              \
		if (__ret < 0)                                    \
			vfio_die("%s: errno %ld", #call, -__ret); \
		__ret;                                            \
	})

/* ioctl() with its errno as a negative value. */
#define vfio_ioctl(fd, cmd, arg)                \
	({                                      \
		long __r = ioctl(fd, cmd, arg); \
		__r < 0 ? -(long)errno : __r;   \
	})

/* A descriptor that is closed is -1, and may be closed again. */
void vfio_close(int *fd);

int __vfio_container_open(void);
int vfio_container_open(void);

/* Number of a PCI device's or a test device's IOMMU group. */
int __vfio_group_number(const char *device);
int vfio_group_number(const char *device);
int __vfio_group_open(int number);
int vfio_group_open(int number);
/* A group just given up may still be closing in another task. */
int vfio_group_open_wait(int number, int ms);
/* Whether one could open it, by then. */
bool vfio_group_free(int number);
int __vfio_group_set_container(int group, int container);
int __vfio_group_status(int group, __u32 *flags);
int __vfio_device_open(int group, const char *name);

int __vfio_map(int container, const void *vaddr, __u64 iova, __u64 size,
	       __u32 flags);
void vfio_map(int container, const void *vaddr, __u64 iova, __u64 size);
/* @unmapped may be NULL. */
int __vfio_unmap(int container, __u64 iova, __u64 size, __u32 flags,
		 __u64 *unmapped);
__u64 vfio_unmap(int container, __u64 iova, __u64 size);
__u64 vfio_unmap_all(int container);

/* The container's info, its capabilities behind it; to be freed. */
struct vfio_iommu_type1_info *vfio_iommu_info(int container);
struct vfio_info_cap_header *vfio_iommu_cap(struct vfio_iommu_type1_info *info,
					    __u16 id);
long vfio_dma_avail(int container);

/**
 * struct vfio_space - a container with one group and, perhaps, its device open
 * @container: fd
 * @group: fd
 * @device: fd or -1
 * @number: the group's number
 * @name: the device's name
 */
struct vfio_space {
	int container;
	int group;
	int device;
	int number;
	const char *name;
};

#define VFIO_SPACE_NONE \
	((struct vfio_space){.container = -1, .group = -1, .device = -1})

/* Opens container and group, attaches, sets @type unless it is 0. */
void vfio_space_open(struct vfio_space *space, const char *device, int type);
void vfio_space_open_device(struct vfio_space *space);
/* What is open of it, for good: it may be closed again. */
void vfio_space_close(struct vfio_space *space);

/* Of sysfs: in one write(). */
int __vfio_write_file(const char *path, const char *text);
int __vfio_pci_bind(const char *bdf);
int __vfio_pci_unbind(const char *bdf);

/* VFIO_DEVICE_FEATURE; @data is of @size bytes, at most 64. */
int __vfio_feature(int device, __u32 flags, void *data, size_t size);

struct vfio_region_info vfio_region(int device, unsigned int index);
/* A BAR as a whole, and its size; for munmap(). */
void *vfio_map_bar(int device, unsigned int index, __u64 *size);
__u32 vfio_config_read(int device, unsigned int offset, unsigned int size);
void vfio_config_write(int device, unsigned int offset, unsigned int size,
		       __u32 value);
void vfio_bus_master(int device, bool on);

/* Anonymous memory, filled so that every page is there. */
void *vfio_memory(size_t size, int more_flags);
/* The same, aligned to @align within a larger reservation. */
void *vfio_memory_aligned(size_t size, size_t align);

#endif /* _SELFTESTS_VFIO_H */
