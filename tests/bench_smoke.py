#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A short run of each mode of millrace-bench, in one process: are its results complete? How fast it is does not matter.

Usage: tests/bench_smoke.py MILLRACE-BENCH     prints one line per run; exits with 0 if all passed
"""

import json
import os
import subprocess
import sys
import tempfile

KEYS = {'mode': str, 'role': str, 'wire': str, 'connections': int, 'ops_per_s': float, 'gbit_per_s': float, 'pps': float,
        'cycles_per_op': float, 'cycles_per_packet': float, 'busy': float, 'latency_ns': dict, 'retransmits': int,
        'drops': dict, 'bytes_per_connection': float, 'limited_by': str}
QUANTILES = ['p50', 'p90', 'p99', 'p999', 'max']
UNKNOWN_LATENCY = {'tcp_stream', 'tcp_maerts', 'udp_stream'}
UNKNOWN_MEMORY = {'udp_rr', 'udp_stream', 'tcp_crr'}
RUNS = [
    ('udp_rr', '--connections 8'),
    ('udp_rr', '--ipv6 --request 64 --response 64'),
    ('udp_stream', ''),
    ('tcp_rr', '--connections 8'),
    ('tcp_rr', '--ipv6 --connections 100 --pipeline 4 --inflight 64 --services 2 --client-addresses 3'),
    ('tcp_rr', '--connections 4 --rate 500'),
    ('tcp_rr', '--connections 4 --find-max --interval 50ms'),
    ('tcp_crr', '--connections 8'),
    ('tcp_stream', ''),
    ('tcp_maerts', '--ipv6'),
    ('tcp_cc', '--connections 500'),
    ('http', '--connections 8'),
]


def result_faults(mode, r, role):
    """What is wrong with one object of the array."""
    if set(r) != set(KEYS):
        return [f'keys: {sorted(set(r) ^ set(KEYS))}']
    unknown = {'latency_ns'} if role == 'server' or mode in UNKNOWN_LATENCY else set()
    unknown |= {'bytes_per_connection'} if mode in UNKNOWN_MEMORY else set()
    faults = [f'{key} is {r[key]}' for key, kind in KEYS.items()
              if not (r[key] is None if key in unknown else isinstance(r[key], kind))]
    if faults:
        return faults
    faults += [f'{key} is {r[key]}' for key in ('ops_per_s', 'pps', 'cycles_per_op', 'cycles_per_packet') if r[key] <= 0]
    if r['mode'] != mode or r['role'] != role or r['wire'] != 'self' or r['limited_by'] not in ('client', 'server', 'wire'):
        faults.append(f'mode {r["mode"]}, role {r["role"]}, wire {r["wire"]}, limited by {r["limited_by"]}')
    if not 0 < r['busy'] <= 1:
        faults.append(f'busy {r["busy"]}')
    if r['latency_ns'] is not None:
        values = [r['latency_ns'].get(q, -1) for q in QUANTILES]
        if len(r['latency_ns']) != len(QUANTILES) or values != sorted(values) or values[0] <= 0:
            faults.append(f'latency {r["latency_ns"]}')
    return faults


def drop_faults(r, other):
    """Nothing is dropped, but what came twice because the other end, kept from running for too long, sent it again."""
    twice = sum(r['drops'].get(name, 0) for name in ('drop_tcp_out_of_window', 'drop_tcp_duplicate'))
    if sum(r['drops'].values()) > twice or twice > other['retransmits']:
        return [f'{r["role"]}: drops {r["drops"]}, the other end sent {other["retransmits"]} again']
    return []


def run(program, mode, options, lcores):
    """One run. Returns a list of faults."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, 'out.json')
        command = [program, '--no-huge', '-m', '384', '--no-pci', '--no-shconf', '--no-telemetry', f'--lcores={lcores}', '--',
                   '--self', '--mode', mode, '--duration', '0.5', '--warmup', '0.1', '--json', file, *options.split()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            return [f'it exited with {done.returncode}: {done.stderr[-500:]}']
        if 'never came back' in done.stderr:
            return ['packets were lost: ' + done.stderr[-500:]]
        with open(file) as f:
            results = json.load(f)
    if len(results) != 2:
        return [f'{len(results)} results']
    client, server = results
    faults = result_faults(mode, client, 'client') + result_faults(mode, server, 'server')
    return faults or drop_faults(client, server) + drop_faults(server, client)


def main():
    program, failed = sys.argv[1], False
    two = '0@0,1@1' if os.cpu_count() > 1 else '0@0,1@0'
    for mode, options, lcores in [(m, o, two) for m, o in RUNS] + [('tcp_rr', '--connections 8', '0')]:
        faults = run(program, mode, options, lcores)
        failed |= bool(faults)
        name = f'bench {mode} {options}'.strip() + ('' if lcores == two else ', one core')
        print(f'FAIL {name}: {"; ".join(faults)}' if faults else f'ok {name}', flush=True)
    return int(failed)


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main())
