/* SPDX-License-Identifier: GPL-2.0-only */
/* A group's holders and the arithmetic of its users: in words, and as JSON. */
#ifndef VFIOSCOPE_HOLDERS_TEXT_H
#define VFIOSCOPE_HOLDERS_TEXT_H

#include <json-c/json.h>

#include "holders.h"

/* Text that grows; what does not fit is cut. */
struct text {
	char buf[1024];
	size_t len;
};

void text_say(struct text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* "": one, "s": more or none */
const char *plural(unsigned int n);

/* Units of container_users that open devices make. */
unsigned int held_device_units(const struct held_group *group);
/* Units that are neither of what a group is known to have. */
unsigned int held_unknown_units(const struct held_group *group);
/* "2 users = 1 attachment + 1 open device; all accounted for" */
void held_say_users(struct text *text, const struct held_group *group);

const char *holder_kind(const struct holder *holder);
/* "device 0000:00:10.0, in flight over a socket" */
void holder_say_what(struct text *text, const struct holder *holder);
struct json_object *holder_json(const struct holder *holder);

#endif /* VFIOSCOPE_HOLDERS_TEXT_H */
