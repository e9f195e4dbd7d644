"""The register under orders: suspensions by scope, activation by order, authorisations, the hotlist, documents."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from ringfence.policy.bundle import load
from ringfence.policy.decide import Law, decide
from ringfence.policy.facts import DOCUMENTS, Kind, Purpose
from ringfence.policy.orders import Force, Warrant
from ringfence.policy.register import GRACE, register
from ringfence.policy.table import compile_bundle
from tests.unit.made import ESTATE, OPENING

BUNDLE = load(Path("policies"))
LAWS = {regime.id: Law(compile_bundle(BUNDLE, regime.id), BUNDLE.digest, 300_000_000) for regime in BUNDLE.regimes}
CCZ, LEZ, INNER, OTHER_INNER, OUTER, UNKNOWN = 1, 2, 3, 4, 5, 99
HOUR = 3_600_000_000
VRM = "LK19ABC"


def ask(regime, force=None, camera=CCZ, kind=Kind.READ, at=OPENING, vrm=VRM, purpose=Purpose.CRIME, now=OPENING):
    """What comes of one record: its form, or why not."""
    known = register(ESTATE, force or Force(), purpose)
    (got,) = decide(LAWS[regime], known, kind, [camera], [at], [at], [vrm], now)
    return got.form or got.reason


def suspended(*scopes):
    return Force(suspended=frozenset(scopes))


@pytest.mark.parametrize(
    ("scope", "shut"),
    [("all", {CCZ, LEZ}), ("zone/ccz", {CCZ}), ("camera/2", {LEZ}), ("zone/ulez-2021", set()), ("camera/3", set())],
)
def test_a_suspension_reaches_its_scope_and_no_further(scope, shut):
    got = {camera: ask("inner-2022", suspended(scope), camera) for camera in (CCZ, LEZ)}
    assert {camera for camera, answer in got.items() if answer == "suspended"} == shut
    assert {answer for camera, answer in got.items() if camera not in shut} <= {"text"}


def test_a_form_may_be_suspended_alone():
    force = suspended("form/contextual")
    assert (ask("inner-2022", force), ask("inner-2022", force, kind=Kind.IMAGE)) == ("text", "suspended")


def test_an_unknown_camera_stays_unknown_whatever_is_suspended():
    assert ask("inner-2022", camera=UNKNOWN) == "unknown_camera"
    assert ask("inner-2022", suspended("all"), camera=UNKNOWN) == "suspended"


def test_a_tranche_opens_and_shuts_by_order_from_its_moment_on():
    force = Force(activated={"inner-1": ((OPENING, True), (OPENING + HOUR, False))})
    moments = (OPENING - 1, OPENING, OPENING + HOUR - 1, OPENING + HOUR)
    got = [ask("inner-2022", force, INNER, at=at) for at in moments]
    assert got == ["authorised_not_activated", "text", "text", "authorised_not_activated"]
    assert ask("inner-2022", force, OTHER_INNER) == "authorised_not_activated"
    assert ask("limited-2015", force, INNER) == "outside_camera_scope"


def warrant(subject, purpose=Purpose.CRIME):
    return Force(warrants={"w1": Warrant(subject, purpose, OPENING, OPENING + HOUR)})


@pytest.mark.parametrize("subject", [f"vrm/{VRM}", "camera/1", "zone/ccz"])
def test_an_authorisation_covers_what_it_names_while_it_lasts(subject):
    got = [ask("pre-2007", warrant(subject), at=at) for at in (OPENING - 1, OPENING, OPENING + HOUR)]
    assert got == ["request_required", "hit", "request_required"]
    assert ask("pre-2007", warrant(subject), camera=LEZ) == "request_required"


def test_an_authorisation_for_one_vehicle_is_for_no_other():
    assert ask("pre-2007", warrant(f"vrm/{VRM}"), vrm="LK19ABD") == "request_required"


def test_an_authorisation_is_for_its_purpose():
    assert ask("pre-2007", warrant("zone/ccz", Purpose.NATIONAL_SECURITY)) == "request_required"
    assert ask("ns-2007", purpose=Purpose.NATIONAL_SECURITY) == "text"
    assert ask("ns-2007") == "purpose_not_permitted"
    assert ask("ns-2007", warrant("zone/ccz")) == "hit"


def test_the_hotlist_alone_opens_nothing():
    assert ask("pre-2007", Force(hotlist={VRM: frozenset({"stolen"})})) == "request_required"


@pytest.mark.parametrize("missing", [*DOCUMENTS, None])
def test_the_claimants_remedy_waits_for_every_document(missing):
    force = Force(on_record=frozenset(DOCUMENTS) - {missing}, activated={"inner-1": ((0, True),)})
    got = ask("claimants-remedy", force, INNER)
    assert got == ("text" if missing is None else f"no_{missing}")


LASTING = Force(warrants={"w1": Warrant(f"vrm/{VRM}", Purpose.CRIME, OPENING, OPENING + 30 * 365 * 24 * HOUR)})


@pytest.mark.parametrize("subject", [f"vrm/{VRM}", "camera/1", "zone/ccz"])
def test_an_authorisation_that_has_ended_opens_nothing_that_was_captured_while_it_lasted(subject):
    """A backlog, or a replay: what is decided after the end is withheld, but for the grace that a clock needs."""
    end = OPENING + HOUR
    moments = (end - 1, end + GRACE - 1, end + GRACE, end + 24 * HOUR)
    got = [ask("pre-2007", warrant(subject), at=end - 1, now=now) for now in moments]
    assert got == ["hit", "hit", "request_required", "request_required"]


def test_many_authorisations_for_vehicles_cut_nothing_up():
    """An order must take effect at once, however many there were before."""
    one = Warrant("", Purpose.CRIME, OPENING, OPENING + HOUR)
    many = {f"police/{n}": replace(one, subject=f"vrm/AB{n:04d}", lo=OPENING + n) for n in range(1_000)}
    known = register(ESTATE, Force(warrants=many))
    assert (known.edges, known.ends) == ((), ())
    assert ask("pre-2007", Force(warrants=many), vrm="AB0005", at=OPENING + 5) == "hit"
    assert ask("pre-2007", Force(warrants=many), vrm="AB0005", at=OPENING + 4) == "request_required"


def test_only_the_spans_that_are_asked_for_are_worked_out():
    turns = tuple((OPENING + n, bool(n % 2)) for n in range(500))
    known = register(ESTATE, Force(activated={"inner-1": turns}))
    before = len(known.made)
    assert known.span(OPENING + 7, OPENING) is known.span(OPENING + 7, OPENING)
    assert len(known.made) == before + 1


def test_what_is_too_old_is_withheld():
    year = 365 * 24 * HOUR
    assert ask("inner-2022", now=OPENING + year) == "text"
    assert ask("inner-2022", now=OPENING + year + 1) == "retention_expired"
    assert ask("pre-2007", LASTING, now=OPENING + 20 * year) == "hit", "no term is on record"


def test_the_digest_says_what_is_in_force():
    forces = [
        Force(), suspended("all"), suspended("zone/ccz"), warrant("zone/ccz"),
        Force(hotlist={VRM: frozenset({"stolen"})}),
        Force(on_record=frozenset({"consultation"})), Force(activated={"inner-1": ((OPENING, True),)}),
    ]  # fmt: skip
    digests = {register(ESTATE, force).digest for force in forces}
    assert len(digests) == len(forces)
    assert register(ESTATE, Force(offset=9)).digest == register(ESTATE, Force()).digest
