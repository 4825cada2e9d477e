// SPDX-License-Identifier: GPL-2.0-only
/* The kernel as bpf/holders.bpf.c sees it: loads it, reads its iterators. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "holders.skel.h"
#include "holders_look.h"
#include "symbols.h"
#include "tool.h"

#define MAX_MAPPINGS 4096 /* of one device */

static bool set_addresses(struct holders_bpf *bpf)
{
	enum {
		CONTAINER,
		GROUP,
		DEVICE,
		KVM_VM,
		KVM_VCPU,
		KVM_DEVICE,
		KVM_VFIO,
		KVM_VMS,
		SOCKET,
		IO_URING,
		CHAR_DEVICES,
		IOMMU_GROUPS,
		VHOST_NET,
		VHOST_VSOCK,
		ANON_INODE,
		SYMBOLS
	};
	struct symbol s[SYMBOLS] = {
		[CONTAINER] = {.name = "vfio_fops", .module = "vfio"},
		[GROUP] = {.name = "vfio_group_fops", .module = "vfio"},
		[DEVICE] = {.name = "vfio_device_fops", .module = "vfio"},
		[KVM_VM] = {.name = "kvm_vm_fops", .module = "kvm"},
		[KVM_VCPU] = {.name = "kvm_vcpu_fops", .module = "kvm"},
		[KVM_DEVICE] = {.name = "kvm_device_fops", .module = "kvm"},
		[KVM_VFIO] = {.name = "kvm_vfio_ops", .module = "kvm"},
		[KVM_VMS] = {.name = "vm_list", .module = "kvm"},
		[SOCKET] = {.name = "socket_file_ops"},
		[IO_URING] = {.name = "io_uring_fops"},
		[CHAR_DEVICES] = {.name = "cdev_map"},
		[IOMMU_GROUPS] = {.name = "iommu_group_kset"},
		[VHOST_NET] = {.name = "vhost_net_fops", .module = "vhost_net"},
		[VHOST_VSOCK] = {.name = "vhost_vsock_fops",
				 .module = "vhost_vsock"},
		[ANON_INODE] = {.name = "anon_inode_inode"},
	};

	if (!symbols_find(s, SYMBOLS))
		return false;
	if (!s[CONTAINER].address || !s[GROUP].address || !s[DEVICE].address) {
		tool_error("vfio is not loaded: modprobe vfio (and bind a "
			   "device to vfio-pci)");
		return false;
	}
	bpf->rodata->container_fops = s[CONTAINER].address;
	bpf->rodata->group_fops = s[GROUP].address;
	bpf->rodata->device_fops = s[DEVICE].address;
	bpf->rodata->kvm_vm_fops = s[KVM_VM].address;
	bpf->rodata->kvm_vcpu_fops = s[KVM_VCPU].address;
	bpf->rodata->kvm_device_fops = s[KVM_DEVICE].address;
	bpf->rodata->kvm_vfio_ops = s[KVM_VFIO].address;
	bpf->rodata->kvm_vms = s[KVM_VMS].address;
	bpf->rodata->socket_fops = s[SOCKET].address;
	bpf->rodata->io_uring_fops = s[IO_URING].address;
	bpf->rodata->char_devices = s[CHAR_DEVICES].address;
	bpf->rodata->iommu_groups = s[IOMMU_GROUPS].address;
	bpf->rodata->vhost_net_fops = s[VHOST_NET].address;
	bpf->rodata->vhost_vsock_fops = s[VHOST_VSOCK].address;
	bpf->rodata->anon_inode = s[ANON_INODE].address;
	return true;
}

static int load(struct held_look *look)
{
	struct holders_bpf *bpf = holders_bpf__open();
	int err;

	if (!bpf) {
		tool_error("cannot open the BPF object: %s", strerror(errno));
		return -1;
	}
	if (!set_addresses(bpf)) {
		holders_bpf__destroy(bpf);
		return -1;
	}
	/* Built in, it has its types in the kernel's. */
	if (!access("/sys/module/vfio/initstate", F_OK) &&
	    access("/sys/kernel/btf/vfio", R_OK)) {
		tool_error("the vfio module has no BTF (/sys/kernel/btf/vfio): "
			   "use modules that were built with "
			   "CONFIG_DEBUG_INFO_BTF_MODULES=y");
		holders_bpf__destroy(bpf);
		return -1;
	}
	err = holders_bpf__load(bpf);
	if (err) {
		tool_error("cannot load the BPF programs: %s (-v says more)",
			   strerror(-err));
		holders_bpf__destroy(bpf);
		return -1;
	}
	look->bpf = bpf;
	malloc_trim(0);
	return 0;
}

static int make_room(struct held_look *look)
{
	size_t more = look->room ? look->room * 2 : 256;
	void *files;

	if (look->count < look->room)
		return 0;
	files = realloc(look->files, more * sizeof(*look->files));
	if (!files)
		return -ENOMEM;
	look->files = files;
	look->room = more;
	return 0;
}

static int read_all(struct held_look *look, int fd)
{
	size_t size = sizeof(*look->files), have = 0;

	for (;;) {
		ssize_t got;

		if (make_room(look))
			return -ENOMEM;
		got = read(fd, (char *)&look->files[look->count] + have,
			   (look->room - look->count) * size - have);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got <= 0)
			return got ? -errno : 0;
		have += got;
		look->count += have / size;
		have %= size;
	}
}

static int run_iterator(struct held_look *look, struct bpf_program *program)
{
	struct bpf_link *link = bpf_program__attach_iter(program, NULL);
	int fd, ret;

	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	ret = fd < 0 ? -errno : read_all(look, fd);
	if (fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	return ret;
}

/* Memory that has a device mapped is noted once, however many mappings it has. */
static int note_memory(struct held_look *look, uint64_t mm)
{
	const struct index_key key = {{mm}};

	index_add(&look->mapped, &key, 0);
	return look->mapped.failed ? -ENOMEM : 0;
}

static int note_mapped(struct held_look *look)
{
	int ret = 0;

	for (size_t i = 0; i < look->count && !ret; i++)
		if (look->files[i].via == HOLD_BY_MMAP)
			ret = note_memory(look, look->files[i].mm);
	return ret;
}

static bool has_mapping(const struct held_look *look)
{
	for (size_t i = 0; i < look->count; i++)
		if (look->files[i].via == HOLD_BY_MMAP &&
		    look->files[i].what == HOLD_DEVICE)
			return true;
	return false;
}

/* Once: who looks every ten seconds would say nothing else. */
static void tell_left_out(const struct held_look *look)
{
	static bool told;

	if (told || !look->bpf->bss->files_left_out)
		return;
	told = true;
	tool_error("a socket has more files in flight than are looked at "
		   "(256): some holders may be missing");
}

/* A module has the addresses of its load, and its folder a number that no other has. */
static void list_modules(ino_t modules[LOOK_MODULES])
{
	static const char *const folders[LOOK_MODULES] = {
		"/sys/module/vfio", "/sys/module/kvm", "/sys/module/vhost_net",
		"/sys/module/vhost_vsock"};
	struct stat st;

	for (int i = 0; i < LOOK_MODULES; i++)
		modules[i] = stat(folders[i], &st) ? 0 : st.st_ino;
}

static int load_for_these(struct held_look *look)
{
	ino_t modules[LOOK_MODULES];

	list_modules(modules);
	if (look->bpf && memcmp(modules, look->modules, sizeof(modules)))
		look_close(look);
	memcpy(look->modules, modules, sizeof(modules));
	return look->bpf ? 0 : load(look);
}

static void forget_memory(struct held_look *look)
{
	int fd = bpf_map__fd(look->bpf->maps.mms);
	__u64 mm;

	while (!bpf_map_get_next_key(fd, NULL, &mm) &&
	       !bpf_map_delete_elem(fd, &mm))
		;
}

int look_files(struct held_look *look)
{
	int ret;

	if (load_for_these(look))
		return -1;
	look->count = 0;
	index_clear(&look->mapped);
	forget_memory(look);
	ret = run_iterator(look, look->bpf->progs.files);
	if (!ret)
		ret = run_iterator(look, look->bpf->progs.mappings);
	if (!ret)
		ret = note_mapped(look);
	tell_left_out(look);
	if (ret) {
		tool_error("cannot look at the open files: %s", strerror(-ret));
		look_close(look);
	}
	return ret;
}

void look_close(struct held_look *look)
{
	holders_bpf__destroy(look->bpf);
	free(look->files);
	index_clear(&look->mapped);
	memset(look, 0, sizeof(*look));
}

static bool ask(struct bpf_program *program, void *what, size_t size)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = what,
		    .ctx_size_in = size);

	return !bpf_prog_test_run_opts(bpf_program__fd(program), &opts);
}

static bool has_memory(const struct held_look *look, uint64_t mm)
{
	const struct index_key key = {{mm}};

	return index_find(&look->mapped, &key);
}

static int add_memory(struct held_look *look, const struct hold_memory *m)
{
	uint32_t nobody = 0;

	if (make_room(look))
		return -ENOMEM;
	look->files[look->count++] = (struct hold_file){
		.file = m->file,
		.object = m->device,
		.group = m->group,
		.mm = m->mm,
		.bytes = m->bytes,
		.what = HOLD_DEVICE,
		.via = HOLD_BY_MMAP,
		.fd = -1,
	};
	bpf_map_update_elem(bpf_map__fd(look->bpf->maps.mms), &m->mm, &nobody,
			    BPF_ANY);
	return note_memory(look, m->mm);
}

int look_memory(struct held_look *look, uint64_t device)
{
	struct hold_memory step = {.device = device};
	int ret = 0;

	for (int n = 0; n < MAX_MAPPINGS && !ret; n++) {
		if (!ask(look->bpf->progs.next_memory, &step, sizeof(step)))
			return 0;
		if (step.file && !has_memory(look, step.mm))
			ret = add_memory(look, &step);
		if (!step.at)
			break;
	}
	return ret;
}

int look_sharers(struct held_look *look)
{
	if (!has_mapping(look))
		return 0;
	return run_iterator(look, look->bpf->progs.sharers);
}

bool look_next(struct held_look *look, struct hold_next *step)
{
	return ask(look->bpf->progs.next, step, sizeof(*step)) && step->at;
}

bool look_group(struct held_look *look, struct hold_group *group)
{
	return ask(look->bpf->progs.look_group, group, sizeof(*group)) &&
	       group->ok;
}

bool look_device(struct held_look *look, struct hold_device *device)
{
	return ask(look->bpf->progs.look_device, device, sizeof(*device)) &&
	       device->ok;
}

bool look_lock(struct held_look *look, struct hold_lock *lock)
{
	return ask(look->bpf->progs.look_lock, lock, sizeof(*lock)) &&
	       lock->tid;
}

bool look_file(struct held_look *look, struct hold_file *file)
{
	return ask(look->bpf->progs.look_file, file, sizeof(*file)) &&
	       file->what != HOLD_OTHER;
}
