// SPDX-License-Identifier: GPL-2.0-only
/* Stages of a race and what is done on them. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/emulated.h"
#include "lib/irq.h"
#include "lib/mdev.h"
#include "lib/opponents.h"
#include "lib/proc.h"

#define EMULATED "window-a"
#define PARENT	 "vfio_testparent.0"
#define TYPE	 "vfio_testparent-one"
#define DRIVER	 "/sys/bus/platform/drivers/vfio_testparent/"
#define UUID	 "83b8f4f2-509f-382f-3c1e-e6bfe0fa3001"

#define READ_WRITE 3 /* of a pin */

/* Another one's fd is not to be closed for one that was closed before. */
static void close_once(int *fd)
{
	int mine = __atomic_exchange_n(fd, -1, __ATOMIC_RELAXED);

	if (mine >= 0)
		close(mine);
}

static void stage_none(struct stage *s)
{
	*s = (struct stage){
		.space = VFIO_SPACE_NONE,
		.kvm = KVM_VM_NONE,
		.mem = vfio_memory(STAGE_PAGES * SZ_4K, 0),
		.testdev = testdev_open(),
		.event = -1,
	};
}

void stage_group(struct stage *s)
{
	stage_none(s);
	vfio_space_open(&s->space, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	vfio_map(s->space.container, s->mem, STAGE_IOVA, 16 * SZ_4K);
	if (kvm_load())
		kvm_vm_open(&s->kvm);
}

void stage_device(struct stage *s)
{
	stage_group(s);
	do_kvm(s);
	vfio_space_open_device(&s->space);
}

void stage_emulated(struct stage *s)
{
	stage_none(s);
	vfio_must(__testdev_create(s->testdev, EMULATED));
	vfio_space_open(&s->space, EMULATED, VFIO_TYPE1v2_IOMMU);
	vfio_space_open_device(&s->space);
	vfio_map(s->space.container, s->mem, STAGE_IOVA, 16 * SZ_4K);
	vfio_must(
		__testdev_pin(s->testdev, EMULATED, STAGE_IOVA, 3, READ_WRITE));
}

void stage_parent(struct stage *s)
{
	stage_none(s);
	if (access(DRIVER, F_OK) && system("modprobe vfio_testparent"))
		vfio_die("no vfio_testparent");
}

void stage_mediated(struct stage *s)
{
	stage_parent(s);
	vfio_must(__mdev_create(PARENT, TYPE, UUID));
}

void stage_intx(struct stage *s)
{
	struct intx intx;

	stage_none(s);
	vfio_must(__intx_open(&intx));
	s->space = intx.space;
	s->event = event_new();
	do_unmask_by(s);
	/* From now on each unmask finds it raised, which is the long way. */
	edu_irq_raise(&intx.edu, 1);
	/* It would hold the device open. */
	edu_close(&intx.edu);
}

void stage_close(struct stage *s)
{
	do_close_all(s);
	close_once(&s->kvm.vfio);
	close_once(&s->kvm.vm);
	close_once(&s->event);
}

bool stage_clear(void)
{
	int testdev = testdev_open();
	int group, ret;

	ret = __testdev_destroy(testdev, EMULATED);
	close(testdev);
	if (ret && ret != -ENOENT)
		return false;
	if (!access(DRIVER, F_OK)) {
		__vfio_write_file(DRIVER "bind", PARENT);
		__mdev_remove(UUID);
		if (mdev_exists(UUID))
			return false;
	}
	__vfio_pci_bind(EDU_BDF);
	group = vfio_group_open_wait(vfio_group_number(EDU_BDF), 10000);
	if (group < 0)
		return false;
	close(group);
	return true;
}

/* The containers' pieces that do_map() maps are above what the stage has. */
void do_map(struct stage *s)
{
	__vfio_map(s->space.container, s->mem + 16 * SZ_4K,
		   STAGE_IOVA + 16 * SZ_4K, 37 * SZ_4K, VFIO_RW);
	__vfio_map(s->space.container, s->mem, STAGE_IOVA, 16 * SZ_4K, VFIO_RW);
}

void do_unmap(struct stage *s)
{
	__vfio_unmap(s->space.container, STAGE_IOVA, 16 * SZ_4K, 0, NULL);
}

void do_unmap_all(struct stage *s)
{
	__vfio_unmap(s->space.container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, NULL);
}

void do_info(struct stage *s)
{
	struct vfio_iommu_type1_info info = {.argsz = sizeof(info)};

	vfio_ioctl(s->space.container, VFIO_IOMMU_GET_INFO, &info);
	vfio_ioctl(s->space.container, VFIO_CHECK_EXTENSION, VFIO_DMA_CC_IOMMU);
}

void do_dirty(struct stage *s)
{
	struct vfio_iommu_type1_dirty_bitmap arg = {
		.argsz = sizeof(arg),
		.flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_START,
	};

	vfio_ioctl(s->space.container, VFIO_IOMMU_DIRTY_PAGES, &arg);
	arg.flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP;
	vfio_ioctl(s->space.container, VFIO_IOMMU_DIRTY_PAGES, &arg);
}

void do_close_container(struct stage *s)
{
	close_once(&s->space.container);
}

void do_set_iommu(struct stage *s)
{
	vfio_ioctl(s->space.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);
}

void do_set_container(struct stage *s)
{
	__vfio_group_set_container(s->space.group, s->space.container);
	do_set_iommu(s);
}

void do_unset_container(struct stage *s)
{
	vfio_ioctl(s->space.group, VFIO_GROUP_UNSET_CONTAINER, 0);
}

void do_reattach(struct stage *s)
{
	do_unset_container(s);
	do_set_container(s);
}

void do_status(struct stage *s)
{
	__u32 flags;

	__vfio_group_status(s->space.group, &flags);
}

/* A second open is refused as long as there is a first. */
void do_reopen_group(struct stage *s)
{
	int group = __vfio_group_open(s->space.number);

	if (group < 0)
		return;
	__vfio_group_set_container(group, s->space.container);
	do_set_iommu(s);
	close(group);
}

void do_close_group(struct stage *s)
{
	close_once(&s->space.group);
}

void do_close_all(struct stage *s)
{
	close_once(&s->space.device);
	close_once(&s->space.group);
	close_once(&s->space.container);
}

void do_external(struct stage *s)
{
	struct vfio_testdev_external e;

	if (!__testdev_external_get(s->testdev, s->space.group, &e))
		__testdev_external_put(s->testdev, e.slot);
}

void do_kvm(struct stage *s)
{
	if (s->kvm.vfio < 0)
		return;
	__kvm_vfio_add(s->kvm.vfio, s->space.group);
	__kvm_vfio_del(s->kvm.vfio, s->space.group);
}

void do_open_device(struct stage *s)
{
	int device = __vfio_device_open(s->space.group, s->space.name);

	if (device >= 0)
		close(device);
}

void do_close_device(struct stage *s)
{
	close_once(&s->space.device);
}

void do_reopen_device(struct stage *s)
{
	do_close_device(s);
	do_open_device(s);
}

void do_reset(struct stage *s)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};

	vfio_ioctl(s->space.device, VFIO_DEVICE_GET_INFO, &info);
	vfio_ioctl(s->space.device, VFIO_DEVICE_RESET, 0);
}

void do_unbind(struct stage *s)
{
	__vfio_pci_unbind(EDU_BDF);
	__vfio_pci_bind(EDU_BDF);
}

void do_destroy(struct stage *s)
{
	__testdev_destroy(s->testdev, EMULATED);
}

void do_pin(struct stage *s)
{
	__testdev_pin(s->testdev, EMULATED, STAGE_IOVA + SZ_4K, 5, READ_WRITE);
}

void do_unpin(struct stage *s)
{
	__testdev_unpin(s->testdev, EMULATED, STAGE_IOVA + SZ_4K, 5);
}

void do_rw(struct stage *s)
{
	char data[7] = "window";

	__testdev_rw(s->testdev, EMULATED, STAGE_IOVA + SZ_4K - 3, data,
		     sizeof(data),
		     VFIO_TESTDEV_RW_WRITE | VFIO_TESTDEV_RW_KTHREAD);
}

void do_mdev_create(struct stage *s)
{
	__mdev_create(PARENT, TYPE, UUID);
}

void do_mdev_remove(struct stage *s)
{
	__mdev_remove(UUID);
}

void do_mdev_look(struct stage *s)
{
	mdev_available(PARENT, TYPE);
	mdev_exists(UUID);
	sysfs_entries(MDEV_PARENTS PARENT MDEV_TYPES TYPE "/devices");
	sysfs_leads_to(MDEV_DEVICES UUID "/mdev_type", TYPE);
}

void do_mdev_unbind(struct stage *s)
{
	__vfio_write_file(DRIVER "unbind", PARENT);
	__vfio_write_file(DRIVER "bind", PARENT);
}

void do_unmask_by(struct stage *s)
{
	__vfio_irq_eventfd(s->space.device, INTX, UNMASK, s->event);
}

void do_unmask_by_none(struct stage *s)
{
	__vfio_irq_eventfd(s->space.device, INTX, UNMASK, -1);
}

void do_signal(struct stage *s)
{
	const __u64 one = 1;

	if (write(s->event, &one, sizeof(one)) < 0)
		return;
}

void do_close_event(struct stage *s)
{
	close_once(&s->event);
}
