"""Would the cases notice a change of the law? Every rule is dropped, turned round, widened and bent, one at a time.

A mutant is caught if a case comes out differently, if regime.yaml no longer says what the rules allow, or if the
policy is refused. One that is not caught stands in SURVIVORS, with why that is right.
"""

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from ringfence.errors import PolicyError
from ringfence.policy.bundle import load
from ringfence.policy.cases import check, facts_of, failures
from ringfence.policy.oracle import consult

BUNDLE = load(Path("policies"))
HOUSE = "inner-2022"  # its cases try the rules of the house, too
LEAST = 0.95
# (regime, rule, change): why it is no worse a law, or the same one.
FORBIDDEN = "what it would permit besides, a forbid of the same regime refuses"
SURVIVORS = {
    ("pre-2007", "P07-1", "any action"): FORBIDDEN,
    ("pre-2007", "P07-1", "any zone"): FORBIDDEN,
    ("ns-2007", "N07-1", "any action"): "text comes before hit, and images are forbidden",
    ("ns-2007", "N07-1", "no condition"): FORBIDDEN,
    ("ns-2007", "N07-2", "any action"): "text comes before hit, and images are forbidden",
    ("ns-2007", "N07-2", "no condition"): FORBIDDEN,
    ("ns-2007", "N07-3", "any action"): FORBIDDEN,
    ("ns-2007", "N07-3", "first part of the condition alone"): "for national security text comes before hit",
}


def split(text):
    """The rules of a policy text, each with its annotations."""
    return ["@id(" + part for part in text.split("@id(")[1:]]


def mutants_of(rule):
    """(what was changed, the changed rule)."""
    head, body = re.match(r"(.*?)((?:permit|forbid) \(.*)", rule, re.S).groups()
    yield "dropped", ""
    if body.startswith("permit"):
        yield "turned round", f'{head}@reason("mutant")\n{body.replace("permit", "forbid", 1)}'
    else:
        yield "turned round", re.sub(r"@reason\(.*?\)\n", "", head) + body.replace("forbid", "permit", 1)
    for name, pattern, plain in (
        ("any zone", r"resource == Zone::\"[\w-]+\"\)", "resource)"),
        ("any action", r"action (?:== Action::\"[\w ]+\"|in \[[^\]]*\])", "action"),
        ("no condition", r"\s(?:when|unless) \{.*\}", ""),
        ("condition turned round", r"\b(when|unless)\b", lambda m: "unless" if m[1] == "when" else "when"),
        ("first part of the condition alone", r"\{ (.*?) (?:&&|\|\|) .*? \}", r"{ \1 }"),
        ("last part of the condition alone", r"\{ .*? (?:&&|\|\|) (.*?) \}", r"{ \1 }"),
        ("and is or", r"&&", "||"),
        ("or is and", r"\|\|", "&&"),
        ("equal is unequal", r"(?<=[a-z]) == (?=\"|Zone)(?=[^)]*\})", " != "),
    ):
        changed = re.sub(pattern, plain, body, count=1, flags=re.S)
        if changed != body:
            yield name, head + changed


def mutants(regime, text):
    rules = split(text)
    for i, rule in enumerate(rules):
        name = re.match(r'@id\("([^"]+)"\)', rule)[1]
        for change, mutant in mutants_of(rule):
            yield (regime, name, change), "\n".join([*rules[:i], mutant, *rules[i + 1 :]])


def all_mutants():
    for regime in BUNDLE.regimes:
        for what, text in mutants(regime.id, regime.policy):
            yield what, replace(BUNDLE, regimes=(replace(regime, policy=text),)).of([regime.id])
    house = BUNDLE.regime(HOUSE)
    for (_, rule, change), text in mutants(HOUSE, BUNDLE.common):
        yield ("house", rule, change), replace(BUNDLE.of([house.id]), common=text)


def is_caught(bundle):
    (regime,) = bundle.regimes
    try:
        quick = consult(bundle, regime, [facts_of(case) for case in bundle.cases])
        if failures(bundle, {regime.id: quick}):
            return True
        check(bundle)
    except PolicyError:
        return True
    return False


def test_a_change_of_the_law_is_noticed():
    tried = [(what, is_caught(bundle)) for what, bundle in all_mutants()]
    survived = {what for what, caught in tried if not caught}
    print(f"{len(tried)} mutants, {len(tried) - len(survived)} caught; survivors: {sorted(survived)}")
    assert survived == set(SURVIVORS)
    assert len(tried) > 150
    assert 1 - len(survived) / len(tried) >= LEAST


@pytest.mark.parametrize("regime", BUNDLE.regimes, ids=lambda regime: regime.id)
def test_the_law_as_it_is_passes(regime):
    assert not is_caught(BUNDLE.of([regime.id]))
