"""What a stage can take of what came, and what is set aside. Nothing in here is written or committed.

A topic without a record is taken as it comes: its bytes are decoded by nobody, and nothing of it is set aside.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import structlog

from ringfence.dead_letters import Rejected
from ringfence.errors import BrokerError, ModelError
from ringfence.kafka_io import Delivery, Place
from ringfence.stage import Batch, Handled, Stage, UnreadableError, reject
from schemas.codec import Codecs, UndecodableError
from schemas.topics import Topic

NOBODYS = (BrokerError, ModelError, MemoryError)  # errors for which no record is at fault

Gathered = Mapping[Place, list[Delivery]]
Stepped = Mapping[Place, tuple[int, int]]  # from, up to but not including
Decoders = Mapping[str, Callable[[Any], Any]]
Mark = Callable[[str, int], str]


def decoders_of(topics: Iterable[Topic], codecs: Codecs) -> Decoders:
    """What makes a record of the bytes, by the topic's name."""
    return {topic.name: codecs(topic).decode if topic.record else _as_it_came for topic in topics}


def decoded(decoders: Decoders, gathered: Gathered, mark: Mark) -> tuple[list[Batch], list[Rejected]]:
    """The records of each partition, and what no record can be made of. RegistryError."""
    batches, rejected = [], []
    for (topic, partition), deliveries in gathered.items():
        decode = decoders[topic]
        try:
            records = [decode(delivery.value) for delivery in deliveries]
        except UndecodableError:
            records, deliveries, bad = _sift(decode, deliveries)
            rejected += bad
        if records:
            batches.append(Batch(topic, partition, records, deliveries, mark(topic, partition)))
    return batches, rejected


def stepped_over(decoders: Decoders, stepped: Stepped) -> list[Rejected]:
    """A dead letter for each stretch that the client could not parse. It holds the place, and no bytes."""
    return [
        Rejected(place.topic, place.partition, first, None, None, (),
                 UnreadableError(f"offsets {first} to {end - 1} cannot be parsed"))
        for place, (first, end) in stepped.items()
        if decoders[place.topic] is not _as_it_came
    ]  # fmt: skip


def blank(decoders: Decoders, stepped: Stepped, mark: Mark) -> list[Batch]:
    """The same stretch of a topic that is taken as it came: as many empty records as it can have held."""
    return [
        Batch(place.topic, place.partition, [None] * (end - first), [], mark(*place))
        for place, (first, end) in stepped.items()
        if decoders[place.topic] is _as_it_came
    ]


def handled_by(stage: Stage, decoders: Decoders, batches: Sequence[Batch], now: int) -> Handled:
    """What the stage makes of the batches; if that fails, the records that make it fail are found and set aside."""
    try:
        return stage.handle(batches, now) if batches else Handled()
    except NOBODYS:
        raise
    except Exception as error:  # noqa: BLE001 - one bad record must not stop the stage
        log = structlog.get_logger(stage=str(stage.user))
        log.warning("a record could not be handled", error=type(error).__name__)
    rejected: list[Rejected] = []
    # A record that is taken as it came cannot fail: nobody looks into it.
    sound = [b if decoders[b.topic] is _as_it_came else _probed(stage, b, now, rejected) for b in batches]
    handled = stage.handle([batch for batch in sound if batch.records], now)
    handled.rejected.extend(rejected)
    return handled


def _probed(stage: Stage, batch: Batch, now: int, rejected: list[Rejected]) -> Batch:
    """The batch without the records that fail on their own. ``handle`` has no effects: nothing is written."""
    records, deliveries = [], []
    for record, delivery in zip(batch.records, batch.deliveries, strict=True):
        try:
            stage.handle([Batch(batch.topic, batch.partition, [record], [delivery], batch.mark)], now)
        except NOBODYS:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the record goes to the dead letters
            rejected.append(reject(delivery, error))
        else:
            records.append(record)
            deliveries.append(delivery)
    return Batch(batch.topic, batch.partition, records, deliveries, batch.mark)


def _sift(decode: Any, deliveries: list[Delivery]) -> tuple[list[Any], list[Delivery], list[Rejected]]:
    """Separates what decodes from what does not."""
    records, sound, bad = [], [], []
    for delivery in deliveries:
        try:
            records.append(decode(delivery.value))
            sound.append(delivery)
        except UndecodableError as error:
            bad.append(reject(delivery, error))
    return records, sound, bad


def _as_it_came(value: Any) -> Any:
    """What stands in for a decoder where a stage only counts."""
    return value
