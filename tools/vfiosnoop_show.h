/* SPDX-License-Identifier: GPL-2.0-only */
/* An event as a line of text or a JSON object. */
#ifndef VFIOSCOPE_VFIOSNOOP_SHOW_H
#define VFIOSCOPE_VFIOSNOOP_SHOW_H

#include <stddef.h>
#include <stdint.h>

#include "lib/tool.h"
#include "vfiosnoop_fields.h"

/* What goes with a record that is not in it. */
struct shown {
	const struct record *record;
	const char *explanation; /* "": none */
	char (*stack)[64];	 /* frames by name */
	size_t frames;
	unsigned int number; /* its container's, for people */
	char caller[64];     /* of an external user */
};

void snoop_header(struct run *run);
void snoop_text(struct run *run, const struct shown *shown);
void snoop_json(struct run *run, const struct shown *shown);

#endif /* VFIOSCOPE_VFIOSNOOP_SHOW_H */
