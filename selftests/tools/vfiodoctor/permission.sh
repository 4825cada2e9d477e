# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Who may open a group, as a process sees it: nodes, numbers, owners, ACLs,
# capabilities, namespaces, mounts, cgroups. Each way is tried with open() as well.

# Another process, as somebody else or somewhere else: its pid is in $other.
other_start() {
	local tries
	rm -f "$work/other"
	# That user may not write there.
	"$@" bash -c 'echo $$ >&4; exec sleep 60' 4>"$work/other" &
	other_job=$!
	for ((tries = 0; tries < 200; tries++)); do
		[ ! -s "$work/other" ] || break
		pause 0.05
	done
	other=$(cat "$work/other")
}

other_end() {
	kill "$other"
	wait $other_job 2>/dev/null
}

# opens NAME STATUS: whether both nodes can be opened by what $joined leads to.
opens() {
	"${joined[@]}" bash -c "
		for node in $node /dev/vfio/vfio; do
			: <\$node && dd if=/dev/null of=\$node conv=nocreat,notrunc || exit 1
		done" 2>/dev/null
	is "open: $1" "$2" "$?"
}

test_permission_nodes() {
	mv "$node" "$node.away"
	diagnose FAIL permission "$node is missing, though the kernel has the device ready (ENOENT)" --only permission "$doctor_bdf"
	treat
	diagnose OK permission "root may open $node, mode 0600, and /dev/vfio/vfio" --only permission "$doctor_bdf"
	is "the node has its number again" "$(stat -c %t:%T "$node.away")" "$(stat -c %t:%T "$node")"
	rm "$node"
	mknod "$node" c 244 177
	diagnose FAIL permission "$node is not the device's node: it is c 244:177, the kernel's number is" --only permission "$doctor_bdf"
	treat
	diagnose OK permission "root may open $node" --only permission "$doctor_bdf"
	rm "$node"
	mv "$node.away" "$node"

	chmod 600 /dev/vfio/vfio
	chown nobody "$node"
	doctor_as=(setpriv --reuid=nobody --clear-groups --bounding-set=-all --inh-caps=-all)
	joined=("${doctor_as[@]}")
	opens "the container is root's" 1
	diagnose FAIL permission "nobody may not open /dev/vfio/vfio, mode 0600 (EACCES)" --only permission "$doctor_bdf"
	treat
	diagnose OK permission "nobody may open $node" --only permission "$doctor_bdf"
	opens "and now" 0
	chmod 700 /dev/vfio
	diagnose FAIL permission "nobody may not search /dev/vfio, where $node is (EACCES)" --only permission "$doctor_bdf"
	treat
	diagnose OK permission "nobody may open $node" --only permission "$doctor_bdf"
	chmod 755 /dev/vfio
	chown root "$node"
	doctor_as=()
}

# An access list as the kernel keeps it: the owner, user 65534, the group, the mask.
acl() {
	python3 -c '
import os, struct, sys
entry = lambda tag, perm, who=0xffffffff: struct.pack("<HHI", tag, perm, who)
os.setxattr(sys.argv[1], "system.posix_acl_access", struct.pack("<I", 2) + entry(1, 6) +
	entry(2, 6, 65534) + entry(4, 0) + entry(16, int(sys.argv[2])) + entry(32, 0))' "$@"
}

# permitted WHY STATUS: what is said of the other process.
permitted() {
	diagnose "$2" permission "${3:-may open $node}" --only permission -p "$other" --only permission "$doctor_bdf"
}

test_permission_users() {
	local as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	joined=("${as[@]}")
	acl "$node" 6
	other_start "${as[@]}"
	opens "an access list names the user" 0
	permitted "an access list" OK
	acl "$node" 4
	opens "its mask lets nobody write" 1
	permitted "a mask" FAIL "nobody may not open $node"
	other_end
	python3 -c 'import os, sys; os.removexattr(sys.argv[1], "system.posix_acl_access")' "$node"

	chgrp 60 "$node"
	chmod 660 "$node"
	other_start setpriv --reuid=65534 --regid=65534 --groups=7,60
	joined=(setpriv --reuid=65534 --regid=65534 --groups=7,60)
	opens "a group among others" 0
	permitted "a group" OK
	other_end
	chgrp 0 "$node"
	chmod 600 "$node"

	as=(setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=+dac_override --ambient-caps=+dac_override)
	joined=("${as[@]}")
	other_start "${as[@]}"
	opens "CAP_DAC_OVERRIDE" 0
	permitted "a capability" OK
	other_end

	# Root of its own user namespace has all capabilities, over its own files.
	as=(setpriv --reuid=65534 --regid=65534 --clear-groups unshare -U --map-root-user)
	joined=("${as[@]}")
	other_start "${as[@]}"
	opens "root of a user namespace" 1
	permitted "a user namespace" FAIL "may not open $node"
	treat
	permitted "a user namespace" OK
	opens "now the node is its own" 0
	other_end
	chown root "$node"
}

test_permission_mounts() {
	other_start unshare -m bash -c 'mount -t tmpfs t /dev/vfio; exec "$@"' --
	joined=(nsenter -t "$other" -m)
	opens "a mount namespace without the nodes" 1
	permitted "other mounts" FAIL "$node is missing where the process looks"
	treat
	permitted "other mounts" OK
	opens "now they are there" 0
	nsenter -t "$other" -m mount -o remount,nodev /dev/vfio
	opens "nodev" 1
	permitted "nodev" FAIL "$node is on a file system that is mounted nodev"
	other_end

	mkdir -p "$work/jail/dev/vfio" "$work/jail/all"
	mount --rbind / "$work/jail/all"
	other_start unshare --root="$work/jail/all"
	permitted "the same by another root" OK
	other_end
	umount -l "$work/jail/all"
}

test_permission_list() {
	local list=/run/doctor-devices
	mkdir -p "$list"
	mount -t cgroup -o devices d "$list" 2>/dev/null || {
		echo "# SKIP: the kernel has no cgroup v1 of devices"
		return
	}
	mkdir "$list/pod"
	echo a >"$list/pod/devices.deny"
	echo 'c 1:* rwm' >"$list/pod/devices.allow"
	mkdir "$list/pod/box"
	other_start bash -c 'echo $$ >"$0"; exec "$@"' "$list/pod/box/cgroup.procs"
	joined=(bash -c 'echo $$ >"$0"; exec "$@"' "$list/pod/box/cgroup.procs")
	opens "a list of devices refuses" 1
	permitted "a list" FAIL "its device cgroup, /pod/box, refuses by its list of devices (EPERM): $node, c "
	treat
	permitted "a list" OK
	opens "now it allows" 0
	echo 'c 10:196 r' >"$list/pod/devices.deny"
	opens "it may be read, not written" 1
	permitted "half of it" FAIL "refuses by its list of devices (EPERM): /dev/vfio/vfio, c 10:196"
	other_end
	rmdir "$list/pod/box" "$list/pod"
	umount "$list"
	rmdir "$list"
}

test_permission_program() {
	local group=/sys/fs/cgroup/doctor
	mkdir -p "$group/box"
	joined=(bash -c 'echo $$ >"$0"; exec "$@"' "$group/box/cgroup.procs")
	other_start "${joined[@]}"
	permitted "no program" OK
	local to from said
	mkfifo "$work"/{to,from}
	python3 "$here/vfiodoctor/devprog.py" "$group" <"$work/to" >"$work/from" &
	local programs_job=$!
	exec {to}>"$work/to" {from}<"$work/from"
	# program WHAT: attaches one that allows c MAJOR:* and no other.
	program() {
		echo "$*" >&"$to"
		read -r -t 30 said <&"$from"
		is "a program is attached" "$*" "$said"
	}
	program allow 1
	opens "a program of the parent refuses" 1
	permitted "a program" FAIL "its device cgroup, /doctor/box, refuses by a BPF program (EPERM): $node, c "
	program allow "$(stat -c %Hr "$node")"
	opens "the container yet" 1
	permitted "a program" FAIL "refuses by a BPF program (EPERM): /dev/vfio/vfio, c 10:196"
	program all
	opens "one that allows all" 0
	permitted "a program" OK
	program map
	opens "one that looks into a map" 0
	permitted "a program" WARN "is not known: it may refuse (EPERM)"
	exec {to}>&- {from}<&-
	wait $programs_job
	ok $? "the programs go"
	rm "$work"/{to,from}
	other_end
	for ((said = 0; said < 50; said++)); do
		rmdir "$group/box" "$group" 2>/dev/null && break
		pause 0.1
	done
}

test_permission_staged() {
	local node other other_job joined doctor_as=()
	node=/dev/vfio/$(basename "$(realpath /sys/bus/pci/devices/$doctor_bdf/iommu_group)")
	test_permission_nodes
	test_permission_users
	test_permission_mounts
	test_permission_list
	test_permission_program
}

test_doctor_permission() {
	local node doctor_as=(setpriv --reuid=nobody --clear-groups --bounding-set=-all --inh-caps=-all)
	node=/dev/vfio/$(basename "$(realpath /sys/bus/pci/devices/$doctor_bdf/iommu_group)")
	chmod 600 "$node"
	diagnose FAIL permission "nobody may not open $node, mode 0600 (EACCES)" --only permission "$doctor_bdf"
	treat
	diagnose OK permission "nobody may open $node" "$doctor_bdf"
	is "without root, what needs it says so" 5 "$(grep -c '"n/a","found":"[^"]*needs root' "$work/doctor.json")"
	chown root "$node"
}
