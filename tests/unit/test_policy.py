"""The law: its cases by the table and by Cedar itself, dates, row numbers, and what a bundle may not hold."""

import shutil
from datetime import datetime
from itertools import combinations
from pathlib import Path

import pytest
from cedarpy import is_authorized

from ringfence.errors import FileError, PolicyError
from ringfence.policy.bundle import DAY, load, micros
from ringfence.policy.cases import check, facts_of
from ringfence.policy.facts import Authorisation, Facts, Kind, Zone, grid, request
from ringfence.policy.lint import parse
from ringfence.policy.oracle import NO_RULE
from ringfence.policy.table import NO_REGIME, Conditions, compile_bundle, outcome, rows

POLICIES = Path("policies")
BUNDLE = load(POLICIES)
REGIMES = [regime.id for regime in BUNDLE.regimes]
TABLES = {name: compile_bundle(BUNDLE, pinned=name) for name in REGIMES}
JUNE_2022 = micros("2022-06-15T08:00:00+01:00", "test")


@pytest.fixture
def copy(tmp_path):
    shutil.copytree(POLICIES, tmp_path / "policies")
    return tmp_path / "policies"


def change(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize("case", BUNDLE.cases, ids=lambda c: f"{c.regime}/{c.name}")
def test_case_by_table_and_by_cedar(case):
    got = TABLES[case.regime].decide(case.of, facts_of(case), case.at)
    assert (got.form, got.reason, sorted(got.rules)) == (case.form, case.reason, sorted(case.by))
    assert cedar(case.regime, case.of, facts_of(case))[0] == case.form


def cedar(regime, kind, facts):
    """Cedar asked directly, from the text, without anything of ours but the request: the form and the rules."""
    text = BUNDLE.common + "\n" + BUNDLE.regime(regime).policy
    answers = [
        (form.name, is_authorized(request(facts, form.action), text, "[]")) for form in BUNDLE.forms if form.of == kind
    ]
    name, answer = next(((name, a) for name, a in answers if a.allowed), ("", answers[0][1]))
    return name, set(answer.diagnostics.id_annotations_by_reason.values())


def test_regime_in_force_is_selected_by_date_of_capture():
    table = compile_bundle(BUNDLE)
    facts = Facts(zone=Zone.LEZ)

    def on(date):
        return table.decide(Kind.IMAGE, facts, micros(date, "test"))

    assert on("2022-05-15T23:59:59.999999+01:00").regime == "limited-2015"
    assert on("2022-05-16T00:00:00+01:00").regime == "inner-2022"
    assert on("2014-06-01T00:00:00+01:00").regime == "ns-2007"
    assert on("2005-06-01T00:00:00+01:00").regime == "pre-2007"
    assert on("2003-02-16T23:59:59+00:00").reason == NO_REGIME
    assert {one.ruled.regime.status for one in table.intervals if one.ruled} == {"in force"}


def test_a_regime_that_is_not_in_force_carries_its_label():
    for regime in BUNDLE.regimes:
        labels = {o.regime for kind in Kind for _, _, o in rows(TABLES[regime.id], kind)}
        assert labels == {regime.id if regime.status == "in force" else f"{regime.id} ({regime.status})"}


def test_a_row_number_stands_for_one_outcome():
    halts = [frozenset(h) for n in range(3) for h in combinations(["text", "hit", "contextual", "reduced"], n)]
    for table in [*TABLES.values(), compile_bundle(BUNDLE)]:
        known = {}
        for kind in Kind:
            for interval in table.intervals:
                for facts in grid(interval.ruled.reads) if interval.ruled else ():
                    for halted in halts:
                        got = outcome(interval.ruled, interval.first, kind, facts, halted)
                        assert known.setdefault(got.row, got) == got
        assert 0 not in known


def test_default_is_deny(copy):
    (copy / "limited-2015" / "policy.cedar").write_text("")
    shutil.rmtree(copy / "limited-2015" / "cases")
    table = compile_bundle(load(copy), "limited-2015")
    assert table.decide(Kind.READ, Facts(zone=Zone.LEZ), JUNE_2022).reason == NO_RULE


def test_digest_changes_with_any_byte_and_not_with_the_register(copy):
    before = load(copy).digest
    change(copy / "estate" / "tranches.yaml", "inner-1: {needs_activation: true}", "inner-1: {needs_activation: false}")
    assert load(copy).digest == before
    change(copy / "common.cedar", "House rules", "House Rules")
    assert load(copy).digest != before


RULE = '@id("X-1") @plain("x") @basis("x") {} (principal, action, resource) when {{ {} }};'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (RULE.format("permit", "context.vrm == 1"), "GetAttr vrm is not modelled"),
        (RULE.format("permit", "resource.owner == 1"), "not modelled"),
        (RULE.format("permit", 'context.activation like "a*"'), "Like is not modelled"),
        (RULE.format("permit", "if context.suspended then true else false"), "IfThenElse is not modelled"),
        (RULE.format("permit", 'resource == Zone::"mars"'), "no zone 'mars'"),
        (RULE.format("permit", "context has suspended"), "HasAttr"),
        (RULE.format("forbid", "context.suspended"), "give it @reason"),
        ('@plain("x") @basis("x") permit (principal, action, resource);', "give it @id"),
        ('@id("X-1") @basis("x") permit (principal, action, resource);', "give it @plain"),
        (RULE.format("permit", "true") + RULE.format("permit", "true"), "two rules have the id X-1"),
        ("permit (principal == ?principal, action, resource);", "templates"),
        ("permit (principal, action", "limited-2015"),
        (RULE.format("permit", "context.activation == 3"), "limited-2015"),
    ],
)
def test_lint_refuses(text, words):
    with pytest.raises(PolicyError, match=words):
        parse(text, BUNDLE.schema, "limited-2015")


def test_a_case_that_fails_stops_the_bundle(copy):
    change(copy / "limited-2015" / "policy.cedar", "forbid (principal, action in", "permit (principal, action in")
    change(copy / "limited-2015" / "policy.cedar", '@reason("image_not_permitted")', "")
    with pytest.raises(PolicyError, match=r"image_from_a_lez_camera\.yaml: .* by L15-4, got contextual"):
        check(load(copy))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("forms: [text]", "forms: [text, contextual]", "forms says contextual, text, but the rules allow text"),
        (
            "purposes: [crime]",
            "purposes: [national_security]",
            "purposes says national_security, but",
        ),
    ],
)
def test_what_a_regime_promises_is_held_against_its_rules(copy, old, new, words):
    change(copy / "limited-2015" / "regime.yaml", old, new)
    with pytest.raises(PolicyError, match=words):
        check(load(copy))


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("limited-2015/regime.yaml", "status: in force", "status: maybe", "status one of"),
        ("limited-2015/regime.yaml", "id: limited-2015", "id: other", "id must be"),
        ("limited-2015/regime.yaml", "T00:00:00+01:00", "", "with its time and offset"),
        ("limited-2015/regime.yaml", "title:", "titel:", "unknown entry titel"),
        ("limited-2015/regime.yaml", "id:", "id: [", "not YAML"),
        ("limited-2015/regime.yaml", "retention_days: 730", "retention_days: long", "retention_days is a number"),
        ("limited-2015/regime.yaml", "purposes: [crime]", "purposes: [fun]", "regime.yaml"),
        ("forms.yaml", "of: read", "of: speech", "forms.yaml"),
        ("inner-2022/regime.yaml", "2022-05-16", "2022-05-10", "before the regime before it ends"),
    ],
)
def test_a_wrong_file_is_named(copy, file, old, new, words):
    change(copy / file, old, new)
    with pytest.raises(PolicyError, match=words):
        compile_bundle(load(copy))


def test_missing_things_are_named(copy, tmp_path):
    with pytest.raises(FileError, match="no policies folder"):
        load(tmp_path / "nowhere")
    (copy / "common.cedar").unlink()
    with pytest.raises(PolicyError, match=r"lacks common\.cedar"):
        load(copy)
    with pytest.raises(PolicyError, match=r"there are: .*inner-2022-as-alleged, limited-2015"):
        BUNDLE.regime("inner-2023")


def test_all_cases_hold_and_dates_need_an_offset():
    assert set(check(BUNDLE)) == set(REGIMES)
    with pytest.raises(PolicyError):
        micros(datetime(2022, 5, 16), "test")


def test_what_is_past_its_retention_is_a_plan_of_its_own():
    table, kind = compile_bundle(BUNDLE), Kind.READ
    captured = micros("2021-11-01T09:00:00+00:00", "test")
    year, term = 365 * DAY, BUNDLE.regime("limited-2015").retention
    early, late = (table.plan(kind, Conditions(), captured, captured + after) for after in (year, 5 * year))
    assert {o.reason for o in late.rows} >= {"retention_expired"}
    assert "retention_expired" not in {o.reason for o in early.rows}
    assert early.lo == captured + year - term <= captured < early.hi
    assert late.lo <= captured < late.hi


def test_a_form_that_is_suspended_gives_way_to_the_next_or_to_nothing():
    asked = Facts(zone=Zone.CCZ, authorisation=Authorisation.IN_FORCE)
    got = TABLES["pre-2007"].decide(Kind.READ, asked, JUNE_2022)
    halted = TABLES["pre-2007"].decide(Kind.READ, asked, JUNE_2022, frozenset({"hit"}))
    assert (got.form, halted.form, halted.reason) == ("hit", "", "suspended")
    assert "HOUSE-1" in halted.rules
    other = TABLES["pre-2007"].decide(Kind.READ, asked, JUNE_2022, frozenset({"contextual"}))
    assert other == got
