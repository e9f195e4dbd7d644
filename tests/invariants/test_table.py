"""What must hold of every row, and that the table says what Cedar says, on random events."""

import random
from pathlib import Path

import pytest
from cedarpy import PolicySet, is_authorized_batch

from ringfence.policy.bundle import load
from ringfence.policy.decide import Law, decide
from ringfence.policy.facts import DOCUMENTS, NAMES, Activation, Authorisation, Facts, Kind, Purpose, Zone, request
from ringfence.policy.orders import Force, Warrant
from ringfence.policy.register import GRACE, register
from ringfence.policy.table import compile_bundle, rows
from schemas.records import Effect
from tests.unit.made import ESTATE, OPENING

BUNDLE = load(Path("policies"))
REGIMES = [regime.id for regime in BUNDLE.regimes]
TABLES = {name: compile_bundle(BUNDLE, name) for name in REGIMES}
EVENTS, BATCH = 12_000, 500  # for each regime: 108,000 in all
HOUR, BOUND = 3_600_000_000, 300_000_000
VRMS = ("LK19ABC", "LK19ABD", "W123ABC", "")
EXPANSION = (Zone.ULEZ_2021, Zone.ULEZ_2023)


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("kind", Kind)
def test_properties_of_every_row(regime, kind):
    """Whatever the regime, and whatever its rules read."""
    found = list(rows(TABLES[regime], kind))
    assert found
    for ruled, facts, got in found:
        assert (got.effect is Effect.ALLOW) == bool(got.form) == (not got.reason)
        assert got.rules, "every answer names its rules"
        if facts.suspended or not facts.clock_in_bounds or not facts.retained or facts.zone is Zone.UNKNOWN:
            assert got.effect is Effect.DENY
        if got.form:
            assert TABLES[regime].forms[got.form].of == kind
            assert got.form in ruled.regime.forms
            assert facts.purpose in ruled.regime.purposes


WAITS = [r for r in REGIMES if r not in ("inner-2022-as-alleged",)]


@pytest.mark.parametrize("regime", WAITS)
@pytest.mark.parametrize("kind", Kind)
def test_nothing_from_an_expansion_camera_that_is_not_activated(regime, kind):
    for ruled, facts, got in rows(TABLES[regime], kind):
        if facts.zone in EXPANSION and (facts.activation is Activation.PENDING or "activation" not in ruled.reads):
            assert got.effect is Effect.DENY


@pytest.mark.parametrize("regime", ["pre-2007", "ns-2007", "limited-2015", "quashed"])
def test_no_image_at_all(regime):
    assert {got.effect for _, _, got in rows(TABLES[regime], Kind.IMAGE)} == {Effect.DENY}


@pytest.mark.parametrize("regime", ["pre-2007", "ns-2007"])
def test_for_crime_nothing_without_an_authorisation_in_force(regime):
    for _, facts, got in rows(TABLES[regime], Kind.READ):
        if facts.purpose is Purpose.CRIME and facts.authorisation is not Authorisation.IN_FORCE:
            assert got.effect is Effect.DENY


def test_nothing_from_an_expansion_camera_before_every_document_is_on_record():
    for kind in Kind:
        for _, facts, got in rows(TABLES["claimants-remedy"], kind):
            if facts.zone in EXPANSION and not all(getattr(facts, name) for name in DOCUMENTS):
                assert got.effect is Effect.DENY


SCOPES = ("all", "zone/ccz", "zone/ulez-2021", "camera/2", "camera/5")
TRANCHES = ("inner-1", "inner-2", "outer-1")


def hours(draw, most):
    return OPENING + draw.randint(-most, most) * HOUR


def random_force(draw):
    subjects = [f"vrm/{v}" for v in VRMS[:3]] + ["zone/ccz", "zone/ulez-2021", "camera/2", "camera/4"]
    return Force(
        suspended=frozenset(draw.sample(SCOPES, draw.choice([0, 0, 1, 2]))),
        activated={t: ((hours(draw, 2), draw.random() < 0.8),) for t in draw.sample(TRANCHES, 2)},
        warrants={
            str(i): Warrant(draw.choice(subjects), draw.choice(list(Purpose)), (lo := hours(draw, 4)), lo + 2 * HOUR)
            for i in range(draw.randint(0, 4))
        },
        hotlist=dict.fromkeys(draw.sample(VRMS[:3], draw.randint(0, 3)), frozenset({"a test"})),
        on_record=frozenset(d for d in DOCUMENTS if draw.random() < 0.7),
    )  # fmt: skip


def facts_of(regime, force, purpose, camera, at, seen, vrm, now):
    """The facts of one event, worked out anew and slowly, from the words of the design alone."""
    known = ESTATE.cameras.get(camera)
    zone = Zone(known.zone) if known else Zone.UNKNOWN
    activation = Activation.NOT_REQUIRED
    scopes = {"all"}
    subjects = {f"vrm/{vrm}"} if vrm else set()
    if known:
        scopes |= {f"zone/{zone}", f"camera/{camera}"}
        subjects |= {f"zone/{zone}", f"camera/{camera}"}
        if ESTATE.tranches[known.tranche].needs_activation:
            orders = [on for since, on in force.activated.get(known.tranche, ()) if since <= at]
            activation = Activation.ACTIVATED if orders and orders[-1] else Activation.PENDING
    covers = [w for w in force.warrants.values() if w.subject in subjects and w.purpose is purpose]
    if any(w.lo <= at < w.hi and now < w.hi + GRACE for w in covers):
        authorisation = Authorisation.IN_FORCE
    else:
        authorisation = Authorisation.LAPSED if covers else Authorisation.NONE
    term = BUNDLE.regime(regime).retention
    return Facts(
        zone=zone, activation=activation, suspended=bool(scopes & force.suspended), authorisation=authorisation,
        hotlisted=vrm in force.hotlist, clock_in_bounds=abs(seen - at) <= BOUND,
        retained=term is None or now - at <= term, purpose=purpose, **{d: d in force.on_record for d in DOCUMENTS},
    )  # fmt: skip


def ask_cedar(regime, kind, questions):
    """Cedar asked directly, from the text, on every fact and not on those alone that the rules read."""
    policies = PolicySet.from_str(BUNDLE.common + "\n" + BUNDLE.regime(regime).policy)
    forms = [form for form in BUNDLE.forms if form.of == kind]
    answers = {f.name: is_authorized_batch([request(q, f.action) for q in questions], policies, "[]") for f in forms}
    for i, _ in enumerate(questions):
        form = next((f.name for f in forms if answers[f.name][i].allowed), "")
        yield form, sorted(answers[form or forms[0].name][i].diagnostics.id_annotations_by_reason.values())


@pytest.mark.parametrize("regime", REGIMES)
def test_table_and_cedar_agree_on_random_events(regime):
    draw, law = random.Random(regime), Law(TABLES[regime], b"", BOUND)
    term = BUNDLE.regime(regime).retention or 10 * 365 * 24 * HOUR
    met = set()
    for _ in range(EVENTS // BATCH):
        force, purpose, kind = random_force(draw), draw.choice([Purpose.CRIME, *Purpose]), draw.choice(list(Kind))
        now = OPENING + draw.choice([0, 0, 0, HOUR, term, term - 3 * HOUR])
        cameras = [draw.choice([1, 2, 3, 4, 5, 99]) for _ in range(BATCH)]
        captured = [OPENING + draw.randint(-5 * HOUR, 5 * HOUR) for _ in range(BATCH)]
        seen = [at + draw.choice([0, 0, 0, BOUND, BOUND + 1, -BOUND - 1]) for at in captured]
        vrms = [draw.choice(VRMS) if kind is Kind.READ else "" for _ in range(BATCH)]
        got = decide(law, register(ESTATE, force, purpose), kind, cameras, captured, seen, vrms, now)
        questions = [
            facts_of(regime, force, purpose, *event, now) for event in zip(cameras, captured, seen, vrms, strict=True)
        ]
        for one, facts, (form, ids) in zip(got, questions, ask_cedar(regime, kind, questions), strict=True):
            assert (one.form, sorted(one.rules)) == (form, ids), facts
            met.add(tuple(getattr(facts, name) for name in NAMES))
    assert len(met) > 300, "the events are various"
