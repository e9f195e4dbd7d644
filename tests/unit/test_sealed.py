"""Bundles: what is refused, each for its own reason, and that the old one stays in force."""

import pytest
from msgspec.structs import replace

from ringfence.errors import PolicyError
from ringfence.policy import sealed as s
from ringfence.policy.authority import admit
from ringfence.policy.cases import FailedCaseError, OpenBundleError
from ringfence.policy.lint import AnnotationError, UnmodelledError
from ringfence.policy.orders import Force
from ringfence.seal import Signer
from schemas.codec import codec
from schemas.records import Listed, OrderKind, SealedBundle
from tests.unit.made import OPENING as NOW
from tests.unit.made import SMALL, sealed
from tests.unit.test_orders import SIGNERS, TRUST, fold, order

DRAFTER = SIGNERS["controller"]
KEYS = [DRAFTER.public]
POLICY = SMALL["quashed/policy.cedar"]


def changed(data, **fields):
    return codec(SealedBundle).encode(replace(codec(SealedBundle).decode(data), **fields))


def contents(**more):
    """The contents of the small bundle with a change that the list does not know of."""
    found = SMALL | {path.replace("__", "/"): data for path, data in more.items()}
    return {path: data for path, data in found.items() if data is not None}


GOOD = sealed(DRAFTER)
UNMODELLED = (
    POLICY
    + b"""
@id("X-1") @reason("x") @basis("x") @plain("x") forbid (principal, action, resource) when { resource in Zone::"lez" };
"""
)
COMMON = SMALL["common.cedar"]
REGIME = SMALL["quashed/regime.yaml"]
CASE = SMALL["quashed/cases/ALLOW/a.yaml"]


def rule(when):
    return (
        POLICY
        + b'@id("X-1") @reason("x") @basis("x") @plain("x") forbid (principal, action, resource) when {'
        + (when + b"};")
    )


def without(name):
    """The rules of the house but for one."""
    rules = COMMON.split(b"@id(")
    return b"@id(".join([rules[0], *(one for one in rules[1:] if not one.startswith(b'"%b"' % name))])


NAMELESS = POLICY.replace(b'@id("Q-1")', b"")
REFUSED = {
    "not a bundle": (b"nonsense", s.NoBundleError, "no bundle"),
    "cut short": (GOOD[:200], s.NoBundleError, "no bundle"),
    "stripped of its signature": (changed(GOOD, signature=b""), s.UnsignedBundleError, "not signed"),
    "stripped of signer and signature": (changed(GOOD, signer="", signature=b""), s.UnsignedBundleError, "not signed"),
    "signed by a stranger": (sealed(Signer.new()[0]), s.UnknownKeyError, "not trusted"),
    "signed by another office": (sealed(SIGNERS["governor"]), s.UnknownKeyError, "not trusted"),
    "a signature over something else": (changed(GOOD, signature=bytes(64)), s.ForgedBundleError, "signature"),
    "renumbered": (changed(GOOD, number=99), s.ForgedBundleError, "signature"),
    "listed anew": (changed(GOOD, files=[Listed("a", b"")]), s.ForgedBundleError, "signature"),
    "a file too many": (changed(GOOD, contents=contents(x__y=b"")), s.ExtraFileError, "x/y"),
    "a file too few": (changed(GOOD, contents=contents(**{"forms.yaml": None})), s.MissingFileError, "forms.yaml"),
    "a file changed": (changed(GOOD, contents=contents(**{"forms.yaml": b"x"})), s.ChangedFileError, "forms.yaml"),
    "number zero": (sealed(DRAFTER, 0), s.OldBundleError, "not newer"),
    "an unmodelled node": (sealed(DRAFTER, **{"quashed/policy.cedar": UNMODELLED}), UnmodelledError, "X-1: .* not"),
    "no @id": (sealed(DRAFTER, **{"quashed/policy.cedar": NAMELESS}), AnnotationError, "@id"),
    "no Cedar": (sealed(DRAFTER, **{"quashed/policy.cedar": b"permit everything"}), PolicyError, "quashed"),
    "no text": (sealed(DRAFTER, **{"quashed/policy.cedar": b"\xff\xfe"}), PolicyError, "UTF-8"),
    "no YAML": (sealed(DRAFTER, **{"forms.yaml": b"a: [1"}), PolicyError, "not YAML"),
    "a case that fails": (sealed(DRAFTER, **{"quashed/cases/DENY/b.yaml": b"""
of: read
zone: ccz
at: 2022-06-15T08:00:00+01:00
reason: suspended
by: []
"""}), FailedCaseError, "case b.yaml: expected suspended"),
    "a form of what must not be disclosed": (
        sealed(DRAFTER, **{"forms.yaml": SMALL["forms.yaml"].replace(b"flags]", b"flags, raw]")}), PolicyError, "raw"),
    "no rule of the house on suspension": (
        sealed(DRAFTER, **{"common.cedar": without(b"HOUSE-1")}), OpenBundleError, "while suspended"),
    "no rule of the house at all": (sealed(DRAFTER, **{"common.cedar": b""}), OpenBundleError, "would disclose"),
    "a value that a fact never has": (
        sealed(DRAFTER, **{"quashed/policy.cedar": rule(b'context.activation == "Pending"')}),
        PolicyError, "activation is never 'Pending'"),
    "a fact that there is not": (
        sealed(DRAFTER, **{"quashed/policy.cedar": rule(b'context.foo == "x"')}), UnmodelledError, "not modelled"),
    "a property of the police": (
        sealed(DRAFTER, **{"quashed/policy.cedar": rule(b'principal.name == "x"')}), UnmodelledError, "not modelled"),
    "a date that is none": (
        sealed(DRAFTER, **{"quashed/regime.yaml": REGIME.replace(b"2022-05-16", b"2022-13-45")}), PolicyError, "YAML"),
    "an end before the start": (
        sealed(DRAFTER, **{"quashed/regime.yaml": REGIME.replace(b"until: null", b"until: 2020-01-01T00:00:00+00:00")}),
        PolicyError, "ends before it starts"),
    "two regimes at once": (
        sealed(DRAFTER, **{"quashed/regime.yaml": REGIME.replace(b"counterfactual", b"in force"), **{
            f"other/{name}": data.replace(b"quashed", b"other").replace(b"counterfactual", b"in force")
            for name, data in (("regime.yaml", REGIME), ("policy.cedar", POLICY), ("cases/ALLOW/a.yaml", CASE))
        }}), PolicyError, "before the regime before it ends"),
    **{
        f"so many {piece}": (sealed(DRAFTER, **{"quashed/policy.cedar": rule(text)}), PolicyError, "too many")
        for piece, text in {
            "!": b"!(" * 2_000 + b"true" + b")" * 2_000, "&&": b" && ".join([b"true"] * 2_000),
            "[": b"[" * 900 + b"]" * 900 + b" == 1", ".": b"context" + b".a" * 2_000, "+": b"+".join([b"1"] * 2_000),
        }.items()
    },
    "a bound of nothing": (
        sealed(DRAFTER, **{"forms.yaml": SMALL["forms.yaml"].replace(b"width: 120", b"width: 0")}),
        PolicyError, ">= 1"),
    "a case of no regime": (
        sealed(DRAFTER, **{"ghost/cases/DENY/a.yaml": b"of: read"}), PolicyError, "no regime 'ghost'"),
    "a regime without cases": (
        sealed(DRAFTER, **{"quashed/cases/ALLOW/a.yaml": None}), PolicyError, "has no cases"),
    "a retention of for ever": (
        sealed(DRAFTER, **{"quashed/regime.yaml": REGIME.replace(b"365", b"1000000000000")}), PolicyError, "36,500"),
    "a retention of yes": (
        sealed(DRAFTER, **{"quashed/regime.yaml": REGIME.replace(b"365", b"true")}), PolicyError, "36,500"),
    "a stray file": (sealed(DRAFTER, **{"notes.txt": b"x"}), PolicyError, "no file of a bundle"),
    "no regime": (sealed(DRAFTER, **{path: None for path in SMALL if "/" in path}), PolicyError, "no regime"),
}  # fmt: skip


@pytest.mark.parametrize("fault", REFUSED)
def test_a_faulty_bundle_is_refused_with_its_own_error_and_the_old_one_stays(fault):
    data, error, words = REFUSED[fault]
    with pytest.raises(error, match=words):
        s.enact(data, KEYS)
    before, _ = fold([order(1, OrderKind.BUNDLE)])
    after, refused = admit(before, order(2, OrderKind.BUNDLE, bundle=data), TRUST, NOW)
    assert isinstance(refused, PolicyError)
    assert after == replace(before, heads=after.heads)
    assert after.last("governor") == 2
    assert after.enacted is before.enacted


def test_a_lower_or_equal_number_is_refused_and_a_higher_one_taken():
    force, errors = fold([
        order(1, OrderKind.BUNDLE, bundle=sealed(DRAFTER, 5)), order(2, OrderKind.BUNDLE, bundle=sealed(DRAFTER, 5)),
        order(3, OrderKind.BUNDLE, bundle=sealed(DRAFTER, 4)), order(4, OrderKind.BUNDLE, bundle=sealed(DRAFTER, 6)),
    ])  # fmt: skip
    assert errors == [None, s.OldBundleError, s.OldBundleError, None]
    assert force.enacted.number == 6


def test_a_gate_without_the_drafters_key_believes_no_bundle():
    trust = {office: key for office, key in TRUST.items() if office != "controller"}
    force, refused = admit(Force(), order(1, OrderKind.BUNDLE), trust, NOW)
    assert isinstance(refused, s.UnknownKeyError)
    assert force == Force(heads=force.heads)


def test_what_has_not_changed_is_not_compiled_again():
    one = s.enact(GOOD, KEYS)
    two = s.enact(sealed(DRAFTER, 2), KEYS, one)
    assert two.ruled["quashed"] is one.ruled["quashed"]
    other = sealed(DRAFTER, 3, **{"common.cedar": SMALL["common.cedar"] + b"\n// a remark\n"})
    assert s.enact(other, KEYS, two).ruled["quashed"] is not two.ruled["quashed"]


def test_the_same_files_make_the_same_bytes():
    assert sealed(DRAFTER) == GOOD
    assert s.enact(GOOD, KEYS).bundle.digest == s.enact(sealed(DRAFTER, 2), KEYS).bundle.digest


def test_a_bundle_larger_than_an_order_can_carry_is_not_built():
    with pytest.raises(s.NoBundleError, match="at most"):
        s.pack(1, {"a": bytes(s.MOST_BYTES)})
