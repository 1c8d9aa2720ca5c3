# SPDX-License-Identifier: Apache-2.0
"""Pages of docs/ that name tests, suite:test in tests/test_SUITE.c, in tables whose rows begin with a number like S-12: the
rows, and whether the tests are there, ran and passed. For tests/reference and tests/rfc."""

import json
import pathlib
import re

TOP = pathlib.Path(__file__).resolve().parent.parent
ROW = re.compile(r'^\| *([A-Z][A-Z0-9]*)-(\d+) *\|(.*)\|$')
TEST = re.compile(r'`(\w+):(\w+)`')


def rows(page):
    """(list, number, cells) of each row of a page."""
    for line in (TOP / page).read_text().splitlines():
        row = ROW.match(line)
        if row:
            yield row[1], int(row[2]), [cell.strip() for cell in row[3].split('|')]


def named(cell):
    """(suite, test) of each test in a cell."""
    return TEST.findall(cell)


def passed_tests(testlog):
    """(suite, test) of everything that ran and passed at each of its turns."""
    ran, failed = set(), set()
    for line in pathlib.Path(testlog).read_text().splitlines():
        entry = json.loads(line)
        suite = pathlib.Path(entry['command'][0]).name.removeprefix('test_')
        for verdict, name in re.findall(r'^[^:\n]+:\d+:([A-Z]):[^:]*:(\w+):\d+:', entry.get('stdout', ''), re.M):
            (ran if verdict == 'P' else failed).add((suite, name))
    return ran - failed


def faults(tests, passed):
    """What is wrong with these tests."""
    for suite, test in tests:
        source = TOP / f'tests/test_{suite}.c'
        if not source.is_file() or not re.search(rf'^START_TEST\({test}\)', source.read_text(), re.M):
            yield f'{suite}:{test} does not exist'
        elif (suite, test) not in passed:
            yield f'{suite}:{test} did not run and pass'
