"""The law: cases, the table against Cedar itself, properties of every row, and what a bundle may not hold."""

import random
import shutil
from datetime import datetime
from pathlib import Path

import pytest
from cedarpy import is_authorized

from ringfence.errors import FileError, PolicyError
from ringfence.policy.bundle import load, micros
from ringfence.policy.cases import check, facts_of, failures
from ringfence.policy.facts import ALL_FACTS, CAMERA_PLACES, Activation, Facts, Kind, Zone, request
from ringfence.policy.lint import parse
from ringfence.policy.table import NO_REGIME, NO_RULE, compile_bundle
from schemas.records import Effect

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
    assert (got.form, got.reason) == (case.form, case.reason)
    allowed, _ = cedar(case.regime, case.of, facts_of(case))
    assert allowed == bool(case.form)


def cedar(regime, kind, facts):
    """Cedar asked directly, from the text, without anything of ours but the request."""
    text = BUNDLE.common + "\n" + BUNDLE.regime(regime).policy
    action = next(form.action for form in BUNDLE.forms if form.of == kind)
    answer = is_authorized(request(facts, action), text, "[]")
    return answer.allowed, set(answer.diagnostics.id_annotations_by_reason.values())


def test_table_agrees_with_cedar_on_random_questions():
    draw = random.Random(7)
    for _ in range(1_000):
        regime, kind, facts = draw.choice(REGIMES), draw.choice(list(Kind)), draw.choice(ALL_FACTS)
        got = TABLES[regime].decide(kind, facts, JUNE_2022)
        assert (got.effect is Effect.ALLOW, set(got.rules)) == cedar(regime, kind, facts), (regime, kind, facts)


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("kind", Kind)
def test_properties_of_every_row(regime, kind):
    for facts in ALL_FACTS:
        got = TABLES[regime].decide(kind, facts, JUNE_2022)
        assert (got.effect is Effect.ALLOW) == bool(got.form) == (not got.reason)
        if facts.suspended or not facts.clock_in_bounds or facts.zone is Zone.UNKNOWN:
            assert got.effect is Effect.DENY
        if got.form:
            assert TABLES[regime].forms[got.form].of == kind
            assert facts.activation is not Activation.PENDING or facts.zone in (Zone.CCZ, Zone.LEZ)


@pytest.mark.parametrize("regime", ["limited-2015", "quashed"])
def test_no_image_and_nothing_from_an_expansion_camera(regime):
    for facts in ALL_FACTS:
        assert TABLES[regime].decide(Kind.IMAGE, facts, JUNE_2022).effect is Effect.DENY
        if facts.zone in (Zone.ULEZ_2021, Zone.ULEZ_2023):
            assert TABLES[regime].decide(Kind.READ, facts, JUNE_2022).effect is Effect.DENY


def test_regime_in_force_is_selected_by_date_of_capture():
    table = compile_bundle(BUNDLE)
    facts = Facts(Zone.LEZ, Activation.NOT_REQUIRED, clock_in_bounds=True, suspended=False)

    def on(date):
        return table.decide(Kind.IMAGE, facts, micros(date, "test"))

    assert on("2022-05-15T23:59:59.999999+01:00").regime == "limited-2015"
    assert on("2022-05-16T00:00:00+01:00").regime == "inner-2022"
    assert on("2014-06-01T00:00:00+01:00").reason == NO_REGIME
    assert "quashed" not in {o.regime for o in table.outcomes}


def test_a_regime_that_is_not_in_force_carries_its_label():
    labels = {o.regime for o in TABLES["quashed"].outcomes if o.regime}
    assert labels == {"quashed (counterfactual)"}


def test_row_numbers_are_places_in_the_table():
    for table in [*TABLES.values(), compile_bundle(BUNDLE)]:
        assert [o.row for o in table.outcomes] == list(range(len(table.outcomes)))


def test_default_is_deny(copy):
    (copy / "limited-2015" / "policy.cedar").write_text("")
    shutil.rmtree(copy / "limited-2015" / "cases")
    table = compile_bundle(load(copy), "limited-2015")
    harmless = Facts(Zone.LEZ, Activation.NOT_REQUIRED, clock_in_bounds=True, suspended=False)
    assert table.decide(Kind.READ, harmless, JUNE_2022).reason == NO_RULE


def test_digest_changes_with_any_byte_and_not_with_the_register(copy):
    before = load(copy).digest
    change(copy / "estate" / "tranches.yaml", "null", "2022-07-01T00:00:00+01:00")
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
    change(
        copy / "limited-2015" / "policy.cedar",
        "forbid (principal, action == Action",
        "permit (principal, action == Action",
    )
    change(copy / "limited-2015" / "policy.cedar", '@reason("image_not_permitted")', "")
    with pytest.raises(PolicyError, match="image_in_2016"):
        check(load(copy))


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("limited-2015/regime.yaml", "status: in force", "status: maybe", "status one of"),
        ("limited-2015/regime.yaml", "id: limited-2015", "id: other", "id must be"),
        ("limited-2015/regime.yaml", "T00:00:00+01:00", "", "with its time and offset"),
        ("limited-2015/regime.yaml", "title:", "titel:", "unknown entry titel"),
        ("limited-2015/regime.yaml", "id:", "id: [", "not YAML"),
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
    with pytest.raises(FileError, match=r"lacks common\.cedar"):
        load(copy)
    with pytest.raises(PolicyError, match="there are: inner-2022, limited-2015, quashed"):
        BUNDLE.regime("inner-2023")


def test_all_cases_hold_and_dates_need_an_offset():
    assert failures(BUNDLE) == []
    with pytest.raises(PolicyError):
        micros(datetime(2022, 5, 16), "test")


def test_every_zone_and_activation_has_a_place():
    assert len(CAMERA_PLACES) == len(Zone) * len(Activation)
