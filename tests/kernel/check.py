#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The checks of a running server from the Linux kernel's end of a wire.

Run it inside the network namespace that holds that end. Writes one line per check; what the lines mean for the whole is
for the caller to say, so this program exits with 0 whatever they say.
"""

import argparse
import resource

import iperf3
import pattern
import tools
import traffic
from report import Report

GIB = 1 << 30
MIB = 1 << 20
PORTS = (7, 9, 19, 22, 25, 53, 80, 123, 443, 8080)
CLOSED = 81


def full(report, hosts):
    body = pattern.first(64)
    for host in hosts:
        report.run(f'ping {host}', tools.ping, host, 1000, 56)
        report.run(f'ping 1,400 {host}', tools.ping, host, 100, 1400)
        report.run(f'udp echo {host}', traffic.udp_echo, host, range(1, 1453))
    for host in hosts:
        report.run(f'curl {host}', tools.curl, host, GIB, pattern.sha256(GIB))
        report.run(f'discard {host}', traffic.tcp_discard, host, GIB)
        report.run(f'echo {host}', traffic.tcp_echo, host, 256 * MIB)
        report.run(f'echo read late {host}', traffic.tcp_echo, host, 64 * MIB, 1)
    for host in hosts:
        report.run(f'one after another {host}', traffic.tcp_sequential, host, 10000, body)
        report.run(f'at once {host}', traffic.tcp_simultaneous, host, 1000)
        report.run(f'fast open {host}', traffic.tcp_fast_open, host, 200)
        report.run(f'keystrokes {host}', traffic.tcp_keystrokes, host, 100, 0.02)
        report.run(f'refused {host}', traffic.tcp_refused, host, CLOSED)
        report.run(f'unreachable {host}', traffic.udp_refused, host, CLOSED)
    for host in hosts:
        report.run(f'nmap {host}', tools.nmap, host, (7, 9, 19, 80), (7, 19), (9,), PORTS)
    report.run(f'wrk {hosts[0]}', tools.wrk, hosts[0], 100, 10)
    report.run(f'wrk {hosts[1]}', tools.wrk, hosts[1], 100, 3)
    for host in hosts:
        report.run(f'iperf3 {host}', iperf3.tcp, host)
        report.run(f'iperf3 -R {host}', iperf3.tcp, host, '-R')
    report.run(f'iperf3 -P 4 {hosts[0]}', iperf3.tcp, hosts[0], '-P', '4')
    report.run(f'iperf3 -P 4 -R {hosts[1]}', iperf3.tcp, hosts[1], '-P', '4', '-R')
    report.run(f'iperf3 --bidir {hosts[0]}', iperf3.both_ways, hosts[0])
    report.run(f'iperf3 -n, -l, -O, -b {hosts[1]}', iperf3.by_size, hosts[1])
    report.run(f'iperf3 -u {hosts[0]}', iperf3.udp, hosts[0])
    report.run(f'iperf3 -u -R {hosts[1]}', iperf3.udp, hosts[1], '-R')
    report.run(f'iperf3 -u -P 2 64 bit {hosts[1]}', iperf3.udp, hosts[1], '-P', '2', '--udp-counters-64bit')
    report.run(f'iperf3 twice {hosts[0]}', iperf3.busy, hosts[0])
    for host in hosts:
        report.run(f'answers afterwards {host}', traffic.answers, host, body)


def short(report, hosts):
    body = pattern.first(64)
    for host in hosts:
        report.run(f'ping {host}', tools.ping, host, 200, 56)
        report.run(f'udp echo {host}', traffic.udp_echo, host, range(1, 1453))
        report.run(f'curl {host}', tools.curl, host, 64 * MIB, pattern.sha256(64 * MIB))
        report.run(f'discard {host}', traffic.tcp_discard, host, 64 * MIB)
        report.run(f'echo {host}', traffic.tcp_echo, host, 16 * MIB)
        report.run(f'echo read late {host}', traffic.tcp_echo, host, 64 * MIB, 1)
        report.run(f'one after another {host}', traffic.tcp_sequential, host, 500, body)
        report.run(f'at once {host}', traffic.tcp_simultaneous, host, 100)
        report.run(f'fast open {host}', traffic.tcp_fast_open, host, 20)
        report.run(f'keystrokes {host}', traffic.tcp_keystrokes, host, 50, 0.02)
        report.run(f'refused {host}', traffic.tcp_refused, host, CLOSED)
        report.run(f'unreachable {host}', traffic.udp_refused, host, CLOSED)
        report.run(f'answers afterwards {host}', traffic.answers, host, body)


def main():
    parser = argparse.ArgumentParser(description='Checks of a running Millrace from the Linux kernel.')
    parser.add_argument('--suite', choices=('full', 'short'), default='full')
    parser.add_argument('--report', help='file that the lines are added to')
    parser.add_argument('hosts', nargs='*', default=['10.66.0.2', 'fd66::2'], help='an IPv4 and an IPv6 address')
    args = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192) if hard > 0 else 8192, hard))
    {'full': full, 'short': short}[args.suite](Report(args.report), args.hosts)


if __name__ == '__main__':
    main()
