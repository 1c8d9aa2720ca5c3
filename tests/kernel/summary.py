#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Judges the summary that the server prints at its end: exit code, dropped packets, packet pools.

A packet may only have been dropped for a reason that the checks explain: EXPLAINED names each with the most packets that
the checks can account for, and why. Everything else that was dropped is a failure.
"""

import argparse
import re

from report import Report, require

# Per run of a suite: reason, most packets, why. A run has 2 families, 10 ports of each kind in nmap, 1,000 connections.
EXPLAINED = {
    'drop_ip_not_ours': (400, 'the kernel looks for routers and reports groups when its end comes up (RFC 4861, 3810)'),
    'drop_ip_ext_hdr': (400, 'multicast listener reports of the kernel carry a hop-by-hop header (RFC 3810 5)'),
    'drop_icmp_ignored': (50, 'router solicitations of the kernel, ICMP types that hosts ignore'),
    'drop_ether_bad_src': (20, 'what the kernel said before its end of the tap had a link address of its own'),
    'drop_tcp_no_port': (2000, 'closed ports in the refused and nmap checks; last segments to connections that wrk reset'),
    'drop_udp_no_port': (500, 'closed ports in the unreachable and nmap checks, with nmap\'s repetitions'),
}


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


def check_drops(drops):
    unexplained = [f'{name} {n}' + (f' (at most {EXPLAINED[name][0]}: {EXPLAINED[name][1]})' if name in EXPLAINED else '')
                   for name, n in drops.items() if n > EXPLAINED.get(name, (0, ''))[0]]
    require(not unexplained, 'not explained: ' + ', '.join(unexplained))
    return ', '.join(f'{name} {n}' for name, n in drops.items()) or 'none'


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
    parser.add_argument('--report', help='file that the lines are added to')
    parser.add_argument('log')
    args = parser.parse_args()
    with open(args.log, encoding='utf-8', errors='replace') as f:
        text = f.read()
    drops, pools, devices = tables(text)
    report = Report(args.report)
    report.run('end', check_end, args.exit_code, text)
    report.run('drops', check_drops, drops)
    report.run('devices', check_devices, devices)
    report.run('pools', check_pools, pools)


if __name__ == '__main__':
    main()
