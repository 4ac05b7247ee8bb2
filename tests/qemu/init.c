// SPDX-License-Identifier: GPL-2.0
/*
 * The first process of every guest.
 *
 * Puts a writable, throw-away root over the read-only image, mounts what a
 * program expects to find, and then serves tests/qemu/run over one
 * virtio-serial port: it is told a command, runs it, and sends back its output
 * and how it ended.  The console carries the kernel's log and nothing of this.
 *
 * Messages in both directions are a type byte, a 32-bit little-endian length
 * and that many bytes:
 *   'R'  host to guest: what to run; see struct job
 *   'D'  host to guest: dump tasks to the kernel log, the time is up
 *   'K'  host to guest: the result has arrived, the guest may go
 *   'B'  guest to host: ready for a command
 *   'O' 'E'  guest to host: bytes of standard output, standard error
 *   'X'  guest to host: "STATUS TAINT", all output has been sent before it
 *   'F'  guest to host: this guest cannot work, and why
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT_NAME "hugepool.ctl"
#define MAX_MESSAGE (1 << 20)
#define MAX_STRINGS 4096

/* One command, as 'R' brings it: strings, each with its terminating NUL. */
struct job {
	char *cwd;		/* first string */
	bool tty;		/* second: "tty" or empty */
	char **env;		/* up to an empty string */
	char **argv;		/* the rest */
};

static int port = -1;

static void __attribute__((noreturn)) power_off(void)
{
	sync();
	/* QEMU runs with -no-reboot: this ends it, with ACPI or without. */
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

static void send_all(const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(port, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			power_off();
		p += n;
		len -= n;
	}
}

static void send_message(char type, const void *data, uint32_t len)
{
	unsigned char head[5] = {
		type, len & 0xff, len >> 8 & 0xff, len >> 16 & 0xff, len >> 24,
	};

	send_all(head, sizeof(head));
	send_all(data, len);
}

static void __attribute__((noreturn, format(printf, 1, 2)))
fail(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* Standard error is the console, that is, the kernel's log. */
	fprintf(stderr, "init: %s\n", text);
	if (port >= 0)
		send_message('F', text, strlen(text));
	power_off();
}

static void receive_all(void *data, size_t len)
{
	char *p = data;

	while (len) {
		ssize_t n = read(port, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		/* 0: the host has closed its end; nobody is listening. */
		if (n <= 0)
			power_off();
		p += n;
		len -= n;
	}
}

/* Returns the type; *data is NUL-terminated and the caller's to free. */
static char receive_message(char **data, size_t *len)
{
	unsigned char head[5];

	receive_all(head, sizeof(head));
	*len = head[1] | head[2] << 8 | head[3] << 16 | (uint32_t)head[4] << 24;
	if (*len > MAX_MESSAGE)
		fail("a message of %zu bytes from the host", *len);
	*data = malloc(*len + 1);
	if (!*data)
		fail("out of memory");
	receive_all(*data, *len);
	(*data)[*len] = '\0';
	return head[0];
}

static void make_dir(const char *path)
{
	if (mkdir(path, 0755) && errno != EEXIST)
		fail("mkdir %s: %s", path, strerror(errno));
}

static void mount_or_fail(const char *src, const char *dir, const char *type,
			  unsigned long flags, const char *options)
{
	make_dir(dir);
	if (mount(src, dir, type, flags, options))
		fail("mount %s at %s (%s): %s", type, dir, options ?: "",
		     strerror(errno));
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* Reads a small file into buf, without the newline at its end. */
static bool read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n < 0)
		return false;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return true;
}

/* Finds the port by its name: its number depends on what else QEMU has. */
static void find_port(void)
{
	const char *class = "/sys/class/virtio-ports";
	char path[300], name[64];
	struct dirent *entry;
	DIR *dir = opendir(class);

	if (!dir)
		return;
	while (port < 0 && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s/name", class,
			 entry->d_name);
		if (!read_file(path, name, sizeof(name)) ||
		    strcmp(name, PORT_NAME))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		port = open(path, O_RDWR | O_CLOEXEC);
		if (port < 0)
			fail("%s: %s", path, strerror(errno));
	}
	closedir(dir);
}

/* The driver learns of its ports from a work queue, maybe after init started. */
static void open_port(void)
{
	int tries;

	for (tries = 0; tries < 1000; tries++) {
		find_port();
		if (port >= 0)
			return;
		usleep(10000);
	}
	fail("no virtio-serial port is named %s", PORT_NAME);
}

/* A file system the kernel under test may be without. */
static void mount_if_there(const char *type, const char *dir)
{
	mount(type, dir, type, MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL);
}

static void mount_root(void)
{
	mount_or_fail("/dev/vda", "/lower", "squashfs", MS_RDONLY, NULL);
	mount_or_fail("rw", "/rw", "tmpfs", 0, "mode=755");
	make_dir("/rw/upper");
	make_dir("/rw/work");
	mount_or_fail("root", "/root", "overlay", 0,
		      "lowerdir=/lower,upperdir=/rw/upper,workdir=/rw/work");
	if (mount("/dev", "/root/dev", NULL, MS_MOVE, NULL) ||
	    mount("/proc", "/root/proc", NULL, MS_MOVE, NULL) ||
	    mount("/sys", "/root/sys", NULL, MS_MOVE, NULL))
		fail("moving /dev, /proc, /sys: %s", strerror(errno));
	if (chdir("/root") || mount(".", "/", NULL, MS_MOVE, NULL) ||
	    chroot(".") || chdir("/"))
		fail("changing to the root: %s", strerror(errno));
}

static void mount_share(const char *tag, const char *dir, unsigned long flags,
			const char *more)
{
	char options[128];

	snprintf(options, sizeof(options),
		 "trans=virtio,version=9p2000.L,msize=262144,%s", more);
	mount_or_fail(tag, dir, "9p", flags, options);
}

static void mount_rest(void)
{
	const unsigned long none = MS_NOSUID | MS_NODEV;

	mount_or_fail("tmpfs", "/tmp", "tmpfs", none, "mode=1777");
	mount_or_fail("tmpfs", "/run", "tmpfs", none, "mode=755");
	mount_or_fail("tmpfs", "/dev/shm", "tmpfs", none, "mode=1777");
	mount_or_fail("devpts", "/dev/pts", "devpts", 0,
		      "mode=620,ptmxmode=666,gid=5");
	mount_or_fail("mqueue", "/dev/mqueue", "mqueue", none, NULL);
	/* udev makes these elsewhere; bash's <(...) does not work without. */
	if (symlink("/proc/self/fd", "/dev/fd") ||
	    symlink("/proc/self/fd/0", "/dev/stdin") ||
	    symlink("/proc/self/fd/1", "/dev/stdout") ||
	    symlink("/proc/self/fd/2", "/dev/stderr"))
		fail("links in /dev: %s", strerror(errno));
	mount_if_there("debugfs", "/sys/kernel/debug");
	mount_if_there("tracefs", "/sys/kernel/tracing");
	/* The project as it is on the host; what is built does not change. */
	mount_share("project", "/opt/hugepool", MS_RDONLY, "cache=loose");
	if (getenv("hugepool_share"))
		/* Every write reaches the host at once, to survive a panic. */
		mount_share("share", "/share", 0, "cache=none");
}

static void mount_cgroup(void)
{
	static const char *const controllers[] = {
		"+memory", "+cpuset", "+cpu", "+io", "+pids", "+hugetlb",
	};
	const char *control = "/sys/fs/cgroup/cgroup.subtree_control";
	unsigned int i;
	int ret;

	mount_or_fail("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL);
	for (i = 0; i < sizeof(controllers) / sizeof(*controllers); i++) {
		ret = write_file(control, controllers[i]);
		/* The first two are promised, the others welcome. */
		if (ret && i < 2)
			fail("%s in %s: %s", controllers[i], control,
			     strerror(-ret));
	}
}

static void network_up(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	if (!ioctl(fd, SIOCGIFFLAGS, &request)) {
		request.ifr_flags |= IFF_UP;
		ioctl(fd, SIOCSIFFLAGS, &request);
	}
	close(fd);
}

static void set_up(void)
{
	mount_or_fail("proc", "/proc", "proc", 0, NULL);
	mount_or_fail("sysfs", "/sys", "sysfs", 0, NULL);
	if (mount("devtmpfs", "/dev", "devtmpfs", 0, NULL) && errno != EBUSY)
		fail("mount /dev: %s", strerror(errno));
	open_port();
	mount_root();
	mount_rest();
	mount_cgroup();
	network_up();
	if (sethostname("hugepool", strlen("hugepool")))
		fail("sethostname: %s", strerror(errno));
}

/* Cuts the 'R' message into strings; argv and env point into it. */
static void parse_job(struct job *job, char *data, size_t len)
{
	static char *strings[MAX_STRINGS + 1];
	char *p = data, *end = data + len;
	unsigned int n = 0, i;

	for (; p < end && n < MAX_STRINGS; p += strlen(p) + 1)
		strings[n++] = p;
	if (p < end)
		fail("the command has more than %d words", MAX_STRINGS);
	strings[n] = NULL;
	for (i = 2; i < n && *strings[i]; i++)
		;
	if (i + 1 >= n)
		fail("no command in the host's message");
	strings[i] = NULL;
	job->cwd = strings[0];
	job->tty = !strcmp(strings[1], "tty");
	job->env = strings + 2;
	job->argv = strings + i + 1;
}

/* The prompt of --interactive lives on the virtio console. */
static void take_terminal(void)
{
	const char *rows = getenv("LINES"), *columns = getenv("COLUMNS");
	struct winsize size = {
		.ws_row = rows ? atoi(rows) : 24,
		.ws_col = columns ? atoi(columns) : 80,
	};
	int fd = open("/dev/hvc0", O_RDWR);

	if (fd < 0 || ioctl(fd, TIOCSCTTY, 1) < 0)
		fail("/dev/hvc0: %s", strerror(errno));
	ioctl(fd, TIOCSWINSZ, &size);
	dup2(fd, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	if (fd > 2)
		close(fd);
}

static void __attribute__((noreturn))
run_child(const struct job *job, int out, int err)
{
	sigset_t none;
	int null, code;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	clearenv();
	for (char **e = job->env; *e; e++)
		putenv(*e);
	if (job->tty) {
		take_terminal();
	} else {
		null = open("/dev/null", O_RDONLY);
		dup2(null, 0);
		dup2(out, 1);
		dup2(err, 2);
		if (null > 2)
			close(null);
	}
	if (chdir(job->cwd))
		dprintf(2, "%s: %s\n", job->cwd, strerror(errno));
	execvpe(job->argv[0], job->argv, job->env);
	code = errno == ENOENT ? 127 : 126;
	dprintf(2, "%s: %s\n", job->argv[0], strerror(errno));
	_exit(code);
}

/* Passes on some of what is in a pipe; false once there is no more to come. */
static bool relay(int fd, char type)
{
	static char buf[65536];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n > 0)
		send_message(type, buf, n);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/*
 * Passes on what a command wrote before it ended.  Something it left running
 * may go on writing for ever: no more than a pipe can hold is taken.
 */
static void drain(int fd, char type)
{
	int size = fcntl(fd, F_GETPIPE_SZ), left = 0;

	if (ioctl(fd, FIONREAD, &left) || left > size)
		left = size;
	for (; left > 0 && relay(fd, type); left -= 65536)
		;
}

/* Handles one message if it is not of the type that is waited for. */
static bool handle_host(char wanted, char **data, size_t *len)
{
	char type = receive_message(data, len);

	if (type == wanted)
		return true;
	free(*data);
	if (type == 'D') {
		/* Blocked tasks, then what every CPU is doing. */
		write_file("/proc/sysrq-trigger", "w");
		write_file("/proc/sysrq-trigger", "l");
	}
	return false;
}

/* Reaps whatever has ended; true when that was the command itself. */
static bool reap(int sigfd, pid_t command, int *status)
{
	struct signalfd_siginfo info;
	bool ended = false;
	int one;
	pid_t pid;

	while (read(sigfd, &info, sizeof(info)) > 0)
		;
	while ((pid = waitpid(-1, &one, WNOHANG)) > 0) {
		if (pid == command) {
			*status = one;
			ended = true;
		}
	}
	return ended;
}

/* Runs the command to its end and returns its wait status. */
static int serve(const struct job *job)
{
	int out[2], err[2], sigfd, status = 0;
	bool ended = false;
	sigset_t chld;
	size_t len;
	char *data;
	pid_t pid;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	sigfd = signalfd(-1, &chld, SFD_NONBLOCK | SFD_CLOEXEC);
	if (sigfd < 0 || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		fail("signalfd, pipe: %s", strerror(errno));
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(err[0], F_SETFL, O_NONBLOCK);
	pid = fork();
	if (pid < 0)
		fail("fork: %s", strerror(errno));
	if (!pid)
		run_child(job, out[1], err[1]);
	close(out[1]);
	close(err[1]);

	while (!ended) {
		struct pollfd fds[] = {
			{ .fd = port, .events = POLLIN },
			{ .fd = sigfd, .events = POLLIN },
			{ .fd = out[0], .events = POLLIN },
			{ .fd = err[0], .events = POLLIN },
		};

		if (poll(fds, 4, -1) < 0)
			continue;
		if (fds[2].revents && !relay(out[0], 'O'))
			out[0] = -1;	/* poll() passes over -1 */
		if (fds[3].revents && !relay(err[0], 'E'))
			err[0] = -1;
		if (fds[1].revents)
			ended = reap(sigfd, pid, &status);
		if (fds[0].revents)
			handle_host(0, &data, &len);
	}
	if (out[0] >= 0)
		drain(out[0], 'O');
	if (err[0] >= 0)
		drain(err[0], 'E');
	return status;
}

int main(void)
{
	char result[64], taint[32], *data;
	struct job job;
	size_t len;
	int status;

	umask(022);
	set_up();
	send_message('B', "", 0);
	while (!handle_host('R', &data, &len))
		;
	parse_job(&job, data, len);
	status = serve(&job);

	if (!read_file("/proc/sys/kernel/tainted", taint, sizeof(taint)))
		snprintf(taint, sizeof(taint), "unreadable");
	snprintf(result, sizeof(result), "%d %s",
		 WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				       WEXITSTATUS(status), taint);
	send_message('X', result, strlen(result));
	/* Not before the host has it all: the port's queue dies with us. */
	while (!handle_host('K', &data, &len))
		;
	power_off();
}
