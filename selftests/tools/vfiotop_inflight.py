# SPDX-License-Identifier: GPL-2.0-only
"""A map of memory that nobody has touched, and what vfiotop says meanwhile.

vfiotop is started in the middle of the map. Each row is compared, when it
comes, with the client's resident memory, which is what has been faulted in and
pinned; each estimate of the time left with when the map really ended. Then the
client takes a second mapping away, whose progress the kernel's count of unpinned
pages tells. At last it is killed, and the rows of its exit are looked at.

Prints TAP lines "ok NAME" and "not ok NAME" for the shell to count.

    vfiotop_inflight.py CLIENT MIB
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

client_path, mib = sys.argv[1], int(sys.argv[2])
size = mib << 20


def resident(pid):
    with open(f"/proc/{pid}/status") as f:
        found = re.search(r"VmRSS:\s+(\d+) kB", f.read())
    return int(found.group(1)) << 10 if found else 0


def unpinned():
    with open("/proc/vmstat") as f:
        return int(re.search(r"nr_foll_pin_released (\d+)", f.read()).group(1)) << 12


def check(good, name, seen=""):
    print(("ok " if good else "not ok ") + name)
    if not good and seen:
        print(f"# {seen}"[:900])


# A part of a CPU, so that the map takes long however fast this machine is, and
# keeps its pace however busy.
group = "/sys/fs/cgroup/inflight"
if not os.path.exists("/sys/fs/cgroup/cgroup.procs"):
    subprocess.run(["mount", "-t", "cgroup2", "none", "/sys/fs/cgroup"], check=True)
with open("/sys/fs/cgroup/cgroup.subtree_control", "w") as f:
    f.write("+cpu")
os.makedirs(group, exist_ok=True)


def slow_down(percent):
    with open(group + "/cpu.max", "w") as f:
        f.write(f"{percent * 1000} 100000")


slow_down(60)


def limited():
    with open(group + "/cgroup.procs", "w") as f:
        f.write("0")



client = subprocess.Popen([client_path, str(mib)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True, preexec_fn=limited)
assert client.stdout.readline() == "mapping\n"
before = resident(client.pid)
while resident(client.pid) < before + size // 10:
    time.sleep(0.02)
top = subprocess.Popen(["vfiotop", "--json", "0.2"], stdout=subprocess.PIPE, text=True)
ended = []
exited = []
unmap_began = []
unmap_ended = []


def wait_for_end():
    client.stdout.readline()
    ended.append(time.monotonic())


def unmap():
    client.stdin.write("\n")
    client.stdin.flush()
    client.stdout.readline()
    # A second of it may be all that there is to do.
    slow_down(3)
    unmap_began.append((time.monotonic(), unpinned()))
    client.stdin.write("\n")
    client.stdin.flush()
    client.stdout.readline()
    unmap_ended.append(time.monotonic())


def wait_for_exit():
    client.wait()
    exited.append(time.monotonic())
    time.sleep(1)
    top.terminate()


threading.Thread(target=wait_for_end).start()
rows = []
unmaps = []
teardown = []
unmapper = None
killed = None
while True:
    line = top.stdout.readline()
    now = time.monotonic()
    if not line:
        break
    row = json.loads(line)
    if row["pid"] != client.pid:
        continue
    flight = row["inflight"]
    if flight and flight["op"] == "unmap":
        unmaps.append((now, flight, unpinned()))
        if len(unmaps) == 8:
            slow_down(60)
    elif flight and flight["op"] == "map" and not unmapper:
        rows.append((now, flight, resident(client.pid) - before))
    elif flight and flight["op"] == "teardown":
        teardown.append((now, flight, row["pinned_bytes"]))
    if ended and not unmapper and now > ended[0] + 1:
        pinned = row["pinned_bytes"]
        unmapper = threading.Thread(target=unmap)
        unmapper.start()
    if unmap_ended and not killed and now > unmap_ended[0] + 0.5:
        os.kill(client.pid, signal.SIGKILL)
        killed = now
        threading.Thread(target=wait_for_exit).start()
top.wait()

check(len(rows) >= 5, "a map that began before vfiotop is shown in flight",
      f"{len(rows)} rows, map took until {ended}")
check(all(f["size"] == size for _, f, _ in rows), "its size is what was asked for", rows)
off = [abs(f["done"] - rss) / size for _, f, rss in rows]
check(off and max(off) <= 0.05, "its progress is within 5 % of the truth",
      [(f["done"], rss) for _, f, rss in rows])
known = {"fault", "pin", "iommu", "lock"}
check(all(f["phase"] in known for _, f, _ in rows), "it has a phase", rows)
check(any(f["phase"] == "fault" for _, f, _ in rows),
      "memory that nobody has touched is faulted in", [f["phase"] for _, f, _ in rows])


def paces(samples, now, done, end):
    """What was done a second in the 8 s before and in the last four of them, and
    from now to the end."""
    def since(start):
        then, had = next((t, d) for t, d, _ in samples if t >= start)
        return (done - had) / (now - then) if now > then else 0
    return since(now - 8), since(now - 4), (size - done) / (end - now)


# The machine that emulates this one has other work. Where it changed its pace
# nobody could have told the time left.
def check_estimates(samples, end, name):
    """Samples of the time, what was done by then, and the time left as told."""
    steady = []
    for now, done, eta in samples:
        if size / 2 < done < size and now < end:
            *past, future = paces(samples, now, done, end)
            if all(abs(pace - future) <= 0.15 * future for pace in past):
                steady.append((end - now, eta))
    # Shortly before the end, an interval between two rows is as near as can be told.
    wrong = [(left, eta) for left, eta in steady
             if eta is None or abs(eta / 1e9 - left) > max(0.25 * left, 0.2)]
    print(f"# {name}: {len(steady) - len(wrong)} of {len(steady)} estimates")
    # One in four may still be wrong: what is told is the pace of the last seconds,
    # not exactly of those eight, and between two rows the machine may do other work.
    if len(steady) < 3:
        print("# SKIP: this machine never kept its pace")
    else:
        check(4 * len(wrong) <= len(steady), name,
              f"{len(steady)} rows, wrong (truth s, said ns): {wrong}")


check_estimates([(now, rss, f["eta_ns"]) for now, f, rss in rows], ended[0],
                "the time left is within 25 % in the second half")
check(pinned == size, "after the map everything is pinned", pinned)
part = size // 4
released = unmap_began[0][1]
check(len(unmaps) >= 2, "a large unmap is shown in flight",
      f"{len(unmaps)} rows, from {unmap_began} to {unmap_ended}")
check(all(f["size"] == part for _, f, _ in unmaps), "its size is what was asked for", unmaps)
unmap_off = [abs(f["done"] - (seen - released)) / part for _, f, seen in unmaps]
# A row is some milliseconds old when it is read.
check(unmap_off and max(unmap_off) <= 0.15, "its progress is what was unpinned",
      [(f["done"], seen - released) for _, f, seen in unmaps])
check(all(f["phase"] in {"unpin", "iommu", "lock"} for _, f, _ in unmaps),
      "it has a phase of an unmap", [f["phase"] for _, f, _ in unmaps])
# The client may have had to wait for its part of the CPU before the call.
began = [now - f["elapsed_ns"] / 1e9 - unmap_began[0][0] for now, f, _ in unmaps]
check(began and min(began) > -0.1 and max(began) - min(began) < 0.5,
      "it tells since when", began)
check(bool(teardown), "the teardown after SIGKILL is shown", f"none of it; killed {killed}")
check(all(f["done"] <= f["size"] == size for _, f, _ in teardown),
      "the teardown's size is what was mapped", teardown)
done = [f["done"] for _, f, _ in teardown]
check(done == sorted(done), "the teardown goes on", done)
check_estimates([(now, f["done"], f["eta_ns"]) for now, f, _ in teardown], exited[0],
                "the teardown's time left is within 25 % in its second half")
print(f"# unmap: {len(unmaps)} rows in {unmap_ended[0] - unmap_began[0][0]:.1f} s, "
      f"largest error {max(unmap_off, default=0):.3f}")
print(f"# map: {len(rows)} rows, largest error {max(off, default=0):.3f} of the size; "
      f"teardown: {len(teardown)} rows")
