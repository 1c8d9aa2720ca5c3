# SPDX-License-Identifier: Apache-2.0
"""What is measured: the rows of the table, and the curves. A row names its yardsticks, which run in turn with it."""

from dataclasses import dataclass, field


@dataclass
class Row:
    name: str
    title: str
    wire: str                        # memif, vhost or self
    mode: str
    options: str                     # of both ends
    figure: str                      # which of a run's figures counts: see FIGURES
    must: object = None              # a number, or a share of the yardstick's figure
    aim: object = None
    yardsticks: list = field(default_factory=list)
    memory: int = 1024               # MiB of EAL, of each process
    curve: tuple = ()                # (plot, series, x): a point of a plot as well
    seconds: int = 2
    generator: bool = False          # the client is flowgen: then the server alone is measured

    def judged_by_yardstick(self):
        return bool(self.yardsticks) and isinstance(self.must, float) and self.must < 1


# name: (role whose object it is, key, unit, more is better)
FIGURES = {
    'cycles': ('server', 'cycles_per_op', 'cycles', False),
    'client cycles': ('client', 'cycles_per_op', 'cycles', False),
    'rate': ('client', 'ops_per_s', '/s', True),
    'gbit': ('client', 'gbit_per_s', 'Gbit/s', True),
    'p50': ('client', 'latency_ns.p50', 'ns', False),
    'bytes': ('server', 'bytes_per_connection', 'bytes', False),
}

# The frame of a datagram has 42 bytes of headers.
SMALL = '--request 22 --response 22'
MANY = '--client-addresses 64 --services 4'
HTTP = '--request 34 --response 649'

TABLE = [
    Row('udp-echo-memif', 'UDP echo, 64 B, 1 k flows', 'memif', 'udp_rr', f'--connections 1000 {SMALL}', 'rate', 0.65, 0.9,
        ['testpmd 5tswap 64'], generator=True),
    # Virtio's driver keeps what was sent until its ring is full. testpmd is no faster for it.
    Row('udp-echo-vhost', 'UDP echo, 64 B, 1 k flows', 'vhost', 'udp_rr', f'--connections 1000 {SMALL} --txd 64', 'rate', 0.65, 0.9,
        ['testpmd 5tswap 64'], generator=True),
    Row('forward-memif', 'IPv4 forwarding, 64 B', 'memif', 'router', '', 'rate', 0.65, 0.9, ['testpmd macswap 64']),
    Row('tcp-rr-64', 'tcp_rr, 1 B, 64 connections', 'memif', 'tcp_rr', '--connections 64', 'cycles', 600, 350),
    Row('http-64', 'HTTP keep-alive, 34 B and 649 B, 64 connections', 'memif', 'http', f'--connections 64 {HTTP}', 'cycles',
        900, 500),
    Row('http-4096', 'the same, 4,096 connections', 'memif', 'http', f'--connections 4096 {HTTP}', 'cycles', 1100, 600),
    Row('tcp-rr-1m', 'tcp_rr, 1 M connections', 'self', 'tcp_rr', f'--connections 1m {MANY}', 'cycles', 1500, 700, memory=1200,
        seconds=4),
    Row('tcp-crr', 'tcp_crr, 1 B, 128 at a time', 'memif', 'tcp_crr', '--connections 128', 'cycles', 2500, 1300),
    Row('one-memif', 'one connection, round trip', 'memif', 'tcp_rr', '--connections 1', 'p50', 1600, 1100,
        ['testpmd ping-pong']),
    Row('one-vhost', 'one connection, round trip', 'vhost', 'tcp_rr', '--connections 1', 'p50', 1400, 900,
        ['testpmd ping-pong']),
    Row('bulk-in-memif', 'one bulk flow to the server, MTU 1500', 'memif', 'tcp_stream', '', 'gbit', 30, 60,
        ['testpmd rxonly 1500']),
    Row('bulk-out-memif', 'one bulk flow from the server, MTU 1500', 'memif', 'tcp_maerts', '', 'gbit', 30, 60,
        ['testpmd rxonly 1500']),
    Row('bulk-vhost', 'one bulk flow, checksums and TSO offloaded', 'vhost', 'tcp_maerts', '', 'gbit', 70, 140,
        ['testpmd rxonly 1500']),
    Row('bulk-vhost-lent', 'the same, sent from where it lies (--zero-copy)', 'vhost', 'tcp_maerts', '--zero-copy', 'gbit',
        70, 140, ['testpmd rxonly 1500']),
    Row('idle', 'an idle connection', 'self', 'tcp_cc', f'--connections 1m {MANY}', 'bytes', 640, 400, memory=1200),
]


def connections_curve():
    for mode, extra in (('tcp_rr', ''), ('http', HTTP)):
        for n in (1, 4, 16, 64, 256, 1024, 4096, 16384):
            yield Row(f'conn-{mode}-{n}', f'{mode}, {n:,} connections', 'memif', mode, f'--connections {n} {extra}'.strip(), 'cycles',
                      curve=('connections', mode, n))


def size_curve():
    for size in (64, 128, 256, 512, 1024, 1500):
        payload = size - 42
        yield Row(f'udp-size-{size}', f'UDP echo, frames of {size} B', 'memif', 'udp_rr',
                  f'--connections 1000 --request {payload} --response {payload}', 'cycles', curve=('size', 'udp_rr', size),
                  yardsticks=[f'testpmd 5tswap {size}'])
        yield Row(f'tcp-size-{size}', f'tcp_rr, {size} B each way', 'memif', 'tcp_rr',
                  f'--connections 64 --request {size} --response {size}', 'cycles', curve=('size', 'tcp_rr', size))


def burst_curve():
    for burst in (1, 2, 4, 8, 16, 32, 64):
        yield Row(f'burst-{burst}', f'tcp_rr, {burst} under way', 'memif', 'tcp_rr', f'--connections 64 --inflight {burst}',
                  'cycles', curve=('burst', 'tcp_rr', burst))
        yield Row(f'udp-burst-{burst}', f'UDP echo, {burst} under way', 'memif', 'udp_rr',
                  f'--connections 64 --inflight {burst} {SMALL}', 'cycles', curve=('burst', 'udp_rr', burst),
                  yardsticks=[f'testpmd 5tswap 64 burst {burst}'])


def open_curve():
    for n in (1, 1000, 100_000, 1_000_000, 10_000_000):
        many = '--client-addresses 256 --services 4' if n > 1_000_000 else MANY if n > 1000 else ''
        yield Row(f'open-rr-{n}', f'tcp_rr over {n:,} connections', 'self', 'tcp_rr', f'--connections {n} {many}'.strip(),
                  'cycles', memory=1200, curve=('open', 'tcp_rr', n), seconds=4)
        held = f'--held {n}' if n > 1 else ''
        yield Row(f'open-crr-{n}', f'tcp_crr, 128 at a time, beside {n:,} open ones', 'self', 'tcp_crr',
                  f'--connections 128 {held} {many}'.strip(), 'cycles', memory=1200, curve=('open', 'tcp_crr', n), seconds=4)


def all_rows():
    return TABLE + [row for curve in (connections_curve, size_curve, burst_curve, open_curve) for row in curve()]
