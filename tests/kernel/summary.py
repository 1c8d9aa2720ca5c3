#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Judges the summary that the server prints at its end: exit code, dropped packets, packet pools.

A packet may only have been dropped for a reason that the checks explain: EXPLAINED names each with the most packets that
the checks can account for, and why. A busy machine may hold an ACK up until the peer sends again: REPEATED may drop as
many more as the peer has counted segments that it sent again. Everything else that was dropped is a failure.
"""

import argparse
import re

from report import Report, require

# Reason: most packets in one run of a suite, and why.
EXPLAINED = {
    'drop_ip_not_ours': (850, 'the kernel looks for routers and reports groups when its end comes up, to groups that only '
                         'routers join (RFC 4861, 3376, 3810)'),
    'drop_ether_bad_src': (20, 'what the kernel said before its end of the tap had a link address of its own'),
    'drop_icmp_ignored': (50, 'router solicitations of the kernel, ICMP types that hosts ignore'),
    'drop_tcp_no_port': (2000, 'closed ports in the refused and nmap checks; last segments to connections that wrk reset'),
    'drop_udp_no_port': (500, 'closed ports in the unreachable and nmap checks, with repetitions by nmap'),
    'drop_tcp_listen_ignored': (5000, 'a second reset by nmap for a port that it has found open; resets of the kernel for all '
                                'that was under way to an iperf3 that closed or was killed, of which one is enough'),
}

# A tap of several queues: the kernel looks at which queue an answer came from to choose one for the flow, but after it has
# already acted on that answer. So its ACK of a SYN-ACK may take another queue than what follows, and arrive behind it, at a
# connection that has moved on, or has ended. Once for each of the about 25,000 connections of a suite.
LATE = (25000, 'ACKs of handshakes that took another queue of the tap than the request and came behind it')
EXPLAINED_WORKERS = {
    'drop_tcp_out_of_window': LATE,
    'drop_tcp_paws': LATE,
    'drop_tcp_time_wait': LATE,
    'drop_tcp_listen_ignored': LATE,
}

# What becomes of a segment that comes a second time, or of a probe, which bears an old number: of a window that has been
# closed for 200 ms. Where two processors of the kernel send into one veth pair, what one of them holds up is overtaken by
# what the other sends again: then the first transmission comes second, with the older timestamp.
REPEATED = ('drop_tcp_duplicate', 'drop_tcp_out_of_window', 'drop_tcp_paws', 'drop_tcp_time_wait')


def tables(text):
    """Reasons with their numbers, pools as (name, free, total), and what devices dropped: (received, to be sent)."""
    drops = {name: int(n) for name, n in re.findall(r'^\s+(drop_\w+)\s+(\d+)\b', text, re.M)}
    pools = [(name, int(free), int(total)) for name, free, total in re.findall(r'^\s*Pool (.+): (\d+) of (\d+) free$', text, re.M)]
    accumulated = text.partition('Accumulated statistics')[2]
    devices = [int(n) for n in re.findall(r'[RT]X-dropped: (\d+)', accumulated)]
    return drops, pools, devices


def check_end(code, text):
    require(code == 0, f'the server exited with {code}')
    require('Dropped packets' in text, 'it printed no summary')
    return 'exit code 0'


def check_drops(drops, workers, repeated):
    explained = EXPLAINED | (EXPLAINED_WORKERS if workers > 1 else {})
    for name in REPEATED:
        most, why = explained.get(name, (0, 'segments that the peer sent again, and its probes'))
        explained[name] = (most + repeated, why)
    unexplained = [f'{name} {n}' + (f' (at most {explained[name][0]}: {explained[name][1]})' if name in explained else '')
                   for name, n in drops.items() if n > explained.get(name, (0, ''))[0]]
    require(not unexplained, 'not explained: ' + ', '.join(unexplained))
    told = ', '.join(f'{name} {n}' for name, n in drops.items()) or 'none'
    return f'{told}; the peer sent {repeated} segments again, or as probes'


def check_devices(devices):
    require(len(devices) == 2, 'no statistics of the devices')
    require(devices == [0, 0], f'the devices lost {devices[0]} packets received and {devices[1]} sent')
    return 'nothing lost'


def check_pools(pools):
    require(len(pools) >= 2, 'no pool was reported')
    short = [f'{name}: {free} of {total}' for name, free, total in pools if free != total]
    require(not short, 'not full: ' + ', '.join(short))
    return ', '.join(f'{name} {free} of {total}' for name, free, total in pools)


def main():
    parser = argparse.ArgumentParser(description='Judges the summary that the server prints at its end.')
    parser.add_argument('--exit-code', type=int, required=True)
    parser.add_argument('--workers', type=int, default=1)
    parser.add_argument('--repeated', type=int, required=True,
                        help='segments that the TCP at the other end has sent again, and its probes')
    parser.add_argument('--report', help='file that the lines are added to')
    parser.add_argument('log')
    args = parser.parse_args()
    with open(args.log, encoding='utf-8', errors='replace') as f:
        text = f.read()
    drops, pools, devices = tables(text)
    report = Report(args.report)
    report.run('end', check_end, args.exit_code, text)
    report.run('drops', check_drops, drops, args.workers, args.repeated)
    report.run('devices', check_devices, devices)
    report.run('pools', check_pools, pools)


if __name__ == '__main__':
    main()
