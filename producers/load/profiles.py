"""How much is offered when: profiles as segments of linear rate, and the exact moments at which to send. Pure."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import pairwise
from math import ceil, sqrt

from msgspec import Struct

from producers.traffic import HOUR_SHARES

PEAK_OF_LONDON = 457.0  # reads a second of 1 London in its peak hour
BURST, BURSTS = 5, 4  # bursts of five times the base rate, so many in a run
BURST_BEGINS, BURST_ENDS = 0.6, 0.8  # shares of a quarter of the run


class Name(StrEnum):
    """The profiles. ``find`` is a series of constant runs: see producers.load.find."""

    CONSTANT = "constant"
    RAMP = "ramp"
    DAY = "day"
    BURST = "burst"
    SOAK = "soak"
    FIND = "find"


class Segment(Struct, frozen=True):
    """From ``begins`` to ``ends`` (s) the rate goes in a line from ``first`` to ``last`` (1/s)."""

    begins: float
    ends: float
    first: float
    last: float

    @property
    def events(self) -> float:
        """How many events fall into it; not a whole number."""
        return (self.first + self.last) / 2 * (self.ends - self.begins)

    def after(self, events: float) -> float:
        """The moment (s) at which so many of its events (more than 0) have fallen due."""
        slope = (self.last - self.first) / (self.ends - self.begins)
        # The root of first·t + slope·t²/2 = events, in the form that takes no difference of near numbers.
        return self.begins + 2 * events / (self.first + sqrt(max(0.0, self.first**2 + 2 * slope * events)))


Profile = Sequence[Segment]


def profile(name: Name, rate: float, seconds: float) -> Profile:
    """The profile of that name. ``rate`` is the highest of ramp and day, and the base of bursts."""
    if name is Name.RAMP:
        return (Segment(0, seconds, 0, rate),)
    if name is Name.DAY:
        return _steps([share / max(HOUR_SHARES) * rate for share in HOUR_SHARES], seconds)
    if name is Name.BURST:
        return _bursts(rate, seconds)
    return (Segment(0, seconds, rate, rate),)


def _steps(rates: Sequence[float], seconds: float) -> Profile:
    bounds = [seconds * i / len(rates) for i in range(len(rates) + 1)]
    return tuple(Segment(a, b, rate, rate) for (a, b), rate in zip(pairwise(bounds), rates, strict=True))


def _bursts(rate: float, seconds: float) -> Profile:
    quarter, found = seconds / BURSTS, []
    for i in range(BURSTS):
        bounds = [(i + share) * quarter for share in (0, BURST_BEGINS, BURST_ENDS, 1)]
        for (a, b), times in zip(pairwise(bounds), (1, BURST, 1), strict=True):
            found.append(Segment(a, b, rate * times, rate * times))
    return tuple(found)


def rate_at(shape: Profile, at: float) -> float:
    """Events a second at a moment (s); 0 outside the profile."""
    for s in shape:
        if s.begins <= at < s.ends:
            return s.first + (s.last - s.first) * (at - s.begins) / (s.ends - s.begins)
    return 0.0


def room(shape: Profile) -> int:
    """A number that the moments never exceed, and by two at most fall short of."""
    return ceil(sum(s.events for s in shape)) + 1


def length(shape: Profile) -> float:
    """Seconds from the first to the last moment."""
    return shape[-1].ends


def moments(shape: Profile) -> Iterator[float]:
    """When to send (s), in order: the n-th where n + ½ events have fallen due. The same profile, the same moments."""
    wanted, before = 0.5, 0.0
    for s in shape:
        events = s.events
        while wanted - before < events:
            yield s.after(wanted - before)
            wanted += 1
        before += events
