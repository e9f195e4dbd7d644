"""The simulated world: every passage of every vehicle at every camera, in the order in which it is due.

Pure and seeded: one seed, one day. ``World.passages()`` never ends and is made a slot of one minute at a
time; what comes in the first minute is the beginning of what comes in the first hour.
"""

from collections.abc import Iterator
from functools import cache
from itertools import count

import numpy as np
from msgspec import Struct

from producers.chance import fraction, mix
from producers.marks import Fleet
from producers.traffic import SECOND, Demand, Light, Weather, light, weather
from producers.trips import LONGEST, PASSINGS, REPEAT_AFTER, SLOT, Passings, Trips
from ringfence.estate import Camera, Estate
from ringfence.vrm import Style

# Trips that began so many slots before the start may still be under way.
REACH = (LONGEST + REPEAT_AFTER[1] * SECOND) // SLOT + 1
# GK: cameras that look at the rear; frames in which no plate can be seen; plates partly hidden.
REAR, NO_PLATE, OBSCURED = 0.35, 0.04, 0.01
# Of what an on-board reader captures, so much is misread (V Camera Commissioner, BNMA). Every hidden plate is.
MISREAD = 0.03
MISREAD_IN_VIEW = (MISREAD - OBSCURED) / (1 - OBSCURED)
# Keys of chance.
FACING, NOISE, DIRT, BLUR, HIDDEN, WRONG, PLATELESS = range(10, 17)


class Passage(Struct, frozen=True, gc=False):
    """The truth of one vehicle at one camera.

    ``captured_at`` and ``due_at`` (when the camera sends it) are µs since 1970. ``sequence`` runs by one at
    each camera. ``vrm`` is None where no plate can be seen. ``dirt`` is 0 to 1, ``blur`` in pixels.
    ``misread``: an on-board reader gets it wrong. ``again``: the same vehicle, seconds after it was first
    seen there. ``noise``: 64 bits from (seed, camera, sequence), for whatever else is drawn.
    """

    camera: int
    sequence: int
    captured_at: int
    due_at: int
    vehicle: int
    vrm: str | None
    style: Style
    rear: bool
    on_board: bool
    two_line: bool
    green_flash: bool
    uk_band: bool
    light: Light
    weather: Weather
    dirt: float
    blur: float
    obscured: bool
    misread: bool
    again: bool
    noise: int


class World:
    """London's traffic over an estate from ``start`` (µs) on. ValueError before September 2001.

    ``seed`` is 0 or more. Making a World takes about a second, and so does the first passage: give ``start``
    a few seconds ahead of the clock by which the passages are sent.
    """

    def __init__(self, estate: Estate, seed: int, demand: Demand, start: int) -> None:
        self.seed, self.start = seed, start
        self.cameras = tuple(estate.cameras.values())
        self.trips = Trips(estate, seed, demand)
        self.fleet = Fleet(seed, start)

    def passages(self) -> Iterator[Passage]:
        """Every passage captured from ``start`` on, by ``due_at``, without end."""
        captured, due = _Slots("captured"), _Slots("due")
        # In ms, so that a later run over the same cameras never gives a number twice.
        sequences = np.full(len(self.cameras), self.start // 1_000, np.int64)
        first = self.start // SLOT
        for slot in count(first - REACH):
            rows = self.trips.slot(slot)
            captured.add(rows[rows["captured"] >= self.start])
            if slot >= first:
                due.add(_numbered(captured.take(slot), sequences))
                ready = due.take(slot)
                ready = ready[np.lexsort((ready["sequence"], ready["camera"], ready["due"]))]
                yield from map(self._passage, *(ready[name].tolist() for name in PASSINGS.names or ()))

    def _passage(self, captured: int, due: int, vehicle: int, index: int, sequence: int, again: bool) -> Passage:
        camera, mark = self.cameras[index], self.fleet.mark(vehicle)
        noise = mix(self.seed, NOISE, camera.id, sequence)
        visible = camera.on_board or fraction(noise, PLATELESS) >= NO_PLATE
        obscured = visible and fraction(noise, HIDDEN) < OBSCURED
        lit, sky = _sky(self.seed, captured // (60 * SECOND))
        return Passage(
            camera=camera.id,
            sequence=sequence,
            captured_at=captured,
            due_at=due,
            vehicle=vehicle,
            vrm=mark.vrm if visible else None,
            style=mark.style,
            rear=mark.motorcycle or _faces_rear(self.seed, camera),
            on_board=camera.on_board,
            two_line=mark.two_line,
            green_flash=mark.green_flash,
            uk_band=mark.uk_band,
            light=lit,
            weather=sky,
            dirt=round(fraction(noise, DIRT) ** 4, 3),
            blur=round(fraction(noise, BLUR) ** 2 * (1.6 if lit is Light.NIGHT else 1.0), 3),
            obscured=obscured,
            misread=camera.on_board and (obscured or fraction(noise, WRONG) < MISREAD_IN_VIEW),
            again=again,
            noise=noise,
        )


class _Slots:
    """Rows that wait for their slot, by one of their times."""

    def __init__(self, field: str) -> None:
        self.field = field
        self.waiting: dict[int, list[Passings]] = {}

    def add(self, rows: Passings) -> None:
        """Puts rows to the slots they belong to."""
        slots = rows[self.field] // SLOT
        order = np.argsort(slots, kind="stable")
        numbers, starts = np.unique(slots[order], return_index=True)
        for number, part in zip(numbers.tolist(), np.split(rows[order], starts[1:]), strict=False):
            self.waiting.setdefault(number, []).append(part)

    def take(self, slot: int) -> Passings:
        """The rows of a slot, which is then forgotten."""
        return np.concatenate([np.zeros(0, PASSINGS), *self.waiting.pop(slot, [])])


def _numbered(rows: Passings, sequences: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Passings:
    """Gives the rows of one slot their sequence, by time of capture, and moves the counters on."""
    rows = rows[np.lexsort((rows["vehicle"], rows["captured"], rows["camera"]))]
    cameras, starts, counts = np.unique(rows["camera"], return_index=True, return_counts=True)
    running = np.arange(len(rows)) - np.repeat(starts, counts)
    rows["sequence"] = sequences[rows["camera"]] + running
    sequences[cameras] += counts
    return rows


@cache
def _faces_rear(seed: int, camera: Camera) -> bool:
    return fraction(seed, FACING, camera.id) < REAR


@cache
def _sky(seed: int, minute: int) -> tuple[Light, Weather]:
    at = minute * 60 * SECOND
    return light(at), weather(seed, at)
