/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The event source for everybody else: functions of the stock modules.
 *
 * What is bound here are the file operations, whose arguments are the UAPI's,
 * and the few functions inside that both kernels have. STOCK_event makes the
 * program, or programs, that hear the event and hand it to the tool's
 * on_event(); a name begins with st__MODULE__. A program whose function this
 * kernel's module does not have is not loaded, so kernels that differ get a
 * program each.
 *
 * An operation's beginning is kept with the task, by one program an ioctl that
 * every tool has. Group references, external users, refused charges and an
 * unmap's phases cannot be seen from here: these events do not come, these
 * figures are EV_UNKNOWN. A map's runs and phases can, at the price of two
 * programs a run: only for a tool that defines STOCK_MAP_PARTS.
 */
#ifndef VFIOSCOPE_SOURCE_STOCK_BPF_H
#define VFIOSCOPE_SOURCE_STOCK_BPF_H

#include "views.bpf.h"
#include "event.h"

/* From <linux/vfio.h>, which cannot be included beside vmlinux.h. */
#define STOCK_GET_DEVICE_FD 0x3b6a
#define STOCK_SET_IOMMU	    0x3b66
#define STOCK_MAP_DMA	    0x3b71
#define STOCK_UNMAP_DMA	    0x3b72
#define STOCK_PROT	    3 /* VFIO_DMA_MAP_FLAG_READ | _WRITE */
#define STOCK_MAP_VADDR	    4 /* VFIO_DMA_MAP_FLAG_VADDR */
#define STOCK_UNMAP_VADDR   4 /* VFIO_DMA_UNMAP_FLAG_VADDR */
#define STOCK_PAGE_SHIFT    12

struct stock_map_arg {
	__u32 argsz;
	__u32 flags;
	__u64 vaddr;
	__u64 iova;
	__u64 size;
};

struct stock_unmap_arg {
	__u32 argsz;
	__u32 flags;
	__u64 iova;
	__u64 size; /* in: wanted; out: done */
};

/* enum vfio_container_user_reason of our trace events */
#define STOCK_USER_ATTACH      0
#define STOCK_USER_DEVICE_OPEN 1

struct stock_call {
	__u64 start_ns; /* 0: none under way */
	__u64 size;
	__u32 container;
	__u32 last;	/* this detaching lets the container go */
	__s32 group;	/* of a device that is closed, and so on */
	__s32 released; /* group whose file is closed */
	__u32 open_count;
	char device[VFIOSCOPE_NAME_LEN];
#ifdef STOCK_MAP_PARTS
	__u64 first_ns; /* of the first run's pinning; 0: none yet */
	__u64 run_ns;	/* of this run's */
	__u64 pin_ns;
	__u64 runs;
#endif
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct stock_call);
} stock_calls SEC(".maps");

static __always_inline struct stock_call *stock_begin(void)
{
	struct stock_call *call;

	call = bpf_task_storage_get(&stock_calls, bpf_get_current_task_btf(), 0,
				    BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (call)
		call->start_ns = bpf_ktime_get_ns();
#ifdef STOCK_MAP_PARTS
	if (call) {
		call->first_ns = 0;
		call->pin_ns = 0;
		call->runs = 0;
	}
#endif
	return call;
}

static __always_inline struct stock_call *stock_call(void)
{
	return bpf_task_storage_get(&stock_calls, bpf_get_current_task_btf(), 0,
				    0);
}

/* Ends the call; a tool that came in the middle of it does not know. */
static __always_inline __u64 stock_end(struct stock_call *call)
{
	__u64 start;

	if (!call || !call->start_ns)
		return EV_UNKNOWN;
	start = call->start_ns;
	call->start_ns = 0;
	return bpf_ktime_get_ns() - start;
}

static __always_inline __u64 stock_elapsed(void)
{
	return stock_end(stock_call());
}

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

	if (!call || !call->first_ns || !call->start_ns)
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

/* @file is a program's argument: it is typed, and read without a helper. */
static __always_inline struct vfio_container___view *
stock_container(struct file *file)
{
	return file->private_data;
}

/* A typed argument as a plain address, which may be calculated with. */
static __always_inline void *stock_address(const void *argument)
{
	void *address;

	bpf_probe_read_kernel(&address, sizeof(address), &argument);
	return address;
}

/* Only a container with a backend knows these calls. One that worked had it. */
static __always_inline bool stock_has_backend(struct file *file)
{
	struct vfio_container___view *container = stock_container(file);

	return container && BPF_CORE_READ(container, iommu_data);
}

SEC("fentry/vfio_fops_unl_ioctl")
int BPF_PROG(st__vfio__container_ioctl, struct file *file, unsigned int cmd,
	     unsigned long arg)
{
	struct stock_unmap_arg unmap;
	struct stock_call *call;

	if (cmd != STOCK_MAP_DMA && cmd != STOCK_UNMAP_DMA &&
	    cmd != STOCK_SET_IOMMU)
		return 0;
	call = stock_begin();
	if (call && cmd == STOCK_UNMAP_DMA &&
	    !bpf_probe_read_user(&unmap, sizeof(unmap), (void *)arg))
		call->size = unmap.size;
	return 0;
}

SEC("fentry/vfio_group_fops_unl_ioctl")
int BPF_PROG(st__vfio__group_ioctl)
{
	stock_begin();
	return 0;
}

#define STOCK_container_open                                                   \
	SEC("fexit/vfio_fops_open")                                            \
	int BPF_PROG(st__vfio__container_open, struct inode *inode,            \
		     struct file *file, int ret)                               \
	{                                                                      \
		struct ev_container e = {                                      \
			.container = view_container_id(stock_container(file)), \
			.lifetime_ns = EV_UNKNOWN};                            \
                                                                               \
		if (!ret)                                                      \
			on_container_open(ctx, &e);                            \
		return 0;                                                      \
	}

/* The last reference goes with the fd or, if groups stay, with the last one
 * of them.
 */
static __always_inline bool
stock_last_reference(struct vfio_container___view *container)
{
	return container &&
	       BPF_CORE_READ(container, kref.refcount.refs.counter) == 1;
}

/* Structs are made at once: clang 14 has lost a member that was assigned after
 * the others were initialised.
 */
#define STOCK_container_release                                                \
	SEC("fentry/vfio_fops_release")                                        \
	int BPF_PROG(st__vfio__container_release, struct inode *inode,         \
		     struct file *file)                                        \
	{                                                                      \
		struct vfio_container___view *gone;                            \
                                                                               \
		gone = stock_container(file);                                  \
		if (!stock_last_reference(gone))                               \
			return 0;                                              \
                                                                               \
		struct ev_container e = {.container = view_container_id(gone), \
					 .lifetime_ns = EV_UNKNOWN};           \
                                                                               \
		on_container_release(ctx, &e);                                 \
		return 0;                                                      \
	}                                                                      \
                                                                               \
	SEC("fexit/vfio_group_detach_container")                               \
	int BPF_PROG(st__vfio__container_release_last)                         \
	{                                                                      \
		struct stock_call *call = stock_call();                        \
                                                                               \
		if (!call || !call->last)                                      \
			return 0;                                              \
		call->last = 0;                                                \
                                                                               \
		struct ev_container e = {.container = call->container,         \
					 .lifetime_ns = EV_UNKNOWN};           \
                                                                               \
		on_container_release(ctx, &e);                                 \
		return 0;                                                      \
	}

/* A file that was not opened has no group yet, its inode has. */
static __always_inline __s32 stock_group_of(struct inode *inode)
{
	struct cdev *cdev = BPF_CORE_READ(inode, i_cdev);

	if (!cdev)
		return -1;
	return view_group_id((
		void *)((unsigned long)cdev -
			bpf_core_field_offset(struct vfio_group___view, cdev)));
}

#define STOCK_group_open                                             \
	SEC("fexit/vfio_group_fops_open")                            \
	int BPF_PROG(st__vfio__group_open, struct inode *inode,      \
		     struct file *file, int ret)                     \
	{                                                            \
		struct ev_group e = {.group = stock_group_of(inode), \
				     .ret = ret};                    \
                                                                     \
		on_group_open(ctx, &e);                              \
		return 0;                                            \
	}

/* Its group may be gone at the end of it, and its inode's device even before:
 * a device can be taken away while the group is open.
 */
#define STOCK_group_release                                                 \
	SEC("fentry/vfio_group_fops_release")                               \
	int BPF_PROG(st__vfio__group_releasing, struct inode *inode,        \
		     struct file *file)                                     \
	{                                                                   \
		struct stock_call *call = stock_begin();                    \
                                                                            \
		if (call)                                                   \
			call->released = view_group_id(                     \
				(void *)BPF_CORE_READ(file, private_data)); \
		return 0;                                                   \
	}                                                                   \
                                                                            \
	SEC("fexit/vfio_group_fops_release")                                \
	int BPF_PROG(st__vfio__group_release)                               \
	{                                                                   \
		struct stock_call *call = stock_call();                     \
                                                                            \
		if (!call)                                                  \
			return 0;                                           \
                                                                            \
		struct ev_group e = {.group = call->released};              \
                                                                            \
		on_group_release(ctx, &e);                                  \
		return 0;                                                   \
	}

#define STOCK_group_get
#define STOCK_group_put

/* Within the group's ioctl, whose beginning is taken for its own. */
#define STOCK_container_attach                                           \
	SEC("fexit/vfio_container_attach_group")                         \
	int BPF_PROG(st__vfio__container_attach, void *container,        \
		     struct vfio_group___view *group, int ret)           \
	{                                                                \
		struct ev_attach e = {.container = view_container_id(    \
					      stock_address(container)), \
				      .group = view_group_id(group),     \
				      .ret = ret,                        \
				      .duration_ns = stock_elapsed()};   \
                                                                         \
		on_container_attach(ctx, &e);                            \
		return 0;                                                \
	}

SEC("fentry/vfio_group_detach_container")
int BPF_PROG(st__vfio__detach, struct vfio_group___view *group)
{
	struct vfio_container___view *container;
	struct stock_call *call = stock_begin();

	if (!call)
		return 0;
	container = BPF_CORE_READ(group, container);
	call->container = view_container_id(container);
	call->last = stock_last_reference(container);
	return 0;
}

#define STOCK_container_detach                          \
	SEC("fexit/vfio_group_detach_container")        \
	int BPF_PROG(st__vfio__container_detach,        \
		     struct vfio_group___view *group)   \
	{                                               \
		struct stock_call *call = stock_call(); \
		struct ev_attach e = {};                \
                                                        \
		if (!call)                              \
			return 0;                       \
		e.container = call->container;          \
		e.group = view_group_id(group);         \
		e.duration_ns = stock_elapsed();        \
		on_container_detach(ctx, &e);           \
		return 0;                               \
	}

#define STOCK_container_set_iommu                                              \
	SEC("fexit/vfio_fops_unl_ioctl")                                       \
	int BPF_PROG(st__vfio__container_set_iommu, struct file *file,         \
		     unsigned int cmd, unsigned long arg, long ret)            \
	{                                                                      \
		struct vfio_container___view *container;                       \
		struct ev_set_iommu e = {.type = arg, .ret = ret};             \
                                                                               \
		if (cmd != STOCK_SET_IOMMU)                                    \
			return 0;                                              \
		container = stock_container(file);                             \
		e.container = view_container_id(container);                    \
		e.duration_ns = stock_elapsed();                               \
		if (!ret)                                                      \
			e.driver = BPF_CORE_READ(container, iommu_driver, ops, \
						 name);                        \
		on_container_set_iommu(ctx, &e);                               \
		return 0;                                                      \
	}

/* @change: by how much the group's count is still to move. */
static __always_inline void stock_users(struct ev_users *e,
					struct vfio_group___view *group,
					int delta, int change)
{
	e->container = view_container_id(BPF_CORE_READ(group, container));
	e->group = view_group_id(group);
	e->users = BPF_CORE_READ(group, container_users) + change;
	e->delta = delta;
	e->reason = STOCK_USER_DEVICE_OPEN;
}

/* Attaching and detaching are a user's coming and going as well. Before
 * 1334e47ee798 ("vfio: Wrap group codes to be separately compiled for
 * CONFIG_VFIO_GROUP=n") and its series, 6.2, a device's user is counted by
 * functions of other names.
 */
#define STOCK_container_users                                                 \
	SEC("fexit/vfio_container_attach_group")                              \
	int BPF_PROG(st__vfio__users_attach,                                  \
		     struct vfio_container___view *container,                 \
		     struct vfio_group___view *group, int ret)                \
	{                                                                     \
		struct ev_users e = {};                                       \
                                                                              \
		if (ret)                                                      \
			return 0;                                             \
		stock_users(&e, group, 1, 0);                                 \
		e.reason = STOCK_USER_ATTACH;                                 \
		on_container_users(ctx, &e);                                  \
		return 0;                                                     \
	}                                                                     \
                                                                              \
	SEC("fentry/vfio_group_detach_container")                             \
	int BPF_PROG(st__vfio__users_detach, struct vfio_group___view *group) \
	{                                                                     \
		struct ev_users e = {};                                       \
                                                                              \
		stock_users(&e, group, -1, -1);                               \
		e.reason = STOCK_USER_ATTACH;                                 \
		on_container_users(ctx, &e);                                  \
		return 0;                                                     \
	}                                                                     \
                                                                              \
	SEC("fexit/vfio_group_use_container")                                 \
	int BPF_PROG(st__vfio__users_use, struct vfio_group___view *group,    \
		     int ret)                                                 \
	{                                                                     \
		struct ev_users e = {};                                       \
                                                                              \
		if (ret)                                                      \
			return 0;                                             \
		stock_users(&e, group, 1, 0);                                 \
		on_container_users(ctx, &e);                                  \
		return 0;                                                     \
	}                                                                     \
                                                                              \
	SEC("fentry/vfio_group_unuse_container")                              \
	int BPF_PROG(st__vfio__users_unuse, struct vfio_group___view *group)  \
	{                                                                     \
		struct ev_users e = {};                                       \
                                                                              \
		stock_users(&e, group, -1, -1);                               \
		on_container_users(ctx, &e);                                  \
		return 0;                                                     \
	}                                                                     \
                                                                              \
	SEC("fexit/vfio_device_assign_container")                             \
	int BPF_PROG(st__vfio__users_assign,                                  \
		     struct vfio_device___view *device, int ret)              \
	{                                                                     \
		struct ev_users e = {};                                       \
                                                                              \
		if (ret)                                                      \
			return 0;                                             \
		stock_users(&e, BPF_CORE_READ(device, group), 1, 0);          \
		on_container_users(ctx, &e);                                  \
		return 0;                                                     \
	}                                                                     \
                                                                              \
	SEC("fentry/vfio_device_unassign_container")                          \
	int BPF_PROG(st__vfio__users_unassign,                                \
		     struct vfio_device___view *device)                       \
	{                                                                     \
		struct ev_users e = {};                                       \
                                                                              \
		stock_users(&e, BPF_CORE_READ(device, group), -1, -1);        \
		on_container_users(ctx, &e);                                  \
		return 0;                                                     \
	}

#define STOCK_device_open                                                 \
	SEC("fexit/vfio_group_fops_unl_ioctl")                            \
	int BPF_PROG(st__vfio__device_open, struct file *file,            \
		     unsigned int cmd, unsigned long arg, long ret)       \
	{                                                                 \
		char name[VFIOSCOPE_NAME_LEN] = {};                       \
		struct ev_device e = {.open_count = (__u32)EV_UNKNOWN,    \
				      .device = name};                    \
                                                                          \
		if (cmd != STOCK_GET_DEVICE_FD)                           \
			return 0;                                         \
		e.group = view_group_id(                                  \
			(void *)BPF_CORE_READ(file, private_data));       \
		e.ret = ret < 0 ? ret : 0;                                \
		e.duration_ns = stock_elapsed();                          \
		bpf_probe_read_user_str(name, sizeof(name), (void *)arg); \
		on_device_open(ctx, &e);                                  \
		return 0;                                                 \
	}

/* At the end of it, nothing is left of what is closed here. */
SEC("fentry/vfio_device_fops_release")
int BPF_PROG(st__vfio__device_release, struct inode *inode, struct file *file)
{
	struct stock_call *call = stock_begin();
	struct vfio_device___view *device;
	const char *name;

	if (!call)
		return 0;
	device = view_device((void *)BPF_CORE_READ(file, private_data));
	call->group = view_group_id(BPF_CORE_READ(device, group));
	call->open_count = BPF_CORE_READ(device, open_count) - 1;
	name = BPF_CORE_READ(device, dev, kobj.name);
	bpf_probe_read_kernel_str(call->device, sizeof(call->device), name);
	return 0;
}

#define STOCK_device_close                                            \
	SEC("fexit/vfio_device_fops_release")                         \
	int BPF_PROG(st__vfio__device_close)                          \
	{                                                             \
		struct stock_call *call = stock_call();               \
                                                                      \
		if (!call || !call->start_ns)                         \
			return 0;                                     \
                                                                      \
		struct ev_device e = {.group = call->group,           \
				      .open_count = call->open_count, \
				      .duration_ns = stock_elapsed(), \
				      .device = call->device};        \
                                                                      \
		on_device_close(ctx, &e);                             \
		return 0;                                             \
	}

#define STOCK_external_user_get
#define STOCK_external_user_put

/* A group's file, and not one of a device's character device, is that of the
 * group's own. The second argument is read from where it is: see
 * TRACEPOINT_group_set_kvm.
 */
#define STOCK_group_set_kvm                                            \
	SEC("fentry/vfio_file_set_kvm")                                \
	int BPF_PROG(st__vfio__group_set_kvm, struct file *file)       \
	{                                                              \
		struct vfio_group___view *group;                       \
		struct ev_set_kvm e = {};                              \
                                                                       \
		group = (void *)BPF_CORE_READ(file, private_data);     \
		if ((void *)BPF_CORE_READ(file, f_inode, i_cdev) !=    \
		    __builtin_preserve_access_index(&group->cdev))     \
			return 0;                                      \
		e.group = view_group_id(group);                        \
		bpf_probe_read_kernel(&e.kvm, sizeof(e.kvm), &ctx[1]); \
		e.linked = e.kvm != 0;                                 \
		if (!e.linked)                                         \
			e.kvm = (__u64)BPF_CORE_READ(group, kvm);      \
		on_group_set_kvm(ctx, &e);                             \
		return 0;                                              \
	}

static __always_inline bool stock_read_map(struct ev_dma_map *e,
					   struct file *file, unsigned long arg)
{
	struct stock_map_arg map;

	if (bpf_probe_read_user(&map, sizeof(map), (void *)arg))
		return false;
	e->container = view_container_id(stock_container(file));
	e->prot = map.flags & STOCK_PROT;
	e->iova = map.iova;
	e->vaddr = map.vaddr;
	e->size = map.size;
	e->pages =
		map.flags & STOCK_MAP_VADDR ? 0 : map.size >> STOCK_PAGE_SHIFT;
	e->pin_ns = EV_UNKNOWN;
	e->iommu_ns = EV_UNKNOWN;
	e->runs = EV_UNKNOWN;
	e->wait_ns = EV_UNKNOWN;
	return true;
}

#define STOCK_dma_map_start                                            \
	SEC("fentry/vfio_fops_unl_ioctl")                              \
	int BPF_PROG(st__vfio__dma_map_start, struct file *file,       \
		     unsigned int cmd, unsigned long arg)              \
	{                                                              \
		struct ev_dma_map e = {};                              \
                                                                       \
		if (cmd == STOCK_MAP_DMA && stock_has_backend(file) && \
		    stock_read_map(&e, file, arg))                     \
			on_dma_map_start(ctx, &e);                     \
		return 0;                                              \
	}

#define STOCK_dma_map                                                        \
	SEC("fexit/vfio_fops_unl_ioctl")                                     \
	int BPF_PROG(st__vfio__dma_map, struct file *file, unsigned int cmd, \
		     unsigned long arg, long ret)                            \
	{                                                                    \
		struct ev_dma_map e = {.ret = ret};                          \
		struct stock_call *call;                                     \
                                                                             \
		if (cmd != STOCK_MAP_DMA ||                                  \
		    (ret && !stock_has_backend(file)) ||                     \
		    !stock_read_map(&e, file, arg))                          \
			return 0;                                            \
		call = stock_call();                                         \
		if (!ret)                                                    \
			stock_map_parts(&e, call);                           \
		e.duration_ns = stock_end(call);                             \
		if (ret)                                                     \
			e.pages = 0;                                         \
		else                                                         \
			e.done = e.size;                                     \
		on_dma_map(ctx, &e);                                         \
		return 0;                                                    \
	}

#define STOCK_dma_map_progress

#define STOCK_dma_unmap_start                                                  \
	SEC("fentry/vfio_fops_unl_ioctl")                                      \
	int BPF_PROG(st__vfio__dma_unmap_start, struct file *file,             \
		     unsigned int cmd, unsigned long arg)                      \
	{                                                                      \
		struct stock_unmap_arg unmap;                                  \
                                                                               \
		if (cmd != STOCK_UNMAP_DMA || !stock_has_backend(file) ||      \
		    bpf_probe_read_user(&unmap, sizeof(unmap), (void *)arg))   \
			return 0;                                              \
                                                                               \
		struct ev_dma_unmap e = {                                      \
			.container = view_container_id(stock_container(file)), \
			.flags = unmap.flags,                                  \
			.iova = unmap.iova,                                    \
			.size = unmap.size};                                   \
                                                                               \
		on_dma_unmap_start(ctx, &e);                                   \
		return 0;                                                      \
	}

/* A failed one writes nothing back: the size there is still the wanted one. */
#define STOCK_dma_unmap                                                        \
	SEC("fexit/vfio_fops_unl_ioctl")                                       \
	int BPF_PROG(st__vfio__dma_unmap, struct file *file, unsigned int cmd, \
		     unsigned long arg, long ret)                              \
	{                                                                      \
		struct ev_dma_unmap e = {.ret = ret,                           \
					 .iommu_ns = EV_UNKNOWN,               \
					 .unpin_ns = EV_UNKNOWN};              \
		struct stock_unmap_arg unmap;                                  \
		struct stock_call *call;                                       \
                                                                               \
		if (cmd != STOCK_UNMAP_DMA ||                                  \
		    (ret && !stock_has_backend(file)) ||                       \
		    bpf_probe_read_user(&unmap, sizeof(unmap), (void *)arg))   \
			return 0;                                              \
		call = stock_call();                                           \
		e.container = view_container_id(stock_container(file));        \
		e.flags = unmap.flags;                                         \
		e.iova = unmap.iova;                                           \
		e.size = call ? call->size : unmap.size;                       \
		e.unmapped = ret ? 0 : unmap.size;                             \
		if (!(unmap.flags & STOCK_UNMAP_VADDR))                        \
			e.pages = e.unmapped >> STOCK_PAGE_SHIFT;              \
		e.duration_ns = stock_end(call);                               \
		on_dma_unmap(ctx, &e);                                         \
		return 0;                                                      \
	}

#define STOCK_dma_pin                                                       \
	SEC("fexit/vfio_pin_pages")                                         \
	int BPF_PROG(st__vfio__dma_pin, struct vfio_device___view *device,  \
		     __u64 iova, int npage, int prot, void *pages, int ret) \
	{                                                                   \
		struct ev_dma_pin e = {.ret = ret < 0 ? ret : 0,            \
				       .iova = iova,                        \
				       .pages = ret > 0 ? ret : 0,          \
				       .duration_ns = EV_UNKNOWN};          \
                                                                            \
		e.container = view_container_id(                            \
			BPF_CORE_READ(device, group, container));           \
		on_dma_pin(ctx, &e);                                        \
		return 0;                                                   \
	}

#define STOCK_dma_unpin                                                      \
	SEC("fentry/vfio_unpin_pages")                                       \
	int BPF_PROG(st__vfio__dma_unpin, struct vfio_device___view *device, \
		     __u64 iova, int npage)                                  \
	{                                                                    \
		struct ev_dma_pin e = {.iova = iova,                         \
				       .pages = npage,                       \
				       .duration_ns = EV_UNKNOWN};           \
                                                                             \
		e.container = view_container_id(                             \
			BPF_CORE_READ(device, group, container));            \
		on_dma_unpin(ctx, &e);                                       \
		return 0;                                                    \
	}

#define STOCK_locked_vm

#endif /* VFIOSCOPE_SOURCE_STOCK_BPF_H */
