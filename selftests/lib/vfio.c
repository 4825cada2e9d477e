// SPDX-License-Identifier: GPL-2.0-only
/* Containers, groups, devices and mappings, for tests. */
#include <fcntl.h>
#include <limits.h>
#include <linux/pci_regs.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "lib/vfio.h"

void __vfio_die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	fflush(stdout);
	_exit(1);
}

static int fd_or_errno(int fd)
{
	return fd < 0 ? -errno : fd;
}

void vfio_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int __vfio_container_open(void)
{
	return fd_or_errno(open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC));
}

int vfio_container_open(void)
{
	return vfio_must(__vfio_container_open());
}

int __vfio_group_number(const char *device)
{
	static const char *const buses[] = {"pci", "platform", "mdev"};
	char path[128], target[PATH_MAX];

	for (size_t i = 0; i < sizeof(buses) / sizeof(*buses); i++) {
		ssize_t len;

		snprintf(path, sizeof(path),
			 "/sys/bus/%s/devices/%s/iommu_group", buses[i],
			 device);
		len = readlink(path, target, sizeof(target) - 1);
		if (len > 0) {
			target[len] = '\0';
			return atoi(strrchr(target, '/') + 1);
		}
	}
	return -ENODEV;
}

int vfio_group_number(const char *device)
{
	return vfio_must(__vfio_group_number(device));
}

int __vfio_group_open(int number)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/%d", number);
	return fd_or_errno(open(path, O_RDWR | O_CLOEXEC));
}

int vfio_group_open(int number)
{
	return vfio_must(__vfio_group_open(number));
}

int vfio_group_open_wait(int number, int ms)
{
	const struct timespec tick = {.tv_nsec = 1000000};
	int fd;

	while ((fd = __vfio_group_open(number)) == -EBUSY && ms-- > 0)
		nanosleep(&tick, NULL);
	return fd;
}

bool vfio_group_free(int number)
{
	int fd = vfio_group_open_wait(number, 2000);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int __vfio_group_set_container(int group, int container)
{
	return vfio_ioctl(group, VFIO_GROUP_SET_CONTAINER, &container);
}

int __vfio_group_status(int group, __u32 *flags)
{
	struct vfio_group_status status = {.argsz = sizeof(status)};
	int ret = vfio_ioctl(group, VFIO_GROUP_GET_STATUS, &status);

	*flags = status.flags;
	return ret;
}

int __vfio_device_open(int group, const char *name)
{
	return vfio_ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name);
}

int __vfio_map(int container, const void *vaddr, __u64 iova, __u64 size,
	       __u32 flags)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = flags,
		.vaddr = (uintptr_t)vaddr,
		.iova = iova,
		.size = size,
	};

	return vfio_ioctl(container, VFIO_IOMMU_MAP_DMA, &map);
}

void vfio_map(int container, const void *vaddr, __u64 iova, __u64 size)
{
	int ret = __vfio_map(container, vaddr, iova, size, VFIO_RW);

	if (ret)
		vfio_die("map of 0x%llx at 0x%llx: errno %d", size, iova, -ret);
}

int __vfio_unmap(int container, __u64 iova, __u64 size, __u32 flags,
		 __u64 *unmapped)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = flags,
		.iova = iova,
		.size = size,
	};
	int ret = vfio_ioctl(container, VFIO_IOMMU_UNMAP_DMA, &unmap);

	if (unmapped)
		*unmapped = unmap.size;
	return ret;
}

__u64 vfio_unmap(int container, __u64 iova, __u64 size)
{
	__u64 unmapped;
	int ret = __vfio_unmap(container, iova, size, 0, &unmapped);

	if (ret)
		vfio_die("unmap of 0x%llx at 0x%llx: errno %d", size, iova,
			 -ret);
	return unmapped;
}

__u64 vfio_unmap_all(int container)
{
	__u64 unmapped;

	vfio_must(__vfio_unmap(container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL,
			       &unmapped));
	return unmapped;
}

struct vfio_iommu_type1_info *vfio_iommu_info(int container)
{
	struct vfio_iommu_type1_info *info = calloc(1, SZ_4K);

	info->argsz = SZ_4K;
	vfio_must(vfio_ioctl(container, VFIO_IOMMU_GET_INFO, info));
	return info;
}

struct vfio_info_cap_header *vfio_iommu_cap(struct vfio_iommu_type1_info *info,
					    __u16 id)
{
	__u32 offset =
		info->flags & VFIO_IOMMU_INFO_CAPS ? info->cap_offset : 0;

	while (offset) {
		struct vfio_info_cap_header *cap =
			(void *)((char *)info + offset);

		if (cap->id == id)
			return cap;
		offset = cap->next;
	}
	return NULL;
}

long vfio_dma_avail(int container)
{
	struct vfio_iommu_type1_info *info = vfio_iommu_info(container);
	struct vfio_iommu_type1_info_dma_avail *cap =
		(void *)vfio_iommu_cap(info, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL);
	long avail = cap ? (long)cap->avail : -1;

	free(info);
	return avail;
}

void vfio_space_open(struct vfio_space *space, const char *device, int type)
{
	space->name = device;
	space->device = -1;
	space->number = vfio_group_number(device);
	space->container = vfio_container_open();
	space->group = vfio_must(vfio_group_open_wait(space->number, 2000));
	vfio_must(__vfio_group_set_container(space->group, space->container));
	if (type)
		vfio_must(vfio_ioctl(space->container, VFIO_SET_IOMMU, type));
}

void vfio_space_open_device(struct vfio_space *space)
{
	space->device =
		vfio_must(__vfio_device_open(space->group, space->name));
}

void vfio_space_close(struct vfio_space *space)
{
	vfio_close(&space->device);
	vfio_close(&space->group);
	vfio_close(&space->container);
}

int __vfio_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

int __vfio_pci_unbind(const char *bdf)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver/unbind",
		 bdf);
	return __vfio_write_file(path, bdf);
}

int __vfio_pci_bind(const char *bdf)
{
	char path[128];
	int ret;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver_override",
		 bdf);
	ret = __vfio_write_file(path, "vfio-pci");
	return ret ? ret : __vfio_write_file("/sys/bus/pci/drivers_probe", bdf);
}

int __vfio_feature(int device, __u32 flags, void *data, size_t size)
{
	struct {
		struct vfio_device_feature head;
		char data[64];
	} arg = {.head = {.argsz = sizeof(arg.head) + size, .flags = flags}};
	int ret;

	if (size > sizeof(arg.data))
		vfio_die("a feature of %zu bytes", size);
	if (size)
		memcpy(arg.data, data, size);
	ret = vfio_ioctl(device, VFIO_DEVICE_FEATURE, &arg);
	if (size)
		memcpy(data, arg.data, size);
	return ret;
}

struct vfio_region_info vfio_region(int device, unsigned int index)
{
	struct vfio_region_info info = {.argsz = sizeof(info), .index = index};

	vfio_must(vfio_ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info));
	return info;
}

void *vfio_map_bar(int device, unsigned int index, __u64 *size)
{
	struct vfio_region_info bar = vfio_region(device, index);
	void *at = mmap(NULL, bar.size, PROT_READ | PROT_WRITE, MAP_SHARED,
			device, bar.offset);

	if (at == MAP_FAILED)
		vfio_die("mmap of region %u: %m", index);
	*size = bar.size;
	return at;
}

static __u64 config_offset(int device)
{
	return vfio_region(device, VFIO_PCI_CONFIG_REGION_INDEX).offset;
}

__u32 vfio_config_read(int device, unsigned int offset, unsigned int size)
{
	__u32 value = 0;

	if (pread(device, &value, size, config_offset(device) + offset) !=
	    (ssize_t)size)
		vfio_die("config read at 0x%x: %m", offset);
	return value;
}

void vfio_config_write(int device, unsigned int offset, unsigned int size,
		       __u32 value)
{
	if (pwrite(device, &value, size, config_offset(device) + offset) !=
	    (ssize_t)size)
		vfio_die("config write at 0x%x: %m", offset);
}

void vfio_bus_master(int device, bool on)
{
	__u32 command = vfio_config_read(device, PCI_COMMAND, 2);

	command |= PCI_COMMAND_MEMORY;
	command &= ~PCI_COMMAND_MASTER;
	vfio_config_write(device, PCI_COMMAND, 2,
			  command | (on ? PCI_COMMAND_MASTER : 0));
}

void *vfio_memory(size_t size, int more_flags)
{
	void *mem = mmap(
		NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | more_flags, -1, 0);

	if (mem == MAP_FAILED)
		vfio_die("mmap of %zu bytes: %m", size);
	return mem;
}

void *vfio_memory_aligned(size_t size, size_t align)
{
	uintptr_t raw =
		(uintptr_t)mmap(NULL, size + align, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if ((void *)raw == MAP_FAILED)
		vfio_die("mmap of %zu bytes: %m", size + align);
	return (void *)((raw + align - 1) & ~(uintptr_t)(align - 1));
}
