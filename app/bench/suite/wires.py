# SPDX-License-Identifier: Apache-2.0
"""Wires between two processes: the arguments of EAL for each end, which end must go first, and a run of both."""

import os
import time

from process import Process, watch

SIDES = ('server', 'client')
CORES = {'server': 0, 'client': 1}


class Wire:
    """`first` is the side that makes the socket."""

    def __init__(self, name, folder, opts):
        self.name, self.opts = name, opts
        self.socket = os.path.join(folder, f'{name}.sock')
        self.first = 'client' if name.startswith('vhost') else 'server'

    def vdev(self, side):
        if self.name == 'memif':
            return f'net_memif0,role={side},id=0,socket={self.socket},socket-abstract=no,rsize=10,mac={mac(side)}'
        if side == 'client':
            return f'net_vhost0,iface={self.socket},queues=1,tso=1'
        return f'net_virtio_user0,path={self.socket},queues=1,queue_size=1024,mac={mac(side)}'

    def eal(self, side, megabytes=1024, lcores='0@{core}'):
        """Arguments of EAL, without the program in front."""
        memory = list(self.opts.memory)
        if '--no-huge' not in memory:
            memory += ['-m', str(megabytes)]
        single = ['--single-file-segments'] if self.name == 'vhost' and '--no-huge' not in memory else []
        core = CORES[side]
        return ['--lcores=' + lcores.format(core=core), '--no-pci', '--no-telemetry', '--iova-mode=va', *memory, *single,
                '--file-prefix', f'millrace-bench-{side}', f'--vdev={self.vdev(side)}']

    def clear(self):
        if os.path.exists(self.socket):
            os.unlink(self.socket)


def mac(side):
    return f'02:00:00:be:0c:0{SIDES.index(side) + 1}'


def pair(suite, wire, commands, seconds, until_client=True):
    """Both ends: until the client ends, within `seconds`, or for so long. @return what each printed, by side, and the load of
    others"""
    wire.clear()
    second = next(side for side in SIDES if side != wire.first)
    with Process(commands[wire.first], suite.log(wire.first)) as a:
        a.wait_for_file(wire.socket)
        time.sleep(0.5)
        with Process(commands[second], suite.log(second)) as b:
            ends = {wire.first: a, second: b}
            foreign = watch([a, b], seconds, ends['client'] if until_client else None)
            # A server that runs on its own ends first: testpmd forgets what it counted when its peer has gone.
            for side in ('client', 'server') if until_client else ('server', 'client'):
                ends[side].stop(wait_s=10)
    return {side: p.output() for side, p in ends.items()}, foreign
