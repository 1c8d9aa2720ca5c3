# SPDX-License-Identifier: Apache-2.0
"""Traffic made by sockets of the Linux kernel: UDP echo, TCP bulk in one and in both directions, many connections.

Each function is one check: it returns its figures as text and raises when anything is not as it must be. Nothing here
waits longer than TIMEOUT for progress.
"""

import errno
import os
import random
import selectors
import socket
import struct
import threading
import time

from report import Failure, require

TIMEOUT = 20
MIB = 1 << 20
ECHO, DISCARD, CHARGEN, HTTP = 7, 9, 19, 80
TCP_FASTOPEN_CONNECT = 30  # linux/tcp.h
TCPI_OPT_SYN_DATA = 32


def family(host):
    return socket.AF_INET6 if ':' in host else socket.AF_INET


def connect(host, port):
    s = socket.socket(family(host), socket.SOCK_STREAM)
    s.settimeout(TIMEOUT)
    try:
        s.connect((host, port))
    except OSError:
        s.close()
        raise
    return s


def receive_exactly(s, n):
    parts = []
    while n:
        data = s.recv(min(n, MIB))
        require(data, f'the stream ended {n} bytes early')
        parts.append(data)
        n -= len(data)
    return b''.join(parts)


def rate(n, seconds):
    return f'{n / MIB:.0f} MiB in {seconds:.1f} s, {n * 8 / seconds / 1e6:.0f} Mbit/s'


def udp_echo(host, sizes):
    """One datagram of each size, all different; each comes back as it was. None may be lost: the wire loses nothing."""
    rng = random.Random(1)
    with socket.socket(family(host), socket.SOCK_DGRAM) as s:
        s.connect((host, ECHO))
        s.settimeout(2)
        for n in sizes:
            data = rng.randbytes(n)
            s.send(data)
            try:
                answer = s.recv(65536)
            except TimeoutError:
                raise Failure(f'no answer to {n} bytes') from None
            require(answer == data, f'{n} bytes came back as {len(answer)} other bytes')
    return f'{len(sizes)} of {len(sizes)} sizes, {sizes[0]} to {sizes[-1]} bytes'


def udp_refused(host, port):
    """A closed port is told at once, by ICMP."""
    with socket.socket(family(host), socket.SOCK_DGRAM) as s:
        s.connect((host, port))
        s.settimeout(5)
        s.send(b'anybody')
        try:
            s.recv(1)
        except ConnectionRefusedError:
            return f'port {port} unreachable'
        except TimeoutError:
            raise Failure(f'nothing came back from port {port}') from None
    raise Failure(f'port {port} answered')


def tcp_refused(host, port):
    start = time.monotonic()
    try:
        connect(host, port).close()
    except ConnectionRefusedError:
        return f'port {port} refused after {(time.monotonic() - start) * 1e3:.1f} ms'
    raise Failure(f'port {port} accepted a connection')


def fast_open(host):
    """Fetch with the request in the SYN. @return whether the other end has taken it from there"""
    with socket.socket(family(host), socket.SOCK_STREAM) as s:
        s.settimeout(TIMEOUT)
        s.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)
        s.connect((host, HTTP))
        s.sendall(request())
        require(len(response_bytes(s)) == 64, 'a wrong body')
        options = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)[5]
        return bool(options & TCPI_OPT_SYN_DATA)


def tcp_fast_open(host, n):
    """The first connection may have to ask for a cookie; the others have one, whichever worker they come to."""
    first = fast_open(host)
    taken = sum(fast_open(host) for _ in range(n))
    require(taken == n, f'{taken} of {n} requests were taken from the SYN')
    return f'{n} of {n} requests in the SYN, the first {"too" if first else "had asked for a cookie"}'


def bytes_acked(s):
    """Bytes that the other end has acknowledged: tcpi_bytes_acked of struct tcp_info."""
    return struct.unpack_from('=Q', s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192), 120)[0]


def tcp_discard(host, n):
    """Send n bytes. Each must be acknowledged, and the other end closes when we do."""
    block = random.Random(2).randbytes(MIB)
    start = time.monotonic()
    with connect(host, DISCARD) as s:
        for _ in range(n // MIB):
            s.sendall(block)
        s.shutdown(socket.SHUT_WR)
        require(s.recv(1) == b'', 'discard sent something back')
        acked = bytes_acked(s)
    require(acked >= n, f'only {acked} of {n} bytes were acknowledged')
    return rate(n, time.monotonic() - start)


def tcp_echo(host, n, rest=0):
    """Send n bytes while reading them back; compare each at its place. A reader that first rests for some seconds closes
    the windows of both ends, if n is more than their buffers hold."""
    period = 16 * MIB + 259  # no multiple of any buffer's size: a misplaced block is seen
    data = random.Random(3).randbytes(period)
    data += data[:MIB]       # so that a slice never wraps
    failure = []
    start = time.monotonic()

    def writer(s):
        sent = 0
        try:
            while sent < n:
                at = sent % period
                sent += s.send(memoryview(data)[at:at + min(256 * 1024, n - sent)])
            s.shutdown(socket.SHUT_WR)
        except OSError as e:
            failure.append(f'sending stopped at {sent} of {n} bytes: {e}')

    with connect(host, ECHO) as s:
        thread = threading.Thread(target=writer, args=(s,), daemon=True)
        thread.start()
        time.sleep(rest)
        got = 0
        while True:
            piece = s.recv(256 * 1024)
            if not piece:
                break
            at = got % period
            require(got + len(piece) <= n, 'more came back than was sent')
            require(data[at:at + len(piece)] == piece, f'a byte near offset {got} came back changed')
            got += len(piece)
        thread.join(TIMEOUT)
    require(not failure, failure and failure[0])
    require(got == n, f'{got} of {n} bytes came back')
    return rate(n, time.monotonic() - start - rest)


def tcp_keystrokes(host, n, pause):
    """Single bytes with pauses between, as somebody types: each comes back as it was. How soon is told, and not judged."""
    times = []
    with connect(host, ECHO) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(n):
            start = time.monotonic()
            s.send(bytes([i & 255]))
            require(s.recv(16) == bytes([i & 255]), f'keystroke {i} came back as something else')
            times.append((time.monotonic() - start) * 1e3)
            time.sleep(pause)
    times.sort()
    return f'{n} of {n}, half within {times[n // 2]:.1f} ms, the last after {times[-1]:.1f} ms'


def request(path='/bytes/64', close=False):
    extra = 'Connection: close\r\n' if close else ''
    return f'GET {path} HTTP/1.1\r\nHost: check\r\n{extra}\r\n'.encode()


def response_bytes(s):
    """Bytes of one whole response: header and body."""
    data = b''
    while b'\r\n\r\n' not in data:
        piece = s.recv(65536)
        require(piece, 'the connection ended inside a header')
        data += piece
    head, _, body = data.partition(b'\r\n\r\n')
    require(head.startswith(b'HTTP/1.1 200 '), f'answer: {head[:60]!r}')
    length = [int(line.split(b':')[1]) for line in head.split(b'\r\n') if line.lower().startswith(b'content-length:')]
    require(len(length) == 1, 'no Content-Length')
    body += receive_exactly(s, length[0] - len(body))
    require(len(body) == length[0], 'more body than announced')
    return body


def tcp_sequential(host, n, body):
    """n connections one after another, one request each. Either end closes first, turn by turn."""
    start = time.monotonic()
    for i in range(n):
        server_closes = i % 2 == 1
        with connect(host, HTTP) as s:
            s.sendall(request(close=server_closes))
            require(response_bytes(s) == body, f'connection {i}: a wrong body')
            if server_closes:
                require(s.recv(1) == b'', f'connection {i}: more after the body')
    seconds = time.monotonic() - start
    return f'{n} of {n}, {n / seconds:.0f} connections/s'


def answers(host, body):
    with connect(host, HTTP) as s:
        for _ in range(10):
            s.sendall(request())
            require(response_bytes(s) == body, 'a wrong body')
    with connect(host, ECHO) as s:
        s.sendall(b'still there?')
        require(receive_exactly(s, 12) == b'still there?', 'echo changed what was sent')
    return 'HTTP and echo'


class Simultaneous:
    """n connections that are all open at one moment; each then echoes a message of its own and is closed."""

    def __init__(self, host, n):
        self.host, self.n = host, n
        self.selector = selectors.DefaultSelector()
        self.sockets = []
        self.deadline = time.monotonic() + 2 * TIMEOUT

    def wait(self, pending, mask, step):
        """Call step(i, socket) as sockets become ready, until it has returned true for all of them."""
        for i in pending:
            self.selector.register(self.sockets[i], mask, i)
        while pending:
            require(time.monotonic() < self.deadline, f'{len(pending)} of {self.n} connections got no further')
            for key, _ in self.selector.select(0.5):
                if step(key.data, key.fileobj):
                    self.selector.unregister(key.fileobj)
                    pending.discard(key.data)

    def start(self):
        for _ in range(self.n):
            s = socket.socket(family(self.host), socket.SOCK_STREAM)
            s.setblocking(False)
            self.sockets.append(s)
            error = s.connect_ex((self.host, ECHO))
            require(error in (0, errno.EINPROGRESS), f'connect: {os.strerror(error)}')

    def run(self):
        begin = time.monotonic()
        message = [struct.pack('>Q', i) * 64 for i in range(self.n)]
        answer = [b''] * self.n

        def connected(_, s):
            error = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            require(error == 0, f'connect: {os.strerror(error)}')
            return True

        def echoed(i, s):
            piece = s.recv(4096)
            require(piece, f'connection {i} ended')
            answer[i] += piece
            return len(answer[i]) >= len(message[i])

        def ended(i, s):
            require(s.recv(1) == b'', f'connection {i}: more than was sent')
            return True

        self.start()
        self.wait(set(range(self.n)), selectors.EVENT_WRITE, connected)
        opened = time.monotonic() - begin
        for i, s in enumerate(self.sockets):
            require(s.send(message[i]) == len(message[i]), 'a short send')
        self.wait(set(range(self.n)), selectors.EVENT_READ, echoed)
        require(answer == message, 'some connection got what another had sent')
        for s in self.sockets:
            s.shutdown(socket.SHUT_WR)
        self.wait(set(range(self.n)), selectors.EVENT_READ, ended)
        return f'{self.n} of {self.n}, all open after {opened:.2f} s, closed after {time.monotonic() - begin:.2f} s'

    def close(self):
        for s in self.sockets:
            s.close()
        self.selector.close()


def tcp_simultaneous(host, n):
    run = Simultaneous(host, n)
    try:
        return run.run()
    finally:
        run.close()
