"""Counts every decision in the evidence and checks, as it comes, that the chain is whole.

It also counts what reached the police: bytes on their topics, whatever is in them. Each disclosure must have its
ALLOW decision in the evidence, so the two numbers must be one. Both are kept in the marks, from the first record on.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from ringfence.audit.chain import Heads, follow
from ringfence.kafka_io import Place
from ringfence.metrics import Metrics
from ringfence.stage import Batch, Handled
from schemas.records import DecisionBatch, Effect
from schemas.topics import AUDIT, POLICE, POLICE_IMAGES, User


class Mark(Struct, frozen=True):
    """What oversight remembers of a partition: the heads of its chains, and what it counted there from the first on."""

    heads: Heads = {}
    allowed: int = 0
    disclosed: int = 0


class Oversight:
    """The auditor. What it counted and the head of each chain are its mark, so a restart goes on where it stopped."""

    user = User.OVERSIGHT
    # Only the police may set a disclosure aside as unreadable; here it counts, readable or not.
    inputs = (AUDIT, replace(POLICE, record=None), replace(POLICE_IMAGES, record=None))
    most = 10_000

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self.log = structlog.get_logger(stage=str(self.user))
        self.effects: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.forms: Counter[str] = Counter()
        self.batches = 0
        self.breaks: list[str] = []

    def prepare(self) -> bool:
        """Nothing stands beside this stream."""
        return False

    def handle(self, batches: Sequence[Batch], now: int) -> Handled:
        """New counts and heads of the chains as marks; breaks as the note."""
        del now
        handled = Handled(note=[])
        for batch in batches:
            place = batch.topic, batch.partition
            mark = recall(handled.marks.get(place, batch.mark))
            if batch.topic == AUDIT.name:
                mark = self._audit(mark, batch, handled.note)
            else:
                mark = replace(mark, disclosed=mark.disclosed + len(batch.records))
            handled.marks[place] = msgspec.json.encode(mark).decode()
        return handled

    def _audit(self, mark: Mark, batch: Batch, breaks: list[str]) -> Mark:
        heads, allowed = mark.heads, mark.allowed
        for record, delivery in zip(batch.records, batch.deliveries, strict=True):
            heads, broken = follow(heads, delivery.value, record)
            breaks += [broken] if broken else []
            allowed += sum(n for i, n in Counter(record.decisions).items() if record.outcomes[i].effect is Effect.ALLOW)
        return replace(mark, heads=heads, allowed=allowed)

    def committed(self, batches: Sequence[Batch], handled: Handled, now: int) -> None:
        """Counts decisions and reports breaks."""
        del now
        for broken in handled.note or ():
            self.breaks.append(broken)
            self.metrics.chain_breaks.inc()
            self.log.error("the chain of evidence is broken", at=broken)
        for batch in batches:
            if batch.topic == AUDIT.name:
                self.batches += len(batch.records)
                for record in batch.records:
                    self._count(record)

    def _count(self, evidence: DecisionBatch) -> None:
        for i, number in Counter(evidence.decisions).items():
            outcome = evidence.outcomes[i]
            self.effects[outcome.effect] += number
            self.metrics.audited.labels(outcome.effect).inc(number)
            if outcome.effect is Effect.DENY:
                self.reasons[outcome.reason] += number
            else:
                self.forms[outcome.form] += number

    def remembered(self, marks: Mapping[Place, str]) -> None:
        """Shows disclosures less ALLOW decisions, of the partitions of this member; all members together give 0."""
        self.metrics.unaudited.set(sum(one.disclosed - one.allowed for one in map(recall, marks.values())))

    def report(self) -> dict[str, Any]:
        """What the evidence says, as JSON takes it."""
        return {
            "decisions_audited": self.effects.total(),
            "decisions": {effect.value: self.effects[effect] for effect in Effect},
            "denied_by_reason": dict(sorted(self.reasons.items())),
            "allowed_by_form": dict(sorted(self.forms.items())),
            "decision_batches": self.batches,
            "chain_breaks": self.breaks,
        }


def recall(mark: str) -> Mark:
    """A mark as it was committed. One that is empty, or from before there were counts, holds none."""
    if mark and '"heads"' not in mark:
        return Mark(json.loads(mark))
    return msgspec.json.decode(mark or "{}", type=Mark)
