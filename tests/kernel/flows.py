#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bulk flows of the Linux kernel, one way at a time, for the matrix: the kernel's server, and the client that measures.

  flows.py serve                                      discard and a source of bytes without end, until it is killed
  flows.py send|receive HOST FLOWS SKIP SECONDS       prints one line of JSON

What counts is payload that has arrived: acknowledged by the other end (tcpi_bytes_acked) when this one sends, read here
when it receives. So it is measured in one place and the same way, whoever the other end is.
"""

import json
import selectors
import socket
import struct
import sys
import time

DISCARD, CHARGEN = 9, 19
BLOCK = bytes(256 * 1024)
PIECE = bytearray(1 << 20)


def cubic(s):
    """A machine's default is not always the kernel's; who comes to a listener has the listener's."""
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b'cubic')
    return s


def counters(s):
    """Bytes acknowledged, and segments sent again: of struct tcp_info."""
    info = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 232)
    return struct.unpack_from('=Q', info, 120)[0], struct.unpack_from('=I', info, 100)[0]


def send_more(s):
    try:
        while s.send(BLOCK) == len(BLOCK):
            pass
    except BlockingIOError:
        pass


def read_more(s):
    """Bytes read; None at the end. They are not copied: the reader has its processor in common with the other end."""
    try:
        return s.recv_into(PIECE, len(PIECE), socket.MSG_TRUNC) or None
    except BlockingIOError:
        return 0


def serve():
    ready = selectors.DefaultSelector()
    for port in (DISCARD, CHARGEN):
        listener = cubic(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(('', port))
        listener.listen(512)
        listener.setblocking(False)
        ready.register(listener, selectors.EVENT_READ, port)
    print('Ready', flush=True)
    while True:
        for key, mask in ready.select():
            if key.data:
                s, _ = key.fileobj.accept()
                s.setblocking(False)
                ready.register(s, selectors.EVENT_READ | (selectors.EVENT_WRITE if key.data == CHARGEN else 0))
                continue
            try:
                over = mask & selectors.EVENT_READ and read_more(key.fileobj) is None
                if mask & selectors.EVENT_WRITE and not over:
                    send_more(key.fileobj)
            except OSError:
                over = True
            if over:
                ready.unregister(key.fileobj)
                key.fileobj.close()


class Flows:
    def __init__(self, sends, host, n):
        self.sends, self.got, self.ready = sends, 0, selectors.DefaultSelector()
        self.sockets = []
        for _ in range(n):
            s = cubic(socket.socket())
            s.setblocking(False)
            s.connect_ex((host, DISCARD if sends else CHARGEN))
            self.ready.register(s, selectors.EVENT_WRITE if sends else selectors.EVENT_READ)
            self.sockets.append(s)

    def run_until(self, end):
        while (left := end - time.monotonic()) > 0:
            for key, _ in self.ready.select(left):
                if self.sends:
                    send_more(key.fileobj)
                else:
                    n = read_more(key.fileobj)
                    if n is None:
                        sys.exit('flows.py: the other end has closed')
                    self.got += n

    def arrived(self):
        return sum(counters(s)[0] for s in self.sockets) if self.sends else self.got

    def sent_again(self):
        return sum(counters(s)[1] for s in self.sockets)


def measure(sends, host, n, skip, seconds):
    start = time.monotonic()
    flows = Flows(sends, host, n)
    flows.run_until(start + skip)
    early, middle = flows.arrived(), time.monotonic()
    flows.run_until(middle + seconds)
    late, end = flows.arrived(), time.monotonic()
    print(json.dumps({'steady_bps': (late - early) * 8 / (end - middle), 'start_bps': early * 8 / (middle - start),
                      'sent_again': flows.sent_again()}))


def main():
    what, *args = sys.argv[1:]
    if what == 'serve':
        serve()
    else:
        measure(what == 'send', args[0], int(args[1]), float(args[2]), float(args[3]))


if __name__ == '__main__':
    main()
