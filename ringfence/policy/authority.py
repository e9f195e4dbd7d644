"""Who may order what, and whether an order is what it claims to be. Pure."""

import hashlib
from collections.abc import Mapping
from enum import StrEnum

from msgspec.structs import replace

from ringfence.errors import PolicyError, RecordError
from ringfence.policy.orders import Force, Head, obey
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
    OrderKind.AUTHORISE: {Office.POLICE, Office.GOVERNOR},
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
# Offices of which an order that is not there may have closed something.
CLOSERS = frozenset[Office]().union(*(MAY[kind] for kind in MAY if kind not in OPENING | {OrderKind.OBJECT}))
# Who prepares a bundle and signs it. Another office enacts it: no one alone can change the law in force.
DRAFTER = Office.CONTROLLER

Trust = Mapping[str, str]  # office -> public key


class ForgedOrderError(RecordError):
    """The signature is missing, or not that of the office which the order names."""


class ReplayedOrderError(RecordError):
    """An order of this office with this number was there before."""


class OutOfSequenceError(RecordError):
    """An order skips a number, of an office that can close nothing: what is in force is known all the same."""


class NoPowerError(RecordError):
    """The office may not give such an order."""


class ExpiredOrderError(RecordError):
    """The order came after its own date, or nobody can say when."""


class MissingOrderError(RecordError):
    """A signed order comes after one that is not there: what is in force cannot be known, so nothing is disclosed."""


def admit(
    force: Force, order: Order, trust: Trust, taken_at: int | None
) -> tuple[Force, RecordError | PolicyError | None]:
    """What is in force after an order, and why it was refused, if it was.

    A forged or replayed order, or one that its office may not give, leaves no trace. One that skips a number shuts
    the gate until that office has given every number up to it. Any other uses up its number.
    """
    try:
        verify(order, trust, force, taken_at)
    except (ForgedOrderError, ReplayedOrderError, NoPowerError, OutOfSequenceError) as error:
        return force, error
    except MissingOrderError as error:
        return owing(force, {order.office: Head(order.sequence, "")}), error
    except RecordError as error:
        return _counted(force, order), error
    try:
        return _counted(obey(force, order, taken_at or 0, signers(trust)), order), None
    except (RecordError, PolicyError) as error:
        return _counted(force, order), error


def owing(force: Force, heads: Mapping[str, Head]) -> Force:
    """Shut until these offices have come to these orders, as far as they have not."""
    due = dict(force.due)
    for office, head in heads.items():
        due[office] = max(due.get(office, head), head, key=lambda one: one.number)
    return replace(force, due={office: head for office, head in due.items() if force.last(office) < head.number})


def _counted(force: Force, order: Order) -> Force:
    head = Head(order.sequence, key_of(order).decode())
    return owing(replace(force, heads={**force.heads, order.office: head}), {})


def signers(trust: Trust) -> list[str]:
    """The public keys that may sign bundles."""
    return [trust[DRAFTER]] if DRAFTER in trust else []


def sign(order: Order, signer: Signer) -> Order:
    """The order with the signature of its office."""
    return replace(order, signature=signer.sign(_signed_bytes(order)))


def verify(order: Order, trust: Trust, force: Force, taken_at: int | None) -> None:
    """Raises unless the order is genuine, is the next one of its office, and came in time.

    ``taken_at`` is when the broker took it, in µs on the pipeline's clock; None if the broker did not say.
    Each fault is a RecordError of its own: MissingOrderError, if an order is not there that may have closed something.
    """
    if not is_genuine(order, trust):
        raise ForgedOrderError("no signature of the office that it names")
    last, due = force.last(order.office), force.due.get(order.office)
    if not _may(order):
        raise NoPowerError(f"{order.office} may not {order.kind.lower()} {order.subject.partition('/')[0]}")
    if order.sequence <= last:
        raise ReplayedOrderError(f"number {order.sequence} comes after number {last}")
    if order.sequence > last + 1 and order.office in CLOSERS:
        raise MissingOrderError(f"order {last + 1} of the {order.office} is missing: give it again, and then this one")
    if order.sequence > last + 1:
        raise OutOfSequenceError(f"number {order.sequence} comes after number {last}")
    if due and order.sequence == due.number and due.key not in ("", key_of(order).decode()):
        raise MissingOrderError(f"number {order.sequence} was another order, which is missing: send that one again")
    if order.kind in OPENING and (taken_at is None or (order.expires_at is not None and taken_at >= order.expires_at)):
        raise ExpiredOrderError("it came after its own date, or the broker did not date it")


def _may(order: Order) -> bool:
    """Whether its office may give it. The police may ask for a vehicle or a camera; for a zone, only the governor."""
    zone = order.kind is OrderKind.AUTHORISE and order.subject.startswith("zone/")
    return order.office in (MAY[order.kind] - {Office.POLICE} if zone else MAY[order.kind])


def is_genuine(order: Order, trust: Trust) -> bool:
    """Whether the office that it names signed it."""
    public = trust.get(order.office)
    return public is not None and is_signed(_signed_bytes(order), order.signature, public)


def key_of(order: Order) -> bytes:
    """The key in the topic: its own for each order, so that even compaction would remove none."""
    return hashlib.sha256(codec(Order).encode(order)).hexdigest().encode()


def _signed_bytes(order: Order) -> bytes:
    return codec(Order).encode(replace(order, signature=b""))
