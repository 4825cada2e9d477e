// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who keeps a container, group or device alive, as far as it can be seen.
 *
 * A file is known by the address of its operations, which user space looks up
 * (names alone are ambiguous) and sets before the programs are loaded. Three
 * iterators look for files: in fd tables, and from there in the queues of unix
 * sockets, in memory mappings, and at the tasks that share such memory. What no
 * file leads to is found by walking the kernel's lists, an entry a call: char
 * devices (a group is one), IOMMU groups, VMs, and a device's mappings in memory
 * that outlived its processes.
 *
 * No lock is taken. Every pointer is followed by a read that may fail, every
 * walk is bounded, here or by who asks for the next entry.
 */
#include "views.bpf.h"
#include "holders.h"

char LICENSE[] SEC("license") = "GPL";

/* Addresses; 0: there is no such thing here. */
const volatile __u64 container_fops;
const volatile __u64 group_fops;
const volatile __u64 device_fops;
const volatile __u64 kvm_vm_fops;
const volatile __u64 kvm_vcpu_fops;
const volatile __u64 kvm_device_fops;
const volatile __u64 kvm_vfio_ops;
const volatile __u64 kvm_vms;
const volatile __u64 socket_fops;
const volatile __u64 io_uring_fops;
const volatile __u64 char_devices;
const volatile __u64 iommu_groups;
const volatile __u64 vhost_net_fops;
const volatile __u64 vhost_vsock_fops;
const volatile __u64 anon_inode;

#define UNIX		1  /* AF_UNIX */
#define LISTENING	10 /* TCP_LISTEN, of any family */
#define MAX_QUEUE_STEPS (1 << 20)
#define MAX_QUEUE_FILES 256 /* of a socket; their records fill half a buffer */
#define MAX_MMS		4096

/* Memory in which a device is mapped, and whose it is. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_MMS);
	__type(key, __u64);
	__type(value, __u32);
} mms SEC(".maps");

#include "holders_lists.bpf.h"

static __always_inline void fill_kvm(struct hold_file *r, __u64 ops, void *data)
{
	struct kvm_device___view *device = data;
	struct kvm_vcpu___view *vcpu = data;

	if (!bpf_core_type_exists(struct kvm_device___view))
		return;
	r->what = HOLD_KVM;
	r->vm_fd = ops == kvm_vm_fops;
	if (ops == kvm_vm_fops)
		r->object = (__u64)data;
	else if (ops == kvm_vcpu_fops)
		r->object = (__u64)BPF_CORE_READ(vcpu, kvm);
	else
		r->object = (__u64)BPF_CORE_READ(device, kvm);
}

static __always_inline void fill_vhost(struct hold_file *r,
				       struct vhost_dev___view *dev)
{
	r->what = HOLD_VHOST;
	if (bpf_core_type_exists(struct vhost_dev___view))
		r->mm = (__u64)BPF_CORE_READ(dev, mm);
}

/* False: it is none of those that matter. */
static __always_inline bool fill_file(struct hold_file *r, struct file *file)
{
	__u64 ops = (__u64)BPF_CORE_READ(file, f_op);
	void *data;

	if (!ops)
		return false;
	if (ops != container_fops && ops != group_fops && ops != device_fops &&
	    ops != kvm_vm_fops && ops != kvm_vcpu_fops &&
	    ops != kvm_device_fops && ops != io_uring_fops &&
	    ops != vhost_net_fops && ops != vhost_vsock_fops)
		return false;
	data = BPF_CORE_READ(file, private_data);
	if (!data)
		return false;

	r->file = (__u64)file;
	r->object = (__u64)data;
	r->group = 0;
	r->mm = 0;
	r->vm_fd = 0;
	if (ops == container_fops) {
		r->what = HOLD_CONTAINER;
	} else if (ops == group_fops) {
		r->what = HOLD_GROUP;
		r->group = (__u64)data;
	} else if (ops == device_fops) {
		struct vfio_device___view *device = view_device(data);

		r->what = HOLD_DEVICE;
		r->object = (__u64)device;
		r->group = (__u64)BPF_CORE_READ(device, group);
	} else if (ops == io_uring_fops) {
		r->what = HOLD_IO_URING;
	} else if (ops == vhost_net_fops || ops == vhost_vsock_fops) {
		fill_vhost(r, data);
	} else {
		fill_kvm(r, ops, data);
	}
	return true;
}

/* The leader's name: threads are often named after what they do. */
static __always_inline void fill_task(struct hold_file *r,
				      struct task_struct *task)
{
	r->tgid = BPF_CORE_READ(task, tgid);
	BPF_CORE_READ_INTO(&r->comm, task, group_leader, comm);
}

/* A place among the files of the packets that wait in a socket. */
struct queue_place {
	__u64 head;
	__u64 packet; /* the next */
	__u64 files;  /* struct scm_fp_list of the packet that we are in */
	__u32 next;   /* of these */
	__u32 listens;
};

/* Where we are in a process's socket, or in one that waits in it: sent as a file,
 * or connected and not accepted. Not on the stack, where the verifier would
 * follow each value that each step leaves; there is one reader of the iterator.
 */
static struct {
	struct queue_place at;
	struct queue_place outer;
	__u32 inside;
	__u32 written;
	struct hold_file r;
} queue;

/* A socket had more files than were written. */
bool files_left_out;

/* False: it is no unix socket, or nothing waits there. */
static __always_inline bool enter(__u64 sk_ptr)
{
	struct sock *sk = (void *)sk_ptr;

	if (!sk || BPF_CORE_READ(sk, __sk_common.skc_family) != UNIX)
		return false;
	queue.at.head = MEMBER(sk, struct sock, sk_receive_queue);
	queue.at.packet = (__u64)BPF_CORE_READ(sk, sk_receive_queue.next);
	queue.at.files = 0;
	queue.at.next = 0;
	queue.at.listens =
		BPF_CORE_READ(sk, __sk_common.skc_state) == LISTENING;
	return queue.at.packet != queue.at.head;
}

/* One deep: a chain of sockets in sockets is not followed further. */
static __always_inline void enter_inner(__u64 sk)
{
	if (queue.inside)
		return;
	queue.outer = queue.at;
	queue.inside = 1;
	if (!enter(sk)) {
		queue.at = queue.outer;
		queue.inside = 0;
	}
}

static __always_inline void next_packet(void)
{
	struct sk_buff *packet = (void *)queue.at.packet;
	struct unix_skb_parms___view *parms;

	queue.at.packet = (__u64)BPF_CORE_READ(packet, next);
	if (queue.at.listens) {
		enter_inner((__u64)BPF_CORE_READ(packet, sk));
		return;
	}
	parms = (void *)MEMBER(packet, struct sk_buff, cb);
	queue.at.files = (__u64)BPF_CORE_READ(parms, fp);
	queue.at.next = 0;
}

static __always_inline void next_file(struct seq_file *seq, __u64 place)
{
	struct socket *socket;
	struct file *file;

	bpf_probe_read_kernel(&file, sizeof(file), (void *)place);
	/* Anybody may send one file as often as there is memory for it. */
	if (queue.written && (__u64)file == queue.r.file)
		return;
	if (fill_file(&queue.r, file)) {
		bpf_seq_write(seq, &queue.r, sizeof(queue.r));
		queue.written++;
	} else if ((__u64)BPF_CORE_READ(file, f_op) == socket_fops) {
		socket = BPF_CORE_READ(file, private_data);
		enter_inner((__u64)BPF_CORE_READ(socket, sk));
	}
}

static long queue_step(__u32 i, void *arg)
{
	struct scm_fp_list___view *files = (void *)queue.at.files;
	struct seq_file **seq = arg;
	__u32 next = queue.at.next;

	if (queue.written >= MAX_QUEUE_FILES) {
		files_left_out = true;
		return 1;
	}
	if (files && next < sizeof(files->fp) / sizeof(files->fp[0]) &&
	    (short)next < BPF_CORE_READ(files, count)) {
		queue.at.next = next + 1;
		next_file(*seq, MEMBER(files, struct scm_fp_list___view, fp) +
					next * sizeof(void *));
	} else if (queue.at.packet && queue.at.packet != queue.at.head) {
		next_packet();
	} else if (queue.inside) {
		queue.at = queue.outer;
		queue.inside = 0;
	} else {
		return 1;
	}
	return 0;
}

static __always_inline void look_into_socket(struct seq_file *seq,
					     struct task_struct *task,
					     struct file *file)
{
	struct socket *socket = file->private_data;

	queue.inside = 0;
	queue.written = 0;
	if (!enter((__u64)BPF_CORE_READ(socket, sk)))
		return;
	fill_task(&queue.r, task);
	queue.r.via = HOLD_BY_SOCKET;
	queue.r.fd = -1;
	bpf_loop(MAX_QUEUE_STEPS, queue_step, &seq, 0);
}

SEC("iter/task_file")
int files(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct hold_file r = {};

	if (!task || !file)
		return 0;
	if ((__u64)file->f_op == socket_fops) {
		look_into_socket(ctx->meta->seq, task, file);
		return 0;
	}
	if (!fill_file(&r, file))
		return 0;
	fill_task(&r, task);
	r.via = HOLD_BY_FD;
	r.fd = ctx->fd;
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}

static __always_inline __u32 owner_of(struct mm_struct *mm)
{
	struct mm_struct___view *view = (void *)mm;

	if (!bpf_core_field_exists(view->owner))
		return 0;
	return BPF_CORE_READ(view, owner, tgid);
}

SEC("iter/task_vma")
int mappings(struct bpf_iter__task_vma *ctx)
{
	struct vm_area_struct *vma = ctx->vma;
	struct task_struct *task = ctx->task;
	struct hold_file r = {};
	struct file *file;

	if (!task || !vma)
		return 0;
	file = vma->vm_file;
	if (!file || !fill_file(&r, file))
		return 0;
	fill_task(&r, task);
	r.via = HOLD_BY_MMAP;
	r.fd = -1;
	r.mm = (__u64)vma->vm_mm;
	r.bytes = vma->vm_end - vma->vm_start;
	r.owner = owner_of(vma->vm_mm);
	if (r.what == HOLD_DEVICE)
		bpf_map_update_elem(&mms, &r.mm, &r.owner, BPF_ANY);
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}

/* After mappings(). A kernel thread that works in a process's memory has an mm
 * too, and keeps it.
 */
SEC("iter/task")
int sharers(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct hold_file r = {};
	__u32 *owner;

	if (!task)
		return 0;
	r.mm = (__u64)task->mm;
	if (!r.mm)
		return 0;
	owner = bpf_map_lookup_elem(&mms, &r.mm);
	if (!owner)
		return 0;
	r.via = HOLD_BY_MM;
	r.fd = -1;
	r.owner = *owner;
	fill_task(&r, task);
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}

#include "holders_memory.bpf.h"

/* By way of the stack: helpers do not write into a context. */
static __always_inline void read_name(char to[VFIOSCOPE_NAME_LEN],
				      const char *from)
{
	char name[VFIOSCOPE_NAME_LEN] = "";

	bpf_probe_read_kernel_str(name, sizeof(name), from);
	__builtin_memcpy(to, name, sizeof(name));
}

SEC("syscall")
int look_group(struct hold_group *s)
{
	struct vfio_group___view *group = (void *)s->group;
	struct vfio_container___view *container;

	s->ok = (__u64)BPF_CORE_READ(group, cdev.ops) == group_fops;
	if (!s->ok)
		return 0;
	container = BPF_CORE_READ(group, container);
	s->id = view_group_id(group);
	s->iommu_group = (__u64)BPF_CORE_READ(group, iommu_group);
	s->container_ptr = (__u64)container;
	s->container = view_container_id(container);
	s->opened_file = (__u64)BPF_CORE_READ(group, opened_file);
	s->kvm = (__u64)BPF_CORE_READ(group, kvm);
	s->users = BPF_CORE_READ(group, container_users);
	s->external = 0;
	if (bpf_core_field_exists(group->external_users))
		s->external = BPF_CORE_READ(group, external_users);
	s->per_file = !bpf_core_type_exists(struct vfio_device_file___view);
	return 0;
}

SEC("syscall")
int look_device(struct hold_device *s)
{
	struct vfio_device___view *device = (void *)s->device;
	struct device *dev = BPF_CORE_READ(device, dev);

	s->ok = dev != NULL;
	if (!dev)
		return 0;
	s->dev = (__u64)dev;
	s->group = (__u64)BPF_CORE_READ(device, group);
	s->open_count = BPF_CORE_READ(device, open_count);
	read_name(s->name, BPF_CORE_READ(dev, kobj.name));
	return 0;
}

SEC("syscall")
int look_lock(struct hold_lock *s)
{
	struct device *dev = (void *)s->dev;
	char comm[VFIOSCOPE_COMM_LEN];
	struct task_struct *task;

	/* The low bits say who else wants it. */
	task = (void *)(BPF_CORE_READ(dev, mutex.owner.counter) & ~7UL);
	s->tid = 0;
	if (!task)
		return 0;
	s->tid = BPF_CORE_READ(task, pid);
	s->tgid = BPF_CORE_READ(task, tgid);
	BPF_CORE_READ_INTO(&comm, task, group_leader, comm);
	__builtin_memcpy(s->comm, comm, sizeof(comm));
	read_name(s->name, BPF_CORE_READ(dev, kobj.name));
	return 0;
}

/* A file that is in nobody's table. */
SEC("syscall")
int look_file(struct hold_file *s)
{
	struct file *file = (void *)s->file;

	s->what = HOLD_OTHER;
	fill_file(s, file);
	return 0;
}
