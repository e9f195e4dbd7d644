"""A regime as a page that a person can read: made from the bundle, for the terminal's `--markdown` and for the docs."""

from datetime import UTC, datetime

from ringfence.policy.bundle import DAY, Bundle, Regime
from ringfence.policy.explain import Rule, form_in_words, rules_of, summary
from ringfence.policy.facts import Kind
from ringfence.policy.oracle import Ruled

SECOND = 1_000_000
ASKED = {Kind.READ: "Reads", Kind.IMAGE: "Images"}


def markdown(bundle: Bundle, regime: Regime, ruled: Ruled) -> str:
    """The page of a regime, as Markdown."""
    forms = [form for form in bundle.forms if form.name in regime.forms]
    parts = [
        f"# {regime.title}\n",
        f"`{regime.id}`, **{regime.status}**. {_sentence(regime.instrument)} {dates(regime)}.\n",
        regime.summary + "\n",
        "## What the police may get\n",
        _table(["form", "holds"], [[f.name, form_in_words(f)] for f in forms]),
        f"Purposes: {', '.join(p.replace('_', ' ') for p in regime.purposes)}. Retention: {retention(regime)}.\n",
        "## The rules\n",
        _rules(rules_of(bundle, regime.policy, regime.id)),
        "Under every regime:\n",
        _rules(rules_of(bundle, bundle.common, "the house")),
        "## The decision table, in short\n",
        "Made by Cedar from the rules. It leaves out what the rules of the house deny under every regime.\n",
        *(part for kind in Kind for part in (f"{ASKED[kind]}:\n", _summary(ruled, kind))),
        "## On the record\n",
        "\n".join(f"- {entry.what} ({entry.source})" for entry in regime.record) + "\n",
        "## Sources\n",
        "\n".join(f"- {source}" for source in regime.sources) + "\n",
        f"{sum(1 for case in bundle.cases if case.regime == regime.id)} cases hold this regime to its word:"
        f" `policies/{regime.id}/cases/`.",
    ]
    return "\n".join(parts)


def dates(regime: Regime) -> str:
    """From when until when, in words."""
    until = f"until {day(regime.ends - 1)}" if regime.ends is not None else "still open"
    return f"From {day(regime.starts)}, {until}"


def retention(regime: Regime) -> str:
    """The term of retention, in words."""
    return "no term is on record" if regime.retention is None else f"{regime.retention // DAY} days after capture"


def day(at: int) -> str:
    """The day of a moment (µs), in words. Dates of law are local: midnight in British Summer Time is an hour early."""
    moment = datetime.fromtimestamp((at + 3_600 * SECOND) / SECOND, UTC)
    return f"{moment.day} {moment:%B %Y}"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def _rules(rules: dict[str, Rule]) -> str:
    return _table(
        ["rule", "", "in plain English", "basis"], [[r.id, r.effect, r.plain, r.basis] for r in rules.values()]
    )


def _summary(ruled: Ruled, kind: Kind) -> str:
    lines = []
    for zone, facts, got in summary(ruled, kind):
        when = ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in facts.items())
        comes = f"**{got.form}**" if got.form else got.reason.replace("_", " ")
        lines.append([zone, when or "always", comes, ", ".join(got.rules)])
    return _table(["zone", "if", "comes", "by"], lines)


def _table(head: list[str], lines: list[list[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"
