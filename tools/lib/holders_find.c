// SPDX-License-Identifier: GPL-2.0-only
/*
 * The holders of groups: joins files, devices and VMs by address.
 *
 * Each file found becomes a holder of its group. What a file cannot tell is added
 * after that: VMs that have files of their own, external users, and who waits
 * for a device in unbind.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "holders_find.h"
#include "names.h"

/*
 * A process may have tens of thousands of fds of one file, and is looked at all
 * the same. So what is known already is found by keys of these kinds.
 */
enum key_kind {
	KEY_FD,	    /* process, file, fd: is a holder */
	KEY_HOLDER, /* kind, process, file: which holder, the first */
	KEY_OWNER,  /* memory, process: the process has the memory */
	KEY_LOWEST, /* memory: the lowest process that has it */
	KEY_SHARER, /* memory, process, vhost: is in the list of sharers */
	KEY_RING,   /* process: has an io_uring */
};

/* What is found out about all files before holders are made of them. */
struct survey {
	struct index known; /* KEY_OWNER and the kinds behind it */
	/* Without a mapping of their own, they may keep another's memory. */
	const struct hold_file **sharers;
	size_t sharer_count;
};

static struct index_key holder_key(enum holder_kind kind, pid_t pid,
				   uint64_t file)
{
	return (struct index_key){
		{(uint64_t)kind << 32 | KEY_HOLDER, pid, file}};
}

static struct holder *find_holder(struct held_group *g, enum holder_kind kind,
				  pid_t pid, uint64_t file)
{
	const struct index_key key = holder_key(kind, pid, file);
	const size_t *at = index_find(&g->known, &key);

	return at ? &g->holders[*at] : NULL;
}

/* From here on find_holder() finds it. */
static int know_holder(struct held_group *g, const struct holder *r)
{
	const struct index_key key = holder_key(r->kind, r->pid, r->file);

	if (!r->socket)
		index_add(&g->known, &key, r - g->holders);
	return g->known.failed ? -ENOMEM : 0;
}

static struct holder *add_holder(struct held_group *g, enum holder_kind kind,
				 const struct hold_file *f)
{
	struct holder *r;

	r = holders_append(&g->holders, &g->holder_count, sizeof(*r));
	if (!r)
		return NULL;
	r->kind = kind;
	r->pid = f->tgid;
	r->fd = f->fd;
	r->socket = f->via == HOLD_BY_SOCKET;
	r->file = f->file;
	memcpy(r->comm, f->comm, sizeof(r->comm) - 1);
	names_clean(r->comm);
	if (f->what == HOLD_CONTAINER) {
		r->what = HOLDER_CONTAINER;
	} else if (f->what == HOLD_GROUP) {
		r->what = HOLDER_GROUP;
	} else {
		struct held_device *d = holders_device(g, f->object);

		r->what = HOLDER_DEVICE;
		if (d)
			snprintf(r->device, sizeof(r->device), "%s", d->name);
	}
	return know_holder(g, r) ? NULL : r;
}

/* A queue is found by each fd of its socket, and a table by each thread whose
 * leader is gone.
 */
static int add_process(struct held_group *g, const struct hold_file *f)
{
	bool socket = f->via == HOLD_BY_SOCKET;
	const struct index_key key = {{KEY_FD | (uint64_t)socket << 32, f->tgid,
				       f->file, (uint32_t)f->fd}};

	if (!index_add(&g->known, &key, g->holder_count))
		return g->known.failed ? -ENOMEM : 0;
	return add_holder(g, HOLDER_PROCESS, f) ? 0 : -ENOMEM;
}

static int note_owner(struct survey *s, const struct hold_file *f)
{
	const struct index_key owner = {{KEY_OWNER, f->mm, f->tgid}};
	const struct index_key lowest = {{KEY_LOWEST, f->mm}};
	size_t *at;

	index_add(&s->known, &owner, f->tgid);
	index_add(&s->known, &lowest, f->tgid);
	at = index_find(&s->known, &lowest);
	if (at && f->tgid < *at)
		*at = f->tgid;
	return s->known.failed ? -ENOMEM : 0;
}

static int note_sharer(struct survey *s, const struct hold_file *f)
{
	const struct index_key key = {
		{KEY_SHARER, f->mm, f->tgid, f->what == HOLD_VHOST}};
	const struct hold_file **sharer;

	if (!index_add(&s->known, &key, s->sharer_count))
		return s->known.failed ? -ENOMEM : 0;
	sharer = holders_append(&s->sharers, &s->sharer_count, sizeof(*sharer));
	if (!sharer)
		return -ENOMEM;
	*sharer = f;
	return 0;
}

static int survey_files(struct survey *s, const struct held_look *look)
{
	int ret = 0;

	for (size_t i = 0; i < look->count && !ret; i++) {
		const struct hold_file *f = &look->files[i];

		if (f->via == HOLD_BY_MMAP)
			ret = note_owner(s, f);
		else if (f->via == HOLD_BY_MM || f->what == HOLD_VHOST)
			ret = note_sharer(s, f);
	}
	return ret;
}

static void survey_free(struct survey *s)
{
	index_clear(&s->known);
	free(s->sharers);
}

/* Whose memory it is: its owner as the kernel says, if that one has it. */
static uint32_t mm_owner(const struct survey *s, const struct hold_file *f)
{
	const struct index_key owner = {{KEY_OWNER, f->mm, f->owner}};
	const struct index_key lowest = {{KEY_LOWEST, f->mm}};
	const size_t *at;

	if (index_find(&s->known, &owner))
		return f->owner;
	at = index_find(&s->known, &lowest);
	return at ? *at : f->tgid;
}

static int add_mapping(struct held_group *g, const struct survey *survey,
		       const struct hold_file *f)
{
	enum holder_kind kind = HOLDER_MMAP;
	struct holder *r;

	if (mm_owner(survey, f) != f->tgid)
		kind = HOLDER_MM;
	r = find_holder(g, kind, f->tgid, f->file);
	if (!r)
		r = add_holder(g, kind, f);
	if (!r)
		return -ENOMEM;
	r->ranges++;
	r->bytes += f->bytes;
	r->closed = !find_holder(g, HOLDER_PROCESS, f->tgid, f->file);
	return 0;
}

/* Who keeps the memory though it is not a process that has it: kernel threads
 * that work in it, and who has the vhost device of a process that is gone.
 */
static bool keeps(const struct hold_file *f, const struct hold_file *by)
{
	if (by->mm != f->mm)
		return false;
	return by->via == HOLD_BY_MM || (by->what == HOLD_VHOST && !f->tgid);
}

static int add_sharers(struct held_group *g, const struct survey *survey,
		       const struct hold_file *f)
{
	bool any = false;

	for (size_t i = 0; i < survey->sharer_count; i++) {
		struct hold_file s = *survey->sharers[i];

		if (!keeps(f, &s))
			continue;
		any = true;
		if (find_holder(g, HOLDER_MM, s.tgid, f->file) ||
		    find_holder(g, HOLDER_MMAP, s.tgid, f->file))
			continue;
		s.what = f->what;
		s.object = f->object;
		s.file = f->file;
		if (!add_holder(g, HOLDER_MM, &s))
			return -ENOMEM;
	}
	if (any || f->tgid || find_holder(g, HOLDER_MM, 0, f->file))
		return 0;
	return add_holder(g, HOLDER_MM, f) ? 0 : -ENOMEM;
}

static int add_container(struct holders *h, const struct hold_file *f)
{
	int ret = 0;

	for (size_t i = 0; i < h->count && !ret; i++)
		if (h->groups[i].container_ptr == f->object)
			ret = add_process(&h->groups[i], f);
	return ret;
}

static int add_io_uring(struct holders *h, struct survey *s,
			const struct hold_file *f)
{
	const struct index_key key = {{KEY_RING, f->tgid}};
	struct io_uring_user *u;

	if (!index_add(&s->known, &key, h->io_uring_count))
		return s->known.failed ? -ENOMEM : 0;
	u = holders_append(&h->io_urings, &h->io_uring_count, sizeof(*u));
	if (!u)
		return -ENOMEM;
	u->pid = f->tgid;
	memcpy(u->comm, f->comm, sizeof(u->comm) - 1);
	names_clean(u->comm);
	return 0;
}

static int add_fds(struct holders *h, const struct held_look *look,
		   struct survey *survey)
{
	int ret = 0;

	for (size_t i = 0; i < look->count && !ret; i++) {
		const struct hold_file *f = &look->files[i];
		struct held_group *g;

		if (f->what == HOLD_IO_URING)
			ret = add_io_uring(h, survey, f);
		if (ret || (f->via != HOLD_BY_FD && f->via != HOLD_BY_SOCKET))
			continue;
		if (f->what == HOLD_CONTAINER)
			ret = add_container(h, f);
		g = f->group ? holders_group(h, f->group) : NULL;
		if (g && !ret)
			ret = add_process(g, f);
	}
	return ret;
}

/* Those that share a mapping after all that have it. */
static int add_mappings(struct holders *h, const struct held_look *look,
			const struct survey *survey)
{
	int ret = 0;

	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < look->count && !ret; i++) {
			const struct hold_file *f = &look->files[i];
			struct held_group *g;

			g = f->group ? holders_group(h, f->group) : NULL;
			if (!g || f->via != HOLD_BY_MMAP)
				continue;
			if (pass)
				ret = add_sharers(g, survey, f);
			else if (f->tgid)
				ret = add_mapping(g, survey, f);
		}
	return ret;
}

/* Mappings after fds, so that it is known whether the fd is open. */
static int add_files(struct holders *h, const struct held_look *look)
{
	struct survey survey = {};
	int ret = survey_files(&survey, look);

	ret = ret ?: add_fds(h, look, &survey);
	ret = ret ?: add_mappings(h, look, &survey);
	survey_free(&survey);
	return ret;
}

static struct holder *add_vm_user(struct held_group *g,
				  const struct hold_file *user,
				  const struct hold_file *file)
{
	struct held_device *d = holders_device(g, file->object);
	struct hold_file vm = {.fd = user->fd, .tgid = user->tgid};
	struct holder *r;

	memcpy(vm.comm, user->comm, sizeof(vm.comm));
	r = add_holder(g, HOLDER_KVM, &vm);
	if (!r)
		return NULL;
	r->what = HOLDER_KVM_VFIO;
	r->file = file->file;
	if (d)
		snprintf(r->device, sizeof(r->device), "%s", d->name);
	return know_holder(g, r) ? NULL : r;
}

/* A line a process that has the VM, by the VM's own fd if it has that. */
static int add_vm_users(struct held_group *g, const struct held_look *look,
			uint64_t kvm, const struct hold_file *file)
{
	const struct hold_file nobody = {.fd = -1};
	bool any = false;

	for (size_t i = 0; i < look->count; i++) {
		const struct hold_file *f = &look->files[i];
		struct holder *r;

		if (f->what != HOLD_KVM || f->object != kvm)
			continue;
		any = true;
		r = find_holder(g, HOLDER_KVM, f->tgid, file->file);
		if (!r)
			r = add_vm_user(g, f, file);
		if (!r)
			return -ENOMEM;
		if (f->vm_fd && f->fd >= 0)
			r->fd = f->fd;
	}
	return any || add_vm_user(g, &nobody, file) ? 0 : -ENOMEM;
}

static int add_vm(struct holders *h, struct held_look *look, uint64_t kvm)
{
	struct hold_next devices = {.list = HOLD_VM_DEVICES, .of = kvm};
	struct held_group *g;
	int ret = 0;

	for (int n = 0; n < MAX_ENTRIES && look_next(look, &devices); n++) {
		struct hold_next files = {.list = HOLD_VM_FILES,
					  .of = devices.found};

		if (!devices.found)
			continue;
		for (int k = 0; k < MAX_ENTRIES && !ret; k++) {
			struct hold_file file = {};

			if (!look_next(look, &files))
				break;
			file.file = files.found;
			if (!look_file(look, &file) || !file.group)
				continue;
			ret = holders_add_group(h, look, file.group);
			g = holders_group(h, file.group);
			if (g && !ret)
				ret = add_vm_users(g, look, kvm, &file);
		}
	}
	return ret;
}

static int add_vms(struct holders *h, struct held_look *look)
{
	struct hold_next step = {.list = HOLD_VMS};
	int ret = 0;

	for (int n = 0; n < MAX_ENTRIES && !ret && look_next(look, &step); n++)
		ret = add_vm(h, look, step.found);
	return ret;
}

/* What it ends with may be a jump, which leaves no trace in the stack. */
static bool waits_in_unregister(pid_t tid)
{
	static const char *const functions[] = {
		"vfio_unregister_group_dev",
		"vfio_device_leave_group",
		"vfio_device_remove_group",
	};
	char path[64], stack[4096];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stack", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, stack, sizeof(stack) - 1);
	close(fd);
	stack[len > 0 ? len : 0] = '\0';
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (strstr(stack, functions[i]))
			return true;
	return false;
}

/* Whoever takes a driver off a device holds the device's lock. */
static int add_waiters(struct held_group *g, struct held_look *look)
{
	struct hold_next step = {.list = HOLD_IOMMU_DEVICES,
				 .of = g->iommu_group};
	struct holder *r;

	for (int n = 0; g->iommu_group && n < MAX_ENTRIES; n++) {
		struct hold_file who = {.fd = -1};
		struct hold_lock lock = {};

		if (!look_next(look, &step))
			break;
		lock.dev = step.found;
		if (!look_lock(look, &lock) || !waits_in_unregister(lock.tid))
			continue;
		who.tgid = lock.tgid;
		memcpy(who.comm, lock.comm, sizeof(who.comm));
		r = add_holder(g, HOLDER_UNBIND, &who);
		if (!r)
			return -ENOMEM;
		snprintf(r->device, sizeof(r->device), "%s", lock.name);
		names_clean(r->device);
	}
	return 0;
}

static int add_external(struct held_group *g)
{
	struct hold_file nobody = {.fd = -1, .what = HOLD_GROUP};
	struct holder *r;

	if (!g->external)
		return 0;
	r = add_holder(g, HOLDER_EXTERNAL, &nobody);
	if (!r)
		return -ENOMEM;
	r->count = g->external;
	return 0;
}

int holders_find(struct holders *h, struct held_look *look)
{
	int ret = add_files(h, look);

	ret = ret ?: add_vms(h, look);
	for (size_t i = 0; i < h->count && !ret; i++) {
		ret = add_external(&h->groups[i]);
		ret = ret ?: add_waiters(&h->groups[i], look);
	}
	return ret;
}
