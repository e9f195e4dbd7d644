"""The cameras' sender: it counts what became of records, and says when the broker last took one."""

import sys
from functools import partial
from threading import Thread

import pytest

from producers import sender as module
from producers.sender import Sender
from ringfence.kafka_io import KafkaError
from ringfence.metrics import Metrics
from schemas.topics import FRAMES
from tests.contract.waiting import until


class Future:
    def __init__(self):
        self.taken = self.lost = None

    def add_callback(self, done, *given):
        self.taken = partial(done, *given, None)

    def add_errback(self, lose, *given):
        self.lost = partial(lose, *given, KafkaError("gone"))


class Producer:
    def __init__(self, *given, **options):
        self.sent, self.closed = [], False

    def partitions_for(self, topic):
        pass

    def send(self, topic, **record):
        self.sent.append(Future())
        return self.sent[-1]

    def close(self, timeout):
        self.closed = True
        raise KafkaError("records are on their way")


class Context:
    connection = None

    def __init__(self):
        self.metrics = Metrics()


@pytest.fixture
def sender(monkeypatch):
    monkeypatch.setattr(module, "producer", Producer)
    return Sender(Context())


def send(sender):
    return sender.send(FRAMES.name, 0, b"1", b"12345", ())


def shown(sender, name):
    return sender.metrics.registry.get_sample_value(f"ringfence_{name}")


def test_it_shows_when_the_broker_last_took_a_record(sender):
    assert send(sender)
    assert shown(sender, "acknowledged_timestamp_seconds") == 0
    sender._producer.sent[0].taken()
    assert shown(sender, "acknowledged_timestamp_seconds") > 1_700_000_000


def test_another_producer_takes_the_place_of_one_that_lost_a_record(sender):
    old = sender._producer
    assert send(sender)
    assert send(sender)
    old.sent[0].lost()
    assert not send(sender)
    until(lambda: old.closed)  # though it refuses
    assert send(sender)
    old.sent[1].lost()  # told late, of a producer that is gone
    assert send(sender)
    for future in sender._producer.sent:
        future.taken()
    assert (sender.handed, sender.settled, sender.lost.total()) == (20, 20, 2)


def test_nothing_is_miscounted_while_two_producers_tell(sender):
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        told = [Thread(target=lambda: [sender._lose(None, FRAMES.name, 1, None) for _ in range(20_000)]) for _ in "12"]
        for thread in told:
            thread.start()
        for thread in told:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert (sender.settled, sender.lost.total()) == (40_000, 40_000)
