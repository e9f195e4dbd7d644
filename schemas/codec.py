"""Avro bytes <-> records. The only importer of fastavro.

What stands before the body is the business of a framing (schemas/framing.py). By default that is Avro's
single-object encoding: the writer's schema is looked up by its fingerprint, so bytes of every version
under schemas/ and schemas/old/ stay readable.
"""

import json
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
from fastavro import parse_schema, schemaless_reader, schemaless_writer
from fastavro.schema import fingerprint, to_parsing_canonical_form

from schemas import records
from schemas.framing import HEADER, MAGIC, Framing, SingleObject, UndecodableError
from schemas.records import Record
from schemas.topics import Topic

R = TypeVar("R", bound=Record)
HERE = Path(__file__).parent
FOREIGN = 64  # writers' schemas kept ready, for each kind of record


def _without_logical_types(schema: Any) -> Any:
    """The same schema (and the same fingerprint) without logicalType: a datetime costs 1 µs a read."""
    if isinstance(schema, dict):
        return {k: _without_logical_types(v) for k, v in schema.items() if k != "logicalType"}
    if isinstance(schema, list):
        return [_without_logical_types(item) for item in schema]
    return schema


def _header(schema: Any) -> bytes:
    crc = fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO")
    return MAGIC + bytes.fromhex(crc)


@cache
def schema_files() -> dict[str, list[Path]]:
    """Schema name -> its .avsc files, today's first, then those of earlier versions."""
    files: dict[str, list[Path]] = {}
    for path in [*sorted(HERE.glob("*.avsc")), *sorted(HERE.glob("old/*.avsc"))]:
        files.setdefault(json.loads(path.read_text())["name"], []).append(path)
    return files


class Codec(Generic[R]):
    """Encodes and decodes one kind of record, in the default framing or the one given.

    ``encode(record) -> bytes``; ``decode(bytes) -> record`` raises UndecodableError.
    """

    def __init__(self, record: type[R], framing: Framing | None = None) -> None:
        self.framing = framing or single_object(record)
        self.schema: dict[str, Any] = json.loads(_texts(record)[0])
        self.header, self._size = self.framing.header, len(self.framing.header)
        self._plain = _parsed(self.schema)
        self._resolve = lru_cache(FOREIGN)(self._resolved)
        nested = any(f.type not in (int, str, bytes) for f in msgspec.structs.fields(record))
        self._make: Callable[[dict[str, Any]], R] = _converter(record) if nested else _caller(record)
        self._make_by_name = _converter(record)
        self._fields: Callable[[R], Any] = _builtins if nested else msgspec.structs.asdict

    def encode(self, record: R) -> bytes:
        """Framed Avro bytes of the record."""
        return self.pack(self._fields(record))

    def pack(self, fields: Mapping[str, Any]) -> bytes:
        """Framed Avro bytes of a record given by its fields."""
        out = BytesIO()
        out.write(self.header)
        schemaless_writer(out, self._plain, fields)
        return out.getvalue()

    def decode(self, data: bytes | None) -> R:
        """The record in framed Avro bytes; a tombstone, a foreign frame or a short body is an error."""
        if data is None:
            raise UndecodableError("tombstone: the record has no value")
        stream = BytesIO(data)
        writer, reader, make = self._plain, None, self._make
        if stream.read(self._size) != self.header:
            text, start = self.framing.writer(data)
            writer, reader, make = self._resolve(text)
            stream.seek(start)
        try:
            values: Any = schemaless_reader(stream, writer, reader)
            record = make(values)
        except Exception as error:  # noqa: BLE001 - fastavro raises many kinds on hostile bytes
            raise UndecodableError(f"body does not fit its schema: {type(error).__name__}") from None
        if stream.tell() != len(data):
            raise UndecodableError("bytes left over after the record")
        return record

    def _resolved(self, text: str) -> tuple[Any, Any, Callable[[dict[str, Any]], R]]:
        """A writer's schema, ours to read it by, or None if that is the same, and what makes the record."""
        try:
            schema: Any = json.loads(text)
            writer = _parsed(schema)
            same = to_parsing_canonical_form(schema) == to_parsing_canonical_form(self.schema)
        except Exception as error:  # noqa: BLE001 - a schema may come from a registry, where anything can be
            raise UndecodableError(f"the writer's schema cannot be used: {type(error).__name__}") from None
        if not isinstance(writer, dict) or writer.get("name") != self._plain["name"]:
            raise UndecodableError(f"written by the schema of another record than {self._plain['name']}")
        return (writer, None, self._make) if same else (writer, self._plain, self._make_by_name)


def _parsed(schema: Any) -> Any:
    return parse_schema(_without_logical_types(schema))


def _texts(record: type[Any]) -> list[str]:
    """The schemas of a record type as JSON: today's first, then those of earlier versions."""
    return [path.read_text("utf-8") for path in schema_files()[record.__name__]]


def single_object(record: type[Any]) -> SingleObject:
    """The default framing of a record type."""
    versions = {_header(json.loads(text)): text for text in _texts(record)}
    return SingleObject(next(iter(versions)), versions)


def _caller(record: type[R]) -> Callable[[dict[str, Any]], R]:
    """Flat records: fastavro yields the fields in the writer's order. If that is ours, it is the Struct's, too."""
    return lambda values: record(*values.values())


def _converter(record: type[R]) -> Callable[[dict[str, Any]], R]:
    return lambda values: msgspec.convert(values, record, strict=True)


def _builtins(record: Record) -> Any:
    return msgspec.to_builtins(record, builtin_types=(bytes,))


def codec(record: type[R]) -> Codec[R]:
    """The codec of a record type, made once."""
    if record not in _made:
        _made[record] = Codec(record)
    return _made[record]


_made: dict[Any, Codec[Any]] = {}


def plain(topic: Topic) -> Codec[Any]:
    """The codec of a topic's values in the default framing."""
    return codec(record_of(topic))


def record_of(topic: Topic) -> type[Record]:
    """What is in a live topic."""
    if topic.record is None:
        raise AssertionError(f"{topic.name} is no topic of records")
    return topic.record


Codecs = Callable[[Topic], Codec[Any]]


def schema_of(record: type[Record]) -> dict[str, Any]:
    """Today's Avro schema of a record type, with its logical types."""
    schema: dict[str, Any] = codec(record).schema
    return schema


__all__ = [
    "HEADER", "MAGIC", "Codec", "Codecs", "UndecodableError", "codec", "plain", "record_of", "records",
    "schema_files", "schema_of", "single_object",
]  # fmt: skip
