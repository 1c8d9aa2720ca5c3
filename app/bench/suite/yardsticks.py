# SPDX-License-Identifier: Apache-2.0
"""What ours is seen beside, on the same wire: testpmd opposite a generator."""

import re
import statistics

from process import Failed
from wires import mac, pair

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


def forward(suite, wire, mode, size, burst):
    """testpmd's flowgen, which counts what comes back, opposite its 5tswap or macswap."""
    commands = {'server': testpmd(wire, 'server', mode, f'--burst={burst}'),
                'client': testpmd(wire, 'client', 'flowgen', f'--txpkts={size}', '--flowgen-flows=1024', f'--burst={burst}')}
    printed, foreign = pair(suite, wire, commands, suite.seconds + 4, until_client=False)
    seconds, cycles = rates(printed['client'], 'Rx-pps'), CYCLES.findall(printed['server'])
    if not seconds:
        raise Failed(f'testpmd {mode}: nothing came back\n{printed["client"][-800:]}')
    rate = statistics.median(seconds)
    cost = float(cycles[-1]) if cycles else None
    return [result('testpmd', mode, 'server', wire, ops_per_s=rate, pps=2 * rate, cycles_per_op=cost,
                   cycles_per_packet=cost)], foreign


def rxonly(suite, wire, size):
    commands = {'server': testpmd(wire, 'server', 'rxonly'), 'client': testpmd(wire, 'client', 'txonly', f'--txpkts={size}')}
    printed, foreign = pair(suite, wire, commands, suite.seconds + 4, until_client=False)
    seconds = rates(printed['server'], 'Rx-pps')
    if not seconds:
        raise Failed(f'testpmd rxonly: nothing came\n{printed["server"][-800:]}')
    rate = statistics.median(seconds)
    return [result('testpmd', 'rxonly', 'server', wire, ops_per_s=rate, pps=rate, gbit_per_s=rate * size * 8e-9)], foreign


def ping_pong(suite, wire):
    """One packet at a time: our generator, slow enough that none meets another, opposite testpmd's macswap."""
    file = suite.log('ping-pong.json')
    command, file = suite.generator(wire, ['--flows', '1', '--rate', '100k', '--peer-mac', mac('server')])
    _printed, foreign = pair(suite, wire, {'server': testpmd(wire, 'server', 'macswap'), 'client': command}, suite.seconds + 30)
    latency = suite.load(file)[0]['latency_ns']
    return [result('testpmd', 'macswap', 'server', wire, latency_ns=latency)], foreign


def run(name, suite, wire):
    """@return results and the load of others."""
    words = name.split()
    if words[1] == 'ping-pong':
        return ping_pong(suite, wire)
    if words[1] == 'rxonly':
        return rxonly(suite, wire, int(words[2]))
    return forward(suite, wire, words[1], int(words[2]), int(words[4]) if len(words) > 4 else 32)
