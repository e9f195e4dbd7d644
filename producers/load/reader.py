"""The reader, a process of its own: reads `police` as the police may, and times each record of this run."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from multiprocessing.connection import Connection as Pipe
from multiprocessing.synchronize import Event
from typing import Any

from msgspec import Struct

from producers.load.books import Tally, count, new
from producers.load.latency import Latencies
from producers.load.workers import Ready
from ringfence import access
from ringfence.clock import SECOND, Clock
from ringfence.errors import BrokerError
from ringfence.kafka_io import Connection, Delivery, KafkaError, Place, consumer, translate
from ringfence.kafka_read import ends
from ringfence.registry import codecs_of
from ringfence.settings import Settings
from schemas.codec import UndecodableError
from schemas.records import PoliceRead
from schemas.topics import POLICE, User

POLL_MS = 100
TELL_EVERY = SECOND
CATCH_UP = 30 * SECOND


class Ear(Struct, frozen=True):
    """What to listen for: the events with the sequences from ``base`` on."""

    settings: Settings
    clock: Clock
    base: int
    events: int


class Heard(Struct, frozen=True):
    """How many records have come so far, and the percentiles (s) of those that came since the last time."""

    received: int
    recent: dict[str, float | None]


class Account(Struct, frozen=True):
    """At the end: how often each event was received, and the latencies (s)."""

    tally: bytes
    total: dict[str, float | None]
    by_second: dict[int, dict[str, Any]]


def listen(ear: Ear, pipe: Pipe, stop: Event) -> None:
    """The process: reads until ``stop``, then up to the end of the topic; tells Ready, Heard and an Account.

    It is told when the run begins (µs) once it stands at the end of the topic: what comes then, it will see.
    """
    tally, latencies = new(ear.events), Latencies()
    connection = access.connection_of(User.POLICE, ear.settings)
    decode = codecs_of(ear.settings)(POLICE).decode
    with closing(consumer(connection)) as source:
        start = ends(connection, [POLICE.name])
        source.assign(list(start))
        for place, offset in start.items():
            source.seek(place, offset)
        pipe.send(Ready())
        begin: int = pipe.recv()
        tell, received = ear.clock.now() + TELL_EVERY, 0
        for deliveries in _deliveries(connection, ear.clock, source, stop):
            now = ear.clock.now()
            received += note(ear, begin, list(_decoded(deliveries, decode)), now, tally, latencies)
            if now >= tell:
                tell = now + TELL_EVERY
                pipe.send(Heard(received, latencies.since_last()))
    pipe.send(Account(tally.tobytes(), latencies.total(), latencies.by_second()))


def note(ear: Ear, begin: int, reads: Sequence[PoliceRead], now: int, tally: Tally, latencies: Latencies) -> int:
    """Counts and times the records of this run, in hand ``now`` (µs); how many there were."""
    numbers = []
    for read in reads:
        number = read.sequence - ear.base
        if 0 <= number < ear.events:
            numbers.append(number)
            latencies.add((read.captured_at - begin) // SECOND, now - read.captured_at)
    count(tally, numbers)
    return len(numbers)


def _decoded(deliveries: Sequence[Delivery], decode: Callable[[bytes | None], PoliceRead]) -> Iterator[PoliceRead]:
    for delivery in deliveries:
        with suppress(UndecodableError):  # the police console sets it aside
            yield decode(delivery.value)


def _deliveries(connection: Connection, clock: Clock, source: Any, stop: Event) -> Iterator[list[Delivery]]:
    """What comes, poll by poll, until ``stop``, and then what was there by then."""
    until: dict[Place, int] = {}
    deadline = 0
    try:
        while not until or any(source.position(place) < end for place, end in until.items()):
            if stop.is_set() and not until:
                until, deadline = ends(connection, [POLICE.name]), clock.now() + CATCH_UP
            yield [delivery for found in source.poll(timeout_ms=POLL_MS).values() for delivery in found]
            if until and clock.now() > deadline:
                raise BrokerError("the reader could not read the police topic to its end")
    except KafkaError as error:
        raise translate(error) from error
