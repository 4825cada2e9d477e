// SPDX-License-Identifier: GPL-2.0-only
/*
 * The states of a device in migration, and the way from one to another.
 *
 * User space asks for a state; a driver knows only some direct steps (arcs).
 * The table holds, for each pair of states, the first step on the way between
 * them if the device has every optional state. A device that lacks one is taken
 * through it as if it were not there. The UAPI documents the states.
 */
#include <linux/module.h>

#include "vfio.h"

enum {
	ERR	= VFIO_DEVICE_STATE_ERROR,
	STOP	= VFIO_DEVICE_STATE_STOP,
	RUN	= VFIO_DEVICE_STATE_RUNNING,
	COPY	= VFIO_DEVICE_STATE_STOP_COPY,
	RESUME	= VFIO_DEVICE_STATE_RESUMING,
	P2P	= VFIO_DEVICE_STATE_RUNNING_P2P,
	PRE	= VFIO_DEVICE_STATE_PRE_COPY,
	PREP2P	= VFIO_DEVICE_STATE_PRE_COPY_P2P,
	STATES
};

/*
 * Row: from; column: to. A stopped copy never becomes a pre-copy again, and
 * there is no way to or from an error but a reset.
 */
static const u8 first_step[STATES][STATES] = {
	/*           ERR  STOP  RUN   COPY    RESUME  P2P   PRE   PREP2P */
	[ERR]	 = { ERR, ERR,	ERR,  ERR,    ERR,    ERR,  ERR,  ERR	 },
	[STOP]	 = { ERR, STOP, P2P,  COPY,   RESUME, P2P,  P2P,  P2P	 },
	[RUN]	 = { ERR, P2P,	RUN,  P2P,    P2P,    P2P,  PRE,  P2P	 },
	[COPY]	 = { ERR, STOP, STOP, COPY,   STOP,   STOP, ERR,  ERR	 },
	[RESUME] = { ERR, STOP, STOP, STOP,   RESUME, STOP, STOP, STOP	 },
	[P2P]	 = { ERR, STOP, RUN,  STOP,   STOP,   P2P,  RUN,  PREP2P },
	[PRE]	 = { ERR, RUN,	RUN,  PREP2P, RUN,    RUN,  PRE,  PREP2P },
	[PREP2P] = { ERR, P2P,	P2P,  COPY,   P2P,    P2P,  PRE,  PREP2P },
};

/* What a device must support to have the state. */
static const u32 needed[STATES] = {
	[ERR]	 = U32_MAX,
	[STOP]	 = VFIO_MIGRATION_STOP_COPY,
	[RUN]	 = VFIO_MIGRATION_STOP_COPY,
	[COPY]	 = VFIO_MIGRATION_STOP_COPY,
	[RESUME] = VFIO_MIGRATION_STOP_COPY,
	[P2P]	 = VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P,
	[PRE]	 = VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_PRE_COPY,
	[PREP2P] = VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_PRE_COPY |
		   VFIO_MIGRATION_P2P,
};

static bool has_state(struct vfio_device *device, unsigned int state)
{
	return state < VFIO_MIG_STATES &&
	       (device->migration_flags & needed[state]) == needed[state];
}

/**
 * vfio_mig_get_next_state - the next step towards a state
 * @device: the device; its migration_flags say what it supports
 * @cur_fsm: the state it is in
 * @new_fsm: the state that is asked for
 * @next_fsm: the state to go to now; to be called again until it is @new_fsm
 *
 * Return: 0, or -EINVAL if there is no such state or no way to it.
 */
int vfio_mig_get_next_state(struct vfio_device *device,
			    enum vfio_device_mig_state cur_fsm,
			    enum vfio_device_mig_state new_fsm,
			    enum vfio_device_mig_state *next_fsm)
{
	unsigned int next;

	/* Only a reset leads out of it: no driver's fault that it was asked. */
	if (cur_fsm == VFIO_DEVICE_STATE_ERROR)
		return -EINVAL;
	if (WARN_ON(!has_state(device, cur_fsm)) || !has_state(device, new_fsm))
		return -EINVAL;

	next = first_step[cur_fsm][new_fsm];
	while (next != ERR && !has_state(device, next))
		next = first_step[next][new_fsm];

	*next_fsm = next;
	return next == ERR ? -EINVAL : 0;
}
EXPORT_SYMBOL_GPL(vfio_mig_get_next_state);
