"""One embedded Apache Kafka a module, with topics, users and rights as the table has them."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest
from msgspec import structs

from consumers.enforcement.__main__ import gate as gate_of
from ringfence import access, keys
from ringfence.broker import EmbeddedKafka
from ringfence.clock import SECOND, Clock
from ringfence.governance import give, inaugurate
from ringfence.kafka_io import producer
from ringfence.kafka_read import read_all
from ringfence.loop import Limits, Loop
from ringfence.metrics import Metrics
from ringfence.run import Context
from ringfence.settings import load as load_settings
from schemas.codec import codec
from schemas.records import DecisionBatch, OrderKind, PoliceImage, PoliceRead
from schemas.topics import AUDIT, POLICE, POLICE_IMAGES, User
from tests.unit.made import OPENING

HOME = Path(".ringfence")
LIMITS = Limits(transaction_ms=20, transaction_records=1_000)


class Broker:
    """The broker as a test sees it: write as a user, read as a user, run a gate."""

    def __init__(self, kafka: EmbeddedKafka) -> None:
        self.kafka = kafka
        self.clock = Clock(OPENING - __import__("time").time_ns() // 1_000)
        self.settings = load_settings(home=HOME, bootstrap=kafka.bootstrap, clock_offset=self.clock.offset / SECOND)

    def connection(self, user):
        return access.connection_of(user, self.settings)

    def context(self, user, **settings):
        given = self.settings.model_copy(update=settings)
        return Context(given, self.clock, Metrics(), self.connection(user))

    def send(self, user, topic, values, partition=None, key=b"1"):
        """Writes records (or bytes) and waits for the broker; the camera's number picks the partition."""
        with closing(producer(self.connection(user))) as writer:
            for value in values:
                data = value if value is None or isinstance(value, bytes) else codec(type(value)).encode(value)
                place = partition if partition is not None else getattr(value, "camera", 0) % topic.partitions
                writer.send(topic.name, value=data, key=key, partition=place)
            writer.flush()

    def order(self, kind, subject="all", office="governor", **more):
        return give(self.context(User.GOVERNANCE), office, kind, subject, "a test", "a test", **more)

    def all(self, user, topic):
        return list(read_all(self.connection(user), [topic.name]))

    def police(self):
        return [codec(PoliceRead).decode(d.value) for d in self.all(User.POLICE, POLICE)]

    def police_images(self):
        return [codec(PoliceImage).decode(d.value) for d in self.all(User.POLICE, POLICE_IMAGES)]

    def evidence(self):
        return [codec(DecisionBatch).decode(d.value) for d in self.all(User.OVERSIGHT, AUDIT)]

    def decided(self):
        """(topic, camera, sequence) -> outcome, of every decision in the evidence."""
        return [
            ((batch.topic, camera, sequence), batch.outcomes[i])
            for batch in self.evidence()
            for camera, sequence, i in zip(batch.cameras, batch.sequences, batch.decisions, strict=True)
        ]


class Running:
    """A stage's loop in a thread, with whatever ended it."""

    def __init__(self, stage, connection, clock, metrics, member="0"):
        self.stop, self.error = Event(), None
        self.stage, self.metrics = stage, metrics
        loop = Loop(stage, LIMITS, clock, metrics)

        def run():
            try:
                loop.run(connection, member, self.stop)
            except Exception as error:  # noqa: BLE001 - handed to the test
                self.error = error

        self.thread = Thread(target=run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exception):
        self.stop.set()
        self.thread.join(30)
        assert not self.thread.is_alive()
        if self.error:
            raise self.error


def gate(broker, member="0", clock=None, **settings):
    """A gate on the broker, as `ringfence enforce` makes it; ``clock`` for one that lives at another time."""
    context = broker.context(User.ENFORCEMENT, member=member, **settings)
    context = structs.replace(context, clock=clock or context.clock)
    return Running(gate_of(context), context.connection, context.clock, context.metrics, member)


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    password = access.password(HOME, access.ADMIN)
    with EmbeddedKafka(HOME, password) as kafka:
        access.apply(kafka.admin, HOME)
        keys.ensure(HOME)
        made = Broker(kafka)
        inaugurate(made.context(User.GOVERNANCE))
        yield made


@pytest.fixture
def resumed(broker):
    """Leaves the gate open, whatever the test ordered."""
    yield
    broker.order(OrderKind.RESUME)
