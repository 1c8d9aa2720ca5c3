# SPDX-License-Identifier: Apache-2.0
"""Ours as a router, whose way back is the way that packets came, opposite flowgen."""

from wires import mac, pair
from yardsticks import CYCLES, result

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


def run(suite, wire):
    config = suite.log('router.ini')
    with open(config, 'w') as f:
        f.write(ROUTER.format(device={'memif': 'net_memif0', 'vhost': 'net_virtio_user0'}[wire.name]))
    command, file = suite.generator(wire, ['--flows', '1000', '--peer-mac', mac('server'), '--server-address', '10.9.0.1/16',
                                           '--client-address', '10.0.0.1/24'])
    server = [suite.router, *wire.eal('server'), '--', '-c', config]
    printed, foreign = pair(suite, wire, {'server': server, 'client': command}, suite.seconds + 30)
    found = CYCLES.findall(printed['server'])
    cost = float(found[-1]) if found else None
    return [{**suite.load(file)[0], 'mode': 'router', 'role': 'client'},
            result('millrace', 'router', 'server', wire, cycles_per_op=cost, cycles_per_packet=cost)], foreign
