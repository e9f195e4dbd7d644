"""Cedar as the oracle: one regime's answer to every question that its rules can tell apart. Pure."""

from collections.abc import Callable, Iterable, Mapping

from cedarpy import AuthzResult, is_authorized, is_authorized_batch
from msgspec import Struct

from ringfence.policy.bundle import Bundle, Form, Regime
from ringfence.policy.facts import NAMES, Facts, Zone, grid, request
from ringfence.policy.lint import Template, concerns, facts_read, parse

NO_RULE = "no_rule_permits"
EVALUATION_FAILED = "policy_evaluation_failed"

Key = tuple[object, ...]


class Answer(Struct, frozen=True):
    """Cedar's answer on one form: whether it is allowed, why not, and the ids of the rules that decided."""

    allowed: bool
    reason: str
    rules: list[str]


class Ruled(Struct, frozen=True):
    """A regime with all its answers. ``reads``: the facts that its rules, or those of the house, can see.

    ``of_zone``: the same of those rules alone that can match a zone.
    """

    regime: Regime
    forms: tuple[Form, ...]
    reads: tuple[str, ...]
    of_zone: Mapping[Zone, tuple[str, ...]]
    answers: Mapping[tuple[str, Key], Answer]

    def key(self, facts: Facts) -> Key:
        """What the rules can see of these facts."""
        return tuple(getattr(facts, name) for name in self.of_zone[facts.zone])

    def answer(self, form: str, facts: Facts) -> Answer:
        """The answer on one form."""
        return self.answers[form, self.key(facts)]


def consult(bundle: Bundle, regime: Regime, questions: Iterable[Facts] | None = None) -> Ruled:
    """Puts every question to Cedar, once, or only these. PolicyError if the rules must not be used."""
    policies, rules = parse(f"{bundle.common}\n{regime.policy}", bundle.schema, regime.id)
    of_zone = {zone: _reads(rule for rule in rules.values() if concerns(rule, zone)) for zone in Zone}
    answers: dict[tuple[str, Key], Answer] = {}
    ruled = Ruled(regime, bundle.forms, _reads(rules.values()), of_zone, answers)
    asked = list({ruled.key(facts): facts for facts in (questions or grid(ruled.reads))}.values())
    for form in bundle.forms:
        results = is_authorized_batch([request(facts, form.action) for facts in asked], policies, "[]")
        for facts, result in zip(asked, results, strict=True):
            answers[form.name, ruled.key(facts)] = _answer(result, rules)
    return ruled


def asker(bundle: Bundle, regime: Regime) -> Callable[[Facts, Form], Answer]:
    """Cedar itself, to be asked one question after the other: what the table stands for."""
    policies, rules = parse(f"{bundle.common}\n{regime.policy}", bundle.schema, regime.id)

    def ask(facts: Facts, form: Form) -> Answer:
        return _answer(is_authorized(request(facts, form.action), policies, "[]"), rules)

    return ask


def _reads(rules: Iterable[Template]) -> tuple[str, ...]:
    seen = facts_read(rules)
    return tuple(name for name in NAMES if name in seen)


def _answer(result: AuthzResult, rules: Mapping[str, Template]) -> Answer:
    """Allowed only if nothing went wrong: Cedar skips a forbid that fails to evaluate."""
    fired = [rule for policy_id, rule in rules.items() if policy_id in result.diagnostics.reasons]
    ids = [rule.annotations["id"] for rule in fired]
    if result.diagnostics.errors:
        return Answer(False, EVALUATION_FAILED, ids)
    if result.allowed:
        return Answer(True, "", ids)
    return Answer(False, fired[0].annotations["reason"] if fired else NO_RULE, ids)
