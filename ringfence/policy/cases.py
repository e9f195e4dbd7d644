"""Runs the cases of a bundle: a table that answers one of them differently is refused."""

from typing import Any

import msgspec

from ringfence.errors import PolicyError
from ringfence.policy.bundle import Bundle, Case
from ringfence.policy.facts import Activation, Facts, Zone
from ringfence.policy.table import compile_bundle
from schemas.records import Outcome

DEFAULTS: dict[str, Any] = {
    "zone": Zone.UNKNOWN, "activation": Activation.NOT_REQUIRED, "clock_in_bounds": True, "suspended": False,
}  # fmt: skip


def facts_of(case: Case) -> Facts:
    """The facts of a case; what it does not mention is as harmless as can be."""
    unknown = set(case.facts) - set(DEFAULTS)
    if unknown:
        raise PolicyError(f"{case.regime}, case {case.name}: unknown fact {', '.join(sorted(unknown))}")
    try:
        return msgspec.convert({**DEFAULTS, **case.facts}, Facts)
    except msgspec.ValidationError as error:
        raise PolicyError(f"{case.regime}, case {case.name}: {error}") from None


def failures(bundle: Bundle) -> list[tuple[Case, Outcome]]:
    """The cases that come out differently under their regime, with what came out."""
    tables = {regime.id: compile_bundle(bundle, pinned=regime.id) for regime in bundle.regimes}
    answers = [(case, tables[case.regime].decide(case.of, facts_of(case), case.at)) for case in bundle.cases]
    return [(case, got) for case, got in answers if (got.form, got.reason) != (case.form, case.reason)]


def check(bundle: Bundle) -> None:
    """Raises PolicyError at the first case that fails."""
    for case, got in failures(bundle):
        wanted, came = case.form or case.reason, got.form or got.reason
        raise PolicyError(f"{case.regime}, case {case.name}: expected {wanted}, got {came} by {got.rules}")
