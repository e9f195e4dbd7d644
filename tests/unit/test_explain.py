"""The law as a person reads it: summaries, changes that would matter, the commands that print them."""

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from typer.testing import CliRunner

from ringfence.cli import app
from ringfence.errors import SettingError
from ringfence.estate import load as load_estate
from ringfence.policy.bundle import load
from ringfence.policy.decide import Law, decide
from ringfence.policy.explain import (
    Asked,
    Supposed,
    all_rules,
    answer,
    changes,
    facts_of,
    form_in_words,
    summary,
    suppose,
)  # fmt: skip
from ringfence.policy.facts import DOCUMENTS, Activation, Authorisation, Facts, Kind, Purpose, Zone, grid
from ringfence.policy.oracle import consult
from ringfence.policy.orders import Force, Warrant
from ringfence.policy.page import dates
from ringfence.policy.register import register
from ringfence.policy.table import outcome, table_of

BUNDLE = load(Path("policies"))
RULED = {regime.id: consult(BUNDLE, regime) for regime in BUNDLE.regimes}
THEN, NOW = "2010-06-15T08:00:00+01:00", "2022-06-15T08:00:00+01:00"
PENDING = Facts(zone=Zone.ULEZ_2021, activation=Activation.PENDING)


def run(*arguments):
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["regimes", *arguments])


@pytest.mark.parametrize("regime", RULED)
@pytest.mark.parametrize("kind", Kind)
def test_a_summary_says_the_same_as_the_table(regime, kind):
    ruled = RULED[regime]
    lines = summary(ruled, kind)
    for facts in grid([n for n in ruled.reads if n not in ("suspended", "clock_in_bounds", "retained")]):
        fitting = [
            got for zone, when, got in lines
            if zone == facts.zone and all(_says(getattr(facts, n), words) for n, words in when.items())
        ]  # fmt: skip
        expected = outcome(ruled, 0, kind, facts, frozenset())
        assert [(o.form, o.reason) for o in fitting] == [(expected.form, expected.reason)]


def _says(value, words):
    plain = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value).replace("_", " ")
    return plain in words.split(" or ")


def test_what_would_have_to_change():
    found = {(c.fact, c.other): c.then.form for c in changes(RULED["inner-2022"], Kind.READ, PENDING)}
    assert found == {("activation", "not required"): "text", ("activation", "activated"): "text"}
    nothing = list(changes(RULED["limited-2015"], Kind.READ, PENDING))
    assert nothing == []
    crime = Facts(zone=Zone.CCZ, purpose=Purpose.CRIME)
    assert {c.then.form for c in changes(RULED["ns-2007"], Kind.READ, crime)} == {"hit", "text"}


def test_rules_forms_and_dates_in_words():
    rules = all_rules(BUNDLE, BUNDLE.regime("inner-2022"))
    assert list(rules)[:4] == ["HOUSE-1", "HOUSE-2", "HOUSE-3", "HOUSE-4"]
    assert rules["I22-5"].reason == "authorised_not_activated"
    (reduced,) = [form for form in BUNDLE.forms if form.name == "reduced"]
    assert "plate patch at most 3,000 bytes, 120 by 60 pixels" in form_in_words(reduced)
    assert dates(BUNDLE.regime("limited-2015")) == "From 22 May 2015, until 15 May 2022"
    assert dates(BUNDLE.regime("inner-2022")) == "From 16 May 2022, still open"


def test_show_table_and_list_print():
    assert "Nothing from a camera whose tranche waits" in run("show", "inner-2022").stdout
    assert run("show", "inner-2022", "--markdown").stdout.startswith("# Inner London, 2022")
    assert "authorised not activated" in run("table", "inner-2022").stdout
    listed = run("list").stdout
    assert [name for name in RULED if name not in listed] == []


def test_the_cases_read_like_a_lawyers():
    ran = run("test", "ns-2007")
    assert ran.exit_code == 0
    assert "ccz read of 2010 for volume crime → purpose not permitted  N07-4, 2010-03-01" in ran.stdout
    assert "All 10 hold." in ran.stdout


def test_a_case_that_fails_is_shown_and_the_exit_code_says_so(tmp_path):
    shutil.copytree("policies", tmp_path / "policies")
    rules = tmp_path / "policies" / "quashed" / "policy.cedar"
    rules.write_text(rules.read_text().replace('resource == Zone::"ccz"', 'resource == Zone::"lez"'))
    ran = run("test", "quashed", "--policies", str(tmp_path / "policies"))
    assert ran.exit_code == 1
    assert "FAILS: quashed, case read_from_a_ccz_camera.yaml: expected text by Q-1, got no_rule_permits" in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--camera", "1301", "--at", NOW, "--vrm", "lk19 abc"],
         ["The read of LK19ABC", "withheld: authorised not activated", "I22-5", "activation were activated"]),
        (["--camera", "1", "--at", THEN], ["under ns-2007", "purpose not permitted"]),
        (["--camera", "1", "--at", THEN, "--authorised"], ["disclosed as hit", "N07-3", "As if: authorised."]),
        (["--camera", "1301", "--at", NOW, "--vrm", "lk19 abc"],
         ["'lk19 abc' was taken as LK19ABC", "names it: neither does", "Decided when it was captured", "no orders"]),
        (["--camera", "1301", "--at", NOW, "--vrm", "LK19ABC", "--listed"], ["names it: the hotlist does"]),
        (["--camera", "1301", "--at", NOW, "--vrm", "LK19ABC", "--image"], ["It does not matter"]),
        (["--camera", "1301", "--at", NOW, "--activated"], ["disclosed as text", "activation: activated"]),
        (["--camera", "1301", "--at", NOW, "--not-activated"], ["authorised not activated", "As if: not activated."]),
        (["--camera", "1", "--at", NOW, "--suspended"], ["withheld: suspended", "HOUSE-1", "suspended were no"]),
        (["--camera", "1", "--at", "2015-06-15T08:00:00+01:00", "--asked-at", NOW],
         ["withheld: retention expired", f"Decided at {NOW}", "retained were yes and not no: disclosed as text"]),
        (["--camera", "1", "--at", "2015-06-15T08:00:00+01:00"], ["disclosed as text"]),
        (["--camera", "1", "--at", THEN, "--purpose", "national_security"], ["disclosed as text"]),
        (["--camera", "1", "--at", NOW, "--image"], ["The image of", "disclosed as contextual"]),
        (["--camera", "1", "--at", NOW, "--image", "--regime", "quashed"],
         ["quashed (counterfactual)", "image not permitted", "No single change"]),
        (["--camera", "99999", "--at", NOW], ["withheld: unknown camera"]),
    ],
)  # fmt: skip
def test_a_decision_is_explained(arguments, said):
    ran = run("explain", *arguments)
    assert [words for words in said if words not in " ".join(ran.stdout.split())] == []


WHOLE = load_estate(Path("policies/estate"))
LAWS = {name: Law(table_of(BUNDLE, RULED, name), BUNDLE.digest, 300_000_000, name) for name in RULED}
DAY = 86_400_000_000
AT = 1_655_276_400_000_000
MARK = "LK19ABC"
CAMERAS = (1, 301, 1301, 1501, 99_999)
ESTATE = replace(WHOLE, cameras={camera: WHOLE.cameras[camera] for camera in CAMERAS if camera in WHOLE.cameras})
moments = st.integers(-800, 800).map(lambda days: AT + days * DAY)
subjects = st.sampled_from([f"vrm/{MARK}", "vrm/OTHER", *(f"camera/{camera}" for camera in CAMERAS), "zone/ccz"])
warrants = st.builds(lambda s, p, lo: Warrant(s, p, lo, lo + 100 * DAY), subjects, st.sampled_from(Purpose), moments)
scopes = st.sampled_from(["all", "zone/ccz", "camera/1301", *(f"form/{form.name}" for form in BUNDLE.forms)])
forces = st.builds(
    Force,
    suspended=st.frozensets(scopes, max_size=2),
    activated=st.dictionaries(st.sampled_from(list(ESTATE.tranches)), st.builds(
        lambda at, active: ((at, active),), moments, st.booleans()), max_size=3),
    warrants=st.dictionaries(st.sampled_from("123"), warrants, max_size=3),
    hotlist=st.dictionaries(st.sampled_from([MARK, "OTHER"]), st.just(frozenset({"stolen"}))),
    on_record=st.frozensets(st.sampled_from(DOCUMENTS)),
)  # fmt: skip
questions = st.builds(
    Asked, st.sampled_from(Kind), st.sampled_from(CAMERAS), moments, moments, st.sampled_from([MARK, ""])
)


@settings(deadline=None)
@given(st.sampled_from(list(LAWS)), forces, questions, st.sampled_from(Purpose), st.builds(
    Supposed, st.booleans(), st.booleans(), st.booleans(), st.sampled_from([None, True, False])))  # fmt: skip
def test_what_is_explained_is_what_the_gate_decides(name, force, asked, purpose, what):
    """The facts that the explanation names give what decide() gives: regime, form, reason and rules.

    Not the number of the row: rows that the rules cannot tell apart share one.
    """
    law, known = LAWS[name], register(ESTATE, suppose(force, ESTATE, asked, purpose, what), purpose)
    (interval,) = law.table.intervals
    facts, mark = facts_of(law, known, asked), MARK if asked.vrm and asked.kind is Kind.READ else ""
    (decided,) = decide(law, known, asked.kind, [asked.camera], [asked.captured], [asked.captured], [mark], asked.now)
    assert answer(law, known, asked) == decided
    again = outcome(interval.ruled, interval.first, asked.kind, facts, known.halted)
    assert replace(again, row=decided.row) == decided


def test_what_is_supposed_is_what_is_known():
    asked = Asked(Kind.READ, 1301, AT, AT + DAY, MARK)
    known = register(ESTATE, suppose(Force(), ESTATE, asked, Purpose.CRIME, Supposed(True, True, True, True)))
    facts = facts_of(LAWS["inner-2022"], known, asked)
    assert (facts.suspended, facts.authorisation, facts.hotlisted, facts.activation) == (
        True, Authorisation.IN_FORCE, True, Activation.ACTIVATED)  # fmt: skip


def test_when_nothing_was_in_force_it_says_so():
    ran = run("explain", "--camera", "1", "--at", "1999-06-15T08:00:00+01:00")
    assert isinstance(ran.exception, SettingError)
    assert "no regime was in force" in str(ran.exception)
