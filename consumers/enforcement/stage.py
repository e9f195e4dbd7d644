"""The gate: facts, decision, form, evidence. One decision batch for each input partition of a transaction."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from operator import attrgetter

from msgspec import Struct, field
from msgspec.structs import replace

from consumers.enforcement.forms import TOPICS, projectors
from consumers.enforcement.pictures import within
from ringfence.audit.chain import link
from ringfence.clock import SECOND, Clock
from ringfence.dead_letters import Rejected
from ringfence.errors import RecordError
from ringfence.kafka_io import BROKER_TIME
from ringfence.metrics import Metrics
from ringfence.policy.decide import Law, decide
from ringfence.policy.facts import Kind, Zone
from ringfence.policy.orders import Force
from ringfence.policy.register import Register, under
from ringfence.stage import Batch, Handled, Output, reject
from schemas.codec import Codecs, plain
from schemas.records import DecisionBatch, Flag, Outcome, Read
from schemas.topics import AUDIT, IMAGES, READS, User

KINDS = {READS.name: Kind.READ, IMAGES.name: Kind.IMAGE}
TARGETS = {kind: topic.name for kind, topic in TOPICS.items()}
MS = 1_000
NEVER = -(1 << 62)
MOST_TEXT = 16  # characters; a UK mark has at most 7, and no foreign one so many
ALL_FLAGS = sum(Flag)
QUIET = 300 * SECOND  # a camera that sent nothing for so long is not counted as heard
row_of = attrgetter("row")


class ImplausibleReadError(RecordError):
    """A read that no plate reader can have made: it would carry something else to the police."""


class Note(Struct, frozen=True):
    """What to count once it is committed: decisions by (kind, row, zone), and the cameras they are about."""

    decided: Counter[tuple[Kind, int, str | None]] = field(default_factory=Counter)
    cameras: set[int] = field(default_factory=set)


class Gate:
    """The enforcement stage. ``follow`` returns what is in force; it may read, but never block.

    ``rule`` makes the law of what is in force. PolicyError if there is none, or none that the settings ask for.
    """

    user = User.ENFORCEMENT
    inputs = (READS, IMAGES)
    most = 100_000

    def __init__(
        self,
        name: str,
        rule: Callable[[Force], Law],
        register: Register,
        follow: Callable[[Force], Force],
        clock: Clock,
        metrics: Metrics,
        codecs: Codecs = plain,
    ) -> None:
        self.name, self.rule, self.register = name, rule, register
        self.follow, self.clock, self.metrics = follow, clock, metrics
        self.codecs = codecs
        for topic in TOPICS.values():  # now, and not at the first disclosure, it shows if they cannot be written
            codecs(topic)
        self._adopt(register.force)
        self.encode = codecs(AUDIT).encode
        self.seen: dict[int, Outcome] = {}
        self.zones = {camera.id: camera.zone for camera in register.estate.cameras.values()}
        self.heard: dict[int, int] = {}
        metrics.cameras_heard.set_function(self._hears)

    def prepare(self) -> bool:
        """Obeys the orders that have come in, at the boundary of a transaction. True if any have."""
        force = self.follow(self.register.force)
        changed = force is not self.register.force
        if changed:
            if force.enacted is not self.register.force.enacted:
                self._adopt(force)
            self.register = under(self.register, force)
        self.metrics.suspended.set(force.shut)
        self.metrics.suspensions.set(len(force.suspended))
        self.metrics.orders_missing.set(force.missing)
        return changed

    def _adopt(self, force: Force) -> None:
        """Decides by the bundle that is in force, and by nothing of the one before."""
        self.law = self.rule(force)
        self.project = projectors(self.law.table.forms, within, self.codecs)
        self.metrics.bundle.set(force.enacted.number if force.enacted else 0)

    def handle(self, batches: Sequence[Batch], now: int) -> Handled:
        """The disclosures and the evidence of one transaction."""
        handled = Handled(note=Note())
        for offered in batches:
            kind = KINDS[offered.topic]
            batch = offered if kind is Kind.IMAGE else _plausible(offered, handled.rejected)
            if not batch.records:
                continue
            cameras = [record.camera for record in batch.records]
            captured = [record.captured_at for record in batch.records]
            offset = self.clock.offset
            seen = [
                delivery.timestamp * MS + offset if delivery.timestamp_type == BROKER_TIME else NEVER
                for delivery in batch.deliveries
            ]
            vrms = [record.vrm for record in batch.records] if kind is Kind.READ else repeat("")
            outcomes = decide(self.law, self.register, kind, cameras, captured, seen, vrms, now)
            handled.outputs.extend(self._disclose(batch, kind, outcomes))
            rows = list(map(row_of, outcomes))
            distinct = dict(zip(rows, outcomes, strict=True))
            evidence = self.encode(self._evidence(batch, cameras, captured, distinct, rows, now))
            handled.outputs.append(Output(AUDIT.name, batch.partition, None, evidence))
            handled.marks[batch.topic, batch.partition] = link(evidence).hex()
            handled.note.decided.update(zip(repeat(kind), rows, map(self.zones.get, cameras), strict=False))
            handled.note.cameras.update(cameras)
            self.seen |= distinct
        return handled

    def _disclose(self, batch: Batch, kind: Kind, outcomes: list[Outcome]) -> list[Output]:
        """The records that the police may have, each in its form."""
        target, partition, project = TARGETS[kind], batch.partition, self.project
        return [
            Output(target, partition, delivery.key, project[outcome.regime, outcome.form](record))
            for outcome, record, delivery in zip(outcomes, batch.records, batch.deliveries, strict=True)
            if outcome.form
        ]

    def _evidence(
        self,
        batch: Batch,
        cameras: list[int],
        captured: list[int],
        distinct: Mapping[int, Outcome],
        rows: list[int],
        now: int,
    ) -> DecisionBatch:
        index = {row: i for i, row in enumerate(distinct)}
        return DecisionBatch(
            gate=self.name,
            topic=batch.topic,
            partition=batch.partition,
            first_offset=batch.deliveries[0].offset,
            last_offset=batch.deliveries[-1].offset,
            decided_at=now,
            bundle=self.law.bundle_digest,
            register=self.register.digest,
            orders_offset=self.register.force.offset,
            pinned=self.law.pinned,
            purpose=self.register.purpose,
            clock_bound=self.law.clock_bound,
            previous=bytes.fromhex(batch.mark),
            outcomes=list(distinct.values()),
            cameras=cameras,
            sequences=[record.sequence for record in batch.records],
            captured=captured,
            decisions=list(map(index.__getitem__, rows)),
        )

    def committed(self, batches: Sequence[Batch], handled: Handled, now: int) -> None:
        """Counts what was decided, and notes which cameras of the register were heard."""
        del batches
        note = handled.note or Note()
        self.heard |= dict.fromkeys(self.zones.keys() & note.cameras, now)
        for (kind, row, zone), number in note.decided.items():
            o = self.seen[row]
            self.metrics.decisions.labels(o.regime, kind, zone or Zone.UNKNOWN, o.effect, o.form, o.reason).inc(number)

    def _hears(self) -> int:
        """How many cameras were heard lately. Asked by /metrics, from a thread of its own."""
        since = self.clock.now() - QUIET
        return sum(at > since for at in list(self.heard.values()))


def _plausible(batch: Batch, rejected: list[Rejected]) -> Batch:
    """The batch without the reads that no plate can have given: the police get no smuggled text."""
    found = [_is_plausible(record) for record in batch.records]
    if all(found):
        return batch
    for delivery, fits in zip(batch.deliveries, found, strict=True):
        if not fits:
            rejected.append(reject(delivery, ImplausibleReadError("a mark, confidence or flags that no reader gives")))
    return replace(
        batch,
        records=[record for record, fits in zip(batch.records, found, strict=True) if fits],
        deliveries=[delivery for delivery, fits in zip(batch.deliveries, found, strict=True) if fits],
    )


def _is_plausible(read: Read) -> bool:
    vrm = read.vrm
    return (
        len(vrm) <= MOST_TEXT and len(read.raw) <= MOST_TEXT and vrm.isalnum() and vrm.isascii() and vrm == vrm.upper()
        and 0 <= read.confidence <= 100 and 0 <= read.flags <= ALL_FLAGS and read.sequence >= 0
    )  # fmt: skip
