/* SPDX-License-Identifier: GPL-2.0-only */
/* An event as a line of text or a JSON object. */
#ifndef VFIOSCOPE_VFIOSNOOP_SHOW_H
#define VFIOSCOPE_VFIOSNOOP_SHOW_H

#include <stddef.h>
#include <stdint.h>

#include "lib/tool.h"
#include "../bpf/record.h"

/* What goes with a record that is not in it. */
struct shown {
	const struct record *record;
	const char *explanation; /* "": none */
	char (*stack)[64];	 /* frames by name */
	size_t frames;
	unsigned int number; /* its container's, for people */
	char caller[64];     /* of an external user */
};

/* Without "vfio_". */
const char *snoop_event_name(uint32_t event);
/* The container or the group that the event is about; 0 or -1: none. */
uint32_t snoop_container(const struct record *r);
int snoop_group(const struct record *r);

void snoop_header(struct run *run);
void snoop_text(struct run *run, const struct shown *shown);
void snoop_json(struct run *run, const struct shown *shown);

#endif /* VFIOSCOPE_VFIOSNOOP_SHOW_H */
