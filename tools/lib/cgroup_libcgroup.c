// SPDX-License-Identifier: GPL-2.0
/*
 * Cgroups of the running machine through libcgroup, see struct hp_cg_backend.
 *
 * Of libcgroup 2.0.2 this uses what works on cgroup v2 with any file: finding the hierarchy
 * (cgroup_init), walking it (cgroup_walk_tree_*) and reading a named file line by line
 * (cgroup_read_value_*).  cgroup_get_cgroup() is of no use here: it reads every file of every
 * enabled controller and cuts each value at 100 bytes.
 */
#include <errno.h>
#include <libcgroup.h>
#include <sys/stat.h>

#include "internal.h"

/* memory.hugepool.* belong to this controller; on v2 it also tells where the hierarchy is. */
#define CONTROLLER	"memory"

static char *libcgroup_open(struct hp_ctx *ctx)
{
	char path[FILENAME_MAX] = "";
	void *handle = NULL;
	int err;

	err = cgroup_init();
	if (err)
		return hp_asprintf("libcgroup: %s", cgroup_strerror(err));
	err = cgroup_get_subsys_mount_point_begin(CONTROLLER, &handle, path);
	cgroup_get_subsys_mount_point_end(&handle);
	if (err)
		return hp_strdup("no cgroup hierarchy with the memory controller is mounted");
	ctx->cg_root = hp_strdup(path);
	return NULL;
}

/* libcgroup's full path without the mount point, and "/" for the root. */
static char *relative_path(const struct hp_ctx *ctx, const char *full)
{
	char *path = hp_strdup(full + strlen(ctx->cg_root));
	size_t len = strlen(path);

	/* The directory the walk starts at comes with a slash at its end. */
	if (len > 1 && path[len - 1] == '/')
		path[len - 1] = '\0';
	return path;
}

static void visit_entry(struct hp_ctx *ctx, const struct cgroup_file_info *info,
			const struct hp_cg_visit *visit)
{
	char *path, *slash;

	if (strncmp(info->full_path, ctx->cg_root, strlen(ctx->cg_root)))
		return;
	path = relative_path(ctx, info->full_path);
	if (info->type == CGROUP_FILE_TYPE_DIR) {
		visit->dir(visit->data, path);
	} else if (info->type == CGROUP_FILE_TYPE_FILE) {
		slash = strrchr(path, '/');
		*slash = '\0';
		visit->file(visit->data, slash == path ? "/" : path, slash + 1);
	}
	free(path);
}

static int libcgroup_walk(struct hp_ctx *ctx, const char *path, const struct hp_cg_visit *visit)
{
	struct cgroup_file_info info;
	void *handle = NULL;
	struct stat st;
	char *full;
	int err, level;

	/* libcgroup takes a missing directory for the first entry of a walk. */
	full = hp_asprintf("%s%s", ctx->cg_root, strcmp(path, "/") ? path : "");
	err = stat(full, &st) ? -errno : S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
	if (err) {
		hp_report(ctx, "%s: %s", full, strerror(-err));
		free(full);
		return err;
	}
	free(full);

	err = cgroup_walk_tree_begin(CONTROLLER, path, 0, &handle, &info, &level);
	while (!err) {
		visit_entry(ctx, &info, visit);
		err = cgroup_walk_tree_next(0, &handle, &info, level);
	}
	/* The end functions of libcgroup do not survive a NULL handle. */
	if (handle)
		cgroup_walk_tree_end(&handle);
	if (err != ECGEOF) {
		hp_report(ctx, "%s: libcgroup: %s", path, cgroup_strerror(err));
		return err;
	}
	return 0;
}

static int libcgroup_read(struct hp_ctx *ctx, const char *path, const char *name, char **text)
{
	char line[4096], *file = hp_strdup(name);
	void *handle = NULL;
	size_t len = 0, n;
	int err;

	(void)ctx;
	*text = hp_zalloc(1, 1);
	/* Longer lines come in pieces, each but the last without a newline. */
	errno = 0;
	err = cgroup_read_value_begin(CONTROLLER, path, file, &handle, line, sizeof(line));
	while (!err) {
		n = strlen(line);
		*text = hp_must(realloc(*text, len + n + 1));
		memcpy(*text + len, line, n + 1);
		len += n;
		errno = 0;
		err = cgroup_read_value_next(&handle, line, sizeof(line));
	}
	/* ECGEOF also stands for a failed read; only errno tells the two apart. */
	if (err == ECGEOF)
		err = -errno;
	else
		err = errno ? -errno : -EIO;
	if (handle)
		cgroup_read_value_end(&handle);
	free(file);
	if (err) {
		free(*text);
		*text = NULL;
	}
	return err;
}

const struct hp_cg_backend hp_cg_libcgroup = {
	.open = libcgroup_open,
	.walk = libcgroup_walk,
	.read = libcgroup_read,
};
