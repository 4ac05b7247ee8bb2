// SPDX-License-Identifier: GPL-2.0
/* Cgroups from a copied tree (--sysroot), see struct hp_cg_backend. */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "internal.h"

static char *directory_open(struct hp_ctx *ctx)
{
	ctx->cg_root = hp_asprintf("%s/sys/fs/cgroup", ctx->sysroot);
	return NULL;
}

static int directory_walk(struct hp_ctx *ctx, const char *path, const struct hp_cg_visit *visit)
{
	const char *base = strcmp(path, "/") ? path : "";
	char *dir = hp_asprintf("%s%s", ctx->cg_root, base);
	struct dirent **entry;
	struct stat st;
	int i, nr;

	nr = scandir(dir, &entry, NULL, alphasort);
	if (nr < 0) {
		nr = -errno;
		hp_report(ctx, "%s: %s", dir, strerror(-nr));
		free(dir);
		return nr;
	}
	visit->dir(visit->data, path);
	for (i = 0; i < nr; i++) {
		const char *name = entry[i]->d_name;
		char *full = hp_asprintf("%s/%s", dir, name);
		char *child = hp_asprintf("%s/%s", base, name);

		if (strcmp(name, ".") && strcmp(name, "..") && !lstat(full, &st)) {
			if (S_ISDIR(st.st_mode))
				directory_walk(ctx, child, visit);
			else if (S_ISREG(st.st_mode))
				visit->file(visit->data, path, name);
		}
		free(child);
		free(full);
		free(entry[i]);
	}
	free(entry);
	free(dir);
	return 0;
}

static int directory_read(struct hp_ctx *ctx, const char *path, const char *name, char **text)
{
	char *full = hp_asprintf("%s%s/%s", ctx->cg_root, strcmp(path, "/") ? path : "", name);
	int err = hp_read_text(full, text);

	free(full);
	return err;
}

const struct hp_cg_backend hp_cg_directory = {
	.open = directory_open,
	.walk = directory_walk,
	.read = directory_read,
};
