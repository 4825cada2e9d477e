// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual interrupt fds: an eventfd that makes a driver act when user space
 * writes to it.
 *
 *	eventfd signalled --> handler(), in the writer's context, with the
 *			      eventfd's lock held: must not sleep
 *			  --> thread(), if there is one and handler() is not or
 *			      said so, from a work item
 *	eventfd closed	  --> taken down
 *	driver says so	  --> taken down
 *
 * The driver has a slot for it, a pointer (*pvirqfd). Whoever empties the slot
 * queues the take-down, so there is one whichever way it ends. It runs on a
 * queue of our own, one item after the other; so the driver's calls can wait for
 * it, and whatever was queued for a virqfd that is in its slot still finds it.
 *
 * A module of its own on kernels that have it so, else part of vfio.ko.
 *
 * Locks, in this order:
 *	setup_lock	a slot is filled, or emptied by its driver: a virqfd that
 *			is half set up is seen by nobody who could take it down
 *	the eventfd's	held when it signals or closes
 *	slots_lock	what the slots point to
 */
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vfio.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "compat/vfio.h"
#include "virqfd.h"

static struct workqueue_struct *virqfd_queue;
static DEFINE_MUTEX(setup_lock);
static DEFINE_SPINLOCK(slots_lock);

/* An item of our queue that needs its virqfd, while that is in its slot. */
enum virqfd_item { VIRQFD_TAKE_DOWN, VIRQFD_SETTLE };

/* Has it done, unless the slot is empty or holds another than @only. */
static void slot_queue(struct virqfd **slot, const struct virqfd *only,
		       enum virqfd_item item)
{
	struct virqfd *v;
	unsigned long irq;

	spin_lock_irqsave(&slots_lock, irq);
	v = *slot;
	if (v && (!only || v == only)) {
		if (item == VIRQFD_SETTLE) {
			queue_work(virqfd_queue, &v->flush_inject);
		} else {
			*slot = NULL;
			queue_work(virqfd_queue, &v->shutdown);
		}
	}
	spin_unlock_irqrestore(&slots_lock, irq);
}

static bool slot_fill(struct virqfd **slot, struct virqfd *v)
{
	bool empty;

	spin_lock_irq(&slots_lock);
	empty = !*slot;
	if (empty)
		*slot = v;
	spin_unlock_irq(&slots_lock);
	return empty;
}

static void virqfd_run_thread(struct work_struct *item)
{
	struct virqfd *v = container_of(item, struct virqfd, inject);

	v->thread(v->opaque, v->data);
}

/* The thread function may be at it, whoever waits here is not. */
static void virqfd_settle(struct work_struct *item)
{
	flush_work(&container_of(item, struct virqfd, flush_inject)->inject);
}

/* First no more signals, then no more work, then no more of it at all. */
static void virqfd_take_down(struct work_struct *item)
{
	struct virqfd *v = container_of(item, struct virqfd, shutdown);
	struct eventfd_ctx *source = v->eventfd;
	u64 left;

	eventfd_ctx_remove_wait_queue(source, &v->wait, &left);
	flush_work(&v->inject);
	kfree(v);
	eventfd_ctx_put(source);
}

/* Without a handler the thread function is what there is to do. */
static void virqfd_act(struct virqfd *v)
{
	if (v->handler && !v->handler(v->opaque, v->data))
		return;
	if (v->thread)
		schedule_work(&v->inject);
}

/* The eventfd's lock, which a take-down needs too, keeps @entry's virqfd here. */
static int virqfd_hear(struct wait_queue_entry *entry, unsigned int mode,
			int flags, void *key)
{
	struct virqfd *v = container_of(entry, struct virqfd, wait);
	__poll_t what = key_to_poll(key);
	u64 taken;

	if (what & EPOLLIN) {
		eventfd_ctx_do_read(v->eventfd, &taken);
		virqfd_act(v);
	}
	if (what & EPOLLHUP)
		slot_queue(v->pvirqfd, v, VIRQFD_TAKE_DOWN);
	return 0;
}

static void virqfd_listen(struct file *file, wait_queue_head_t *head,
			  poll_table *pt)
{
	add_wait_queue(head, &container_of(pt, struct virqfd, pt)->wait);
}

/* @file cannot be closed meanwhile, nor can the driver take it back. */
static int virqfd_connect(struct virqfd *v, struct file *file)
{
	lockdep_assert_held(&setup_lock);
	v->eventfd = eventfd_ctx_fileget(file);
	if (IS_ERR(v->eventfd))
		return PTR_ERR(v->eventfd);
	if (!slot_fill(v->pvirqfd, v)) {
		eventfd_ctx_put(v->eventfd);
		return -EBUSY;
	}
	/* A signal from before we listened counts as well. */
	if (vfs_poll(file, &v->pt) & EPOLLIN)
		virqfd_act(v);
	return 0;
}

static int virqfd_connect_fd(struct virqfd *v, int fd)
{
	struct fd f = fdget(fd);
	int ret;

	if (!fd_file(f))
		return -EBADF;
	mutex_lock(&setup_lock);
	ret = virqfd_connect(v, fd_file(f));
	mutex_unlock(&setup_lock);
	fdput(f);
	return ret;
}

/**
 * vfio_virqfd_enable - have an eventfd make a driver act
 * @opaque: for both functions
 * @handler: called on a signal, must not sleep, or NULL; if it returns not 0,
 *	@thread is called too
 * @thread: called on a signal in process context, or NULL
 * @data: for both functions
 * @pvirqfd: where the driver keeps it; NULL is stored there once it is gone
 * @fd: user space's eventfd
 *
 * Return: 0, -EBUSY if there is one already, -EBADF or -EINVAL for a wrong @fd,
 * -ENOMEM.
 */
int vfio_virqfd_enable(void *opaque, int (*handler)(void *, void *),
		       void (*thread)(void *, void *), void *data,
		       struct virqfd **pvirqfd, int fd)
{
	struct virqfd *v = kmalloc(sizeof(*v), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!v)
		return -ENOMEM;
	*v = (struct virqfd){
		.pvirqfd = pvirqfd,
		.handler = handler,
		.thread = thread,
		.opaque = opaque,
		.data = data,
	};
	init_poll_funcptr(&v->pt, virqfd_listen);
	init_waitqueue_func_entry(&v->wait, virqfd_hear);
	INIT_WORK(&v->flush_inject, virqfd_settle);
	INIT_WORK(&v->inject, virqfd_run_thread);
	INIT_WORK(&v->shutdown, virqfd_take_down);

	ret = virqfd_connect_fd(v, fd);
	if (ret)
		kfree(v);
	return ret;
}
EXPORT_SYMBOL_GPL(vfio_virqfd_enable);

/**
 * vfio_virqfd_disable - undo vfio_virqfd_enable()
 * @pvirqfd: where the driver keeps it
 *
 * Neither function is called any more when it returns, also if the eventfd was
 * closed a moment ago. May sleep.
 */
void vfio_virqfd_disable(struct virqfd **pvirqfd)
{
	mutex_lock(&setup_lock);
	slot_queue(pvirqfd, NULL, VIRQFD_TAKE_DOWN);
	mutex_unlock(&setup_lock);
	/* Also for what a closed eventfd has queued. */
	flush_workqueue(virqfd_queue);
}
EXPORT_SYMBOL_GPL(vfio_virqfd_disable);

/**
 * vfio_virqfd_flush_thread - wait for a call of the thread function to end
 * @pvirqfd: where the driver keeps it
 *
 * May sleep.
 */
void vfio_virqfd_flush_thread(struct virqfd **pvirqfd)
{
	slot_queue(pvirqfd, NULL, VIRQFD_SETTLE);
	flush_workqueue(virqfd_queue);
}
EXPORT_SYMBOL_GPL(vfio_virqfd_flush_thread);

/**
 * vfio_virqfd_init - make the queue
 *
 * Return: 0 or -ENOMEM.
 */
int __init vfio_virqfd_init(void)
{
	/* Not for reclaim: an item waits for the thread functions' queue. */
	virqfd_queue = alloc_ordered_workqueue("vfio-irqfd-cleanup", 0);
	if (!virqfd_queue)
		return -ENOMEM;
	return 0;
}

/**
 * vfio_virqfd_exit - undo vfio_virqfd_init()
 */
void vfio_virqfd_exit(void)
{
	destroy_workqueue(virqfd_queue);
}
