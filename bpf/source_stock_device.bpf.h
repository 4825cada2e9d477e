/* SPDX-License-Identifier: GPL-2.0-only */
/* A device's file of the stock modules; for source_stock.bpf.h alone. */

#if HEARS_device_close
/* At the end of it, nothing is left of what is closed here. */
SEC("fentry/vfio_device_fops_release")
int BPF_PROG(st__vfio__device_close, struct inode *inode, struct file *file)
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

SEC("fexit/vfio_device_fops_release")
int BPF_PROG(st__vfio__device_close_end)
{
	struct stock_call *call = stock_call();

	if (!call || !call->start_ns)
		return 0;

	struct ev_device e = {.group = call->group,
			      .open_count = call->open_count,
			      .duration_ns = stock_end(call),
			      .device = call->device};

	on_device_close(ctx, &e);
	return 0;
}
#endif
