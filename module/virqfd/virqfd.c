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
 * Whoever clears the driver's pointer (*pvirqfd), under virqfd_lock, is the one
 * to queue the take-down, so there is one whichever way it ends. It runs on a
 * queue of our own, that the driver's call can wait for.
 *
 * A module of its own on kernels that have it so, else part of vfio.ko.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/vfio.h>
#include <linux/workqueue.h>

#include "compat/vfio.h"

#ifdef HAVE_VFIO_VIRQFD_APART
#define VIRQFD_PUBLIC	static
#else
#define VIRQFD_PUBLIC
#include "virqfd.h"
#endif

/* Runs take-downs and flushes, one after the other. */
static struct workqueue_struct *vfio_irqfd_cleanup_wq;

/* Guards the drivers' pointers; taken within an eventfd's lock. */
static DEFINE_SPINLOCK(virqfd_lock);

/* Clears the driver's pointer if it is still @virqfd (any if NULL). */
static void virqfd_begin_shutdown(struct virqfd **pvirqfd,
				  struct virqfd *virqfd)
{
	unsigned long flags;

	spin_lock_irqsave(&virqfd_lock, flags);
	if (*pvirqfd && (!virqfd || *pvirqfd == virqfd)) {
		queue_work(vfio_irqfd_cleanup_wq, &(*pvirqfd)->shutdown);
		*pvirqfd = NULL;
	}
	spin_unlock_irqrestore(&virqfd_lock, flags);
}

static void virqfd_signalled(struct virqfd *virqfd)
{
	bool thread = true;

	if (virqfd->handler)
		thread = virqfd->handler(virqfd->opaque, virqfd->data);
	if (thread && virqfd->thread)
		schedule_work(&virqfd->inject);
}

/* Called with the eventfd's lock held. */
static int virqfd_wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync,
			 void *key)
{
	struct virqfd *virqfd = container_of(wait, struct virqfd, wait);
	__poll_t events = key_to_poll(key);
	u64 count;

	if (events & EPOLLIN) {
		eventfd_ctx_do_read(virqfd->eventfd, &count);
		virqfd_signalled(virqfd);
	}
	/* It cannot be freed yet: that needs the lock that we are under. */
	if (events & EPOLLHUP)
		virqfd_begin_shutdown(virqfd->pvirqfd, virqfd);
	return 0;
}

static void virqfd_add_wait(struct file *file, wait_queue_head_t *wqh,
			    poll_table *pt)
{
	struct virqfd *virqfd = container_of(pt, struct virqfd, pt);

	add_wait_queue(wqh, &virqfd->wait);
}

static void virqfd_shutdown(struct work_struct *work)
{
	struct virqfd *virqfd = container_of(work, struct virqfd, shutdown);
	u64 count;

	/* First no more signals, then no more work, then free. */
	eventfd_ctx_remove_wait_queue(virqfd->eventfd, &virqfd->wait, &count);
	flush_work(&virqfd->inject);
	eventfd_ctx_put(virqfd->eventfd);
	kfree(virqfd);
}

static void virqfd_inject(struct work_struct *work)
{
	struct virqfd *virqfd = container_of(work, struct virqfd, inject);

	virqfd->thread(virqfd->opaque, virqfd->data);
}

static void virqfd_flush_inject(struct work_struct *work)
{
	struct virqfd *virqfd = container_of(work, struct virqfd, flush_inject);

	flush_work(&virqfd->inject);
}

static int virqfd_publish(struct virqfd **pvirqfd, struct virqfd *virqfd)
{
	int ret = 0;

	spin_lock_irq(&virqfd_lock);
	if (*pvirqfd)
		ret = -EBUSY;
	else
		*pvirqfd = virqfd;
	spin_unlock_irq(&virqfd_lock);
	return ret;
}

static int virqfd_attach(struct virqfd *virqfd, struct file *file)
{
	struct eventfd_ctx *ctx;
	int ret;

	ctx = eventfd_ctx_fileget(file);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	virqfd->eventfd = ctx;

	ret = virqfd_publish(virqfd->pvirqfd, virqfd);
	if (ret) {
		eventfd_ctx_put(ctx);
		return ret;
	}

	init_waitqueue_func_entry(&virqfd->wait, virqfd_wakeup);
	init_poll_funcptr(&virqfd->pt, virqfd_add_wait);
	/* A signal from before we listened counts as well. */
	if (vfs_poll(file, &virqfd->pt) & EPOLLIN)
		virqfd_signalled(virqfd);
	return 0;
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
	struct virqfd *virqfd;
	struct fd f;
	int ret;

	virqfd = kzalloc(sizeof(*virqfd), GFP_KERNEL_ACCOUNT);
	if (!virqfd)
		return -ENOMEM;

	virqfd->pvirqfd = pvirqfd;
	virqfd->opaque = opaque;
	virqfd->handler = handler;
	virqfd->thread = thread;
	virqfd->data = data;
	INIT_WORK(&virqfd->shutdown, virqfd_shutdown);
	INIT_WORK(&virqfd->inject, virqfd_inject);
	INIT_WORK(&virqfd->flush_inject, virqfd_flush_inject);

	/* Held until all is set up, so that it cannot be closed meanwhile. */
	f = fdget(fd);
	if (!fd_file(f)) {
		ret = -EBADF;
		goto err_free;
	}
	ret = virqfd_attach(virqfd, fd_file(f));
	fdput(f);
	if (ret)
		goto err_free;
	return 0;

err_free:
	kfree(virqfd);
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
	virqfd_begin_shutdown(pvirqfd, NULL);
	flush_workqueue(vfio_irqfd_cleanup_wq);
}
EXPORT_SYMBOL_GPL(vfio_virqfd_disable);

/**
 * vfio_virqfd_flush_thread - wait for a call of the thread function to end
 * @pvirqfd: where the driver keeps it
 */
void vfio_virqfd_flush_thread(struct virqfd **pvirqfd)
{
	unsigned long flags;

	spin_lock_irqsave(&virqfd_lock, flags);
	if (*pvirqfd && (*pvirqfd)->thread)
		queue_work(vfio_irqfd_cleanup_wq, &(*pvirqfd)->flush_inject);
	spin_unlock_irqrestore(&virqfd_lock, flags);

	flush_workqueue(vfio_irqfd_cleanup_wq);
}
EXPORT_SYMBOL_GPL(vfio_virqfd_flush_thread);

/**
 * vfio_virqfd_init - make the queue
 *
 * Return: 0 or -ENOMEM.
 */
VIRQFD_PUBLIC int __init vfio_virqfd_init(void)
{
	vfio_irqfd_cleanup_wq =
		create_singlethread_workqueue("vfio-irqfd-cleanup");
	return vfio_irqfd_cleanup_wq ? 0 : -ENOMEM;
}

/**
 * vfio_virqfd_exit - undo vfio_virqfd_init()
 */
VIRQFD_PUBLIC void vfio_virqfd_exit(void)
{
	destroy_workqueue(vfio_irqfd_cleanup_wq);
}

#ifdef HAVE_VFIO_VIRQFD_APART
module_init(vfio_virqfd_init);
module_exit(vfio_virqfd_exit);

MODULE_VERSION("1.0");
MODULE_LICENSE("GPL");
MODULE_AUTHOR("The vfioscope authors");
MODULE_DESCRIPTION("IRQFD support for VFIO bus drivers");
#endif
