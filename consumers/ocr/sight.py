"""Pictures in, plates out: finds them, reads all of them in one run, and decides by the grammar what they say."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from msgspec import Struct

from consumers.ocr.grammar import Chances, Grammar, Reading
from consumers.ocr.locate import Corners, Located
from consumers.ocr.pictures import Picture


class Finder(Protocol):
    """Anything that finds plates in gray pictures."""

    def find(self, pictures: Sequence[Picture]) -> list[list[Located]]:
        """For each picture the places where a plate may be, the likeliest first; nothing found: empty."""


class Reader(Protocol):
    """Anything that reads plates."""

    def chances(self, patches: Sequence[Picture]) -> Chances:
        """The chance of every character in every slot: patches by slots by ``grammar.ALPHABET``."""


class Sighting(Struct, frozen=True):
    """A place in a picture and what it says.

    ``corners``: 4 by 2 float32 pixels of the picture, clockwise from the upper left. ``patch``: what is there,
    straightened, gray. ``chances``: slots by characters, as the reader gave them.
    """

    corners: Corners
    patch: Picture
    reading: Reading
    chances: Chances


class Sight:
    """A finder, a reader and a grammar."""

    def __init__(self, finder: Finder, reader: Reader, grammar: Grammar | None = None) -> None:
        self.finder, self.reader, self.grammar = finder, reader, grammar or Grammar()

    def see(
        self, pictures: Sequence[Picture], settled: Callable[[Reading], bool] = lambda _: False
    ) -> list[list[Sighting]]:
        """The sightings in each gray picture, the likeliest place first.

        The likeliest places of all pictures are read together, then all others together. Where the first reading
        is ``settled``, the other places of that picture are not read, and not seen.
        """
        found = self.finder.find(pictures)
        firsts = iter(self._read([places[0] for places in found if places]))
        seen = [[next(firsts)] if places else [] for places in found]
        doubtful = [i for i, first in enumerate(seen) if first and not settled(first[0].reading)]
        others = iter(self._read([place for i in doubtful for place in found[i][1:]]))
        for i in doubtful:
            seen[i] += [next(others) for _ in found[i][1:]]
        return seen

    def _read(self, places: Sequence[Located]) -> list[Sighting]:
        if not places:
            return []
        chances = self.reader.chances([place.patch for place in places])
        readings = self.grammar.decode_all(np.asarray(chances))
        return [
            Sighting(place.corners, place.patch, reading, one)
            for place, reading, one in zip(places, readings, chances, strict=True)
        ]
