"""Counts every decision in the evidence and checks, as it comes, that the chain is whole."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import structlog

from ringfence.audit.chain import Heads, follow
from ringfence.metrics import Metrics
from ringfence.stage import Batch, Handled
from schemas.records import DecisionBatch, Effect
from schemas.topics import AUDIT, User


class Oversight:
    """The auditor. The head of each chain is its mark, so a restart goes on where it stopped."""

    user = User.OVERSIGHT
    inputs = (AUDIT,)
    most = 1_000

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
        """New heads of the chains as marks; breaks as the note."""
        del now
        handled = Handled(note=[])
        for batch in batches:
            heads: Heads = json.loads(batch.mark or "{}")
            for record, delivery in zip(batch.records, batch.deliveries, strict=True):
                heads, broken = follow(heads, delivery.value, record)
                handled.note.extend([broken] if broken else [])
            handled.marks[batch.topic, batch.partition] = json.dumps(heads)
        return handled

    def committed(self, batches: Sequence[Batch], handled: Handled, now: int) -> None:
        """Counts decisions and reports breaks."""
        del now
        for broken in handled.note or ():
            self.breaks.append(broken)
            self.metrics.chain_breaks.inc()
            self.log.error("the chain of evidence is broken", at=broken)
        for batch in batches:
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
