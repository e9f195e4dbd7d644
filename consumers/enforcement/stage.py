"""The gate: facts, decision, form, evidence. One decision batch for each input partition of a transaction."""

from collections import Counter
from collections.abc import Callable, Sequence

from consumers.enforcement.forms import projectors
from ringfence.audit.chain import link
from ringfence.clock import Clock
from ringfence.metrics import Metrics
from ringfence.policy.decide import Law, decide
from ringfence.policy.facts import Kind
from ringfence.policy.orders import Standing
from ringfence.policy.register import Register, under
from ringfence.stage import Batch, Handled, Output
from schemas.codec import codec
from schemas.records import DecisionBatch, Outcome
from schemas.topics import AUDIT, IMAGES, POLICE, POLICE_IMAGES, READS, User

KINDS = {READS.name: Kind.READ, IMAGES.name: Kind.IMAGE}
TARGETS = {Kind.READ: POLICE.name, Kind.IMAGE: POLICE_IMAGES.name}
MS = 1_000


class Gate:
    """The enforcement stage. ``follow`` returns the orders in force; it may read, but never block."""

    user = User.ENFORCEMENT
    inputs = (READS, IMAGES)
    most = 100_000

    def __init__(
        self,
        name: str,
        law: Law,
        register: Register,
        follow: Callable[[Standing], Standing],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self.name, self.law, self.register = name, law, register
        self.follow, self.clock, self.metrics = follow, clock, metrics
        self.project = projectors(law.table)
        self.encode = codec(DecisionBatch).encode

    def prepare(self) -> None:
        """Obeys the orders that have come in, at the boundary of a transaction."""
        standing = self.follow(self.register.standing)
        if standing != self.register.standing:
            self.register = under(self.register, standing)
        self.metrics.suspended.set(standing.suspended)

    def handle(self, batches: Sequence[Batch], now: int) -> Handled:
        """The disclosures and the evidence of one transaction."""
        handled = Handled(note=Counter())
        for batch in batches:
            kind = KINDS[batch.topic]
            cameras = [record.camera for record in batch.records]
            captured = [record.captured_at for record in batch.records]
            offset = self.clock.offset
            seen = [delivery.timestamp * MS + offset for delivery in batch.deliveries]
            outcomes = decide(self.law, self.register, kind, cameras, captured, seen)
            handled.outputs.extend(self._disclose(batch, kind, outcomes))
            evidence = self.encode(self._evidence(batch, cameras, captured, outcomes, now))
            handled.outputs.append(Output(AUDIT.name, batch.partition, None, evidence))
            handled.marks[batch.topic, batch.partition] = link(evidence).hex()
            handled.note.update((kind, outcome.row) for outcome in outcomes)
        return handled

    def _disclose(self, batch: Batch, kind: Kind, outcomes: list[Outcome]) -> list[Output]:
        """The records that the police may have, each in its form."""
        target, partition, project = TARGETS[kind], batch.partition, self.project
        return [
            Output(target, partition, delivery.key, project[outcome.row](record))
            for outcome, record, delivery in zip(outcomes, batch.records, batch.deliveries, strict=True)
            if outcome.form
        ]

    def _evidence(
        self, batch: Batch, cameras: list[int], captured: list[int], outcomes: list[Outcome], now: int
    ) -> DecisionBatch:
        distinct = {outcome.row: outcome for outcome in outcomes}
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
            orders_offset=self.register.standing.offset,
            previous=bytes.fromhex(batch.mark),
            outcomes=list(distinct.values()),
            cameras=cameras,
            sequences=[record.sequence for record in batch.records],
            captured=captured,
            decisions=[index[outcome.row] for outcome in outcomes],
        )

    def committed(self, batches: Sequence[Batch], handled: Handled, now: int) -> None:
        """Counts what was decided."""
        del batches, now
        for (kind, row), number in (handled.note or {}).items():
            o = self.law.table.outcomes[row]
            self.metrics.decisions.labels(o.regime, kind, o.effect, o.form, o.reason).inc(number)
