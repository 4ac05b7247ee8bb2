/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The naive model of a tree of accounts beside the real one. It keeps what each
 * account was charged for itself, and adds up the accounts below it whenever it
 * is asked.
 */
#ifndef _SIM_ACCOUNTS_H
#define _SIM_ACCOUNTS_H

#include "sim.h"

#define SIM_ACCOUNTS	10
#define SIM_NOBODY	(-1)

struct model_account {
	struct hp_account *real;	/* NULL: this place is empty */
	int parent;
	unsigned long own[SIM_NIDS][HP_NR_CLASSES];
	unsigned long max[SIM_NIDS][HP_NR_CLASSES];
	unsigned long peak[SIM_NIDS][HP_NR_CLASSES];
	unsigned long max_all[HP_NR_CLASSES];
	unsigned long peak_all[HP_NR_CLASSES];
};

struct model_accounts {
	struct model_account accounts[SIM_ACCOUNTS];
};

void accounts_create(struct model_accounts *all, int who, int parent);
int accounts_remove(struct model_accounts *all, int who);
int accounts_pick(const struct model_accounts *all, struct rng *rng);
bool accounts_is_leaf(const struct model_accounts *all, int who);
void accounts_limit(struct model_accounts *all, int who, struct rng *rng);
int accounts_over(const struct model_accounts *all, int who,
		  enum hp_class class, int nid);
void accounts_charge(struct model_accounts *all, int who, enum hp_class class,
		     int nid);
void accounts_break(struct model_accounts *all, int who, int nid);
void accounts_uncharge(struct model_accounts *all, int who, enum hp_class class,
		       int nid, unsigned int nr);
void accounts_check(const struct model_accounts *all);
void accounts_free(struct model_accounts *all);

#endif /* _SIM_ACCOUNTS_H */
