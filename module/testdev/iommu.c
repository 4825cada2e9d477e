// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfio_testiommu.ko: an IOMMU made of software, for tests of backends.
 *
 * Two units with two devices each, every device in a group of its own. The
 * units differ as real ones do: in coherency, aperture, reserved regions; and
 * neither takes a domain of the other, so that groups of both in one container
 * need two domains, which no emulated machine offers. A device's file "dma" in
 * sysfs is what the device sees: reading or writing it at an I/O virtual address
 * reads or writes what is mapped there.
 *
 * The module's parameters tell what is mapped, and make mapping fail. It knows
 * nothing of VFIO; vfio_testdev.ko offers the devices to users (physical.c).
 *
 * Once loaded it stays: older kernels (6.1) never forget the operations of an
 * IOMMU driver. They also have one such driver at a time: on them it loads in a
 * machine without an IOMMU alone, and elsewhere there is EBUSY.
 *
 * Locks: attach_lock, for which domain a device translates by; below it the lock
 * of a domain's translations, which is held while a page that one of them names
 * is read or written. Whoever takes a translation away and then gives the page
 * back so never does so under an access.
 */
#include <linux/dma-mapping.h>
#include <linux/highmem.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/property.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/xarray.h>

#include "compat/iommu.h"

#define NAME	"vfio_testiommu"
#define UNITS	2
#define DEVICES	4

/* Of the second unit. */
#define RESERVED_START	0x200000000ULL
#define RESERVED_SIZE	SZ_1M
#define MSI_START	0x8000000ULL
#define MSI_SIZE	SZ_1M

/**
 * struct testiommu_unit - one IOMMU
 * @iommu: for the IOMMU core
 * @last: the last address that its devices can name
 * @coherent: turns no-snoop accesses into snooping if asked to
 * @reserves: its devices have reserved regions
 */
struct testiommu_unit {
	struct iommu_device	iommu;
	u64			last;
	bool			coherent;
	bool			reserves;
};

/**
 * struct testiommu_domain - translations
 * @domain: for the IOMMU core
 * @unit: of the first device that was attached, for good: set under attach_lock,
 *	before anybody can map
 * @pages: by page number: page frame number << 2 | IOMMU_READ | IOMMU_WRITE, as
 *	values; its own lock guards it
 */
struct testiommu_domain {
	struct iommu_domain	domain;
	struct testiommu_unit	*unit;
	struct xarray		pages;
};

static struct testiommu_unit units[UNITS] = {
	{ .last = DMA_BIT_MASK(48), .coherent = true },
	{ .last = DMA_BIT_MASK(39), .reserves = true },
};

/* What each device translates by; guarded by attach_lock. */
static struct iommu_domain *attached[DEVICES];
static DEFINE_MUTEX(attach_lock);

static int room[UNITS] = { -1, -1 };
module_param_array(room, int, NULL, 0644);
MODULE_PARM_DESC(room, "pages that each unit maps before it refuses more with ENOMEM; -1: any number");

static atomic_t pages[UNITS];

static int pages_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%d,%d\n", atomic_read(&pages[0]),
			  atomic_read(&pages[1]));
}

static const struct kernel_param_ops pages_ops = { .get = pages_get };
module_param_cb(pages, &pages_ops, NULL, 0444);
MODULE_PARM_DESC(pages, "pages that each unit translates, in all of its domains");

static atomic_t domains;

static int domains_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%d\n", atomic_read(&domains));
}

static const struct kernel_param_ops domains_ops = { .get = domains_get };
module_param_cb(domains, &domains_ops, NULL, 0444);
MODULE_PARM_DESC(domains, "domains that hold translations for a user");

static struct testiommu_domain *to_testiommu_domain(struct iommu_domain *domain)
{
	return container_of(domain, struct testiommu_domain, domain);
}

static bool is_ours(struct device *dev)
{
	return dev->bus == &platform_bus_type &&
	       !strcmp(to_platform_device(dev)->name, NAME);
}

static int index_of(struct device *dev)
{
	return to_platform_device(dev)->id;
}

static struct testiommu_unit *unit_of(struct device *dev)
{
	return &units[index_of(dev) / (DEVICES / UNITS)];
}

static int unit_number(const struct testiommu_domain *td)
{
	return td->unit - units;
}

/* One page fewer that may be mapped; a negative number stays. */
static bool room_take(int unit)
{
	int left = READ_ONCE(room[unit]);

	if (left > 0)
		WRITE_ONCE(room[unit], left - 1);
	return left;
}

static int testiommu_map_pages(struct iommu_domain *domain, unsigned long iova,
			       phys_addr_t phys, size_t pgsize, size_t count,
			       int prot, gfp_t gfp, size_t *mapped)
{
	struct testiommu_domain *td = to_testiommu_domain(domain);
	size_t done, size = pgsize * count;
	int ret = 0;

	if (!td->unit)
		return -EINVAL;
	for (done = 0; done < size; done += PAGE_SIZE) {
		unsigned long entry = PHYS_PFN(phys + done) << 2 |
				      (prot & (IOMMU_READ | IOMMU_WRITE));

		if (!room_take(unit_number(td))) {
			ret = -ENOMEM;
			break;
		}
		/* EBUSY where something is mapped already. */
		ret = xa_insert(&td->pages, (iova + done) >> PAGE_SHIFT,
				xa_mk_value(entry), gfp);
		if (ret)
			break;
		atomic_inc(&pages[unit_number(td)]);
	}
	*mapped += round_down(done, pgsize);
	for (; done & (pgsize - 1); done -= PAGE_SIZE) {
		xa_erase(&td->pages, (iova + done - 1) >> PAGE_SHIFT);
		atomic_dec(&pages[unit_number(td)]);
	}
	return ret;
}

static size_t testiommu_unmap_pages(struct iommu_domain *domain,
				    unsigned long iova, size_t pgsize,
				    size_t count,
				    struct iommu_iotlb_gather *gather)
{
	struct testiommu_domain *td = to_testiommu_domain(domain);
	size_t done, size = pgsize * count;

	for (done = 0; done < size; done += PAGE_SIZE) {
		if (!xa_erase(&td->pages, (iova + done) >> PAGE_SHIFT))
			break;
		atomic_dec(&pages[unit_number(td)]);
	}
	return done;
}

static phys_addr_t testiommu_iova_to_phys(struct iommu_domain *domain,
					  dma_addr_t iova)
{
	struct testiommu_domain *td = to_testiommu_domain(domain);
	void *entry = xa_load(&td->pages, iova >> PAGE_SHIFT);

	if (!entry)
		return 0;
	return PFN_PHYS(xa_to_value(entry) >> 2) + offset_in_page(iova);
}

static bool testiommu_enforce_cache_coherency(struct iommu_domain *domain)
{
	struct testiommu_domain *td = to_testiommu_domain(domain);

	return td->unit && td->unit->coherent;
}

/* What a domain is like, it learns from its first device. */
static int testiommu_attach(struct iommu_domain *domain, struct device *dev)
{
	struct testiommu_domain *td = to_testiommu_domain(domain);
	struct testiommu_unit *unit = unit_of(dev);
	int ret = 0;

	mutex_lock(&attach_lock);
	if (domain->type == IOMMU_DOMAIN_UNMANAGED) {
		if (!td->unit) {
			td->unit = unit;
			domain->geometry.aperture_end = unit->last;
			domain->geometry.force_aperture = true;
		} else if (td->unit != unit) {
			ret = -EINVAL;
		}
	}
	if (!ret)
		attached[index_of(dev)] = domain;
	mutex_unlock(&attach_lock);
	return ret;
}

/* That of the last user may still hold translations. */
static void testiommu_domain_free(struct iommu_domain *domain)
{
	struct testiommu_domain *td = to_testiommu_domain(domain);
	unsigned long index;
	void *entry;

	xa_for_each(&td->pages, index, entry)
		atomic_dec(&pages[unit_number(td)]);
	xa_destroy(&td->pages);
	if (domain->type == IOMMU_DOMAIN_UNMANAGED)
		atomic_dec(&domains);
	kfree(td);
}

static const struct iommu_domain_ops testiommu_domain_ops = {
	.attach_dev		= testiommu_attach,
	.map_pages		= testiommu_map_pages,
	.unmap_pages		= testiommu_unmap_pages,
	.iova_to_phys		= testiommu_iova_to_phys,
	.enforce_cache_coherency = testiommu_enforce_cache_coherency,
	.free			= testiommu_domain_free,
};

static struct iommu_domain *testiommu_domain_alloc(unsigned int type)
{
	struct testiommu_domain *td;

	if (type != IOMMU_DOMAIN_UNMANAGED && type != IOMMU_DOMAIN_IDENTITY &&
	    type != IOMMU_DOMAIN_BLOCKED)
		return NULL;
	td = kzalloc(sizeof(*td), GFP_KERNEL);
	if (!td)
		return NULL;
	xa_init(&td->pages);
	/* The core sets it when this returns, but not on all kernels. */
	td->domain.type = type;
	if (type == IOMMU_DOMAIN_UNMANAGED)
		atomic_inc(&domains);
	return &td->domain;
}

static bool testiommu_capable(struct device *dev, enum iommu_cap cap)
{
	return cap == IOMMU_CAP_CACHE_COHERENCY;
}

static struct iommu_device *testiommu_probe_device(struct device *dev)
{
	return is_ours(dev) ? &unit_of(dev)->iommu : ERR_PTR(-ENODEV);
}

static void reserve(struct list_head *head, u64 start, size_t size,
		    enum iommu_resv_type type)
{
	struct iommu_resv_region *region =
		iommu_alloc_resv_region(start, size, IOMMU_WRITE, type,
					GFP_KERNEL);

	if (region)
		list_add_tail(&region->list, head);
}

static void testiommu_get_resv_regions(struct device *dev,
				       struct list_head *head)
{
	if (!unit_of(dev)->reserves)
		return;
	reserve(head, MSI_START, MSI_SIZE, IOMMU_RESV_SW_MSI);
	reserve(head, RESERVED_START, RESERVED_SIZE, IOMMU_RESV_RESERVED);
}

static int testiommu_def_domain_type(struct device *dev)
{
	return IOMMU_DOMAIN_IDENTITY;
}

static const struct iommu_ops testiommu_ops = {
	.capable		= testiommu_capable,
	.domain_alloc		= testiommu_domain_alloc,
	.probe_device		= testiommu_probe_device,
	.device_group		= generic_device_group,
	.get_resv_regions	= testiommu_get_resv_regions,
	.def_domain_type	= testiommu_def_domain_type,
	.default_domain_ops	= &testiommu_domain_ops,
	.pgsize_bitmap		= SZ_4K | SZ_2M | SZ_1G,
	.owner			= THIS_MODULE,
};

/* Copies between @data and what is mapped at @iova; within one page. */
static int access_page(struct testiommu_domain *td, u64 iova, char *data,
		       size_t len, int prot)
{
	int ret = -EFAULT;
	void *entry;

	xa_lock(&td->pages);
	entry = xa_load(&td->pages, iova >> PAGE_SHIFT);
	if (entry && (xa_to_value(entry) & prot)) {
		unsigned long pfn = xa_to_value(entry) >> 2;

		ret = -EIO;
		if (pfn_valid(pfn)) {
			char *page = kmap_local_page(pfn_to_page(pfn));

			if (prot == IOMMU_WRITE)
				memcpy(page + offset_in_page(iova), data, len);
			else
				memcpy(data, page + offset_in_page(iova), len);
			kunmap_local(page);
			ret = 0;
		}
	}
	xa_unlock(&td->pages);
	return ret;
}

/* An access of a device: all of it, or an error. */
static ssize_t access(struct kobject *kobj, u64 iova, char *data, size_t len,
		      int prot)
{
	struct device *dev = kobj_to_dev(kobj);
	struct iommu_domain *domain;
	size_t done, n;
	int ret = 0;

	mutex_lock(&attach_lock);
	domain = attached[index_of(dev)];
	if (!domain || domain->type != IOMMU_DOMAIN_UNMANAGED)
		ret = -EFAULT;
	for (done = 0; !ret && done < len; done += n) {
		n = min_t(size_t, len - done,
			  PAGE_SIZE - offset_in_page(iova + done));
		ret = access_page(to_testiommu_domain(domain), iova + done,
				  data + done, n, prot);
	}
	mutex_unlock(&attach_lock);
	return ret ?: len;
}

static ssize_t dma_read(struct file *file, struct kobject *kobj,
			struct bin_attribute *attr, char *data, loff_t iova,
			size_t len)
{
	return access(kobj, iova, data, len, IOMMU_READ);
}

static ssize_t dma_write(struct file *file, struct kobject *kobj,
			 struct bin_attribute *attr, char *data, loff_t iova,
			 size_t len)
{
	return access(kobj, iova, data, len, IOMMU_WRITE);
}

static BIN_ATTR(dma, 0600, dma_read, dma_write, 0);

static struct bin_attribute *device_bin_attrs[] = { &bin_attr_dma, NULL };

static const struct attribute_group device_group = {
	.bin_attrs = device_bin_attrs,
};

static const struct attribute_group *device_groups[] = { &device_group, NULL };

static int unit_add(int number)
{
	struct iommu_device *iommu = &units[number].iommu;
	int ret;

	/* By this, kernels that have several drivers find a device's own. */
	iommu->fwnode = fwnode_create_software_node(NULL, NULL);
	if (IS_ERR(iommu->fwnode))
		return PTR_ERR(iommu->fwnode);
	ret = iommu_device_sysfs_add(iommu, NULL, NULL, "testiommu%d", number);
	if (ret)
		goto err_node;
	ret = iommu_device_register(iommu, &testiommu_ops, NULL);
	if (ret)
		goto err_sysfs;
	return 0;

err_sysfs:
	iommu_device_sysfs_remove(iommu);
err_node:
	fwnode_remove_software_node(iommu->fwnode);
	return ret;
}

static int device_new(int id)
{
	struct platform_device *pdev = platform_device_alloc(NAME, id);
	int ret;

	if (!pdev)
		return -ENOMEM;
	pdev->dev.groups = device_groups;
	ret = vfio_compat_fwspec_init(&pdev->dev, unit_of(&pdev->dev)->iommu.fwnode,
				      &testiommu_ops);
	if (!ret)
		ret = platform_device_add(pdev);
	if (ret)
		platform_device_put(pdev);
	return ret;
}

/*
 * The first unit may be refused. What fails after that leaves what there is: a
 * kernel may have the operations by now, so the module has to stay.
 */
static int __init testiommu_init(void)
{
	int i, ret = unit_add(0);

	if (ret)
		return ret;
	for (i = 1; i < UNITS && !ret; i++)
		ret = unit_add(i);
	for (i = 0; i < DEVICES && !ret; i++)
		ret = device_new(i);
	if (ret)
		pr_err("the test IOMMU is incomplete: %d\n", ret);
	return 0;
}

module_init(testiommu_init);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("IOMMUs made of software for tests of VFIO");
MODULE_VERSION("1.0");
