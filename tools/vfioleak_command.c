// SPDX-License-Identifier: GPL-2.0-only
/* The command that is watched. */
#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/source.h"
#include "lib/tool.h"
#include "vfioleak_command.h"

#define PATIENCE_MS 2000 /* with a command that is asked to end */
#define LOOK_MS	    20

/* The backend is loaded when the first container wants it, and what happens
 * until it is listened to would be missed.
 */
static void load_modules(void)
{
	static char *const argv[] = {"modprobe", "-q", "vfio_iommu_type1",
				     NULL};
	pid_t pid = fork();

	if (!pid) {
		execvp(argv[0], argv);
		_exit(127);
	}
	/* Whether it is there now is for the source to say. */
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

int leak_command_prepare(struct run *run)
{
	load_modules();
	if (source_attach(run->source, "any__fork") &&
	    source_attach(run->source, "any__exit"))
		return 0;
	tool_error("cannot follow the command's processes: %s",
		   strerror(errno));
	return -1;
}

/* In the child: as the shell would have started it. */
static void run_command(struct run *run, int gate, int report)
{
	sigset_t none;
	char go;
	int err;

	if (read(gate, &go, 1) != 1)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	execvp(run->command[0], run->command);
	err = errno;
	if (write(report, &err, sizeof(err)) < 0)
		_exit(126);
	_exit(127);
}

int leak_command_start(struct leak_command *c, struct run *run)
{
	int gate[2], report[2], err = 0;
	__u32 tgid, one = 1;

	if (pipe2(gate, O_CLOEXEC) || pipe2(report, O_CLOEXEC)) {
		tool_error("no pipe: %s", strerror(errno));
		return -1;
	}
	c->pid = fork();
	if (!c->pid)
		run_command(run, gate[0], report[1]);
	close(gate[0]);
	close(report[1]);
	tgid = c->pid;
	if (c->pid < 0 || !source_map_put(run->source, "family", &tgid, &one) ||
	    write(gate[1], "", 1) != 1)
		err = errno;
	close(gate[1]);
	/* Closed by exec, unless that failed. */
	if (!err && read(report[0], &err, sizeof(err)) < 0)
		err = errno;
	close(report[0]);
	if (!err)
		return 0;
	tool_error("cannot run %s: %s", run->command[0], strerror(err));
	if (c->pid > 0)
		waitpid(c->pid, NULL, 0);
	c->pid = 0;
	return -1;
}

bool leak_command_ended(struct leak_command *c, uint64_t now_ns)
{
	if (!c->ended && waitpid(c->pid, &c->status, WNOHANG) == c->pid) {
		c->ended = true;
		c->ended_ns = now_ns;
	}
	return c->ended;
}

void leak_command_stop(struct leak_command *c)
{
	if (!c->pid || c->ended)
		return;
	kill(c->pid, SIGTERM);
	for (int i = 0; i < PATIENCE_MS / LOOK_MS; i++) {
		if (waitpid(c->pid, &c->status, WNOHANG)) {
			c->ended = true;
			return;
		}
		usleep(LOOK_MS * 1000);
	}
	tool_error("the command ignores SIGTERM: it is killed");
	kill(c->pid, SIGKILL);
	waitpid(c->pid, &c->status, 0);
	c->ended = true;
}
