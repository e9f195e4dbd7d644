"""The ledger: everything that is on the broker after a run, read back once.

It keeps every read and decision, about a kilobyte an event, and of the frames a few hundred pictures."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from msgspec import Struct

from ringfence.audit.chain import Heads, follow
from ringfence.kafka_io import Connection, Delivery
from ringfence.kafka_read import read_all
from schemas.codec import Codecs, UndecodableError, plain
from schemas.records import DecisionBatch, Effect, Frame, Image, PoliceImage, PoliceRead, Read
from schemas.topics import AUDIT, DEAD_LETTERS, FRAMES, IMAGES, POLICE, POLICE_IMAGES, READS, Topic

# Only this ledger, tests and benchmarks read the truth that cameras put into a header.
TRUTH = "ringfence-truth"
PICTURES = 400
R = TypeVar("R", Frame, Read, Image, PoliceRead, PoliceImage, DecisionBatch)
Id = tuple[int, int]


class Picture(Struct, frozen=True):
    """One frame, kept to be looked at. ``corners`` are x0 y0 … x3 y3 in pixels; empty if no plate was found."""

    id: Id
    jpeg: bytes
    corners: list[int]


class Decided(Struct, frozen=True):
    """One decision, taken out of its batch."""

    topic: str
    id: Id
    effect: Effect
    form: str
    reason: str
    rules: tuple[str, ...]


class Disclosed(Struct, frozen=True):
    """One record that was written for the police: where it came from and in which form."""

    topic: str
    id: Id
    form: str


class Ledger(Struct, frozen=True):
    """What is on the broker. ``offered`` counts records by topic, whether or not they decode."""

    offered: Counter[str]
    truths: Mapping[Id, str]
    reads: Mapping[Id, Read]
    images: int
    disclosed: list[Disclosed]
    decisions: list[Decided]
    breaks: list[str]
    dead_letters: Counter[str]
    pictures: list[Picture]
    digests: Mapping[str, str]


def open_ledger(connection: Connection, codecs: Codecs = plain) -> Ledger:
    """Reads every topic from its beginning to its end, as oversight."""
    source = Source(connection, codecs, Counter())
    sums = {"frames": Digest(), "reads": Digest(), "decisions": Digest()}
    truths: dict[Id, str] = {}
    jpegs: dict[Id, bytes] = {}
    for delivery, frame in _records(source, FRAMES, Frame):
        truths[_id(frame)] = _truth(delivery)
        sums["frames"].add(delivery.value)
        if len(jpegs) < PICTURES:
            jpegs[_id(frame)] = frame.jpeg
    reads: dict[Id, Read] = {}
    for delivery, read in _records(source, READS, Read):
        reads[_id(read)] = read
        sums["reads"].add(delivery.value)
    corners, images = _images(source, jpegs)
    decisions, breaks = _evidence(source)
    for d in decisions:
        sums["decisions"].add(repr((d.topic, d.id, d.effect, d.form, d.reason, d.rules)).encode())
    return Ledger(
        offered=source.offered,
        truths=truths,
        reads=reads,
        images=images,
        disclosed=list(_disclosures(source)),
        decisions=decisions,
        breaks=breaks,
        dead_letters=Counter(d.topic for d in read_all(connection, [t.name for t in DEAD_LETTERS])),
        pictures=[Picture(i, jpeg, corners.get(i, [])) for i, jpeg in sorted(jpegs.items())],
        digests={name: digest.hex() for name, digest in sums.items()},
    )


class Digest:
    """A digest of a set of byte strings: it does not depend on the order in which partitions are read."""

    def __init__(self) -> None:
        self._total = 0

    def add(self, part: bytes) -> None:
        """Adds one byte string. A sum, so that a string that is there twice counts twice."""
        self._total += int.from_bytes(hashlib.sha256(part).digest())

    def hex(self) -> str:
        """64 hexadecimal digits."""
        return f"{self._total % 2**256:064x}"


class Source(Struct, frozen=True):
    """Where to read, by which codecs, and how many records each topic has had so far."""

    connection: Connection
    codecs: Codecs
    offered: Counter[str]


def _records(source: Source, topic: Topic, record: type[R]) -> Iterator[tuple[Delivery, R]]:
    """The records of a topic that decode; the others are counted, and lie with the dead letters."""
    assert topic.record is record
    decode: Callable[[bytes | None], R] = source.codecs(topic).decode
    for delivery in read_all(source.connection, [topic.name]):
        source.offered[topic.name] += 1
        try:
            yield delivery, decode(delivery.value)
        except UndecodableError:
            continue


def _images(source: Source, jpegs: Mapping[Id, bytes]) -> tuple[dict[Id, list[int]], int]:
    """Where the plate was found, for the frames that are kept, and the number of distinct images."""
    corners: dict[Id, list[int]] = {}
    seen: set[Id] = set()
    for _, image in _records(source, IMAGES, Image):
        seen.add(_id(image))
        if _id(image) in jpegs:
            corners[_id(image)] = image.corners
    return corners, len(seen)


def _evidence(source: Source) -> tuple[list[Decided], list[str]]:
    heads: dict[int, Heads] = {}
    decisions: list[Decided] = []
    breaks: list[str] = []
    for delivery, batch in _records(source, AUDIT, DecisionBatch):
        place = delivery.partition
        heads[place], broken = follow(heads.get(place, {}), delivery.value, batch)
        breaks += [broken] if broken else []
        decisions += _decisions(batch)
    return decisions, breaks


def _decisions(batch: DecisionBatch) -> Iterable[Decided]:
    for camera, sequence, i in zip(batch.cameras, batch.sequences, batch.decisions, strict=True):
        o = batch.outcomes[i]
        yield Decided(batch.topic, (camera, sequence), o.effect, o.form, o.reason, tuple(o.rules))


def _disclosures(source: Source) -> Iterator[Disclosed]:
    for _, read in _records(source, POLICE, PoliceRead):
        yield Disclosed(READS.name, _id(read), read.form)
    for _, image in _records(source, POLICE_IMAGES, PoliceImage):
        yield Disclosed(IMAGES.name, _id(image), image.form)


def _id(record: Frame | Read | Image | PoliceRead | PoliceImage) -> Id:
    return record.camera, record.sequence


def _truth(delivery: Delivery) -> str:
    """The true VRM in the header; empty for a frame without a plate."""
    return next((value.decode() for name, value in delivery.headers if name == TRUTH), "")
