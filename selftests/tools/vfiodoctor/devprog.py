# SPDX-License-Identifier: GPL-2.0-only
# BPF programs that say which devices a cgroup's processes may open.
#
# devprog.py CGROUP: reads lines "allow MAJOR", "all" and "map" (allows all, having
# looked into a map), attaches such a program in place of the one before, and says
# the line again. At the end of its input nothing is left attached.
import ctypes
import os
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)
SYS_BPF = 321
MAP_CREATE, PROG_LOAD, PROG_ATTACH, PROG_DETACH = 0, 5, 8, 9
PROG_TYPE_CGROUP_DEVICE, CGROUP_DEVICE, MAP_TYPE_ARRAY = 15, 6, 2


def bpf(command, attr):
    attr = ctypes.create_string_buffer(attr.ljust(128, b"\0"))
    got = libc.syscall(SYS_BPF, command, attr, 128)
    if got < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return got


def insn(code, dst=0, src=0, off=0, imm=0):
    return struct.pack("<BBhi", code, dst | src << 4, off, imm)


EXIT = insn(0x95)


def load(code):
    text = ctypes.create_string_buffer(code)
    name = ctypes.create_string_buffer(b"GPL")
    return bpf(PROG_LOAD, struct.pack("<IIQQIIQ", PROG_TYPE_CGROUP_DEVICE, len(code) // 8,
                                      ctypes.addressof(text), ctypes.addressof(name), 0, 0, 0))


def program(words):
    if words[0] == "allow":
        # As systemd has it: the type and the access apart, then the number.
        return load(insn(0x61, 2, 1, 0) + insn(0x54, 2, 0, 0, 0xffff) +
                    insn(0x61, 3, 1, 0) + insn(0x74, 3, 0, 0, 16) +
                    insn(0x61, 4, 1, 4) + insn(0x61, 5, 1, 8) +
                    insn(0x55, 2, 0, 3, 2) + insn(0x55, 4, 0, 2, int(words[1])) +
                    insn(0xb7, 0, 0, 0, 1) + EXIT +
                    insn(0xb7, 0, 0, 0, 0) + EXIT)
    if words[0] == "all":
        return load(insn(0xb7, 0, 0, 0, 1) + EXIT)
    table = bpf(MAP_CREATE, struct.pack("<IIII", MAP_TYPE_ARRAY, 4, 4, 1))
    return load(insn(0x62, 10, 0, -4, 0) + insn(0xbf, 2, 10) + insn(0x07, 2, 0, 0, -4) +
                insn(0x18, 1, 1, 0, table) + insn(0) + insn(0x85, 0, 0, 0, 1) +
                insn(0xb7, 0, 0, 0, 1) + EXIT)


group = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECTORY)
attached = None
for line in sys.stdin:
    fresh = program(line.split())
    if attached is not None:
        bpf(PROG_DETACH, struct.pack("<III", group, attached, CGROUP_DEVICE))
        os.close(attached)
    bpf(PROG_ATTACH, struct.pack("<IIII", group, fresh, CGROUP_DEVICE, 0))
    attached = fresh
    print(line, end="", flush=True)
if attached is not None:
    bpf(PROG_DETACH, struct.pack("<III", group, attached, CGROUP_DEVICE))
