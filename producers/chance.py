"""Chance without a generator: a number that depends on its keys alone, so that anything can be drawn in any
order, or again, and comes out the same. SplitMix64's finaliser (Steele, Lea and Flood, 2014).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15
FIRST, SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def mix(*keys: int) -> int:
    """64 well-mixed bits that depend on every key and on their order."""
    h = 0
    for key in keys:
        h = (h + (key + 1) * GOLDEN) & MASK
        h = ((h ^ (h >> 30)) * FIRST) & MASK
        h = ((h ^ (h >> 27)) * SECOND) & MASK
        h ^= h >> 31
    return h


def fraction(*keys: int) -> float:
    """A number in [0, 1) that depends on the keys."""
    return (mix(*keys) >> 11) / 2**53


def mixed(keys: Sequence[int], last: Words) -> Words:
    """``mix(*keys, x)`` of every x in ``last``."""
    h = np.uint64(mix(*keys)) + (last + np.uint64(1)) * np.uint64(GOLDEN)
    h = (h ^ (h >> np.uint64(30))) * np.uint64(FIRST)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(SECOND)
    return h ^ (h >> np.uint64(31))


def fractions(keys: Sequence[int], last: Words) -> NDArray[np.float64]:
    """``fraction(*keys, x)`` of every x in ``last``."""
    return (mixed(keys, last) >> np.uint64(11)).astype(np.float64) / 2**53
