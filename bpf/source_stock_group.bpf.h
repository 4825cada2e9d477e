/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stock group's file, its attachment and the users that are counted with
 * it; for source_stock.bpf.h alone.
 */

/* From <linux/vfio.h> */
#define STOCK_SET_CONTAINER 0x3b68
#define STOCK_GET_DEVICE_FD 0x3b6a

#if HEARS_group_open
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

SEC("fexit/vfio_group_fops_open")
int BPF_PROG(st__vfio__group_open, struct inode *inode, struct file *file,
	     int ret)
{
	struct ev_group e = {.group = stock_group_of(inode), .ret = ret};

	on_group_open(ctx, &e);
	return 0;
}
#endif

#if HEARS_group_release
/* At the end of it its group may be gone, and its inode's device even before:
 * a device can be taken away while the group is open.
 */
SEC("fentry/vfio_group_fops_release")
int BPF_PROG(st__vfio__group_release, struct inode *inode, struct file *file)
{
	struct stock_call *call = stock_begin();

	if (call)
		call->group = view_group_id(
			(void *)BPF_CORE_READ(file, private_data));
	return 0;
}

SEC("fexit/vfio_group_fops_release")
int BPF_PROG(st__vfio__group_release_end)
{
	struct stock_call *call = stock_call();

	if (!call)
		return 0;

	struct ev_group e = {.group = call->group};

	on_group_release(ctx, &e);
	return 0;
}
#endif

#if HEARS_container_attach || HEARS_device_open
SEC("fentry/vfio_group_fops_unl_ioctl")
int BPF_PROG(st__vfio__group_ioctl, struct file *file, unsigned int cmd)
{
	if (cmd == STOCK_SET_CONTAINER || cmd == STOCK_GET_DEVICE_FD)
		stock_begin();
	return 0;
}
#endif

#if HEARS_device_open
/* User space's own bytes: behind a blank may stand a VF's token, which is a
 * secret. The name ends at the first byte that no device's name has, and nothing
 * behind it stays.
 */
static __always_inline void stock_cut_name(char name[VFIOSCOPE_NAME_LEN])
{
	bool ended = false;
	int i;

#pragma unroll
	for (i = 0; i < VFIOSCOPE_NAME_LEN; i++) {
		if (name[i] <= ' ' || name[i] > '~')
			ended = true;
		if (ended)
			name[i] = '\0';
	}
}

SEC("fexit/vfio_group_fops_unl_ioctl")
int BPF_PROG(st__vfio__device_open, struct file *file, unsigned int cmd,
	     unsigned long arg, long ret)
{
	char name[VFIOSCOPE_NAME_LEN] = {};

	if (cmd != STOCK_GET_DEVICE_FD)
		return 0;
	bpf_probe_read_user_str(name, sizeof(name), (void *)arg);
	stock_cut_name(name);

	struct ev_device e = {.group = view_group_id((void *)BPF_CORE_READ(
				      file, private_data)),
			      .open_count = (__u32)EV_UNKNOWN,
			      .ret = ret < 0 ? ret : 0,
			      .duration_ns = stock_end(stock_call()),
			      .device = name};

	on_device_open(ctx, &e);
	return 0;
}
#endif

#if HEARS_container_users
/* @change: by how much the group's count is still to move. */
static __always_inline void stock_users(void *ctx,
					struct vfio_group___view *group,
					int delta, int change, __u32 reason)
{
	struct ev_users e = {
		.container = view_container_id(BPF_CORE_READ(group, container)),
		.group = view_group_id(group),
		.users = BPF_CORE_READ(group, container_users) + change,
		.delta = delta,
		.reason = reason};

	on_container_users(ctx, &e);
}

/* Before 1334e47ee798 ("vfio: Wrap group codes to be separately compiled for
 * CONFIG_VFIO_GROUP=n") and its series, 6.2, a device's user is counted by
 * functions of other names.
 */
SEC("fexit/vfio_group_use_container")
int BPF_PROG(st__vfio__use, struct vfio_group___view *group, int ret)
{
	if (!ret)
		stock_users(ctx, group, 1, 0, STOCK_USER_DEVICE_OPEN);
	return 0;
}

SEC("fentry/vfio_group_unuse_container")
int BPF_PROG(st__vfio__unuse, struct vfio_group___view *group)
{
	stock_users(ctx, group, -1, -1, STOCK_USER_DEVICE_OPEN);
	return 0;
}

SEC("fexit/vfio_device_assign_container")
int BPF_PROG(st__vfio__assign, struct vfio_device___view *device, int ret)
{
	if (!ret)
		stock_users(ctx, BPF_CORE_READ(device, group), 1, 0,
			    STOCK_USER_DEVICE_OPEN);
	return 0;
}

SEC("fentry/vfio_device_unassign_container")
int BPF_PROG(st__vfio__unassign, struct vfio_device___view *device)
{
	stock_users(ctx, BPF_CORE_READ(device, group), -1, -1,
		    STOCK_USER_DEVICE_OPEN);
	return 0;
}
#endif

#if HEARS_container_attach || HEARS_container_users
/* Attaching is a user's coming as well, and it is within the group's ioctl,
 * whose beginning is taken for its own.
 */
SEC("fexit/vfio_container_attach_group")
int BPF_PROG(st__vfio__attach, void *container, struct vfio_group___view *group,
	     int ret)
{
#if HEARS_container_users
	if (!ret)
		stock_users(ctx, group, 1, 0, STOCK_USER_ATTACH);
#endif
#if HEARS_container_attach
	void *address;

	/* A typed argument may not be calculated with. */
	bpf_probe_read_kernel(&address, sizeof(address), &container);

	struct ev_attach e = {.container = view_container_id(address),
			      .group = view_group_id(group),
			      .ret = ret,
			      .duration_ns = stock_end(stock_call())};

	on_container_attach(ctx, &e);
#endif
	return 0;
}
#endif

#if HEARS_container_detach || HEARS_container_users || HEARS_container_release
/* The container may be gone at the end of it. */
SEC("fentry/vfio_group_detach_container")
int BPF_PROG(st__vfio__detach, struct vfio_group___view *group)
{
	struct vfio_container___view *container;
	struct stock_call *call = stock_begin();

#if HEARS_container_users
	stock_users(ctx, group, -1, -1, STOCK_USER_ATTACH);
#endif
	if (!call)
		return 0;
	container = BPF_CORE_READ(group, container);
	call->container = view_container_id(container);
	call->last = stock_last_reference(container);
	return 0;
}

SEC("fexit/vfio_group_detach_container")
int BPF_PROG(st__vfio__detach_end, struct vfio_group___view *group)
{
	struct stock_call *call = stock_call();

	if (!call || !call->start_ns)
		return 0;
#if HEARS_container_detach
	struct ev_attach e = {.container = call->container,
			      .group = view_group_id(group),
			      .duration_ns = stock_end(call)};

	on_container_detach(ctx, &e);
#endif
#if HEARS_container_release
	struct ev_container gone = {.container = call->container,
				    .lifetime_ns = EV_UNKNOWN};

	if (call->last)
		on_container_release(ctx, &gone);
#endif
	return 0;
}
#endif

#if HEARS_group_set_kvm
/* A group's file, and not a device's, is that of the group's own character
 * device, by its number: the device itself may be gone. The second argument is
 * read from where it is: see TRACEPOINT_group_set_kvm.
 */
SEC("fentry/vfio_file_set_kvm")
int BPF_PROG(st__vfio__group_set_kvm, struct file *file)
{
	dev_t number = BPF_CORE_READ(file, f_inode, i_rdev);
	struct vfio_group___view *group;
	struct ev_set_kvm e = {};

	group = (void *)BPF_CORE_READ(file, private_data);
	if (!number || number != BPF_CORE_READ(group, dev.devt))
		return 0;
	e.group = view_group_id(group);
	bpf_probe_read_kernel(&e.kvm, sizeof(e.kvm), &ctx[1]);
	e.linked = e.kvm != 0;
	if (!e.linked)
		e.kvm = (__u64)BPF_CORE_READ(group, kvm);
	on_group_set_kvm(ctx, &e);
	return 0;
}
#endif
