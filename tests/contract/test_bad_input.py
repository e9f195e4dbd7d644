"""Hostile records on a real broker: each is dead-lettered or denied, the gate goes on, the accounts close."""

import os
from contextlib import closing

from ringfence import dead_letters
from ringfence.kafka_io import producer
from schemas.codec import codec
from schemas.records import Read
from schemas.topics import BY_NAME, READS, User
from tests.contract.conftest import gate
from tests.contract.waiting import until
from tests.unit.made import read

YEAR = 365 * 86_400_000_000


def test_each_hostile_record_finds_its_place(broker):
    now = broker.clock.now()
    sound = codec(Read).encode(read(1, 1, now))
    unreadable = [None, b"", os.urandom(100), sound[:20], b"\xc3\x01" + b"\0" * 40, sound + b"x"]
    judged = {
        "unknown_camera": read(99_999, 2, now),
        "clock_out_of_bounds": read(1, 3, now - 4 * YEAR),
        "authorised_not_activated": read(1301, 4, now),
    }
    endless = read(1, 5, now, vrm="A" * 5_000)
    unreadable.append(codec(Read).encode(endless))
    broker.send(User.CAMERAS, READS, unreadable, partition=1)
    broker.send(User.CAMERAS, READS, [sound, *judged.values()])
    with gate(broker) as running:
        until(lambda: len(broker.decided()) == 1 + len(judged))
        letters = until(
            lambda: len(found := broker.all(User.OPERATOR, BY_NAME[READS.dlq])) == len(unreadable) and found
        )
    assert sorted(repr(d.value) for d in letters) == sorted(map(repr, unreadable))
    assert all(d.key == b"1" for d in letters)
    found = [dead_letters.read(d.headers) for d in letters]
    assert {(letter.topic, letter.partition, letter.stage) for letter in found} == {(READS.name, 1, "enforcement")}
    assert {letter.offset: letter.error for letter in found} == {
        offset: "ImplausibleReadError" if offset == 6 else "UndecodableError" for offset in range(7)
    }
    reasons = {sequence: outcome.reason for (_, _, sequence), outcome in broker.decided()}
    assert reasons == {1: ""} | {record.sequence: reason for reason, record in judged.items()}
    assert {r.sequence for r in broker.police()} == {1}
    count = running.metrics.registry.get_sample_value
    labels = {"stage": "enforcement", "topic": READS.name, "error": "UndecodableError"}
    assert count("ringfence_dead_letters_total", labels) == 6
    assert count("ringfence_dead_letters_total", labels | {"error": "ImplausibleReadError"}) == 1
    assert count("ringfence_consumed_records_total", {"stage": "enforcement", "topic": READS.name}) == len(
        unreadable
    ) + 1 + len(judged)


def test_dead_letters_can_be_listed_and_sent_again(broker, monkeypatch):
    """A repaired stage, or as here an unrepaired one, gets the record as it first came."""
    from typer.testing import CliRunner

    from ringfence.cli import app

    monkeypatch.setenv("RINGFENCE_HOME", str(broker.settings.home))
    monkeypatch.setenv("RINGFENCE_BOOTSTRAP", broker.kafka.bootstrap)
    monkeypatch.setenv("COLUMNS", "200")
    before = len(broker.all(User.OPERATOR, BY_NAME[READS.dlq]))
    listed = CliRunner().invoke(app, ["dlq", "list", "--topic", "anpr.reads"])
    assert listed.stdout.count("UndecodableError") == before - 1 == 6
    assert "AAAA" not in listed.stdout
    again = CliRunner().invoke(app, ["dlq", "replay", "anpr.reads"])
    assert again.stdout.strip() == "7 sent to anpr.reads again"
    once_more = CliRunner().invoke(app, ["dlq", "replay", "anpr.reads"])
    assert once_more.stdout.splitlines()[0] == "0 sent to anpr.reads again"
    assert "--again" in once_more.stdout
    with gate(broker):
        until(lambda: len(broker.all(User.OPERATOR, BY_NAME[READS.dlq])) == 2 * before)
    forced = CliRunner().invoke(app, ["dlq", "replay", "anpr.reads", "--again"])
    assert forced.stdout.strip() == "14 sent to anpr.reads again"


class NotUtf8(str):
    """The name of a header, as another client may write it."""

    __slots__ = ()

    def encode(self, *encoding):
        return b"\xff\xfe"


def test_a_record_that_the_client_cannot_parse_is_stepped_over_and_all_others_are_decided(broker):
    """Its batch is spoilt for kafka-python, which forgets those that it had parsed of other partitions in that poll."""
    first, now = 5_000_000, broker.clock.now()

    def send(sequences, headers=None):
        reads = [codec(Read).encode(read(1, first + i, now)) for i in sequences]
        with closing(producer(broker.connection(User.CAMERAS), linger_ms=200)) as writer:
            for value in reads:
                writer.send(READS.name, value=value, key=b"1", partition=2, headers=headers)
            writer.flush()

    send(range(100))
    send(range(100, 105), [(NotUtf8("x"), b"1")])
    send(range(105, 200))
    send(range(200, 203), [(NotUtf8("x"), b"1")])
    broker.send(User.CAMERAS, READS, [read(1, first + i, now) for i in range(300, 700)], partition=0)
    with gate(broker):
        until(lambda: sum(1 for (_, _, s), _ in broker.decided() if s >= first) >= 195 + 400)
        letters = until(lambda: [x for x in letters_of(broker) if x.error == "UnreadableError"])
    with gate(broker):
        pass  # a second start finds nothing more to step over
    decided = [s - first for (_, _, s), _ in broker.decided() if s >= first]
    assert sorted(decided) == [*range(100), *range(105, 200), *range(300, 700)]
    assert {r.sequence - first for r in broker.police() if r.sequence >= first} == set(decided)
    assert [x.detail.split()[1:4:2] for x in letters] == [[str(x.offset), str(x.offset + n)] for x, n in
                                                         zip(letters, (4, 2), strict=True)]  # fmt: skip
    assert {x.partition for x in letters} == {2}


def letters_of(broker):
    return [dead_letters.read(d.headers) for d in broker.all(User.OPERATOR, BY_NAME[READS.dlq])]


def test_the_operator_cannot_send_anything_to_the_police(broker, monkeypatch):
    from typer.testing import CliRunner

    from ringfence.cli import app

    monkeypatch.setenv("RINGFENCE_HOME", str(broker.settings.home))
    monkeypatch.setenv("RINGFENCE_BOOTSTRAP", broker.kafka.bootstrap)
    refused = CliRunner().invoke(app, ["dlq", "replay", "police"])
    assert "only enforcement may" in str(refused.exception)
