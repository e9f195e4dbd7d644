"""What each regime makes of a day: by ``decide``, the gate's own decision. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import repeat

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from ringfence.compare.day import Bools, Day
from ringfence.estate import Estate
from ringfence.policy.bundle import Regime
from ringfence.policy.decide import Law, decide
from ringfence.policy.facts import Kind, Purpose
from ringfence.policy.orders import Force
from ringfence.policy.register import Register, register
from ringfence.policy.sealed import Enacted
from ringfence.policy.table import table_of
from schemas.records import Outcome

Indices = NDArray[np.intp]

BOUND = 300_000_000  # µs, as the gate's default
UNACTIVATED = ":none"
PATCH, OVERVIEW = "plate_patch", "overview"


class Seen(Struct, frozen=True):
    """What the police get of a day under one regime, by row of the day, and why not the rest.

    ``text``: the read. ``overview``, ``patch``: the images, where there are any.
    """

    text: Bools
    overview: Bools
    patch: Bools
    forms: Mapping[str, int]
    denied: Mapping[str, int]


class Bench(Struct, frozen=True):
    """One regime at work: its law, and the register, with every tranche ``activated`` or none."""

    regime: Regime
    activated: bool
    law: Law
    register: Register

    @property
    def id(self) -> str:
        """The name that makes it."""
        return self.regime.id + ("" if self.activated else UNACTIVATED)

    @property
    def label(self) -> str:
        """The regime's label, and what is supposed: who is activated, where that matters, and a purpose but crime."""
        purpose = self.register.purpose
        asked = "" if purpose is Purpose.CRIME else f" (for {purpose.replace('_', ' ')})"
        if "activation" not in self.law.table.intervals[0].ruled.reads:  # type: ignore[union-attr] # pinned: always one
            return self.regime.label + asked
        return self.regime.label + (" (all activated)" if self.activated else " (none activated)") + asked


def bench(enacted: Enacted, estate: Estate, name: str, at: int) -> Bench:
    """A regime pinned for all time, asked for the first of its purposes, with every tranche activated at ``at`` (µs).

    A name that ends in UNACTIVATED stands for the regime with no tranche activated.
    """
    name, activated = name.removesuffix(UNACTIVATED), not name.endswith(UNACTIVATED)
    regime = enacted.bundle.regime(name)
    table = table_of(enacted.bundle, enacted.ruled, name)
    force = Force(activated=dict.fromkeys(estate.tranches, ((at, True),)) if activated else {})
    law = Law(table, enacted.bundle.digest, BOUND, name)
    return Bench(regime, activated, law, register(estate, force, regime.purposes[0]))


def judge(day: Day, one: Bench) -> Seen:
    """Every read and every image of a day, decided at its end."""
    cameras, captured = day.camera.tolist(), day.captured.tolist()
    now = int(day.captured.max(initial=0)) + 1
    reads = decide(one.law, one.register, Kind.READ, cameras, captured, captured, day.vrms, now)
    framed = np.flatnonzero(day.framed)
    places, times = day.camera[framed].tolist(), day.captured[framed].tolist()
    images = decide(one.law, one.register, Kind.IMAGE, places, times, times, repeat(""), now)
    forms = Counter(outcome.form for outcome in (*reads, *images) if outcome.form)
    denied = Counter(outcome.reason for outcome in reads if not outcome.form)
    return Seen(
        text=np.fromiter((bool(outcome.form) for outcome in reads), bool, len(reads)),
        overview=_holding(one, images, OVERVIEW, framed, len(day)),
        patch=_holding(one, images, PATCH, framed, len(day)),
        forms=dict(sorted(forms.items())),
        denied=dict(sorted(denied.items())),
    )


def open_cameras(one: Bench, estate: Estate, at: int) -> dict[str, int]:
    """How many cameras of each zone give text at a moment (µs)."""
    cameras = list(estate.cameras)
    moments = [at] * len(cameras)
    outcomes = decide(one.law, one.register, Kind.READ, cameras, moments, moments, repeat(""), at)
    found = Counter(estate.cameras[camera].zone for camera, o in zip(cameras, outcomes, strict=True) if o.form)
    return {zone: found[zone] for zone in estate.zones}


def answers(one: Bench, estate: Estate, at: int) -> dict[int, tuple[Outcome, Outcome]]:
    """The outcome for the read and for the image of every camera at a moment (µs)."""
    cameras = list(estate.cameras)
    moments = [at] * len(cameras)
    read, image = (
        decide(one.law, one.register, kind, cameras, moments, moments, repeat(""), at)
        for kind in (Kind.READ, Kind.IMAGE)
    )
    return {camera: (read[i], image[i]) for i, camera in enumerate(cameras)}


def _holding(one: Bench, images: Sequence[Outcome], field: str, rows: Indices, length: int) -> Bools:
    """The rows whose image the police get with this picture in it."""
    forms = {name for name, form in one.law.table.forms.items() if field in form.fields}
    found = np.zeros(length, bool)
    found[rows] = np.fromiter((outcome.form in forms for outcome in images), bool, len(images))
    return found
