// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "builtin.h"
#include "plan.h"

/* How long those who are ending together with the command may take, before they are called left. */
#define PATIENCE_MS	1000
#define POLL_MS		20

static struct step *add_step(struct plan *plan, char *path, const char *text)
{
	struct step *step;

	plan->step = hp_grow(plan->step, plan->nr, sizeof(*step));
	step = &plan->step[plan->nr++];
	step->path = path;
	step->text = text ? hp_strdup(text) : NULL;
	return step;
}

void plan_mkdir(struct plan *plan, char *path)
{
	add_step(plan, path, NULL);
}

void plan_write(struct plan *plan, char *path, const char *text)
{
	add_step(plan, path, text);
}

struct step *plan_write_undo(struct plan *plan, char *path, const char *text, char *undo_path,
			     const char *undo_text)
{
	struct step *step = add_step(plan, path, text);

	step->undo_path = undo_path;
	step->undo_text = hp_strdup(undo_text);
	return step;
}

void plan_free(struct plan *plan)
{
	size_t i;

	for (i = 0; i < plan->nr; i++) {
		free(plan->step[i].path);
		free(plan->step[i].text);
		free(plan->step[i].undo_path);
		free(plan->step[i].undo_text);
	}
	free(plan->step);
}

char *shell_word(const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-+=./:,@%";
	char *out, *p;

	if (*s && !s[strspn(s, plain)])
		return hp_strdup(s);
	/* Between quotes only a quote has to be written otherwise, with four bytes. */
	out = hp_zalloc(4 * strlen(s) + 3, 1);
	p = out;
	*p++ = '\'';
	for (; *s; s++) {
		if (*s == '\'')
			p = stpcpy(p, "'\\''");
		else
			*p++ = *s;
	}
	*p++ = '\'';
	return out;
}

static void print_write(const char *path, const char *text)
{
	char *file = shell_word(path), *word = shell_word(text);

	printf("echo %s >%s\n", word, file);
	free(word);
	free(file);
}

static void print_directory(const char *command, const char *path)
{
	char *word = shell_word(path);

	printf("%s %s\n", command, word);
	free(word);
}

void plan_print(const struct plan *plan, const char *run)
{
	const struct step *step;
	size_t i;

	for (i = 0; i < plan->nr; i++) {
		step = &plan->step[i];
		if (step->text)
			print_write(step->path, step->text);
		else
			print_directory("mkdir", step->path);
	}
	printf("%s\n", run);
	while (i--) {
		step = &plan->step[i];
		if (!step->text)
			print_directory("rmdir", step->path);
		else if (step->undo_path)
			print_write(step->undo_path, step->undo_text);
	}
}

int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;
	int err;

	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	err = n < 0 ? -errno : (size_t)n < strlen(text) ? -EIO : 0;
	close(fd);
	return err;
}

int plan_do(struct plan *plan)
{
	const struct step *step;
	int err = 0;

	while (plan->done < plan->nr) {
		step = &plan->step[plan->done];
		if (step->text)
			err = write_file(step->path, step->text);
		else if (mkdir(step->path, 0755))
			err = -errno;
		if (err)
			break;
		plan->done++;
	}
	return err;
}

static int remove_directory(const char *path)
{
	const struct timespec poll = { .tv_nsec = POLL_MS * 1000000L };
	int ms;

	for (ms = 0; rmdir(path); ms += POLL_MS) {
		if (errno != EBUSY || ms >= PATIENCE_MS)
			return -errno;
		nanosleep(&poll, NULL);
	}
	return 0;
}

/* A directory of cgroupfs has two links, and one more for each cgroup in it. */
static bool more_than_one_cgroup(const char *file)
{
	char *dir = hp_asprintf("%.*s", (int)(strrchr(file, '/') - file), file);
	struct stat st;
	bool more;

	more = !stat(dir, &st) && st.st_nlink > 3;
	free(dir);
	return more;
}

static int undo_write(const struct step *step)
{
	if (!step->undo_path)
		return 0;
	if (step->undo_alone && more_than_one_cgroup(step->undo_path))
		return -EBUSY;
	return write_file(step->undo_path, step->undo_text);
}

int plan_undo(struct plan *plan)
{
	const struct step *step;
	int err = 0;

	for (; plan->done; plan->done--) {
		step = &plan->step[plan->done - 1];
		err = step->text ? undo_write(step) : remove_directory(step->path);
		if (err)
			break;
	}
	return err;
}
