// SPDX-License-Identifier: GPL-2.0
/*
 * Hugepool: blocks of 1 GB in page tables, for files of any kind.
 */

#include <linux/export.h>
#include <linux/fs.h>
#include <linux/hugepool.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>

#include "../internal.h"

/**
 * hugepool_vma_has_puds - may faults in a VMA map blocks of 1 GB?
 * @vma: any VMA
 *
 * They do so by ->huge_fault(), whatever is configured for THPs. Parts of a
 * block, and smaller ones, are mapped by do_set_pmd(). Private mappings are left
 * to it, since they would be split on the first write.
 *
 * Return: whether @vma is a shared mapping of a file that can hold such blocks.
 */
bool hugepool_vma_has_puds(const struct vm_area_struct *vma)
{
	return hugepool_enabled() && vma->vm_flags & VM_SHARED &&
	       vma->vm_file && mapping_pud_folios(vma->vm_file->f_mapping);
}

/**
 * hugepool_can_map_pud - can a fault be served by a PUD, if there is a block?
 * @vmf: fault that has come to ->huge_fault()
 * @order: order that ->huge_fault() was told
 *
 * To be asked before the block is allocated.
 */
bool hugepool_can_map_pud(const struct vm_fault *vmf, unsigned int order)
{
	return order == PUD_ORDER && hugepool_vma_has_puds(vmf->vma) &&
	       thp_vma_suitable_order(vmf->vma, vmf->address, PUD_ORDER);
}
EXPORT_SYMBOL_FOR_MODULES(hugepool_can_map_pud, "kvm");

/**
 * hugepool_map_pud - map a block of 1 GB by a PUD
 * @vmf: fault that hugepool_can_map_pud() has agreed to
 * @folio: folio at the place of the fault, locked and uptodate
 *
 * Beyond the end of the file SIGBUS is due, so there the parts that the file has
 * are mapped by PMDs. So are the parts of a block that has a page which failed.
 *
 * Return: VM_FAULT_FALLBACK when @folio is no such block, else what there is to
 * return from ->huge_fault(). The lock and the reference are left to the caller.
 */
vm_fault_t hugepool_map_pud(struct vm_fault *vmf, struct folio *folio)
{
	loff_t size = i_size_read(file_inode(vmf->vma->vm_file));

	if (folio_order(folio) != PUD_ORDER ||
	    folio_contain_hwpoisoned_page(folio) ||
	    folio_next_pos(folio) > round_up(size, PAGE_SIZE))
		return VM_FAULT_FALLBACK;
	return vmf_insert_folio_pud(vmf, folio, vmf->flags & FAULT_FLAG_WRITE);
}
EXPORT_SYMBOL_FOR_MODULES(hugepool_map_pud, "kvm");

/**
 * hugepool_get_unmapped_area - place a mapping of a file of blocks
 * @file: file whose blocks are of one size
 * @addr: hint, or the address with MAP_FIXED
 * @len: length of the mapping
 * @pgoff: page offset in the file
 * @flags: flags of mmap()
 *
 * Return: the address, such that the blocks can be mapped by PUDs, or at least by
 * PMDs, if there is room for that; or an error.
 */
unsigned long hugepool_get_unmapped_area(struct file *file, unsigned long addr,
					 unsigned long len,
					 unsigned long pgoff,
					 unsigned long flags)
{
	unsigned long aligned = 0;

	if (mapping_pud_folios(file->f_mapping))
		aligned = __thp_get_unmapped_area(file, addr, len,
						  (loff_t)pgoff << PAGE_SHIFT,
						  flags, PUD_SIZE, 0);
	return aligned ?: thp_get_unmapped_area(file, addr, len, pgoff, flags);
}
EXPORT_SYMBOL_FOR_MODULES(hugepool_get_unmapped_area, "kvm");
