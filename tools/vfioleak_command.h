/* SPDX-License-Identifier: GPL-2.0-only */
/* The command that is watched: it starts when everything listens. */
#ifndef VFIOSCOPE_VFIOLEAK_COMMAND_H
#define VFIOSCOPE_VFIOLEAK_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct run;

struct leak_command {
	pid_t pid; /* 0: not started */
	bool ended;
	int status; /* as from wait() */
	uint64_t ended_ns;
};

/* Loads what must be there to listen to, and follows forks. Negative: cannot,
 * it was said.
 */
int leak_command_prepare(struct run *run);
/* Negative: it could not be run, it was said. */
int leak_command_start(struct leak_command *c, struct run *run);
/* Whether it has ended. */
bool leak_command_ended(struct leak_command *c, uint64_t now_ns);
/* Ends it if it runs still. */
void leak_command_stop(struct leak_command *c);

#endif /* VFIOSCOPE_VFIOLEAK_COMMAND_H */
