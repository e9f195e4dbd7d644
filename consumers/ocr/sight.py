"""Pictures in, plates out: finds them, reads all of them in one run, and decides by the grammar what they say."""

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from consumers.ocr.chances import Chances, blank, sound
from consumers.ocr.grammar import NOTHING, Grammar, Reading
from consumers.ocr.patches import Corners, Located
from consumers.ocr.pictures import Picture


class Finder(Protocol):
    """Anything that finds plates in gray pictures."""

    def find(self, pictures: Sequence[Picture]) -> list[list[Located]]:
        """For each picture the places where a plate may be, the likeliest first; nothing found: empty."""


class Reader(Protocol):
    """Anything that reads plates."""

    def chances(self, patches: Sequence[Picture]) -> Chances:
        """The chance of every character in every slot: patches by slots by ``chances.ALPHABET``."""

    def check(self) -> None:
        """ModelError if it no longer answers as it should, whatever it is shown."""


class Sighting(Struct, frozen=True):
    """A place in a picture and what it says.

    ``corners``: 4 by 2 float32 pixels of the picture, clockwise from the upper left. ``patch``: what is there,
    straightened, gray. ``chances``: slots by characters, as the reader gave them. ``sound``: whether a working
    reader can have given them; if not, the reading is nothing.
    """

    corners: Corners
    patch: Picture
    reading: Reading
    chances: Chances
    sound: bool = True


class Sight:
    """A finder, a reader and a grammar.

    A reader that gives mad answers for one patch may go on; where it gives them for any, it is checked, and ModelError
    ends it all.
    """

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
        well = sound(chances)
        if not well.all():
            self.reader.check()
            chances[~well] = blank(1, chances.shape[1])
        readings = self.grammar.decode_all(chances)
        return [
            Sighting(place.corners, place.patch, reading if good else NOTHING, one, good)
            for place, reading, one, good in zip(places, readings, chances, well.tolist(), strict=True)
        ]
