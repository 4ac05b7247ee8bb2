// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <numa.h>
#include <numaif.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "builtin.h"
#include "plan.h"
#include "spawn.h"

/* What ends a process that does not expect it, and is sent to tell it something. */
static const int passed_on[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM };

/* As the caller had them, and as the command has to have them. */
static sigset_t inherited_mask;
static struct sigaction inherited_sigchld;

/* How far the child has come without running the command. */
enum stage { STAGE_JOIN, STAGE_NODES, STAGE_BIND, STAGE_EXEC };

struct failure {
	enum stage stage;
	int err;
};

static void waited_for(sigset_t *set)
{
	size_t i;

	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	for (i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
		sigaddset(set, passed_on[i]);
}

void spawn_begin(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t set;

	waited_for(&set);
	sigprocmask(SIG_BLOCK, &set, &inherited_mask);
	/* Who ignores SIGCHLD never learns how a child ended. */
	sigaction(SIGCHLD, &dfl, &inherited_sigchld);
}

/*
 * By set_mempolicy(2), as numactl --membind does, and not by cpuset.mems of the new cgroup: that
 * takes another controller, which a delegated subtree often lacks and which changes the files of
 * every cgroup beside this one; and cgroup v2 accepts a cpuset.mems that cannot be had, and uses
 * the nodes of the parent instead.  The price is that the command may choose otherwise, and that a
 * file system mounted with mpol= does.
 */
static void bind_memory(const struct nodes *bound, struct failure *failure)
{
	struct bitmask *mask, *allowed;
	size_t i;

	/* set_mempolicy() drops the nodes of which nothing can be had, as long as there are others. */
	failure->stage = STAGE_NODES;
	allowed = numa_get_mems_allowed();
	mask = numa_allocate_nodemask();
	failure->err = EINVAL;
	for (i = 0; i < bound->nr; i++) {
		if (bound->node[i] >= mask->size ||
		    !numa_bitmask_isbitset(allowed, bound->node[i]))
			return;
		numa_bitmask_setbit(mask, bound->node[i]);
	}
	failure->stage = STAGE_BIND;
	failure->err = 0;
	/* numa_set_membind() would not tell whether it worked.  The kernel takes one bit off. */
	if (set_mempolicy(MPOL_BIND, mask->maskp, mask->size + 1))
		failure->err = errno;
}

/* The child's: does not return. */
static void __attribute__((noreturn)) run_child(const struct spawn *spawn, int report)
{
	struct failure failure = { .stage = STAGE_JOIN };

	sigaction(SIGCHLD, &inherited_sigchld, NULL);
	sigprocmask(SIG_SETMASK, &inherited_mask, NULL);
	failure.err = -write_file(spawn->procs, "0");
	if (!failure.err && spawn->bound->nr)
		bind_memory(spawn->bound, &failure);
	if (!failure.err) {
		execvp(spawn->argv[0], spawn->argv);
		failure.stage = STAGE_EXEC;
		failure.err = errno;
	}
	if (write(report, &failure, sizeof(failure)) < 0)
		perror("hugepool");
	_exit(EXIT_NOT_RUN);
}

static int complain_failure(const struct spawn *spawn, const struct failure *failure)
{
	switch (failure->stage) {
	case STAGE_JOIN:
		complainf("%s: '0': %s", spawn->procs, strerror(failure->err));
		break;
	case STAGE_NODES:
		complainf("--node: the cgroup may not use all of these nodes (cpuset.mems.effective), "
			  "or there is one without memory");
		break;
	case STAGE_BIND:
		complainf("cannot bind memory to the nodes: %s", strerror(failure->err));
		break;
	case STAGE_EXEC:
		complainf("%s: %s", spawn->argv[0], strerror(failure->err));
		/* The way of env(1) and the shells. */
		return failure->err == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
	}
	return EXIT_NOT_RUN;
}

/*
 * Ctrl-C and Ctrl-\ reach the whole foreground process group, and so the command by themselves,
 * unless it has left the group.
 */
static bool has_it_already(pid_t pid, const siginfo_t *info)
{
	return info->si_code == SI_KERNEL && getpgid(pid) == getpgrp() &&
	       (info->si_signo == SIGINT || info->si_signo == SIGQUIT);
}

static int wait_for(pid_t pid)
{
	const struct timespec now = { 0 };
	siginfo_t info;
	sigset_t set;
	int status;

	waited_for(&set);
	/*
	 * What has come up to now may have been before there was a child for the terminal to reach.
	 * SIGCHLD needs no second look: waitpid() is called before anything is waited for.
	 */
	while (sigtimedwait(&set, &info, &now) > 0) {
		if (info.si_signo != SIGCHLD)
			kill(pid, info.si_signo);
	}
	while (waitpid(pid, &status, WNOHANG) != pid) {
		if (sigwaitinfo(&set, &info) > 0 && info.si_signo != SIGCHLD &&
		    !has_it_already(pid, &info))
			kill(pid, info.si_signo);
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int spawn(const struct spawn *spawn)
{
	struct failure failure;
	int report[2], status;
	ssize_t n;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC)) {
		complainf("pipe: %s", strerror(errno));
		return EXIT_NOT_RUN;
	}
	fflush(stdout);
	pid = fork();
	if (!pid)
		run_child(spawn, report[1]);
	close(report[1]);
	if (pid < 0) {
		complainf("fork: %s", strerror(errno));
		close(report[0]);
		return EXIT_NOT_RUN;
	}
	status = wait_for(pid);
	/* Nothing is in it if the command was run: the other end was closed by that. */
	n = read(report[0], &failure, sizeof(failure));
	close(report[0]);
	return n == sizeof(failure) ? complain_failure(spawn, &failure) : status;
}
