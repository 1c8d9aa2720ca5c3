# SPDX-License-Identifier: Apache-2.0
"""The pattern of GET /bytes/N, made here again from its description, so that the server is not asked for the answer.

Word w (from 1) is v ^ (v >> 32) with v = w * 0x9E3779B97F4A7C15 mod 2^64, as 8 bytes, little endian; the words 1 to
131071 repeat for ever.
"""

import hashlib


def word(w):
    v = w * 0x9E3779B97F4A7C15 % 2**64
    return (v ^ v >> 32).to_bytes(8, 'little')


PERIOD = b''.join(word(w) for w in range(1, 131072))


def first(n):
    return (PERIOD * (n // len(PERIOD) + 1))[:n]


def sha256(n):
    digest = hashlib.sha256()
    for _ in range(n // len(PERIOD)):
        digest.update(PERIOD)
    digest.update(PERIOD[:n % len(PERIOD)])
    return digest.hexdigest()
