// SPDX-License-Identifier: GPL-2.0-only
/* The shared runner: everything that is the same in every tool. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "args.h"
#include "clock.h"
#include "host.h"
#include "out.h"
#include "replay.h"
#include "screen.h"
#include "source.h"
#include "tool.h"

#define REPLAY_CHECK 256 /* chunks between looks for a signal */
#define TURN_RECORDS 256 /* after so many others have their turn */

enum {
	FD_SIGNAL,
	FD_TICK,
	FD_MODULES,
	FD_EVENTS,
	FD_KEYS,
	FD_OUT,
	FD_SERVE,
	FDS,
};

struct loop {
	struct run *run;
	struct pollfd fds[FDS];
	struct ring_buffer *ring;
	uint64_t last_ns;
	unsigned int taken; /* records */
	bool more;	    /* of them, which let others go first */
	bool ending;	    /* these are the last */
	bool told;	    /* that it waits */
};

static const char *tool_name = "vfioscope";
static bool on_screen;

void tool_error(const char *format, ...)
{
	va_list args;

	if (on_screen)
		screen_end();
	on_screen = false;
	fprintf(stderr, "%s: ", tool_name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int open_timer(double interval)
{
	struct timespec t = {.tv_sec = interval,
			     .tv_nsec = fmod(interval, 1) * 1e9};
	struct itimerspec spec = {.it_interval = t, .it_value = t};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd >= 0)
		timerfd_settime(fd, 0, &spec, NULL);
	return fd;
}

static void stop(struct run *run, int exit_code)
{
	run->stop = true;
	if (exit_code > run->exit_code)
		run->exit_code = exit_code;
}

/* The tick at run->now_ns. */
static void tick_now(struct run *run, uint64_t *last_ns, bool redraw)
{
	run->redraw = redraw;
	if (!redraw) {
		run->elapsed = (run->now_ns - *last_ns) / 1e9;
		*last_ns = run->now_ns;
	}
	if (run->screen)
		screen_clear();
	if (run->tool->tick && run->tool->tick(run) < 0)
		stop(run, TOOL_CANNOT);
	else if (!out_flush(run))
		stop(run, TOOL_OK);
	if (!redraw && run->count > 0 && !--run->count)
		stop(run, TOOL_OK);
}

static void look_at_clock(struct run *run)
{
	run->now_ns = now_ns();
	run->real_ns = clock_ns(CLOCK_REALTIME);
}

static void tick(struct run *run, struct loop *loop, bool redraw)
{
	look_at_clock(run);
	tick_now(run, &loop->last_ns, redraw);
}

/* Without a screen to say so on, once. */
static void tell_waiting(struct run *run, struct loop *loop)
{
	if (loop->told || run->screen || source_ready(run->source))
		return;
	loop->told = true;
	tool_error("vfio is not loaded (or was let go of); waiting for it");
}

static void poll_source(struct run *run, struct loop *loop)
{
	bool ready = source_ready(run->source);

	if (source_poll(run->source) < 0) {
		stop(run, TOOL_CANNOT);
		return;
	}
	if (source_ready(run->source)) {
		loop->told = false;
		/* Rates are those of a whole interval. */
		if (!ready && !run->screen) {
			loop->last_ns = now_ns();
			close(loop->fds[FD_TICK].fd);
			loop->fds[FD_TICK].fd = open_timer(run->interval);
		}
		return;
	}
	if (source_coming(run->source))
		return;
	if (run->once) {
		tool_error("vfio is not loaded: modprobe vfio, or leave out -1 "
			   "to wait for it");
		stop(run, TOOL_CANNOT);
		return;
	}
	tell_waiting(run, loop);
}

static void on_signal(struct run *run, int fd)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGUSR1 && run->source)
			source_let_go(run->source);
		else if (info.ssi_signo != SIGUSR1)
			stop(run, TOOL_OK);
	}
}

static void on_keys(struct run *run, struct loop *loop)
{
	bool draw = false;
	int key;

	while ((key = screen_key()) >= 0) {
		if (key == 'q')
			stop(run, TOOL_OK);
		else if (!run->tool->key || run->tool->key(run, key))
			draw = true;
	}
	if (draw && !run->stop)
		tick(run, loop, true);
}

/* Whether anything but records waits for its turn. */
static bool others_wait(const struct loop *loop)
{
	struct pollfd fds[FDS];

	memcpy(fds, loop->fds, sizeof(fds));
	fds[FD_EVENTS].fd = -1;
	return poll(fds, FDS, 0) > 0;
}

static bool signal_waits(const struct loop *loop)
{
	struct pollfd fd = loop->fds[FD_SIGNAL];

	return poll(&fd, 1, 0) > 0;
}

/* Where records come faster than they are told of they never end: every so many
 * the others have their turn.
 */
static int on_event(void *ctx, void *data, size_t size)
{
	struct loop *loop = ctx;
	struct run *run = loop->run;
	int ret = run->tool->event ? run->tool->event(run, data, size) : 0;

	if (ret)
		return ret;
	if (run->stop && !loop->ending)
		return -EINTR;
	if (++loop->taken % TURN_RECORDS)
		return 0;
	/* Whoever is told to end twice leaves the rest. */
	if (loop->ending)
		return signal_waits(loop) ? -EINTR : 0;
	loop->more = others_wait(loop);
	return loop->more ? -EINTR : 0;
}

/* Whoever waits for an event sees it at once. */
static void consume(struct run *run, struct loop *loop)
{
	if (!loop->ring)
		return;
	loop->more = false;
	if (ring_buffer__consume(loop->ring) && !out_flush(run))
		stop(run, TOOL_OK);
}

static bool may_tick(const struct run *run)
{
	return run->screen || run->tool->serve || !run->source ||
	       source_ready(run->source) ||
	       (run->tool->early && source_attaching(run->source));
}

static int sooner(int a, int b)
{
	return b < 0 || (a >= 0 && a < b) ? a : b;
}

static void turn(struct run *run, struct loop *loop)
{
	int serve = run->tool->serve ? run->tool->serve_in(run) : -1;
	int timeout = run->source ? source_timeout(run->source) : -1;
	struct pollfd *fds = loop->fds;
	uint64_t ticks;
	int ready;

	ready = poll(fds, FDS, loop->more ? 0 : sooner(timeout, serve));
	if (ready < 0 && errno != EINTR) {
		tool_error("poll: %s", strerror(errno));
		stop(run, TOOL_CANNOT);
		return;
	}
	if (ready < 0) {
		/* A resized terminal tells by a key. */
		if (run->screen)
			on_keys(run, loop);
		return;
	}
	if (fds[FD_SIGNAL].revents)
		on_signal(run, fds[FD_SIGNAL].fd);
	if (fds[FD_OUT].revents & (POLLERR | POLLHUP))
		stop(run, TOOL_OK); /* who read us has gone */
	if (run->stop)
		return;
	/* A tick comes before a timeout as long as it. */
	if (run->source &&
	    ((!ready && !loop->more) || fds[FD_MODULES].revents ||
	     (timeout >= 0 && fds[FD_TICK].revents)))
		poll_source(run, loop);
	/* Records that were not to wake anybody wait for the tick. */
	if (fds[FD_EVENTS].revents || fds[FD_TICK].revents || loop->more)
		consume(run, loop);
	if (!run->stop && fds[FD_KEYS].revents & POLLIN)
		on_keys(run, loop);
	else if (fds[FD_KEYS].revents)
		stop(run, TOOL_OK); /* the terminal has gone */
	if (!run->stop && fds[FD_TICK].revents &&
	    read(fds[FD_TICK].fd, &ticks, sizeof(ticks)) > 0 && may_tick(run))
		tick(run, loop, false);
	if (!run->stop && run->tool->serve) {
		look_at_clock(run);
		run->tool->serve(run);
	}
}

static int open_loop(struct run *run, struct loop *loop)
{
	int events = run->source ? source_map(run->source, "events") : -1;

	for (int i = 0; i < FDS; i++)
		loop->fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	loop->fds[FD_SIGNAL].fd = open_signals();
	loop->fds[FD_TICK].fd = open_timer(run->interval);
	if (run->tool->serve)
		loop->fds[FD_SERVE].fd = run->tool->serve_fd(run);
	else
		loop->fds[FD_OUT] = (struct pollfd){.fd = STDOUT_FILENO};
	if (run->source)
		loop->fds[FD_MODULES].fd = source_module_fd(run->source);
	if (events >= 0) {
		loop->ring = ring_buffer__new(events, on_event, loop, NULL);
		if (!loop->ring) {
			tool_error("cannot open the ring buffer: %s",
				   strerror(errno));
			return -1;
		}
		loop->fds[FD_EVENTS].fd = ring_buffer__epoll_fd(loop->ring);
	}
	loop->last_ns = now_ns();
	return 0;
}

static void close_loop(struct loop *loop)
{
	if (loop->fds[FD_SIGNAL].fd >= 0)
		close(loop->fds[FD_SIGNAL].fd);
	if (loop->fds[FD_TICK].fd >= 0)
		close(loop->fds[FD_TICK].fd);
	ring_buffer__free(loop->ring);
}

static void run_loop(struct run *run)
{
	struct loop loop = {.run = run};

	if (open_loop(run, &loop)) {
		stop(run, TOOL_CANNOT);
		goto out;
	}
	if (run->source)
		poll_source(run, &loop);
	if (run->stop)
		goto out;
	run->screen = !run->json && !run->batch && !run->tool->look &&
		      isatty(STDOUT_FILENO) && isatty(STDIN_FILENO) &&
		      screen_begin();
	on_screen = run->screen;
	if (run->screen) {
		loop.fds[FD_KEYS].fd = STDIN_FILENO;
		tick(run, &loop, true);
	} else if (run->tool->look) {
		tick(run, &loop, false);
	}
	while (!run->stop)
		turn(run, &loop);
	/* What happened before the end was asked for. */
	if (loop.ring) {
		source_let_go(run->source);
		loop.ending = true;
		consume(run, &loop);
	}
	if (on_screen)
		screen_end();
	on_screen = false;
out:
	close_loop(&loop);
}

/* Plays until the recorded clock has got to run->now_ns; false: it is over,
 * which was at run->now_ns.
 */
static bool play(struct run *run, struct pollfd *signals)
{
	uint64_t until_ns = run->now_ns;
	int more;

	for (unsigned int i = 0; !run->stop; i++) {
		if (!(i % REPLAY_CHECK) && poll(signals, 1, 0) > 0)
			on_signal(run, signals->fd);
		if (ferror(stdout))
			break;
		more = replay_play(run, &until_ns);
		if (more <= 0) {
			run->now_ns = until_ns;
			return !more;
		}
	}
	return true;
}

/* The recorded clock ticks, as fast as can be. */
static void run_replay(struct run *run)
{
	struct pollfd signals = {.fd = open_signals(), .events = POLLIN};
	uint64_t last_ns = run->now_ns;
	bool more = true;

	while (!run->stop && more) {
		run->now_ns = last_ns + run->interval * 1e9;
		more = play(run, &signals);
		run->real_ns = run->now_ns + run->epoch_ns;
		if (run->now_ns <= last_ns || run->stop)
			break;
		/* Rates are those of a whole interval, wherever in it the
		 * recording ends.
		 */
		if (!more)
			last_ns = run->now_ns - (uint64_t)(run->interval * 1e9);
		tick_now(run, &last_ns, false);
	}
	if (!out_flush(run))
		run->stop = true;
	if (replay_lost())
		tool_error("the recording lacks %llu events that were lost",
			   (unsigned long long)replay_lost());
	close(signals.fd);
}

int tool_main(const struct tool *tool, int argc, char **argv)
{
	struct run run = {
		.tool = tool,
		.interval = 1,
		.count = tool->look ? 1 : -1,
		.filter = {.group = -1, .device_group = -1},
		.source_name = "auto",
	};

	tool_name = tool->name;
	run.state = calloc(1, tool->state_size ?: 1);
	if (!run.state) {
		tool_error("out of memory");
		return TOOL_CANNOT;
	}
	args_parse(&run, argc, argv);
	run.epoch_ns = clock_ns(CLOCK_REALTIME) - now_ns();

	run.exit_code = TOOL_CANNOT;
	if (run.replay) {
		run.batch = true;
		if (replay_open(&run, run.replay) < 0)
			goto out;
		run.source = source_open_replay();
		if (!run.source)
			goto out;
	} else if (tool->elf) {
		if (!host_check())
			goto out;
		run.source = source_open(tool->name, tool->elf, run.source_name,
					 run.buffer, run.verbose);
		if (!run.source)
			goto out;
	}
	if (!tool->begin || tool->begin(&run) >= 0) {
		run.exit_code = TOOL_OK;
		if (run.replay)
			run_replay(&run);
		else
			run_loop(&run);
	}
	if (tool->end)
		tool->end(&run);
out:
	source_close(run.source);
	replay_close();
	free(run.state);
	return run.exit_code;
}
