// SPDX-License-Identifier: GPL-2.0-only
/*
 * A group that KVM's VFIO device holds is linked with its VM. Whatever the order
 * in which VM, group, container and device come and go: the group is linked and
 * unlinked as often as it should be, a device that is opened meanwhile sees its
 * VM, and what only KVM still holds is busy until KVM lets go. Where the modules
 * are ours, their trace events do the counting.
 */
#include <pthread.h>
#include <stdio.h>

#include "kselftest_harness.h"
#include "lib/emulated.h"
#include "lib/events.h"
#include "lib/kvm.h"
#include "lib/proc.h"
#include "lib/vfio.h"

#define EMULATED "links-a"
#define EDU_ID	 0x11e81234
#define IOVA	 0x10000000ULL
#define ROUNDS	 211

FIXTURE(links)
{
	struct events e;
	struct vfio_space a, b;
	struct kvm_vm vm, other;
	int testdev;
	long pinned;
};

FIXTURE_SETUP(links)
{
	if (!kvm_load())
		SKIP(return, "no KVM in this machine");
	self->a = self->b = VFIO_SPACE_NONE;
	self->other = KVM_VM_NONE;
	self->testdev = testdev_open();
	vfio_must(__testdev_create(self->testdev, EMULATED));
	self->pinned = pinned_pages();
	if (ours_loaded())
		events_begin();
	kvm_vm_open(&self->vm);
}

static int links_of(const struct events *e, const char *group, int linked)
{
	const char *at = NULL;
	int n = 0;

	while ((at = events_next(e, "vfio_group_set_kvm", at)))
		n += event_number(at, "linked") == linked &&
		     (!group || event_word(at, "group", group));
	return n;
}

/* Whether that group, or any at -1, was linked and unlinked so often so far;
 * stock modules do not say.
 */
static bool linked(struct events *e, int number, int links, int unlinks)
{
	char group[16];
	int seen[2];

	if (!ours_loaded())
		return true;
	snprintf(group, sizeof(group), "%d", number);
	events_read(e);
	for (int i = 0; i < 2; i++)
		seen[i] = links_of(e, number < 0 ? NULL : group, i);
	if (seen[1] == links && seen[0] == unlinks)
		return true;
	printf("# group %d: linked %d times, unlinked %d times\n", number,
	       seen[1], seen[0]);
	return false;
}

/* What was linked is unlinked, and what was held can be opened. */
FIXTURE_TEARDOWN(links)
{
	if (!kvm_load())
		return;
	vfio_space_close(&self->a);
	vfio_space_close(&self->b);
	kvm_vm_close(&self->vm);
	kvm_vm_close(&self->other);
	if (ours_loaded()) {
		events_read(&self->e);
		EXPECT_EQ(links_of(&self->e, NULL, 1),
			  links_of(&self->e, NULL, 0));
		events_drop(&self->e);
	}
	EXPECT_TRUE(pinned_settles(self->pinned));
	__testdev_destroy(self->testdev, EMULATED);
	close(self->testdev);
}

#define LINKED(number, links, unlinks) \
	EXPECT_TRUE(linked(&self->e, number, links, unlinks))
#define stats() testdev_stats(self->testdev, EMULATED)

/* Step @when of an emulated device's way into use is followed by the link. */
static void open_and_link(struct vfio_space *s, int vfio, int when)
{
	s->name = EMULATED;
	s->number = vfio_group_number(EMULATED);
	s->group = vfio_must(vfio_group_open_wait(s->number, 2000));
	s->container = vfio_container_open();
	for (int step = 0; step < 4; step++) {
		if (step == 1)
			vfio_must(__vfio_group_set_container(s->group,
							     s->container));
		if (step == 2)
			vfio_must(vfio_ioctl(s->container, VFIO_SET_IOMMU,
					     VFIO_TYPE1v2_IOMMU));
		if (step == 3)
			vfio_space_open_device(s);
		if (step == when)
			vfio_must(__kvm_vfio_add(vfio, s->group));
	}
}

TEST_F(links, at_any_time)
{
	/* Before the container, before its IOMMU, before and after the device. */
	for (int when = 0; when < 4; when++) {
		open_and_link(&self->a, self->vm.vfio, when);
		EXPECT_EQ(when + 1, stats().opens);
		EXPECT_EQ(when < 3, stats().kvm);
		LINKED(self->a.number, when + 1, when);
		EXPECT_EQ(0, __kvm_vfio_del(self->vm.vfio, self->a.group));
		LINKED(self->a.number, when + 1, when + 1);
		vfio_space_close(&self->a);
	}
}

/* A device has the VM of its first open, until its last close. */
TEST_F(links, device_has_the_vm_it_was_opened_with)
{
	int second;

	vfio_space_open(&self->a, EMULATED, VFIO_TYPE1v2_IOMMU);
	vfio_space_open_device(&self->a);
	EXPECT_EQ(0, __kvm_vfio_add(self->vm.vfio, self->a.group));
	second = vfio_must(__vfio_device_open(self->a.group, EMULATED));
	EXPECT_EQ(1, stats().opens);
	EXPECT_EQ(0, stats().kvm);
	close(second);
	vfio_close(&self->a.device);

	vfio_space_open_device(&self->a);
	EXPECT_EQ(2, stats().opens);
	EXPECT_EQ(1, stats().kvm);
	EXPECT_EQ(0, __kvm_vfio_del(self->vm.vfio, self->a.group));
	EXPECT_EQ(1, stats().opened);
	vfio_close(&self->a.device);

	vfio_space_open_device(&self->a);
	EXPECT_EQ(3, stats().opens);
	EXPECT_EQ(0, stats().kvm);
	LINKED(self->a.number, 1, 1);
}

TEST_F(links, unlinked_while_the_device_is_open)
{
	vfio_space_open(&self->a, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	ASSERT_EQ(0, __kvm_vfio_add(self->vm.vfio, self->a.group));
	vfio_space_open_device(&self->a);
	EXPECT_EQ(0, __kvm_vfio_del(self->vm.vfio, self->a.group));
	EXPECT_EQ(EDU_ID, vfio_config_read(self->a.device, 0, 4));
	EXPECT_EQ(0, __kvm_vfio_add(self->vm.vfio, self->a.group));
	LINKED(self->a.number, 2, 1);
}

/*
 * The VM goes first; the device has the group by itself. It has the VM, too,
 * except on kernels before 2b48f52f2bff, whose devices only point at it.
 */
TEST_F(links, vm_ends_first)
{
	bool keeps = ours_loaded() || kernel_has("vfio_device_put_kvm");
	void *mem = vfio_memory(7 * SZ_4K, 0);
	int vm = self->vm.vm;

	vfio_space_open(&self->a, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	ASSERT_EQ(0, __kvm_vfio_add(self->vm.vfio, self->a.group));
	vfio_space_open_device(&self->a);
	vfio_map(self->a.container, mem, 0, 7 * SZ_4K);
	EXPECT_TRUE(kvm_vm_exists(vm));
	kvm_vm_close(&self->vm);
	LINKED(self->a.number, 1, 1);
	EXPECT_EQ(keeps, kvm_vm_exists(vm));
	EXPECT_EQ(EDU_ID, vfio_config_read(self->a.device, 0, 4));
	EXPECT_EQ(self->pinned + 7, pinned_pages());
	EXPECT_EQ(7 * SZ_4K, vfio_unmap_all(self->a.container));
	vfio_close(&self->a.device);
	EXPECT_FALSE(kvm_vm_exists(vm));
	/* Opened once more it has none. */
	vfio_space_open_device(&self->a);
	LINKED(self->a.number, 1, 1);
}

TEST_F(links, group_closed_first)
{
	void *mem = vfio_memory(5 * SZ_4K, 0);

	vfio_space_open(&self->a, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	vfio_map(self->a.container, mem, IOVA, 5 * SZ_4K);
	ASSERT_EQ(0, __kvm_vfio_add(self->vm.vfio, self->a.group));
	vfio_space_close(&self->a);
	/* KVM has the file, and the file has the attachment. */
	EXPECT_EQ(-EBUSY, __vfio_group_open(self->a.number));
	EXPECT_EQ(self->pinned + 5, pinned_pages());
	/* Its VFIO device holds the VM. */
	vfio_close(&self->vm.vm);
	EXPECT_EQ(-EBUSY, __vfio_group_open(self->a.number));
	LINKED(self->a.number, 1, 0);
	vfio_close(&self->vm.vfio);
	EXPECT_TRUE(vfio_group_free(self->a.number));
	EXPECT_TRUE(pinned_settles(self->pinned));
	LINKED(self->a.number, 1, 1);
}

TEST_F(links, vfio_device_goes_before_its_vm)
{
	vfio_space_open(&self->a, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	ASSERT_EQ(0, __kvm_vfio_add(self->vm.vfio, self->a.group));
	vfio_space_close(&self->a);
	EXPECT_EQ(-EBUSY, __vfio_group_open(self->a.number));
	vfio_close(&self->vm.vfio);
	EXPECT_TRUE(vfio_group_free(self->a.number));
	EXPECT_TRUE(kvm_vm_exists(self->vm.vm));
	LINKED(self->a.number, 1, 1);
}

/* Where KVM takes the files of devices: one keeps its device open. */
TEST_F(links, a_device_by_its_file)
{
	if (!kernel_has("vfio_file_is_valid"))
		SKIP(return, "this kernel's KVM holds groups alone");
	vfio_space_open(&self->a, EMULATED, VFIO_TYPE1v2_IOMMU);
	vfio_space_open_device(&self->a);
	EXPECT_EQ(0, __kvm_vfio_add(self->vm.vfio, self->a.device));
	vfio_space_close(&self->a);
	EXPECT_EQ(1, stats().opened);
	EXPECT_EQ(-EBUSY, __vfio_group_open(self->a.number));
	kvm_vm_close(&self->vm);
	EXPECT_TRUE(vfio_group_free(self->a.number));
	EXPECT_EQ(0, stats().opened);
	/* The file knows its VM, the group was told of none. */
	LINKED(-1, 0, 0);
}

TEST_F(links, two_vms_with_a_group_each)
{
	kvm_vm_open(&self->other);
	vfio_space_open(&self->a, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	vfio_space_open(&self->b, E1000E_BDF, VFIO_TYPE1v2_IOMMU);
	ASSERT_EQ(0, __kvm_vfio_add(self->vm.vfio, self->a.group));
	ASSERT_EQ(0, __kvm_vfio_add(self->other.vfio, self->b.group));
	EXPECT_EQ(-ENOENT, __kvm_vfio_del(self->vm.vfio, self->b.group));
	vfio_space_close(&self->a);
	vfio_space_close(&self->b);
	kvm_vm_close(&self->vm);
	EXPECT_TRUE(vfio_group_free(self->a.number));
	EXPECT_EQ(-EBUSY, __vfio_group_open(self->b.number));
	LINKED(self->a.number, 1, 1);
	LINKED(self->b.number, 1, 0);
	kvm_vm_close(&self->other);
	EXPECT_TRUE(vfio_group_free(self->b.number));
	LINKED(self->b.number, 1, 1);
}

TEST_F(links, one_vm_with_two_groups)
{
	vfio_space_open(&self->a, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	vfio_space_open(&self->b, E1000E_BDF, VFIO_TYPE1v2_IOMMU);
	ASSERT_EQ(0, __kvm_vfio_add(self->vm.vfio, self->a.group));
	ASSERT_EQ(0, __kvm_vfio_add(self->vm.vfio, self->b.group));
	EXPECT_EQ(-EEXIST, __kvm_vfio_add(self->vm.vfio, self->a.group));
	EXPECT_EQ(-EEXIST, __kvm_vfio_add(self->vm.vfio, self->b.group));
	EXPECT_EQ(0, __kvm_vfio_del(self->vm.vfio, self->a.group));
	LINKED(self->a.number, 1, 1);
	LINKED(self->b.number, 1, 0);
	vfio_space_close(&self->a);
	vfio_space_close(&self->b);
	EXPECT_TRUE(vfio_group_free(self->a.number));
	EXPECT_EQ(-EBUSY, __vfio_group_open(self->b.number));
	kvm_vm_close(&self->vm);
	EXPECT_TRUE(vfio_group_free(self->b.number));
	LINKED(-1, 2, 2);
}

/* Nobody keeps a second VM from it. There is one link: the last word counts. */
TEST_F(links, two_vms_with_one_group)
{
	kvm_vm_open(&self->other);
	vfio_space_open(&self->a, EMULATED, VFIO_TYPE1v2_IOMMU);
	EXPECT_EQ(0, __kvm_vfio_add(self->vm.vfio, self->a.group));
	EXPECT_EQ(0, __kvm_vfio_add(self->other.vfio, self->a.group));
	vfio_space_open_device(&self->a);
	EXPECT_EQ(1, stats().kvm);
	vfio_close(&self->a.device);
	EXPECT_EQ(0, __kvm_vfio_del(self->vm.vfio, self->a.group));
	vfio_space_open_device(&self->a);
	EXPECT_EQ(0, stats().kvm);
	LINKED(self->a.number, 2, 1);
	/* But both hold the file. */
	vfio_space_close(&self->a);
	EXPECT_EQ(-EBUSY, __vfio_group_open(self->a.number));
	kvm_vm_close(&self->other);
	EXPECT_TRUE(vfio_group_free(self->a.number));
	LINKED(self->a.number, 2, 2);
}

TEST_F(links, device_removed_while_linked)
{
	vfio_space_open(&self->a, EMULATED, VFIO_TYPE1v2_IOMMU);
	ASSERT_EQ(0, __kvm_vfio_add(self->vm.vfio, self->a.group));
	EXPECT_EQ(0, __testdev_destroy(self->testdev, EMULATED));
	EXPECT_EQ(-ENODEV, __vfio_device_open(self->a.group, EMULATED));
	LINKED(self->a.number, 1, 0);
	EXPECT_EQ(0, __kvm_vfio_del(self->vm.vfio, self->a.group));
	EXPECT_EQ(0, __kvm_vfio_add(self->vm.vfio, self->a.group));
	kvm_vm_close(&self->vm);
	LINKED(self->a.number, 2, 2);
}

/* In a child, which has the VM's fds still. */
static void close_space(void *arg)
{
	vfio_space_close(arg);
}

TEST_F(links, inherited)
{
	pid_t pid;

	vfio_space_open(&self->a, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	ASSERT_EQ(0, __kvm_vfio_add(self->vm.vfio, self->a.group));
	pid = child_start(close_space, &self->a);
	vfio_space_close(&self->a);
	kvm_vm_close(&self->vm);
	EXPECT_EQ(-EBUSY, __vfio_group_open(self->a.number));
	LINKED(self->a.number, 1, 0);
	child_kill(pid);
	EXPECT_TRUE(vfio_group_free(self->a.number));
	LINKED(self->a.number, 1, 1);
}

/* A VMM with all of it open and memory mapped; to be killed so. */
static void vmm(void *mem)
{
	struct vfio_space s;
	struct kvm_vm vm;

	kvm_vm_open(&vm);
	vfio_space_open(&s, EDU_BDF, VFIO_TYPE1v2_IOMMU);
	vfio_must(__kvm_vfio_add(vm.vfio, s.group));
	vfio_space_open_device(&s);
	vfio_map(s.container, mem, IOVA, 13 * SZ_4K);
}

TEST_F(links, killed)
{
	void *mem = vfio_memory(13 * SZ_4K, 0);
	int number = vfio_group_number(EDU_BDF);
	pid_t pid = child_start(vmm, mem);

	LINKED(number, 1, 0);
	EXPECT_EQ(-EBUSY, __vfio_group_open(number));
	EXPECT_EQ(self->pinned + 13, pinned_pages());
	child_kill(pid);
	EXPECT_TRUE(vfio_group_free(number));
	EXPECT_TRUE(pinned_settles(self->pinned));
	LINKED(number, 1, 1);
}

/* What one of several threads did to the list. */
struct racer {
	pthread_t thread;
	int vfio;
	int group;
	int added;
	int deleted;
	int wrong;
};

static void *race(void *arg)
{
	struct racer *r = arg;
	int ret;

	for (int i = 0; i < ROUNDS; i++) {
		ret = __kvm_vfio_add(r->vfio, r->group);
		r->added += !ret;
		r->wrong += ret && ret != -EEXIST;
		ret = __kvm_vfio_del(r->vfio, r->group);
		r->deleted += !ret;
		r->wrong += ret && ret != -ENOENT;
	}
	return NULL;
}

TEST_F(links, raced)
{
	struct racer racers[2];

	vfio_space_open(&self->a, EMULATED, VFIO_TYPE1v2_IOMMU);
	for (int i = 0; i < 2; i++) {
		racers[i] = (struct racer){.vfio = self->vm.vfio,
					   .group = self->a.group};
		pthread_create(&racers[i].thread, NULL, race, &racers[i]);
	}
	/* Each open finds a VM or none, and gives it back. */
	for (int i = 0; i < ROUNDS; i++) {
		vfio_space_open_device(&self->a);
		vfio_close(&self->a.device);
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(racers[i].thread, NULL);
		EXPECT_EQ(0, racers[i].wrong);
	}
	EXPECT_EQ(ROUNDS, stats().opens);
	EXPECT_EQ(ROUNDS, stats().closes);
	EXPECT_GE(racers[0].added + racers[1].added, ROUNDS);
	EXPECT_EQ(racers[0].added + racers[1].added,
		  racers[0].deleted + racers[1].deleted);
	LINKED(self->a.number, racers[0].added + racers[1].added,
	       racers[0].deleted + racers[1].deleted);
}

TEST_HARNESS_MAIN
