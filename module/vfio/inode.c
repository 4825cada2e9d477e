// SPDX-License-Identifier: GPL-2.0-only
/*
 * An inode a device, on a file system that nobody can mount.
 *
 * All files of a device share its address space, so that a driver can take its
 * BARs out of every mapping at once (unmap_mapping_range()), whoever mapped
 * them through whichever fd. The file system is there while a device is.
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>

#include "vfio.h"

#define VFIO_FS_MAGIC	0x5646494f	/* "VFIO" */

/* Guarded by simple_pin_fs() and simple_release_fs(). */
static struct vfsmount *vfio_fs_mount;
static int vfio_fs_count;

static int vfio_fs_init_context(struct fs_context *fc)
{
	return init_pseudo(fc, VFIO_FS_MAGIC) ? 0 : -ENOMEM;
}

static struct file_system_type vfio_fs_type = {
	.name			= "vfio",
	.owner			= THIS_MODULE,
	.init_fs_context	= vfio_fs_init_context,
	.kill_sb		= kill_anon_super,
};

/**
 * vfio_device_get_inode - give a device its inode
 * @device: a device that has none
 *
 * Return: 0 or a negative errno.
 */
int vfio_device_get_inode(struct vfio_device *device)
{
	struct inode *inode;
	int ret;

	ret = simple_pin_fs(&vfio_fs_type, &vfio_fs_mount, &vfio_fs_count);
	if (ret)
		return ret;

	inode = alloc_anon_inode(vfio_fs_mount->mnt_sb);
	if (IS_ERR(inode)) {
		simple_release_fs(&vfio_fs_mount, &vfio_fs_count);
		return PTR_ERR(inode);
	}
	device->inode = inode;
	return 0;
}

/**
 * vfio_device_put_inode - undo vfio_device_get_inode()
 * @device: a device that no file is open of
 */
void vfio_device_put_inode(struct vfio_device *device)
{
	iput(device->inode);
	simple_release_fs(&vfio_fs_mount, &vfio_fs_count);
}

/**
 * vfio_device_file_set_mapping - make a file share its device's address space
 * @file: a new file, not mapped yet
 * @device: the device that it is of
 */
void vfio_device_file_set_mapping(struct file *file, struct vfio_device *device)
{
	file->f_mapping = device->inode->i_mapping;
}
