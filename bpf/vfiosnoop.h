/* SPDX-License-Identifier: GPL-2.0-only */
/* What vfiosnoop's two halves share, beside the records of record.h. */
#ifndef VFIOSCOPE_VFIOSNOOP_H
#define VFIOSCOPE_VFIOSNOOP_H

/* What was asked for; written before anything is attached. */
struct snoop_config {
	__u64 shown;	  /* bits of enum record_event */
	__u64 kept;	  /* sent, hidden, though they are not to be seen */
	__u64 min_ns;	  /* shorter ones, and those without, are not shown */
	__u32 tgid;	  /* 0: any */
	__u32 failed;	  /* only these */
	__u32 stack;	  /* take the kernel's stack */
	__u32 mixed;	  /* hidden ones lie between those that are shown */
	__u64 wake_bytes; /* wake for hidden ones when so much has gathered */
};

enum snoop_lost {
	LOST_EVENTS, /* the ring buffer was full */
	LOST_STACKS, /* the map of stacks was full, or two shared a place */
	LOST_REASONS,
};

#endif /* VFIOSCOPE_VFIOSNOOP_H */
