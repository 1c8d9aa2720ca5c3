# SPDX-License-Identifier: Apache-2.0
"""Lines of results from a meson test log: for each program of Check tests how many passed, and which failed and why."""

import argparse
import json
import re

COUNTS = re.compile(r'^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)$', re.M)
FAILED = re.compile(r'^\S+:\d+:[FE]:.*$', re.M)


def lines_of(test):
    """Result lines of one program; the number after the verdict is how many tests the line stands for."""
    name = test['name'].split(':')[-1].split(' / ')[-1]
    output = test.get('stdout', '')
    counts = [tuple(map(int, found)) for found in COUNTS.findall(output)]
    checks, bad = sum(c for c, _, _ in counts), sum(f + e for _, f, e in counts)
    seconds = f'{test["duration"]:.1f} s'
    if checks > bad:
        yield 'ok', checks - bad, name, seconds
    for text in FAILED.findall(output):
        yield 'FAIL', 1, name, text
    if test['result'] != 'OK' and not bad:
        tail = (test.get('stderr') or output).strip().splitlines()
        yield 'FAIL', 1, name, f'{test["result"]}, exit {test["returncode"]}: {tail[-1] if tail else "no output"}'
    elif not checks:
        yield 'FAIL', 1, name, 'no test in it'


def main():
    parser = argparse.ArgumentParser(description='Lines of results from a meson test log.')
    parser.add_argument('--name', required=True, help='what to call this build')
    parser.add_argument('--report', required=True, help='file that the lines are added to')
    parser.add_argument('log')
    args = parser.parse_args()
    try:
        with open(args.log, encoding='utf-8') as f:
            tests = [json.loads(line) for line in f]
    except (OSError, ValueError) as e:
        tests, lines = [], [f'FAIL {args.name}: no test log: {e}']
    else:
        lines = [f'{verdict} {n} {args.name} {name}: {text}' for test in tests for verdict, n, name, text in lines_of(test)]
        lines = lines or [f'FAIL {args.name}: no test ran']
    with open(args.report, 'a', encoding='utf-8') as f:
        for line in lines:
            print(line, flush=True)
            f.write(line + '\n')


if __name__ == '__main__':
    main()
