"""A day as columns: every read that the cameras make of it, and what is known of the cameras. Pure."""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

GAP = 30 * 60 * 1_000_000  # µs; a vehicle that nobody saw for longer is on its next trip (GK)


class Places(Struct, frozen=True):
    """Of each camera, by id (row 0 is nobody's): the ring it stands in, and where in km east and north."""

    ring: Ints
    km: Floats


class Day(Struct, frozen=True):
    """Every read of one day that plates allow, in order of vehicle and time; columns of one length.

    ``captured`` is µs since 1970. ``vehicle`` numbers the true vehicles. ``right``: the mark was read as it is.
    ``listed``: the mark, as it was read, is on the hotlist. ``framed``: a frame came with it, so there is an image.
    ``trip`` numbers the trips. ``vrms`` are the marks as they were read.
    """

    camera: Ints
    captured: Ints
    vehicle: Ints
    right: Bools
    listed: Bools
    framed: Bools
    trip: Ints
    vrms: list[str]
    places: Places

    def __len__(self) -> int:
        return len(self.camera)


def day_of(columns: Mapping[str, list[int]], vrms: list[str], places: Places) -> Day:
    """A day from its columns in any order: camera, captured, vehicle, right, listed, framed."""
    made = {name: np.asarray(values, np.int64) for name, values in columns.items()}
    order = np.lexsort((made["camera"], made["captured"], made["vehicle"]))
    made = {name: values[order] for name, values in made.items()}
    return Day(
        camera=made["camera"],
        captured=made["captured"],
        vehicle=made["vehicle"],
        right=made["right"].astype(bool),
        listed=made["listed"].astype(bool),
        framed=made["framed"].astype(bool),
        trip=trips(made["vehicle"], made["captured"]),
        vrms=[vrms[i] for i in order],
        places=places,
    )


def trips(vehicle: Ints, captured: Ints) -> Ints:
    """Numbers the trips of rows in order of vehicle and time: a new one after each GAP."""
    fresh = np.ones(len(vehicle), bool)
    fresh[1:] = (np.diff(vehicle) != 0) | (np.diff(captured) > GAP)
    numbers: Ints = np.cumsum(fresh) - 1
    return numbers
