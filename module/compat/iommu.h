/* SPDX-License-Identifier: GPL-2.0-only */
/* Where kernels differ in the IOMMU API. */
#ifndef _VFIO_COMPAT_IOMMU_H
#define _VFIO_COMPAT_IOMMU_H

#include <linux/device.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/iommu.h>
#include <linux/irqdomain.h>
#include <linux/property.h>
#include <linux/slab.h>

#include "features.h"

/* 1369459b2e21 iommu: Add a gfp parameter to iommu_map() (6.3) */
#ifdef HAVE_IOMMU_MAP_GFP
static inline int vfio_compat_iommu_map(struct iommu_domain *domain,
					unsigned long iova, phys_addr_t phys,
					size_t size, int prot)
{
	return iommu_map(domain, iova, phys, size, prot, GFP_KERNEL_ACCOUNT);
}

static inline ssize_t vfio_compat_iommu_map_sg(struct iommu_domain *domain,
					       unsigned long iova,
					       struct scatterlist *sg,
					       unsigned int nents, int prot)
{
	return iommu_map_sg(domain, iova, sg, nents, prot, GFP_KERNEL_ACCOUNT);
}
#else
static inline int vfio_compat_iommu_map(struct iommu_domain *domain,
					unsigned long iova, phys_addr_t phys,
					size_t size, int prot)
{
	return iommu_map(domain, iova, phys, size, prot);
}

static inline ssize_t vfio_compat_iommu_map_sg(struct iommu_domain *domain,
					       unsigned long iova,
					       struct scatterlist *sg,
					       unsigned int nents, int prot)
{
	return iommu_map_sg(domain, iova, sg, nents, prot);
}
#endif

/* a27bf2743cb8 iommu: Add iommu_paging_domain_alloc() interface (6.11) */
static inline struct iommu_domain *vfio_compat_domain_alloc(struct device *dev)
{
#ifdef HAVE_IOMMU_PAGING_DOMAIN_ALLOC
	return iommu_paging_domain_alloc(dev);
#else
	struct iommu_domain *domain = iommu_domain_alloc(dev->bus);

	return domain ?: ERR_PTR(-EIO);
#endif
}

/*
 * Says whose a device is that is not registered yet. iommu: Remove iommu_fwspec
 * ops (6.11): by the IOMMU's node alone since then, and iommu_fwspec_init() wants
 * to be called in a place that only firmware's tables lead to. What it makes the
 * core frees with the device's IOMMU.
 */
static inline int vfio_compat_fwspec_init(struct device *dev,
					  struct fwnode_handle *fwnode,
					  const struct iommu_ops *ops)
{
#ifdef HAVE_FWSPEC_OPS
	return iommu_fwspec_init(dev, fwnode, ops);
#else
	struct iommu_fwspec *fwspec = kzalloc(struct_size(fwspec, ids, 1),
					      GFP_KERNEL);
	struct dev_iommu *iommu = kzalloc(sizeof(*iommu), GFP_KERNEL);

	if (!fwspec || !iommu) {
		kfree(fwspec);
		kfree(iommu);
		return -ENOMEM;
	}
	mutex_init(&iommu->lock);
	fwspec->iommu_fwnode = fwnode_handle_get(fwnode);
	iommu->fwspec = fwspec;
	dev->iommu = iommu;
	return 0;
#endif
}

/* 17cde5e601b1 genirq/msi: Add msi_device_has_isolated_msi() (6.3) */
#ifdef HAVE_IOMMU_ISOLATED_MSI
static inline bool vfio_compat_isolated_msi(struct iommu_group *group)
{
	return iommu_group_has_isolated_msi(group);
}
#else
static inline int vfio_compat_dev_remaps(struct device *dev, void *unused)
{
	return device_iommu_capable(dev, IOMMU_CAP_INTR_REMAP);
}

static inline bool vfio_compat_isolated_msi(struct iommu_group *group)
{
	return irq_domain_check_msi_remap() ||
	       iommu_group_for_each_dev(group, NULL, vfio_compat_dev_remaps);
}
#endif

#endif /* _VFIO_COMPAT_IOMMU_H */
