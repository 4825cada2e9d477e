// SPDX-License-Identifier: GPL-2.0-only
/*
 * Helpers for drivers' and backends' ioctls: capability chains of the GET_INFO
 * calls, and the check of VFIO_DEVICE_SET_IRQS.
 *
 * A chain is built in one buffer. Each entry's next is the offset of the one
 * after it, from the buffer's start while it is built, and from the start of
 * user space's structure once vfio_info_cap_shift() has moved them.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "vfio.h"

/**
 * vfio_info_cap_add - add an entry to a chain
 * @caps: the chain; zeroed at first. Its buffer is the caller's to free
 * @size: of the entry, header included
 * @id: the entry's id
 * @version: the entry's version
 *
 * Return: the entry, zeroed after its header, valid until the next is added;
 * or ERR_PTR(-ENOMEM), and the chain is gone.
 */
struct vfio_info_cap_header *vfio_info_cap_add(struct vfio_info_cap *caps,
					       size_t size, u16 id, u16 version)
{
	struct vfio_info_cap_header *entry, *last;
	void *buf;

	size = ALIGN(size, VFIO_CAP_ALIGN);
	buf = krealloc(caps->buf, caps->size + size, GFP_KERNEL);
	if (!buf) {
		kfree(caps->buf);
		caps->buf = NULL;
		caps->size = 0;
		return ERR_PTR(-ENOMEM);
	}

	entry = buf + caps->size;
	memset(entry, 0, size);
	entry->id = id;
	entry->version = version;

	/* The first entry finds itself, at offset 0, which also means none. */
	for (last = buf; last->next; last = buf + last->next)
		;
	last->next = caps->size;

	caps->buf = buf;
	caps->size += size;
	return entry;
}
EXPORT_SYMBOL_GPL(vfio_info_cap_add);

/**
 * vfio_info_cap_shift - make a chain's offsets those of user space's structure
 * @caps: a complete chain
 * @offset: where in the structure the buffer is copied to
 */
void vfio_info_cap_shift(struct vfio_info_cap *caps, size_t offset)
{
	struct vfio_info_cap_header *entry = caps->buf;
	u32 next;

	WARN_ON(!IS_ALIGNED(offset, VFIO_CAP_ALIGN));

	while ((next = entry->next)) {
		entry->next = next + offset;
		entry = (void *)caps->buf + next;
	}
}
EXPORT_SYMBOL(vfio_info_cap_shift);

/**
 * vfio_info_add_capability - add a copy of an entry to a chain
 * @caps: the chain
 * @cap: the entry, header first
 * @size: of the entry, header included
 *
 * Return: 0 or -ENOMEM.
 */
int vfio_info_add_capability(struct vfio_info_cap *caps,
			     struct vfio_info_cap_header *cap, size_t size)
{
	struct vfio_info_cap_header *entry;

	entry = vfio_info_cap_add(caps, size, cap->id, cap->version);
	if (IS_ERR(entry))
		return PTR_ERR(entry);

	memcpy(entry + 1, cap + 1, size - sizeof(*cap));
	return 0;
}
EXPORT_SYMBOL(vfio_info_add_capability);

/* Bytes of data an interrupt needs, or a negative errno. */
static int irq_data_size(u32 flags)
{
	switch (flags & VFIO_IRQ_SET_DATA_TYPE_MASK) {
	case VFIO_IRQ_SET_DATA_NONE:
		return 0;
	case VFIO_IRQ_SET_DATA_BOOL:
		return sizeof(u8);
	case VFIO_IRQ_SET_DATA_EVENTFD:
		return sizeof(s32);
	default:	/* more than one, or none, is set */
		return -EINVAL;
	}
}

/**
 * vfio_set_irqs_validate_and_prepare - check VFIO_DEVICE_SET_IRQS
 * @hdr: what user space passed
 * @num_irqs: interrupts that the index has
 * @max_irq_type: indexes that the device has
 * @data_size: bytes that follow the header; may be NULL if none may
 *
 * All sums are checked before they are made: start and count are user space's.
 *
 * Return: 0 or -EINVAL.
 */
int vfio_set_irqs_validate_and_prepare(struct vfio_irq_set *hdr, int num_irqs,
				       int max_irq_type, size_t *data_size)
{
	const size_t minsz = offsetofend(struct vfio_irq_set, count);
	size_t wanted;
	int size;

	if (hdr->argsz < minsz || hdr->index >= max_irq_type ||
	    hdr->count >= U32_MAX - hdr->start ||
	    hdr->flags & ~(VFIO_IRQ_SET_DATA_TYPE_MASK |
			   VFIO_IRQ_SET_ACTION_TYPE_MASK))
		return -EINVAL;

	if (data_size)
		*data_size = 0;

	if (hdr->start >= num_irqs || hdr->start + hdr->count > num_irqs)
		return -EINVAL;

	size = irq_data_size(hdr->flags);
	if (size <= 0)
		return size;

	wanted = (size_t)hdr->count * size;
	if (hdr->argsz - minsz < wanted || !data_size)
		return -EINVAL;
	*data_size = wanted;
	return 0;
}
EXPORT_SYMBOL(vfio_set_irqs_validate_and_prepare);
