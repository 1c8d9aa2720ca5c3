# SPDX-License-Identifier: Apache-2.0
"""What ours is seen beside, on the same wire: testpmd opposite a generator, and dperf if there is one."""

import os
import re
import statistics
import time

from process import Process, watch
from wires import CORES

# One lcore to command, one that forwards, on the same core of the machine.
TESTPMD_LCORES = '0@{core},1@{core}'
CYCLES = re.compile(r'CPU cycles/packet=([\d.]+)')


def result(program, mode, role, wire, **known):
    """As millrace-bench writes one; what is not known is None."""
    keys = ('connections', 'ops_per_s', 'gbit_per_s', 'pps', 'cycles_per_op', 'cycles_per_packet', 'busy', 'latency_ns',
            'retransmits', 'syn_cookies', 'honest_ops', 'drops', 'bytes_per_connection', 'limited_by')
    return {'program': program, 'mode': mode, 'role': role, 'wire': wire.name, **{k: known.get(k) for k in keys}}


def testpmd(wire, side, mode, *options):
    return ['dpdk-testpmd', *wire.eal(side, 512, TESTPMD_LCORES), '--', '--no-mlockall', '--total-num-mbufs=16384',
            '--nb-cores=1', f'--forward-mode={mode}', '--auto-start', '--stats-period=1', '--record-core-cycles', *options]


def rates(text, key):
    """Of each second, without those in which the other end was not there yet or not any more."""
    found = [int(n) for n in re.findall(rf'{key}:\s+(\d+)', text)]
    busy = [n for n in found if n > max(found, default=0) / 10]
    return busy[1:-1] or busy


def pair(suite, wire, server, client, seconds, bench_client=False):
    """Both ends for so long. Returns what each has printed, and the load of others."""
    wire.clear()
    commands = {'server': server, 'client': client}
    first = wire.first
    second = 'client' if first == 'server' else 'server'
    with Process(commands[first], suite.log(f'yardstick-{first}')) as a:
        a.wait_for_file(wire.socket)
        time.sleep(0.5)
        with Process(commands[second], suite.log(f'yardstick-{second}')) as b:
            ends = {first: a, second: b}
            foreign = watch([a, b], seconds + (30 if bench_client else 2), ends['client'] if bench_client else None)
            for p in (ends['client'], ends['server']):
                p.stop()
    return ends['server'].output(), ends['client'].output(), foreign


def forward(suite, wire, mode, size, burst):
    """testpmd's flowgen, which counts what comes back, opposite its 5tswap or macswap."""
    server, client, foreign = pair(suite, wire, testpmd(wire, 'server', mode, f'--burst={burst}'),
                                   testpmd(wire, 'client', 'flowgen', f'--txpkts={size}', '--flowgen-flows=1024',
                                           f'--burst={burst}'), suite.seconds + 2)
    seconds, cycles = rates(client, 'Rx-pps'), CYCLES.findall(server)
    if not seconds:
        raise RuntimeError(f'testpmd {mode}: nothing came back\n{client[-800:]}')
    rate = statistics.median(seconds)
    cost = float(cycles[-1]) if cycles else None
    return [result('testpmd', mode, 'server', wire, ops_per_s=rate, pps=2 * rate, cycles_per_op=cost,
                   cycles_per_packet=cost)], foreign


def rxonly(suite, wire, size):
    server, client, foreign = pair(suite, wire, testpmd(wire, 'server', 'rxonly'),
                                   testpmd(wire, 'client', 'txonly', f'--txpkts={size}'), suite.seconds + 2)
    seconds = rates(server, 'Rx-pps')
    if not seconds:
        raise RuntimeError(f'testpmd rxonly: nothing came\n{server[-800:]}')
    rate = statistics.median(seconds)
    return [result('testpmd', 'rxonly', 'server', wire, ops_per_s=rate, pps=rate, gbit_per_s=rate * size * 8e-9)], foreign


def ping_pong(suite, wire):
    """One packet at a time: our generator, slow enough that none meets another, opposite testpmd's macswap."""
    file = suite.log('ping-pong.json')
    generator = [suite.program, *wire.eal('client', 512), '--', '--mode', 'flowgen', '--flows', '1', '--rate', '100k',
                 '--peer-mac', '02:00:00:be:0c:01', '--duration', str(suite.seconds), '--warmup', '0.5', '--quiet', '--json', file]
    _server, _client, foreign = pair(suite, wire, testpmd(wire, 'server', 'macswap'), generator, suite.seconds, True)
    latency = suite.load(file)[0]['latency_ns']
    return [result('testpmd', 'macswap', 'server', wire, latency_ns=latency)], foreign


ROUTER = """[host]
workers = 1
idle = busy
mbufs = 32k
[ip]
forwarding = yes
[port net0]
device = {device}
address = 10.0.0.2/24
[route there]
to = 10.9.0.0/16
via = 10.0.0.1
"""


def router(suite, wire):
    """Ours, so no yardstick, but measured as one: the server as a router, whose way back is the way that packets came."""
    config, file = suite.log('router.ini'), suite.log('router.json')
    device = {'memif': 'net_memif0', 'vhost': 'net_virtio_user0'}[wire.name]
    with open(config, 'w') as f:
        f.write(ROUTER.format(device=device))
    generator = [suite.program, *wire.eal('client', 1024, '0@{core}'), '--', '--mode', 'flowgen', '--flows', '1000',
                 '--peer-mac', '02:00:00:be:0c:01', '--server-address', '10.9.0.1/16', '--client-address', '10.0.0.1/24',
                 '--duration', str(suite.seconds), '--warmup', '0.5', '--interval', '0.5', '--quiet', '--json', file]
    server = [suite.router, *wire.eal('server', 1024, '0@{core}'), '--', '-c', config]
    printed, _client, foreign = pair(suite, wire, server, generator, suite.seconds, True)
    found = CYCLES.findall(printed)
    cost = float(found[-1]) if found else None
    back = suite.load(file)[0]
    return [{**back, 'mode': 'router', 'role': 'client'},
            {**result('millrace', 'router', 'server', wire, cycles_per_op=cost, cycles_per_packet=cost)}], foreign


DPERF = {
    'tcp': ('payload_size 1', 'keepalive 10s', 'cc 1000\ncps 2k\nkeepalive 1us'),
    'http': ('payload_size 128\nprotocol http', 'keepalive 10s', 'cc 1000\ncps 2k\nkeepalive 1us'),
    'cps': ('payload_size 1', '', 'cps 3m\nretransmit_timeout 1'),
}


def dperf_command(suite, wire, side, test, seconds):
    both, server, client = DPERF[test]
    own, other = ('192.168.31.200', '192.168.31.100') if side == 'server' else ('192.168.31.100', '192.168.31.200')
    vdev = wire.vdev(side).replace('net_memif0', 'net_memif000')
    eal = ' '.join(['--no-pci', '-m', '512', *[a for a in suite.opts.memory if a != '--no-huge'], '--file-prefix',
                    f'millrace-dperf-{side}', f'--vdev={vdev}'])
    config = suite.log(f'dperf-{side}.conf')
    with open(config, 'w') as f:
        f.write(f'mode {side}\ncpu {CORES[side]}\nduration {seconds}s\ndpdk_args "{eal}"\n'
                f'port net_memif000 {own} {other}\nclient 192.168.31.100 10\nserver 192.168.31.200 1\nlisten 80 5\n'
                f'tx_burst 128\n{both}\n{server if side == "server" else client}\n')
    return [suite.opts.dperf, '-c', config]


def dperf(suite, wire, test):
    """Both ends dperf: an engine of templates, no stack, so what it reaches is a ceiling."""
    seconds = suite.seconds + 6
    server, client, foreign = pair(suite, wire, dperf_command(suite, wire, 'server', test, seconds + 2),
                                   dperf_command(suite, wire, 'client', test, seconds), seconds)
    key = 'skOpen' if test == 'cps' else ('http2XX' if test == 'http' else 'tcpReq')
    busy = [int(n) for n in re.findall(r'cpuUsage\s+(\d+)', server)][4:-1]
    counts = [int(n.replace(',', '')) for n in re.findall(rf'{key}\s+([\d,]+)', client)][4:-1]
    if not counts:
        raise RuntimeError(f'dperf {test}: no figure\n{client[-800:]}')
    rate = statistics.median(counts)
    share = statistics.median(busy) / 100 if busy else None
    return [result('dperf', test, 'server', wire, ops_per_s=rate, busy=share,
                   cycles_per_op=share * suite.tsc_hz / rate if share and rate else None)], foreign


def run(name, suite, wire):
    """@return results and the load of others, or None where it cannot be run here."""
    words = name.split()
    if words[0] == 'dperf':
        return dperf(suite, wire, words[1]) if suite.opts.dperf and os.access(suite.opts.dperf, os.X_OK) else None
    if words[1] == 'ping-pong':
        return ping_pong(suite, wire)
    if words[1] == 'rxonly':
        return rxonly(suite, wire, int(words[2]))
    return forward(suite, wire, words[1], int(words[2]), int(words[4]) if len(words) > 4 else 32)
