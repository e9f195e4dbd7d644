"""The orders in force: a fold over governance.orders. Pure."""

from msgspec import Struct

from ringfence.errors import RecordError
from schemas.records import Order, OrderKind

ALL = "all"
MAX_WORDS = 2_000


class OrderRefusedError(RecordError):
    """An order that must not be obeyed."""


class Standing(Struct, frozen=True):
    """What is ordered now. ``offset`` is the next offset of governance.orders to be read."""

    suspended: bool = False
    offset: int = 0

    def canonical(self) -> bytes:
        """Stable bytes of what is in force, for the register digest."""
        return b"suspended" if self.suspended else b"open"


def obey(order: Order, offset: int) -> Standing:
    """The standing after an order read at an offset. OrderRefusedError if it is not one we know."""
    if order.scope != ALL:
        raise OrderRefusedError(f"unknown scope of an order: only {ALL!r} is known")
    return Standing(suspended=order.kind is OrderKind.SUSPEND, offset=offset + 1)


def key(order: Order) -> bytes:
    """Key in the compacted topic: suspension and resumption of one scope replace each other."""
    return f"suspension/{order.scope}".encode()
