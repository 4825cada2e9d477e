/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What races: a stage, on which a few objects are open, and deeds that threads do
 * to them at once. A deed's outcome is not looked at: whatever it meets there,
 * also an fd that another one has closed, it may fail, and must do no harm.
 */
#ifndef _SELFTESTS_OPPONENTS_H
#define _SELFTESTS_OPPONENTS_H

#include "lib/kvm.h"
#include "lib/vfio.h"

#define STAGE_IOVA  0x10000000ULL
#define STAGE_PAGES 64

/**
 * struct stage - what is open
 * @space: container, group and device
 * @kvm: a VM, where the machine has any
 * @mem: memory to map, STAGE_PAGES of it
 * @testdev: fd of the test module
 * @event: an eventfd that unmasks INTx
 */
struct stage {
	struct vfio_space space;
	struct kvm_vm kvm;
	char *mem;
	int testdev;
	int event;
};

typedef void (*deed)(struct stage *);

/*
 * Stages: a device behind the IOMMU, open or only in a container; one without an
 * IOMMU, made by the test module; a mediated device; edu with its INTx on.
 */
void stage_device(struct stage *s);
void stage_group(struct stage *s);
void stage_emulated(struct stage *s);
void stage_mediated(struct stage *s);
void stage_parent(struct stage *s);
void stage_intx(struct stage *s);
/* Everything that is open, so that whoever waits for that goes on. */
void stage_close(struct stage *s);
/* As before the stage was set; false if something is left. */
bool stage_clear(void);

/* Of the container. */
void do_map(struct stage *s);
void do_unmap(struct stage *s);
void do_unmap_all(struct stage *s);
void do_info(struct stage *s);
void do_dirty(struct stage *s);
void do_close_container(struct stage *s);
void do_set_iommu(struct stage *s);
/* Of the group. */
void do_set_container(struct stage *s);
void do_unset_container(struct stage *s);
/* Out of the container and in again. */
void do_reattach(struct stage *s);
void do_status(struct stage *s);
void do_reopen_group(struct stage *s);
void do_close_group(struct stage *s);
/* The device first, which keeps the group's file. */
void do_close_all(struct stage *s);
void do_external(struct stage *s);
void do_kvm(struct stage *s);
/* Of the device. */
void do_open_device(struct stage *s);
void do_close_device(struct stage *s);
void do_reopen_device(struct stage *s);
void do_reset(struct stage *s);
/* These wait until the device is closed. */
void do_unbind(struct stage *s);
void do_destroy(struct stage *s);
/* Of a device without an IOMMU. */
void do_pin(struct stage *s);
void do_unpin(struct stage *s);
void do_rw(struct stage *s);
/* Of mediated devices and their parent. */
void do_mdev_create(struct stage *s);
void do_mdev_remove(struct stage *s);
void do_mdev_look(struct stage *s);
void do_mdev_unbind(struct stage *s);
/* Of interrupts. */
void do_unmask_by(struct stage *s);
void do_unmask_by_none(struct stage *s);
void do_signal(struct stage *s);
void do_close_event(struct stage *s);

#endif /* _SELFTESTS_OPPONENTS_H */
