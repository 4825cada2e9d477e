// SPDX-License-Identifier: GPL-2.0-only
/* A module's types, from the kernel. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "module_btf.h"

int module_btf_read(const char *module, struct module_btf *btf)
{
	size_t room = 64 << 10;
	char path[128];
	ssize_t got;
	int fd;

	*btf = (struct module_btf){.module = module, .fd = -1};
	snprintf(path, sizeof(path), "/sys/kernel/btf/%s", module);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ENODATA : -errno;
	btf->data = malloc(room);
	while (btf->data &&
	       (got = read(fd, btf->data + btf->size, room - btf->size)) > 0) {
		btf->size += got;
		if (btf->size == room) {
			char *more = realloc(btf->data, room *= 2);

			if (!more)
				free(btf->data);
			btf->data = more;
		}
	}
	close(fd);
	if (!btf->data)
		return -ENOMEM;
	if (btf->size)
		return 0;
	module_btf_free(btf);
	return -ENODATA;
}

bool module_btf_has(const struct module_btf *btf, const char *name)
{
	return memmem(btf->data, btf->size, name, strlen(name) + 1);
}

/* BTF has numbers in the kernel, and the names are inside. */
static int find(struct module_btf *btf, __u32 *id)
{
	*id = 0;
	while (!bpf_btf_get_next_id(*id, id)) {
		struct bpf_btf_info info = {};
		char name[64] = "";
		__u32 size = sizeof(info);
		int fd = bpf_btf_get_fd_by_id(*id);

		if (fd < 0 && errno == ENOENT)
			continue; /* its module has gone meanwhile */
		if (fd < 0)
			return -errno;
		info.name = (__u64)(uintptr_t)name;
		info.name_len = sizeof(name);
		if (!bpf_obj_get_info_by_fd(fd, &info, &size) &&
		    info.kernel_btf && !strcmp(name, btf->module)) {
			btf->fd = fd;
			return 0;
		}
		close(fd);
	}
	return errno == ENOENT ? -ENODATA : -errno;
}

int module_btf_open(struct module_btf *btf)
{
	__u32 id;
	int ret = find(btf, &id);

	if (ret)
		return ret;
	btf->kernel = btf__load_vmlinux_btf();
	if (!btf->kernel)
		return -errno;
	btf->types = btf__load_from_kernel_by_id_split(id, btf->kernel);
	return btf->types ? 0 : -errno;
}

int module_btf_id(const struct module_btf *btf, const char *name,
		  unsigned int kind)
{
	int count = btf__type_cnt(btf->types);

	for (int id = btf__type_cnt(btf->kernel); id < count; id++) {
		const struct btf_type *type = btf__type_by_id(btf->types, id);

		if (btf_kind(type) == kind &&
		    !strcmp(btf__name_by_offset(btf->types, type->name_off),
			    name))
			return id;
	}
	return -ENOENT;
}

void module_btf_free(struct module_btf *btf)
{
	btf__free(btf->types);
	btf__free(btf->kernel);
	if (btf->fd >= 0)
		close(btf->fd);
	free(btf->data);
	*btf = (struct module_btf){.fd = -1};
}
