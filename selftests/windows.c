// SPDX-License-Identifier: GPL-2.0-only
/*
 * windows [SEED]: the windows of our modules' races, each held open beside its
 * opponents.
 *
 * A row of the table names a function where something begins that must not meet
 * something else: a reference was dropped and the object is used, something was
 * unlinked and is waited for, a flag was set and its lock is taken. One task does
 * what leads there and is made to sleep; meanwhile its opponents do, again and
 * again, what could hurt. A function that is not there, or that nobody comes by,
 * is a failure: such a row would test nothing.
 *
 * Nothing is looked at but that everybody comes to an end and that the stage can
 * be set again. What a race does wrong is found by the kernel that this runs on:
 * slub_debug=FZPU, or the debug kernel.
 *
 * With WINDOWS_MINUTES the rows are played at random for that long, with some of
 * their opponents, for some other time.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kselftest.h"
#include "lib/mdev.h"
#include "lib/opponents.h"
#include "lib/proc.h"
#include "lib/sleeper.h"

#define HELD	  "held"
#define WINDOW_MS 60
#define OPPONENTS 8

typedef const deed opponents[OPPONENTS];

/* Who has the container, the group and the device. */
static opponents users = {do_map,      do_unmap,	do_unmap_all,
			  do_info,     do_dirty,	do_open_device,
			  do_external, do_set_container};
/* Who wants them, and who tells others of them. */
static opponents others = {do_reopen_group, do_status,	 do_external,
			   do_kvm,	    do_info,	 do_unbind,
			   do_map,	    do_set_iommu};
static opponents leavers = {do_unset_container,
			    do_set_container,
			    do_map,
			    do_close_container,
			    do_external,
			    do_open_device,
			    do_close_device,
			    do_kvm};
static opponents drivers = {do_status,	    do_unpin,	    do_rw,
			    do_map,	    do_unmap,	    do_unmap_all,
			    do_open_device, do_close_device};
static opponents enders = {do_status,	    do_rw,  do_destroy,	  do_close_all,
			   do_reopen_group, do_map, do_unmap_all, do_info};
static opponents parents = {do_mdev_create, do_mdev_remove, do_mdev_look,
			    do_mdev_unbind};
static opponents signals = {do_signal,	    do_unmask_by,    do_unmask_by_none,
			    do_close_event, do_close_device, do_reset,
			    do_open_device, do_reopen_group};

/**
 * struct row - a window
 * @function: which sleeps before it begins
 * @stage: what is open
 * @held: leads there
 * @against: what is done meanwhile
 * @anybody: it is a work item, or somebody else's call, that comes there
 */
struct row {
	const char *function;
	void (*stage)(struct stage *s);
	deed held;
	opponents *against;
	bool anybody;
};

#define VFIO(name)    "vfio:vfio_" name
#define TYPE1(name)   "vfio_iommu_type1:" name
#define MDEV(name)    "mdev:" name
#define TESTDEV(name) "vfio_testdev:" name

/* A task comes there; or a work item, which is anybody. */
#define ROW(function, stage, held, against)                         \
	{                                                           \
		function, stage_##stage, do_##held, &against, false \
	}
#define WORK(function, stage, held, against)                       \
	{                                                          \
		function, stage_##stage, do_##held, &against, true \
	}

static const struct row rows[] = {
	/* A device's file goes: the last user, the VM, the registration. */
	ROW(VFIO("container_remove_device"), device, close_device, users),
	ROW(VFIO("container_user_put"), device, close_device, users),
	ROW(VFIO("device_unlink_kvm"), device, close_device, others),
	ROW(VFIO("kvm_put"), device, close_device, others),
	ROW(VFIO("device_put_registration"), device, close_device, others),
	/* It comes. */
	ROW(VFIO("device_open_file"), group, open_device, leavers),
	ROW(VFIO("device_link_kvm"), group, open_device, others),
	ROW(VFIO("container_add_device"), group, open_device, leavers),
	/* The group's file goes, and takes the backend along. */
	ROW(VFIO("group_fops_release"), device, close_all, others),
	ROW(VFIO("group_detach_container"), group, close_group, others),
	ROW(VFIO("container_release_backend"), group, close_group, users),
	ROW(VFIO("iommu_driver_put"), group, close_group, users),
	ROW(VFIO("group_put"), group, close_group, others),
	/* The attachment comes and goes, the file stays. */
	ROW(VFIO("group_detach_container"), group, unset_container, users),
	ROW(VFIO("container_release_backend"), group, unset_container, users),
	ROW(VFIO("container_attach_group"), group, reattach, leavers),
	ROW(VFIO("container_set_iommu"), group, reattach, leavers),
	ROW(VFIO("container_backend_ioctl"), group, map, leavers),
	ROW(VFIO("container_check_extension"), group, info, leavers),
	ROW(VFIO("container_close_notify"), group, close_container, users),
	/* Those in the kernel. */
	ROW(VFIO("group_get_external_user"), device, external, leavers),
	ROW(VFIO("group_put_external_user"), device, external, leavers),
	ROW(VFIO("file_set_kvm"), device, kvm, leavers),
	/* The driver takes its device back. */
	ROW(VFIO("unregister_group_dev"), group, unbind, others),
	ROW(VFIO("device_leave_group"), group, unbind, others),
	ROW(VFIO("device_leave_set"), group, unbind, others),
	ROW(VFIO("device_join_group"), group, unbind, others),
	/* Mappings. */
	ROW(TYPE1("vfio_type1_map_dma"), group, map, leavers),
	ROW(TYPE1("vfio_dma_pin_map"), group, map, leavers),
	ROW(TYPE1("vfio_dma_link"), group, map, users),
	ROW(TYPE1("vfio_type1_unmap_dma"), group, unmap, leavers),
	ROW(TYPE1("vfio_runs_unpin"), group, unmap, users),
	ROW(TYPE1("vfio_dma_free"), group, unmap_all, users),
	ROW(TYPE1("vfio_type1_dirty_pages"), group, dirty, leavers),
	ROW(TYPE1("vfio_type1_get_info"), group, info, leavers),
	ROW(TYPE1("vfio_type1_attach_group"), group, reattach, leavers),
	ROW(TYPE1("vfio_type1_detach_group"), group, close_group, users),
	ROW(TYPE1("vfio_type1_release"), group, close_group, users),
	/* Drivers' pins. */
	ROW(TYPE1("vfio_type1_pin_pages"), emulated, pin, drivers),
	ROW(TYPE1("vfio_type1_unpin_pages"), emulated, unmap, drivers),
	WORK(TYPE1("vfio_type1_dma_rw"), emulated, rw, drivers),
	ROW(TYPE1("vfio_emulated_unmap_notify"), emulated, unmap, drivers),
	ROW(TESTDEV("testdev_dma_unmap"), emulated, unmap, drivers),
	ROW(TYPE1("vfio_type1_unregister_device"), emulated, close_device,
	    drivers),
	ROW(TYPE1("vfio_type1_register_device"), emulated, reopen_device,
	    drivers),
	ROW(VFIO("unregister_group_dev"), emulated, destroy, enders),
	ROW(TYPE1("vfio_type1_detach_group"), emulated, close_all, enders),
	/* Mediated devices. */
	ROW(MDEV("mdev_create"), parent, mdev_create, parents),
	ROW(MDEV("mdev_bus_probe"), parent, mdev_create, parents),
	ROW(MDEV("mdev_links_add"), parent, mdev_create, parents),
	ROW(MDEV("mdev_removal_begin"), mediated, mdev_remove, parents),
	ROW(MDEV("mdev_take_down"), mediated, mdev_remove, parents),
	ROW(MDEV("mdev_bus_remove"), mediated, mdev_remove, parents),
	ROW(MDEV("mdev_unclaim"), mediated, mdev_remove, parents),
	ROW(MDEV("mdev_removal_end"), mediated, mdev_remove, parents),
	ROW(MDEV("mdev_unregister_parent"), mediated, mdev_unbind, parents),
	ROW(MDEV("mdev_take_along"), mediated, mdev_unbind, parents),
	ROW(MDEV("mdev_types_remove"), mediated, mdev_unbind, parents),
	ROW(MDEV("mdev_register_parent"), mediated, mdev_unbind, parents),
	/* Interrupts by eventfd; vfio.ko or a module of its own has it. */
	ROW("vfio_virqfd_enable", intx, unmask_by, signals),
	ROW("vfio_virqfd_disable", intx, unmask_by_none, signals),
	ROW("vfio_virqfd_disable", intx, close_device, signals),
	ROW("virqfd_hear", intx, signal, signals),
	WORK("virqfd_take_down", intx, close_event, signals),
	WORK("virqfd_run_thread", intx, signal, signals),
};

#define ROWS (sizeof(rows) / sizeof(*rows))

/**
 * struct play - one row, being played in a process of its own
 * @row: which
 * @stage: the open objects
 * @past: who is held has come through
 * @over: opponents stop
 */
struct play {
	const struct row *row;
	struct stage stage;
	atomic_bool past;
	atomic_bool over;
};

struct opponent {
	struct play *play;
	deed deed;
	pthread_t thread;
};

static void *be_held(void *arg)
{
	struct play *play = arg;

	sleeper_call_me(HELD);
	play->row->held(&play->stage);
	atomic_store(&play->past, true);
	return NULL;
}

/* False if what leads to the window has led past it; a work item may be late. */
static bool comes(struct play *play, int sleeper)
{
	for (int late = 0; late < 1000; late += atomic_load(&play->past)) {
		if (sleeper_counts(sleeper).waiting)
			return true;
		poll(NULL, 0, 1);
	}
	return false;
}

static void *oppose(void *arg)
{
	struct opponent *o = arg;

	do
		o->deed(&o->play->stage);
	while (!atomic_load(&o->play->over));
	return NULL;
}

static void start(pthread_t *thread, void *(*body)(void *), void *arg)
{
	if (pthread_create(thread, NULL, body, arg))
		vfio_die("pthread_create failed");
}

/* Status of a play: how it went. */
enum { PLAYED, NO_FUNCTION = 10, NOBODY_CAME };

/* @chosen: a bit for each opponent that takes part. */
static void play(const struct row *row, unsigned int chosen, int ms)
{
	static struct opponent ring[OPPONENTS];
	static struct play play;
	pthread_t held;
	int sleeper, i;
	bool came;

	play.row = row;
	row->stage(&play.stage);
	sleeper = __sleeper_open(row->function, 30000, 0,
				 row->anybody ? NULL : HELD);
	if (sleeper < 0)
		_exit(NO_FUNCTION);
	start(&held, be_held, &play);
	came = comes(&play, sleeper);
	for (i = 0; came && i < OPPONENTS && (*row->against)[i]; i++) {
		if (!(chosen & 1 << i))
			continue;
		ring[i] = (struct opponent){.play = &play,
					    .deed = (*row->against)[i]};
		start(&ring[i].thread, oppose, ring + i);
	}
	poll(NULL, 0, ms);
	sleeper_go(sleeper);
	poll(NULL, 0, ms / 4);
	atomic_store(&play.over, true);
	/* Some wait for that. */
	stage_close(&play.stage);
	pthread_join(held, NULL);
	for (i = 0; i < OPPONENTS; i++)
		if (ring[i].play)
			pthread_join(ring[i].thread, NULL);
	/* An opponent may have opened something while that was closed. */
	stage_close(&play.stage);
	/* Not before: it changes the code that they run. */
	sleeper_close(&sleeper);
	_exit(came ? PLAYED : NOBODY_CAME);
}

/* What its threads wait for, for who has to find out. */
static void show_stacks(pid_t pid)
{
	char command[80];

	snprintf(command, sizeof(command),
		 "grep -H . /proc/%d/task/*/stack | sed 's/^/# /'", pid);
	fflush(stdout);
	if (system(command))
		printf("# no stacks\n");
}

/* NULL, or what went wrong. */
static const char *play_row(const struct row *row, unsigned int chosen, int ms)
{
	long pinned = pinned_pages();
	pid_t child = fork();
	int status;

	if (!child)
		play(row, chosen, ms);
	if (!ends_within(child, 120000, &status)) {
		show_stacks(child);
		kill(child, SIGKILL);
		return "it hangs";
	}
	if (WIFSIGNALED(status))
		return "killed by a signal";
	if (WEXITSTATUS(status) == NO_FUNCTION)
		return "no such function";
	if (WEXITSTATUS(status) == NOBODY_CAME)
		return "nobody came there";
	if (WEXITSTATUS(status))
		return "the stage could not be set";
	if (!stage_clear())
		return "the stage cannot be cleared";
	return pinned_settles(pinned) ? NULL : "pages are left pinned";
}

static void all_rows(void)
{
	ksft_set_plan(ROWS);
	for (size_t i = 0; i < ROWS; i++) {
		const char *wrong = play_row(rows + i, ~0U, WINDOW_MS);

		ksft_test_result(!wrong, "row %zu, %s%s%s\n", i,
				 rows[i].function, wrong ? ": " : "",
				 wrong ?: "");
	}
}

static void random_rows(int minutes, unsigned int seed)
{
	time_t end = time(NULL) + minutes * 60L;
	const char *wrong = NULL;
	unsigned long rounds = 0;
	size_t i = 0;

	ksft_set_plan(1);
	ksft_print_msg("seed %u\n", seed);
	srand(seed);
	while (!wrong && time(NULL) < end) {
		unsigned int chosen = rand();

		i = rand() % ROWS;
		wrong = play_row(rows + i, chosen, rand() % (3 * WINDOW_MS));
		rounds++;
	}
	ksft_test_result(!wrong, "%lu rounds in %d minutes%s%s%s%s\n", rounds,
			 minutes, wrong ? ", the last at " : "",
			 wrong ? rows[i].function : "", wrong ? ": " : "",
			 wrong ?: "");
}

int main(int argc, char **argv)
{
	const char *minutes = getenv("WINDOWS_MINUTES");

	ksft_print_header();
	if (!ours_loaded())
		ksft_exit_skip("the table is of our modules' functions\n");
	if (minutes)
		random_rows(atoi(minutes),
			    argc > 1 ? atoi(argv[1]) : getpid() ^ time(NULL));
	else
		all_rows();
	/* With it mdev.ko goes, as nobody else has it. */
	if (system("modprobe -r vfio_testparent vfio_testsleeper"))
		ksft_print_msg("vfio_testparent or vfio_testsleeper stays\n");
	ksft_finished();
}
