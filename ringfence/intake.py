"""One record of governance.orders: what it is, and what it makes of what is in force. No effects."""

from msgspec import Struct
from msgspec.structs import replace

from ringfence.clock import Clock
from ringfence.errors import PolicyError, RecordError
from ringfence.kafka_io import Delivery, taken_at
from ringfence.policy.authority import Trust, admit, key_of
from ringfence.policy.orders import Force
from schemas.codec import UndecodableError, codec
from schemas.records import Order


class TombstoneError(RecordError):
    """An order is lifted by another order, never by its deletion."""


class WrongKeyError(RecordError):
    """An order lies under a key that is not its own: compaction could take it away."""


class Given(Struct, frozen=True):
    """An order as it lies on the topic, and what came of it: the error that it was refused with, or None."""

    delivery: Delivery
    order: Order | None
    refused: RecordError | PolicyError | UndecodableError | None


def take(force: Force, delivery: Delivery, trust: Trust, clock: Clock) -> tuple[Force, Given]:
    """What is in force after a record, and what came of it. What is no order, or lies wrongly, leaves no trace."""
    after = replace(force, offset=delivery.offset + 1)
    try:
        order = _decoded(delivery)
    except (UndecodableError, RecordError) as error:
        return after, Given(delivery, None, error)
    if delivery.key != key_of(order):
        return after, Given(delivery, order, WrongKeyError("it lies under a key that is not its own"))
    after, refused = admit(after, order, trust, taken_at(delivery, clock))
    return after, Given(delivery, order, refused)


def _decoded(delivery: Delivery) -> Order:
    if delivery.value is None:
        raise TombstoneError("an order cannot be deleted: give another")
    return codec(Order).decode(delivery.value)
