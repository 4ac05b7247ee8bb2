// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib.h"
#include "vm.h"

/* Children end by _exit(): what they print must be out by then. */
static void __attribute__((constructor)) line_buffered(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
}

/* --- small files --- */

int rd_file(const char *path, char *buf, size_t len)
{
	size_t got = 0;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	while (got < len - 1 && (n = read(fd, buf + got, len - 1 - got)) > 0)
		got += n;
	close(fd);
	buf[got] = '\0';
	return 0;
}

int wr_file(const char *path, const char *val)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, val, strlen(val)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

long long rd_num(const char *path)
{
	char buf[64], *end;
	int ret = rd_file(path, buf, sizeof(buf));
	long long val;

	if (ret)
		return ret;
	if (!strncmp(buf, "max", 3))
		return LLONG_MAX;
	val = strtoll(buf, &end, 10);
	return end == buf ? -EINVAL : val;
}

/* The rest of the line that begins with @key and a separator, or NULL. */
static char *find_line(char *buf, const char *key)
{
	size_t len = strlen(key);
	char *line, *save = NULL;

	for (line = strtok_r(buf, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, key, len) && strchr(" :\t", line[len]))
			return line + len;
	return NULL;
}

long long rd_key(const char *path, const char *key)
{
	static char buf[64 * 1024];
	int ret = rd_file(path, buf, sizeof(buf));
	char *rest;

	if (ret)
		return ret;
	rest = find_line(buf, key);
	if (!rest)
		return -ENOENT;
	rest += strspn(rest, ": \t");
	return !strncmp(rest, "max", 3) ? LLONG_MAX : strtoll(rest, NULL, 10);
}

long long rd_col(const char *path, const char *key, const char *col)
{
	static char buf[64 * 1024];
	int ret = rd_file(path, buf, sizeof(buf));
	char *rest, *tok, *save = NULL;
	size_t len = strlen(col);

	if (ret)
		return ret;
	rest = find_line(buf, key);
	if (!rest)
		return -ENOENT;
	for (tok = strtok_r(rest, " \t", &save); tok;
	     tok = strtok_r(NULL, " \t", &save))
		if (!strncmp(tok, col, len) && tok[len] == '=')
			return strtoll(tok + len + 1, NULL, 10);
	return -ENOENT;
}

/* --- the pool --- */

int hp_nr_nodes(void)
{
	char path[96];
	int nr = 0;

	while (nr < HP_MAX_NODES) {
		snprintf(path, sizeof(path), HP_SYSFS "/node%d", nr);
		if (access(path, F_OK))
			break;
		nr++;
	}
	return nr;
}

long long hp_attr(int node, const char *attr)
{
	char path[128];

	snprintf(path, sizeof(path), HP_SYSFS "/node%d/%s", node, attr);
	return rd_num(path);
}

long long hp_sum(const char *attr)
{
	long long sum = 0, val;
	int node, nr = hp_nr_nodes();

	for (node = 0; node < nr; node++) {
		val = hp_attr(node, attr);
		if (val < 0)
			return val;
		sum += val;
	}
	return sum;
}

/* Order and names of struct hp_node's fields. */
static const char * const node_attrs[] = {
	"total", "free", "used", "reserved", "poisoned",
	"2MB/total", "2MB/free", "2MB/used",
	"1GB/total", "1GB/free", "1GB/used", "1GB/broken",
};

#define NR_ATTRS	(sizeof(node_attrs) / sizeof(node_attrs[0]))

void hp_read(struct hp_pool *pool)
{
	int node, i;

	_Static_assert(sizeof(struct hp_node) == NR_ATTRS * sizeof(long long),
		       "node_attrs[] must match struct hp_node");
	memset(pool, 0, sizeof(*pool));
	pool->nr = hp_nr_nodes();
	for (node = 0; node < pool->nr; node++)
		for (i = 0; i < (int)NR_ATTRS; i++)
			((long long *)&pool->node[node])[i] =
				hp_attr(node, node_attrs[i]);
}

const char *hp_settled(const struct hp_pool *want, int seconds)
{
	static char why[160];
	struct hp_pool seen;
	int node, i;

	if (eventually((hp_read(&seen), !memcmp(&seen, want, sizeof(seen))),
		       seconds))
		return NULL;
	for (node = 0; node < want->nr; node++) {
		for (i = 0; i < (int)NR_ATTRS; i++) {
			long long a = ((long long *)&want->node[node])[i];
			long long b = ((long long *)&seen.node[node])[i];

			if (a != b) {
				snprintf(why, sizeof(why),
					 "node%d/%s is %lld, was %lld",
					 node, node_attrs[i], b, a);
				return why;
			}
		}
	}
	return "the number of nodes changed";
}

long long vm_event(const char *name)
{
	return rd_key("/proc/vmstat", name);
}

/* --- cgroups --- */

int cg_make(struct cg *cg, const struct cg *parent, const char *name)
{
	static const struct cg root = { CG_ROOT };
	int ret;

	ret = cg_write(parent ?: &root, "cgroup.subtree_control",
		       "+memory +cpuset");
	if (ret)
		return ret;
	snprintf(cg->path, sizeof(cg->path), "%.100s/%.50s",
		 parent ? parent->path : CG_ROOT, name);
	return mkdir(cg->path, 0755) ? -errno : 0;
}

int cg_remove(struct cg *cg)
{
	struct cg child;
	struct dirent *de;
	DIR *dir;
	bool gone;

	if (!cg->path[0])
		return 0;
	cg_write(cg, "cgroup.kill", "1");
	dir = opendir(cg->path);
	while (dir && (de = readdir(dir))) {
		if (de->d_type != DT_DIR || de->d_name[0] == '.')
			continue;
		snprintf(child.path, sizeof(child.path), "%.100s/%.50s",
			 cg->path, de->d_name);
		cg_remove(&child);
	}
	if (dir)
		closedir(dir);
	gone = eventually(!rmdir(cg->path) || errno == ENOENT, 10);
	cg->path[0] = '\0';
	return gone ? 0 : -EBUSY;
}

int cg_write(const struct cg *cg, const char *file, const char *val)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", cg->path, file);
	return wr_file(path, val);
}

int cg_join(const struct cg *cg)
{
	return cg_write(cg, "cgroup.procs", "0");
}

int cg_join_root(void)
{
	return wr_file(CG_ROOT "/cgroup.procs", "0");
}

long long cg_num(const struct cg *cg, const char *file)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", cg->path, file);
	return rd_num(path);
}

long long cg_key(const struct cg *cg, const char *file, const char *key)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", cg->path, file);
	return rd_key(path, key);
}

long long cg_hp(const struct cg *cg, const char *file, const char *key)
{
	char name[64];

	snprintf(name, sizeof(name), "memory.hugepool.%s", file);
	return cg_key(cg, name, key);
}

int cg_limit(const struct cg *cg, const char *key, unsigned long bytes)
{
	char line[64];

	snprintf(line, sizeof(line), "%s %lu", key, bytes);
	return cg_write(cg, "memory.hugepool.max", line);
}

int cg_promise(const struct cg *cg, const char *key, unsigned long bytes)
{
	char line[64];

	snprintf(line, sizeof(line), "%s %lu", key, bytes);
	return cg_write(cg, "memory.hugepool.min", line);
}

long long cg_event(const struct cg *cg, const char *event)
{
	return cg_hp(cg, "events", event);
}

long long cg_event_local(const struct cg *cg, const char *event)
{
	return cg_hp(cg, "events.local", event);
}

/* --- one test's world --- */

int hp_mount(const char *dir, const char *opts)
{
	return mount("hugepool-test", dir, "tmpfs", 0, opts) ? -errno : 0;
}

int hp_umount(const char *dir)
{
	/* EBUSY can be a descriptor still on its way out of a dead child. */
	if (eventually(!umount2(dir, 0) || errno != EBUSY, 5))
		return 0;
	umount2(dir, MNT_DETACH);
	return -EBUSY;
}

int hp_begin(struct hp_env *env, const char *opts)
{
	char name[32];
	int ret;

	memset(env, 0, sizeof(*env));
	hp_read(&env->before);
	snprintf(env->dir, sizeof(env->dir), "/tmp/hp.XXXXXX");
	if (!mkdtemp(env->dir))
		return -errno;
	snprintf(name, sizeof(name), "hp.%d", getpid());
	ret = cg_make(&env->top, NULL, name);
	if (!ret)
		ret = cg_make(&env->cg, &env->top, "t");
	if (!ret)
		ret = cg_join(&env->cg);
	if (!ret && opts) {
		ret = hp_mount(env->dir, opts);
		env->mounted = !ret;
	}
	return ret;
}

const char *hp_end(struct hp_env *env)
{
	const char *why = NULL;

	/* Needed when setup failed and the caller itself sits in the cgroup. */
	cg_join_root();
	if (env->mounted && hp_umount(env->dir))
		why = "the mount stayed busy";
	env->mounted = false;
	if (cg_remove(&env->top) && !why)
		why = "the cgroup could not be removed";
	if (env->dir[0] && rmdir(env->dir) && !why)
		why = "the mount point could not be removed";
	env->dir[0] = '\0';
	return why ?: hp_settled(&env->before, 10);
}

int hp_open(const struct hp_env *env, const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", env->dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	return fd < 0 ? -errno : fd;
}

int hp_open_sized(const struct hp_env *env, const char *name, off_t size)
{
	int fd = hp_open(env, name);

	if (fd >= 0 && ftruncate(fd, size)) {
		close(fd);
		return -errno;
	}
	return fd;
}

struct hog_args {
	struct hp_env *env;
	int node;
	unsigned long leave;
};

/* A file on @node alone, by the policy of the program that allocates it. */
static int hog_node(struct hp_env *env, int node, long long bytes)
{
	char path[128], size[32], bind[32];

	snprintf(path, sizeof(path), "%s/hog%d", env->dir, node);
	snprintf(size, sizeof(size), "%lld", bytes);
	snprintf(bind, sizeof(bind), "--membind=%d", node);
	return hp_exec("numactl", bind, "fallocate", "-l", size, path, NULL);
}

static int hog_child(void *arg)
{
	struct hog_args *h = arg;
	long long take, keep, leave = h->leave;
	int node, nr = hp_nr_nodes();

	for (node = 0; node < nr; node++) {
		if (h->node >= 0 && h->node != node)
			continue;
		take = hp_attr(node, "2MB/free");
		keep = take < leave ? take : leave;
		leave -= keep;
		if (take > keep && hog_node(h->env, node, take - keep))
			return 1;
	}
	return 0;
}

int hp_hog(struct hp_env *env, int node, unsigned long leave)
{
	struct hog_args h = { env, node, leave };
	struct cg root = { CG_ROOT };

	return hp_run(&root, hog_child, &h);
}

int hp_unhog(struct hp_env *env)
{
	char path[128];
	int node, nr = 0;

	for (node = 0; node < HP_MAX_NODES; node++) {
		snprintf(path, sizeof(path), "%s/hog%d", env->dir, node);
		nr += !unlink(path);
	}
	return nr ? 0 : -ENOENT;
}

/* --- processes --- */

pid_t hp_fork(void)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

int hp_wait(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

int hp_run(const struct cg *cg, int (*fn)(void *), void *arg)
{
	pid_t pid = hp_fork();

	if (pid < 0)
		return -errno;
	if (!pid) {
		if (cg && cg_join(cg))
			_exit(99);
		_exit(fn(arg));
	}
	return hp_wait(pid);
}

int hp_exec(const char *file, ...)
{
	const char *argv[24] = { file };
	int nul, i = 1;
	va_list ap;
	pid_t pid;

	va_start(ap, file);
	while (i < 23 && (argv[i] = va_arg(ap, const char *)))
		i++;
	va_end(ap);
	argv[23] = NULL;

	pid = hp_fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		nul = open("/dev/null", O_RDWR);
		dup2(nul, 0);
		dup2(nul, 1);
		dup2(nul, 2);
		execvp(file, (char **)argv);
		_exit(127);
	}
	return hp_wait(pid);
}

static sigjmp_buf touch_env;

static void touch_signal(int sig)
{
	siglongjmp(touch_env, sig);
}

static int touch(volatile unsigned char *p, bool write, unsigned char val)
{
	struct sigaction sa = { .sa_handler = touch_signal }, bus, segv;
	volatile int sig = 0;

	sigaction(SIGBUS, &sa, &bus);
	sigaction(SIGSEGV, &sa, &segv);
	sig = sigsetjmp(touch_env, 1);
	if (!sig) {
		if (write)
			*p = val;
		else
			(void)*p;
	}
	sigaction(SIGBUS, &bus, NULL);
	sigaction(SIGSEGV, &segv, NULL);
	return sig;
}

int touch_write(volatile unsigned char *p, unsigned char val)
{
	return touch(p, true, val);
}

int touch_read(volatile unsigned char *p)
{
	return touch(p, false, 0);
}

/* --- mapping facts --- */

long long smaps_field(const void *addr, const char *field)
{
	char line[512];
	unsigned long start, end, at = (unsigned long)addr;
	size_t len = strlen(field);
	bool in = false;
	long long val = -ENOENT;
	FILE *f = fopen("/proc/self/smaps", "re");

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			in = at >= start && at < end;
		else if (in && !strncmp(line, field, len) && line[len] == ':')
			val = strtoll(line + len + 1, NULL, 10) * KB;
	}
	fclose(f);
	return val;
}

long long numa_maps_pages(const void *addr, int node)
{
	char key[16];

	snprintf(key, sizeof(key), "N%d", node);
	return vm_numa_maps(addr, key);
}

long long file_blocks(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? -errno : (long long)st.st_blocks * 512;
}

unsigned long pfn_of(const void *addr)
{
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	if (pread(fd, &entry, 8, (unsigned long)addr / 4096 * 8) != 8)
		entry = 0;
	close(fd);
	/* Bit 63: present; the low 55 bits are the frame. */
	return entry >> 63 ? entry & ((1ULL << 55) - 1) : 0;
}

/* --- determinism --- */

/* splitmix64: small, and good enough to pick offsets. */
uint64_t rng_next(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

uint64_t rng_below(uint64_t *state, uint64_t n)
{
	return n ? rng_next(state) % n : 0;
}

void pattern_fill(void *buf, size_t len, uint64_t seed)
{
	unsigned char *p = buf;
	uint64_t v;

	while (len) {
		size_t n = len < 8 ? len : 8;

		/* Never a zero byte: a lost write must not look like a hole. */
		v = rng_next(&seed) | 0x0101010101010101ULL;
		memcpy(p, &v, n);
		p += n;
		len -= n;
	}
}

size_t first_not(const void *buf, size_t len, unsigned char want)
{
	const unsigned char *p = buf;

	if (!len)
		return 0;
	/* All equal exactly if the first is, and each equals its successor. */
	if (p[0] == want && !memcmp(p, p + 1, len - 1))
		return len;
	for (size_t i = 0; i < len; i++)
		if (p[i] != want)
			return i;
	return len;
}

double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}
