"""Trips over a camera estate, a slot of one minute at a time, with numpy.

A vehicle has a home camera and a camera it usually goes to, both a function of (seed, vehicle). On its way it
goes from camera to neighbouring camera, always nearer to where it is going, and some of these see it. A slot
depends on (seed, slot) alone, so slots can be made in any order.
"""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from producers.chance import fractions
from producers.marks import MOST_VEHICLES
from producers.traffic import DAY, HOUR, SECOND, Demand, local
from ringfence.estate import Estate

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
# One row a passage. captured, due: µs since 1970. camera: its index in the estate. again: seen there before.
# sequence: set by the world.
PASSINGS = np.dtype(
    [
        ("captured", "i8"),
        ("due", "i8"),
        ("vehicle", "i8"),
        ("camera", "i8"),
        ("sequence", "i8"),
        ("again", "?"),
    ]
)
Passings = NDArray[np.void]

SLOT = 60 * SECOND
SLOTS_AN_HOUR = HOUR // SLOT
LONGEST = 40 * 60 * SECOND  # what a trip still does after that is not simulated
MOST_HOPS = 24
NEIGHBOURS = 10
NEAR = 400  # a vehicle usually goes to one of so many cameras nearest to its home
SEEN = 0.45  # of the cameras on its way, so many look at the road it takes (GK)
DETOUR = 1.3  # road kilometres per kilometre as the crow flies (GK)
WANDER = 0.4  # how far from the straight way a trip strays (GK)
PACE = (0.8, 1.3)  # of the mean speed (GK)
IRREGULAR = 0.25  # trips to somewhere unusual (GK)
OUTBOUND = 0.8  # trips before noon that start at home, and after noon that end there (GK)
# km/h within so many km of Charing Cross: circles as large as ccz and as ulez-2021 (V Travel in London 8, D).
SPEEDS = ((2.6, 13.0), (11.0, 18.0), (np.inf, 30.0))
CHARING_CROSS = (-0.1246, 51.5074)
KM_LON, KM_LAT = 69.4, 111.2  # kilometres per degree at 51.5 degrees north
# GK: seen again at the same camera, sent late, of all events.
REPEATS, LATE = 0.05, 0.01
REPEAT_AFTER = (3, 40)  # s
LATE_BY, LATE_MEAN, LATE_MOST = 30, 60, 240  # s
# How often a vehicle drives: a Pareto tail (alpha 4/3), cut off at about 20 times the mean. Together with the
# share that leaves home on a day it makes 1,974,000 distinct vehicles a day out of 2,625,000.
TAIL, CUT = 4, 0.23
ABOUT_SHARE = 0.85
CALIBRATION = 60_000  # trips
HOME, USUAL, ABOUT = 5, 6, 7  # keys of chance


class Network(Struct, frozen=True):
    """Cameras as a map, by index: distances (km), neighbours, all cameras by distance, speeds (km/h)."""

    distance: NDArray[np.float32]
    neighbours: Ints
    near: Ints
    speed: Floats


def network(estate: Estate) -> Network:
    """The map of an estate's cameras, in the order of their ids."""
    places = np.array([(c.lon, c.lat) for c in estate.cameras.values()])
    km = (places - CHARING_CROSS) * (KM_LON, KM_LAT)
    flat = km.astype(np.float32)
    distance = np.hypot(flat[:, None, 0] - flat[None, :, 0], flat[:, None, 1] - flat[None, :, 1])
    near = _nearest(distance, min(NEAR + 1, len(places)))
    centre = np.hypot(km[:, 0], km[:, 1])
    speed = np.select([centre < reach for reach, _ in SPEEDS], [kmh for _, kmh in SPEEDS])
    return Network(distance, near[:, : NEIGHBOURS + 1], near, speed)


def _nearest(distance: NDArray[np.float32], count: int) -> Ints:
    """The indices of so many cameras by distance from each: itself, the nearest, and so on."""
    some = np.sort(np.argpartition(distance, count - 1, axis=1)[:, :count], axis=1)
    order = np.argsort(np.take_along_axis(distance, some, axis=1), axis=1, kind="stable")
    return np.take_along_axis(some, order, axis=1).astype(np.int64)


class Hour(Struct, frozen=True):
    """The hour in which trips begin: its end (µs), reads/s until then and after it, and whether it is a.m."""

    end: int
    rate: float
    next_rate: float
    morning: bool


class Trips:
    """Every trip of one seed. ``per_trip``, the mean number of passages of a trip, is measured once.

    A trip may reach into the next hour, never beyond. So there are as many trips as the busier of the two
    hours needs, and in the other one a camera sees fewer of them: the rate is as asked at every moment.
    """

    def __init__(self, estate: Estate, seed: int, demand: Demand) -> None:
        self.map = network(estate)
        self.seed, self.demand = seed, demand
        # A small world keeps a few vehicles for every slot of the hour.
        self.vehicles = min(max(demand.vehicles, 8 * SLOTS_AN_HOUR), MOST_VEHICLES)
        self.per_trip = self._calibrate()

    def slot(self, number: int) -> Passings:
        """The passages of all trips that begin in a slot, up to LONGEST and a repeat later, in no order."""
        rng = np.random.default_rng((self.seed, number))
        begin = number * SLOT
        hour = self._hour(begin)
        trips = int(rng.poisson(max(hour.rate, hour.next_rate) * SLOT / SECOND / self.per_trip))
        vehicle = self._choose(rng, number, trips)
        begins = begin + rng.integers(0, SLOT, trips)
        return _delayed(rng, self._passings(rng, vehicle, begins, hour))

    def _hour(self, begin: int) -> Hour:
        end = (begin // HOUR + 1) * HOUR
        return Hour(end, self.demand.at(begin), self.demand.at(end), local(begin).hour < 12)

    def _calibrate(self) -> float:
        rng = np.random.default_rng((self.seed, CALIBRATION))
        slots = rng.integers(0, SLOTS_AN_HOUR, CALIBRATION)
        vehicle = self._ranks(rng, CALIBRATION) * SLOTS_AN_HOUR + slots
        begins = np.zeros(CALIBRATION, np.int64)
        return len(self._passings(rng, vehicle, begins, Hour(HOUR, 1.0, 1.0, True))) / CALIBRATION

    def _ranks(self, rng: np.random.Generator, trips: int) -> Ints:
        """Vehicles of one slot, by weight; the first are on the road most."""
        among = self.vehicles // SLOTS_AN_HOUR
        draws = (CUT + (1 - CUT) * rng.random(trips)) ** TAIL
        least = CUT**TAIL
        return ((draws - least) / (1 - least) * among).astype(np.int64)

    def _choose(self, rng: np.random.Generator, number: int, trips: int) -> Ints:
        """Who sets out. A vehicle has one slot of the hour, so that it is never on two trips at a time."""
        vehicle = self._ranks(rng, 4 * trips + 40) * SLOTS_AN_HOUR + number % SLOTS_AN_HOUR
        today = (self.seed, ABOUT, number * SLOT // DAY)
        vehicle = vehicle[fractions(today, vehicle.astype(np.uint64)) < ABOUT_SHARE]
        first = np.sort(np.unique(vehicle, return_index=True)[1])
        # More trips than vehicles (only at very high rates): then some do set out twice.
        return np.resize(vehicle[first], trips)

    def _passings(self, rng: np.random.Generator, vehicle: Ints, begins: Ints, hour: Hour) -> Passings:
        origin, destination = self._ends(rng, vehicle, hour.morning)
        trip, camera, seconds, wait = drive(self.map, rng, origin, destination)
        captured = begins[trip] + (seconds * SECOND).astype(np.int64)
        rate = np.where(captured < hour.end, hour.rate, hour.next_rate)
        seen = rng.random(len(trip)) < SEEN * rate / max(hour.rate, hour.next_rate)
        rows = np.zeros(int(seen.sum()), PASSINGS)
        rows["vehicle"], rows["camera"], rows["captured"] = vehicle[trip[seen]], camera[seen], captured[seen]
        return np.concatenate([rows, _repeated(rows, wait[seen])])

    def _ends(self, rng: np.random.Generator, vehicle: Ints, morning: bool) -> tuple[Ints, Ints]:
        """Camera indices at which the trips begin and end."""
        cameras, near = self.map.near.shape
        word = vehicle.astype(np.uint64)
        home = (fractions((self.seed, HOME), word) * cameras).astype(np.int64)
        usual = fractions((self.seed, USUAL), word)
        how_far = np.where(rng.random(len(vehicle)) < IRREGULAR, rng.random(len(vehicle)), usual)
        away = self.map.near[home, np.minimum(1 + (how_far**2 * (near - 1)).astype(np.int64), near - 1)]
        outbound = rng.random(len(vehicle)) < (OUTBOUND if morning else 1 - OUTBOUND)
        return np.where(outbound, home, away), np.where(outbound, away, home)


def drive(
    roads: Network, rng: np.random.Generator, origin: Ints, destination: Ints
) -> tuple[Ints, Ints, Floats, Floats]:
    """Drives all trips at once. Of every camera passed: trip, camera index, seconds since the trip began,
    and seconds that the vehicle then stands in a queue before it.
    """
    trip, here, goal = np.arange(len(origin)), origin, destination
    seconds, pace = np.zeros(len(origin)), rng.uniform(*PACE, len(origin))
    passed = []
    for _ in range(MOST_HOPS):
        wait = _waits(rng, len(trip))
        passed.append((trip, here, seconds, wait))
        options = roads.neighbours[here]
        left = roads.distance[options, goal[:, None]]
        nearer = left < roads.distance[here, goal][:, None]
        score = np.where(nearer, left * (1 + WANDER * rng.random(left.shape)), np.inf)
        onward = options[np.arange(len(here)), score.argmin(axis=1)]
        hours = DETOUR * roads.distance[here, onward] / (roads.speed[here] * pace)
        seconds = seconds + wait + hours * 3_600
        going = nearer.any(axis=1) & (seconds < LONGEST / SECOND)
        trip, here, goal = trip[going], onward[going], goal[going]
        seconds, pace = seconds[going], pace[going]
        if not len(trip):
            break
    trips, cameras, times, waits = zip(*passed, strict=True)
    return np.concatenate(trips), np.concatenate(cameras), np.concatenate(times), np.concatenate(waits)


def _waits(rng: np.random.Generator, count: int) -> Floats:
    """Seconds in a queue; 0 for most."""
    stands = rng.random(count) < REPEATS / (1 - REPEATS)
    return np.where(stands, rng.uniform(*REPEAT_AFTER, count), 0.0)


def _repeated(rows: Passings, wait: Floats) -> Passings:
    """Those that stand in a queue are seen again by the same camera at its end."""
    again = rows[wait > 0].copy()
    again["captured"] += (wait[wait > 0] * SECOND).astype(np.int64)
    again["again"] = True
    return again


def _delayed(rng: np.random.Generator, rows: Passings) -> Passings:
    """Sets ``due``: at once, or much later where the camera has to store and forward."""
    late = rng.random(len(rows)) < LATE
    by = np.minimum(LATE_BY + 1 + rng.exponential(LATE_MEAN, len(rows)), LATE_MOST)
    rows["due"] = rows["captured"] + np.where(late, by * SECOND, 0).astype(np.int64)
    return rows
