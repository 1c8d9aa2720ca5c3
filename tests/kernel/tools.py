# SPDX-License-Identifier: Apache-2.0
"""The tools that people use (ping, curl, nmap, wrk), each run once and read for its figures."""

import hashlib
import re
import subprocess
import time
import xml.etree.ElementTree as xml

from report import Failure, require
from traffic import HTTP, MIB, rate


def run(*command, timeout):
    """Standard output of a command that must exit with 0."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        raise Failure(f'{command[0]} was not done after {timeout} s') from None
    require(done.returncode == 0, f'{command[0]} exited with {done.returncode}: '
            f'{(done.stderr.strip() or done.stdout.strip())[-200:]}')
    return done.stdout


def ping(host, count, size):
    """Each of count requests answered, once and undamaged, within 10 s. ping alone waits some 20 ms for the last answer:
    with -w it goes on asking until it has as many answers as were wanted."""
    command = ['ping', '-6' if ':' in host else '-4', '-n', '-c', str(count), '-w', '10', '-i', '0.002', '-s', str(size)]
    out = run(*command, host, timeout=60)
    counts = re.search(r'(\d+) packets transmitted, \d+ received(.*)', out)
    require(counts, 'ping said nothing')
    require('duplicates' not in counts[2] and 'errors' not in counts[2], counts[2].strip(', '))
    answered = {int(seq) for seq in re.findall(r'bytes from .*icmp_seq=(\d+) ', out)}
    missing = [str(seq) for seq in range(1, count + 1) if seq not in answered]
    require(not missing, f'{len(missing)} of {count} not answered, of {counts[1]} sent: {", ".join(missing[:20])}')
    times = re.search(r'= ([\d.]+)/([\d.]+)/([\d.]+)', out)
    return f'{count} of {count} of {size} bytes' + (f', {times[1]}/{times[2]}/{times[3]} ms' if times else '')


def url(host, path):
    # With its port: wrk would look "http" up in a list of services that a small machine does not have.
    return f'http://[{host}]:{HTTP}{path}' if ':' in host else f'http://{host}:{HTTP}{path}'


def curl(host, n, expected):
    """n bytes of the pattern, with the right SHA-256."""
    start = time.monotonic()
    digest, got = hashlib.sha256(), 0
    command = ['curl', '-g', '-s', '-S', '-f', '--noproxy', '*', '--max-time', '120', url(host, f'/bytes/{n}')]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        while piece := child.stdout.read(MIB):
            digest.update(piece)
            got += len(piece)
        error = child.stderr.read().decode().strip()
    require(child.returncode == 0, f'{error or "curl failed"} (exit {child.returncode}, after {got} bytes)')
    require(got == n, f'{got} of {n} bytes')
    require(digest.hexdigest() == expected, f'SHA-256 is {digest.hexdigest()}, not {expected}')
    return f'{rate(n, time.monotonic() - start)}, SHA-256 {expected[:16]}...'


def nmap(host, tcp_open, udp_open, udp_silent, ports):
    """Each port as it is: open, closed, or (a UDP service that never answers) not to be told from filtered."""
    listed = ','.join(map(str, ports))
    # From a port that no connection before had: of one that the server closed a TIME-WAIT is left, which ignores half of all SYNs.
    command = ['nmap', '-n', '-Pn', '-sS', '-sU', '-g', '30000', '-p', f'T:{listed},U:{listed}', '--max-retries', '3', '-oX', '-']
    out = run(*command, *(['-6'] if ':' in host else []), host, timeout=90)
    seen = {(p.get('protocol'), int(p.get('portid'))): p.find('state').get('state') for p in xml.fromstring(out).iter('port')}
    wrong = []
    for port in ports:
        want = {'tcp': 'open' if port in tcp_open else 'closed',
                'udp': 'open' if port in udp_open else 'open|filtered' if port in udp_silent else 'closed'}
        for protocol, state in want.items():
            if seen.get((protocol, port)) != state:
                wrong.append(f'{protocol} {port} is {state}, seen as {seen.get((protocol, port))}')
    require(not wrong, '; '.join(wrong))
    return f'{len(ports)} TCP ports ({len(tcp_open)} open), {len(ports)} UDP ports ({len(udp_open) + len(udp_silent)} open)'


def wrk(host, connections, seconds):
    out = run('wrk', '-t', '1', '-c', str(connections), '-d', f'{seconds}s', '--latency', url(host, '/bytes/64'),
              timeout=seconds + 30)
    bad = re.search(r'(Socket errors|Non-2xx).*', out)
    require(not bad, bad and bad[0])
    speed = re.search(r'Requests/sec:\s+([\d.]+)', out)
    require(speed and float(speed[1]) > 0, 'no request was answered')
    total = re.search(r'(\d+) requests in', out)
    p99 = re.search(r'99%\s+(\S+)', out)
    return f'{total[1]} requests, {float(speed[1]):.0f}/s on {connections} connections, 99% within {p99[1]}, no socket errors'
