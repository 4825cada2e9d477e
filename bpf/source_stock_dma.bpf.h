/* SPDX-License-Identifier: GPL-2.0-only */
/* Maps, unmaps and pins of the stock modules; for source_stock.bpf.h alone. */

#define STOCK_MAPS   (HEARS_dma_map || HEARS_dma_map_start)
#define STOCK_UNMAPS (HEARS_dma_unmap || HEARS_dma_unmap_start)

#if STOCK_MAPS || STOCK_UNMAPS
/* Only a container with a backend knows these calls. */
static __always_inline bool stock_dma_begin(struct stock_call *call,
					    struct file *file)
{
	struct vfio_container___view *container = stock_container(file);

	call->container = view_container_id(container);
	return container && BPF_CORE_READ(container, iommu_data);
}
#endif

#ifdef STOCK_MAP_PARTS
/* Finds, faults in and pins the pages of one run; what comes between two is
 * the IOMMU.
 */
SEC("fentry/vfio_pin_pages_remote")
int BPF_PROG(st__type1__run_begin)
{
	struct stock_call *call = stock_call();

	if (!call)
		return 0;
	call->run_ns = bpf_ktime_get_ns();
	if (!call->first_ns)
		call->first_ns = call->run_ns;
	return 0;
}

SEC("fexit/vfio_pin_pages_remote")
int BPF_PROG(st__type1__run_end)
{
	struct stock_call *call = stock_call();

	if (!call || !call->first_ns)
		return 0;
	call->pin_ns += bpf_ktime_get_ns() - call->run_ns;
	call->runs++;
	return 0;
}

/* Of a map that worked and ends now. */
static __always_inline void stock_map_parts(struct ev_dma_map *e,
					    const struct stock_call *call)
{
	__u64 now = bpf_ktime_get_ns();

	if (!call->first_ns || !call->start_ns)
		return;
	e->wait_ns = call->first_ns - call->start_ns;
	e->pin_ns = call->pin_ns;
	e->iommu_ns = now - call->first_ns - call->pin_ns;
	e->runs = call->runs;
}
#else
static __always_inline void stock_map_parts(struct ev_dma_map *e,
					    const struct stock_call *call)
{
}
#endif

#if STOCK_MAPS
static __always_inline struct stock_call *stock_map_call(struct file *file,
							 unsigned long arg)
{
	struct stock_call *call = stock_begin();

	if (!call)
		return NULL;
	if (stock_dma_begin(call, file) &&
	    !bpf_probe_read_user(&call->map, sizeof(call->map), (void *)arg))
		return call;
	call->start_ns = 0;
	return NULL;
}

static __always_inline void stock_map_event(struct ev_dma_map *e,
					    const struct stock_call *call)
{
	e->container = call->container;
	e->prot = call->map.flags & 3; /* VFIO_DMA_MAP_FLAG_READ, _WRITE */
	e->iova = call->map.iova;
	e->vaddr = call->map.vaddr;
	e->size = call->map.size;
	e->pin_ns = EV_UNKNOWN;
	e->iommu_ns = EV_UNKNOWN;
	e->runs = EV_UNKNOWN;
	e->wait_ns = EV_UNKNOWN;
	e->start_ns = call->start_ns;
}

static __always_inline void stock_map_begin(void *ctx, struct file *file,
					    unsigned long arg)
{
	struct stock_call *call = stock_map_call(file, arg);
	struct ev_dma_map e = {};

	if (!call)
		return;
	stock_map_event(&e, call);
#if HEARS_dma_map_start
	on_dma_map_start(ctx, &e);
#endif
}
#endif

#if HEARS_dma_map
/* A tool that came in the middle of the call finds what it was given still
 * there.
 */
static __always_inline void stock_map_end(void *ctx, struct file *file,
					  unsigned long arg, long ret)
{
	struct stock_call *call = stock_call();
	struct ev_dma_map e = {.ret = ret};

	if (!call || !call->start_ns) {
		call = stock_map_call(file, arg);
		if (!call)
			return;
		call->start_ns = 0;
	}
	stock_map_event(&e, call);
	if (!ret) {
		stock_map_parts(&e, call);
		e.done = e.size;
		/* VFIO_DMA_MAP_FLAG_VADDR pins nothing. */
		e.pages = call->map.flags & 4 ? 0 : e.size >> STOCK_PAGE_SHIFT;
	}
	e.duration_ns = stock_end(call);
	on_dma_map(ctx, &e);
}
#endif

#if STOCK_UNMAPS
static __always_inline struct stock_call *stock_unmap_call(struct file *file,
							   unsigned long arg)
{
	struct stock_call *call = stock_begin();

	if (!call)
		return NULL;
	if (stock_dma_begin(call, file) &&
	    !bpf_probe_read_user(&call->unmap, sizeof(call->unmap),
				 (void *)arg))
		return call;
	call->start_ns = 0;
	return NULL;
}

static __always_inline void stock_unmap_begin(void *ctx, struct file *file,
					      unsigned long arg)
{
	struct stock_call *call = stock_unmap_call(file, arg);

	if (!call)
		return;
#if HEARS_dma_unmap_start
	struct ev_dma_unmap e = {.container = call->container,
				 .flags = call->unmap.flags,
				 .iova = call->unmap.iova,
				 .size = call->unmap.size,
				 .start_ns = call->start_ns};

	on_dma_unmap_start(ctx, &e);
#endif
}
#endif

#if HEARS_dma_unmap
/* One that worked writes back how much it was. */
static __always_inline void stock_unmap_end(void *ctx, struct file *file,
					    unsigned long arg, long ret)
{
	struct stock_unmap_arg *at = (void *)arg;
	struct stock_call *call = stock_call();
	__u64 done = 0;

	if (!call || !call->start_ns) {
		call = stock_unmap_call(file, arg);
		if (!call)
			return;
		call->start_ns = 0;
	}
	if (!ret)
		bpf_probe_read_user(&done, sizeof(done), &at->size);

	struct ev_dma_unmap e = {
		.container = call->container,
		.flags = call->unmap.flags,
		.ret = ret,
		.iova = call->unmap.iova,
		.size = call->unmap.size,
		.unmapped = done,
		/* VFIO_DMA_UNMAP_FLAG_VADDR leaves them pinned. */
		.pages = call->unmap.flags & 4 ? 0 : done >> STOCK_PAGE_SHIFT,
		.iommu_ns = EV_UNKNOWN,
		.unpin_ns = EV_UNKNOWN,
		.start_ns = call->start_ns,
		.duration_ns = stock_end(call)};

	on_dma_unmap(ctx, &e);
}
#endif

#if HEARS_dma_pin
SEC("fexit/vfio_pin_pages")
int BPF_PROG(st__vfio__dma_pin, struct vfio_device___view *device, __u64 iova,
	     int npage, int prot, void *pages, int ret)
{
	struct ev_dma_pin e = {.container = view_container_id(
				       BPF_CORE_READ(device, group, container)),
			       .ret = ret < 0 ? ret : 0,
			       .iova = iova,
			       .pages = ret > 0 ? ret : 0,
			       .duration_ns = EV_UNKNOWN};

	on_dma_pin(ctx, &e);
	return 0;
}
#endif

#if HEARS_dma_unpin
SEC("fentry/vfio_unpin_pages")
int BPF_PROG(st__vfio__dma_unpin, struct vfio_device___view *device, __u64 iova,
	     int npage)
{
	struct ev_dma_pin e = {.container = view_container_id(
				       BPF_CORE_READ(device, group, container)),
			       .iova = iova,
			       .pages = npage,
			       .duration_ns = EV_UNKNOWN};

	on_dma_unpin(ctx, &e);
	return 0;
}
#endif
