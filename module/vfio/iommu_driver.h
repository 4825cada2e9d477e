/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the core and an IOMMU backend know of each other.
 *
 * The core chooses a backend when user space sets a container's IOMMU, hands it
 * the container's groups, forwards it the ioctls that are not its own, and
 * speaks for devices that have no IOMMU (pin, unpin, dma_rw).
 *
 * The order of the members of struct vfio_iommu_driver_ops is that of the
 * kernel's own modules: a backend built against those headers registers with
 * this core, and ours with theirs. What only we have is in struct
 * vfio_iommu_driver_ext, so that no backend is read beyond its end.
 */
#ifndef _VFIO_IOMMU_DRIVER_H
#define _VFIO_IOMMU_DRIVER_H

#include <linux/types.h>

struct iommu_domain;
struct iommu_group;
struct module;
struct page;
struct vfio_device;

/**
 * enum vfio_group_type - what stands behind a group
 * @VFIO_IOMMU: physical devices behind an IOMMU
 * @VFIO_EMULATED_IOMMU: a device without DMA of its own; its group is made by
 *	the core because user space expects one, and its memory accesses go
 *	through vfio_pin_pages() and vfio_dma_rw()
 * @VFIO_NO_IOMMU: kept for its number; neither supported kernel enables it
 */
enum vfio_group_type {
	VFIO_IOMMU,
	VFIO_EMULATED_IOMMU,
	VFIO_NO_IOMMU,
};

/**
 * enum vfio_iommu_notify_type - what @notify is told
 * @VFIO_IOMMU_CONTAINER_CLOSE: the container's last fd was closed (only on
 *	kernels whose backends wait for a new vaddr, see compat/vfio.h)
 */
enum vfio_iommu_notify_type {
	VFIO_IOMMU_CONTAINER_CLOSE = 0,
};

/**
 * struct vfio_iommu_driver_ops - the calls of an IOMMU backend
 *
 * All run in process context and may sleep. The core holds the container's
 * group_lock around @open, @release, @attach_group and @detach_group, and the
 * lock of the device's set around @register_device and @unregister_device.
 * @ioctl, @notify and the calls for emulated devices run without a lock of the
 * core and in any number at once, also beside those above; the core only sees
 * to it that they are over before @release begins. A device that is registered
 * counts as open. @ioctl is called with NULL
 * data, for VFIO_CHECK_EXTENSION, before there is any.
 */
struct vfio_iommu_driver_ops {
	char		*name;
	struct module	*owner;
	void		*(*open)(unsigned long arg);
	void		(*release)(void *iommu_data);
	long		(*ioctl)(void *iommu_data, unsigned int cmd,
				 unsigned long arg);
	int		(*attach_group)(void *iommu_data,
					struct iommu_group *group,
					enum vfio_group_type type);
	void		(*detach_group)(void *iommu_data,
					struct iommu_group *group);
	int		(*pin_pages)(void *iommu_data,
				     struct iommu_group *group,
				     dma_addr_t user_iova, int npage, int prot,
				     struct page **pages);
	void		(*unpin_pages)(void *iommu_data, dma_addr_t user_iova,
				       int npage);
	void		(*register_device)(void *iommu_data,
					   struct vfio_device *vdev);
	void		(*unregister_device)(void *iommu_data,
					     struct vfio_device *vdev);
	int		(*dma_rw)(void *iommu_data, dma_addr_t user_iova,
				  void *data, size_t count, bool write);
	struct iommu_domain *(*group_iommu_domain)(void *iommu_data,
						   struct iommu_group *group);
	/* Absent, and never read, on kernels whose ops end above. */
	void		(*notify)(void *iommu_data,
				  enum vfio_iommu_notify_type event);
};

/**
 * struct vfio_iommu_driver_ext - what our backends offer beyond stock's
 * @set_container: called once after @open with the id that trace events give
 *	the container
 */
struct vfio_iommu_driver_ext {
	void		(*set_container)(void *iommu_data, u32 container);
};

int vfio_register_iommu_driver(const struct vfio_iommu_driver_ops *ops);
int vfio_register_iommu_driver_ext(const struct vfio_iommu_driver_ops *ops,
				   const struct vfio_iommu_driver_ext *ext);
void vfio_unregister_iommu_driver(const struct vfio_iommu_driver_ops *ops);

#endif /* _VFIO_IOMMU_DRIVER_H */
