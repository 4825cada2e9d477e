/* SPDX-License-Identifier: GPL-2.0-only */
/* The stock container's file; for source_stock.bpf.h alone. */

/* From <linux/vfio.h>, which cannot be included beside vmlinux.h. */
#define STOCK_SET_IOMMU 0x3b66
#define STOCK_MAP_DMA	0x3b71
#define STOCK_UNMAP_DMA 0x3b72

#if HEARS_container_open
SEC("fexit/vfio_fops_open")
int BPF_PROG(st__vfio__container_open, struct inode *inode, struct file *file,
	     int ret)
{
	struct ev_container e = {
		.container = view_container_id(stock_container(file)),
		.lifetime_ns = EV_UNKNOWN};

	if (!ret)
		on_container_open(ctx, &e);
	return 0;
}
#endif

#if HEARS_container_release
SEC("fentry/vfio_fops_release")
int BPF_PROG(st__vfio__container_release, struct inode *inode,
	     struct file *file)
{
	struct vfio_container___view *gone = stock_container(file);

	if (!stock_last_reference(gone))
		return 0;

	struct ev_container e = {.container = view_container_id(gone),
				 .lifetime_ns = EV_UNKNOWN};

	on_container_release(ctx, &e);
	return 0;
}
#endif

#if HEARS_container_set_iommu
static __always_inline void stock_set_iommu_end(void *ctx, struct file *file,
						unsigned long arg, long ret)
{
	struct vfio_container___view *container = stock_container(file);
	struct ev_set_iommu e = {.container = view_container_id(container),
				 .type = arg,
				 .ret = ret,
				 .duration_ns = stock_end(stock_call())};

	if (!ret)
		e.driver = BPF_CORE_READ(container, iommu_driver, ops, name);
	on_container_set_iommu(ctx, &e);
}
#endif

#if STOCK_MAPS || STOCK_UNMAPS || HEARS_container_set_iommu
SEC("fentry/vfio_fops_unl_ioctl")
int BPF_PROG(st__vfio__container_ioctl, struct file *file, unsigned int cmd,
	     unsigned long arg)
{
	switch (cmd) {
#if STOCK_MAPS
	case STOCK_MAP_DMA:
		stock_map_begin(ctx, file, arg);
		break;
#endif
#if STOCK_UNMAPS
	case STOCK_UNMAP_DMA:
		stock_unmap_begin(ctx, file, arg);
		break;
#endif
#if HEARS_container_set_iommu
	case STOCK_SET_IOMMU:
		stock_begin();
		break;
#endif
	}
	return 0;
}

SEC("fexit/vfio_fops_unl_ioctl")
int BPF_PROG(st__vfio__container_ioctl_end, struct file *file, unsigned int cmd,
	     unsigned long arg, long ret)
{
	switch (cmd) {
#if HEARS_dma_map
	case STOCK_MAP_DMA:
		stock_map_end(ctx, file, arg, ret);
		break;
#endif
#if HEARS_dma_unmap
	case STOCK_UNMAP_DMA:
		stock_unmap_end(ctx, file, arg, ret);
		break;
#endif
#if HEARS_container_set_iommu
	case STOCK_SET_IOMMU:
		stock_set_iommu_end(ctx, file, arg, ret);
		break;
#endif
	}
	return 0;
}
#endif
