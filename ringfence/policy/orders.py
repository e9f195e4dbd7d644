"""What is ordered: a fold over governance.orders. Pure."""

from collections.abc import Mapping

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ringfence.errors import RecordError
from ringfence.policy.facts import Purpose
from schemas.records import Order, OrderKind

ALL = "all"
MAX_WORDS = 2_000
SCOPES = ("zone/", "camera/", "form/")


class OrderRefusedError(RecordError):
    """An order that must not be obeyed."""


class Warrant(Struct, frozen=True):
    """An authorisation on record: ``subject`` is vrm/…, camera/… or zone/…; what was captured from ``lo`` up to ``hi``.

    Moments in µs since 1970.
    """

    subject: str
    purpose: Purpose
    lo: int
    hi: int


class Force(Struct, frozen=True):
    """What is in force.

    ``suspended``: scopes (all, zone/…, camera/…, form/…). ``activated``: for each tranche, by order, from when on
    (µs) it was activated or no longer was. ``warrants`` by their id. ``hotlist``: reason by VRM. ``on_record``: the
    documents that are. ``offset``: the next offset of governance.orders to be read.
    """

    suspended: frozenset[str] = frozenset()
    activated: Mapping[str, tuple[tuple[int, bool], ...]] = {}
    warrants: Mapping[str, Warrant] = {}
    hotlist: Mapping[str, str] = {}
    on_record: frozenset[str] = frozenset()
    offset: int = 0

    def canonical(self) -> bytes:
        """Stable bytes of what is in force, for the register digest."""
        return msgspec.json.encode(replace(self, offset=0), order="deterministic")


def obey(force: Force, order: Order, offset: int) -> Force:
    """What is in force after an order read at an offset. OrderRefusedError if it is not one we know."""
    scope = order.scope
    if scope != ALL and not scope.startswith(SCOPES):
        raise OrderRefusedError("unknown scope of an order: all, zone/…, camera/… or form/…")
    if order.kind is OrderKind.SUSPEND:
        return replace(force, suspended=force.suspended | {scope}, offset=offset + 1)
    return replace(force, suspended=frozenset() if scope == ALL else force.suspended - {scope}, offset=offset + 1)


def key(order: Order) -> bytes:
    """Key in the compacted topic: suspension and resumption of one scope replace each other."""
    return f"suspension/{order.scope}".encode()
