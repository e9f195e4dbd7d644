"""The simulated day as the cameras read it, for the comparison of regimes: no pictures, no Kafka. Pure.

It is the day that `ringfence cameras` sends, by the same world. One thing is assumed instead of done: where there is no
reader on board, the OCR misreads as many plates as those do, and sees every plate that a camera can see.
"""

from collections.abc import Iterator

import numpy as np

from producers.camera import misread
from producers.chance import fraction, fractions
from producers.marks import Fleet
from producers.siting import Outlines, ring
from producers.traffic import DAY, READS_A_DAY, READS_A_VEHICLE, SECOND, curve
from producers.trips import CHARING_CROSS, KM_LAT, KM_LON, LATE_MOST
from producers.world import MISREAD_IN_VIEW, WRONG, Passage, World
from ringfence.compare.day import Day, Places, day_of
from ringfence.estate import Estate

LISTED = 30  # key of chance
HOTLIST_SHARE = 0.001  # of the vehicles, as of the reads (V EFF; no UK figure was found)


def make_day(estate: Estate, places: Places, seed: int, sample: float, midnight: int) -> Day:
    """The reads captured in the 24 hours from ``midnight`` (µs) on, by this share of London's vehicles."""
    world = World(estate, seed, curve(sample), midnight)
    listed = hotlist(world.fleet)
    columns: dict[str, list[int]] = {
        name: [] for name in ("camera", "captured", "vehicle", "right", "listed", "framed")
    }
    vrms = []
    for passage in _of_day(world, midnight):
        text = reading(passage)
        vrms.append(text)
        row = (
            passage.camera, passage.captured_at, passage.vehicle, text == passage.vrm, text in listed,
            not passage.on_board,
        )  # fmt: skip
        for column, value in zip(columns.values(), row, strict=True):
            column.append(value)
    return day_of(columns, vrms, places)


def _of_day(world: World, midnight: int) -> Iterator[Passage]:
    """The passages of the day with a plate to be seen."""
    for passage in world.passages():
        if passage.due_at >= midnight + DAY + LATE_MOST * SECOND:
            return
        if passage.captured_at < midnight + DAY and passage.vrm is not None:
            yield passage


def reading(passage: Passage) -> str:
    """The mark as it is read, rightly or not."""
    wrong = passage.misread if passage.on_board else _is_misread(passage)
    return misread(passage) if wrong else passage.vrm or ""


def _is_misread(passage: Passage) -> bool:
    return passage.obscured or fraction(passage.noise, WRONG) < MISREAD_IN_VIEW


def hotlist(fleet: Fleet) -> frozenset[str]:
    """The marks on the hotlist: of all of London's vehicles, whatever share of them is simulated."""
    numbers = np.arange(READS_A_DAY // READS_A_VEHICLE, dtype=np.uint64)
    chosen = np.flatnonzero(fractions((fleet.seed, LISTED), numbers) < HOTLIST_SHARE)
    return frozenset(fleet.mark(number).vrm for number in chosen.tolist())


def places_of(estate: Estate, outlines: Outlines) -> Places:
    """Where the cameras stand."""
    rings, km = np.zeros(max(estate.cameras) + 1, np.int64), np.zeros((max(estate.cameras) + 1, 2))
    for camera in estate.cameras.values():
        rings[camera.id] = ring(outlines, camera.lon, camera.lat)
        km[camera.id] = (camera.lon - CHARING_CROSS[0]) * KM_LON, (camera.lat - CHARING_CROSS[1]) * KM_LAT
    return Places(rings, km)
