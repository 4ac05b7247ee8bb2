// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa2 timeout=180
 *
 * Who is charged for a block: the owner of the mm that faults, or of that of the
 * task that writes or allocates, wherever the file comes from, whoever else uses
 * it, and whatever becomes of the owner. Files with a name, without one, and
 * memfds; fork, exec, exit, threads that are processes, moves between cgroups; and
 * those who write on behalf of others: splice, io_uring, loop devices, one process
 * in the memory of another.
 */
#include <liburing.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "hp_test.h"
#include "cg.h"
#include "pud.h"

#define TOP	(&self->env.top)
#define B	(&self->b)
#define PUNCH	(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

/* In units: what this cgroup holds. */
static long long held(const struct cg *cg)
{
	long long bytes = cg_hp(cg, "current", "2MB");

	/* The two counters of it never differ. */
	if (cg_key(cg, "memory.stat", "hugepool") != bytes)
		return -1;
	return bytes / (long long)UNIT;
}

#define EXPECT_HELD(a, b)						\
	do {								\
		EXPECT_EQ(a, held(CG));					\
		EXPECT_EQ(b, held(B));					\
		EXPECT_EQ((a) + (b), held(TOP));			\
	} while (0)

static void *map_units(int fd, int units)
{
	return mmap(NULL, units * UNIT, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    0);
}

/* --- files with and without a name --- */

enum kind { NAMED, UNLINKED, TMPFILE, MEMFD };

FIXTURE(file) {
	struct hp_env env;
	struct cg b;
};

FIXTURE_VARIANT(file) {
	enum kind kind;
};

FIXTURE_VARIANT_ADD(file, named) { NAMED };
FIXTURE_VARIANT_ADD(file, unlinked) { UNLINKED };
FIXTURE_VARIANT_ADD(file, tmpfile) { TMPFILE };
FIXTURE_VARIANT_ADD(file, memfd) { MEMFD };

FIXTURE_SETUP(file)
{
	HP_SETUP("pool=2M");
	ASSERT_OK(cg_make(B, TOP, "b"));
}

FIXTURE_TEARDOWN_PARENT(file)
{
	EXPECT_ENDED(&self->env);
}

static int open_kind(struct hp_env *env, enum kind kind)
{
	char path[96];
	int fd;

	switch (kind) {
	case TMPFILE:
		return open(env->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	case MEMFD:
		return memfd_create("owner", MFD_HUGEPOOL | MFD_CLOEXEC);
	default:
		fd = hp_open(env, "f");
	}
	snprintf(path, sizeof(path), "%s/f", env->dir);
	if (fd >= 0 && kind == UNLINKED && unlink(path))
		return -errno;
	return fd;
}

struct filler {
	int fd, sock;
	off_t at;
};

/* Three blocks from @at on, one each by fallocate, write and a fault. */
static int fill_three(void *arg)
{
	struct filler *f = arg;
	unsigned char *p = map_units(f->fd, 16);

	if (p == MAP_FAILED || ftruncate(f->fd, 16 * UNIT))
		return 1;
	if (fallocate(f->fd, 0, f->at, UNIT))
		return 2;
	if (pwrite(f->fd, "x", 1, f->at + UNIT) != 1)
		return 3;
	if (touch_write(p + f->at + 2 * UNIT, 1))
		return 4;
	return munmap(p, 16 * UNIT);
}

TEST_F(file, who_fills_it_is_charged)
{
	struct filler f = { .fd = open_kind(&self->env, variant->kind) };

	ASSERT_LE(0, f.fd);
	ASSERT_EQ(0, fill_three(&f));
	EXPECT_HELD(3, 0);
	f.at = 3 * UNIT;
	ASSERT_EQ(0, hp_run(B, fill_three, &f));
	EXPECT_HELD(3, 3);
	/* What is there stays whose it is. */
	f.at = 2 * UNIT;
	ASSERT_EQ(0, hp_run(B, fill_three, &f));
	EXPECT_HELD(3, 3);
	/* Given back by either, it is taken from who was charged. */
	ASSERT_OK(fallocate(f.fd, PUNCH, 2 * UNIT, 2 * UNIT));
	EXPECT_HELD(2, 2);
	close(f.fd);
	if (variant->kind != NAMED) {
		EXPECT_TRUE(eventually(!held(TOP), 5));
		EXPECT_HELD(0, 0);
	}
}

static int send_fd(int sock, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {}, byte = 'f';
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(sock, &msg, 0) == 1 ? 0 : -errno;
}

static int receive_fd(int sock)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&msg))
		return -EIO;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

static int receive_and_fill(void *arg)
{
	struct filler *f = arg;

	f->fd = receive_fd(f->sock);
	return f->fd < 0 ? 10 : fill_three(f);
}

TEST_F(file, passed_to_another_cgroup)
{
	struct filler f = { .at = UNIT };
	int sock[2], fd;
	pid_t pid;

	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	f.sock = sock[1];
	pid = hp_fork();
	if (!pid)
		_exit(cg_join(B) ? 99 : receive_and_fill(&f));
	fd = open_kind(&self->env, variant->kind);
	ASSERT_LE(0, fd);
	ASSERT_OK(fallocate(fd, 0, 0, UNIT));
	EXPECT_HELD(1, 0);
	ASSERT_OK(send_fd(sock[0], fd));
	ASSERT_EQ(0, hp_wait(pid));
	/* It has ended; what it was charged for is in our file. */
	EXPECT_HELD(1, 3);
	ASSERT_OK(ftruncate(fd, 2 * UNIT));
	EXPECT_HELD(1, 1);
}

struct sender {
	struct hp_env *env;
	enum kind kind;
	int sock;
};

static int fill_and_send(void *arg)
{
	struct sender *s = arg;
	struct filler f = { .fd = open_kind(s->env, s->kind) };

	if (f.fd < 0 || fill_three(&f))
		return 1;
	return send_fd(s->sock, f.fd) ? 2 : 0;
}

/* The receiver has it, the sender's cgroup is gone: its parent is charged. */
TEST_F(file, passed_on_by_a_cgroup_that_is_gone)
{
	struct sender s = { &self->env, variant->kind };
	struct filler f = { .at = 8 * UNIT };
	int sock[2];

	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	s.sock = sock[1];
	ASSERT_EQ(0, hp_run(B, fill_and_send, &s));
	EXPECT_HELD(0, 3);
	f.fd = receive_fd(sock[0]);
	ASSERT_LE(0, f.fd);
	ASSERT_OK(cg_remove(B));
	EXPECT_EQ(0, held(CG));
	EXPECT_EQ(3, held(TOP));
	ASSERT_EQ(0, fill_three(&f));
	EXPECT_EQ(3, held(CG));
	EXPECT_EQ(6, held(TOP));
	ASSERT_OK(fallocate(f.fd, PUNCH, 0, UNIT));
	EXPECT_EQ(5, held(TOP));
	ASSERT_OK(fallocate(f.fd, 0, 0, UNIT));
	EXPECT_EQ(4, held(CG));
	EXPECT_EQ(6, held(TOP));
}

#define DEPTH	6

/* Whole branches go, while others still have it mapped. */
TEST_F(file, cgroups_removed_at_depth)
{
	struct filler f = { .fd = open_kind(&self->env, variant->kind) };
	struct cg chain[DEPTH];
	unsigned char *p;

	ASSERT_LE(0, f.fd);
	for (int i = 0; i < DEPTH; i++)
		ASSERT_OK(cg_make(&chain[i], i ? &chain[i - 1] : B, "d"));
	ASSERT_EQ(0, hp_run(&chain[DEPTH - 1], fill_three, &f));
	p = map_units(f.fd, 16);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(touch_read(p));
	for (int i = 0; i < DEPTH; i++)
		EXPECT_EQ(3, held(&chain[i]));
	ASSERT_OK(cg_remove(&chain[3]));
	EXPECT_EQ(3, held(&chain[2]));
	EXPECT_HELD(0, 3);
	/* Freed when it is nobody's: all that are left have counted it. */
	ASSERT_OK(fallocate(f.fd, PUNCH, 0, UNIT));
	EXPECT_EQ(2, held(&chain[2]));
	EXPECT_HELD(0, 2);
	ASSERT_OK(cg_remove(&chain[0]));
	EXPECT_HELD(0, 2);
	EXPECT_EQ(1, p[2 * UNIT]);
	ASSERT_OK(ftruncate(f.fd, 0));
	EXPECT_HELD(0, 0);
}

/* --- the life of a process --- */

FIXTURE(task) {
	struct hp_env env;
	struct cg b;
	int fd;
	unsigned char *p;	/* eight units of it */
};

FIXTURE_SETUP(task)
{
	HP_SETUP("pool=2M");
	ASSERT_OK(cg_make(B, TOP, "b"));
	self->fd = hp_open_sized(&self->env, "f", 8 * UNIT);
	self->p = map_units(self->fd, 8);
	ASSERT_NE(MAP_FAILED, self->p);
}

FIXTURE_TEARDOWN_PARENT(task)
{
	EXPECT_ENDED(&self->env);
}

TEST_F(task, fork)
{
	pid_t pid;

	ASSERT_OK(touch_write(self->p, 1));
	/* A child that stays charges where it is, one that moves where it goes. */
	pid = hp_fork();
	if (!pid)
		_exit(touch_write(self->p + UNIT, 1));
	ASSERT_EQ(0, hp_wait(pid));
	EXPECT_HELD(2, 0);
	pid = hp_fork();
	if (!pid)
		_exit(cg_join(B) || touch_write(self->p + 2 * UNIT, 1) ||
		      touch_write(self->p, 2));
	ASSERT_EQ(0, hp_wait(pid));
	EXPECT_HELD(2, 1);
	/* The parent finds the child's. */
	ASSERT_OK(touch_write(self->p + 2 * UNIT, 3));
	EXPECT_HELD(2, 1);
}

TEST_F(task, exec)
{
	char path[96];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/f", self->env.dir);
	pid = hp_fork();
	if (!pid) {
		/* One where it began, one where it went, the rest by the program. */
		if (touch_write(self->p, 1) || cg_join(B) ||
		    touch_write(self->p + UNIT, 1))
			_exit(1);
		execlp("fallocate", "fallocate", "-l", "8M", path, NULL);
		_exit(127);
	}
	ASSERT_EQ(0, hp_wait(pid));
	EXPECT_HELD(1, 3);
}

/* What is left of somebody who was killed while he took blocks. */
TEST_F(task, exit_by_a_signal)
{
	pid_t pid;

	for (int round = 0; round < 5; round++) {
		pid = hp_fork();
		if (!pid) {
			if (cg_join(B))
				_exit(99);
			for (;;) {
				for (int i = 0; i < 8; i++)
					touch_write(self->p + i * UNIT, 1);
				fallocate(self->fd, PUNCH, 0, 8 * UNIT);
			}
		}
		ASSERT_TRUE(eventually(held(B) > 0, 10));
		usleep(round * 3000);
		kill(pid, SIGKILL);
		ASSERT_EQ(128 + SIGKILL, hp_wait(pid));
		EXPECT_EQ(file_blocks(self->fd) / (long long)UNIT, held(B));
		EXPECT_EQ(0, held(CG));
		ASSERT_OK(fallocate(self->fd, PUNCH, 0, 8 * UNIT));
		EXPECT_HELD(0, 0);
	}
}

TEST_F(task, moved)
{
	ASSERT_OK(touch_write(self->p, 1));
	ASSERT_OK(cg_join(B));
	EXPECT_HELD(1, 0);
	ASSERT_OK(touch_write(self->p + UNIT, 1));
	ASSERT_EQ(1, pwrite(self->fd, "x", 1, 2 * UNIT));
	ASSERT_OK(fallocate(self->fd, 0, 3 * UNIT, UNIT));
	EXPECT_HELD(1, 3);
	/* A new mapping of old blocks changes nothing. */
	ASSERT_OK(munmap(self->p, 8 * UNIT));
	self->p = map_units(self->fd, 8);
	ASSERT_NE(MAP_FAILED, self->p);
	ASSERT_OK(touch_write(self->p, 2));
	EXPECT_HELD(1, 3);
	/* Taken again, it is charged to who takes it now. */
	ASSERT_OK(fallocate(self->fd, PUNCH, 0, UNIT));
	EXPECT_HELD(0, 3);
	ASSERT_OK(touch_write(self->p, 3));
	EXPECT_HELD(0, 4);
	ASSERT_OK(cg_join(CG));
}

/* Moved to and fro by somebody else while it takes blocks and gives them back. */
TEST_F(task, moved_under_way)
{
	volatile int *stop = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char text[16];
	pid_t pid;

	ASSERT_NE(MAP_FAILED, (void *)stop);
	pid = hp_fork();
	if (!pid) {
		while (!*stop) {
			for (int i = 0; i < 8; i++)
				touch_write(self->p + i * UNIT, 1);
			if (fallocate(self->fd, PUNCH, 0, 8 * UNIT))
				_exit(1);
		}
		_exit(touch_write(self->p, 1) || touch_write(self->p + UNIT, 1));
	}
	snprintf(text, sizeof(text), "%d", pid);
	for (int i = 0; i < 20; i++) {
		ASSERT_OK(cg_write(i % 2 ? CG : B, "cgroup.procs", text));
		usleep(i * 500);
		EXPECT_GE(8, held(TOP));
	}
	ASSERT_OK(cg_write(B, "cgroup.procs", text));
	*stop = 1;
	ASSERT_EQ(0, hp_wait(pid));
	EXPECT_HELD(0, 2);
}

/* --- processes that share memory --- */

struct twin {
	struct hp_env *env;
	const struct cg *cg;
	int fd;
	unsigned char *p;
	volatile int go;
};

static int twin_main(void *arg)
{
	struct twin *t = arg;

	if (cg_join(t->cg))
		return 99;
	while (!t->go)
		usleep(1000);
	if (touch_write(t->p, 1))
		return 1;
	return pwrite(t->fd, "x", 1, UNIT) != 1;
}

static pid_t twin_start(struct twin *t)
{
	static char stack[256 * 1024] __attribute__((aligned(16)));

	return clone(twin_main, stack + sizeof(stack), CLONE_VM | SIGCHLD, t);
}

/* One mm has one owner, who is charged wherever those are who share it. */
TEST_F(task, who_shares_the_mm_charges_its_owner)
{
	struct twin t = { &self->env, B, self->fd, self->p, .go = 1 };
	pid_t pid = twin_start(&t);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, hp_wait(pid));
	EXPECT_HELD(2, 0);
}

/* When the owner ends, one of those who still share it takes its place. */
TEST_F(task, who_is_left_of_the_mm_is_its_owner)
{
	struct twin *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;
	int pipe_fd[2];

	ASSERT_NE(MAP_FAILED, t);
	*t = (struct twin){ &self->env, B, self->fd, self->p };
	ASSERT_OK(pipe(pipe_fd));
	/* An orphan is ours. */
	ASSERT_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	pid = hp_fork();
	if (!pid) {
		pid = twin_start(t);
		_exit(write(pipe_fd[1], &pid, sizeof(pid)) != sizeof(pid));
	}
	ASSERT_EQ(0, hp_wait(pid));
	ASSERT_EQ(sizeof(pid), read(pipe_fd[0], &pid, sizeof(pid)));
	ASSERT_LT(0, pid);
	t->go = 1;
	ASSERT_EQ(0, hp_wait(pid));
	EXPECT_HELD(0, 2);
}

/* --- on behalf of others --- */

static int by_splice(void *arg)
{
	struct hp_env *env = arg;
	int p[2], fd = hp_open(env, "f"), in = open("/proc/self/exe", O_RDONLY);
	off_t at = 2 * UNIT;
	loff_t to = UNIT;

	if (pipe(p) || write(p[1], "hello", 5) != 5 ||
	    splice(p[0], NULL, fd, &to, 5, 0) != 5)
		return 1;
	if (lseek(fd, at, SEEK_SET) != at || sendfile(fd, in, NULL, 4096) != 4096)
		return 2;
	at = 3 * UNIT;
	/* Out of a block of somebody else's. */
	to = 0;
	return copy_file_range(fd, &to, fd, &at, 4096, 0) != 4096 ? 3 : 0;
}

TEST_F(task, splice_and_its_kin)
{
	char page[4096] = "a page";

	ASSERT_EQ(4096, pwrite(self->fd, page, 4096, 0));
	EXPECT_HELD(1, 0);
	ASSERT_EQ(0, hp_run(B, by_splice, &self->env));
	EXPECT_HELD(1, 3);
}

static int by_io_uring(void *arg)
{
	struct hp_env *env = arg;
	int fd = hp_open(env, "f"), res;
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;

	if (io_uring_queue_init(4, &ring, 0))
		return 1;
	for (int i = 0; i < 2; i++) {
		sqe = io_uring_get_sqe(&ring);
		if (i)
			io_uring_prep_fallocate(sqe, fd, 0, UNIT, UNIT);
		else
			io_uring_prep_write(sqe, fd, "x", 1, 0);
		/* By a worker thread. */
		sqe->flags |= IOSQE_ASYNC;
		if (io_uring_submit(&ring) != 1 ||
		    io_uring_wait_cqe(&ring, &cqe))
			return 2;
		res = cqe->res;
		io_uring_cqe_seen(&ring, cqe);
		if (res != !i)
			return 3;
	}
	io_uring_queue_exit(&ring);
	return 0;
}

TEST_F(task, workers_of_io_uring)
{
	ASSERT_EQ(0, hp_run(B, by_io_uring, &self->env));
	EXPECT_HELD(0, 2);
}

/* A process in @cg that has touched @p, and waits to be killed. */
static pid_t start_resident(const struct cg *cg, unsigned char *p)
{
	pid_t pid = hp_fork();

	if (!pid) {
		if (cg_join(cg) || touch_write(p, 1))
			_exit(99);
		for (;;)
			pause();
	}
	return pid;
}

/* Into a hole of somebody else's memory: it is the other's mm that faults. */
TEST_F(task, from_one_process_into_another)
{
	struct iovec from = { (char *)"hello", 5 };
	struct iovec to = { self->p + UNIT + 10, 5 };
	char path[32];
	pid_t pid;
	int fd;

	pid = start_resident(B, self->p);
	ASSERT_TRUE(eventually(held(B) == 1, 10));
	ASSERT_EQ(5, process_vm_writev(pid, &from, 1, &to, 1, 0));
	EXPECT_HELD(0, 2);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDWR);
	ASSERT_EQ(1, pwrite(fd, "x", 1, (off_t)self->p + 2 * UNIT));
	EXPECT_HELD(0, 3);
	close(fd);
	kill(pid, SIGKILL);
	hp_wait(pid);
}

static long advise(int pidfd, void *p, size_t len, int advice)
{
	struct iovec iov = { p, len };

	return syscall(SYS_process_madvise, pidfd, &iov, 1, advice, 0);
}

/* Nobody can make another process take blocks by advice. */
TEST_F(task, process_madvise)
{
	int pidfd;
	pid_t pid;

	pid = start_resident(B, self->p);
	ASSERT_TRUE(eventually(held(B) == 1, 10));
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	ASSERT_LE(0, pidfd);
	EXPECT_ERRNO(EINVAL, advise(pidfd, self->p, 4 * UNIT,
				    MADV_POPULATE_WRITE));
	EXPECT_ERRNO(EINVAL, advise(pidfd, self->p, 4 * UNIT,
				    MADV_POPULATE_READ));
	EXPECT_EQ(4 * UNIT, advise(pidfd, self->p, 4 * UNIT, MADV_WILLNEED));
	EXPECT_HELD(0, 1);
	kill(pid, SIGKILL);
	hp_wait(pid);
	close(pidfd);
	/* To itself it can. */
	pidfd = syscall(SYS_pidfd_open, getpid(), 0);
	EXPECT_EQ(4 * UNIT, advise(pidfd, self->p, 4 * UNIT,
				   MADV_POPULATE_WRITE));
	EXPECT_HELD(3, 1);
}

/* --- loop devices --- */

static int write_disk(void *arg)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return pwrite(*(int *)arg, page, 4096, 0) != 4096 ? errno : 0;
}

/*
 * The thread of a loop device writes for the cgroup that its request is charged to
 * as I/O. That is the writer's where the controller io is enabled, else the lowest
 * above it where it is; at the root, nobody is charged for what is taken.
 */
TEST_F(task, loop_device)
{
	int disk = loop_disk(self->fd);
	long long used = hp_sum("used");

	ASSERT_LE(0, disk);
	ASSERT_OK(wr_file(CG_ROOT "/cgroup.subtree_control", "-io"));
	EXPECT_EQ(0, hp_run(B, write_disk, &disk));
	EXPECT_HELD(0, 0);
	EXPECT_EQ(used + UNIT, hp_sum("used"));
	ASSERT_OK(fallocate(self->fd, PUNCH, 0, UNIT));

	ASSERT_OK(wr_file(CG_ROOT "/cgroup.subtree_control", "+io"));
	EXPECT_EQ(0, hp_run(B, write_disk, &disk));
	EXPECT_EQ(1, held(TOP));
	EXPECT_EQ(0, held(B));
	ASSERT_OK(fallocate(self->fd, PUNCH, 0, UNIT));

	ASSERT_OK(cg_write(TOP, "cgroup.subtree_control", "+io"));
	EXPECT_EQ(0, hp_run(B, write_disk, &disk));
	EXPECT_HELD(0, 1);
	ASSERT_OK(fallocate(self->fd, PUNCH, 0, UNIT));
	/* And so is who is limited. */
	ASSERT_OK(cg_limit(B, "2MB", 0));
	EXPECT_EQ(ENOSPC, hp_run(B, write_disk, &disk));
	EXPECT_EQ(1, cg_event_local(B, "max"));
	EXPECT_HELD(0, 0);
	close(disk);
}

TEST_HARNESS_MAIN
