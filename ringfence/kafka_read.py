"""Reading a topic to its end, past what the client cannot parse, and how far behind a group is. No group joined."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from ringfence.errors import BrokerError
from ringfence.kafka_io import (
    PREFLIGHT_SECONDS,
    Connection,
    CorruptRecordError,
    Delivery,
    KafkaError,
    KafkaTimeoutError,
    Place,
    UnsupportedCodecError,
    check,
    consumer,
    translate,
    translated,
)


def unreadable(error: Exception) -> bool:
    """Whether a poll failed because the client cannot parse a record: the broker is well, and trying again is vain."""
    broken = (CorruptRecordError, UnsupportedCodecError)
    return isinstance(error, broken) or not isinstance(error, KafkaError)


def next_readable(connection: Connection, place: Place, start: int) -> int:
    """The first offset from ``start`` at which the client can parse what is there; the end if there is none.

    A bad record spoils its batch: every offset up to the end of the batch fails. So the end is looked for in
    steps that double, then by halves: a few polls, however long the batch. A sound batch between two bad ones
    may be stepped over with them.
    """
    with closing(consumer(connection, max_records=1)) as asker:
        asker.assign([place])
        end: int = asker.end_offsets([place])[place]
        if start >= end or _parses(asker, place, start):
            return start
        bad, step = start, 1
        while bad + step < end and not _parses(asker, place, bad + step):
            bad, step = bad + step, step * 2
        good = min(bad + step, end)
        while good - bad > 1:
            middle = (bad + good) // 2
            bad, good = (bad, middle) if _parses(asker, place, middle) else (middle, good)
        return good


def _parses(asker: Any, place: Place, offset: int) -> bool:
    asker.seek(place, offset)
    deadline = time.monotonic() + PREFLIGHT_SECONDS
    while asker.position(place) == offset:
        try:
            asker.poll(timeout_ms=200)
        except Exception as error:
            if not unreadable(error):
                raise
            return False
        if time.monotonic() > deadline:
            raise KafkaTimeoutError(f"nothing came from {place.topic}[{place.partition}]")
    return True


def lag(connection: Connection, group: str, topics: Sequence[str]) -> dict[Place, int]:
    """Records that a group has still to handle, by partition: end offset less committed offset.

    The marker that ends a transaction takes an offset too, so a stage that has handled everything may be
    shown one behind until it commits its position: see Input.settle().
    """
    with closing(consumer(connection, group)) as asker:
        places = [Place(topic, p) for topic in topics for p in asker.partitions_for_topic(topic) or ()]
        ends = asker.end_offsets(places)
        return {place: max(0, end - (asker.committed(place) or 0)) for place, end in ends.items()}


def ends(connection: Connection, topics: Sequence[str]) -> dict[Place, int]:
    """Where each partition of these topics ends now."""
    check(connection, read=topics)
    with translated(), closing(consumer(connection)) as asker:
        found: dict[Place, int] = asker.end_offsets(
            [Place(topic, p) for topic in topics for p in asker.partitions_for_topic(topic) or ()]
        )
        return found


def _set_to_begin(reader: Any, topics: Sequence[str], since: Mapping[Place, int]) -> dict[Place, int]:
    """Puts the reader to where it shall begin; the ends as they are now."""
    places = [Place(topic, p) for topic in topics for p in sorted(reader.partitions_for_topic(topic) or ())]
    if not places:
        return {}
    reader.assign(places)
    until: dict[Place, int] = reader.end_offsets(places)
    reader.seek_to_beginning(*places)
    for place, offset in since.items():
        reader.seek(place, offset)
    return until


def read_all(
    connection: Connection,
    topics: Sequence[str],
    seconds: float = 30.0,
    *,
    since: Mapping[Place, int] | None = None,
) -> Iterator[Delivery]:
    """Every committed record on these topics, from the beginning to the ends as they are now; no group.

    ``since`` gives offsets to begin at instead. BrokerError if nothing more comes for ``seconds``.
    """
    check(connection, read=topics)
    with closing(consumer(connection)) as reader:
        with translated():
            until = _set_to_begin(reader, topics, since or {})
        if not until:
            return
        deadline = time.monotonic() + seconds
        while any(reader.position(place) < end for place, end in until.items()):
            try:
                found = reader.poll(timeout_ms=200)
            except Exception as error:
                if unreadable(error):
                    raise BrokerError(
                        f"{', '.join(topics)}: a record cannot be parsed ({type(error).__name__})"
                    ) from None
                raise translate(error) from error
            for deliveries in found.values():
                yield from deliveries
            if found:
                deadline = time.monotonic() + seconds
            elif time.monotonic() > deadline:
                raise BrokerError(f"{', '.join(topics)}: nothing came for {seconds:.0f} s before the end was read")
