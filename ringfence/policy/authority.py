"""Who may order what, and whether an order is what it claims to be. Pure."""

import hashlib
from collections.abc import Mapping
from enum import StrEnum

from msgspec.structs import replace

from ringfence.errors import PolicyError, RecordError, RingfenceError
from ringfence.policy.orders import Force, obey
from ringfence.seal import Signer, is_signed
from schemas.codec import codec
from schemas.records import Order, OrderKind


class Office(StrEnum):
    """An office that gives orders, each with a key of its own."""

    GOVERNOR = "governor"  # the Mayor
    CONTROLLER = "controller"  # the owner of the cameras and the data
    POLICE = "police"
    ADVISERS = "advisers"


MAY = {
    OrderKind.SUSPEND: {Office.GOVERNOR, Office.CONTROLLER},
    OrderKind.RESUME: {Office.GOVERNOR, Office.CONTROLLER},
    OrderKind.ACTIVATE: {Office.GOVERNOR},
    OrderKind.DEACTIVATE: {Office.GOVERNOR, Office.CONTROLLER},
    OrderKind.AUTHORISE: {Office.POLICE},
    OrderKind.REVOKE: {Office.POLICE, Office.GOVERNOR, Office.CONTROLLER},
    OrderKind.LIST: {Office.POLICE},
    OrderKind.UNLIST: {Office.POLICE, Office.GOVERNOR, Office.CONTROLLER},
    OrderKind.RECORD: {Office.GOVERNOR},
    OrderKind.OBJECT: {Office.ADVISERS},
    OrderKind.BUNDLE: {Office.GOVERNOR},
}
# What these do is disclose more. Only they can expire: an order that closes something is obeyed however late it comes.
OPENING = frozenset({
    OrderKind.RESUME, OrderKind.ACTIVATE, OrderKind.AUTHORISE, OrderKind.LIST, OrderKind.RECORD, OrderKind.BUNDLE,
})  # fmt: skip
# Who prepares a bundle and signs it. Another office enacts it: no one alone can change the law in force.
DRAFTER = Office.CONTROLLER

Trust = Mapping[str, str]  # office -> public key


class ForgedOrderError(RecordError):
    """The signature is missing, or not that of the office which the order names."""


class ReplayedOrderError(RecordError):
    """An order with this number was there before."""


class NoPowerError(RecordError):
    """The office may not give such an order."""


class ExpiredOrderError(RecordError):
    """The order came after its own date."""


class MissingOrderError(RingfenceError):
    """A signed order comes after one that is not there: what is in force cannot be known."""


def admit(force: Force, order: Order, trust: Trust, taken_at: int) -> tuple[Force, RecordError | PolicyError | None]:
    """What is in force after an order, and why it was refused, if it was. MissingOrderError: see verify().

    A forged or replayed order leaves no trace. A genuine one that must not be obeyed uses up its number.
    """
    try:
        verify(order, trust, force.last, taken_at)
        return obey(force, order, signers(trust)), None
    except (ForgedOrderError, ReplayedOrderError) as error:
        return force, error
    except (RecordError, PolicyError) as error:
        return replace(force, last=order.sequence), error


def signers(trust: Trust) -> list[str]:
    """The public keys that may sign bundles."""
    return [trust[DRAFTER]] if DRAFTER in trust else []


def sign(order: Order, signer: Signer) -> Order:
    """The order with the signature of its office."""
    return replace(order, signature=signer.sign(_signed_bytes(order)))


def verify(order: Order, trust: Trust, last: int, taken_at: int) -> None:
    """Raises unless the order is genuine, is the next one after number ``last``, and came in time.

    ``taken_at`` is when the broker took it, in µs on the pipeline's clock. MissingOrderError if a genuine
    order does not follow the last one; any other is a RecordError, and the order is refused.
    """
    if not is_genuine(order, trust):
        raise ForgedOrderError("no signature of the office that it names")
    if order.sequence <= last:
        raise ReplayedOrderError(f"number {order.sequence} comes after number {last}")
    if order.sequence > last + 1:
        raise MissingOrderError(
            f"order {last + 1} is missing from governance.orders: nothing is disclosed until it is there again,"
            " as it was"
        )
    if order.office not in MAY[order.kind]:
        raise NoPowerError(f"{order.office} may not {order.kind.lower()}")
    if order.expires_at is not None and (order.kind not in OPENING or taken_at >= order.expires_at):
        raise ExpiredOrderError("it came after its own date, or is of a kind that has none")


def is_genuine(order: Order, trust: Trust) -> bool:
    """Whether the office that it names signed it."""
    public = trust.get(order.office)
    return public is not None and is_signed(_signed_bytes(order), order.signature, public)


def key_of(order: Order) -> bytes:
    """The key in the compacted topic: its own for each order, so that compaction removes none."""
    return hashlib.sha256(codec(Order).encode(order)).hexdigest().encode()


def _signed_bytes(order: Order) -> bytes:
    return codec(Order).encode(replace(order, signature=b""))
