# SPDX-License-Identifier: GPL-2.0-only
"""Clients that vfio-exporter has to bear: malformed, huge and slow requests, more
connections than it takes, and readers that do not read. Between them it must
answer, and at the end be no larger than it was.

Prints TAP lines "ok NAME" and "not ok NAME" for the shell to count.

    vfio_exporter_hostile.py PORT PID [sanitized]

A sanitizer keeps what was freed for a while, so sizes say nothing then.
"""

import os
import re
import socket
import sys
import time

port, pid, sanitized = int(sys.argv[1]), int(sys.argv[2]), len(sys.argv) > 3


def check(good, name, seen=""):
    print(("ok " if good else "not ok ") + name, flush=True)
    if not good and seen:
        print(f"# {seen}"[:900], flush=True)


def status(what):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(what + r":\s+(\d+)", f.read()).group(1))


def open_fds():
    return len(os.listdir(f"/proc/{pid}/fd"))


def connect(first=b"", timeout=60):
    s = socket.create_connection(("127.0.0.1", port), timeout)
    if first:
        s.sendall(first)
    return s


def read(s):
    answer = b""
    try:
        while more := s.recv(65536):
            answer += more
    except (ConnectionResetError, BrokenPipeError, TimeoutError):
        pass  # what is not a request yet is waited for, and then ended
    s.close()
    return answer


def is_open(s):
    """Nothing has come, and no end either."""
    s.setblocking(False)
    try:
        s.recv(1)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def ask(request, timeout=60):
    return read(connect(request, timeout))


def code(answer):
    found = re.match(rb"HTTP/1.[01] (\d+)", answer)
    return int(found.group(1)) if found else None


GET = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


def scrape():
    start = time.monotonic()
    answer = ask(GET)
    good = code(answer) == 200 and b"vfio_dma_mapped_bytes_total" in answer
    return good, time.monotonic() - start


for _ in range(20):
    scrape()
rss, fds = status("VmRSS"), open_fds()

for name, request in (
    ("a line without a sense", b"\r\n\x00\xff nonsense\r\n\r\n"),
    ("no version", b"GET /metrics\r\n\r\n"),
    ("another protocol", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20),
    ("two lengths", b"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: x\r\n\r\n"),
    ("a path that never ends", b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("headers that never end", b"GET /metrics HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 50000 + b"\r\n"),
    ("a path out of the house", b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n"),
):
    try:
        s = connect(timeout=1)
        try:
            s.sendall(request)
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has hung up already
        got = code(read(s))
    except OSError as error:
        got = repr(error)
    check(got is None or isinstance(got, int) and 400 <= got < 500, f"hostile: {name}: refused", str(got))
    good, took = scrape()
    check(good, f"hostile: {name}: it answers", f"{took:.1f} s")

body = connect(b"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
try:
    for _ in range(64):
        body.sendall(b"x" * 65536)
except OSError:
    pass
good, took = scrape()
check(good, "hostile: a body of a gigabyte: it answers", f"{took:.1f} s")

body.close()

# A thousand connections, half of them scrapes: the others do not end, trickle or make
# no sense, and are there first, more of them than there are places. A scrape that
# waited until their time is over has come too late; a slow machine may need more than
# one try to be quicker.
BAD = [b"GET /metrics HTTP/1.1\r\nHo"] * 3 + [b"GET", b"\x16\x03\x01\x02\x00\x01" * 40]
for _ in range(3):
    crowd = [connect(BAD[i % len(BAD)]) for i in range(500)]
    good, took = scrape()
    held = status("VmRSS")
    meanwhile = good and is_open(crowd[-3])
    if meanwhile:
        break
    for s in crowd:
        s.close()
check(meanwhile, "hostile: 500 requests without an end: it answers meanwhile", f"{took:.1f} s")
check(sanitized or held - rss < 8192, "hostile: they cost less than 8 MiB", f"{rss} kB, then {held} kB")
took, unanswered = [took], []
for i in range(499):
    try:
        crowd[3 + i % 100 * 5].sendall(b"s")
    except OSError:
        pass  # its place was needed, or its time is over
    try:
        good, seconds = scrape()
        took.append(seconds)
        if not good:
            unanswered.append(i)
    except OSError as error:
        unanswered.append(repr(error))
check(not unanswered, "hostile: and 500 scrapes: each is answered", str(unanswered))
print(f"# half took {sorted(took)[250] * 1000:.0f} ms, the longest {max(took):.2f} s, the first {took[0]:.2f} s")
print(f"# {rss} kB before the thousand, {held} kB with them")
for s in crowd:
    s.close()

# With room for it, one that trickles has its ten seconds and is ended.
one, start, ended = connect(b"GET"), time.monotonic(), False
while not ended and time.monotonic() - start < 100:
    try:
        one.sendall(b"s")
    except OSError:
        ended = True
    time.sleep(0.5)
check(ended, "hostile: one that trickles is ended", "100 s")
one.close()
# A look at what holds the groups has some open for its time.
start = time.monotonic()
while (still := open_fds()) > fds and time.monotonic() - start < 60:
    time.sleep(0.5)
check(still <= fds, "hostile: nothing is left open", f"{fds} fds, then {still}")
for _ in range(100):
    scrape()
now = status("VmRSS")
check(sanitized or now - rss < 4096, "hostile: it has not grown", f"{rss} kB, then {now} kB")
