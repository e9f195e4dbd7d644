"""Runs the cases of a bundle, and holds what regime.yaml promises against the rules."""

from collections.abc import Iterable, Mapping
from itertools import product

import msgspec
from msgspec import Struct, structs

from ringfence.errors import PolicyError
from ringfence.policy.bundle import IN_FORCE, Bundle, Case, Regime
from ringfence.policy.facts import NAMES, Facts, Kind, Zone, grid
from ringfence.policy.fields import check_form
from ringfence.policy.oracle import Ruled, consult
from ringfence.policy.table import arrange
from schemas.records import Outcome

# What is never disclosed, as the facts that say so.
NEVER: dict[str, dict[str, object]] = {
    "while suspended": {"suspended": True},
    "from a camera that is not in the register": {"zone": Zone.UNKNOWN},
    "what is past its retention": {"retained": False},
    "what a wrong clock has dated": {"clock_in_bounds": False},
}


class OpenBundleError(PolicyError):
    """The rules leave open what no bundle may leave open."""


class FailedCaseError(PolicyError):
    """A case of the bundle comes out otherwise than it says."""


class Failure(Struct, frozen=True):
    """A case, and what came out instead."""

    case: Case
    got: Outcome

    def __str__(self) -> str:
        case, got = self.case, self.got
        wanted, came = case.form or case.reason, got.form or got.reason
        return (
            f"{case.regime}, case {case.name}: expected {wanted} by {', '.join(case.by) or 'no rule'},"
            f" got {came} by {', '.join(got.rules) or 'no rule'}"
        )


def facts_of(case: Case) -> Facts:
    """The facts of a case; what it does not mention is as harmless as can be."""
    unknown = set(case.facts) - set(NAMES)
    if unknown:
        raise PolicyError(f"{case.regime}, case {case.name}: unknown fact {', '.join(sorted(unknown))}")
    try:
        return msgspec.convert(dict(case.facts), Facts)
    except msgspec.ValidationError as error:
        raise PolicyError(f"{case.regime}, case {case.name}: {error}") from None


def failures(bundle: Bundle, ruled: Mapping[str, Ruled]) -> list[Failure]:
    """The cases that come out differently under their regime."""
    tables = {name: arrange([one], bundle.forms, always=True) for name, one in ruled.items()}
    answers = [Failure(case, tables[case.regime].decide(case.of, facts_of(case), case.at)) for case in bundle.cases]
    return [one for one in answers if not _holds(one)]


def _holds(one: Failure) -> bool:
    case, got = one.case, one.got
    return (got.form, got.reason, sorted(got.rules)) == (case.form, case.reason, sorted(case.by))


def check(bundle: Bundle, before: tuple[Bundle, Mapping[str, Ruled]] | None = None) -> dict[str, Ruled]:
    """Every regime with its answers, by id. PolicyError at the first case, promise or form that does not hold.

    ``before``: an earlier bundle with its answers. What has not changed since is not asked again.
    """
    for form in bundle.forms:
        check_form(form)
    for regime in bundle.regimes:
        if not any(case.regime == regime.id for case in bundle.cases):
            raise PolicyError(f"{regime.id} has no cases: say in {regime.id}/cases what it must allow and deny")
    for kind in Kind:
        if kind not in {form.of for form in bundle.forms}:
            raise PolicyError(f"forms.yaml has no form of a {kind}")
    same = before is not None and _common(before[0]) == _common(bundle)
    known = {one.regime: one for one in before[1].values()} if before and same else {}
    ruled = {regime.id: known.get(regime) or consult(bundle, regime) for regime in bundle.regimes}
    arrange([ruled[one.id] for one in bundle.regimes if one.status == IN_FORCE], bundle.forms)
    for failure in failures(bundle, ruled):
        raise FailedCaseError(str(failure))
    for regime in bundle.regimes:
        if regime not in known:
            _check_promises(regime, bundle, ruled[regime.id])
            _check_never(bundle, ruled[regime.id])
    return ruled


def _common(bundle: Bundle) -> tuple[object, ...]:
    """What every regime's answers depend on."""
    return bundle.common, bundle.schema, bundle.forms


def _check_promises(regime: Regime, bundle: Bundle, ruled: Ruled) -> None:
    """Raises PolicyError unless forms and purposes are just those under which something can be disclosed."""
    allowed = [
        (form, facts) for form in bundle.forms for facts in grid(ruled.reads) if ruled.answer(form.name, facts).allowed
    ]
    _same(regime, "forms", regime.forms, {form.name for form, _ in allowed})
    purposes = {facts.purpose for _, facts in allowed}
    _same(regime, "purposes", regime.purposes, purposes)


def _check_never(bundle: Bundle, ruled: Ruled) -> None:
    """Raises PolicyError if something is disclosed that no bundle may ever disclose, whatever its own rules say."""
    for form, facts in product(bundle.forms, grid(ruled.reads)):
        for what, harm in NEVER.items():
            if ruled.answer(form.name, structs.replace(facts, **harm)).allowed:
                raise OpenBundleError(f"{ruled.regime.id}: it would disclose {what} (as {form.name})")


def _same(regime: Regime, entry: str, said: Iterable[str], found: Iterable[str]) -> None:
    if set(said) != set(found):
        raise PolicyError(
            f"{regime.id}/regime.yaml: {entry} says {', '.join(sorted(said))}, but the rules allow"
            f" {', '.join(sorted(found)) or 'none'}"
        )
