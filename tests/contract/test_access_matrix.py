"""The matrix of rights: what the table allows is what the broker grants, and a difference is found, either way."""

import json
import time
from contextlib import closing
from threading import Event, Thread

from ringfence import access, kafka_admin
from ringfence.access import connection_of
from ringfence.kafka_io import producer
from ringfence.matrix import asked
from ringfence.rights import QUOTAS, Grant, Kind, Operation, grants
from schemas.topics import FRAMES, POLICE, READS, TOPICS, User
from tests.contract.commands import run
from tests.contract.conftest import HOME


def differing(broker):
    return {(c.user, c.topic, c.operation.value, c.granted) for c in asked(broker.settings) if c.allowed != c.granted}


def test_every_right_is_tried_and_the_broker_answers_as_the_table_has_it(broker):
    cells = asked(broker.settings)
    assert len(cells) == len(User) * len(TOPICS) * len(Operation)
    assert differing(broker) == set()
    granted = {(c.user, c.topic, c.operation) for c in cells if c.granted}
    assert (User.POLICE, POLICE.name, Operation.READ) in granted
    assert not {c.topic for c in cells if c.user == User.POLICE and c.operation is Operation.READ and c.granted} - {
        "police", "police.images",
    }  # fmt: skip
    assert Operation.DELETE not in {operation for *_, operation in granted}


def test_trying_writes_nothing(broker):
    before = {topic.name: len(broker.all(User.OVERSIGHT, topic)) for topic in TOPICS}
    asked(broker.settings)
    assert {topic.name: len(broker.all(User.OVERSIGHT, topic)) for topic in TOPICS} == before


def test_a_right_too_many_and_one_too_few_are_found_and_the_command_says_so(broker):
    stray = Grant("police", Kind.TOPIC, READS.name, "READ")
    lacking = Grant("police", Kind.TOPIC, POLICE.name, "READ")
    with kafka_admin.session(broker.kafka.admin) as client:
        kafka_admin.match_rights(client, [stray, *(g for g in grants() if g != lacking)])
    try:
        # To read is to describe.
        assert differing(broker) == {
            ("police", READS.name, "READ", True), ("police", READS.name, "DESCRIBE", True),
            ("police", POLICE.name, "READ", False),
        }  # fmt: skip
        command = ("access", "matrix", "--bootstrap", broker.kafka.bootstrap, "--home", HOME.resolve())
        code, out, _ = run(*command)
        assert code == 1
        assert "police READ anpr.reads: the broker grants it, and the table does not" in out
        assert "police READ police: the broker refuses it, and the table grants it" in out
        code, out, _ = run(*command, "--json")
        assert (code, len(json.loads(out))) == (1, len(User) * len(TOPICS) * len(Operation))
    finally:
        access.apply(broker.kafka.admin, HOME)
    assert differing(broker) == set()


def test_one_mad_camera_is_held_back_and_the_others_are_not(broker):
    """Each camera process has a client id of its own. The mad one sends whatever the broker takes, for four seconds."""
    stop, taken = Event(), []

    def client(member):
        settings = broker.settings.model_copy(update={"member": member})
        return connection_of(User.CAMERAS, settings)

    def rage():
        # Many requests at once: what holds it back is the broker and not its own waiting.
        with closing(producer(client("mad"), acks=1, enable_idempotence=False, linger_ms=0)) as sender:
            waiting = []
            while not stop.is_set():
                waiting.append(sender.send(FRAMES.name, value=bytes(400_000), partition=0))
                if len(waiting) >= 40:
                    waiting.pop(0).get(timeout=60)
                    taken.append(400_000)

    thread = Thread(target=rage, daemon=True)
    began = time.monotonic()
    thread.start()
    slowest = 0.0
    with closing(producer(client("sound"))) as sender:
        while time.monotonic() - began < 12:
            sent = time.monotonic()
            sender.send(FRAMES.name, value=bytes(20_000), partition=1).get(timeout=30)
            slowest = max(slowest, time.monotonic() - sent)
            time.sleep(0.1)
    took = time.monotonic() - began
    stop.set()
    thread.join(60)
    rate = sum(taken) / took
    print(f"the mad camera: {rate / 1e6:.1f} MB/s; the slowest send of the sound one: {slowest * 1000:.0f} ms")
    # Kafka averages over eleven seconds, and lets a burst through first.
    assert rate < 2 * QUOTAS[User.CAMERAS]
    assert slowest < took / 2, "the sound one is not held back with it"
