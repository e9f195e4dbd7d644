"""The register: facts come from the estate and from orders, never from the message (the PIP). Pure."""

import hashlib
import math
from collections.abc import Iterable, Mapping
from itertools import pairwise

from msgspec import Struct

from ringfence.errors import PolicyError
from ringfence.estate import Camera, Estate
from ringfence.policy.facts import Activation, Authorisation, Purpose, Zone
from ringfence.policy.orders import ALL, Force, Warrant
from ringfence.policy.table import MARKS, PLACES, stronger

FORM = "form/"
VRM = "vrm/"
NO_MARK = MARKS[False, Authorisation.NONE]
HOTLISTED = MARKS[True, Authorisation.NONE]  # added to the mark that the authorisation gives


class Span(Struct, frozen=True):
    """What is known of cameras and vehicles from ``lo`` (µs) up to, not including, ``hi``.

    ``places``: each camera's place in the table, ``elsewhere`` that of a camera that is not in the register.
    ``marks``: the mark of each vehicle that an authorisation names.
    """

    lo: float
    hi: float
    places: Mapping[int, int]
    elsewhere: int
    marks: Mapping[str, int]


class Register(Struct, frozen=True):
    """What the gate knows: cameras and vehicles at any time, what is in force, a digest of both."""

    spans: tuple[Span, ...]
    estate: Estate
    force: Force
    purpose: Purpose
    halted: frozenset[str]
    digest: bytes

    def span(self, at: int) -> Span:
        """The span that covers a moment (µs)."""
        return next(span for span in self.spans if span.lo <= at < span.hi)


def register(estate: Estate, force: Force, purpose: Purpose = Purpose.CRIME) -> Register:
    """The register of an estate. PolicyError if a camera stands in a zone that no rule can name.

    Only the authorisations for this purpose count.
    """
    warrants = [one for one in force.warrants.values() if one.purpose is purpose]
    moments = {t.activated_at for t in estate.tranches.values() if t.activated_at is not None}
    moments |= {at for orders in force.activated.values() for at, _ in orders}
    moments |= {at for one in warrants for at in (one.lo, one.hi)}
    edges = [-math.inf, *sorted(moments), math.inf]
    spans = tuple(_span(estate, force, warrants, lo, hi) for lo, hi in pairwise(edges))
    halted = frozenset(scope.removeprefix(FORM) for scope in force.suspended if scope.startswith(FORM))
    digest = hashlib.sha256(estate.digest + force.canonical()).digest()
    return Register(spans, estate, force, purpose, halted, digest)


def under(known: Register, force: Force) -> Register:
    """The same cameras under other orders."""
    return register(known.estate, force, known.purpose)


def _span(estate: Estate, force: Force, warrants: Iterable[Warrant], lo: float, hi: float) -> Span:
    worth: dict[str, Authorisation] = {}
    for one in warrants:
        now = Authorisation.IN_FORCE if one.lo <= lo < one.hi else Authorisation.LAPSED
        worth[one.subject] = stronger(worth.get(one.subject, Authorisation.NONE), now)
    marks = {s.removeprefix(VRM): MARKS[False, value] for s, value in worth.items() if s.startswith(VRM)}
    places = {camera.id: _place(estate, force, worth, camera, lo) for camera in estate.cameras.values()}
    elsewhere = PLACES[Zone.UNKNOWN, Activation.NOT_REQUIRED, ALL in force.suspended, Authorisation.NONE]
    return Span(lo, hi, places, elsewhere, marks)


def _place(estate: Estate, force: Force, worth: Mapping[str, Authorisation], camera: Camera, at: float) -> int:
    names = (f"zone/{camera.zone}", f"camera/{camera.id}")
    suspended = not force.suspended.isdisjoint((ALL, *names))
    local = stronger(*(worth.get(name, Authorisation.NONE) for name in names))
    try:
        return PLACES[Zone(camera.zone), _activation(estate, force, camera, at), suspended, local]
    except ValueError:
        raise PolicyError(f"camera {camera.id}: zone {camera.zone!r} is not one that a rule can name") from None


def _activation(estate: Estate, force: Force, camera: Camera, at: float) -> Activation:
    """As the register says, unless an order that holds at that moment says otherwise."""
    given = estate.activation(camera.id, at)
    if given is Activation.NOT_REQUIRED:
        return given
    ordered = [active for since, active in force.activated.get(camera.tranche, ()) if since <= at]
    return given if not ordered else Activation.ACTIVATED if ordered[-1] else Activation.PENDING
