/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The naive model of a tree of accounts beside the real one. It keeps what each
 * account was charged for itself and what it was guaranteed (claim_model.h), and
 * adds up the accounts below it whenever it is asked.
 */
#ifndef _SIM_ACCOUNTS_H
#define _SIM_ACCOUNTS_H

#include "sim.h"
#include "tests/claim_model.h"

#define SIM_ACCOUNTS	HP_MODEL_ACCOUNTS
#define SIM_ZOMBIES	8
#define SIM_NOBODY	(-1)

struct model_account {
	struct hp_account *real;	/* NULL: this place is empty */
	int parent;
	unsigned long max[SIM_NIDS][HP_NR_CLASSES];
	unsigned long peak[SIM_NIDS][HP_NR_CLASSES];
	unsigned long max_all[HP_NR_CLASSES];
	unsigned long peak_all[HP_NR_CLASSES];
};

/* An account whose cgroup is gone, not freed yet. */
struct model_zombie {
	struct hp_account *real;	/* NULL: this place is empty */
	int heir;			/* who holds what it held */
	bool reparented;		/* and is told when it comes back */
};

struct model_accounts {
	struct model_account accounts[SIM_ACCOUNTS];
	struct model_zombie zombies[SIM_ZOMBIES];
	struct hp_claim_model claims[SIM_NIDS][HP_NR_CLASSES];
};

void accounts_create(struct model_accounts *all, int who, int parent);
int accounts_remove(struct model_accounts *all, int who);
bool accounts_free_zombie(struct model_accounts *all, int zombie);
struct hp_account *accounts_real(const struct model_accounts *all, int who,
				 int zombie);
int accounts_pick(const struct model_accounts *all, struct rng *rng);
bool accounts_is_leaf(const struct model_accounts *all, int who);
void accounts_limit(struct model_accounts *all, int who, struct rng *rng);
int accounts_over(const struct model_accounts *all, int who,
		  enum hp_class class, int nid);
void accounts_charge(struct model_accounts *all, int who, enum hp_class class,
		     int nid);
void accounts_break(struct model_accounts *all, int who, int nid, bool bad);
void accounts_uncharge(struct model_accounts *all, int who, enum hp_class class,
		       int nid, unsigned int nr);
void accounts_check_claim(const struct model_accounts *all, int who,
			  enum hp_class class, int nid);
void accounts_check(const struct model_accounts *all);
void accounts_free(struct model_accounts *all);

#endif /* _SIM_ACCOUNTS_H */
