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
import threading
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

# Each is ended after some seconds: an answer that waited for that has come too late.
# A slow machine may need more than one try to be quicker.
for _ in range(3):
    slow = [connect(b"GET /metrics HTTP/1.1\r\nHo") for _ in range(200)]
    good, took = scrape()
    held = status("VmRSS")
    meanwhile = good and is_open(slow[-1])
    for s in slow:
        s.close()
    if meanwhile:
        break
check(meanwhile, "hostile: 200 requests that do not end: it answers meanwhile", f"{took:.1f} s")
check(sanitized or held - rss < 8192, "hostile: they cost less than 8 MiB", f"{rss} kB, then {held} kB")
body.close()

# More connections than there are places, one of which goes on byte by byte, so that
# it is never idle; and readers that do not read.
many, ended = [connect(b"GET")], []


def trickle():
    start = time.monotonic()
    while time.monotonic() - start < 100:
        try:
            many[0].sendall(b"s")
        except OSError:
            ended.append(time.monotonic() - start)
            break
        time.sleep(0.5)


trickler = threading.Thread(target=trickle)
trickler.start()
many += [connect(GET) for _ in range(20)]
for _ in range(300):
    try:
        many.append(connect(b"GET", 5))
    except OSError:
        break  # there is no room even to wait in
start = time.monotonic()
good = False
while not good and time.monotonic() - start < 100:
    try:
        good, took = scrape()
    except OSError:
        pass
check(good, "hostile: 300 connections: it answers when their time is over", f"{len(many)} of them")
trickler.join()
check(ended, "hostile: one that trickles is ended", "100 s")
for s in many:
    s.close()
start = time.monotonic()
while open_fds() > fds and time.monotonic() - start < 60:
    time.sleep(0.5)
check(open_fds() <= fds, "hostile: nothing is left open", f"{fds} fds, then {open_fds()}")
for _ in range(100):
    scrape()
now = status("VmRSS")
check(sanitized or now - rss < 4096, "hostile: it has not grown", f"{rss} kB, then {now} kB")
