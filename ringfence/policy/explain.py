"""Why a read was decided so, and what would have to change for another answer. Pure."""

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from ringfence.policy.bundle import Bundle, Form, Regime
from ringfence.policy.facts import DOMAINS, Facts, Kind
from ringfence.policy.lint import Template, parse
from ringfence.policy.oracle import Ruled
from ringfence.policy.table import outcome
from schemas.records import Outcome

# A rule is about the facts of the case; that there is such a camera and a right clock is no choice of anybody.
GIVEN = ("zone", "clock_in_bounds")


class Rule(Struct, frozen=True):
    """A rule as a person reads it."""

    id: str
    effect: str
    plain: str
    basis: str
    reason: str


class Change(Struct, frozen=True):
    """One fact that, if it were otherwise, would change the answer, and the answer then."""

    fact: str
    now: str
    other: str
    then: Outcome


def rules_of(bundle: Bundle, text: str, where: str) -> dict[str, Rule]:
    """The rules of a Cedar text by id, in its order."""
    return {rule.id: rule for rule in map(_rule, parse(text, bundle.schema, where)[1].values())}


def all_rules(bundle: Bundle, regime: Regime) -> dict[str, Rule]:
    """The rules of the house and those of a regime, by id."""
    return rules_of(bundle, bundle.common, "the house") | rules_of(bundle, regime.policy, regime.id)


def changes(ruled: Ruled, kind: Kind, facts: Facts) -> Iterator[Change]:
    """Every single fact whose change would give another form, or another reason why not."""
    got = outcome(ruled, 0, kind, facts, frozenset())
    for name in ruled.reads:
        if name in GIVEN:
            continue
        now = getattr(facts, name)
        for other in DOMAINS[name]:
            then = outcome(ruled, 0, kind, replace(facts, **{name: other}), frozenset())
            if other != now and then.form != got.form:
                yield Change(name, words(now), words(other), then)


def summary(ruled: Ruled, kind: Kind) -> list[tuple[str, Mapping[str, str], Outcome]]:
    """The decision table in short: for each zone, what comes of each combination of the facts that matter there.

    (zone, facts, outcome), with a fact left out where no value of it changes what comes of the combination.
    """
    plain = [name for name in ruled.reads if name not in ("zone", "suspended", "clock_in_bounds", "retained")]
    lines: list[tuple[str, Mapping[str, str], Outcome]] = []
    for zone in DOMAINS["zone"]:
        for facts, got in _merged(ruled, kind, replace(Facts(), zone=zone), plain):
            lines.append((str(zone), facts, got))
    return lines


def _merged(ruled: Ruled, kind: Kind, base: Facts, names: list[str]) -> list[tuple[dict[str, str], Outcome]]:
    """A decision tree over the facts named, without the branches that make no difference."""
    if not names:
        return [({}, outcome(ruled, 0, kind, base, frozenset()))]
    first, rest = names[0], names[1:]
    branches = [(value, _merged(ruled, kind, replace(base, **{first: value}), rest)) for value in DOMAINS[first]]
    groups: list[tuple[list[str], list[tuple[dict[str, str], Outcome]]]] = []
    for value, branch in branches:
        same = next((values for values, other in groups if _alike(branch, other)), None)
        if same is None:
            groups.append(([words(value)], branch))
        else:
            same.append(words(value))
    if len(groups) == 1:
        return groups[0][1]
    return [({first: " or ".join(values)} | facts, got) for values, branch in groups for facts, got in branch]


def _alike(one: list[tuple[dict[str, str], Outcome]], other: list[tuple[dict[str, str], Outcome]]) -> bool:
    return [(f, o.form, o.reason) for f, o in one] == [(f, o.form, o.reason) for f, o in other]


def words(value: object) -> str:
    """A value as a person says it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).replace("_", " ")


def form_in_words(form: Form) -> str:
    """What a form holds, and how large its pictures may be."""
    bounds = []
    for name, bound in form.within.items():
        size = f", {bound.width} by {bound.height} pixels" if bound.width else ""
        bounds.append(f"{name.replace('_', ' ')} at most {bound.bytes:,} bytes{size}")
    fields = ", ".join(field.replace("_", " ") for field in form.fields)
    return f"camera, time, {fields}" + (f" ({'; '.join(bounds)})" if bounds else "")


def _rule(rule: Template) -> Rule:
    notes = rule.annotations
    return Rule(notes["id"], rule.effect, notes["plain"], notes["basis"], notes.get("reason", ""))
