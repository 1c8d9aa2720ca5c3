#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A short run of each mode of millrace-bench, in one process and over memif between two, with one worker on each side and with
several: are its results complete? How fast it is does not matter.

Usage: tests/bench_smoke.py MILLRACE-BENCH     prints one line per run; exits with 0 if all passed
"""

import json
import os
import struct
import subprocess
import sys
import tempfile
import time

KEYS = {'mode': str, 'role': str, 'wire': str, 'connections': int, 'ops_per_s': float, 'gbit_per_s': float, 'pps': float,
        'cycles_per_op': float, 'cycles_per_packet': float, 'busy': float, 'latency_ns': dict, 'retransmits': int,
        'syn_cookies': int, 'honest_ops': int, 'drops': dict, 'bytes_per_connection': float, 'limited_by': str}
QUANTILES = ['p50', 'p90', 'p99', 'p999', 'max']
UNKNOWN_LATENCY = {'tcp_stream', 'tcp_maerts', 'udp_stream'}
UNKNOWN_MEMORY = {'udp_rr', 'udp_stream', 'tcp_crr', 'syn_flood'}
DURATION = 0.5
FLOOD_RATE = 50000
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
    ('http', '--connections 8 --response 100k --zero-copy'),
    ('syn_flood', f'--connections 4 --rate {FLOOD_RATE}'),
    ('syn_flood', f'--connections 4 --rate {FLOOD_RATE} --ipv6'),
]
# With two workers of each role, which have to share processors here.
SHARED = [
    ('udp_rr', '--connections 64'),
    ('tcp_rr', '--connections 64'),
    ('tcp_rr', '--connections 64 --ipv6 --workers 1'),
    ('tcp_rr', '--connections 64 --queues 1'),
    ('tcp_crr', '--connections 64'),
    ('http', '--connections 64'),
    ('syn_flood', f'--connections 8 --rate {FLOOD_RATE}'),
]
# Whatever a segment may be that came twice.
LATE = {'drop_tcp_out_of_window', 'drop_tcp_duplicate', 'drop_tcp_time_wait', 'drop_tcp_no_port', 'drop_tcp_listen_ignored',
        'drop_tcp_bad_ack'}
# Forward modes: devices, mode, options. net_null gives packets of zeroes without end, net_ring gives back what is sent.
FORWARD = [
    (['net_null0', 'net_null1'], mode, '--burst 64') for mode in ('io', 'mac', 'macswap', '5tswap', 'csum', 'rxonly')
] + [
    (['net_null0'], 'txonly', '--txpkts 133 --flows 100'),
    (['net_ring0'], 'flowgen', '--flows 1000 --rxd 256 --txd 256'),
    (['net_ring0'], 'flowgen', '--txpkts 1400 --find-max --interval 50ms'),
]


def result_faults(mode, r, role, wire='self'):
    """What is wrong with one object of the array."""
    if set(r) != set(KEYS):
        return [f'keys: {sorted(set(r) ^ set(KEYS))}']
    unknown = {'latency_ns'} if role == 'server' or mode in UNKNOWN_LATENCY else set()
    unknown |= {'bytes_per_connection'} if mode in UNKNOWN_MEMORY else set()
    unknown |= {'honest_ops'} if mode != 'syn_flood' else set()
    faults = [f'{key} is {r[key]}' for key, kind in KEYS.items()
              if not (r[key] is None if key in unknown else isinstance(r[key], kind))]
    if faults:
        return faults
    faults += [f'{key} is {r[key]}' for key in ('ops_per_s', 'pps', 'cycles_per_op', 'cycles_per_packet') if r[key] <= 0]
    if r['mode'] != mode or r['role'] != role or r['wire'] != wire or r['limited_by'] not in ('client', 'server', 'wire'):
        faults.append(f'mode {r["mode"]}, role {r["role"]}, wire {r["wire"]}, limited by {r["limited_by"]}')
    if not 0 < r['busy'] <= 1:
        faults.append(f'busy {r["busy"]}')
    if r['latency_ns'] is not None:
        values = [r['latency_ns'].get(q, -1) for q in QUANTILES]
        if len(r['latency_ns']) != len(QUANTILES) or values != sorted(values) or values[0] <= 0:
            faults.append(f'latency {r["latency_ns"]}')
    return faults


def stuck(r):
    """What a link that was not served for 100 ms did not take (MR_NIC_STUCK_NS); TCP has sent it again."""
    return min(r['drops'].get('drop_nic_txq_full', 0), r['retransmits'])


def drop_faults(r, other, reports):
    """Nothing is dropped, but what came twice because the other end, kept from running for too long, sent it again, so many
    reports of its groups, which are sent to the group, answers to a flood, and what is sent again after a link was stuck."""
    twice = sum(r['drops'].get(name, 0) for name in ('drop_tcp_out_of_window', 'drop_tcp_duplicate'))
    again = other['retransmits'] + r['connections']  # of each the last may have been sent before the measurement
    reported = min(r['drops'].get('drop_ip_not_ours', 0), reports)
    if sum(r['drops'].values()) > twice + reported + stuck(r) or twice > again:
        return [f'{r["role"]}: drops {r["drops"]}, the other end sent {other["retransmits"]} again']
    return []


def flood_faults(client, server):
    """Honest clients were served, and the others with cookies."""
    faults = [f'{r["role"]}: {r["ops_per_s"]} SYNs a second' for r in (client, server) if r['ops_per_s'] > 1.1 * FLOOD_RATE]
    if client['honest_ops'] == 0 or server['honest_ops'] == 0 or client['drops'].get('drop_ip_not_ours', 0) == 0:
        faults.append(f'served: {client["honest_ops"]} and {server["honest_ops"]}; drops of the client {client["drops"]}')
    # Two workers have 2 x 2048 half-open connections before that, and some SYNs came before the measurement.
    if client['syn_cookies'] or (server['ops_per_s'] * DURATION > 8192 and not server['syn_cookies']):
        faults.append(f'cookies: {client["syn_cookies"]} and {server["syn_cookies"]}')
    return faults


def late_faults(client, server, reports):
    """With more workers than processors much is sent again, also of connections that have gone, and before the measurement:
    nothing else is dropped."""
    again = client['retransmits'] + server['retransmits']
    faults = []
    for r in (client, server):
        late = sum(n for name, n in r['drops'].items() if name in LATE)
        rest = sum(r['drops'].values()) - late - min(r['drops'].get('drop_ip_not_ours', 0), reports) - stuck(r)
        if rest > 0 or late > 4 * (again + r['connections']):
            faults.append(f'{r["role"]}: drops {r["drops"]}; both sent {again} again')
    return faults


def pair_faults(mode, options, client, server, wire, shared):
    """What is wrong with both sides of a run."""
    faults = result_faults(mode, client, 'client', wire) + result_faults(mode, server, 'server', wire)
    if mode == 'syn_flood' and not faults:
        faults = flood_faults(client, server)
        client['drops'].pop('drop_ip_not_ours', 0)
        server['drops'].pop('drop_nic_txq_full', 0)
    # MLD: twice for the solicited-node group of the address and of the link-local one.
    reports = 4 if '--ipv6' in options else 0
    if faults or shared:
        return faults or late_faults(client, server, reports)
    return drop_faults(client, server, reports) + drop_faults(server, client, reports)


def run(program, mode, options, lcores, shared=False):
    """One run. Returns a list of faults."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, 'out.json')
        command = [program, '--no-huge', '-m', '384', '--no-pci', '--no-shconf', '--no-telemetry', f'--lcores={lcores}', '--',
                   '--self', '--mode', mode, '--duration', str(DURATION), '--warmup', '0.1', '--json', file, *options.split()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            return [f'it exited with {done.returncode}: {done.stderr[-500:]}']
        if 'never came back' in done.stderr:
            return ['packets were lost: ' + done.stderr[-500:]]
        with open(file) as f:
            results = json.load(f)
    if len(results) != 2:
        return [f'{len(results)} results']
    return pair_faults(mode, options, *results, 'self', shared)


def memif(program, mode, options):
    """The same in two processes, two workers and queues on each side; with one queue one worker of the client."""
    with tempfile.TemporaryDirectory() as folder:
        def start(role, cpu):
            lcores = f'0@{cpu}' if role == 'client' and '--queues 1' in options else f'0@{cpu},1@{cpu}'
            vdev = f'net_memif0,role={role},socket={folder}/memif,socket-abstract=no'
            return subprocess.Popen(
                [program, '--no-huge', '-m', '384', '--no-pci', '--no-shconf', '--no-telemetry', f'--lcores={lcores}',
                 f'--vdev={vdev}', '--', f'--{role}', '--mode', mode, '--duration', str(DURATION), '--warmup', '0.1', '--json',
                 f'{folder}/{role}', *options.split()], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

        ends = [start('server', 0)]
        try:
            while not os.path.exists(f'{folder}/memif') and ends[0].poll() is None:
                time.sleep(0.05)
            ends.append(start('client', os.cpu_count() - 1))
            for end in reversed(ends):  # a client that fails leaves its server waiting
                end.wait(timeout=120)
        except subprocess.TimeoutExpired:
            pass
        finally:
            for end in ends:
                end.kill()
        said = [end.communicate()[0] for end in ends]
        if any(end.returncode != 0 for end in ends):
            return [f'exit codes {[end.returncode for end in ends]}: {said[0][-300:]} {said[-1][-300:]}']
        results = [json.load(open(f'{folder}/{role}'))[0] for role in ('client', 'server')]
    return pair_faults(mode, options, *results, 'net_memif', True)


def forward(program, devices, mode, options):
    """One run of a forward mode on one core. Returns a list of faults."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, 'out.json')
        command = [program, '--no-huge', '-m', '384', '--no-pci', '--no-shconf', '--no-telemetry', '--lcores=0',
                   *(f'--vdev={d}' for d in devices), '--', '--mode', mode, '--duration', '0.3', '--warmup', '0.1',
                   '--peer-mac', '02:00:00:00:00:09', '--json', file, *options.split()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            return [f'it exited with {done.returncode}: {done.stderr[-500:]}']
        with open(file) as f:
            results = json.load(f)
    if len(results) != 1 or set(results[0]) != set(KEYS):
        return [f'{len(results)} results, or their keys']
    r, role = results[0], 'client' if mode in ('txonly', 'flowgen') else 'server'
    faults = [f'{key} is {r[key]}' for key in ('ops_per_s', 'pps', 'cycles_per_op', 'cycles_per_packet') if r[key] <= 0]
    if r['mode'] != mode or r['role'] != role or not devices[0].startswith(r['wire']):
        faults.append(f'mode {r["mode"]}, role {r["role"]}, wire {r["wire"]}')
    if (r['latency_ns'] is not None) != (mode == 'flowgen') or r['drops']:
        faults.append(f'latency {r["latency_ns"]}, drops {r["drops"]}')
    return faults


def pings():
    """A pcap file with a hundred echo requests."""
    def total(data):
        n = sum(int.from_bytes(data[i:i + 2], 'big') for i in range(0, len(data), 2))
        while n >> 16:
            n = (n & 0xffff) + (n >> 16)
        return (~n & 0xffff).to_bytes(2, 'big')
    out = struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)
    for i in range(100):
        icmp = bytes([8, 0, 0, 0, 0, 7]) + i.to_bytes(2, 'big') + bytes(32)
        icmp = icmp[:2] + total(icmp) + icmp[4:]
        ip = bytes([0x45, 0, 0, 20 + len(icmp), 0, i, 0, 0, 64, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2])
        ip = ip[:10] + total(ip) + ip[12:]
        frame = bytes([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0]) + ip + icmp
        out += struct.pack('<IIII', 0, i, len(frame), len(frame)) + frame
    return out


def echo(program):
    """icmpecho over files: a hundred requests in, a hundred replies out."""
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = os.path.join(folder, 'in.pcap'), os.path.join(folder, 'out.pcap')
        with open(asked, 'wb') as f:
            f.write(pings())
        command = [program, '--no-huge', '-m', '256', '--no-pci', '--no-shconf', '--no-telemetry', '--lcores=0',
                   f'--vdev=net_pcap0,rx_pcap={asked},tx_pcap={answered}', '--', '--mode', 'icmpecho', '--duration', '0.3',
                   '--warmup', '0']
        subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        with open(answered, 'rb') as f:
            data = f.read()
    at, replies = 24, 0
    while at < len(data):
        size = struct.unpack_from('<I', data, at + 8)[0]
        frame = data[at + 16:at + 16 + size]
        replies += frame[26:34] == bytes([10, 0, 0, 2, 10, 0, 0, 1]) and frame[34] == 0
        at += 16 + size
    return [] if replies == 100 else [f'{replies} replies to 100 requests']


def main():
    program, failed = sys.argv[1], False
    runs = [(f'{m} {o}', forward(program, d, m, o)) for d, m, o in FORWARD] + [('icmpecho', echo(program))]
    for name, faults in runs:
        failed |= bool(faults)
        print(f'FAIL bench {name}: {"; ".join(faults)}' if faults else f'ok bench {name}'.strip(), flush=True)
    two = '0@0,1@1' if os.cpu_count() > 1 else '0@0,1@0'
    for mode, options, lcores in [(m, o, two) for m, o in RUNS] + [('tcp_rr', '--connections 8', '0')]:
        faults = run(program, mode, options, lcores)
        failed |= bool(faults)
        name = f'bench {mode} {options}'.strip() + ('' if lcores == two else ', one core')
        print(f'FAIL {name}: {"; ".join(faults)}' if faults else f'ok {name}', flush=True)
    four = '0@0,1@0,2@1,3@1' if os.cpu_count() > 1 else '0@0,1@0,2@0,3@0'
    for mode, options in SHARED:
        for wire, faults in [('self', run(program, mode, options, four, True)), ('memif', memif(program, mode, options))]:
            failed |= bool(faults)
            name = f'bench {mode} {options}, more workers than processors, {wire}'
            print(f'FAIL {name}: {"; ".join(faults)}' if faults else f'ok {name}', flush=True)
    return int(failed)


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main())
