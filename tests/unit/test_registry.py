"""The Confluent wire format: the same bytes as Confluent's own client, and what happens when the registry does not."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from confluent_kafka.schema_registry import Schema
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import FileError, RegistryError, RegistryRefusedError, SettingError
from ringfence.registry import Registry, codecs_of, framed, in_the_open, registered, subject
from ringfence.settings import load
from schemas import records as r
from schemas.codec import UndecodableError, codec, plain, schema_of
from schemas.framing import CONFLUENT_HEADER, confluent_header
from schemas.topics import AUDIT, LIVE, ORDERS, READS
from tests.unit.registry_server import Served, serving
from tests.unit.test_schemas import SAMPLES, name

READ = SAMPLES[1]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FRAMED = [topic for topic in LIVE if not topic.lasting]
PLAIN = codec(r.Read)


@pytest.fixture
def served():
    with serving() as made:
        yield made


@pytest.fixture
def registry(served):
    return Registry(served.url)


def foreign(served, schema, value, topic="x"):
    """The bytes that Confluent's serialiser makes."""
    return AvroSerializer(served.mock, json.dumps(schema))(value, SerializationContext(topic, MessageField.VALUE))


def fields(record):
    return msgspec.to_builtins(record, builtin_types=(bytes,))


def in_microseconds(value):
    """Confluent's client gives times as datetimes."""
    if isinstance(value, datetime):
        return (value - EPOCH) // timedelta(microseconds=1)
    if isinstance(value, dict):
        return {key: in_microseconds(one) for key, one in value.items()}
    return [in_microseconds(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("sample", SAMPLES, ids=name)
def test_confluents_bytes_and_ours_are_the_same(served, registry, sample):
    theirs = foreign(served, schema_of(type(sample)), fields(sample))
    made = framed(registry, type(sample), "x-value")
    assert made.encode(sample) == theirs
    assert made.decode(theirs) == sample


@pytest.mark.parametrize("sample", SAMPLES, ids=name)
def test_confluents_deserialiser_reads_ours(served, registry, sample):
    ours = framed(registry, type(sample), "x-value").encode(sample)
    read = AvroDeserializer(served.mock)(ours, SerializationContext("x", MessageField.VALUE))
    assert in_microseconds(read) == fields(sample)


def test_each_topic_has_its_subject_and_its_schema_there(served, registry):
    codecs = registered(registry)
    for topic in FRAMED:
        header = codecs(topic).header
        latest = served.mock.get_latest_version(f"{topic.name}-value")
        assert header == b"\0" + latest.schema_id.to_bytes(4, "big")
        assert json.loads(latest.schema.schema_str) == schema_of(topic.record)
    assert sorted(served.mock.get_subjects()) == sorted(map(subject, FRAMED))


@pytest.mark.parametrize("topic", [AUDIT, ORDERS], ids=lambda topic: topic.name)
def test_what_must_last_keeps_the_default_framing(registry, topic):
    assert registered(registry)(topic) is plain(topic)


def test_a_second_process_finds_the_number_and_writes_nothing(served, registry):
    first = registered(registry)(READS).header
    served.requests.clear()
    assert registered(Registry(served.url + "/"))(READS).header == first
    assert [(method, path) for method, path, _ in served.requests] == [("POST", "/subjects/anpr.reads-value")]


def with_field(**field):
    today = schema_of(r.Read)
    return {**today, "fields": [*today["fields"], field]}


def test_a_newer_writer_is_read_by_its_own_schema(served, registry):
    ours = registered(registry)(READS)
    newer = with_field(name="lane", type="int", default=0)
    theirs = foreign(served, newer, {**fields(READ), "lane": 3}, READS.name)
    assert theirs[:CONFLUENT_HEADER] != ours.header
    served.requests.clear()
    assert [ours.decode(theirs) for _ in range(3)] == [READ] * 3
    assert [path for _, path, _ in served.requests] == [f"/schemas/ids/{int.from_bytes(theirs[1:5])}"]


def test_an_older_writer_is_read_by_its_own_schema(served, registry):
    today, sample = schema_of(r.PoliceRead), SAMPLES[3]
    older = {**today, "fields": [field for field in today["fields"] if field["name"] != "vrm"]}
    theirs = foreign(served, older, {key: one for key, one in fields(sample).items() if key != "vrm"})
    assert framed(registry, r.PoliceRead, "x-value").decode(theirs) == msgspec.structs.replace(sample, vrm=None)


@pytest.mark.parametrize("sample", SAMPLES, ids=name)
def test_fields_are_taken_by_name_whatever_order_they_came_in(served, registry, sample):
    today = schema_of(type(sample))
    turned = {**today, "fields": today["fields"][::-1]}
    assert framed(registry, type(sample), "x-value").decode(foreign(served, turned, fields(sample))) == sample


def test_the_same_schema_under_another_number_is_read(served, registry):
    """Docs differ, so the registry gives it a number of its own."""
    bare = {key: one for key, one in schema_of(r.Read).items() if key != "doc"}
    assert registered(registry)(READS).decode(foreign(served, bare, fields(READ), READS.name)) == READ


def test_an_incompatible_schema_is_refused_before_anything_is_written(served, registry):
    broken = with_field(name="lane", type="int", default=0)
    broken["fields"][0] = {"name": "camera", "type": "string"}
    served.mock.register_schema(subject(READS), Schema(json.dumps(broken), "AVRO"))
    with pytest.raises(RegistryRefusedError, match=r"our schema of anpr\.reads-value is not compatible"):
        registered(registry)(READS)
    assert served.versions(subject(READS)) == [1]


def test_a_compatible_schema_becomes_the_next_version(served, registry):
    newer = with_field(name="lane", type="int", default=0)
    served.mock.register_schema(subject(READS), Schema(json.dumps(newer), "AVRO"))
    registered(registry)(READS)
    assert json.loads(served.mock.get_latest_version(subject(READS)).schema.schema_str) == schema_of(r.Read)
    assert served.versions(subject(READS)) == [1, 2]


@pytest.mark.parametrize("sample", [SAMPLES[0], SAMPLES[6]], ids=name)
def test_another_record_is_refused(served, registry, sample):
    theirs = foreign(served, schema_of(type(sample)), fields(sample))
    with pytest.raises(UndecodableError, match=r"another record than ringfence\.Read"):
        registered(registry)(READS).decode(theirs)


@pytest.mark.parametrize("schema", ['"int"', '{"type": "nonsense"}', "{", "[]"])
def test_a_schema_that_is_no_record_is_refused(served, registry, schema):
    number = served.mock.register_schema("x", Schema(schema, "AVRO"))
    with pytest.raises(UndecodableError):
        registered(registry)(READS).decode(confluent_header(number) + b"\2")


def test_a_number_that_nobody_has_is_refused_and_asked_for_once(served, registry):
    made = registered(registry)(READS)
    served.requests.clear()
    for _ in range(3):
        with pytest.raises(UndecodableError, match="no Avro schema 999"):
            made.decode(confluent_header(999) + b"body")
    assert len(served.requests) == 1


def test_a_number_that_the_registry_did_not_know_is_asked_for_again_later(served, registry, monkeypatch):
    made = registered(registry)(READS)
    with pytest.raises(UndecodableError):
        made.decode(confluent_header(2) + b"body")
    theirs = foreign(served, with_field(name="lane", type="int", default=0), {**fields(READ), "lane": 3}, READS.name)
    assert theirs[:CONFLUENT_HEADER] == confluent_header(2)
    monkeypatch.setattr("ringfence.registry.time.monotonic", lambda: 1e12)
    assert made.decode(theirs) == READ


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "tombstone"),
        (b"", "no Avro single-object header"),
        (b"\0\0\0", "cut short"),
        (confluent_header(1) + b"\2", "does not fit"),
        (b"not avro at all", "no Avro single-object header"),
    ],
)
def test_foreign_bytes_are_refused_with_a_reason(registry, data, words):
    with pytest.raises(UndecodableError, match=words):
        registered(registry)(READS).decode(data)


def test_random_bytes_never_raise_anything_else():
    with serving() as served:
        made = registered(Registry(served.url))(READS)

        @given(st.binary(max_size=100) | st.binary(max_size=100).map(lambda body: made.header + body))
        def check(data):
            with suppress(UndecodableError):
                assert isinstance(made.decode(data), r.Read)

        check()


def test_what_was_written_before_the_registry_came_is_read(registry):
    assert registered(registry)(READS).decode(PLAIN.encode(READ)) == READ


def test_without_a_registry_its_frames_are_refused_with_the_way_out(registry):
    with pytest.raises(UndecodableError, match="RINGFENCE_REGISTRY_URL is not set"):
        PLAIN.decode(registered(registry)(READS).encode(READ))


def test_a_registry_that_is_down_is_said_in_one_line():
    with serving() as served:
        url = served.url
    with pytest.raises(RegistryError, match=f"no schema registry answers at {url}: .*refused") as caught:
        registered(Registry(url, "user:secret"))(READS)
    assert caught.value.retriable
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_when_it_goes_down_later_what_is_known_goes_on_and_what_is_not_can_be_tried_again():
    with serving() as served:
        made = registered(Registry(served.url))(READS)
        newer = foreign(served, with_field(name="lane", type="int", default=0), {**fields(READ), "lane": 3})
        port = int(served.url.rpartition(":")[2])
    assert made.decode(made.encode(READ)) == READ
    with pytest.raises(RegistryError) as caught:
        made.decode(newer)
    assert caught.value.retriable
    with serving(served, port):
        assert made.decode(newer) == READ
    assert made.decode(newer) == READ


class Wrong(Served):
    """Something at the address that is no registry, or lets nobody in."""

    def __init__(self, status, body):
        super().__init__()
        self.status, self.body = status, body

    def answer(self, method, path, body):
        return self.status, self.body


@pytest.mark.parametrize(
    ("status", "body", "words", "retriable"),
    [
        (200, b"<html>", "is no schema registry", False),
        (200, [1], "no number: is it one", False),
        (200, {"id": "1"}, "no number: is it one", False),
        (200, {"id": -1}, "no number: is it one", False),
        (200, {"id": 2**32}, "no number: is it one", False),
        (404, {}, "no number: is it one", False),
        (401, {"message": "who\nare you"}, r"answers 401: .*who", False),
        (409, {"message": "incompatible"}, "answers 409", False),
        (302, b"http://127.0.0.1:9/", "answers 302", False),
        (500, {"message": "oh"}, "answers 500", True),
        (429, {}, "answers 429", True),
    ],
)
def test_what_is_no_registry_is_said_in_one_line(status, body, words, retriable):
    with serving(Wrong(status, body)) as served, pytest.raises(RegistryError, match=words) as caught:
        registered(Registry(served.url))(READS)
    assert caught.value.retriable is retriable
    assert "\n" not in str(caught.value)


def test_the_login_comes_from_a_private_file(served, tmp_path):
    file = tmp_path / "login"
    file.write_text("user:secret\n")
    file.chmod(0o644)
    settings = load(registry_url=served.url, registry_auth=file)
    with pytest.raises(FileError, match="can be read by others"):
        codecs_of(settings)
    file.chmod(0o600)
    codecs_of(settings)(READS)
    assert {login for _, _, login in served.requests} == {"Basic dXNlcjpzZWNyZXQ="}


@pytest.mark.parametrize("url", ["http://registry:8081", "http://10.0.0.7/apis", "http://[2001:db8::1]:8081"])
def test_nobody_logs_in_where_others_can_read_along(url, tmp_path):
    file = tmp_path / "login"
    file.write_text("user:secret\n")
    file.chmod(0o600)
    with pytest.raises(SettingError, match=r"not encrypted.*https://") as caught:
        codecs_of(load(registry_url=url, registry_auth=file))
    assert "secret" not in str(caught.value)
    assert codecs_of(load(registry_url=url)) is not plain


@pytest.mark.parametrize(
    "url", ["https://registry:8081", "http://localhost:1", "http://127.0.0.9/x", "http://[::1]:8081"]
)
def test_one_logs_in_over_tls_and_on_this_machine(url):
    assert not in_the_open(url)


@pytest.mark.parametrize("url", ["registry:8081", "ftp://registry", "http://user:secret@registry", "http://"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(SettingError, match="RINGFENCE_REGISTRY_URL") as caught:
        load(registry_url=url)
    assert "secret" not in str(caught.value)


def test_without_the_setting_nothing_changes():
    assert codecs_of(load()) is plain
