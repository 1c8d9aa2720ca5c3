#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Our TCP beside the Linux kernel's, through the same bad wire: goodput of bulk flows in a matrix of impairments.

One end is always the Linux kernel, in the network namespace mrk-a; the other is the kernel again, or Millrace, in mrk-b.
Between them tests/wire_bad holds the two net_tap devices together through `impair`, which does the same to both ways.
What is measured is kept in a file, cell by cell, so that a run may be ended and taken up again; the table is of what is
there.

Usage: matrix.py [--list] [--cells PATTERN] [--again] [--limit SECONDS] [--build DIR] [--results FILE] [--table]
"""

import argparse
import fnmatch
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
HERE = pathlib.Path(__file__).resolve().parent
A, B, TAP_A, TAP_B = 'mrk-a', 'mrk-b', 'mrk-tap0', 'mrk-tap1'
HOST_A, HOST_B = '10.67.0.1', '10.67.0.2'
FRAME = 1514
SHALLOW = 20 * FRAME
WIRE_CPU, ENDS_CPU = '1', '0'    # the wire polls: who is put beside it takes half of it away
PEERS = ('kernel', 'millrace')
WAYS = ('send', 'receive')    # as the kernel in mrk-a does; the other end does the opposite
SYSCTL = {'tcp_no_metrics_save': '1', 'tcp_rmem': '4096 131072 33554432',
          'tcp_wmem': '4096 16384 33554432'}

CONFIG = """[host]
workers = 1
idle = sleep
rx_mbufs = 64k
tx_mbufs = 160k
seed = 1
[tcp]
sndbuf_max = 16m
rcvbuf_max = 16m
[port wire0]
device = net_af_packet0
address = 10.67.0.2/24
[service discard]
type = discard
[service chargen]
type = chargen
[service echo]
type = echo
[service http]
type = http
[service iperf3]
type = iperf3
"""


@dataclass(frozen=True)
class Cell:
    rtt_ms: float
    loss: float = 0        # per cent
    reorder: float = 0     # per cent
    mbit: int = 100        # of the line; 0: no limit
    buffer: int = 0        # bytes in front of the line; 0: a round trip's worth, and no less than SHALLOW
    flows: int = 1
    seconds: float = 4

    @property
    def name(self):
        parts = [f'{self.rtt_ms:g}ms']
        if self.loss:
            parts.append(f'loss{self.loss:g}')
        if self.reorder:
            parts.append(f'reorder{self.reorder:g}')
        if self.mbit != 100:
            parts.append(f'{self.mbit}mbit' if self.mbit else 'norate')
        if self.buffer:
            parts.append('shallow')
        if self.flows > 1:
            parts.append(f'x{self.flows}')
        return '-'.join(parts)

    @property
    def skip(self):
        """Seconds before those that count: slow start, and what it is followed by."""
        return self.seconds / 2

    def impair(self, seed):
        """Of one way: half of the round trip."""
        items = [f'delay={round(self.rtt_ms * 500)}us', 'queue=30000', f'seed={seed}']
        if self.loss:
            items.append(f'loss={self.loss:g}%')
        if self.reorder:
            items.append(f'reorder={self.reorder:g}%')
        if self.mbit:
            product = int(self.mbit * 1e6 / 8 * self.rtt_ms / 1e3)
            items += [f'rate={self.mbit}mbit', f'buffer={self.buffer or max(product, 4 * SHALLOW)}']
        return ','.join(items)


def cells():
    """Losses at random make few events for one flow: then there are several, few enough not to meet in the buffer."""
    every = []
    for rtt, seconds in ((0.1, 3), (10, 4), (50, 6), (200, 8), (400, 12)):
        every.append(Cell(rtt, seconds=seconds))
    every += [Cell(0.1, buffer=SHALLOW, seconds=3), Cell(10, buffer=SHALLOW, seconds=6),
              Cell(50, mbit=20, buffer=SHALLOW, seconds=20), Cell(200, mbit=20, buffer=SHALLOW, seconds=20)]
    every += [Cell(0.1, 0.1, seconds=3), Cell(0.1, 1, seconds=3)]
    every += [Cell(0.1, 3, mbit=400, flows=4, seconds=5), Cell(0.1, 10, mbit=400, flows=32, seconds=6)]
    for rtt, counts in ((10, (8, 16, 32, 64)), (50, (16, 32, 64, 100)), (200, (32, 64, 100, 200))):
        every += [Cell(rtt, loss, mbit=400, flows=n, seconds=6 if rtt < 200 else 8)
                  for loss, n in zip((0.1, 1, 3, 10), counts)]
    every += [Cell(rtt, reorder=share, seconds=seconds)
              for rtt, seconds in ((0.1, 3), (10, 4), (50, 6), (200, 8)) for share in (5, 25)]
    every += [Cell(50, 1, 25, mbit=400, flows=32, seconds=6), Cell(0.1, mbit=0, seconds=3), Cell(10, mbit=0, seconds=4)]
    return every


# ---- processes and namespaces

class Failed(Exception):
    pass


def sh(*command, check=True):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise Failed(f'{" ".join(command)}: {done.stderr.strip()}')
    return done.stdout


def own_session():
    """A scheduling group of its own, before others: niceness counts only inside of one."""
    os.setsid()
    try:
        with open('/proc/self/autogroup', 'w', encoding='ascii') as f:
            f.write('-15')
    except OSError:
        pass


class Process:
    """A program with its output in a file, for the length of a block; ready when it says so."""

    def __init__(self, command, log, ready='Ready', patience=20):
        self.log = log
        with open(log, 'w', encoding='utf-8') as f:
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=f, stderr=subprocess.STDOUT,
                                          preexec_fn=own_session)
        end = time.monotonic() + patience
        while ready not in self.output():
            if self.child.poll() is not None or time.monotonic() > end:
                self.stop()
                raise Failed(f'{command[0]} did not start:\n{self.output()[-1000:]}')
            time.sleep(0.02)

    def output(self):
        with open(self.log, encoding='utf-8', errors='replace') as f:
            return f.read()

    def stop(self):
        if self.child.poll() is None:
            os.killpg(self.child.pid, signal.SIGINT)
        try:
            self.child.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Bench:
    """The two namespaces, and a wire between them with somebody at its far end."""

    def __init__(self, build, logs):
        self.build, self.logs = pathlib.Path(build), pathlib.Path(logs)

    def __enter__(self):
        self.clean()
        for ns in (A, B):
            sh('ip', 'netns', 'add', ns)
            sh('ip', '-n', ns, 'link', 'set', 'lo', 'up')
            for name, value in SYSCTL.items():
                sh('ip', 'netns', 'exec', ns, 'sysctl', '-q', '-w', f'net.ipv4.{name}={value}')
            sh('ip', 'netns', 'exec', ns, 'sysctl', '-q', '-w', 'net.ipv6.conf.default.disable_ipv6=1')
        return self

    def __exit__(self, *_):
        self.clean()

    @staticmethod
    def clean():
        for ns in (A, B):
            sh('ip', 'netns', 'delete', ns, check=False)

    def eal(self, name, megabytes, lcore):
        return ['-l', lcore, '--no-pci', '--no-huge', '--no-shconf', '--no-telemetry', '-m', str(megabytes),
                '--file-prefix', f'mrk-{name}']

    @staticmethod
    def flows(ns, *words):
        return ['ip', 'netns', 'exec', ns, 'taskset', '-c', ENDS_CPU, 'python3', '-B', str(HERE / 'flows.py'), *words]

    def wire(self, forth, back):
        """Both taps are made in one namespace; the second then moves."""
        wire = Process(['ip', 'netns', 'exec', A, 'taskset', '-c', WIRE_CPU, str(self.build / 'tests/wire_bad'),
                        *self.eal('wire', 256, WIRE_CPU), f'--vdev=net_tap0,iface={TAP_A}', f'--vdev=net_tap1,iface={TAP_B}',
                        '--', forth, back, '60000'],
                       self.logs / 'matrix-wire.log')
        try:
            sh('ip', '-n', A, 'link', 'set', TAP_B, 'netns', B)
            for ns, tap, mac in ((A, TAP_A, '02:00:00:67:00:01'), (B, TAP_B, '02:00:00:67:00:02')):
                # A packet socket does not go on after a full queue; the kernel's TCP never fills it.
                sh('ip', '-n', ns, 'link', 'set', tap, 'address', mac, 'mtu', '1500', 'txqueuelen', '10000', 'up')
            sh('ip', '-n', A, 'addr', 'add', f'{HOST_A}/24', 'dev', TAP_A)
            # Neighbours are given: their requests would be lost like everything else.
            sh('ip', '-n', A, 'neigh', 'replace', HOST_B, 'lladdr', '02:00:00:67:00:02', 'dev', TAP_A, 'nud', 'permanent')
        except BaseException:
            wire.stop()
            raise
        return wire

    def peer(self, who, extra=''):
        if who == 'kernel':
            sh('ip', '-n', B, 'addr', 'add', f'{HOST_B}/24', 'dev', TAP_B)
            sh('ip', '-n', B, 'neigh', 'replace', HOST_A, 'lladdr', '02:00:00:67:00:01', 'dev', TAP_B, 'nud', 'permanent')
            return Process(self.flows(B, 'serve'), self.logs / 'matrix-kernel.log')
        config = self.logs / 'matrix.ini'
        config.write_text(CONFIG.replace('address = 10.67.0.2/24\n',
                                         f'address = 10.67.0.2/24\nneighbour = {HOST_A} 02:00:00:67:00:01\n{extra}'),
                          encoding='utf-8')
        # It has its processor in common with the program that sends or reads in mrk-a. The kernel's TCP goes before every
        # program (it runs in softirqs), so ours does.
        return Process(['ip', 'netns', 'exec', B, 'chrt', '-f', '1', str(self.build / 'app/millrace/millrace'),
                        *self.eal('stack', 1024, ENDS_CPU), f'--vdev=net_af_packet0,iface={TAP_B},framecnt=2048', '--', '-c', str(config)],
                       self.logs / 'matrix-millrace.log')

    def run(self, cell, who, way, seed):
        with self.wire(cell.impair(2 * seed), cell.impair(2 * seed + 1)) as wire:
            with self.peer(who):
                done = subprocess.run(self.flows(A, way, HOST_B, str(cell.flows), str(cell.skip), str(cell.seconds)),
                                      capture_output=True, text=True, timeout=120, check=False, preexec_fn=own_session)
        if done.returncode:
            raise Failed(f'{cell.name} {who} {way}: {done.stderr.strip()[-300:]}')
        return json.loads(done.stdout) | {'wire': wire.output().splitlines()[-2:]}


# ---- results

def median(results, cell, who, way, what='steady_bps'):
    runs = results.get(f'{cell.name} {who} {way}', [])
    return statistics.median(r[what] for r in runs) if runs else None


def mbit(bps):
    return '' if bps is None else f'{bps / 1e6:.1f}' if bps < 100e6 else f'{bps / 1e6:.0f}'


def table(results, every):
    """Rows for whatever is there."""
    lines = ['| cell | kernel to kernel | kernel to us | ratio | kernel to kernel, back | us to kernel | ratio |',
             '|---|---|---|---|---|---|---|']
    ratios = []
    for cell in every:
        row = [cell.name]
        for way in WAYS:
            theirs, ours = (median(results, cell, who, way) for who in PEERS)
            ratio = ours / theirs if ours is not None and theirs else None
            row += [mbit(theirs), mbit(ours), '' if ratio is None else f'{ratio:.2f}']
            ratios += [ratio] if ratio is not None else []
        if any(row[1:]):
            lines.append('| ' + ' | '.join(row) + ' |')
    if ratios:
        lines.append(f'\n{len(ratios)} ratios: {sum(r >= 1 for r in ratios)} of 1 and more, '
                     f'{sum(r < 0.9 for r in ratios)} below 0.9, least {min(ratios):.2f}')
    return '\n'.join(lines)


def load(path):
    try:
        return json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError:
        return {}


def store(path, results):
    with tempfile.NamedTemporaryFile('w', dir=path.parent, delete=False, encoding='utf-8') as f:
        json.dump(results, f, indent=1)
    os.replace(f.name, path)


def jobs(args, results):
    """What is still to be run, in the order of the table: (cell, who, way, seed)."""
    for cell in cells():
        if not fnmatch.fnmatch(cell.name, args.cells):
            continue
        for way in args.ways.split(','):
            for who in args.peers.split(','):
                have = len(results.get(f'{cell.name} {who} {way}', []))
                for seed in range(args.runs):
                    if args.again or seed >= have:
                        yield cell, who, way, seed


def measure(args, path, results):
    end = time.monotonic() + args.limit
    with Bench(args.build, path.parent) as bench:
        for cell, who, way, seed in jobs(args, results):
            if time.monotonic() + cell.skip + cell.seconds + 2 > end:
                print('The time is over: call again for the rest')
                return
            result = bench.run(cell, who, way, seed)
            key = f'{cell.name} {who} {way}'
            results[key] = (results.get(key, []) if seed else []) + [result]
            store(path, results)
            print(f'{key}: {mbit(result["steady_bps"])} Mbit/s (start {mbit(result["start_bps"])}), '
                  f'{result["sent_again"]} sent again, {"; ".join(result["wire"])}', flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--list', action='store_true', help='the names of the cells')
    parser.add_argument('--table', action='store_true', help='the table of what was measured, and nothing else')
    parser.add_argument('--cells', default='*', help='those whose name is like this, with * and ?')
    parser.add_argument('--peers', default=','.join(PEERS), help='kernel, millrace or both, with a comma between')
    parser.add_argument('--ways', default=','.join(WAYS), help='send, receive or both, with a comma between, as the kernel in mrk-a does')
    parser.add_argument('--runs', type=int, default=1, help='of each, with seeds of their own; the table has medians')
    parser.add_argument('--again', action='store_true', help='also what was measured before')
    parser.add_argument('--limit', type=float, default=float('inf'), help='begin nothing that takes longer than this many seconds')
    parser.add_argument('--build', default=str(TOP / 'build'), help='directory of the build')
    parser.add_argument('--results', help='file of results; default: log/matrix.json in the build')
    args = parser.parse_args()
    for option, given, known in (('--peers', args.peers, PEERS), ('--ways', args.ways, WAYS)):
        if unknown := set(given.split(',')) - set(known):
            parser.error(f'{option}: {", ".join(sorted(unknown))}: there are {" and ".join(known)}')
    if args.list:
        print('\n'.join(f'{c.name}\t{c.impair(0)}' for c in cells()))
        return
    path = pathlib.Path(args.results or f'{args.build}/log/matrix.json')
    path.parent.mkdir(parents=True, exist_ok=True)
    results = load(path)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if not args.table:
        measure(args, path, results)
    print(table(results, cells()))


if __name__ == '__main__':
    main()
