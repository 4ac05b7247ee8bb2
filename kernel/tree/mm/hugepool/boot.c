// SPDX-License-Identifier: GPL-2.0
/*
 * Hugepool: reservation at boot.
 *
 * Three steps, at the earliest moment that each is possible: hugepool= is only
 * remembered when it is parsed; the memory is taken from memblock after hugetlb
 * has taken its gigantic pages and before the zones are sized; the struct pages
 * are initialised, one thread per node, when the rest of the memory map is.
 */

#define pr_fmt(fmt) "hugepool: " fmt

#include <linux/crash_dump.h>
#include <linux/hugepool.h>
#include <linux/init.h>
#include <linux/kexec_handover.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/overflow.h>
#include <linux/padata.h>
#include <linux/page-isolation.h>
#include <linux/pgtable.h>
#include <linux/sizes.h>

#include <trace/events/hugepool.h>

#include "../internal.h"
#include "cmdline.h"
#include "internal.h"

/*
 * What a node keeps outside of the pool whatever is asked for: the struct pages
 * of the node are allocated after the pool, and a node without any memory left
 * would make allocations of early boot fail. The machine as a whole keeps more.
 */
#define HP_KEEP_NODE	SZ_64M
#define HP_KEEP_ALL	SZ_256M

/* Enough for two sizes on 256 nodes; larger machines use the even spread. */
#define HP_MAX_REQUESTS	512

/**
 * struct hp_extent - contiguous memory taken from memblock
 * @base: physical address
 * @size: bytes, a multiple of the class's size
 * @class: what it was taken for
 * @nid: node
 */
struct hp_extent {
	phys_addr_t base;
	phys_addr_t size;
	enum hp_class class;
	int nid;
};

/* Neighbours are joined: one entry for each hole that memblock has. */
#define HP_MAX_EXTENTS	2048

static struct hp_request hp_requests[HP_MAX_REQUESTS] __initdata;
static unsigned int hp_nr_requests __initdata;
static struct hp_extent hp_extents[HP_MAX_EXTENTS] __initdata;
static unsigned int hp_nr_extents __initdata;
static unsigned long hp_asked[HP_NR_CLASSES][MAX_NUMNODES] __initdata;
static unsigned long hp_got[HP_NR_CLASSES][MAX_NUMNODES] __initdata;
static unsigned long hp_unfit[HP_NR_CLASSES][MAX_NUMNODES] __initdata;

static void __init hp_refuse(const struct hp_request *request, const char *why)
{
	pr_err("'%.*s' refused: %s\n", (int)request->len, request->token, why);
}

/*
 * The text stays where it is until the end of the boot: tokens are pointers
 * into it. Nodes are not known yet.
 */
static int __init hp_parse_param(char *text)
{
	const char *next = text;
	struct hp_request request;
	int ret;

	if (!text) {
		pr_err("hugepool= needs a value: size:count[@node],...\n");
		return 0;
	}
	while ((ret = hp_parse_request(&next, &request))) {
		if (ret == -ERANGE)
			hp_refuse(&request, "number out of range");
		else if (ret < 0)
			hp_refuse(&request, "not size:count[@node] with size 2M or 1G");
		else if (hp_nr_requests == HP_MAX_REQUESTS)
			hp_refuse(&request, "too many requests");
		else
			hp_requests[hp_nr_requests++] = request;
	}
	return 0;
}
early_param("hugepool", hp_parse_param);

static phys_addr_t __init hp_node_memory(int nid)
{
	unsigned long start, end;
	phys_addr_t size = 0;
	int i;

	for_each_mem_pfn_range(i, nid, &start, &end, NULL)
		size += PFN_PHYS(end - start);
	return size;
}

static phys_addr_t __init hp_node_unreserved(int nid)
{
	phys_addr_t start, end, size = 0;
	u64 i;

	for_each_free_mem_range(i, nid, MEMBLOCK_NONE, &start, &end, NULL)
		size += end - start;
	return size;
}

/* How many bytes of a node the pool may still take. */
static phys_addr_t __init hp_node_takeable(int nid)
{
	phys_addr_t unreserved = hp_node_unreserved(nid);
	phys_addr_t keep = HP_KEEP_NODE, all = 0, take;
	int other;

	keep += (hp_node_memory(nid) >> PAGE_SHIFT) * sizeof(struct page);
	take = unreserved > keep ? unreserved - keep : 0;

	for_each_online_node(other)
		all += hp_node_unreserved(other);
	return min(take, all > HP_KEEP_ALL ? all - HP_KEEP_ALL : 0);
}

/* Requests add up, but not beyond what can be counted. */
static void __init hp_ask(enum hp_class class, int nid, unsigned long count)
{
	unsigned long *asked = &hp_asked[class][nid];

	if (check_add_overflow(*asked, count, asked))
		*asked = ULONG_MAX;
}

/* Sum the requests up per node; refuse those that no node can serve. */
static void __init hp_sum_requests(void)
{
	static unsigned long shares[MAX_NUMNODES] __initdata;
	static int nids[MAX_NUMNODES] __initdata;
	unsigned int i, nr = 0, share;
	int nid;

	for_each_online_node(nid)
		if (hp_node_memory(nid))
			nids[nr++] = nid;

	for (i = 0; i < hp_nr_requests; i++) {
		const struct hp_request *request = &hp_requests[i];

		nid = request->nid;
		if (request->class == HP_1G && !has_transparent_pud_hugepage()) {
			hp_refuse(request, "this CPU has no 1 GB pages");
		} else if (nid == HP_ANY_NODE) {
			hp_spread(request->count, nr, shares);
			for (share = 0; share < nr; share++)
				hp_ask(request->class, nids[share],
				       shares[share]);
		} else if (nid >= MAX_NUMNODES || !node_online(nid)) {
			hp_refuse(request, "no such node");
		} else if (!hp_node_memory(nid)) {
			hp_refuse(request, "the node has no memory");
		} else {
			hp_ask(request->class, nid, request->count);
		}
	}
}

static bool __init hp_extent_record(phys_addr_t base, phys_addr_t size,
				    enum hp_class class, int nid)
{
	struct hp_extent *last = hp_nr_extents ?
				 &hp_extents[hp_nr_extents - 1] : NULL;

	/* memblock allocates downwards: the new one usually ends at the last. */
	if (last && last->class == class && last->nid == nid) {
		if (base + size == last->base) {
			last->base = base;
			last->size += size;
			return true;
		}
		if (last->base + last->size == base) {
			last->size += size;
			return true;
		}
	}
	if (hp_nr_extents == HP_MAX_EXTENTS)
		return false;
	hp_extents[hp_nr_extents++] = (struct hp_extent) {
		.base = base, .size = size, .class = class, .nid = nid,
	};
	return true;
}

/*
 * Take up to @count blocks from a node: as much as possible in one piece, so
 * that memblock gets few regions. Returns the number of blocks.
 */
static unsigned long __init hp_reserve(enum hp_class class, int nid,
				       unsigned long count)
{
	phys_addr_t block = BIT_ULL(hp_class_shift(class));
	unsigned long got = 0, piece;

	count = min(count, (unsigned long)(hp_node_takeable(nid) / block));
	piece = count;
	while (piece && got < count) {
		phys_addr_t base, size;
		void *virt;

		piece = min(piece, count - got);
		size = piece * block;
		/*
		 * Aligned no more than needed, so that low memory is left in one
		 * piece for those who need it. User data is no place for kmemleak
		 * to look for pointers.
		 */
		virt = memblock_alloc_exact_nid_raw(size, block, 0,
						    MEMBLOCK_ALLOC_NOLEAKTRACE,
						    nid);
		if (!virt) {
			piece /= 2;
			continue;
		}
		base = __pa(virt);
		if (!hp_extent_record(base, size, class, nid)) {
			memblock_phys_free(base, size);
			pr_warn("memory of node %d is too fragmented\n", nid);
			break;
		}
		memblock_reserved_mark_noinit(base, size);
		/* Not data of this kernel that a next one would need room for. */
		memblock_reserved_clear_kern(base, size);
		got += piece;
	}
	return got;
}

/**
 * hugepool_bootmem_alloc - take the requested memory out of memblock
 *
 * 1 GB blocks of all nodes first, then 2 MB blocks. A node's blocks are only
 * ever its own memory.
 *
 * Context: boot, between hugetlb_bootmem_alloc() and free_area_init().
 */
void __init hugepool_bootmem_alloc(void)
{
	int class, nid;

	if (!hp_nr_requests)
		return;
	/*
	 * Until memory preserved by the last kernel is known, only the scratch
	 * areas may be used, and early boot needs them.
	 */
	if (is_kho_boot()) {
		pr_warn("hugepool= ignored: started by kexec handover\n");
		hp_nr_requests = 0;
		return;
	}
	if (is_kdump_kernel()) {
		pr_info("hugepool= ignored: crash kernel\n");
		hp_nr_requests = 0;
		return;
	}
	hp_sum_requests();
	for (class = HP_NR_CLASSES - 1; class >= 0; class--) {
		for_each_online_node(nid) {
			if (hp_asked[class][nid])
				hp_got[class][nid] =
					hp_reserve(class, nid,
						   hp_asked[class][nid]);
		}
	}
}

/* The zone that holds a whole range, or NULL. */
static struct zone * __init hp_range_zone(int nid, unsigned long pfn,
					  unsigned long nr_pages)
{
	unsigned int i;

	if (pfn_range_intersects_zones(nid, pfn, nr_pages))
		return NULL;
	for (i = 0; i < MAX_NR_ZONES; i++) {
		struct zone *zone = &NODE_DATA(nid)->node_zones[i];

		if (zone_spans_pfn(zone, pfn))
			return zone;
	}
	return NULL;
}

/* Give a block to the page allocator after all, page by page. */
static void __init hp_release(int nid, unsigned long pfn, unsigned long nr_pages)
{
	unsigned long i;

	for (i = 0; i < nr_pages; i++) {
		__init_page_from_nid(pfn + i, nid);
		free_reserved_page(pfn_to_page(pfn + i));
	}
}

/*
 * Long-term pins must not sit in ZONE_MOVABLE, where page migration would try
 * to move pool folios away; and a folio cannot straddle zones.
 */
static void __init hp_init_block(const struct hp_extent *extent,
				 unsigned long pfn)
{
	unsigned long nr_pages = 1UL << hp_class_order(extent->class);
	struct zone *zone = hp_range_zone(extent->nid, pfn, nr_pages);

	if (!zone || zone_idx(zone) == ZONE_MOVABLE) {
		hp_release(extent->nid, pfn, nr_pages);
		hp_got[extent->class][extent->nid]--;
		hp_unfit[extent->class][extent->nid]++;
		return;
	}
	hp_folio_init(pfn, extent->class, zone_idx(zone), extent->nid);
	if (hp_pool_add(extent->nid, hp_pfn_unit(pfn),
			hp_class_units(extent->class), extent->class))
		panic("hugepool: no memory for descriptors");
}

/* Make room for the descriptors of a node's extents. */
static void __init hp_add_node(int nid)
{
	unsigned long first = ULONG_MAX, end = 0;
	unsigned int i;

	for (i = 0; i < hp_nr_extents; i++) {
		const struct hp_extent *extent = &hp_extents[i];

		if (extent->nid != nid)
			continue;
		first = min(first, hp_pfn_unit(PHYS_PFN(extent->base)));
		end = max(end, hp_pfn_unit(PHYS_PFN(extent->base +
						    extent->size)));
	}
	if (end && hp_pool_add_node(nid, first, end - first))
		panic("hugepool: no memory for descriptors");
}

static void __init hp_init_node(int nid)
{
	unsigned int i;

	for (i = 0; i < hp_nr_extents; i++) {
		const struct hp_extent *extent = &hp_extents[i];
		unsigned long pfn = PHYS_PFN(extent->base);
		unsigned long end_pfn = PHYS_PFN(extent->base + extent->size);

		if (extent->nid != nid)
			continue;
		for (; pfn < end_pfn; pfn += 1UL << hp_class_order(extent->class))
			hp_init_block(extent, pfn);
	}
}

static void __init hp_init_nodes(unsigned long start, unsigned long end,
				 void *arg)
{
	unsigned long nid;

	for (nid = start; nid < end; nid++)
		hp_init_node(nid);
}

/* Say what became of the requests of one class on one node. */
static unsigned long __init hp_report(enum hp_class class, int nid)
{
	unsigned long asked = hp_asked[class][nid], got = hp_got[class][nid];

	if (!asked)
		return 0;
	trace_hugepool_reserve(nid, hp_class_order(class), got, asked);
	if (got < asked)
		pr_warn("node %d: %s: got %lu of %lu blocks\n", nid,
			hp_class_name(class), got, asked);
	if (hp_unfit[class][nid])
		pr_warn("node %d: %s: gave back %lu blocks in ZONE_MOVABLE or across zones, see movablecore= and kernelcore=\n",
			nid, hp_class_name(class), hp_unfit[class][nid]);
	if (got == asked)
		pr_info("node %d: %s: %lu blocks\n", nid, hp_class_name(class),
			got);
	return got << hp_class_order(class);
}

/**
 * hugepool_init_folios - make pools of the reserved memory
 *
 * Initialises the struct pages, all nodes at the same time, and opens the pools.
 *
 * Context: boot, after the deferred part of the memory map, before memblock is
 * discarded.
 */
void __init hugepool_init_folios(void)
{
	struct padata_mt_job job = {
		.thread_fn	= hp_init_nodes,
		.start		= 0,
		.size		= nr_node_ids,
		.align		= 1,
		.min_chunk	= 1,
		.max_threads	= num_node_state(N_MEMORY),
		.numa_aware	= true,
	};
	unsigned long pages = 0;
	int class, nid;

	if (!hp_nr_requests)
		return;
	for_each_online_node(nid)
		hp_add_node(nid);
	padata_do_multithreaded(&job);
	for_each_online_node(nid)
		for (class = 0; class < HP_NR_CLASSES; class++)
			pages += hp_report(class, nid);
	/*
	 * MemTotal, overcommit and the defaults derived from them count the
	 * pool. Zones do not: their watermarks are about what kswapd can free.
	 */
	totalram_pages_add(pages);
	hp_pool_start();
}
