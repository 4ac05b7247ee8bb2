/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stands in for the kernel's header in tests/sim: circular lists, checked. An
 * entry whose neighbours do not point back at it ends the run, as
 * CONFIG_DEBUG_LIST would make the kernel complain.
 */
#ifndef _SIM_LINUX_LIST_H
#define _SIM_LINUX_LIST_H

#include <linux/types.h>
#include <stdlib.h>

static inline void INIT_LIST_HEAD(struct list_head *head)
{
	head->next = head;
	head->prev = head;
}

static inline bool list_empty(const struct list_head *head)
{
	return head->next == head;
}

static inline void list_add(struct list_head *entry, struct list_head *head)
{
	struct list_head *next = head->next;

	if (next->prev != head || entry == head || entry == next)
		abort();
	entry->prev = head;
	entry->next = next;
	head->next = entry;
	next->prev = entry;
}

static inline void list_del_init(struct list_head *entry)
{
	if (entry->prev->next != entry || entry->next->prev != entry)
		abort();
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
	INIT_LIST_HEAD(entry);
}

static inline void list_add_tail(struct list_head *entry,
				 struct list_head *head)
{
	list_add(entry, head->prev);
}

#define list_entry(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

#define list_first_entry(head, type, member) \
	list_entry((head)->next, type, member)

#define list_last_entry(head, type, member) \
	list_entry((head)->prev, type, member)

#endif /* _SIM_LINUX_LIST_H */
