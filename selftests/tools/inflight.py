# SPDX-License-Identifier: GPL-2.0-only
"""A map of memory that nobody has touched, and what vfiotop says meanwhile.

vfiotop is started in the middle of the map. Each row is compared, when it
comes, with the client's resident memory, which is what has been faulted in and
pinned; each estimate of the time left with when the map really ended. Then the
client takes a second mapping away, whose progress the kernel's count of unpinned
pages tells. At last it is killed, and the rows of its exit are looked at.

Instructions are what this machine's clock counts, so the client keeps its pace, and
an estimate that is wrong is vfiotop's fault.

Prints TAP lines "ok NAME" and "not ok NAME" for the shell to count.

    inflight.py CLIENT MIB
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

INTERVAL = 0.2
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


# The one CPU is vfiotop's when it wants it: its start is not to take half the map.
client = subprocess.Popen([client_path, str(mib)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True,
                          preexec_fn=lambda: os.nice(10))
assert client.stdout.readline() == "mapping\n"
before = resident(client.pid)
while resident(client.pid) < before + size // 10:
    time.sleep(0.02)
top = subprocess.Popen(["vfiotop", "--json", str(INTERVAL)], stdout=subprocess.PIPE, text=True)
ended = []
exited = []
unmap_began = []
unmap_ended = []


def wait_for_end():
    ended.append(int(client.stdout.readline().split()[1]) / 1e9)


def unmap():
    client.stdin.write("\n")
    client.stdin.flush()
    client.stdout.readline()
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
    elif flight and flight["op"] == "map" and not unmapper:
        rows.append((now, flight, resident(client.pid) - before))
    elif flight and flight["op"] == "teardown":
        teardown.append((now, flight, unpinned()))
    if ended and not unmapper and now > ended[0] + 1:
        pinned = row["pinned_bytes"]
        unmapper = threading.Thread(target=unmap)
        unmapper.start()
    if unmap_ended and killed is None and now > unmap_ended[0] + 0.5:
        killed = unpinned()
        os.kill(client.pid, signal.SIGKILL)
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


def check_estimates(samples, end, name):
    """Samples of the time, what was done by then, and the time left as told.
    Shortly before the end, an interval between two rows is as near as can be told.
    """
    told = [(round(end - now, 2), eta and round(eta / 1e9, 2), round(done / size, 3))
            for now, done, eta in samples if now < end]
    half = [(left, eta) for left, eta, done in told if done > 0.5]
    wrong = [(left, eta) for left, eta in half
             if eta is None or abs(eta - left) > max(0.25 * left, INTERVAL)]
    print(f"# {name}: {len(half) - len(wrong)} of {len(half)}, all (truth s, told s, "
          f"done): {told}")
    check(len(half) >= 5 and not wrong, name, f"wrong (truth s, told s): {wrong}")


check_estimates([(now, rss, f["eta_ns"]) for now, f, rss in rows], ended[0],
                "the time left is within 25 % in the second half")


def check_progress(samples, base, name):
    """A row says what was done between the reading of the one before it and its own."""
    off, least = [], 0
    for _, flight, seen in samples:
        most = seen - base
        off.append(max(least - flight["done"], flight["done"] - most, 0) / size)
        least = most
    check(off and max(off) <= 0.05, name,
          [(flight["done"], seen - base) for _, flight, seen in samples])
    return max(off, default=0)


check(pinned == size, "after the map everything is pinned", pinned)
check(len(unmaps) >= 2, "a large unmap is shown in flight",
      f"{len(unmaps)} rows, from {unmap_began} to {unmap_ended}")
check(all(f["size"] == size for _, f, _ in unmaps), "its size is what was asked for", unmaps)
unmap_off = check_progress(unmaps, unmap_began[0][1], "its progress is what was unpinned")
check(all(f["phase"] in {"unpin", "iommu", "lock"} for _, f, _ in unmaps),
      "it has a phase of an unmap", [f["phase"] for _, f, _ in unmaps])
# The client is nice, and may have had to wait for the CPU before the call.
began = [now - f["elapsed_ns"] / 1e9 - unmap_began[0][0] for now, f, _ in unmaps]
check(began and min(began) > -0.1 and max(began) - min(began) < 0.5,
      "it tells since when", began)
check(bool(teardown), "the teardown after SIGKILL is shown", f"none; ended {exited}")
check(all(f["done"] <= f["size"] == size for _, f, _ in teardown),
      "the teardown's size is what was mapped", teardown)
done = [f["done"] for _, f, _ in teardown]
check(done == sorted(done), "the teardown goes on", done)
teardown_off = check_progress(teardown, killed,
                              "the teardown's progress is what was unpinned")
check_estimates([(now, f["done"], f["eta_ns"]) for now, f, _ in teardown], exited[0],
                "the teardown's time left is within 25 % in its second half")
print(f"# largest errors of the progress: map {max(off, default=0):.3f} in {len(rows)} "
      f"rows, unmap {unmap_off:.3f} in {len(unmaps)}, teardown {teardown_off:.3f} in "
      f"{len(teardown)}")
