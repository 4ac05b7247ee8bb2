/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM hugepool

#if !defined(_TRACE_HUGEPOOL_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_HUGEPOOL_H

#include <linux/hugepool.h>
#include <linux/tracepoint.h>

TRACE_DEFINE_ENUM(HUGEPOOL_SHMEM);
TRACE_DEFINE_ENUM(HUGEPOOL_GUEST_MEMFD);

#define show_hugepool_consumer(consumer)				\
	__print_symbolic(consumer, { HUGEPOOL_SHMEM, "shmem" },		\
				   { HUGEPOOL_GUEST_MEMFD, "guest_memfd" })

TRACE_EVENT(hugepool_reserve,

	TP_PROTO(int nid, unsigned int order, unsigned long got,
		 unsigned long asked),

	TP_ARGS(nid, order, got, asked),

	TP_STRUCT__entry(
		__field(int, nid)
		__field(unsigned int, order)
		__field(unsigned long, got)
		__field(unsigned long, asked)
	),

	TP_fast_assign(
		__entry->nid = nid;
		__entry->order = order;
		__entry->got = got;
		__entry->asked = asked;
	),

	TP_printk("nid=%d order=%u got=%lu asked=%lu", __entry->nid,
		  __entry->order, __entry->got, __entry->asked)
);

DECLARE_EVENT_CLASS(hugepool_block,

	TP_PROTO(int nid, unsigned long pfn, unsigned int order, int consumer),

	TP_ARGS(nid, pfn, order, consumer),

	TP_STRUCT__entry(
		__field(int, nid)
		__field(unsigned long, pfn)
		__field(unsigned int, order)
		__field(int, consumer)
	),

	TP_fast_assign(
		__entry->nid = nid;
		__entry->pfn = pfn;
		__entry->order = order;
		__entry->consumer = consumer;
	),

	TP_printk("nid=%d pfn=0x%lx order=%u consumer=%s", __entry->nid,
		  __entry->pfn, __entry->order,
		  show_hugepool_consumer(__entry->consumer))
);

DEFINE_EVENT(hugepool_block, hugepool_alloc,
	TP_PROTO(int nid, unsigned long pfn, unsigned int order, int consumer),
	TP_ARGS(nid, pfn, order, consumer)
);

DEFINE_EVENT(hugepool_block, hugepool_free,
	TP_PROTO(int nid, unsigned long pfn, unsigned int order, int consumer),
	TP_ARGS(nid, pfn, order, consumer)
);

TRACE_EVENT(hugepool_alloc_fail,

	TP_PROTO(int nid, unsigned int order, int consumer, int error),

	TP_ARGS(nid, order, consumer, error),

	TP_STRUCT__entry(
		__field(int, nid)
		__field(unsigned int, order)
		__field(int, consumer)
		__field(int, error)
	),

	TP_fast_assign(
		__entry->nid = nid;
		__entry->order = order;
		__entry->consumer = consumer;
		__entry->error = error;
	),

	TP_printk("nid=%d order=%u consumer=%s error=%d", __entry->nid,
		  __entry->order, show_hugepool_consumer(__entry->consumer),
		  __entry->error)
);

/* A 1 GB block changes its state because of the page at @pfn. */
DECLARE_EVENT_CLASS(hugepool_change,

	TP_PROTO(int nid, unsigned long pfn),

	TP_ARGS(nid, pfn),

	TP_STRUCT__entry(
		__field(int, nid)
		__field(unsigned long, pfn)
	),

	TP_fast_assign(
		__entry->nid = nid;
		__entry->pfn = pfn;
	),

	TP_printk("nid=%d pfn=0x%lx", __entry->nid, __entry->pfn)
);

DEFINE_EVENT(hugepool_change, hugepool_demote,
	TP_PROTO(int nid, unsigned long pfn),
	TP_ARGS(nid, pfn)
);

DEFINE_EVENT(hugepool_change, hugepool_merge,
	TP_PROTO(int nid, unsigned long pfn),
	TP_ARGS(nid, pfn)
);

#endif /* _TRACE_HUGEPOOL_H */

#include <trace/define_trace.h>
