"""Cedar compiled to a complete decision table, with Cedar itself as the oracle.

Every abstract question (kind x zone x activation x clock x suspension) is put to Cedar once, when the bundle
is loaded. The hot path is then a lookup. A question that is not in the table cannot be asked; a moment
that no regime covers is denied.
"""

import math
from collections.abc import Iterable, Mapping

from cedarpy import AuthzResult, PolicySet, is_authorized_batch, pst
from msgspec import Struct

from ringfence.errors import PolicyError
from ringfence.policy.bundle import IN_FORCE, Bundle, Form, Regime
from ringfence.policy.facts import ALL_FACTS, CAMERA_PLACES, Facts, Kind, request
from ringfence.policy.lint import parse
from schemas.records import Effect, Outcome

NO_RULE = "no_rule_permits"
NO_REGIME = "no_regime_in_force"
EVALUATION_FAILED = "policy_evaluation_failed"


class Plan(Struct, frozen=True):
    """What holds for one kind of record from ``lo`` (µs) up to, not including, ``hi``.

    ``rows[2 * place + (0 if the clock is in bounds else 1)]`` is the outcome, where ``place`` is the
    camera's entry in CAMERA_PLACES.
    """

    lo: float
    hi: float
    rows: tuple[Outcome, ...]


class Table(Struct, frozen=True):
    """The compiled law: plans by kind and suspension, in order of time, without gaps."""

    plans: Mapping[tuple[Kind, bool], tuple[Plan, ...]]
    outcomes: tuple[Outcome, ...]
    forms: Mapping[str, Form]

    def plan(self, kind: Kind, suspended: bool, at: int) -> Plan:
        """The plan that covers a moment (µs)."""
        for plan in self.plans[kind, suspended]:
            if plan.lo <= at < plan.hi:
                return plan
        raise AssertionError("plans leave a gap in time")  # excluded by _timeline()

    def decide(self, kind: Kind, facts: Facts, at: int) -> Outcome:
        """One decision, from facts. The hot path does the same with its lookups taken out of the loop."""
        place = CAMERA_PLACES[facts.zone, facts.activation]
        return self.plan(kind, facts.suspended, at).rows[2 * place + (not facts.clock_in_bounds)]


def compile_bundle(bundle: Bundle, pinned: str | None = None) -> Table:
    """The table of a bundle: the regimes in force, each in its dates, or one ``pinned`` for all time."""
    regimes = [bundle.regime(pinned)] if pinned else [r for r in bundle.regimes if r.status == IN_FORCE]
    rows: dict[tuple[str, Kind, bool], tuple[Outcome, ...]] = {}
    number = 0
    for regime in regimes:
        oracle = _Oracle.of(bundle, regime)
        for kind in Kind:
            for suspended in (False, True):
                facts = [f for f in ALL_FACTS if f.suspended == suspended]
                rows[regime.id, kind, suspended] = tuple(oracle.ask(kind, facts, number))
                number += len(facts)
    nothing = Outcome(number, "", Effect.DENY, "", NO_REGIME, [])
    plans = {
        (kind, suspended): tuple(
            Plan(lo, hi, rows[r.id, kind, suspended] if r else (nothing,) * len(CAMERA_PLACES) * 2)
            for lo, hi, r in _timeline(regimes, always=bool(pinned))
        )
        for kind in Kind
        for suspended in (False, True)
    }
    outcomes = (*(outcome for group in rows.values() for outcome in group), nothing)
    return Table(plans, outcomes, {form.name: form for form in bundle.forms})


def _timeline(regimes: Iterable[Regime], *, always: bool) -> list[tuple[float, float, Regime | None]]:
    """Intervals that cover all of time: who rules from when to when. Overlaps are refused."""
    if always:
        return [(-math.inf, math.inf, regime) for regime in regimes]
    intervals: list[tuple[float, float, Regime | None]] = []
    now = -math.inf
    for regime in sorted(regimes, key=lambda r: r.starts):
        if regime.starts < now:
            raise PolicyError(f"{regime.id} starts before the regime before it ends: set `until` there")
        if regime.starts > now:
            intervals.append((now, regime.starts, None))
        now = math.inf if regime.ends is None else regime.ends
        intervals.append((regime.starts, now, regime))
    return intervals if now == math.inf else [*intervals, (now, math.inf, None)]


class _Oracle(Struct, frozen=True):
    """Cedar, loaded with the house rules and one regime."""

    policies: PolicySet
    rules: Mapping[str, pst.Template]
    regime: Regime
    forms: tuple[Form, ...]

    @classmethod
    def of(cls, bundle: Bundle, regime: Regime) -> "_Oracle":
        text = f"{bundle.common}\n{regime.policy}"
        handle, rules = parse(text, bundle.schema, regime.id)
        return cls(handle, rules, regime, bundle.forms)

    def ask(self, kind: Kind, facts: list[Facts], first: int) -> Iterable[Outcome]:
        """One outcome a question: the first form that is allowed, or why the plainest form is not."""
        forms = [form for form in self.forms if form.of == kind]
        answers = {
            form.name: is_authorized_batch([request(f, form.action) for f in facts], self.policies, "[]")
            for form in forms
        }
        for i, _ in enumerate(facts):
            allowed = next((f.name for f in forms if self._clean(answers[f.name][i])), "")
            asked = allowed or forms[-1].name
            yield self._outcome(first + i, allowed, answers[asked][i])

    @staticmethod
    def _clean(answer: AuthzResult) -> bool:
        """Allowed, and nothing went wrong: Cedar skips a forbid that fails to evaluate."""
        return answer.allowed and not answer.diagnostics.errors

    def _outcome(self, row: int, form: str, answer: AuthzResult) -> Outcome:
        fired = [rule for policy_id, rule in self.rules.items() if policy_id in answer.diagnostics.reasons]
        ids = [rule.annotations["id"] for rule in fired]
        if form:
            return Outcome(row, self.regime.label, Effect.ALLOW, form, "", ids)
        reason = EVALUATION_FAILED if answer.diagnostics.errors else NO_RULE
        if fired and fired[0].effect == "forbid":
            reason = fired[0].annotations["reason"]
        return Outcome(row, self.regime.label, Effect.DENY, "", reason, ids)
