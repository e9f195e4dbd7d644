"""The contract: records mirror schemas, bytes stay readable, hostile bytes are refused."""

import json
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.schema import parse
from hypothesis import given
from hypothesis import strategies as st

from schemas import records as r
from schemas.codec import HEADER, MAGIC, Codec, UndecodableError, codec, schema_files, schema_of

GOLDEN = Path(__file__).parent / "golden"
OUTCOME = r.Outcome(7, "inner-2022", r.Effect.ALLOW, "text", "", ["I22-1"])
SAMPLES = [
    r.Frame(12, 3, 1_655_276_400_000_000, 8, b"\xff\xd8jpeg", [b"\xff\xd8shot"]),
    r.Read(12, 3, 1_655_276_400_000_000, "LK19ABC", "LKI9A8C", 93, 1),
    r.Image(12, 3, 1_655_276_400_000_000, b"patch", b"overview", [1, 2, 3, 4, 5, 6, 7, 8]),
    r.PoliceRead(12, 3, 1_655_276_400_000_000, "LK19ABC", None, 0, "inner-2022", "text"),
    r.PoliceImage(12, 3, 1_655_276_400_000_000, b"overview", None, "inner-2022", "contextual"),
    r.DecisionBatch(
        "enforcement-0", "anpr.reads", 2, 10, 11, 1_655_276_400_100_000, b"b" * 32, b"r" * 32, 4, "", "crime",
        300_000_000, b"",
        [OUTCOME], [12, 12], [3, 4], [1_655_276_400_000_000, 1_655_276_400_000_001], [0, 0],
    ),
    r.Order(
        7, "police", r.OrderKind.AUTHORISE, "vrm/LK19ABC", "the Mayor", "a test", 1_655_276_400_000_000, None, "crime",
        1_655_276_400_000_000, 1_655_276_400_000_001, ["LK19ABC"], b"bundle", b"s" * 64,
    ),
    r.SealedBundle(7, [r.Listed("a.yaml", b"h" * 32)], {"a.yaml": b"a: 1"}, "key", b"s" * 64),
    r.DeadLetter("anpr.reads", 1, 99, "enforcement", "UndecodableError", "tombstone", 1_655_276_400_000_000),
]  # fmt: skip
KINDS = [type(sample) for sample in SAMPLES]
AVRO = {"int": int, "long": int, "string": str, "bytes": bytes}


def name(value: object) -> str:
    return (value if isinstance(value, type) else type(value)).__name__


def test_every_schema_has_a_record_and_every_record_a_sample():
    assert sorted(schema_files()) == sorted(name(kind) for kind in KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=name)
def test_record_mirrors_schema_field_for_field(kind):
    assert [f["name"] for f in schema_of(kind)["fields"]] == [f.name for f in msgspec.structs.fields(kind)]


@pytest.mark.parametrize("kind", KINDS, ids=name)
def test_record_types_mirror_schema_types(kind):
    for avro, ours in zip(schema_of(kind)["fields"], msgspec.structs.fields(kind), strict=True):
        plain = physical(avro["type"])
        if isinstance(plain, str):
            assert ours.type is AVRO[plain], avro["name"]
        elif isinstance(plain, list):
            assert ours.type == AVRO[physical(plain[1])] | None, avro["name"]


def physical(kind):
    """An Avro type without its logical one."""
    return kind["type"] if isinstance(kind, dict) and "logicalType" in kind else kind


@pytest.mark.parametrize("kind", KINDS, ids=name)
def test_every_field_is_explained(kind):
    assert all(field.get("doc") for field in schema_of(kind)["fields"])


@pytest.mark.parametrize("sample", SAMPLES, ids=name)
def test_round_trip(sample):
    made = codec(type(sample))
    assert made.decode(made.encode(sample)) == sample


@pytest.mark.parametrize("sample", SAMPLES, ids=name)
def test_golden_bytes_stay_readable_and_unchanged(sample):
    """A change of these bytes is a change of the contract: keep the old schema in schemas/old/ and add new bytes."""
    golden = (GOLDEN / f"{name(sample)}.{len(schema_files()[name(sample)])}.avro").read_bytes()
    assert codec(type(sample)).decode(golden) == sample
    assert codec(type(sample)).encode(sample) == golden


def test_golden_bytes_of_earlier_versions_are_read_with_the_defaults_of_what_they_lack():
    first = r.Frame(12, 3, 1_655_276_400_000_000, 8, b"\xff\xd8jpeg")
    assert codec(r.Frame).decode((GOLDEN / "Frame.1.avro").read_bytes()) == first
    assert first.shots == []


def test_fingerprint_is_that_of_the_specification():
    """Avro 1.12 specification: the CRC-64-AVRO of "int" is 7275d51a3f395c8f, little endian in the header."""
    from fastavro.schema import fingerprint

    assert fingerprint('"int"', "CRC-64-AVRO") == "8f5c393f1ad57572"
    made = codec(r.Read).encode(SAMPLES[1])
    assert made[:2] == MAGIC
    assert len(made[:HEADER]) == 10


def test_fingerprint_ignores_docs_and_logical_types():
    bare = {k: v for k, v in schema_of(r.Order).items() if k != "doc"}
    from schemas.codec import _header

    assert _header(bare) == codec(r.Order).header


def test_an_earlier_version_is_read_by_its_own_schema(tmp_path, monkeypatch):
    """A record written before `flags` existed is readable once today's schema gives that field a default."""
    old = json.loads((Path("schemas") / "order.avsc").read_text())
    new = {**old, "fields": [*old["fields"], {"name": "note", "type": "string", "default": "", "doc": "New."}]}
    (tmp_path / "old").mkdir()
    (tmp_path / "order.avsc").write_text(json.dumps(new))
    (tmp_path / "old" / "order.1.avsc").write_text(json.dumps(old))
    monkeypatch.setattr("schemas.codec.HERE", tmp_path)
    schema_files.cache_clear()

    class Order(r.Order, frozen=True):
        note: str = ""

    try:
        written = (GOLDEN / "Order.1.avro").read_bytes()
        assert Codec(Order).decode(written).note == ""
    finally:
        schema_files.cache_clear()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "tombstone"),
        (b"", "no Avro single-object header"),
        (b"\xc3\x01", "no Avro single-object header"),
        (b"not avro at all", "no Avro single-object header"),
        (MAGIC + b"12345678" + b"body", "unknown schema fingerprint"),
    ],
)
def test_foreign_bytes_are_refused_with_a_reason(data, words):
    with pytest.raises(UndecodableError, match=words):
        codec(r.Read).decode(data)


@pytest.mark.parametrize("cut", [10, 11, 15, 20])
def test_truncated_bytes_are_refused(cut):
    with pytest.raises(UndecodableError):
        codec(r.Read).decode(codec(r.Read).encode(SAMPLES[1])[:cut])


def test_bytes_left_over_are_refused():
    with pytest.raises(UndecodableError, match="left over"):
        codec(r.Read).decode(codec(r.Read).encode(SAMPLES[1]) + b"x")


@given(st.binary(max_size=200))
def test_random_bodies_never_raise_anything_else(body):
    made = codec(r.Read)
    with suppress(UndecodableError):
        assert isinstance(made.decode(made.header + body), r.Read)


@given(st.text(max_size=5000), st.integers(0, 2**31 - 1), st.integers(0, 2**62))
def test_any_text_round_trips(text, camera, sequence):
    read = r.Read(camera, sequence, 0, text, text, 0, 0)
    assert codec(r.Read).decode(codec(r.Read).encode(read)) == read


@pytest.mark.parametrize("kind", KINDS, ids=name)
def test_versions_are_compatible_both_ways(kind):
    """Every earlier version can read what today's writes, and today's what they wrote."""
    versions = [json.loads(path.read_text()) for path in schema_files()[name(kind)]]
    assert all(are_compatible(versions[0], other) for other in versions)


@pytest.mark.parametrize("change", [{"type": "bytes"}, {"name": "number"}, {"type": "string"}])
def test_a_change_that_breaks_readers_is_found(change):
    today = schema_of(r.Read)
    broken = {**today, "fields": [{**today["fields"][0], **change}, *today["fields"][1:]]}
    assert not are_compatible(today, broken)


def test_a_new_field_with_a_default_breaks_nobody():
    today = schema_of(r.Read)
    assert are_compatible(today, {**today, "fields": [*today["fields"], {"name": "x", "type": "int", "default": 0}]})


def are_compatible(one, other):
    """Each can read what the other writes, says avro's own checker."""
    checker = ReaderWriterCompatibilityChecker()
    verdicts = [
        checker.get_compatibility(parse(json.dumps(a)), parse(json.dumps(b))) for a, b in ((one, other), (other, one))
    ]
    return all(verdict.compatibility is SchemaCompatibilityType.compatible for verdict in verdicts)
