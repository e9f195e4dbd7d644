"""Why a read was decided so, and what would have to change for another answer. Pure."""

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from ringfence.estate import Estate
from ringfence.policy.bundle import Bundle, Form, Regime
from ringfence.policy.decide import Law, decide
from ringfence.policy.facts import DOCUMENTS, DOMAINS, Facts, Kind, Purpose
from ringfence.policy.lint import Template, parse
from ringfence.policy.oracle import Ruled
from ringfence.policy.orders import ALL, Force, Warrant
from ringfence.policy.register import Register
from ringfence.policy.table import MARKS, PLACES, outcome, stronger
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


class Asked(Struct, frozen=True):
    """One read or image, and when it is asked for. Moments in µs; the clocks of camera and broker agree.

    ``vrm`` is the mark as the gate would have it, empty if none is known.
    """

    kind: Kind
    camera: int
    captured: int
    now: int
    vrm: str = ""

    @property
    def mark(self) -> str:
        """The mark that counts: an image is judged by its place and time."""
        return self.vrm if self.kind is Kind.READ else ""


class Supposed(Struct, frozen=True):
    """What is taken to be otherwise than it is. ``activated`` None: as it is."""

    suspended: bool = False
    authorised: bool = False
    listed: bool = False
    activated: bool | None = None


def suppose(force: Force, estate: Estate, asked: Asked, purpose: Purpose, what: Supposed) -> Force:
    """What would be in force for this read. The authorisation covers its camera, at its moment."""
    if what.suspended:
        force = replace(force, suspended=force.suspended | {ALL})
    if what.authorised:
        warrant = Warrant(f"camera/{asked.camera}", purpose, asked.captured, max(asked.now, asked.captured) + 1)
        force = replace(force, warrants={**force.warrants, "supposed": warrant})
    if what.listed and asked.kind is Kind.READ:
        force = replace(force, hotlist={**force.hotlist, asked.vrm: frozenset({"supposed"})})
    if what.activated is not None and asked.camera in estate.cameras:
        turn = ((asked.captured, what.activated),)
        force = replace(force, activated={**force.activated, estate.cameras[asked.camera].tranche: turn})
    return force


def answer(law: Law, known: Register, asked: Asked) -> Outcome:
    """The gate's own decision."""
    one = [asked.captured]
    return decide(law, known, asked.kind, [asked.camera], one, one, [asked.mark], asked.now)[0]


def facts_of(law: Law, known: Register, asked: Asked) -> Facts:
    """What the gate knew when it decided so."""
    span = known.span(asked.captured, asked.now)
    zone, activation, suspended, local = list(PLACES)[span.places.get(asked.camera, span.elsewhere)]
    personal = list(MARKS)[known.mark(asked.mark, asked.captured, asked.now)][1]
    ruled = law.table.interval(asked.captured).ruled
    term = ruled.regime.retention if ruled else None
    return Facts(
        zone=zone, activation=activation, suspended=suspended, authorisation=stronger(local, personal),
        hotlisted=asked.mark in known.force.hotlist, retained=term is None or asked.captured >= asked.now - term,
        purpose=known.purpose, **{name: name in known.force.on_record for name in DOCUMENTS},
    )  # fmt: skip


def rules_of(bundle: Bundle, text: str, where: str) -> dict[str, Rule]:
    """The rules of a Cedar text by id, in its order."""
    return {rule.id: rule for rule in map(_rule, parse(text, bundle.schema, where)[1].values())}


def all_rules(bundle: Bundle, regime: Regime) -> dict[str, Rule]:
    """The rules of the house and those of a regime, by id."""
    return rules_of(bundle, bundle.common, "the house") | rules_of(bundle, regime.policy, regime.id)


def changes(ruled: Ruled, kind: Kind, facts: Facts, halted: frozenset[str] = frozenset()) -> Iterator[Change]:
    """Every single fact whose change would give another form. ``halted``: the forms suspended."""
    got = outcome(ruled, 0, kind, facts, halted)
    for name in ruled.reads:
        if name in GIVEN:
            continue
        now = getattr(facts, name)
        for other in DOMAINS[name]:
            then = outcome(ruled, 0, kind, replace(facts, **{name: other}), halted)
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
