// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replay: a new domain gets the mappings that its container has already.
 *
 * If there is another domain the pages are pinned, and only the translations
 * are copied. If it is the first one, mappings were promises to emulated
 * devices so far: they are pinned now, and from now on charged as a whole.
 * All of this runs under vfio_iommu.lock.
 */
#include <linux/sched/mm.h>

#include "type1.h"

/* Mappings are there already, in @old: copy them. */
static int replay_copy(struct vfio_dma *dma, struct vfio_domain *old,
		       struct vfio_domain *new)
{
	struct vfio_run runs[8];
	size_t done, len;
	unsigned int nr;
	int ret;

	ret = vfio_runs_map(&dma->runs, new->domain, dma->iova, dma->prot,
			    &done);
	for (; !ret && done < dma->size; done += len) {
		nr = vfio_runs_read(old->domain, dma->iova + done,
				    dma->size - done, runs, ARRAY_SIZE(runs),
				    &len);
		ret = nr ? vfio_map_runs(new->domain, dma->iova + done, runs,
					 nr, dma->prot, NULL) : -EINVAL;
		if (ret)
			break;
		cond_resched();
	}
	if (ret && done)
		vfio_domain_unmap(new, dma->iova, done);
	return ret;
}

/* The first domain: what was promised has to be pinned now. */
static int replay_pin(struct vfio_iommu *iommu, struct vfio_dma *dma,
		      struct list_head *domains)
{
	int ret;

	if (!mmget_not_zero(dma->mm))
		return -ENODEV;
	ret = vfio_dma_pin_map(iommu, dma, domains, dma->size, NULL);
	mmput(dma->mm);
	return ret;
}

static void replay_undo(struct vfio_iommu *iommu, struct vfio_dma *dma,
			struct vfio_domain *new, struct list_head *domains,
			bool pinned)
{
	if (!pinned) {
		vfio_domain_unmap(new, dma->iova, dma->size);
		return;
	}
	vfio_dma_unmap_unpin(iommu, dma, domains, dma->size, NULL);
	dma->iommu_mapped = false;
	vfio_runs_free(&dma->runs);
	vfio_account_settle(dma, vfio_emulated_locked(dma, 0, dma->size));
}

/**
 * vfio_replay - put all mappings of a container into a new domain
 * @iommu: of the container, locked
 * @domain: not listed yet
 *
 * Return: 0, or a negative errno, and then the domain is empty.
 */
int vfio_replay(struct vfio_iommu *iommu, struct vfio_domain *domain)
{
	struct vfio_domain *old;
	struct vfio_dma *dma, *undo;
	LIST_HEAD(domains);
	int ret = 0;

	old = list_first_entry_or_null(&iommu->domain_list, struct vfio_domain,
				       next);
	list_add(&domain->next, &domains);
	vfio_for_each_dma(iommu, dma) {
		if (old)
			ret = replay_copy(dma, old, domain);
		else
			ret = replay_pin(iommu, dma, &domains);
		if (ret)
			break;
	}
	if (ret)
		vfio_for_each_dma(iommu, undo) {
			if (undo == dma)
				break;
			replay_undo(iommu, undo, domain, &domains, !old);
		}
	list_del(&domain->next);
	return ret;
}
