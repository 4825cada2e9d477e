// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfio_testsleeper.ko: holds a race's window open, for tests.
 *
 * A function that a test names sleeps before it begins, in the task that the test
 * chose, so that an opponent can do in that moment what it would hit once in a
 * million times. The function is any that the kernel's symbols know; one that the
 * compiler inlined is not there, and the test is told (ENOENT).
 *
 * An open /dev/vfio_testsleeper is one window. Written to it:
 *
 *	[MODULE:]FUNCTION MS [EVERY [COMM]]
 *		from now on a call waits, MS milliseconds at most: every EVERY-th
 *		one (1: all, which is what is taken if it is left out; 0: the
 *		first alone) of those made by tasks called COMM (else by any task)
 *	go	whoever waits goes on, and nobody waits any more
 *
 * What is read from it is "calls N waited N waiting N": the calls by those tasks,
 * how many of them have waited, and how many do now. Closing it is "go", and the
 * window is gone. Root only; never for production.
 *
 * How: a kprobe's handler must not sleep, so it sends the task to a stub, which
 * does, and then calls the function once more with the arguments it was called
 * with. The handler, which is hit again by that, lets it pass. Arguments in
 * registers and the first few on the stack are carried over, and one word of
 * result. Where the function is called in atomic context the stub spins.
 */
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/kprobes.h>
#include <linux/ktime.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#define SLEEPERS	8	/* windows at a time */
#define PLACES		16	/* tasks that wait in one */
#define MS_MAX		60000
#define SPIN_MS_MAX	50	/* with preemption off */
#define LINE_MAX	256

/**
 * struct sleeper_place - a call that was sent to the stub
 * @task: whose call; NULL if the place is free
 * @passing: it has waited; its next hit is the same call. Only @task uses it.
 */
struct sleeper_place {
	struct task_struct	*task;
	bool			passing;
};

typedef unsigned long (*sleeper_fn)(unsigned long, unsigned long, unsigned long,
				    unsigned long, unsigned long, unsigned long,
				    unsigned long, unsigned long, unsigned long,
				    unsigned long);

/**
 * struct sleeper - a window
 * @taken: belongs to an open file; guarded by sleepers_lock
 * @armed: @probe is registered; guarded by sleepers_lock
 * @probe: on the function
 * @symbol: its name; this and the next three are as written, and are set while
 *	the probe is not armed
 * @ms: how long a call waits at most
 * @every: which calls wait
 * @comm: of which tasks; empty: of any
 * @going: nobody waits any more
 * @wait: where they wait
 * @calls: of the chosen tasks
 * @waited: of these
 * @waiting: now
 * @inside: in the stub, or in a function that it called. Until none is, the
 *	window can belong to no other file. Each has a reference on the module.
 * @places: the calls that have not begun yet
 */
struct sleeper {
	bool			taken;
	bool			armed;
	struct kprobe		probe;
	char			symbol[KSYM_NAME_LEN];
	unsigned int		ms;
	unsigned int		every;
	char			comm[TASK_COMM_LEN];
	bool			going;
	wait_queue_head_t	wait;
	atomic_t		calls;
	atomic_t		waited;
	atomic_t		waiting;
	atomic_t		inside;
	struct sleeper_place	places[PLACES];
};

static DEFINE_MUTEX(sleepers_lock);
static struct sleeper sleepers[SLEEPERS];

static bool sleeper_may_sleep(void)
{
	return preemptible() && !rcu_preempt_depth();
}

static void sleeper_spin(struct sleeper *s)
{
	unsigned int ms = min_t(unsigned int, s->ms, SPIN_MS_MAX);
	ktime_t end = ktime_add_ms(ktime_get(), ms);

	while (!READ_ONCE(s->going) && ktime_before(ktime_get(), end))
		cpu_relax();
}

static struct sleeper_place *sleeper_place_of(struct sleeper *s, bool passing)
{
	int i;

	for (i = 0; i < PLACES; i++)
		if (READ_ONCE(s->places[i].task) == current &&
		    s->places[i].passing == passing)
			return &s->places[i];
	return NULL;
}

/* The window is held open here. */
static void sleeper_wait(struct sleeper *s)
{
	atomic_inc(&s->waited);
	atomic_inc(&s->waiting);
	if (sleeper_may_sleep())
		wait_event_timeout(s->wait, READ_ONCE(s->going),
				   msecs_to_jiffies(s->ms));
	else
		sleeper_spin(s);
	atomic_dec(&s->waiting);
	sleeper_place_of(s, false)->passing = true;
}

/* A call that has waited has begun: its place is free. */
static bool sleeper_begins(struct sleeper *s)
{
	struct sleeper_place *place = sleeper_place_of(s, true);

	if (!place)
		return false;
	place->passing = false;
	/* Nobody takes the place before that is seen. */
	smp_store_release(&place->task, NULL);
	return true;
}

/* The probe may have gone before the call that was to hit it again. */
static void sleeper_leave(struct sleeper *s)
{
	sleeper_begins(s);
	/* Last: the window may be another file's from here on. */
	smp_mb__before_atomic();
	atomic_dec(&s->inside);
	module_put(THIS_MODULE);
}

/* What comes instead of the function; each window has its own. */
#define SLEEPER_STUB(n)							\
static unsigned long __no_sanitize_address				\
sleeper_stub_##n(unsigned long a, unsigned long b, unsigned long c,	\
		 unsigned long d, unsigned long e, unsigned long f,	\
		 unsigned long g, unsigned long h, unsigned long i,	\
		 unsigned long j)					\
{									\
	struct sleeper *s = &sleepers[n];				\
	unsigned long ret;						\
									\
	sleeper_wait(s);						\
	ret = ((sleeper_fn)s->probe.addr)(a, b, c, d, e, f, g, h, i, j); \
	sleeper_leave(s);						\
	return ret;							\
}

SLEEPER_STUB(0)
SLEEPER_STUB(1)
SLEEPER_STUB(2)
SLEEPER_STUB(3)
SLEEPER_STUB(4)
SLEEPER_STUB(5)
SLEEPER_STUB(6)
SLEEPER_STUB(7)

static const sleeper_fn sleeper_stubs[SLEEPERS] = {
	sleeper_stub_0, sleeper_stub_1, sleeper_stub_2, sleeper_stub_3,
	sleeper_stub_4, sleeper_stub_5, sleeper_stub_6, sleeper_stub_7,
};

static bool sleeper_wants(struct sleeper *s)
{
	unsigned int n;

	if (READ_ONCE(s->going))
		return false;
	if (s->comm[0] && strncmp(s->comm, current->comm, TASK_COMM_LEN))
		return false;
	n = atomic_inc_return(&s->calls);
	return s->every ? n % s->every == 0 : n == 1;
}

static bool sleeper_take_place(struct sleeper *s)
{
	int i;

	for (i = 0; i < PLACES; i++)
		if (!cmpxchg(&s->places[i].task, NULL, current))
			return true;
	return false;
}

/* Takes no lock: where the probe is a breakpoint this is like an NMI. */
static int sleeper_hit(struct kprobe *probe, struct pt_regs *regs)
{
	struct sleeper *s = container_of(probe, struct sleeper, probe);

	if (sleeper_begins(s) || !sleeper_wants(s) || !sleeper_take_place(s))
		return 0;
	__module_get(THIS_MODULE);
	atomic_inc(&s->inside);
	instruction_pointer_set(regs,
				(unsigned long)sleeper_stubs[s - sleepers]);
	return 1;
}
NOKPROBE_SYMBOL(sleeper_hit);

/* With one, a probe is never optimised into one that cannot go elsewhere. */
static void sleeper_after(struct kprobe *probe, struct pt_regs *regs,
			  unsigned long flags)
{
}

static void sleeper_go(struct sleeper *s)
{
	lockdep_assert_held(&sleepers_lock);
	WRITE_ONCE(s->going, true);
	wake_up_all(&s->wait);
}

static bool sleeper_is_empty(struct sleeper *s)
{
	int i;

	for (i = 0; i < PLACES; i++)
		if (READ_ONCE(s->places[i].task))
			return false;
	return true;
}

/*
 * A probe is taken away by writing to the function's code, and an emulator may
 * go on to see what was there for a moment. So those who are about to call the
 * function do that first, if they get to run soon.
 */
static void sleeper_disarm(struct sleeper *s)
{
	int ms;

	sleeper_go(s);
	if (!s->armed)
		return;
	for (ms = 0; ms < 1000 && !sleeper_is_empty(s); ms++)
		usleep_range(1000, 2000);
	unregister_kprobe(&s->probe);
	s->armed = false;
}

static int sleeper_arm(struct sleeper *s, char *line)
{
	unsigned int ms, every = 1;
	char symbol[KSYM_NAME_LEN] = "", comm[TASK_COMM_LEN] = "";
	int ret;

	lockdep_assert_held(&sleepers_lock);
	BUILD_BUG_ON(KSYM_NAME_LEN < 128 || TASK_COMM_LEN != 16);
	if (sscanf(line, "%127s %u %u %15s", symbol, &ms, &every, comm) < 2 ||
	    ms > MS_MAX)
		return -EINVAL;
	if (s->armed)
		return -EBUSY;
	if (atomic_read(&s->inside))
		return -EAGAIN;

	strscpy(s->symbol, symbol, sizeof(s->symbol));
	strscpy(s->comm, comm, sizeof(s->comm));
	s->ms = ms;
	s->every = every;
	s->going = false;
	atomic_set(&s->calls, 0);
	atomic_set(&s->waited, 0);
	s->probe = (struct kprobe){
		.symbol_name	= s->symbol,
		.pre_handler	= sleeper_hit,
		.post_handler	= sleeper_after,
	};
	ret = register_kprobe(&s->probe);
	s->armed = !ret;
	return ret;
}

static int sleeper_open(struct inode *inode, struct file *filp)
{
	struct sleeper *s;
	int ret = -EBUSY;

	mutex_lock(&sleepers_lock);
	for (s = sleepers; s < sleepers + SLEEPERS; s++) {
		if (s->taken || atomic_read(&s->inside))
			continue;
		s->taken = true;
		filp->private_data = s;
		ret = 0;
		break;
	}
	mutex_unlock(&sleepers_lock);
	return ret;
}

/*
 * Does not wait for who is inside: that may in turn wait for something that the
 * closing task is about to close.
 */
static int sleeper_release(struct inode *inode, struct file *filp)
{
	struct sleeper *s = filp->private_data;

	mutex_lock(&sleepers_lock);
	sleeper_disarm(s);
	s->taken = false;
	mutex_unlock(&sleepers_lock);
	return 0;
}

static ssize_t sleeper_write(struct file *filp, const char __user *user,
			     size_t count, loff_t *pos)
{
	struct sleeper *s = filp->private_data;
	char *line;
	int ret = 0;

	if (count >= LINE_MAX)
		return -EINVAL;
	line = memdup_user_nul(user, count);
	if (IS_ERR(line))
		return PTR_ERR(line);
	mutex_lock(&sleepers_lock);
	if (sysfs_streq(line, "go"))
		sleeper_go(s);
	else
		ret = sleeper_arm(s, line);
	mutex_unlock(&sleepers_lock);
	kfree(line);
	return ret ?: count;
}

static ssize_t sleeper_read(struct file *filp, char __user *user, size_t count,
			    loff_t *pos)
{
	struct sleeper *s = filp->private_data;
	char text[80];
	int len;

	len = scnprintf(text, sizeof(text), "calls %d waited %d waiting %d\n",
			atomic_read(&s->calls), atomic_read(&s->waited),
			atomic_read(&s->waiting));
	return simple_read_from_buffer(user, count, pos, text, len);
}

static const struct file_operations sleeper_fops = {
	.owner		= THIS_MODULE,
	.open		= sleeper_open,
	.release	= sleeper_release,
	.read		= sleeper_read,
	.write		= sleeper_write,
	.llseek		= default_llseek,
};

static struct miscdevice sleeper_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "vfio_testsleeper",
	.fops	= &sleeper_fops,
	.mode	= 0600,
};

static int __init sleeper_init(void)
{
	struct sleeper *s;

	for (s = sleepers; s < sleepers + SLEEPERS; s++)
		init_waitqueue_head(&s->wait);
	return misc_register(&sleeper_misc);
}

/* Nobody is inside; who has just put the module may still be on the way out. */
static void __exit sleeper_exit(void)
{
	misc_deregister(&sleeper_misc);
	synchronize_rcu_tasks();
}

module_init(sleeper_init);
module_exit(sleeper_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Makes a function sleep before it begins, for tests of races");
MODULE_VERSION("1.0");
