"""From the figures of several days to a report: mean and range over the seeds, no count of 1 to 4 in it. Pure.

Counts of 1 to 4 are suppressed, and every other one is rounded to the nearest five before anything is made of it:
means, shares, differences. So no sum, difference or product of what is published comes to one of the small counts.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from ringfence.compare.measures import Figures, Share

NOBODY = "does not apply"
FEWEST = 5  # smaller counts are suppressed; none at all is said. Others are rounded to multiples of it
FEW, REST, ONE = f"under {FEWEST}", f"all but under {FEWEST}", f"not shown: one of the two is under {FEWEST}"
ENOUGH = 5  # days; fewer have no range
RANGE = "with their range: lowest to highest"
NO_RANGE = f"Fewer than {ENOUGH} days give no interval: no range is shown."
SHARES = ("unicity at ", "crossings without a record", "nights shown")


class Row(Struct, frozen=True):
    """One regime of a report. ``days``: its figures, a day a seed."""

    id: str
    label: str
    status: str
    title: str
    purpose: str
    cameras: Mapping[str, int]
    days: Sequence[Figures]


class Scene(Struct, frozen=True):
    """What all regimes of a report have in common."""

    day: str
    seeds: Sequence[int]
    sample: float
    bundle: str
    estate: str


RECEIVED = {
    "vehicles disclosed": "Vehicles in the police's stream",
    "reads disclosed": "Reads disclosed",
    "trips that can be followed": "Trips that can be followed from camera to camera",
    "overviews disclosed": "Images of the scene disclosed",
    "plate patches disclosed": "Images of the plate disclosed",
}
SHOWN = {
    "unicity at 4": "Vehicles of the sample that four points single out",
    "crossings without a record": "Zone crossings that leave no record",
    "nights shown": "Vehicles whose day shows where they spent the night",
    "hits": "Hits on the hotlist",
    "false hits": "False hits (misreads that matched)",
    "misreads disclosed": "Misreads disclosed",
}
HEADLINES = RECEIVED | SHOWN


def assumptions(scene: Scene) -> list[str]:
    """What a reader has to know to judge the figures, a sentence each."""
    return [
        "This is a simulation. Traffic, vehicles, marks and camera positions are made up; no real system was looked"
        " into, and nothing here says what the police in fact received.",
        "Each regime is shown as if every tranche of cameras had been activated, unless it says none activated. No"
        " authorisation is on record and no document, and no order to suspend is in force. Each regime is asked for the"
        " purpose that it names first: ns-2007 for national security, all others for crime.",
        f"{scene.sample:.2%} of London's vehicles are simulated. Counts for London are those of the sample, scaled up"
        " to 21 million reads a day, the forecast of 2018.",
        "1,544 cameras, as of 2022-23. How many of them would belong to the expansion of 2023 is our own choice (60).",
        "3 % of the reads are misread, with and without a reader on board; they count for no vehicle.",
        "An image comes with the frames of those cameras that have no reader on board, about a third.",
        "0.1 % of the vehicles are on the hotlist.",
        "A trip can be followed if the stream shows it at two cameras or more. A gap of 30 minutes ends a trip.",
        "Unicity: random points (camera and hour) of a vehicle's own trace in the stream, and whether any other vehicle"
        " of the sample was at all of them. Among all of London's vehicles fewer would be singled out.",
        "A crossing is between two reads on end, at cameras in two of three rings: the congestion zone, inner London,"
        " the rest. It leaves no record if neither read is disclosed; a misread that is disclosed is a record.",
        "A day shows where a vehicle spent the night if its first read is before ten, its last after four, and both"
        " within a kilometre.",
        over(scene),
        f"Counts of 1 to {FEWEST - 1} are suppressed, as are shares and differences that come from so few. All others"
        f" are rounded to the nearest {FEWEST} in the sample first.",
    ]


def over(scene: Scene) -> str:
    """What the figures are the mean of, and whether there is a range."""
    days = "those of one simulated day" if len(scene.seeds) == 1 else f"the mean over {len(scene.seeds)} simulated days"
    return f"Figures are {days}" + (f". {NO_RANGE}" if len(scene.seeds) < ENOUGH else f", {RANGE}.")


def report(scene: Scene, rows: Sequence[Row], baseline: str) -> dict[str, Any]:
    """The whole report as plain data, ready for JSON. ``baseline``: id of the row that the others are held against."""
    base = next(row for row in rows if row.id == baseline)
    return {
        "what": "simulation of one day under several regimes",
        "scene": msgspec.to_builtins(scene),
        "range": over(scene),
        "assumptions": assumptions(scene),
        "baseline": base.label,
        "regimes": [
            {
                "id": row.id, "label": row.label, "status": row.status, "title": row.title, "purpose": row.purpose,
                "cameras_open": dict(row.cameras),
                "figures": {name: figure(name, row.days, scene.sample) for name in _names(row.days)},
                "against_baseline": {name: against(name, row.days, base.days, scene.sample) for name in HEADLINES},
            }
            for row in rows
        ],
    }  # fmt: skip


def figure(name: str, days: Sequence[Figures], sample: float) -> dict[str, Any]:
    """One figure over all days: mean and range; of a count also what it comes to for London."""
    values = [day.get(name, 0) for day in days]
    why = next(filter(None, map(withheld, values)), "")
    if why:
        return {"none": True} if why == NOBODY else {"suppressed": why}
    rounded = list(map(_rounded, values))
    return _over_days(rounded) | _scaled(name, rounded, sample)


def against(name: str, days: Sequence[Figures], base: Sequence[Figures], sample: float) -> dict[str, Any]:
    """How much more a figure is than under the baseline, day by day; nothing where one of the two is not shown."""
    pairs = [(day.get(name, 0), other.get(name, 0)) for day, other in zip(days, base, strict=True)]
    reasons = {withheld(value) for pair in pairs for value in pair} - {""}
    if NOBODY in reasons:
        return {"none": True}
    if any(0 < abs(_count(one) - _count(other)) < FEWEST for one, other in pairs):
        return {"suppressed": FEW}
    if reasons:
        return {"suppressed": ONE}
    more = [_rounded(one) - _rounded(other) for one, other in pairs]
    found = _over_days(more) | _scaled(name, more, sample)
    before = sum(_rounded(other) for _, other in pairs)
    relative = before and not name.startswith(SHARES)
    return found | ({"relative_increase": round(sum(more) / before, 6)} if relative else {})


def withheld(value: int | Share) -> str:
    """Why a figure of one day is not shown; empty if it is."""
    if not isinstance(value, Share):
        return FEW if 0 < value < FEWEST else ""
    if not value.whole:
        return NOBODY
    if 0 < value.part < FEWEST or value.whole < FEWEST:
        return FEW
    return REST if 0 < value.whole - value.part < FEWEST else ""


def _count(value: int | Share) -> int:
    return value.part if isinstance(value, Share) else value


def _rounded(value: int | Share) -> float:
    """To the nearest five, or from such."""
    if isinstance(value, Share):
        return _rounded(value.part) / _rounded(value.whole)
    return (value + FEWEST // 2) // FEWEST * FEWEST


def _over_days(values: Sequence[float]) -> dict[str, Any]:
    found = {"mean": round(sum(values) / len(values), 6)}
    if len(values) < ENOUGH:
        return found
    return found | {"lowest": round(min(values), 6), "highest": round(max(values), 6)}


def _scaled(name: str, values: Sequence[float], sample: float) -> dict[str, int]:
    return {} if name.startswith(SHARES) else {"london": _significant(sum(values) / len(values) / sample)}


def _names(days: Sequence[Figures]) -> list[str]:
    """In the order of the days; what only some days have comes after."""
    return list(dict.fromkeys(name for day in days for name in day))


def _significant(value: float, digits: int = 3) -> int:
    return int(float(f"{value:.{digits}g}"))


def to_json(found: Mapping[str, Any]) -> str:
    """The report's bytes: the same for the same report."""
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"


def said(found: Mapping[str, Any]) -> str:
    """A figure as a person reads it, with its range if it has one."""
    if "suppressed" in found:
        return f"{found['suppressed']} in the sample"
    if "none" in found:
        return NOBODY
    if "london" not in found:
        return f"{found['mean']:.1%}" + _ranging(found, "{:.1%}".format)
    if not found["mean"]:
        return "none in the sample"
    scale = found["london"] / found["mean"]
    return f"{found['london']:,}" + _ranging(found, lambda end: f"{_significant(end * scale):,}")


def said_more(found: Mapping[str, Any]) -> str:
    """A difference as a person reads it."""
    if "suppressed" in found:
        return f"{found['suppressed']} in the sample"
    if "none" in found:
        return NOBODY
    if not any(found[end] for end in ("mean", "lowest", "highest") if end in found):
        return "the same"
    if "london" not in found:
        return f"{100 * found['mean']:+.1f} points" + _ranging(found, lambda end: f"{100 * end:+.1f}")
    share = f" ({found['relative_increase']:+.1%})" if "relative_increase" in found else ", from none"
    return f"{found['london']:+,}{share}"


def _ranging(found: Mapping[str, Any], say: Callable[[float], str]) -> str:
    return f" ({say(found['lowest'])} to {say(found['highest'])})" if "lowest" in found else ""
