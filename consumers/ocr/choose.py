"""Picks, from the readings of all the places in one frame, the one that becomes the read. Pure."""

from collections.abc import Sequence

from msgspec import Struct

from consumers.ocr.reader import Reading
from ringfence.vrm import Style, repair

LEAST_CHARACTERS = 2


class Choice(Struct, frozen=True, gc=False):
    """The read of one frame. ``index``: of the place it was read at; ``confidence``: whole per cent."""

    index: int
    vrm: str
    raw: str
    confidence: int
    repaired: bool


def settled(reading: Reading, gate: int) -> bool:
    """Whether this reading needs no other to compare with: a whole mark of the current style, and sure enough."""
    return _per_cent(reading) >= gate and repair(reading.text).style is Style.CURRENT


def choose(readings: Sequence[Reading], gate: int) -> Choice | None:
    """The best reading of a frame, or None if none has two characters at ``gate`` per cent or more.

    A mark that fits the grammar goes before one that does not, then the longer one, because a place may hold
    a part of a plate alone, then the surer one, then the likelier place.
    """
    best: tuple[bool, int, int] | None = None
    chosen = None
    for index, reading in enumerate(readings):
        confidence = _per_cent(reading)
        if len(reading.text) < LEAST_CHARACTERS or confidence < gate:
            continue
        repaired = repair(reading.text)
        rank = (repaired.style is not Style.FOREIGN_OR_UNKNOWN, len(repaired.vrm), confidence)
        if best is None or rank > best:
            best = rank
            chosen = Choice(index, repaired.vrm, reading.text, confidence, repaired.changed)
    return chosen


def _per_cent(reading: Reading) -> int:
    return int(reading.confidence * 100)
