// SPDX-License-Identifier: GPL-2.0
/*
 * Devices that map memory by PUD entries, for tests of the code that meets
 * such entries. The memory is one folio of PUD size, repeated without end; it
 * exists while one of the devices is open, or always with test_pud_map.keep=1,
 * for machines where so much is hard to find later.
 *
 * test_pud_pfn    VM_PFNMAP, entries without a reference, as vfio-pci does
 * test_pud_mixed  VM_MIXEDMAP, each entry holds a reference of the folio
 * test_pud_dax    the same in a file with S_DAX, as device-dax does
 *
 * What is no whole PUD is mapped by PMDs (test_pud_pfn only) and PTEs.
 */
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pagemap.h>
#include <linux/uaccess.h>

#include "test_pud_map_uapi.h"

static DEFINE_MUTEX(test_pud_lock);
static unsigned int test_pud_users;
static struct folio *test_pud_folio;
static bool test_pud_keep;
module_param_named(keep, test_pud_keep, bool, 0444);
MODULE_PARM_DESC(keep, "hold the memory from the start");

static bool test_pud_is_pfn(const struct vm_area_struct *vma)
{
	return vma->vm_flags & VM_PFNMAP;
}

static vm_fault_t test_pud_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long addr = ALIGN_DOWN(vmf->address, PAGE_SIZE << order);
	bool write = vmf->flags & FAULT_FLAG_WRITE;
	unsigned long pfn;
	pgoff_t pgoff;

	if (addr < vma->vm_start || addr + (PAGE_SIZE << order) > vma->vm_end)
		return VM_FAULT_FALLBACK;
	pgoff = linear_page_index(vma, addr);
	if (!IS_ALIGNED(pgoff, 1UL << order))
		return VM_FAULT_FALLBACK;
	/* A private copy is a page. */
	if (write && !(vma->vm_flags & VM_SHARED))
		return VM_FAULT_FALLBACK;

	pfn = folio_pfn(test_pud_folio) + pgoff % HPAGE_PUD_NR;
	if (order == PUD_ORDER)
		return test_pud_is_pfn(vma) ?
			vmf_insert_pfn_pud(vmf, pfn, write) :
			vmf_insert_folio_pud(vmf, test_pud_folio, write);
	if (order == PMD_ORDER && test_pud_is_pfn(vma))
		return vmf_insert_pfn_pmd(vmf, pfn, write);
	return VM_FAULT_FALLBACK;
}

static vm_fault_t test_pud_fault(struct vm_fault *vmf)
{
	struct page *page = folio_page(test_pud_folio,
				       vmf->pgoff % HPAGE_PUD_NR);

	if (test_pud_is_pfn(vmf->vma))
		return vmf_insert_pfn(vmf->vma, vmf->address,
				      page_to_pfn(page));
	get_page(page);
	vmf->page = page;
	return 0;
}

static const struct vm_operations_struct test_pud_vm_ops = {
	.fault = test_pud_fault,
	.huge_fault = test_pud_huge_fault,
};

static int test_pud_stat(void __user *arg)
{
	struct test_pud_stat stat = {
		.refs = folio_ref_count(test_pud_folio) - 1,
		.mapcount = folio_mapcount(test_pud_folio),
		.pins = atomic_read(&test_pud_folio->_pincount),
	};

	return copy_to_user(arg, &stat, sizeof(stat)) ? -EFAULT : 0;
}

static int test_pud_gup(void __user *arg)
{
	struct test_pud_gup gup;
	unsigned int flags = 0;
	struct page *page;
	int ret;

	if (copy_from_user(&gup, arg, sizeof(gup)))
		return -EFAULT;
	if (gup.flags & TEST_PUD_GUP_WRITE)
		flags |= FOLL_WRITE;
	if (gup.flags & TEST_PUD_GUP_SPLIT)
		flags |= FOLL_SPLIT_PMD;

	mmap_read_lock(current->mm);
	if (gup.flags & TEST_PUD_GUP_LONGTERM)
		ret = pin_user_pages(gup.addr, 1, flags | FOLL_LONGTERM, &page);
	else
		ret = get_user_pages(gup.addr, 1, flags, &page);
	mmap_read_unlock(current->mm);
	if (ret != 1)
		return ret < 0 ? ret : -EFAULT;

	gup.index = -1;
	if (page_folio(page) == test_pud_folio)
		gup.index = folio_page_idx(test_pud_folio, page);
	if (gup.flags & TEST_PUD_GUP_LONGTERM)
		unpin_user_page(page);
	else
		put_page(page);
	return copy_to_user(arg, &gup, sizeof(gup)) ? -EFAULT : 0;
}

static unsigned int test_pud_entry_shift(struct mm_struct *mm,
					 unsigned long addr)
{
	pgd_t *pgd = pgd_offset(mm, addr);
	p4d_t *p4d;
	pud_t *pud, pudval;
	pmd_t *pmd, pmdval;

	if (pgd_none(*pgd))
		return 0;
	p4d = p4d_offset(pgd, addr);
	if (p4d_none(*p4d))
		return 0;
	pud = pud_offset(p4d, addr);
	pudval = pudp_get(pud);
	if (pud_none(pudval))
		return 0;
	if (pud_leaf(pudval))
		return PUD_SHIFT;
	pmd = pmd_offset(pud, addr);
	pmdval = pmdp_get_lockless(pmd);
	if (pmd_none(pmdval))
		return 0;
	return pmd_leaf(pmdval) ? PMD_SHIFT : PAGE_SHIFT;
}

static int test_pud_shift(void __user *arg)
{
	u64 val;

	if (copy_from_user(&val, arg, sizeof(val)))
		return -EFAULT;
	if (val >= TASK_SIZE)
		return -EINVAL;
	mmap_read_lock(current->mm);
	val = test_pud_entry_shift(current->mm, val);
	mmap_read_unlock(current->mm);
	return copy_to_user(arg, &val, sizeof(val)) ? -EFAULT : 0;
}

static long test_pud_ioctl(struct file *file, unsigned int cmd,
			   unsigned long arg)
{
	switch (cmd) {
	case TEST_PUD_STAT:
		return test_pud_stat((void __user *)arg);
	case TEST_PUD_GUP:
		return test_pud_gup((void __user *)arg);
	case TEST_PUD_SHIFT:
		return test_pud_shift((void __user *)arg);
	default:
		return -ENOTTY;
	}
}

static int test_pud_mmap_pfn(struct file *file, struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &test_pud_vm_ops;
	return 0;
}

static int test_pud_mmap_mixed(struct file *file, struct vm_area_struct *vma)
{
	vm_flags_set(vma, VM_MIXEDMAP | VM_HUGEPAGE);
	vma->vm_ops = &test_pud_vm_ops;
	return 0;
}

static int test_pud_mmap_dax(struct file *file, struct vm_area_struct *vma)
{
	vm_flags_set(vma, VM_HUGEPAGE);
	vma->vm_ops = &test_pud_vm_ops;
	return 0;
}

static struct folio *test_pud_alloc(void)
{
	gfp_t gfp = GFP_KERNEL | __GFP_COMP | __GFP_ZERO | __GFP_NOWARN;
	struct folio *folio;
	struct page *page;

	page = alloc_contig_frozen_pages(HPAGE_PUD_NR, gfp, first_online_node,
					 NULL);
	if (!page)
		return NULL;
	folio = page_folio(page);
	folio_ref_unfreeze(folio, 1);
	folio_set_large_rmappable(folio);
	return folio;
}

static int test_pud_get(void)
{
	guard(mutex)(&test_pud_lock);
	if (!test_pud_users) {
		test_pud_folio = test_pud_alloc();
		if (!test_pud_folio)
			return -ENOMEM;
	}
	test_pud_users++;
	return 0;
}

static int test_pud_open(struct inode *inode, struct file *file)
{
	return test_pud_get();
}

static int test_pud_open_dax(struct inode *inode, struct file *file)
{
	/* Of a node that nothing but this device uses. */
	inode_lock(inode);
	inode->i_flags |= S_DAX;
	inode_unlock(inode);
	return test_pud_open(inode, file);
}

static void test_pud_put(void)
{
	guard(mutex)(&test_pud_lock);
	if (--test_pud_users)
		return;
	if (folio_ref_count(test_pud_folio) != 1)
		pr_err("test_pud_map: %d references leaked, mapped %d times\n",
		       folio_ref_count(test_pud_folio) - 1,
		       folio_mapcount(test_pud_folio));
	folio_put(test_pud_folio);
	test_pud_folio = NULL;
}

static int test_pud_release(struct inode *inode, struct file *file)
{
	test_pud_put();
	return 0;
}

#define TEST_PUD_FOPS(_open, _mmap)			\
	(&(const struct file_operations) {		\
		.owner		= THIS_MODULE,		\
		.open		= (_open),		\
		.release	= test_pud_release,	\
		.unlocked_ioctl	= test_pud_ioctl,	\
		.mmap		= (_mmap),		\
	})

static struct miscdevice test_pud_devs[] = { {
	.minor = MISC_DYNAMIC_MINOR,
	.name = TEST_PUD_DEV_PFN,
	.fops = TEST_PUD_FOPS(test_pud_open, test_pud_mmap_pfn),
}, {
	.minor = MISC_DYNAMIC_MINOR,
	.name = TEST_PUD_DEV_MIXED,
	.fops = TEST_PUD_FOPS(test_pud_open, test_pud_mmap_mixed),
}, {
	.minor = MISC_DYNAMIC_MINOR,
	.name = TEST_PUD_DEV_DAX,
	.fops = TEST_PUD_FOPS(test_pud_open_dax, test_pud_mmap_dax),
} };

static unsigned int test_pud_nr_devs(void)
{
	/* Without FS_DAX no file is one. */
	return ARRAY_SIZE(test_pud_devs) - !IS_ENABLED(CONFIG_FS_DAX);
}

static void test_pud_deregister(unsigned int nr)
{
	while (nr--)
		misc_deregister(&test_pud_devs[nr]);
}

static int __init test_pud_init(void)
{
	unsigned int i;
	int ret;

	if (!has_transparent_pud_hugepage())
		return -ENODEV;
	if (test_pud_keep && test_pud_get()) {
		pr_warn("test_pud_map: no memory to keep\n");
		test_pud_keep = false;
	}
	for (i = 0; i < test_pud_nr_devs(); i++) {
		ret = misc_register(&test_pud_devs[i]);
		if (ret) {
			test_pud_deregister(i);
			goto put;
		}
	}
	return 0;
put:
	if (test_pud_keep)
		test_pud_put();
	return ret;
}

static void __exit test_pud_exit(void)
{
	test_pud_deregister(test_pud_nr_devs());
	if (test_pud_keep)
		test_pud_put();
}

module_init(test_pud_init);
module_exit(test_pud_exit);
MODULE_DESCRIPTION("Map memory by PUD entries, for tests");
MODULE_LICENSE("GPL");
