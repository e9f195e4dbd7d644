"""The pipeline with a schema registry, on a real broker: foreign clients write and read what ours read and write."""

import json
import signal
import time
from contextlib import contextmanager

import pytest
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from ringfence.audit.chain import verify
from ringfence.broker import free_port
from ringfence.demo.ledger import open_ledger
from ringfence.demo.scrape import scrape
from ringfence.registry import Registry, registered
from schemas.codec import codec, schema_of
from schemas.framing import CONFLUENT_MAGIC, MAGIC, confluent_header
from schemas.records import DeadLetter, Read
from schemas.topics import AUDIT, BY_NAME, ORDERS, POLICE, READS, User
from tests.contract.commands import run, start
from tests.contract.conftest import HOME
from tests.contract.waiting import until
from tests.unit.made import read
from tests.unit.registry_server import serving
from tests.unit.test_registry import fields

CAMERAS = (1, 2, 400, 1301)
LETTERS = BY_NAME[READS.dlq]


@pytest.fixture
def served():
    with serving() as made:
        yield made


@contextmanager
def stage(broker, name, *arguments, **settings):
    """A stage as an operator starts it; leaves it drained."""
    given = {"bootstrap": broker.kafka.bootstrap, "home": HOME.resolve(), "clock_offset": broker.settings.clock_offset}
    process = start(name, *arguments, **given, **settings)
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, process.stderr.read()
    finally:
        process.kill()
        process.communicate()


def written_by_confluent(served, records):
    """Reads of a newer version than ours, by Confluent's own serialiser."""
    today = schema_of(Read)
    newer = {**today, "fields": [*today["fields"], {"name": "lane", "type": "int", "default": 0}]}
    serialise = AvroSerializer(served.mock, json.dumps(newer))
    context = SerializationContext(READS.name, MessageField.VALUE)
    return [serialise({**fields(record), "lane": 2}, context) for record in records]


def test_a_gate_reads_and_writes_the_wire_format_end_to_end(broker, served, tmp_path):
    now, codecs = broker.clock.now(), registered(Registry(served.url))
    reads = [read(CAMERAS[i % 4], i, now) for i in range(60)]
    values = [
        *written_by_confluent(served, reads[:20]),
        *map(codecs(READS).encode, reads[20:40]),
        *map(codec(Read).encode, reads[40:]),  # from before the registry came
        confluent_header(999_999) + b"nobody's",
    ]
    for one, value in zip([*reads, reads[0]], values, strict=True):
        broker.send(User.CAMERAS, READS, [value], one.camera % READS.partitions)
    report, port = tmp_path / "police.json", free_port()
    with (
        stage(broker, "enforce", registry_url=served.url),
        stage(broker, "police", "--quiet", "--report", report, registry_url=served.url, metrics_port=port),
    ):
        until(lambda: len(broker.decided()) == len(reads) and broker.all(User.OPERATOR, LETTERS))
        disclosed = broker.all(User.POLICE, POLICE)
        until(lambda: scrape([port], time.monotonic).total("ringfence_police_records_total") == len(disclosed))
    (letter,) = broker.all(User.OPERATOR, LETTERS)
    why = codec(DeadLetter).decode(dict(letter.headers)["ringfence-dead-letter"])
    assert (letter.value, why.error) == (values[-1], "UndecodableError")
    assert why.detail == "the schema registry has no Avro schema 999999"

    context = SerializationContext(POLICE.name, MessageField.VALUE)
    received = [AvroDeserializer(served.mock)(one.value, context) for one in disclosed]
    allowed = {key[1:] for key, outcome in broker.decided() if outcome.form}
    assert {(one["camera"], one["sequence"]) for one in received} == allowed != set()
    assert {one["vrm"] for one in received} == {"LK19ABC"}
    assert json.loads(report.read_text())["police_received"] == len(received)

    evidence = [one.value for one in broker.all(User.OVERSIGHT, AUDIT)]
    assert {one[:2] for one in evidence} == {one.value[:2] for one in broker.all(User.OVERSIGHT, ORDERS)} == {MAGIC}
    assert {one.value[:1] for one in disclosed} == {CONFLUENT_MAGIC}
    assert verify(evidence) == []
    ledger = open_ledger(broker.connection(User.OVERSIGHT), codecs)
    assert (len(ledger.decisions), len(ledger.disclosed), ledger.breaks) == (len(reads), len(received), [])


def test_a_gate_whose_registry_is_down_does_not_start(broker):
    code, out, error = run(
        "enforce", bootstrap=broker.kafka.bootstrap, home=HOME.resolve(), registry_url="http://127.0.0.1:9"
    )
    assert (code, out) == (2, "")
    assert "no schema registry answers at http://127.0.0.1:9: " in error.splitlines()[-1]
    assert "Traceback" not in error
