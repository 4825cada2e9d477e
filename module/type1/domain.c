// SPDX-License-Identifier: GPL-2.0-only
/*
 * Domains: the page tables that groups of devices translate by.
 *
 * Groups share a domain if their IOMMU is of the same kind and agrees about
 * cache coherency; a group that fits no domain of the container gets one of its
 * own, into which all mappings are replayed (replay.c) before it is listed. All
 * of this runs under vfio_iommu.lock.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "compat/iommu.h"
#include "type1.h"

static struct vfio_iommu_group *find_group(struct list_head *list,
					   struct iommu_group *iommu_group)
{
	struct vfio_iommu_group *group;

	list_for_each_entry(group, list, next)
		if (group->iommu_group == iommu_group)
			return group;
	return NULL;
}

/**
 * vfio_iommu_find_group - a group of the container
 * @iommu: of the container, locked
 * @iommu_group: its group at the IOMMU core
 *
 * Return: the group, or NULL if it is not attached.
 */
struct vfio_iommu_group *vfio_iommu_find_group(struct vfio_iommu *iommu,
					       struct iommu_group *iommu_group)
{
	struct vfio_iommu_group *group;
	struct vfio_domain *domain;

	list_for_each_entry(domain, &iommu->domain_list, next) {
		group = find_group(&domain->group_list, iommu_group);
		if (group)
			return group;
	}
	return find_group(&iommu->emulated_iommu_groups, iommu_group);
}

/* Page sizes below the CPU's are hidden: what is pinned are CPU pages. */
static void update_pgsizes(struct vfio_iommu *iommu)
{
	struct vfio_domain *domain;
	u64 sizes = ULONG_MAX;

	list_for_each_entry(domain, &iommu->domain_list, next)
		sizes &= domain->domain->pgsize_bitmap;
	if (sizes & ~PAGE_MASK)
		sizes = (sizes & PAGE_MASK) | PAGE_SIZE;
	iommu->pgsize_bitmap = sizes;
}

/* The first device stands for its group. */
static int alloc_for_dev(struct device *dev, void *data)
{
	struct iommu_domain **domain = data;

	*domain = vfio_compat_domain_alloc(dev);
	return 1;
}

static struct vfio_domain *domain_create(struct vfio_iommu *iommu,
					 struct iommu_group *iommu_group)
{
	struct vfio_domain *domain;
	int ret = -EIO;

	domain = kzalloc(sizeof(*domain), GFP_KERNEL_ACCOUNT);
	if (!domain)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&domain->group_list);

	iommu_group_for_each_dev(iommu_group, &domain->domain, alloc_for_dev);
	if (IS_ERR_OR_NULL(domain->domain)) {
		ret = domain->domain ? PTR_ERR(domain->domain) : -EIO;
		goto err_free;
	}
	if (iommu->nesting) {
		ret = iommu_enable_nesting(domain->domain);
		if (ret)
			goto err_domain;
	}
	ret = iommu_attach_group(domain->domain, iommu_group);
	if (ret)
		goto err_domain;
	return domain;

err_domain:
	iommu_domain_free(domain->domain);
err_free:
	kfree(domain);
	return ERR_PTR(ret);
}

static void domain_destroy(struct vfio_domain *domain)
{
	iommu_domain_free(domain->domain);
	kfree(domain);
}

/* A window that software chooses, if no hardware window is there. */
static bool software_msi(struct list_head *resv, phys_addr_t *base)
{
	struct iommu_resv_region *region;
	bool found = false;

	list_for_each_entry(region, resv, list) {
		if (region->type == IOMMU_RESV_MSI)
			return false;
		if (region->type == IOMMU_RESV_SW_MSI) {
			*base = region->start;
			found = true;
		}
	}
	return found;
}

/*
 * Moves a group from its own @domain to one of the container's that is like
 * it. Returns the domain that the group is attached to then, or an error and
 * it is attached to none.
 */
static struct vfio_domain *join_domain(struct vfio_iommu *iommu,
				       struct vfio_domain *domain,
				       struct iommu_group *iommu_group)
{
	struct vfio_domain *d;
	int ret;

	list_for_each_entry(d, &iommu->domain_list, next) {
		if (d->domain->ops != domain->domain->ops ||
		    d->enforce_cache_coherency != domain->enforce_cache_coherency)
			continue;
		iommu_detach_group(domain->domain, iommu_group);
		if (!iommu_attach_group(d->domain, iommu_group))
			return d;
		ret = iommu_attach_group(domain->domain, iommu_group);
		if (ret)
			return ERR_PTR(ret);
	}
	return domain;
}

/* Makes a domain of its own for a group part of the container. */
static int add_domain(struct vfio_iommu *iommu, struct vfio_domain *domain,
		      struct list_head *resv)
{
	phys_addr_t msi_base = 0;
	int ret;

	if (software_msi(resv, &msi_base)) {
		ret = iommu_get_msi_cookie(domain->domain, msi_base);
		if (ret && ret != -ENODEV)
			return ret;
	}
	ret = vfio_replay(iommu, domain);
	if (ret)
		return ret;
	list_add(&domain->next, &iommu->domain_list);
	update_pgsizes(iommu);
	return 0;
}

static int check_space(struct vfio_iommu *iommu, struct vfio_domain *domain,
		       struct iommu_group *iommu_group, struct list_head *resv,
		       struct list_head *space)
{
	struct iommu_domain_geometry *geo = &domain->domain->geometry;
	int ret;

	ret = iommu_get_group_resv_regions(iommu_group, resv);
	if (ret)
		return ret;
	if (vfio_space_conflicts(iommu, geo->aperture_start, geo->aperture_end,
				 resv))
		return -EINVAL;
	return vfio_space_shrink(iommu, space, geo->aperture_start,
				 geo->aperture_end, resv);
}

static int attach_physical(struct vfio_iommu *iommu,
			   struct vfio_iommu_group *group)
{
	struct iommu_group *iommu_group = group->iommu_group;
	struct vfio_domain *domain, *home;
	LIST_HEAD(space);
	LIST_HEAD(resv);
	int ret;

	domain = domain_create(iommu, iommu_group);
	if (IS_ERR(domain))
		return PTR_ERR(domain);

	ret = check_space(iommu, domain, iommu_group, &resv, &space);
	if (ret)
		goto err_detach;

	if (!allow_unsafe_interrupts && !vfio_compat_isolated_msi(iommu_group)) {
		pr_warn("vfio_iommu_type1: interrupts are not remapped; to assign devices regardless, set the module parameter allow_unsafe_interrupts\n");
		ret = -EPERM;
		goto err_detach;
	}

	/* Asked for wherever it can be had: KVM then need not emulate wbinvd. */
	if (domain->domain->ops->enforce_cache_coherency)
		domain->enforce_cache_coherency =
			domain->domain->ops->enforce_cache_coherency(domain->domain);

	home = join_domain(iommu, domain, iommu_group);
	if (IS_ERR(home)) {
		ret = PTR_ERR(home);
		goto err_destroy;
	}
	if (home == domain) {
		ret = add_domain(iommu, domain, &resv);
		if (ret)
			goto err_detach;
	} else {
		domain_destroy(domain);
	}

	list_add(&group->next, &home->group_list);
	vfio_space_replace(iommu, &space);
	/* Its devices may write unseen until it says that it pins first. */
	iommu->num_non_pinned_groups++;
	vfio_resv_free(&resv);
	return 0;

err_detach:
	iommu_detach_group(domain->domain, iommu_group);
err_destroy:
	domain_destroy(domain);
	vfio_space_free(&space);
	vfio_resv_free(&resv);
	return ret;
}

/**
 * vfio_type1_attach_group - a group joins the container
 * @iommu_data: struct vfio_iommu
 * @iommu_group: of the IOMMU core
 * @type: what stands behind it
 *
 * Return: 0 or a negative errno.
 */
int vfio_type1_attach_group(void *iommu_data, struct iommu_group *iommu_group,
			    enum vfio_group_type type)
{
	struct vfio_iommu *iommu = iommu_data;
	struct vfio_iommu_group *group;
	int ret = 0;

	mutex_lock(&iommu->lock);
	/* Pages may have to be pinned, and nobody knows where. */
	if (iommu->vaddr_invalid_count) {
		ret = -EBUSY;
		goto out;
	}
	if (vfio_iommu_find_group(iommu, iommu_group)) {
		ret = -EINVAL;
		goto out;
	}
	group = kzalloc(sizeof(*group), GFP_KERNEL_ACCOUNT);
	if (!group) {
		ret = -ENOMEM;
		goto out;
	}
	group->iommu_group = iommu_group;

	if (type == VFIO_EMULATED_IOMMU) {
		/* It reaches memory through us alone, which we track. */
		group->pinned_page_dirty_scope = true;
		list_add(&group->next, &iommu->emulated_iommu_groups);
	} else {
		ret = attach_physical(iommu, group);
		if (ret)
			kfree(group);
	}
out:
	mutex_unlock(&iommu->lock);
	return ret;
}

/* The last group of a domain left. */
static void remove_domain(struct vfio_iommu *iommu, struct vfio_domain *domain)
{
	if (list_is_singular(&iommu->domain_list)) {
		if (list_empty(&iommu->emulated_iommu_groups)) {
			WARN_ON_ONCE(!list_empty(&iommu->device_list));
			vfio_dma_remove_all(iommu);
		} else {
			vfio_dma_release_pins_all(iommu);
		}
	}
	list_del(&domain->next);
	domain_destroy(domain);
	update_pgsizes(iommu);
}

static bool detach_physical(struct vfio_iommu *iommu,
			    struct iommu_group *iommu_group)
{
	struct vfio_iommu_group *group;
	struct vfio_domain *domain;
	bool unseen;

	list_for_each_entry(domain, &iommu->domain_list, next) {
		group = find_group(&domain->group_list, iommu_group);
		if (!group)
			continue;
		iommu_detach_group(domain->domain, iommu_group);
		unseen = !group->pinned_page_dirty_scope;
		list_del(&group->next);
		kfree(group);
		if (list_empty(&domain->group_list))
			remove_domain(iommu, domain);
		vfio_space_rebuild(iommu);
		return unseen;
	}
	return false;
}

/**
 * vfio_type1_detach_group - a group leaves the container
 * @iommu_data: struct vfio_iommu
 * @iommu_group: of the IOMMU core
 *
 * With its last group all mappings of a container end: having a group is what
 * entitles user space to them.
 */
void vfio_type1_detach_group(void *iommu_data, struct iommu_group *iommu_group)
{
	struct vfio_iommu *iommu = iommu_data;
	struct vfio_iommu_group *group;
	bool unseen;

	mutex_lock(&iommu->lock);
	group = find_group(&iommu->emulated_iommu_groups, iommu_group);
	if (group) {
		unseen = !group->pinned_page_dirty_scope;
		list_del(&group->next);
		kfree(group);
		if (list_empty(&iommu->emulated_iommu_groups) &&
		    list_empty(&iommu->domain_list)) {
			WARN_ON_ONCE(!list_empty(&iommu->device_list));
			vfio_dma_remove_all(iommu);
		}
	} else {
		unseen = detach_physical(iommu, iommu_group);
	}

	/* What it wrote unseen has to be taken as dirty before it is forgotten. */
	if (unseen) {
		iommu->num_non_pinned_groups--;
		if (iommu->dirty_page_tracking)
			vfio_dirty_mark_all(iommu);
	}
	mutex_unlock(&iommu->lock);
}

/**
 * vfio_type1_group_domain - the domain that a group translates by
 * @iommu_data: struct vfio_iommu
 * @iommu_group: of the IOMMU core
 *
 * Return: the domain, or -ENODEV if it has none here.
 */
struct iommu_domain *vfio_type1_group_domain(void *iommu_data,
					     struct iommu_group *iommu_group)
{
	struct iommu_domain *found = ERR_PTR(-ENODEV);
	struct vfio_iommu *iommu = iommu_data;
	struct vfio_domain *domain;

	if (!iommu || !iommu_group)
		return ERR_PTR(-EINVAL);

	mutex_lock(&iommu->lock);
	list_for_each_entry(domain, &iommu->domain_list, next) {
		if (find_group(&domain->group_list, iommu_group)) {
			found = domain->domain;
			break;
		}
	}
	mutex_unlock(&iommu->lock);
	return found;
}

/**
 * vfio_iommu_release_domains - at the end of a container
 * @iommu: locked; no mapping is left
 */
void vfio_iommu_release_domains(struct vfio_iommu *iommu)
{
	struct vfio_iommu_group *group, *next;
	struct vfio_domain *domain, *d;

	list_for_each_entry_safe(group, next, &iommu->emulated_iommu_groups,
				 next) {
		list_del(&group->next);
		kfree(group);
	}
	list_for_each_entry_safe(domain, d, &iommu->domain_list, next) {
		list_for_each_entry_safe(group, next, &domain->group_list,
					 next) {
			iommu_detach_group(domain->domain, group->iommu_group);
			list_del(&group->next);
			kfree(group);
		}
		list_del(&domain->next);
		domain_destroy(domain);
	}
}
