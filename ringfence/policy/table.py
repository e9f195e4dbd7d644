"""The decision table: every answer that the gate can give, in the shape in which it looks them up. Pure.

A row is a question to one regime (what is asked for, and the facts) with what came of it. The rows of a
moment, for one kind of record and under the conditions that are the same for a whole batch, make a plan: a
list that is indexed by the camera's place, the vehicle's mark and the clock.
"""

import math
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from ringfence.errors import PolicyError
from ringfence.policy.bundle import IN_FORCE, Bundle, Form
from ringfence.policy.facts import DOCUMENTS, DOMAINS, Activation, Authorisation, Facts, Kind, Purpose, Zone, grid
from ringfence.policy.oracle import Answer, Key, Ruled, consult
from schemas.records import Effect, Outcome

NO_REGIME = "no_regime_in_force"

# What is known of a camera, and of a vehicle. The index of a plan is (place x marks + mark) x 2, and one more if the
# clocks are apart.
PLACES = {values: i for i, values in enumerate(product(Zone, Activation, (False, True), Authorisation))}
MARKS = {values: i for i, values in enumerate(product((False, True), Authorisation))}
CLOCKS = 2
STRENGTH = tuple(Authorisation)


class Conditions(Struct, frozen=True):
    """What is the same for every record of a batch: the purpose, the documents on record, the forms suspended."""

    purpose: Purpose = Purpose.CRIME
    on_record: frozenset[str] = frozenset()
    halted: frozenset[str] = frozenset()


class Plan(Struct, frozen=True):
    """The outcomes from ``lo`` (µs) up to, not including, ``hi``. ``marked``: whether the vehicle matters."""

    lo: float
    hi: float
    rows: tuple[Outcome, ...]
    marked: bool


class Interval(Struct, frozen=True):
    """Who rules from ``lo`` (µs) up to, not including, ``hi``; None: nobody. ``first`` is the number of its first row.

    ``made`` keeps the rows that were worked out already, by kind, conditions and whether they are retained.
    """

    lo: float
    hi: float
    ruled: Ruled | None
    first: int
    made: dict[tuple[Kind, Conditions, bool], tuple[Outcome, ...]] = field(default_factory=dict)


class Table(Struct, frozen=True):
    """The compiled law: intervals in order of time, without gaps, and the forms by name."""

    intervals: tuple[Interval, ...]
    forms: Mapping[str, Form]

    def interval(self, at: float) -> Interval:
        """The interval that covers a moment (µs)."""
        return next(one for one in self.intervals if one.lo <= at < one.hi)

    def decide(self, kind: Kind, facts: Facts, at: int, halted: frozenset[str] = frozenset()) -> Outcome:
        """One decision, from facts. The hot path does the same with its lookups taken out of the loop."""
        interval = self.interval(at)
        if interval.ruled is None:
            return nothing(interval)
        return outcome(interval.ruled, interval.first, kind, facts, halted)

    def plan(self, kind: Kind, conditions: Conditions, at: int, now: int) -> Plan:
        """The plan for a moment of capture (µs), decided at ``now`` (µs): what is past its retention is apart."""
        interval = self.interval(at)
        lo, hi, ruled = interval.lo, interval.hi, interval.ruled
        if ruled is None:
            return Plan(lo, hi, (nothing(interval),) * SIZE, marked=False)
        oldest = now - ruled.regime.retention if ruled.regime.retention is not None else -math.inf
        retained = at >= oldest
        lo, hi = (max(lo, oldest), hi) if retained else (lo, min(hi, oldest))
        made = interval.made
        if (kind, conditions, retained) not in made:
            made[kind, conditions, retained] = tuple(_rows(ruled, interval.first, kind, conditions, retained))
        marked = "hotlisted" in ruled.reads or "authorisation" in ruled.reads
        return Plan(lo, hi, made[kind, conditions, retained], marked)


SIZE = len(PLACES) * len(MARKS) * CLOCKS


def compile_bundle(bundle: Bundle, pinned: str | None = None) -> Table:
    """The table of a bundle: the regimes in force, each in its dates, or one ``pinned`` for all time."""
    regimes = [bundle.regime(pinned)] if pinned else [r for r in bundle.regimes if r.status == IN_FORCE]
    return table_of(bundle, {regime.id: consult(bundle, regime) for regime in regimes}, pinned)


def table_of(bundle: Bundle, ruled: Mapping[str, Ruled], pinned: str | None = None) -> Table:
    """The same, from regimes that were put to Cedar before."""
    if pinned:
        return arrange([ruled[bundle.regime(pinned).id]], bundle.forms, always=True)
    return arrange([ruled[r.id] for r in bundle.regimes if r.status == IN_FORCE], bundle.forms)


def arrange(ruled: Iterable[Ruled], forms: Iterable[Form], *, always: bool = False) -> Table:
    """The table of these regimes. PolicyError if two of them rule at once."""
    first, intervals = 1, []
    for lo, hi, one in _timeline(list(ruled), always=always):
        intervals.append(Interval(lo, hi, one, first if one else 0))
        first += _size(one) if one else 0
    return Table(tuple(intervals), {form.name: form for form in forms})


def rows(table: Table, kind: Kind) -> Iterable[tuple[Ruled, Facts, Outcome]]:
    """Every question that the regimes of a table can tell apart, with its outcome."""
    for interval in table.intervals:
        if interval.ruled:
            for facts in grid(interval.ruled.reads):
                yield interval.ruled, facts, outcome(interval.ruled, interval.first, kind, facts, frozenset())


def nothing(interval: Interval) -> Outcome:
    """The outcome where no regime is in force. It has row 0, and no regime has."""
    return Outcome(interval.first, "", Effect.DENY, "", NO_REGIME, [])


def outcome(ruled: Ruled, first: int, kind: Kind, facts: Facts, halted: frozenset[str]) -> Outcome:
    """The first form that is allowed and not suspended, or why the fullest form is not."""
    forms = [form for form in ruled.forms if form.of == kind]
    row = first + _number(ruled, kind, facts)
    for number, form in enumerate(forms, 1):
        answer = ruled.answer(form.name, facts)
        if answer.allowed and form.name not in halted:
            return _outcome(ruled, row + number, answer, form.name)
    allowed = [form for form in forms if ruled.answer(form.name, facts).allowed]
    if allowed:  # all of them suspended: what the rules say of a suspension
        stopped = ruled.answer(allowed[0].name, replace(facts, suspended=True))
        return _outcome(ruled, row + len(ruled.forms) + 1, stopped, "")
    return _outcome(ruled, row, ruled.answer(forms[0].name, facts), "")


def _outcome(ruled: Ruled, row: int, answer: Answer, form: str) -> Outcome:
    effect = Effect.ALLOW if form else Effect.DENY
    return Outcome(row, ruled.regime.label, effect, form, answer.reason, answer.rules)


def _number(ruled: Ruled, kind: Kind, facts: Facts) -> int:
    """Number of the question within its regime, counted in steps of the outcomes that it can have."""
    number = list(Kind).index(kind)
    for name in ruled.reads:
        domain = DOMAINS[name]
        number = number * len(domain) + domain.index(getattr(facts, name))
    return number * (len(ruled.forms) + 2)


def _size(ruled: Ruled) -> int:
    """Numbers that the rows of a regime take up."""
    return len(Kind) * math.prod(len(DOMAINS[name]) for name in ruled.reads) * (len(ruled.forms) + 2)


def _rows(ruled: Ruled, first: int, kind: Kind, conditions: Conditions, retained: bool) -> Iterable[Outcome]:
    """The outcomes in the order of the index. What the rules cannot tell apart is worked out once."""
    documents: dict[str, Any] = {name: name in conditions.on_record for name in DOCUMENTS}
    common = Facts(retained=retained, purpose=conditions.purpose, **documents)
    known: dict[Key, Outcome] = {}
    for (zone, activation, suspended, local), (hotlisted, personal), apart in product(PLACES, MARKS, (False, True)):
        facts = replace(
            common, zone=zone, activation=activation, suspended=suspended, hotlisted=hotlisted,
            authorisation=stronger(local, personal), clock_in_bounds=not apart,
        )  # fmt: skip
        key = ruled.key(facts)
        if key not in known:
            known[key] = outcome(ruled, first, kind, facts, conditions.halted)
        yield known[key]


def stronger(one: Authorisation, other: Authorisation) -> Authorisation:
    """The one that gives more."""
    return max(one, other, key=STRENGTH.index)


def _timeline(regimes: list[Ruled], *, always: bool) -> list[tuple[float, float, Ruled | None]]:
    """Intervals that cover all of time: who rules from when to when. Overlaps are refused."""
    if always:
        return [(-math.inf, math.inf, ruled) for ruled in regimes]
    intervals: list[tuple[float, float, Ruled | None]] = []
    now = -math.inf
    for ruled in sorted(regimes, key=lambda one: one.regime.starts):
        regime = ruled.regime
        if regime.starts < now:
            raise PolicyError(f"{regime.id} starts before the regime before it ends: set `until` there")
        if regime.starts > now:
            intervals.append((now, regime.starts, None))
        now = math.inf if regime.ends is None else regime.ends
        intervals.append((regime.starts, now, ruled))
    return intervals if now == math.inf else [*intervals, (now, math.inf, None)]
