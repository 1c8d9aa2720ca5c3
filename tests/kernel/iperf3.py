# SPDX-License-Identifier: Apache-2.0
"""iperf3's own client against the service: each kind of test once, a second long, and what both ends have counted.

What a test has sent and not received must be in buffers, or, of datagrams, must have been dropped by the kernel, which
counts that: everything else the stack has lost.
"""

import json
import os
import re
import subprocess

from report import Failure, require

SECONDS = 1
OUR_BUFFERS = 2 << 20
STOPPED = re.compile(r'(\S+), (\d+) stream\(s\), ([\d.]+) s, received (\d+) bytes, sent (\d+) bytes'
                     r'(?:, missed (\d+) of (\d+) datagrams)?')


def client(host, *args, ok=True):
    """What the client reports as JSON."""
    command = ['iperf3', '-c', host, '-J', '--get-server-output', '--connect-timeout', '5000', *args]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS + 20, check=False)
    except subprocess.TimeoutExpired:
        raise Failure(f'{" ".join(args)}: not done after {SECONDS + 20} s') from None
    try:
        out = json.loads(done.stdout)
    except ValueError:
        raise Failure(f'{" ".join(args)}: no JSON, exit {done.returncode}: {done.stderr.strip()[-200:]}') from None
    require(not ok or 'error' not in out, f'{" ".join(args)}: {out.get("error")}')
    return out


class Count:
    """What the service says of a test."""

    def __init__(self, out):
        found = STOPPED.search(out.get('server_output_text', ''))
        require(found, f'the service said {out.get("server_output_text")!r}')
        self.protocol = found[1]
        self.streams, self.received, self.sent, self.missed, self.seen = (int(found[i] or 0) for i in (2, 4, 5, 6, 7))
        self.seconds = float(found[3])

    def mbits(self, n):
        return n * 8 / self.seconds / 1e6


def buffers():
    """Bytes that may be under way on a connection: what buffers hold, those of the kernel at their largest."""
    total = OUR_BUFFERS
    for name in ('tcp_rmem', 'tcp_wmem'):
        with open(f'/proc/sys/net/ipv4/{name}', encoding='ascii') as f:
            total += int(f.read().split()[2])
    return total


def agree(sent, received, streams=1, what='in all'):
    require(0 < received <= sent, f'{what} {received} of {sent} bytes received')
    require(sent - received <= streams * buffers(), f'{what} {sent - received} bytes are missing')


def tcp(host, *args):
    """Streams in one direction."""
    out = client(host, '-t', str(SECONDS), *args)
    count, end = Count(out), out['end']
    sent, received = end['sum_sent'], end['sum_received']
    require(count.protocol == 'TCP' and count.streams == len(end['streams']), f'the service saw {count.streams} streams')
    expected = (0, sent['bytes']) if '-R' in args else (received['bytes'], 0)
    require((count.received, count.sent) == expected, 'the service says other numbers in words')
    agree(sent['bytes'], received['bytes'], count.streams)
    for stream in end['streams']:
        agree(stream['sender']['bytes'], stream['receiver']['bytes'], what=f'stream {stream["receiver"]["socket"]}:')
    again = '' if '-R' in args else f', {sent["retransmits"]} segments sent again'
    return f'{count.streams} stream(s), {count.mbits(received["bytes"]):.0f} Mbit/s{again}'


def both_ways(host):
    out = client(host, '-t', str(SECONDS), '--bidir', '-P', '2')
    count, end = Count(out), out['end']
    require(count.streams == 4, f'the service saw {count.streams} streams')
    agree(end['sum_sent']['bytes'], count.received, 2)
    agree(count.sent, end['sum_received_bidir_reverse']['bytes'], 2)
    return f'{count.mbits(count.received):.0f} Mbit/s one way, {count.mbits(count.sent):.0f} Mbit/s the other'


def by_size(host):
    """A test that ends by its bytes, written in short pieces; then one of a rate, whose first second does not count."""
    n = 8 << 20
    out = client(host, '-n', str(n), '-l', '1000')
    sent = out['end']['sum_sent']['bytes']
    require(n <= sent < n + 100 * 1000, f'{sent} bytes sent')
    agree(sent, Count(out).received)
    count = Count(client(host, '-t', str(SECONDS), '-O', '1', '-b', '8M', '-l', '10000', '-R'))
    require(0 < count.mbits(count.sent) < 9, f'{count.mbits(count.sent):.1f} Mbit/s where 8 were asked for')
    return f'{n} bytes; {count.mbits(count.sent):.1f} Mbit/s where 8 were asked for'


def dropped_by_wire():
    """Packets that the kernel's end of the wire had no room for."""
    total = 0
    for name in os.listdir('/sys/class/net'):
        if name != 'lo':
            with open(f'/sys/class/net/{name}/statistics/tx_dropped', encoding='ascii') as f:
                total += int(f.read())
    return total


def dropped_by_sockets():
    """Datagrams that found a receive buffer of the kernel full, of both families."""
    with open('/proc/net/snmp', encoding='ascii') as f:
        names, values = (line.split() for line in f if line.startswith('Udp:'))
    with open('/proc/net/snmp6', encoding='ascii') as f:
        six = dict(line.split() for line in f)
    return int(values[names.index('RcvbufErrors')]) + int(six['Udp6RcvbufErrors'])


def udp(host, *args):
    """50 Mbit/s of datagrams. The stack loses none of them."""
    dropped = dropped_by_sockets if '-R' in args else dropped_by_wire
    before = dropped()
    out = client(host, '-u', '-b', '50M', '-t', str(SECONDS), *args)
    explained = dropped() - before
    count, total = Count(out), out['end']['sum']
    lost, size = total['lost_packets'], out['start']['test_start']['blksize']
    require(lost <= explained, f'{lost} datagrams lost, {explained} of them by the kernel')
    require(0 < total['jitter_ms'] < 1000, f'jitter {total["jitter_ms"]} ms')
    if '-R' in args:
        require(0 < count.mbits(count.sent) < 55, f'{count.mbits(count.sent):.0f} Mbit/s sent')
    else:
        require(count.missed == lost and count.received == (count.seen - lost) * size,
                f'{count.received} bytes in {count.seen} - {count.missed} datagrams')
    return (f'{count.streams} stream(s), {count.mbits(count.sent + count.received):.0f} Mbit/s, {lost} of '
            f'{total["packets"]} lost (by the kernel), jitter {total["jitter_ms"]:.3f} ms')


def busy(host):
    """A second client is turned away; the first one is killed, and the service is there for the next."""
    command = ['iperf3', '-c', host, '-t', '30', '-R', '-i', '0.1', '--forceflush']
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as first:
        try:
            require(any('sec' in line for line in first.stdout), 'the first client got nowhere')
            error = client(host, '-n', '1000', ok=False).get('error', '')
        finally:
            first.kill()
    require('busy' in error, f'the second client heard {error!r}')
    client(host, '-n', '1000')
    return f'"{error}"; served after the first one was killed'
