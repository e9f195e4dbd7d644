"""What a stream of reads shows of the people in it. Pure: columns in, numbers out.

Only reads that have the mark right count towards a vehicle: a wrong one lies in another's trace. A crossing is another
matter: whoever passed, a wrong mark too is a record that somebody did.
Sources: unicity as de Montjoye et al. 2013 (k random points of a trace, here camera and hour); zone crossings that
leave no record as the ICO asked in its Royston notice of 2013. What counts as a trip, or as having shown where a
vehicle spent the night, is our own choice.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from ringfence.compare.day import Bools, Day, Ints
from ringfence.compare.judge import Seen

HOUR = 3_600_000_000  # µs
HOURS = 32  # a day has 25 at most
MOST_POINTS = 6
DRAWN = 2_000  # vehicles for unicity
NEAR_KM = 1.0
MORNING, EVENING = 10, 16  # hours after midnight


class Share(Struct, frozen=True):
    """So many of so many. There is none of nothing: ``whole`` may be 0."""

    part: int
    whole: int


Figures = Mapping[str, int | Share]


def measures(day: Day, seen: Seen, midnight: int, seed: int) -> Figures:
    """Every figure of one day under one regime, by name. ``midnight`` (µs) begins the day; ``seed`` draws points."""
    known = seen.text & day.right
    images, text = int(day.framed.sum()), int(seen.text.sum())
    figures: dict[str, int | Share] = {
        "reads offered": len(day),
        "reads disclosed": text,
        "reads denied": len(day) - text,
        "reads whose image was withheld": int((seen.text & day.framed & ~(seen.overview | seen.patch)).sum()),
        "images offered": images,
        "overviews disclosed": int(seen.overview.sum()),
        "overviews withheld": images - int(seen.overview.sum()),
        "plate patches disclosed": int(seen.patch.sum()),
        "plate patches withheld": images - int(seen.patch.sum()),
        "vehicles on the road": _distinct(day.vehicle),
        "vehicles disclosed": _distinct(day.vehicle[known]),
        "misreads disclosed": int((seen.text & ~day.right).sum()),
        "hits": int((seen.text & day.listed & day.right).sum()),
        "false hits": int((seen.text & day.listed & ~day.right).sum()),
        "trips": int(_along(day, np.ones(len(day), bool)).sum()),
        "trips that can be followed": int(_along(day, known).sum()),
    }
    figures |= {f"denied: {reason}": count for reason, count in seen.denied.items()}
    figures |= {f"disclosed as {form}": count for form, count in seen.forms.items()}
    figures |= {f"unicity at {k}": share for k, share in enumerate(unicity(day, known, midnight, seed), 1)}
    figures["crossings without a record"] = unrecorded(day, seen.text)
    figures["nights shown"] = nights(day, known, midnight)
    return figures


def unicity(day: Day, known: Bools, midnight: int, seed: int) -> Sequence[Share]:
    """Of the vehicles in the stream, the share that 1, 2 … 6 random points of their own single out.

    A point is a camera and an hour. A vehicle with fewer points is tried with all that it has. Of more than DRAWN
    vehicles so many are drawn.
    """
    hours = (day.captured[known] - midnight) // HOUR
    # Numbered, so that a point fits beside a vehicle whatever the ids of the cameras are.
    points = np.unique(day.camera[known] * HOURS + hours, return_inverse=True)[1]
    pairs = _pairs(day.vehicle[known], points)
    vehicles, begins = np.unique(pairs[0], return_index=True)
    if not len(vehicles):
        return [Share(0, 0)] * MOST_POINTS
    there = _by_point(pairs)
    rng = np.random.default_rng(seed)
    drawn = np.sort(rng.permutation(len(vehicles))[:DRAWN])
    traces = np.split(pairs[1], begins[1:])
    alone = np.zeros(MOST_POINTS, np.int64)
    for i in drawn.tolist():
        own = rng.permutation(traces[i])[:MOST_POINTS].tolist()
        others = there[own[0]]
        for k in range(MOST_POINTS):
            if k and k < len(own) and len(others) > 1:
                others = others & there[own[k]]
            alone[k] += len(others) == 1
    return [Share(count, len(drawn)) for count in alone.tolist()]


def unrecorded(day: Day, text: Bools) -> Share:
    """Of the times that a vehicle went from one ring of London to another, the share that the stream has no sign of.

    A crossing is two reads on end, of one trip, at cameras of two rings. A read with a wrong mark is a record too.
    """
    ring = day.places.ring[day.camera]
    crossed = (np.diff(ring) != 0) & (np.diff(day.trip) == 0)
    silent = crossed & ~text[:-1] & ~text[1:]
    return Share(int(silent.sum()), int(crossed.sum()))


def nights(day: Day, known: Bools, midnight: int) -> Share:
    """Of the vehicles on the road, the share whose day in the stream shows where they spent the night.

    It does if the first read is before ten, the last one after four, and both within a kilometre.
    """
    rows = np.flatnonzero(known)
    if not len(rows):
        return Share(0, _distinct(day.vehicle))
    vehicle = day.vehicle[rows]
    edges = np.flatnonzero(np.diff(vehicle)) + 1
    first, last = rows[np.concatenate([[0], edges])], rows[np.concatenate([edges - 1, [len(rows) - 1]])]
    apart = day.places.km[day.camera[first]] - day.places.km[day.camera[last]]
    near = np.hypot(apart[:, 0], apart[:, 1]) <= NEAR_KM
    home = near & (day.captured[first] < midnight + MORNING * HOUR) & (day.captured[last] >= midnight + EVENING * HOUR)
    return Share(int(home.sum()), _distinct(day.vehicle))


def _along(day: Day, known: Bools) -> Bools:
    """The trips that the stream shows at two cameras or more: where from, and where to."""
    pairs = _pairs(day.trip[known], day.camera[known])
    shown: Bools = np.bincount(pairs[0], minlength=1) >= 2
    return shown


def _pairs(one: Ints, other: Ints) -> Ints:
    """The different pairs, in order, as two rows. ``other`` is below 2^32."""
    keys = np.unique((one << 32) + other)
    return np.stack([keys >> 32, keys & (2**32 - 1)])


def _by_point(pairs: Ints) -> dict[int, frozenset[int]]:
    """The vehicles that were at each point."""
    order = np.argsort(pairs[1], kind="stable")
    points, begins = np.unique(pairs[1][order], return_index=True)
    groups = np.split(pairs[0][order], begins[1:])
    return {point: frozenset(group.tolist()) for point, group in zip(points.tolist(), groups, strict=True)}


def _distinct(vehicle: Ints) -> int:
    return len(np.unique(vehicle))
