"""The register: facts come from the estate and from orders, never from the message (the PIP). Pure."""

import hashlib
import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from ringfence.errors import PolicyError
from ringfence.estate import Camera, Estate
from ringfence.policy.facts import Activation, Authorisation, Purpose, Zone
from ringfence.policy.orders import Force, Warrant
from ringfence.policy.table import MARKS, PLACES, stronger

FORM = "form/"
VRM = "vrm/"
# µs; what was captured while an authorisation lasted may be decided so much later, and no more.
GRACE = 300_000_000


class Span(Struct, frozen=True):
    """What is known of the cameras from ``lo`` (µs) up to, not including, ``hi``.

    ``places``: each camera's place in the table, ``elsewhere`` that of a camera that is not in the register.
    """

    lo: float
    hi: float
    places: Mapping[int, int]
    elsewhere: int


class Register(Struct, frozen=True):
    """What the gate knows: cameras and vehicles at any time, what is in force, a digest of both.

    ``edges``: the moments of capture (µs) at which something changes for a camera; ``ends``: those of decision.
    ``made`` keeps the spans that were worked out already: an order may come at any time, and most spans never matter.
    """

    estate: Estate
    force: Force
    purpose: Purpose
    halted: frozenset[str]
    digest: bytes
    edges: tuple[int, ...]
    ends: tuple[int, ...]
    areas: tuple[Warrant, ...]
    vehicles: Mapping[str, tuple[Warrant, ...]]
    made: dict[tuple[int, int], Span] = field(default_factory=dict)

    def span(self, at: int, now: int) -> Span:
        """The span that covers a moment of capture, for what is decided at ``now``. Both in µs."""
        key = bisect_right(self.edges, at), bisect_right(self.ends, now)
        if key not in self.made:
            self.made[key] = _span(self, key[0], now)
        return self.made[key]

    def mark(self, vrm: str, at: int, now: int) -> int:
        """The mark in the table of a vehicle captured at ``at`` and decided at ``now``. Both in µs."""
        return MARKS[vrm in self.force.hotlist, _strongest(self.vehicles.get(vrm, ()), at, now)]


def register(estate: Estate, force: Force, purpose: Purpose = Purpose.CRIME) -> Register:
    """The register of an estate. PolicyError if a camera stands in a zone that no rule can name.

    Only the authorisations for this purpose count.
    """
    warrants = [one for one in force.warrants.values() if one.purpose is purpose]
    areas = tuple(one for one in warrants if not one.subject.startswith(VRM))
    turns = {at for orders in force.activated.values() for at, _ in orders}
    made = Register(
        estate=estate,
        force=force,
        purpose=purpose,
        halted=frozenset(scope.removeprefix(FORM) for scope in force.suspended if scope.startswith(FORM)),
        digest=hashlib.sha256(estate.digest + force.canonical()).digest(),
        edges=tuple(sorted(turns | {at for one in areas for at in (one.lo, one.hi)})),
        ends=tuple(sorted(one.hi + GRACE for one in areas)),
        areas=areas,
        vehicles=_by_vehicle(one for one in warrants if one.subject.startswith(VRM)),
    )
    made.span(0, 0)  # a register that cannot be used is refused now
    return made


def under(known: Register, force: Force) -> Register:
    """The same cameras under other orders."""
    return register(known.estate, force, known.purpose)


def _by_vehicle(warrants: Iterable[Warrant]) -> dict[str, tuple[Warrant, ...]]:
    found: dict[str, tuple[Warrant, ...]] = {}
    for one in warrants:
        vrm = one.subject.removeprefix(VRM)
        found[vrm] = (*found.get(vrm, ()), one)
    return found


def _strongest(warrants: Iterable[Warrant], at: float, now: int) -> Authorisation:
    """What these authorisations are worth for what was captured at ``at`` and is decided at ``now``."""
    worth = Authorisation.NONE
    for one in warrants:
        lasts = one.lo <= at < one.hi and now < one.hi + GRACE
        worth = stronger(worth, Authorisation.IN_FORCE if lasts else Authorisation.LAPSED)
    return worth


def _span(known: Register, index: int, now: int) -> Span:
    edges: tuple[float, ...] = (-math.inf, *known.edges, math.inf)
    lo, hi = edges[index], edges[index + 1]
    places = {camera.id: _place(known, camera, lo, now) for camera in known.estate.cameras.values()}
    elsewhere = PLACES[Zone.UNKNOWN, Activation.NOT_REQUIRED, known.force.shut, Authorisation.NONE]
    return Span(lo, hi, places, elsewhere)


def _place(known: Register, camera: Camera, at: float, now: int) -> int:
    names = (f"zone/{camera.zone}", f"camera/{camera.id}")
    suspended = known.force.shut or not known.force.suspended.isdisjoint(names)
    local = _strongest((one for one in known.areas if one.subject in names), at, now)
    try:
        return PLACES[Zone(camera.zone), _activation(known, camera, at), suspended, local]
    except ValueError:
        raise PolicyError(f"camera {camera.id}: zone {camera.zone!r} is not one that a rule can name") from None


def _activation(known: Register, camera: Camera, at: float) -> Activation:
    """As the register says, unless an order that holds at that moment says otherwise."""
    given = known.estate.activation(camera.id)
    if given is Activation.NOT_REQUIRED:
        return given
    ordered = [active for since, active in known.force.activated.get(camera.tranche, ()) if since <= at]
    return Activation.ACTIVATED if ordered and ordered[-1] else Activation.PENDING
