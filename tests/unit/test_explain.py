"""The law as a person reads it: summaries, changes that would matter, the commands that print them."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ringfence.cli import app
from ringfence.errors import SettingError
from ringfence.policy.bundle import load
from ringfence.policy.explain import all_rules, changes, form_in_words, summary
from ringfence.policy.facts import Activation, Facts, Kind, Purpose, Zone, grid
from ringfence.policy.oracle import consult
from ringfence.policy.page import dates
from ringfence.policy.table import outcome

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
        (["--camera", "1", "--at", THEN, "--authorised"], ["disclosed as hit", "N07-3"]),
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


def test_when_nothing_was_in_force_it_says_so():
    ran = run("explain", "--camera", "1", "--at", "1999-06-15T08:00:00+01:00")
    assert isinstance(ran.exception, SettingError)
    assert "no regime was in force" in str(ran.exception)
