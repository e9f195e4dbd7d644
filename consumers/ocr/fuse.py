"""Several pictures of one passage, one mark: the chances of all are multiplied. Pure.

Shots of one vehicle share dirt, light and angle, so they are not independent witnesses: n of them weigh as much as
the square root of n. A shot that shows another plate, or nothing, is left out.
"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from consumers.ocr.chances import FLOOR, Chances
from consumers.ocr.choose import LEAST_CHARACTERS, choose
from consumers.ocr.grammar import Grammar, Reading
from consumers.ocr.sight import Sighting

SHARED = 0.5  # n shots weigh as much as n ** (1 - SHARED) independent ones
LEAST_ALIKE = 0.5


class Seen(Struct, frozen=True):
    """The plate of one passage: the best sighting of it, in which shot, and the reading of all shots together."""

    shot: int
    sighting: Sighting


def best(shots: Sequence[Sequence[Sighting]], grammar: Grammar, least: float) -> Seen | None:
    """The plate of a passage from the sightings in each of its shots; None if there is nothing to read.

    The best reading says which plate it is. Of every other shot, the sighting that is most like it has a vote. What
    they say together must be what one of them says alone, or it is not sure at all.
    """
    every = [(shot, sighting) for shot, sightings in enumerate(shots) for sighting in sightings]
    readings = [sighting.reading for _, sighting in every]
    chosen = choose(readings, least)
    if chosen is None and (chosen := _surest(readings)) is None:
        return None
    shot, anchor = every[chosen]
    others = [_most_alike(anchor, sightings) for i, sightings in enumerate(shots) if i != shot]
    voters = [anchor, *(other for other in others if other is not None)]
    if len(voters) == 1:
        return Seen(shot, anchor)
    fused = grammar.decode(fuse([voter.chances for voter in voters]))
    if fused.vrm not in {voter.reading.vrm for voter in voters}:
        # Two vehicles in a queue with like marks would vote for a third: nobody has seen that one.
        fused = replace(fused, confidence=0.0)
    return Seen(shot, replace(anchor, reading=fused))


def fuse(shots: Sequence[Chances]) -> Chances:
    """One plate's chances, slots by characters, from those of several shots of it; slot by slot, nothing is aligned.

    ValueError if there are none.
    """
    if not shots:
        raise ValueError("there are no shots to fuse")
    if len(shots) == 1:
        return shots[0]
    logs = np.log(np.maximum(np.stack(shots).astype(np.float64), FLOOR)).sum(0) * len(shots) ** -SHARED
    fused = np.exp(logs - logs.max(-1, keepdims=True))
    return np.asarray(fused / fused.sum(-1, keepdims=True), np.float32)


def alikeness(one: Chances, other: Chances) -> float:
    """0 to 1: how far two shots may show the same mark; the mean over the slots of their Bhattacharyya overlap."""
    return float(np.sqrt(one.astype(np.float64) * other).sum(-1).mean())


def _most_alike(anchor: Sighting, sightings: Sequence[Sighting]) -> Sighting | None:
    alike = [(alikeness(anchor.chances, one.chances), one) for one in sightings if one.reading.vrm]
    near = [pair for pair in alike if pair[0] >= LEAST_ALIKE]
    return max(near, key=lambda pair: pair[0])[1] if near else None


def _surest(readings: Sequence[Reading]) -> int | None:
    fit = [i for i, reading in enumerate(readings) if len(reading.vrm) >= LEAST_CHARACTERS]
    return max(fit, key=lambda i: readings[i].confidence, default=None)
