/* SPDX-License-Identifier: GPL-2.0-only */
/* Which members of which struct an event shows, under which key. */
#ifndef VFIOSCOPE_VFIOSNOOP_FIELDS_H
#define VFIOSCOPE_VFIOSNOOP_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "../bpf/record.h"

enum kind {
	KIND_ID,    /* __u32 of which 0 is none */
	KIND_GROUP, /* __s32 of which -1 is none */
	KIND_S32,
	KIND_U32,    /* all bits set: not known */
	KIND_U64,    /* the same */
	KIND_BOOL,   /* __u32 */
	KIND_NAME,   /* record.name */
	KIND_CALLER, /* by name */
	KIND_REF_REASON,
	KIND_USER_REASON,
};

struct field {
	const char *key;
	enum kind kind;
	size_t offset;
};

/* Of each event, up to one without a key. */
extern const struct field *const snoop_fields[REC_EVENTS];

/* Without "vfio_". */
/* NULL: the event has none of this key. */
const struct field *snoop_field(const struct record *r, const char *key);
uint32_t snoop_u32(const struct record *r, const struct field *f);
uint64_t snoop_u64(const struct record *r, const struct field *f);
const char *snoop_reason(const struct record *r, const struct field *f);
/* The container or the group that the event is about; 0 or -1: none. */
uint32_t snoop_container(const struct record *r);
int snoop_group(const struct record *r);

#endif /* VFIOSCOPE_VFIOSNOOP_FIELDS_H */
