// SPDX-License-Identifier: GPL-2.0-only
/*
 * A node below /dev as a process sees it: a child of ours takes the process'
 * root, user, groups, user namespace and those capabilities that override
 * permissions, and asks the kernel. So owners, modes, ACLs and mounts count as
 * they would. Nodes are found by O_PATH, which does not open them: a group that
 * is open is busy.
 *
 * The child stays in our cgroup: memory that it uses in another one could be
 * what that cgroup has too little of. Ours, which access() asks too, answers
 * EPERM.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <linux/securebits.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/outside.h"
#include "vfiodoctor_eyes.h"

#define PATIENCE_MS 5000
#define FILE_CAPS   (1 << CAP_DAC_OVERRIDE | 1 << CAP_DAC_READ_SEARCH)

struct seen {
	enum eyes_status status;
	struct eyes eyes;
};

static void whose_name(struct eyes_user *user)
{
	const struct passwd *entry = getpwuid(user->uid);
	const char *name =
		entry ? outside_word(OUTSIDE_NAME, entry->pw_name) : NULL;

	if (name)
		snprintf(user->name, sizeof(user->name), "%s", name);
	else
		snprintf(user->name, sizeof(user->name), "%u", user->uid);
}

static void read_groups(struct eyes_user *user, const char *text)
{
	unsigned int gid;
	int used = 0;
	void *more;

	while (sscanf(text, "%u%n", &gid, &used) == 1) {
		text += used;
		more = realloc(user->groups,
			       (user->group_count + 1) * sizeof(gid_t));
		if (!more)
			return;
		user->groups = more;
		user->groups[user->group_count++] = gid;
	}
}

bool eyes_user(struct eyes_user *user, pid_t pid)
{
	unsigned long long caps;
	char path[64], *line = NULL;
	size_t room = 0;
	FILE *f;

	memset(user, 0, sizeof(*user));
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (getline(&line, &room, f) > 0) {
		/* The last is that for files. */
		sscanf(line, "Uid: %*u %*u %*u %u", &user->uid);
		sscanf(line, "Gid: %*u %*u %*u %u", &user->gid);
		if (sscanf(line, "CapEff: %llx", &caps) == 1)
			user->caps = caps & FILE_CAPS;
		if (!strncmp(line, "Groups:", 7))
			read_groups(user, line + 7);
	}
	free(line);
	fclose(f);
	whose_name(user);
	return true;
}

static bool same_groups(const struct eyes_user *a, const struct eyes_user *b)
{
	return a->group_count == b->group_count &&
	       (!a->group_count ||
		!memcmp(a->groups, b->groups, a->group_count * sizeof(gid_t)));
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool take_caps(uint64_t caps)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
		{.effective = caps, .permitted = caps}};

	return !syscall(SYS_capset, &head, data);
}

/* The user first: entering the namespace takes capabilities of ours, and gives
 * those of that namespace.
 */
static bool become(const struct eyes_user *user, int user_ns)
{
	struct eyes_user own;
	struct stat here, there;

	if (stat("/proc/self/ns/user", &here) || fstat(user_ns, &there))
		return false;
	if (!eyes_user(&own, getpid()))
		return false;
	if (same_file(&here, &there) && own.uid == user->uid &&
	    own.gid == user->gid && own.caps == user->caps &&
	    same_groups(&own, user))
		return true;
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) ||
	    setgroups(user->group_count, user->groups) ||
	    setresgid(user->gid, user->gid, user->gid) ||
	    setresuid(user->uid, user->uid, user->uid))
		return false;
	if (!same_file(&here, &there) && setns(user_ns, CLONE_NEWUSER))
		return false;
	return take_caps(user->caps);
}

static int find(int root, const char *path)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC,
			       .resolve = RESOLVE_IN_ROOT};

	return syscall(SYS_openat2, root, path, &how, sizeof(how));
}

/* Which folder on the way hinders. */
static void who_closes(int root, const char *path, struct eyes_node *node)
{
	char folder[sizeof(node->closed)];
	const char *slash = path;
	int fd;

	while ((slash = strchr(slash + 1, '/'))) {
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path),
			 path);
		fd = find(root, folder);
		if (fd < 0)
			return;
		close(fd);
		memcpy(node->closed, folder, sizeof(folder));
	}
}

static void look_at(int root, const char *path, struct eyes_node *node)
{
	struct statvfs mount;
	struct stat file;
	int fd = find(root, path);

	if (fd < 0) {
		node->missing = errno;
		if (node->missing == EACCES)
			who_closes(root, path, node);
		return;
	}
	if (fstat(fd, &file) || fstatvfs(fd, &mount)) {
		node->missing = errno;
		return;
	}
	node->device = S_ISCHR(file.st_mode);
	node->number = file.st_rdev;
	node->uid = file.st_uid;
	node->mode = file.st_mode & 07777;
	node->nodev = mount.f_flag & ST_NODEV;
	if (syscall(SYS_faccessat2, fd, "", R_OK | W_OK,
		    AT_EACCESS | AT_EMPTY_PATH))
		node->refused = errno;
	close(fd);
}

static int open_of(pid_t pid, const char *what, int flags)
{
	char path[64];

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
	else
		snprintf(path, sizeof(path), "/proc/self/%s", what);
	return open(path, flags | O_CLOEXEC);
}

static void look(struct seen *seen, pid_t pid, const struct eyes_user *user,
		 const char *const paths[EYES_NODES])
{
	int root = open_of(pid, "root", O_PATH | O_DIRECTORY);
	int user_ns = open_of(pid, "ns/user", O_RDONLY);
	int ns = open_of(pid, "ns/mnt", O_RDONLY);
	struct stat own[2], other[2];

	if (root < 0 || user_ns < 0 || ns < 0) {
		seen->status = errno == EACCES || errno == EPERM
				       ? EYES_NEEDS_ROOT
				       : EYES_GONE;
		return;
	}
	if (!stat("/proc/self/ns/mnt", &own[0]) && !stat("/", &own[1]) &&
	    !fstat(ns, &other[0]) && !fstat(root, &other[1]))
		seen->eyes.elsewhere = !same_file(&own[0], &other[0]) ||
				       !same_file(&own[1], &other[1]);
	if (!become(user, user_ns)) {
		seen->status = EYES_NEEDS_ROOT;
		return;
	}
	for (int i = 0; i < EYES_NODES; i++)
		look_at(root, paths[i], &seen->eyes.nodes[i]);
}

/* A file system that does not answer must not hold us up. */
static bool await(int fd, pid_t child, struct seen *seen)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	bool told = poll(&ready, 1, PATIENCE_MS) == 1 &&
		    read(fd, seen, sizeof(*seen)) == sizeof(*seen);

	kill(child, SIGKILL);
	waitpid(child, NULL, told ? 0 : WNOHANG);
	return told;
}

enum eyes_status eyes_look(struct eyes *eyes, pid_t pid,
			   const struct eyes_user *user,
			   const char *const paths[EYES_NODES])
{
	struct seen seen = {};
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return EYES_SLOW;
	child = fork();
	if (!child) {
		look(&seen, pid, user, paths);
		_exit(write(ends[1], &seen, sizeof(seen)) != sizeof(seen));
	}
	close(ends[1]);
	if (child < 0 || !await(ends[0], child, &seen))
		seen.status = EYES_SLOW;
	close(ends[0]);
	*eyes = seen.eyes;
	return seen.status;
}
