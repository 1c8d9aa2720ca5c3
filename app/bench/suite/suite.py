#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The whole set of benchmarks: each row several times in turn with its yardsticks, on a machine that is watched for other
load. Writes results.json, one object per program, role and run, and the table; plots.py draws. scripts/bench calls it."""

import argparse
import fnmatch
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import plots
import router
import rows
import table
import yardsticks
from process import FOREIGN_MOST, Failed, Process, watch
from wires import SIDES, Wire, pair

TRIES = 12
WAIT_NEAR = 30   # times 0.3 s
NEAR_NS = 250   # for a cache line to go to the other core and back: more, and they share no cache


class Suite:
    def __init__(self, opts, folder):
        self.opts, self.folder = opts, folder
        self.program, self.router, self.seconds = opts.program, opts.router, opts.seconds
        self.results = []

    def log(self, name):
        return os.path.join(self.folder, name + ('' if '.' in name else '.log'))

    @staticmethod
    def load(file):
        with open(file) as f:
            return json.load(f)

    def result_file(self, side):
        """Where a process is to write; nothing is there."""
        file = self.log(f'{side}.json')
        if os.path.exists(file):
            os.unlink(file)
        return file

    def bench(self, row, side, eal):
        """One process of ours; its result goes to a file of its own."""
        file = self.result_file(side)
        return [self.program, *eal, '--', '--mode', row.mode, f'--{side}', '--duration', str(max(self.seconds, row.seconds)),
                '--warmup', '0.5', '--interval', '0.5', '--quiet', '--json', file, *row.options.split()], file

    def generator(self, wire, options):
        """flowgen, at the client's end."""
        file = self.result_file('client')
        return [self.program, *wire.eal('client'), '--', '--mode', 'flowgen', '--duration', str(self.seconds), '--warmup', '0.5',
                '--interval', '0.5', '--quiet', '--json', file, *options], file

    def flows_of(self, row, wire):
        """flowgen with the frames that a client of the row would send, and as many flows."""
        words = row.options.split()
        size = int(words[words.index('--request') + 1]) + 42
        return self.generator(wire, ['--flows', words[words.index('--connections') + 1], '--txpkts', str(size), '--service', '7'])

    def ours_alone(self, row):
        memory = list(self.opts.memory) + ([] if '--no-huge' in self.opts.memory else ['-m', str(2 * row.memory)])
        eal = ['--lcores=0@0,1@1', '--no-pci', '--no-telemetry', '--file-prefix', 'millrace-bench-self', *memory]
        command, file = self.bench(row, 'self', eal)
        with Process(command, self.log('self')) as p:
            foreign = watch([p], 300, p)
        if p.child.returncode != 0:
            raise p.failed(f'it exited with {p.child.returncode}')
        return self.load(file), foreign

    def ours(self, row):
        if row.wire == 'self':
            return self.ours_alone(row)
        wire = Wire(row.wire, self.folder, self.opts)
        if row.mode == 'router':
            return router.run(self, wire)
        commands, files = {}, {}
        for side in SIDES:
            commands[side], files[side] = self.bench(row, side, wire.eal(side, row.memory))
        if row.generator:
            commands['client'], files['client'] = self.flows_of(row, wire)
        _printed, foreign = pair(self, wire, commands, 120)
        return self.load(files['client']) + self.load(files['server']), foreign

    def trip_ns(self):
        return float(subprocess.run([self.opts.cores], capture_output=True, text=True, check=True).stdout)

    def near(self):
        """Wait a while for the cores to share a cache: a hypervisor moves them now and then."""
        for _ in range(WAIT_NEAR):
            trip = self.trip_ns()
            if trip <= NEAR_NS or not self.opts.near:
                break
            time.sleep(0.2)
        return trip

    def attempt(self, what, row):
        """One run. @return its objects, and what was around it"""
        before = self.near()
        if what == 'ours':
            results, foreign = self.ours(row)
        else:
            results, foreign = yardsticks.run(what, self, Wire(row.wire, self.folder, self.opts))
        trip = max(before, self.trip_ns())
        return results, {'foreign': round(foreign, 3), 'core_trip_ns': trip}

    def once(self, what, row, run):
        """Run `what` until the machine was quiet and its cores near meanwhile. @return its objects, or None"""
        kept, failures = None, 0
        for _ in range(TRIES):
            try:
                done = self.attempt(what, row)
            except (Failed, OSError, ValueError) as e:
                print(f'  {what}: {e}', file=sys.stderr)
                failures += 1
                if failures == 3:
                    break
                continue
            if kept is None or done[1]['core_trip_ns'] < kept[1]['core_trip_ns'] or kept[1]['foreign'] > FOREIGN_MOST:
                kept = done
            if kept[1]['foreign'] <= FOREIGN_MOST and (kept[1]['core_trip_ns'] <= NEAR_NS or not self.opts.near):
                break
        if kept is None:
            return None
        results, around = kept
        if around['foreign'] > FOREIGN_MOST or around['core_trip_ns'] > NEAR_NS:
            print(f'  {row.name}, {what}: kept, with {around["foreign"]} of a core taken by others, and cores '
                  f'{around["core_trip_ns"]:.0f} ns from each other', flush=True)
        for r in results:
            r.setdefault('program', 'millrace')
            r.update(row=row.name, run=run, **around)
            if what != 'ours':
                r['yardstick'] = what
        self.results += results
        return results

    def run_row(self, row):
        shown = []
        for run in range(self.opts.runs):
            for what in [*row.yardsticks, 'ours']:
                results = self.once(what, row, run)
                if what == 'ours' and results:
                    shown.append(table.figure(row, results))
        self.save()
        values = [v for v in shown if v is not None]
        unit = rows.FIGURES[row.figure][2]
        text = f'{statistics.median(values):,.1f} {unit} ({min(values):,.1f} to {max(values):,.1f})' if values else 'no figure'
        print(f'{row.name:18} {text}', flush=True)
        return bool(values)

    def save(self):
        with open(os.path.join(self.opts.out, 'results.json'), 'w') as f:
            f.write('[\n' + ',\n'.join('  ' + json.dumps(r) for r in self.results) + '\n]\n')


def chosen(pattern):
    return [row for row in rows.all_rows() if any(fnmatch.fnmatch(row.name, p) for p in pattern.split(','))]


def main():
    p = argparse.ArgumentParser(prog='scripts/bench', description=__doc__.split('. ')[0] + '.')
    p.add_argument('--out', default='build/bench', metavar='DIR',
                   help='results, table and plots, beside those of other rows that are there; default build/bench')
    p.add_argument('--runs', type=int, default=5, metavar='N', help='of each row; default 5')
    p.add_argument('--seconds', type=int, default=2, metavar='N', help='of each run, beside its warm-up; default 2')
    p.add_argument('--rows', default='*', metavar='PATTERN', help='names, with * and commas; --list tells them')
    p.add_argument('--near', action='store_true', help='measure while the cores share a cache: where they are moved about')
    p.add_argument('--list', action='store_true', help='tell the rows and end')
    p.add_argument('--draw', action='store_true', help='measure nothing; table and plots of what --out has')
    p.add_argument('--pages', action='store_true', help=argparse.SUPPRESS)
    p.add_argument('--program', help=argparse.SUPPRESS)
    p.add_argument('--router', help=argparse.SUPPRESS)
    p.add_argument('--cores', help=argparse.SUPPRESS)
    p.add_argument('--memory', nargs='*', default=['--no-huge', '-m', '2048'], help=argparse.SUPPRESS)
    argv = sys.argv[1:]
    rest = argv[argv.index('--') + 1:] if '--' in argv else None
    opts = p.parse_args(argv[:argv.index('--')] if '--' in argv else argv)
    if rest is not None:
        opts.memory = rest
    picked = chosen(opts.rows)
    if not picked:
        p.error(f'no row is named like {opts.rows}; --list tells them')
    if opts.runs < 1 or opts.seconds < 1:
        p.error('--runs and --seconds are 1 or more')
    if opts.list:
        print('\n'.join(f'{row.name:18} {row.title}, {row.wire}' for row in picked))
        return 0
    if opts.pages:
        print(max(row.memory for row in picked) + 128)
        return 0
    os.makedirs(opts.out, exist_ok=True)
    good = True
    with tempfile.TemporaryDirectory() as folder:
        suite = Suite(opts, folder)
        file = os.path.join(opts.out, 'results.json')
        if os.path.exists(file):
            suite.results = suite.load(file)
        if not opts.draw:
            suite.results = [r for r in suite.results if r['row'] not in {row.name for row in picked}]
            for row in picked:
                good &= suite.run_row(row)
    text = table.markdown(suite.results, rows.all_rows())
    with open(os.path.join(opts.out, 'table.md'), 'w') as f:
        f.write(text)
    print('\n' + text)
    plots.draw(suite.results, rows.all_rows(), opts.out)
    return 0 if good else 1


if __name__ == '__main__':
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
