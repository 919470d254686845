"""Peer: the textbook's own program, a scheduler of generators over select() in Python, after David Beazley's
course (Advanced Python Mastery / Concurrency, "Building a Scheduler"). `echo` or `time`.

What differs from the slides: Python 3, port 0, a printed address, a longer backlog, no line per connection, and
TCP_NODELAY as in all the other peers. `select` ends at descriptor 1023.
"""

import sys
import time
from collections import deque
from select import select
from socket import AF_INET, IPPROTO_TCP, SO_REUSEADDR, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET, TCP_NODELAY, socket


class IOWait:
    def __init__(self, f):
        self.fileno = f.fileno()


class ReadWait(IOWait):
    pass


class WriteWait(IOWait):
    pass


class Scheduler:
    def __init__(self):
        self.numtasks = 0
        self.ready = deque()
        self.read_waiting = {}
        self.write_waiting = {}

    def iopoll(self):
        rset, wset, eset = select(self.read_waiting, self.write_waiting, [])
        for r in rset:
            self.ready.append(self.read_waiting.pop(r))
        for w in wset:
            self.ready.append(self.write_waiting.pop(w))

    def new(self, task):
        self.ready.append(task)
        self.numtasks += 1

    def readwait(self, fileno, task):
        self.read_waiting[fileno] = task

    def writewait(self, fileno, task):
        self.write_waiting[fileno] = task

    def run(self):
        while self.numtasks:
            try:
                task = self.ready.popleft()
                try:
                    r = next(task)
                    if isinstance(r, ReadWait):
                        self.readwait(r.fileno, task)
                    elif isinstance(r, WriteWait):
                        self.writewait(r.fileno, task)
                    else:
                        self.ready.append(task)
                except StopIteration:
                    self.numtasks -= 1
            except IndexError:
                self.iopoll()


def listening(s):
    print("listening 127.0.0.1:%d" % s.getsockname()[1], flush=True)


def timeserver(addr):
    s = socket(AF_INET, SOCK_DGRAM)
    s.bind(addr)
    listening(s)
    while True:
        yield ReadWait(s)
        msg, addr = s.recvfrom(8192)
        yield WriteWait(s)
        s.sendto((time.ctime() + "\n").encode("ascii"), addr)


class EchoServer:
    def __init__(self, addr, sched):
        self.sched = sched
        sched.new(self.server_loop(addr))

    def server_loop(self, addr):
        s = socket(AF_INET, SOCK_STREAM)
        s.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        s.bind(addr)
        s.listen(1024)
        listening(s)
        while True:
            yield ReadWait(s)
            c, a = s.accept()
            c.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
            self.sched.new(self.client_handler(c))

    def client_handler(self, client):
        while True:
            yield ReadWait(client)
            msg = client.recv(8192)
            if not msg:
                break
            yield WriteWait(client)
            # The slides send once and hope. A send of up to 8 KiB into a socket that select calls writable may
            # still be short, though, and an echo must be complete.
            while msg := msg[client.send(msg):]:
                yield WriteWait(client)
        client.close()


sched = Scheduler()
if len(sys.argv) > 1 and sys.argv[1] == "time":
    sched.new(timeserver(("127.0.0.1", 0)))
else:
    EchoServer(("127.0.0.1", 0), sched)
sched.run()
