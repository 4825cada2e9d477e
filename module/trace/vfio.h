/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Trace events of vfio.ko: who opens, attaches, uses and lets go.
 *
 * Names and fields are stable: a field may be added or become wider, none is
 * changed otherwise. Ids are what a person knows: the IOMMU group's number, the
 * device's name, the container's id (a number that no other living container
 * has). TP_printk is parsed again by perf and trace-cmd, so it holds no C calls.
 * Strings are copied: whatever they name may be gone when the buffer is read.
 * The caller passes words, see vfio_trace_word(): printable, no blank, bounded.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vfio

#if !defined(_VFIO_TRACE_VFIO_H) || defined(TRACE_HEADER_MULTI_READ)
#define _VFIO_TRACE_VFIO_H

#include <linux/tracepoint.h>

#include "vfio_trace_types.h"
#include "compat/trace.h"

TRACE_DEFINE_ENUM(VFIO_GROUP_REF_DEVICE);
TRACE_DEFINE_ENUM(VFIO_GROUP_REF_FILE);
TRACE_DEFINE_ENUM(VFIO_GROUP_REF_CONTAINER);
TRACE_DEFINE_ENUM(VFIO_GROUP_REF_EXTERNAL);
TRACE_DEFINE_ENUM(VFIO_CONTAINER_USER_ATTACH);
TRACE_DEFINE_ENUM(VFIO_CONTAINER_USER_DEVICE);
TRACE_DEFINE_ENUM(VFIO_CONTAINER_USER_EXTERNAL);

#define show_group_ref_reason(reason)					\
	__print_symbolic(reason,					\
			 { VFIO_GROUP_REF_DEVICE,	"device" },	\
			 { VFIO_GROUP_REF_FILE,		"file" },	\
			 { VFIO_GROUP_REF_CONTAINER,	"container" },	\
			 { VFIO_GROUP_REF_EXTERNAL,	"external" })

#define show_container_user_reason(reason)				\
	__print_symbolic(reason,					\
			 { VFIO_CONTAINER_USER_ATTACH,	 "attach" },	\
			 { VFIO_CONTAINER_USER_DEVICE,	 "device_open" }, \
			 { VFIO_CONTAINER_USER_EXTERNAL, "external" })

TRACE_EVENT(vfio_container_open,
	TP_PROTO(u32 container),
	TP_ARGS(container),
	TP_STRUCT__entry(
		__field(u32, container)
	),
	TP_fast_assign(
		__entry->container = container;
	),
	TP_printk("container=%u", __entry->container)
);

TRACE_EVENT(vfio_container_release,
	TP_PROTO(u32 container, u64 lifetime_ns),
	TP_ARGS(container, lifetime_ns),
	TP_STRUCT__entry(
		__field(u64, lifetime_ns)
		__field(u32, container)
	),
	TP_fast_assign(
		__entry->lifetime_ns = lifetime_ns;
		__entry->container = container;
	),
	TP_printk("container=%u lifetime_ns=%llu", __entry->container,
		  __entry->lifetime_ns)
);

DECLARE_EVENT_CLASS(vfio_group_file,
	TP_PROTO(int group, int ret),
	TP_ARGS(group, ret),
	TP_STRUCT__entry(
		__field(int, group)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->group = group;
		__entry->ret = ret;
	),
	TP_printk("group=%d ret=%d", __entry->group, __entry->ret)
);

DEFINE_EVENT(vfio_group_file, vfio_group_open,
	TP_PROTO(int group, int ret), TP_ARGS(group, ret));
DEFINE_EVENT(vfio_group_file, vfio_group_release,
	TP_PROTO(int group, int ret), TP_ARGS(group, ret));

DECLARE_EVENT_CLASS(vfio_group_ref,
	TP_PROTO(int group, u32 refs, enum vfio_group_ref_reason reason),
	TP_ARGS(group, refs, reason),
	TP_STRUCT__entry(
		__field(int, group)
		__field(u32, refs)
		__field(u32, reason)
	),
	TP_fast_assign(
		__entry->group = group;
		__entry->refs = refs;
		__entry->reason = reason;
	),
	TP_printk("group=%d refs=%u reason=%s", __entry->group, __entry->refs,
		  show_group_ref_reason(__entry->reason))
);

DEFINE_EVENT(vfio_group_ref, vfio_group_get,
	TP_PROTO(int group, u32 refs, enum vfio_group_ref_reason reason),
	TP_ARGS(group, refs, reason));
DEFINE_EVENT(vfio_group_ref, vfio_group_put,
	TP_PROTO(int group, u32 refs, enum vfio_group_ref_reason reason),
	TP_ARGS(group, refs, reason));

DECLARE_EVENT_CLASS(vfio_container_group,
	TP_PROTO(u32 container, int group, int ret, u64 duration_ns),
	TP_ARGS(container, group, ret, duration_ns),
	TP_STRUCT__entry(
		__field(u64, duration_ns)
		__field(u32, container)
		__field(int, group)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->duration_ns = duration_ns;
		__entry->container = container;
		__entry->group = group;
		__entry->ret = ret;
	),
	TP_printk("container=%u group=%d ret=%d duration_ns=%llu",
		  __entry->container, __entry->group, __entry->ret,
		  __entry->duration_ns)
);

DEFINE_EVENT(vfio_container_group, vfio_container_attach,
	TP_PROTO(u32 container, int group, int ret, u64 duration_ns),
	TP_ARGS(container, group, ret, duration_ns));
DEFINE_EVENT(vfio_container_group, vfio_container_detach,
	TP_PROTO(u32 container, int group, int ret, u64 duration_ns),
	TP_ARGS(container, group, ret, duration_ns));

TRACE_EVENT(vfio_container_set_iommu,
	TP_PROTO(u32 container, const char *driver, u64 type, int ret,
		 u64 duration_ns),
	TP_ARGS(container, driver, type, ret, duration_ns),
	TP_STRUCT__entry(
		__field(u64, duration_ns)
		__field(u64, type)
		__field(u32, container)
		__field(int, ret)
		__string(driver, driver)
	),
	TP_fast_assign(
		__entry->duration_ns = duration_ns;
		__entry->container = container;
		__entry->type = type;
		__entry->ret = ret;
		vfio_trace_assign_str(driver, driver);
	),
	TP_printk("container=%u driver=%s type=%llu ret=%d duration_ns=%llu",
		  __entry->container, __get_str(driver), __entry->type,
		  __entry->ret, __entry->duration_ns)
);

TRACE_EVENT(vfio_container_users,
	TP_PROTO(u32 container, int group, u32 users, int delta,
		 enum vfio_container_user_reason reason),
	TP_ARGS(container, group, users, delta, reason),
	TP_STRUCT__entry(
		__field(u32, container)
		__field(int, group)
		__field(u32, users)
		__field(int, delta)
		__field(u32, reason)
	),
	TP_fast_assign(
		__entry->container = container;
		__entry->group = group;
		__entry->users = users;
		__entry->delta = delta;
		__entry->reason = reason;
	),
	TP_printk("container=%u group=%d users=%u delta=%d reason=%s",
		  __entry->container, __entry->group, __entry->users,
		  __entry->delta, show_container_user_reason(__entry->reason))
);

DECLARE_EVENT_CLASS(vfio_device_file,
	TP_PROTO(int group, const char *device, u32 open_count, int ret,
		 u64 duration_ns),
	TP_ARGS(group, device, open_count, ret, duration_ns),
	TP_STRUCT__entry(
		__field(u64, duration_ns)
		__field(int, group)
		__field(u32, open_count)
		__field(int, ret)
		__string(device, device)
	),
	TP_fast_assign(
		__entry->duration_ns = duration_ns;
		__entry->group = group;
		__entry->open_count = open_count;
		__entry->ret = ret;
		vfio_trace_assign_str(device, device);
	),
	TP_printk("group=%d device=%s open_count=%u ret=%d duration_ns=%llu",
		  __entry->group, __get_str(device), __entry->open_count,
		  __entry->ret, __entry->duration_ns)
);

DEFINE_EVENT(vfio_device_file, vfio_device_open,
	TP_PROTO(int group, const char *device, u32 open_count, int ret,
		 u64 duration_ns),
	TP_ARGS(group, device, open_count, ret, duration_ns));
DEFINE_EVENT(vfio_device_file, vfio_device_close,
	TP_PROTO(int group, const char *device, u32 open_count, int ret,
		 u64 duration_ns),
	TP_ARGS(group, device, open_count, ret, duration_ns));

DECLARE_EVENT_CLASS(vfio_external_user,
	TP_PROTO(int group, u32 container, u32 users, int ret,
		 unsigned long caller),
	TP_ARGS(group, container, users, ret, caller),
	TP_STRUCT__entry(
		__field(unsigned long, caller)
		__field(int, group)
		__field(u32, container)
		__field(u32, users)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->caller = caller;
		__entry->group = group;
		__entry->container = container;
		__entry->users = users;
		__entry->ret = ret;
	),
	TP_printk("group=%d container=%u users=%u ret=%d caller=%pS",
		  __entry->group, __entry->container, __entry->users,
		  __entry->ret, (void *)__entry->caller)
);

DEFINE_EVENT(vfio_external_user, vfio_external_user_get,
	TP_PROTO(int group, u32 container, u32 users, int ret,
		 unsigned long caller),
	TP_ARGS(group, container, users, ret, caller));
DEFINE_EVENT(vfio_external_user, vfio_external_user_put,
	TP_PROTO(int group, u32 container, u32 users, int ret,
		 unsigned long caller),
	TP_ARGS(group, container, users, ret, caller));

TRACE_EVENT(vfio_group_set_kvm,
	TP_PROTO(int group, const void *kvm, bool linked),
	TP_ARGS(group, kvm, linked),
	TP_STRUCT__entry(
		__field(const void *, kvm)
		__field(int, group)
		__field(bool, linked)
	),
	TP_fast_assign(
		__entry->kvm = kvm;
		__entry->group = group;
		__entry->linked = linked;
	),
	TP_printk("group=%d kvm=%p linked=%d", __entry->group, __entry->kvm,
		  __entry->linked)
);

#endif /* _VFIO_TRACE_VFIO_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH trace
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE vfio
#include <trace/define_trace.h>
