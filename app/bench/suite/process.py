# SPDX-License-Identifier: Apache-2.0
"""Processes that measure: each on a core of its own, in a session of its own, and what else ran on the machine meanwhile."""

import os
import signal
import subprocess
import time

FOREIGN_MOST = 0.1   # of a core, by others: more, and the figures are not to be used
TICK = os.sysconf('SC_CLK_TCK')


class Failed(Exception):
    """A process did not do what it was started for; the text says which, and shows its last lines."""


def own_session():
    """A scheduling group of its own, before others: niceness counts only inside of one."""
    os.setsid()
    try:
        with open('/proc/self/autogroup', 'w') as f:
            f.write('-15')
    except OSError:
        pass


def busy_ticks():
    """Of all cores since the start, stolen time included."""
    with open('/proc/stat') as f:
        user, nice, system, _idle, _wait, irq, softirq, steal = map(int, f.readline().split()[1:9])
    return user + nice + system + irq + softirq + steal


def ticks_of(pid):
    try:
        with open(f'/proc/{pid}/stat') as f:
            fields = f.read().rsplit(')', 1)[1].split()
    except OSError:
        return None
    return int(fields[11]) + int(fields[12])


class Process:
    """One program. Its output goes to a file; it is ended with the block that it was made in."""

    def __init__(self, command, log):
        self.command, self.log = command, log
        with open(log, 'w') as f:
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=f, stderr=subprocess.STDOUT,
                                          preexec_fn=own_session)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def running(self):
        return self.child.poll() is None

    def output(self):
        with open(self.log, errors='replace') as f:
            return f.read()

    def stop(self, sig=signal.SIGINT, wait_s=5):
        if self.running():
            os.killpg(self.child.pid, sig)
        try:
            self.child.wait(wait_s)
        except subprocess.TimeoutExpired:
            os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait()

    def wait_for_file(self, path, wait_s=20):
        end = time.monotonic() + wait_s
        while not os.path.exists(path):
            if not self.running() or time.monotonic() > end:
                raise self.failed('it made no ' + path)
            time.sleep(0.05)

    def failed(self, what):
        return Failed(f'{os.path.basename(self.command[0])}: {what}\n' + '\n'.join(self.output().splitlines()[-15:]))


class Quiet:
    """What others took of the machine between start() and the last look() at which all processes still ran."""

    def __init__(self, processes):
        self.pids = [p.child.pid for p in processes] + [os.getpid()]
        self.first = self.last = self.sample()

    def sample(self):
        own = [ticks_of(pid) for pid in self.pids]
        return None if None in own else (time.monotonic(), busy_ticks(), sum(own))

    def look(self):
        self.last = self.sample() or self.last

    def foreign(self):
        """In cores."""
        if not self.first or not self.last or self.last[0] - self.first[0] < 0.2:
            return 0.0
        seconds = self.last[0] - self.first[0]
        return max(0.0, (self.last[1] - self.first[1] - (self.last[2] - self.first[2])) / TICK / seconds)


def watch(processes, seconds, until=None):
    """Wait for `until` to end, at most so long, or just so long. Returns the load of others, in cores."""
    time.sleep(0.3)
    quiet, end = Quiet(processes), time.monotonic() + seconds
    while time.monotonic() < end:
        if until and not until.running():
            return quiet.foreign()
        quiet.look()
        time.sleep(0.1)
    if until:
        raise until.failed(f'it did not end within {seconds:.0f} s')
    return quiet.foreign()
