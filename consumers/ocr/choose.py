"""Picks, from the readings of all the places in one frame, the one that becomes the read. Pure."""

from collections.abc import Sequence

from consumers.ocr.grammar import Reading
from ringfence.vrm import Style

LEAST_CHARACTERS = 2
WHOLE = 5  # characters: a shorter mark may be a part of a longer one


def settled(reading: Reading, least: float) -> bool:
    """Whether this reading needs no other to compare with: a whole mark of the current style, and sure enough."""
    return reading.confidence >= least and reading.style is Style.CURRENT


def choose(readings: Sequence[Reading], least: float) -> int | None:
    """Which reading of a frame is the best, or None if none has two characters and a confidence of ``least``.

    A mark that fits the grammar goes before one that does not, unless it is short; then the longer one, because a
    place may hold a part of a plate alone, then the surer one, then the likelier place.
    """
    fit = [
        i for i, reading in enumerate(readings)
        if len(reading.vrm) >= LEAST_CHARACTERS and reading.confidence >= least
    ]  # fmt: skip
    return max(fit, key=lambda i: rank(readings[i]), default=None)


def rank(reading: Reading) -> tuple[bool, int, float]:
    """How good a reading is among those of one picture: the greater, the better."""
    length = len(reading.vrm)
    return reading.style is not Style.FOREIGN_OR_UNKNOWN and length >= WHOLE, length, reading.confidence


def per_cent(reading: Reading) -> int:
    """The confidence as it goes on the wire: whole per cent, rounded down."""
    return int(reading.confidence * 100)
