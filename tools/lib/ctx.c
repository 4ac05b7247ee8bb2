// SPDX-License-Identifier: GPL-2.0
/* Opening, reporting, and reading one file or directory. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

struct hp_ctx *hp_open(const char *sysroot, hp_report_fn report)
{
	struct hp_ctx *ctx = hp_zalloc(1, sizeof(*ctx));
	struct stat st;
	size_t len;

	ctx->live = !sysroot;
	ctx->sysroot = hp_strdup(sysroot ? sysroot : "");
	ctx->report = report;
	/* Paths are sysroot + "/sys/...", and appear in messages: no double slash. */
	for (len = strlen(ctx->sysroot); len && ctx->sysroot[len - 1] == '/'; len--)
		ctx->sysroot[len - 1] = '\0';
	/* "/" has become "", which is a directory as well. */
	if (*ctx->sysroot && (stat(ctx->sysroot, &st) || !S_ISDIR(st.st_mode))) {
		hp_report(ctx, "%s: not a directory", ctx->sysroot);
		hp_close(ctx);
		return NULL;
	}
	return ctx;
}

void hp_close(struct hp_ctx *ctx)
{
	free(ctx->cg_root);
	free(ctx->sysroot);
	free(ctx);
}

void hp_report(struct hp_ctx *ctx, const char *fmt, ...)
{
	va_list args;
	char *s;

	va_start(args, fmt);
	if (vasprintf(&s, fmt, args) < 0)
		s = NULL;
	va_end(args);
	ctx->report(hp_must(s));
	free(s);
}

int hp_read_text(const char *path, char **text)
{
	size_t len = 0, size = 256;
	char *buf;
	ssize_t n;
	int fd, err;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	buf = hp_zalloc(1, size);
	while ((n = read(fd, buf + len, size - len - 1)) > 0) {
		len += n;
		if (len == size - 1) {
			size *= 2;
			buf = hp_must(realloc(buf, size));
		}
	}
	err = n < 0 ? -errno : 0;
	close(fd);
	if (err) {
		free(buf);
		return err;
	}
	buf[len] = '\0';
	*text = buf;
	return 0;
}

int hp_read_dir(const char *dir, hp_entry_fn fn, void *data)
{
	struct dirent **entry;
	struct stat st;
	int i, nr;

	nr = scandir(dir, &entry, NULL, alphasort);
	if (nr < 0)
		return -errno;
	for (i = 0; i < nr; i++) {
		const char *name = entry[i]->d_name;
		char *full = hp_asprintf("%s/%s", dir, name);

		if (strcmp(name, ".") && strcmp(name, "..") && !lstat(full, &st) &&
		    (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode)))
			fn(data, dir, name, S_ISDIR(st.st_mode));
		free(full);
		free(entry[i]);
	}
	free(entry);
	return 0;
}

void hp_read_value(struct hp_ctx *ctx, const char *path, struct hp_value *value)
{
	char *text;
	int err;

	err = hp_read_text(path, &text);
	if (err == -ENOENT || err == -ENODEV) {
		/* Went away since the directory was listed. */
		value->state = HP_ABSENT;
	} else if (err) {
		hp_report(ctx, "%s: %s", path, strerror(-err));
		value->state = HP_UNREADABLE;
	} else {
		text[strcspn(text, "\n")] = '\0';
		hp_set_value(value, text);
		/* sysfs has no "max": there it is as wrong as any other word. */
		if (value->state == HP_NOLIMIT) {
			value->state = HP_TEXT;
			value->text = hp_strdup(text);
		}
		free(text);
	}
}
