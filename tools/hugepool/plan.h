/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The cgroup that hugepool run makes, as a list of steps: --dry-run prints it, everything else
 * carries it out and takes it back.  So what is printed is what would be done.
 *
 * These are plain mkdir(2) and write(2), for libcgroup (2.0.2) cannot be what stands behind such a
 * list: cgroup_create_cgroup() writes "+memory" to every cgroup from the root down, needed or not,
 * which is refused in a subtree that was delegated; it takes over a cgroup of that name that is
 * there already, and removes it when something fails; a file can be given one value per call, and
 * an error says neither which file nor which value; and cgroup_delete_cgroup() moves what is still
 * running to the parent.
 */
#ifndef PLAN_H
#define PLAN_H

#include <stdbool.h>
#include <stddef.h>

/* A directory that is made, and removed in the end; or with @text, a file that is written. */
struct step {
	char *path;
	char *text;
	/* What takes a write back; NULL: nothing, it stays or goes with the directory. */
	char *undo_path;
	char *undo_text;
	/* But not (EBUSY) if there is more than one cgroup where @undo_path is: others' as well. */
	bool undo_alone;
};

struct plan {
	struct step *step;
	size_t nr;
	size_t done;	/* as far as it has been carried out */
};

/* All take over the paths. */
void plan_mkdir(struct plan *plan, char *path);
void plan_write(struct plan *plan, char *path, const char *text);
struct step *plan_write_undo(struct plan *plan, char *path, const char *text, char *undo_path,
			     const char *undo_text);
void plan_free(struct plan *plan);

/* As a shell script, with @run (a line) in the place of the command. */
void plan_print(const struct plan *plan, const char *run);

/* 0 or -errno, and then step[done] is the one that failed. */
int plan_do(struct plan *plan);

/* The same the other way round, for what has been done. */
int plan_undo(struct plan *plan);

/* One write(2) of all of @text to a file that is there; 0 or -errno. */
int write_file(const char *path, const char *text);

/* As one word for a shell; the caller frees it. */
char *shell_word(const char *s);

#endif
