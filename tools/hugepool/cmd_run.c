// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool run: a command in a new cgroup with guarantees and limits.
 *
 * cgroup v2 switches controllers on for the children of a cgroup, and only where no processes are,
 * but for the root.  So there are three places for the new cgroup: the root, a cgroup without
 * processes, and the one of hugepool itself when it is alone there (a unit of systemd with
 * Delegate=): then it goes into a cgroup of its own, beside that of the command, until the end.
 */
#include <errno.h>
#include <getopt.h>
#include <unistd.h>

#include "builtin.h"
#include "limits.h"
#include "plan.h"
#include "spawn.h"

#define SUBTREE		"cgroup.subtree_control"
#define PROCS		"cgroup.procs"

struct run {
	struct hp_ctx *ctx;
	const char *mount;	/* "/sys/fs/cgroup" */
	struct limits min, max;
	struct nodes machine, bound;
	const char *node_arg, *name, *parent_arg, *sysroot;
	bool dry_run;
	char **argv;		/* the command */
	char *own, *parent, *cgroup;	/* paths from the root of the hierarchy */
	bool steps_aside;
	struct plan plan;
};

static const char run_usage[] =
	"Usage: hugepool run [OPTION...] [--] COMMAND [ARGUMENT...]\n\n"
	"Run COMMAND in a new cgroup, with a share of the pools that is guaranteed to it (--min)\n"
	"and limits (--max), and remove the cgroup when COMMAND has ended.\n\n"
	"Options:\n"
	"      --min SIZE=VALUE[@NODE]  guarantee VALUE bytes (K, M, G, T, P, E: powers of 1024) in\n"
	"                               blocks of SIZE (2M, 1G), of one node where NODE is given\n"
	"      --max SIZE=VALUE[@NODE]  limit; VALUE may be max\n"
	"      --node LIST              bind the memory of COMMAND to these nodes (0,2 or 0-3)\n"
	"      --name NAME              of the new cgroup (default: hugepool-PID)\n"
	"      --parent PATH            where it is made (default: in the cgroup of the caller)\n"
	"      --dry-run                print what would be done, as a shell script; do nothing\n"
	"      --sysroot DIR            with --dry-run: look at the copy of /sys (and /proc) in DIR\n"
	"  -h, --help                   this text\n\n"
	"--min and --max may be given several times, for different sizes and nodes.\n"
	"The exit status is that of COMMAND; 125: it was not run; 126: it cannot be; 127: not found.\n";

static int parse_options(int argc, char **argv, struct run *run)
{
	enum { OPT_MIN = 256, OPT_MAX, OPT_NODE, OPT_NAME, OPT_PARENT, OPT_DRY_RUN, OPT_SYSROOT };
	static const struct option longopts[] = {
		{ "min", required_argument, NULL, OPT_MIN },
		{ "max", required_argument, NULL, OPT_MAX },
		{ "node", required_argument, NULL, OPT_NODE },
		{ "name", required_argument, NULL, OPT_NAME },
		{ "parent", required_argument, NULL, OPT_PARENT },
		{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
		{ "sysroot", required_argument, NULL, OPT_SYSROOT },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	/* "+": what follows the command is the command's. */
	while ((opt = getopt_long(argc, argv, "+h", longopts, NULL)) != -1) {
		switch (opt) {
		case OPT_MIN:
			limits_add(&run->min, optarg);
			break;
		case OPT_MAX:
			limits_add(&run->max, optarg);
			break;
		case OPT_NODE:
			run->node_arg = optarg;
			break;
		case OPT_NAME:
			run->name = optarg;
			break;
		case OPT_PARENT:
			run->parent_arg = optarg;
			break;
		case OPT_DRY_RUN:
			run->dry_run = true;
			break;
		case OPT_SYSROOT:
			run->sysroot = optarg;
			break;
		case 'h':
			fputs(run_usage, stdout);
			return EXIT_SUCCESS;
		default:
			return usage_error("run");
		}
	}
	run->argv = argv + optind;
	return -1;
}

/* What can be seen without looking at the machine. */
static bool check_words(const struct run *run)
{
	if (!run->argv[0])
		complainf("run: the command is missing");
	else if (run->sysroot && !*run->sysroot)
		complainf("--sysroot: the name of a directory is missing");
	else if (run->sysroot && !run->dry_run)
		complainf("--sysroot: a copy can only be looked at: --dry-run is missing");
	else if (run->name && (!*run->name || strpbrk(run->name, "/\n") ||
			       !strcmp(run->name, ".") || !strcmp(run->name, "..")))
		complainf("--name '%s': not the name of a cgroup", run->name);
	else
		return true;
	return false;
}

static bool check_amounts(struct run *run)
{
	hp_nodes(run->ctx, &run->machine.node, &run->machine.nr);
	if (!run->machine.nr) {
		/* Without NUMA all is on node 0. */
		run->machine.node = hp_grow(run->machine.node, 0, sizeof(*run->machine.node));
		run->machine.nr = 1;
	}
	if (run->node_arg && !nodes_parse(run->node_arg, &run->machine, &run->bound))
		return false;
	return limits_parse(&run->min, &run->machine) && limits_parse(&run->max, &run->machine) &&
	       limits_check(&run->min, &run->max, &run->machine, &run->bound);
}

static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word), n;

	for (; *text; text += n + strspn(text + n, " \n")) {
		n = strcspn(text, " \n");
		if (n == len && !strncmp(text, word, len))
			return true;
	}
	return false;
}

static bool exists(struct run *run, const char *path)
{
	char *text = hp_cgroup_text(run->ctx, path, "cgroup.controllers");

	free(text);
	return text;
}

static bool has_memory(struct run *run, const char *path, const char *file)
{
	char *text = hp_cgroup_text(run->ctx, path, file);
	bool has = text && has_word(text, "memory");

	free(text);
	return has;
}

/* The root of all, where processes and controllers go together; not that of a cgroup namespace. */
static bool is_root(struct run *run, const char *path)
{
	char *text = hp_cgroup_text(run->ctx, path, "cgroup.type");

	free(text);
	return !text && !strcmp(path, "/");
}

static bool find_parent(struct run *run)
{
	run->own = hp_cgroup_own(run->ctx);
	if (run->parent_arg) {
		run->parent = hp_cgroup_clean_path(run->ctx, run->parent_arg);
		if (!run->parent)
			complainf("--parent %s: not the path of a cgroup", run->parent_arg);
		else if (!exists(run, run->parent))
			complainf("--parent %s: no such cgroup", run->parent_arg);
		else
			return true;
		return false;
	}
	if (!run->own) {
		complainf("run: /proc/self/cgroup tells no cgroup of version 2 to make one in: "
			  "--parent is missing");
		return false;
	}
	run->parent = hp_strdup(run->own);
	return true;
}

static bool name_cgroup(struct run *run)
{
	const char *parent = strcmp(run->parent, "/") ? run->parent : "";

	/* In a dry run the PID would be another one anyway. */
	if (run->name)
		run->cgroup = hp_asprintf("%s/%s", parent, run->name);
	else if (run->dry_run)
		run->cgroup = hp_asprintf("%s/hugepool-PID", parent);
	else
		run->cgroup = hp_asprintf("%s/hugepool-%d", parent, (int)getpid());
	if (!exists(run, run->cgroup))
		return true;
	complainf("cgroup %s is there already: a new one needs another --name", run->cgroup);
	return false;
}

/* The full path of a file of a cgroup. */
static char *file_of(const struct run *run, const char *path, const char *name)
{
	return hp_asprintf("%s%s/%s", run->mount, strcmp(path, "/") ? path : "", name);
}

static char *directory_of(const struct run *run, const char *path)
{
	return hp_asprintf("%s%s", run->mount, path);
}

/* hugepool leaves its cgroup to others, see the head of this file. */
static void plan_stepping_aside(struct run *run)
{
	char *aside = hp_asprintf("%s.wait", run->cgroup);

	plan_mkdir(&run->plan, directory_of(run, aside));
	plan_write_undo(&run->plan, file_of(run, aside, PROCS), "0",
			file_of(run, run->parent, PROCS), "0");
	/* Or it could not come back. */
	plan_write_undo(&run->plan, file_of(run, run->parent, SUBTREE), "+memory",
			file_of(run, run->parent, SUBTREE), "-memory")->undo_alone = true;
	free(aside);
}

static void complain_processes(struct run *run, const char *path, bool own)
{
	complainf("there are processes in the cgroup %s%s: cgroup v2 does not let the memory "
		  "controller be switched on for cgroups in it", path,
		  own ? ", hugepool itself among them" : "");
	if (!strcmp(path, "/"))
		complainf("this is the root of a namespace only: have them moved to a cgroup in it");
	else if (is_root(run, "/"))
		complainf("name another place with --parent: / or a cgroup without processes");
	else
		complainf("name another place with --parent: a cgroup without processes");
}

/*
 * Has the memory controller switched on for what is in @path.  It stays on: others may have come to
 * rely on it by the end, and lose their limits with it.
 */
static bool plan_controller(struct run *run, const char *path)
{
	const char *own = run->own ? run->own : "";
	uint64_t pid = hp_own_pid(run->ctx), only;
	bool ok = true, alone;
	char *procs;

	if (has_memory(run, path, SUBTREE))
		return true;
	procs = is_root(run, path) ? NULL : hp_cgroup_text(run->ctx, path, PROCS);
	if (!procs || !*procs) {
		plan_write(&run->plan, file_of(run, path, SUBTREE), "+memory");
	} else {
		alone = pid && hp_parse_u64(procs, &only) && only == pid;
		if (alone && !strcmp(path, own) && !strcmp(path, run->parent)) {
			plan_stepping_aside(run);
		} else {
			complain_processes(run, path, !strcmp(path, own));
			ok = false;
		}
	}
	free(procs);
	return ok;
}

static bool plan_controllers(struct run *run)
{
	size_t len = 0;
	bool ok = true;
	char *path;

	if (!has_memory(run, "/", "cgroup.controllers")) {
		complainf("%s/cgroup.controllers: no memory controller", run->mount);
		return false;
	}
	/* From the root down: each has only what the one above has been told to pass on. */
	while (ok) {
		path = len ? hp_asprintf("%.*s", (int)len, run->parent) : hp_strdup("/");
		ok = plan_controller(run, path);
		free(path);
		if (!run->parent[len] || !strcmp(run->parent, "/"))
			break;
		len += 1 + strcspn(run->parent + len + 1, "/");
	}
	return ok;
}

static void plan_limits(struct run *run, const struct limits *limits)
{
	char *file = hp_asprintf("memory.hugepool.%s", limits->option), *text;
	size_t i;

	for (i = 0; i < limits->nr; i++) {
		text = limit_text(&limits->limit[i]);
		plan_write(&run->plan, file_of(run, run->cgroup, file), text);
		free(text);
	}
	free(file);
}

static bool make_plan(struct run *run)
{
	if (!plan_controllers(run))
		return false;
	plan_mkdir(&run->plan, directory_of(run, run->cgroup));
	/*
	 * Nobody is in the cgroup yet, so no order lets anything slip through.  Guarantees come last
	 * because they take from all others: not before everything else has been accepted.
	 */
	plan_limits(run, &run->max);
	plan_limits(run, &run->min);
	return true;
}

static void print_plan(const struct run *run)
{
	char *procs = file_of(run, run->cgroup, PROCS), *word = shell_word(procs);
	char *line = hp_asprintf("(echo 0 >%s && exec", word), *longer;
	char **arg;
	size_t i;

	for (i = 0; i < run->bound.nr; i++) {
		longer = hp_asprintf("%s%s%u", line, i ? "," : " numactl --membind=",
				     run->bound.node[i]);
		free(line);
		line = longer;
	}
	for (arg = run->argv; *arg; arg++) {
		free(word);
		word = shell_word(*arg);
		longer = hp_asprintf("%s%s %s", line,
				     arg == run->argv && run->bound.nr ? " --" : "", word);
		free(line);
		line = longer;
	}
	longer = hp_asprintf("%s)", line);
	plan_print(&run->plan, longer);
	free(longer);
	free(line);
	free(word);
	free(procs);
}

/* What @file of a cgroup has for the key that @text ("2MB/node0 1048576") begins with, as text. */
static void size_in(struct run *run, const char *path, const char *file, const char *text,
		    char size[HP_SIZE_LEN])
{
	char *content = hp_cgroup_text(run->ctx, path, file), *line, *save;
	size_t len = strcspn(text, " ") + 1;
	uint64_t bytes;

	strcpy(size, "not known");
	if (!content)
		return;
	for (line = strtok_r(content, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, text, len) && hp_parse_u64(line + len, &bytes))
			hp_format_size(bytes, size);
	}
	free(content);
}

/* Why a guarantee does not fit. */
static void explain_min(struct run *run, const char *text)
{
	int key = strcspn(text, " ");
	char has[HP_SIZE_LEN];

	if (is_root(run, run->parent)) {
		complainf("of %.*s there is not so much left that is neither in use nor guaranteed "
			  "to others (hugepool status, hugepool cgroup)", key, text);
		return;
	}
	size_in(run, run->parent, "memory.hugepool.min", text, has);
	complainf("guarantees in %s come out of its own, which is %s for %.*s, less those of other "
		  "cgroups in it", run->parent, has, key, text);
}

static void explain_failure(struct run *run, const struct step *step, int err)
{
	const char *name = strrchr(step->path, '/') + 1;

	if (!step->text) {
		complainf("cannot make the cgroup %s: %s", step->path, strerror(-err));
		return;
	}
	complainf("%s: '%s': %s", step->path, step->text, strerror(-err));
	if (err == -ENOSPC && !strcmp(name, "memory.hugepool.min"))
		explain_min(run, step->text);
	else if (err == -ENOENT && !strncmp(name, "memory.hugepool.", 16))
		complainf("this kernel has no such file");
}

/* Newlines, but for the last, become blanks. */
static void join_lines(char *text)
{
	for (; (text = strchr(text, '\n')); text++)
		*text = text[1] ? ' ' : '\0';
}

/* Says what could not be taken back, and why. */
static void remark_remains(struct run *run, int err)
{
	const struct step *step = &run->plan.step[run->plan.done - 1];
	char *procs;

	if (step->text) {
		remarkf("%s: '%s': %s", step->undo_path, step->undo_text, strerror(-err));
		return;
	}
	procs = hp_cgroup_text(run->ctx, step->path + strlen(run->mount), PROCS);
	if (procs)
		join_lines(procs);
	if (err != -EBUSY)
		remarkf("%s stays, with what it was given: %s", step->path, strerror(-err));
	else if (procs && *procs)
		remarkf("%s stays, with what it was given: there are processes left in it: %s",
			step->path, procs);
	else
		remarkf("%s stays, with what it was given: there are cgroups left in it",
			step->path);
	free(procs);
}

static int do_run(struct run *run)
{
	char *procs = file_of(run, run->cgroup, PROCS);
	const struct spawn how = {
		.argv = run->argv, .procs = procs, .bound = &run->bound,
	};
	int status = EXIT_NOT_RUN, err;

	spawn_begin();
	err = plan_do(&run->plan);
	if (err)
		explain_failure(run, &run->plan.step[run->plan.done], err);
	else
		status = spawn(&how);
	err = plan_undo(&run->plan);
	if (err)
		remark_remains(run, err);
	free(procs);
	return status;
}

static int with_context(struct run *run)
{
	if (!check_amounts(run))
		return usage_error("run");
	run->mount = hp_cgroup_mount(run->ctx);
	if (!run->mount)
		return EXIT_NOT_RUN;
	if (!exists(run, "/")) {
		complainf("%s: not of cgroup version 2", run->mount);
		return EXIT_NOT_RUN;
	}
	if (!find_parent(run) || !name_cgroup(run))
		return usage_error("run");
	if (!make_plan(run))
		return EXIT_NOT_RUN;
	if (!run->dry_run)
		return do_run(run);
	print_plan(run);
	return EXIT_SUCCESS;
}

static void free_run(struct run *run)
{
	limits_free(&run->min);
	limits_free(&run->max);
	free(run->machine.node);
	free(run->bound.node);
	free(run->own);
	free(run->parent);
	free(run->cgroup);
	plan_free(&run->plan);
	if (run->ctx)
		hp_close(run->ctx);
}

int cmd_run(int argc, char **argv)
{
	struct run run = { .min.option = "min", .max.option = "max" };
	int status;

	status = parse_options(argc, argv, &run);
	if (status < 0 && !check_words(&run))
		status = usage_error("run");
	if (status < 0) {
		run.ctx = hp_open(run.sysroot, complain);
		status = run.ctx ? with_context(&run) : EXIT_NOT_RUN;
	}
	free_run(&run);
	return status;
}
