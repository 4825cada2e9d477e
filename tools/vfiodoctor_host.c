// SPDX-License-Identifier: GPL-2.0-only
/* vfiodoctor's checks of the host: IOMMU, modules, interrupts, unbinding. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lib/host.h"
#include "lib/names.h"
#include "vfiodoctor.h"

/* The firmware's tables say that there is an IOMMU, whether or not the kernel
 * was told to use it.
 */
static void say_iommu_off(struct doctor *d)
{
	bool intel = sysfs_exists("/sys/firmware/acpi/tables/DMAR");
	bool amd = sysfs_exists("/sys/firmware/acpi/tables/IVRS");
	char vm[160];

	if (!intel && !amd && sysfs_exists("/sys/firmware/acpi/tables/VIOT")) {
		doctor_say(d, DOCTOR_FAIL,
			   "this VM has a virtio-iommu (VIOT), the kernel does "
			   "not use it");
		doctor_fix(d, "modprobe virtio_iommu");
		doctor_fix(d, "# before other drivers have their devices: put "
			      "it into the initramfs");
		return;
	}
	if (!intel && !amd && machine_is_vm(vm, sizeof(vm))) {
		doctor_say_vm(d, vm);
		return;
	}
	if (!intel && !amd) {
		doctor_say(d, DOCTOR_FAIL,
			   "none, and the firmware offers none: switch VT-d, "
			   "AMD-Vi or IOMMU on in its setup");
		doctor_fix(d, "systemctl reboot --firmware-setup");
		return;
	}
	doctor_say(d, DOCTOR_FAIL,
		   "the firmware offers one (%s), the kernel does not use it",
		   intel ? "DMAR" : "IVRS");
	doctor_fix(d,
		   "sed -i 's/^GRUB_CMDLINE_LINUX=\"/&%s /' /etc/default/grub",
		   intel ? "intel_iommu=on" : "amd_iommu=on");
	doctor_fix(d, "update-grub && reboot");
}

static size_t group_count(void)
{
	struct sysfs_list groups = sysfs_list("/sys/kernel/iommu_groups");

	size_t count = groups.count;

	sysfs_list_free(&groups);
	return count;
}

static void check_iommu(struct doctor *d)
{
	struct sysfs_list units = sysfs_list("/sys/class/iommu");
	size_t groups = group_count();

	if (groups)
		doctor_say(d, DOCTOR_OK, "%s%s, %zu groups",
			   units.count ? units.names[0] : "present",
			   units.count > 1 ? " and more" : "", groups);
	else
		say_iommu_off(d);
	sysfs_list_free(&units);
}

/* Whether modprobe would find it: modules.dep lists it, or it is built in. */
static bool loadable(const char *module)
{
	static const char *const lists[] = {"modules.dep", "modules.builtin"};
	char file[64], line[1024];
	struct utsname kernel;
	bool found = false;
	FILE *f;

	uname(&kernel);
	snprintf(file, sizeof(file), "/%s.ko", module);
	for (int i = 0; i < 2 && !found; i++) {
		f = sysfs_open("/lib/modules/%s/%s", kernel.release, lists[i]);
		while (f && !found && fgets(line, sizeof(line), f)) {
			line[strcspn(line, ":\n")] = '\0';
			found = strstr(line, file);
		}
		if (f)
			fclose(f);
	}
	return found;
}

/* Ours are from outside the kernel's tree, which marks them for good. */
static const char *source_of(const char *module)
{
	char taint[16];

	if (!sysfs_read(taint, sizeof(taint), "/sys/module/%s/taint", module))
		return "built in";
	return strchr(taint, 'O') ? "vfioscope's" : "the kernel's";
}

static void say_not_loaded(struct doctor *d, const char *modules)
{
	if (loadable("vfio-pci") && loadable("vfio_iommu_type1")) {
		doctor_say(d, DOCTOR_FAIL, "not loaded:%s", modules);
		doctor_fix(d, "modprobe -a vfio-pci vfio_iommu_type1");
		doctor_fix(d, "# until the next boot; for good: both names in "
			      "/etc/modules-load.d/vfio.conf");
		return;
	}
	doctor_say(d, DOCTOR_FAIL,
		   "not loaded, and not to be found by modprobe:%s", modules);
	doctor_fix(d, "apt-get install --reinstall linux-image-$(uname -r)");
	doctor_fix(d, "depmod && modprobe -a vfio-pci vfio_iommu_type1");
}

static void check_modules(struct doctor *d)
{
	static const char *const needed[] = {"vfio", "vfio_iommu_type1",
					     "vfio_pci"};
	char version[32], missing[128] = "";
	const char *core, *type1;

	for (int i = 0; i < 3; i++)
		if (!sysfs_exists("/sys/module/%s", needed[i]))
			snprintf(missing + strlen(missing),
				 sizeof(missing) - strlen(missing), " %s",
				 needed[i]);
	if (*missing) {
		say_not_loaded(d, missing);
		return;
	}
	core = source_of("vfio");
	type1 = source_of("vfio_iommu_type1");
	sysfs_read(version, sizeof(version), "/sys/module/vfio/version");
	if (strcmp(core, type1)) {
		doctor_say(d, DOCTOR_FAIL,
			   "vfio is %s, vfio_iommu_type1 is %s: load both "
			   "anew, with no device in use",
			   core, type1);
		doctor_fix(d, "modprobe -r vfio-pci vfio_iommu_type1 vfio");
		doctor_fix(d, "depmod && modprobe -a vfio-pci "
			      "vfio_iommu_type1");
		return;
	}
	doctor_say(d, DOCTOR_OK, "loaded, %s%s%s%s", core,
		   *version ? ", vfio " : "", version,
		   sysfs_exists("/sys/module/vfio_virqfd")
			   ? ", vfio_virqfd apart"
			   : "");
}

/* The kernel marks interrupt controllers that go through the IOMMU by IR-. */
static bool interrupts_remapped(void)
{
	FILE *f = sysfs_open("/proc/interrupts");
	bool found = false;
	char *line = NULL;
	size_t room = 0;

	while (f && !found && getline(&line, &room, f) > 0)
		found = strstr(line, " IR-");
	free(line);
	if (f)
		fclose(f);
	return found;
}

#define UNSAFE "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"

static void check_interrupts(struct doctor *d)
{
	char allowed[8], vm[160];

	if (!group_count()) {
		doctor_say(d, DOCTOR_NA, "there is no IOMMU");
		return;
	}
	if (interrupts_remapped()) {
		doctor_say(d, DOCTOR_OK, "remapped by the IOMMU");
		return;
	}
	sysfs_read(allowed, sizeof(allowed), UNSAFE);
	if (*allowed == 'Y') {
		doctor_say(d, DOCTOR_WARN,
			   "not remapped, allowed all the same: a guest's "
			   "device can forge any interrupt");
		return;
	}
	doctor_say(d, DOCTOR_FAIL,
		   "not remapped: attaching a group fails (EPERM). %s; if all "
		   "guests are trusted, allow it",
		   machine_is_vm(vm, sizeof(vm))
			   ? "This is a VM: its host must give its IOMMU "
			     "intremap=on"
			   : "Switch it on in the firmware (x2APIC, intremap)");
	doctor_fix(d, "modprobe vfio_iommu_type1");
	doctor_fix(d, "echo 1 >" UNSAFE);
	doctor_fix(d, "# until the next boot; for good: options "
		      "vfio_iommu_type1 allow_unsafe_interrupts=1 in "
		      "/etc/modprobe.d");
}

/* A task that waits in the kernel until a device's users let go of it. */
static bool task_waits(const char *pid, const char *tid)
{
	char stack[4096];

	if (!sysfs_read(stack, sizeof(stack), "/proc/%s/task/%s/stack", pid,
			tid))
		return false;
	return strstr(stack, "vfio_unregister_group_dev") ||
	       strstr(stack, "vfio_del_group_dev");
}

static bool process_waits(const char *pid)
{
	struct sysfs_list tasks = sysfs_list("/proc/%s/task", pid);
	bool waits = false;

	for (size_t i = 0; i < tasks.count && !waits; i++)
		waits = task_waits(pid, tasks.names[i]);
	sysfs_list_free(&tasks);
	return waits;
}

static void check_unbind(struct doctor *d)
{
	char comm[32], stack[16];
	struct dirent *entry;
	DIR *proc;

	if (!sysfs_read(stack, sizeof(stack), "/proc/self/stack")) {
		doctor_say(d, DOCTOR_NA,
			   "needs root: /proc/PID/stack is for CAP_SYS_ADMIN");
		return;
	}
	doctor_say(d, DOCTOR_OK, "nobody waits for a device");
	proc = opendir("/proc");
	while (proc && (entry = readdir(proc))) {
		if (!strtol(entry->d_name, NULL, 10) ||
		    !process_waits(entry->d_name))
			continue;
		names_comm(atoi(entry->d_name), comm, sizeof(comm));
		doctor_say(d, DOCTOR_FAIL,
			   "pid %s (%s) takes a device from its driver and "
			   "waits for who uses it; close that",
			   entry->d_name, comm);
		doctor_fix(d, "vfioholders");
		break;
	}
	if (proc)
		closedir(proc);
}

const struct doctor_check doctor_host_checks[] = {
	{"iommu", check_iommu},
	{"modules", check_modules},
	{"interrupts", check_interrupts},
	{"unbind", check_unbind},
	{},
};
