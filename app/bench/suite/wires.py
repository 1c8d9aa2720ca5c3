# SPDX-License-Identifier: Apache-2.0
"""Wires between two processes: the arguments of EAL for each end, and which end must go first."""

import os

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

    def eal(self, side, megabytes=None, lcores='0@{core}'):
        """Arguments of EAL, without the program in front."""
        memory = [arg for arg in self.opts.memory]
        if '--no-huge' not in memory:
            memory += ['-m', str(megabytes or 2048)]
        single = ['--single-file-segments'] if self.name == 'vhost' and '--no-huge' not in memory else []
        core = CORES[side]
        return ['--lcores=' + lcores.format(core=core), '--no-pci', '--no-telemetry', '--iova-mode=va', *memory, *single,
                '--file-prefix', f'millrace-bench-{side}', f'--vdev={self.vdev(side)}']

    def clear(self):
        if os.path.exists(self.socket):
            os.unlink(self.socket)


def mac(side):
    return f'02:00:00:be:0c:0{SIDES.index(side) + 1}'
