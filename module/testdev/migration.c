// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device that migrates: all that it carries over is its region.
 *
 * The way from one state to another is the core's to find; each arc of it is
 * taken here and written down, so that a test can compare the way with the
 * rules of the UAPI header. A test may also have an arc fail.
 *
 * A session, of saving or of resuming, is a file. User space may keep it open for
 * longer than the session, or the device, lasts: it is cut off when the session
 * ends. What is saved is the region, once when the session enters STOP_COPY and,
 * where it began in a pre-copy, once before that.
 *
 * Locks: the device's, then the session's.
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "compat/vfio.h"
#include "testdev.h"

#define BLOCK	VFIO_TESTDEV_REGION_SIZE

/**
 * struct testdev_session - what moves through a session's file; goes with it
 * @lock: guards the members below
 * @over: the session has ended
 * @more: of a pre-copy: the last block is still to come
 * @size: bytes in @data
 * @pos: of the next read
 * @data: the stream
 */
struct testdev_session {
	struct mutex	lock;
	bool		over;
	bool		more;
	size_t		size;
	size_t		pos;
	u8		data[2 * BLOCK];
};

static int session_release(struct inode *inode, struct file *filp)
{
	struct testdev_session *session = filp->private_data;

	mutex_destroy(&session->lock);
	kfree(session);
	return 0;
}

static ssize_t session_read(struct file *filp, char __user *buf, size_t count,
			    loff_t *ppos)
{
	struct testdev_session *session = filp->private_data;
	ssize_t ret;

	mutex_lock(&session->lock);
	count = min(count, session->size - session->pos);
	if (session->over) {
		ret = -ENODEV;
	} else if (!count && session->more) {
		ret = -ENOMSG;
	} else if (copy_to_user(buf, session->data + session->pos, count)) {
		ret = -EFAULT;
	} else {
		session->pos += count;
		ret = count;
	}
	mutex_unlock(&session->lock);
	return ret;
}

static ssize_t session_write(struct file *filp, const char __user *buf,
			     size_t count, loff_t *ppos)
{
	struct testdev_session *session = filp->private_data;
	ssize_t ret = count;

	mutex_lock(&session->lock);
	if (session->over)
		ret = -ENODEV;
	else if (count > sizeof(session->data) - session->size)
		ret = -ENOSPC;
	else if (copy_from_user(session->data + session->size, buf, count))
		ret = -EFAULT;
	else
		session->size += count;
	mutex_unlock(&session->lock);
	return ret;
}

static long session_ioctl(struct file *filp, unsigned int cmd,
			  unsigned long arg)
{
	const size_t minsz = offsetofend(struct vfio_precopy_info, dirty_bytes);
	struct testdev_session *session = filp->private_data;
	struct vfio_precopy_info info = {};
	bool valid;

	if (!VFIO_KNOWS_PRE_COPY || cmd != VFIO_MIG_GET_PRECOPY_INFO)
		return -ENOTTY;
	if (copy_from_user(&info, (void __user *)arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;

	mutex_lock(&session->lock);
	valid = session->more && !session->over;
	info.flags = 0;
	info.initial_bytes = session->size - session->pos;
	info.dirty_bytes = 0;
	mutex_unlock(&session->lock);
	if (!valid)
		return -EINVAL;
	return copy_to_user((void __user *)arg, &info, minsz) ? -EFAULT : 0;
}

static const struct file_operations saving_fops = {
	.owner		= THIS_MODULE,
	.release	= session_release,
	.read		= session_read,
	.unlocked_ioctl	= session_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

static const struct file_operations resuming_fops = {
	.owner		= THIS_MODULE,
	.release	= session_release,
	.write		= session_write,
};

/* The region as it is now, at the end of the stream. */
static void save_block(struct testdev_migration *mig, bool more)
{
	struct testdev_session *session = mig->session->private_data;

	mutex_lock(&session->lock);
	memcpy(session->data + session->size, mig->region, BLOCK);
	session->size += BLOCK;
	session->more = more;
	mutex_unlock(&session->lock);
}

/* The stream's last block; -EINVAL if it is not complete. */
static int load_block(struct testdev_migration *mig)
{
	struct testdev_session *session = mig->session->private_data;
	int ret = -EINVAL;

	mutex_lock(&session->lock);
	if (session->size && session->size % BLOCK == 0) {
		memcpy(mig->region, session->data + session->size - BLOCK, BLOCK);
		ret = 0;
	}
	mutex_unlock(&session->lock);
	return ret;
}

static void session_end(struct testdev_migration *mig)
{
	struct testdev_session *session;

	if (!mig->session)
		return;
	session = mig->session->private_data;
	mutex_lock(&session->lock);
	session->over = true;
	mutex_unlock(&session->lock);
	fput(mig->session);
	mig->session = NULL;
}

/* Its file: a reference for the caller, another one stays with the device. */
static struct file *session_begin(struct testdev_migration *mig, bool saving)
{
	struct testdev_session *session;
	struct file *file;

	session = kzalloc(sizeof(*session), GFP_KERNEL);
	if (!session)
		return ERR_PTR(-ENOMEM);
	mutex_init(&session->lock);
	file = anon_inode_getfile("vfio-testdev-migration",
				  saving ? &saving_fops : &resuming_fops,
				  session, saving ? O_RDONLY : O_WRONLY);
	if (IS_ERR(file)) {
		mutex_destroy(&session->lock);
		kfree(session);
		return file;
	}
	mig->session = get_file(file);
	return file;
}

static bool is_saving(u32 state)
{
	return state == VFIO_DEVICE_STATE_STOP_COPY ||
	       state == VFIO_DEVICE_STATE_PRE_COPY ||
	       state == VFIO_DEVICE_STATE_PRE_COPY_P2P;
}

/*
 * What happens on the way from @mig's state to its neighbour @next. The file of a
 * session that begins there, NULL, or an error: then the state is not left, unless
 * what was loaded is useless.
 */
static struct file *take_arc(struct testdev_migration *mig, u32 next)
{
	bool more = next != VFIO_DEVICE_STATE_STOP_COPY;
	struct file *file = NULL;

	if (is_saving(next) && !is_saving(mig->state)) {
		file = session_begin(mig, true);
		if (!IS_ERR(file))
			save_block(mig, more);
	} else if (is_saving(next)) {
		if (!more)
			save_block(mig, false);
	} else if (is_saving(mig->state)) {
		session_end(mig);
	} else if (next == VFIO_DEVICE_STATE_RESUMING) {
		file = session_begin(mig, false);
	} else if (mig->state == VFIO_DEVICE_STATE_RESUMING) {
		int ret = load_block(mig);

		session_end(mig);
		if (ret) {
			mig->state = VFIO_DEVICE_STATE_ERROR;
			file = ERR_PTR(ret);
		}
	}
	return file;
}

/* The next arc towards @wanted: as take_arc(). */
static struct file *step(struct vfio_device *vdev,
			 struct testdev_migration *mig, u32 wanted)
{
	enum vfio_device_mig_state next;
	struct file *file;
	int ret;

	ret = vfio_mig_get_next_state(vdev, mig->state, wanted, &next);
	if (ret)
		return ERR_PTR(ret);
	if (WARN_ON(mig->narcs == VFIO_TESTDEV_ROUTE_MAX))
		return ERR_PTR(-ELOOP);
	if (mig->narcs + 1 == mig->fail_arc)
		return ERR_PTR(-EIO);
	file = take_arc(mig, next);
	if (!IS_ERR(file)) {
		mig->state = next;
		mig->states[mig->narcs++] = next;
	}
	return file;
}

static struct file *testdev_set_state(struct vfio_device *vdev,
				      enum vfio_device_mig_state wanted)
{
	struct testdev_migration *mig = &to_testdev(vdev)->migration;
	struct file *file = NULL;

	mutex_lock(&mig->lock);
	mig->narcs = 0;
	/* Some kernels warn when they are asked for a way out of an error. */
	if (mig->state == VFIO_DEVICE_STATE_ERROR)
		file = ERR_PTR(-EINVAL);
	while (!IS_ERR(file) && mig->state != wanted) {
		/* Only the last arc may begin a session. */
		if (WARN_ON(file))
			fput(file);
		file = step(vdev, mig, wanted);
	}
	mig->fail_arc = 0;
	mutex_unlock(&mig->lock);
	return file;
}

static int testdev_get_state(struct vfio_device *vdev,
			     enum vfio_device_mig_state *state)
{
	struct testdev_migration *mig = &to_testdev(vdev)->migration;

	mutex_lock(&mig->lock);
	*state = mig->state;
	mutex_unlock(&mig->lock);
	return 0;
}

static int __maybe_unused testdev_get_data_size(struct vfio_device *vdev,
						unsigned long *stop_copy_length)
{
	*stop_copy_length = BLOCK;
	return 0;
}

static const struct vfio_migration_ops testdev_migration_ops = {
	.migration_set_state	= testdev_set_state,
	.migration_get_state	= testdev_get_state,
	VFIO_COMPAT_MIG_DATA_SIZE_OP(testdev_get_data_size)
};

/**
 * testdev_migration_init - for a device that is not registered yet
 * @mig: its part
 * @region: its region
 * @vdev: the device
 * @flags: VFIO_TESTDEV_*
 *
 * Return: 0, -EINVAL for an option of migration without it, -EOPNOTSUPP for one
 * that this kernel does not know.
 */
int testdev_migration_init(struct testdev_migration *mig, u8 *region,
			   struct vfio_device *vdev, u32 flags)
{
	mutex_init(&mig->lock);
	mig->state = VFIO_DEVICE_STATE_RUNNING;
	mig->region = region;
	if (!(flags & VFIO_TESTDEV_MIGRATES))
		return flags & (VFIO_TESTDEV_P2P | VFIO_TESTDEV_PRE_COPY) ?
		       -EINVAL : 0;
	if ((flags & VFIO_TESTDEV_PRE_COPY) &&
	    VFIO_MIG_STATES <= VFIO_DEVICE_STATE_PRE_COPY)
		return -EOPNOTSUPP;

	vdev->mig_ops = &testdev_migration_ops;
	vdev->migration_flags = VFIO_MIGRATION_STOP_COPY;
	if (flags & VFIO_TESTDEV_P2P)
		vdev->migration_flags |= VFIO_MIGRATION_P2P;
	if (flags & VFIO_TESTDEV_PRE_COPY)
		vdev->migration_flags |= VFIO_MIGRATION_PRE_COPY;
	return 0;
}

/**
 * testdev_migration_reset - back to RUNNING, from any state
 * @mig: the device's part
 */
void testdev_migration_reset(struct testdev_migration *mig)
{
	mutex_lock(&mig->lock);
	session_end(mig);
	mig->state = VFIO_DEVICE_STATE_RUNNING;
	mig->fail_arc = 0;
	mutex_unlock(&mig->lock);
}

/**
 * testdev_route - the way that the last change of the state took
 * @args: the device and the arc that is to fail next in, the way out
 *
 * Return: 0 or -ENOENT.
 */
int testdev_route(struct vfio_testdev_route *args)
{
	struct testdev *td = testdev_get(args->name);
	struct testdev_migration *mig;

	if (!td)
		return -ENOENT;
	mig = &td->migration;
	mutex_lock(&mig->lock);
	mig->fail_arc = args->fail_arc;
	args->narcs = mig->narcs;
	memcpy(args->states, mig->states, sizeof(args->states));
	mutex_unlock(&mig->lock);
	testdev_put(td);
	return 0;
}
