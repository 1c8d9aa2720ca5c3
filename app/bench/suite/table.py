# SPDX-License-Identifier: Apache-2.0
"""The table: medians with their spread, beside the yardstick, the must and the aim of each row."""

import statistics

from rows import FIGURES


def value(results, role, key):
    for r in results:
        if r['role'] != role:
            continue
        for part in key.split('.'):
            r = r.get(part) if r else None
        return r
    return None


def figure(row, results):
    """The figure that counts, of one run."""
    role, key, _unit, _more = FIGURES[row.figure]
    return value(results, role, key)


def runs_of(results, row, yardstick=None):
    """Lists of objects, one for each run."""
    found = {}
    for r in results:
        if r['row'] == row.name and r.get('yardstick') == yardstick:
            found.setdefault(r['run'], []).append(r)
    return list(found.values())


def values_of(results, row, role_and_key=None):
    role, key = role_and_key or FIGURES[row.figure][:2]
    return [v for v in (value(run, role, key) for run in runs_of(results, row)) if v is not None]


def yardstick_values(results, row, name):
    """The same figure of a yardstick, whose objects are of its server."""
    key = FIGURES[row.figure][1]
    return [v for v in (value(run, 'server', key) for run in runs_of(results, row, name)) if v is not None]


def number(n):
    if n is None:
        return '-'
    if n >= 1e6:
        return f'{n / 1e6:.2f} M'
    return f'{n:,.0f}' if n >= 100 else f'{n:.1f}'


def spread(values, unit):
    if not values:
        return 'not measured'
    return f'{number(statistics.median(values))} {unit} ({number(min(values))} to {number(max(values))}, {len(values)} runs)'


def bound(row, bound_value, yard):
    """A must or an aim as a number; None if there is none, or no yardstick to take a share of."""
    if bound_value is None:
        return None
    if row.judged_by_yardstick():
        return bound_value * yard if yard else None
    return bound_value


def verdict(row, mine, yard):
    must, aim, more = bound(row, row.must, yard), bound(row, row.aim, yard), FIGURES[row.figure][3]
    if must is None:
        return '-'
    reached = (lambda limit: mine >= limit) if more else (lambda limit: mine <= limit)
    return 'aim' if aim is not None and reached(aim) else 'must' if reached(must) else 'NOT reached'


def bounds_text(row, unit):
    if row.must is None:
        return '-'
    if row.judged_by_yardstick():
        return f'{row.must:g} / {row.aim:g} of it'
    return f'{number(row.must)} / {number(row.aim)} {unit}'


def markdown(results, picked):
    lines = ['| row | wire | ours | cycles/op of server, client | limited by | yardstick | must / aim | reached |',
             '|---|---|---|---|---|---|---|---|']
    for row in picked:
        mine = values_of(results, row)
        if not mine:
            continue
        unit = FIGURES[row.figure][2]
        yards = [(name, yardstick_values(results, row, name)) for name in row.yardsticks]
        yard = next((statistics.median(v) for _name, v in yards if v), None)
        cycles = [values_of(results, row, (role, 'cycles_per_op')) for role in ('server', 'client')]
        cost = ', '.join(number(statistics.median(c)) if c else '-' for c in cycles)
        limits = {r['limited_by'] for r in results if r['row'] == row.name and r.get('limited_by')}
        beside = '; '.join(f'{name}: {spread(v, unit)}' for name, v in yards if v) or '-'
        lines.append(f'| {row.title} | {row.wire} | {spread(mine, unit)} | {cost} | {" ".join(sorted(limits)) or "-"} | '
                     f'{beside} | {bounds_text(row, unit)} | {verdict(row, statistics.median(mine), yard)} |')
    return '\n'.join(lines) + '\n'
