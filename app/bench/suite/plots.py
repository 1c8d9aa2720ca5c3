# SPDX-License-Identifier: Apache-2.0
"""Plots of the curves, by gnuplot, as SVG and PNG: medians with the range of all runs."""

import os
import shutil
import statistics
import subprocess

from table import values_of, yardstick_values

PLOTS = {
    'connections': ('Cost against connections, memif', 'connections', True),
    'open': ('Cost against open connections, one process', 'open connections', True),
    'size': ('Cost against size, memif', 'bytes of a frame (UDP) or of a request and response (TCP)', False),
    'burst': ('Cost against operations under way, memif', 'operations under way, or packets of a burst', True),
}


def series_of(results, picked):
    """{plot: {series: [(x, median, least, most)]}}"""
    found = {}
    for row in picked:
        if not row.curve:
            continue
        plot, series, x = row.curve
        sets = [(series, values_of(results, row))]
        sets += [(name.split()[0] + ' ' + name.split()[1], yardstick_values(results, row, name)) for name in row.yardsticks]
        for name, values in sets:
            if values:
                found.setdefault(plot, {}).setdefault(name, []).append((x, statistics.median(values), min(values), max(values)))
    return found


def script(plot, series, out, terminal, suffix):
    title, x, logarithmic = PLOTS[plot]
    lines = [f'set terminal {terminal}', f'set output "{os.path.join(out, plot)}.{suffix}"', f'set title "{title}"',
             f'set xlabel "{x}"', 'set ylabel "busy TSC cycles of the server an operation"', 'set yrange [0:*]', 'set grid',
             'set key top left']
    if logarithmic:
        lines += ['set logscale x 2' if plot == 'burst' else 'set logscale x 10', 'set format x "%.0s%c"']
    for i, points in enumerate(series.values()):
        lines += [f'$data{i} << END', *(' '.join(f'{v:g}' for v in point) for point in sorted(points)), 'END']
    parts = [f'$data{i} using 1:2:3:4 with yerrorlines lw 2 pt 7 ps 0.6 title "{name}"' for i, name in
             enumerate(n.replace('_', '\\\\_') for n in series)]
    return '\n'.join([*lines, 'plot ' + ', '.join(parts), ''])


def draw(results, picked, out):
    if not shutil.which('gnuplot'):
        print('no gnuplot here: no plots')
        return
    for plot, series in series_of(results, picked).items():
        for terminal, suffix in (('svg size 800,500 background "white"', 'svg'), ('pngcairo size 800,500', 'png')):
            subprocess.run(['gnuplot'], input=script(plot, series, out, terminal, suffix), text=True, check=True)
