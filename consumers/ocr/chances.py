"""What a reader says of a plate: for every slot, the chance of every character. Pure."""

import numpy as np
from numpy.typing import NDArray

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
PAD = len(ALPHABET) - 1
SLOTS = 8
# 0 and O are one glyph on a UK plate, and so are 1 and I.
TWINS = tuple((ALPHABET.index(digit), ALPHABET.index(letter)) for digit, letter in ("0O", "1I"))
FLOOR = 1e-7  # no character is ruled out by a reader alone
SUM_ERROR = 0.02  # what the chances of a slot may lack of 1
EVEN = 1.5 / len(ALPHABET)  # a slot whose likeliest character has less says nothing

Chances = NDArray[np.float32]


def one_hot(text: str, chance: float = 1.0, slots: int = SLOTS) -> Chances:
    """The chances of a reader that is so sure of every character of a text; the rest is spread evenly."""
    chances = np.full((slots, len(ALPHABET)), (1 - chance) / (len(ALPHABET) - 1), np.float32)
    for slot, character in enumerate(text.ljust(slots, "_")[:slots]):
        chances[slot, ALPHABET.index(character)] = chance
    return chances


def blank(number: int, slots: int = SLOTS) -> Chances:
    """The chances of so many patches with nothing on them: pads alone."""
    return np.repeat(one_hot("", slots=slots)[None], number, 0)


def sound(chances: Chances) -> NDArray[np.bool_]:
    """Which of N plates, by slots by characters, a working reader can have said.

    Not what is no number, or below 0, or adds up to something else than 1 in a slot, or is even in every slot.
    """
    finite = np.asarray(np.isfinite(chances).all((1, 2)))
    known = np.where(finite[:, None, None], chances, 0)
    whole = (np.abs(known.sum(-1) - 1) < SUM_ERROR).all(-1) & (known >= 0).all((1, 2))
    return np.asarray(finite & whole & (known.max((1, 2)) > EVEN))
