"""The register: facts come from the estate and from orders, never from the message (the PIP)."""

import hashlib
import math
from collections.abc import Mapping
from itertools import pairwise

from msgspec import Struct

from ringfence.errors import PolicyError
from ringfence.estate import Camera, Estate
from ringfence.policy.facts import CAMERA_PLACES, Zone
from ringfence.policy.orders import Standing


class Span(Struct, frozen=True):
    """Each camera's place in the decision table, from ``lo`` (µs) up to, not including, ``hi``."""

    lo: float
    hi: float
    places: Mapping[int, int]


class Register(Struct, frozen=True):
    """What the gate knows: where every camera stands at any time, the orders in force, a digest of both."""

    spans: tuple[Span, ...]
    estate_digest: bytes
    standing: Standing
    digest: bytes

    def span(self, at: int) -> Span:
        """The span that covers a moment (µs)."""
        return next(span for span in self.spans if span.lo <= at < span.hi)


def register(estate: Estate, standing: Standing) -> Register:
    """The register of an estate. PolicyError if a camera stands in a zone that no rule can name."""
    moments = {t.activated_at for t in estate.tranches.values() if t.activated_at is not None}
    edges = [-math.inf, *sorted(moments), math.inf]
    spans = tuple(Span(lo, hi, _places(estate, lo)) for lo, hi in pairwise(edges))
    return Register(spans, estate.digest, standing, _digest(estate.digest, standing))


def under(known: Register, standing: Standing) -> Register:
    """The same cameras under other orders."""
    return Register(known.spans, known.estate_digest, standing, _digest(known.estate_digest, standing))


def _digest(estate_digest: bytes, standing: Standing) -> bytes:
    return hashlib.sha256(estate_digest + standing.canonical()).digest()


def _places(estate: Estate, at: float) -> dict[int, int]:
    return {camera.id: _place(estate, camera, at) for camera in estate.cameras.values()}


def _place(estate: Estate, camera: Camera, at: float) -> int:
    try:
        return CAMERA_PLACES[Zone(camera.zone), estate.activation(camera.id, at)]
    except ValueError:
        raise PolicyError(f"camera {camera.id}: zone {camera.zone!r} is not one that a rule can name") from None
