// SPDX-License-Identifier: GPL-2.0-only
/* Whether BPF can be used here at all. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host.h"
#include "tool.h"

bool host_file_has(const char *path, const char *what)
{
	char buf[256] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return false;
	len = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	return len > 0 && strstr(buf, what);
}

static bool locked_down(void)
{
	return host_file_has("/sys/kernel/security/lockdown",
			     "[confidentiality]");
}

static bool has_admin(void)
{
	unsigned long long caps = 0;
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "CapEff: %llx", &caps) == 1)
			break;
	if (f)
		fclose(f);
	return caps & (1ULL << 21); /* CAP_SYS_ADMIN */
}

const char *host_cannot(void)
{
	if (!has_admin())
		return "needs root: modules' BTF is only given to who has "
		       "CAP_SYS_ADMIN; try sudo";
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return "the kernel has no BTF (/sys/kernel/btf/vmlinux): use "
		       "one built with CONFIG_DEBUG_INFO_BTF=y";
	if (locked_down())
		return "the kernel is locked down (confidentiality), which "
		       "forbids BPF to read it: boot with "
		       "lockdown=integrity or less";
	return NULL;
}

bool host_check(void)
{
	const char *why = host_cannot();

	if (why)
		tool_error("%s", why);
	return !why;
}
