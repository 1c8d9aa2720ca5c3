# SPDX-License-Identifier: Apache-2.0
"""Lines of results: "ok NAME: figures" or "FAIL NAME: what was wrong", to the terminal and to a file."""

import time


class Failure(Exception):
    """What a check found wrong, in one line."""


def require(condition, text):
    if not condition:
        raise Failure(text)


class Report:
    def __init__(self, path):
        self.path = path

    def line(self, text):
        print(text, flush=True)
        if self.path:
            with open(self.path, 'a', encoding='utf-8') as f:
                f.write(text + '\n')

    def run(self, name, check, *args):
        """Run one check and write its line. A check returns its figures; whatever it raises is a failure."""
        start = time.monotonic()
        try:
            figures = check(*args)
            verdict = 'ok'
        except Exception as e:  # any way of not working is a result, not the end of the checks
            figures = str(e) if isinstance(e, Failure) else f'{type(e).__name__}: {e}'
            verdict = 'FAIL'
        self.line(f'{verdict} {name}: {figures} [{time.monotonic() - start:.1f} s]')
        return verdict == 'ok'
