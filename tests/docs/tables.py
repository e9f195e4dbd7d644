"""The tables of the docs, as the code has them. ``python -m tests.docs.tables`` writes them into the docs."""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from ringfence.metrics import Metrics
from ringfence.policy.authority import MAY, OPENING
from ringfence.policy.bundle import load
from ringfence.policy.oracle import consult
from ringfence.policy.page import dates, markdown
from ringfence.settings import PREFIX, ROOT, Settings
from schemas.topics import LIVE, Topic

HOUR_MS = 3_600_000
BUNDLE = load(ROOT / "policies")
RESULTS = ROOT / "benchmarks" / "results"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def settings_table() -> str:
    """Every setting, its default and what it does."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = field.default
        if default is None or isinstance(default, SecretStr):
            shown = "unset"
        else:
            shown = f"`{str(default).replace(f'{ROOT}/', '')}`"
        rows.append([f"`{PREFIX}{name.upper()}`", shown, field.description or ""])
    return _table(["setting", "default", "what it is"], rows)


def topics_table() -> str:
    """Every live topic: what is in it, how long it is kept, who writes and who reads."""
    return _table(["topic", "record", "kept", "written by", "read by"], map(_topic, LIVE))


def _topic(topic: Topic) -> list[str]:
    kept = _span(topic.retention_ms)
    writers, readers = (", ".join(sorted(users)) for users in (topic.writers, topic.readers))
    return [f"`{topic.name}`", topic.record.__name__ if topic.record else "", kept, writers, readers]


def _span(milliseconds: int) -> str:
    return "for ever" if milliseconds < 0 else f"{milliseconds // HOUR_MS} h"


def metrics_table() -> str:
    """Every metric and its labels."""
    rows = []
    for metric in vars(Metrics()).values():
        if not isinstance(metric, CollectorRegistry):
            (family,) = metric.describe()
            suffix = "_total" if family.type == "counter" else ""
            name = f"`{family.name}{suffix}`"
            rows.append([name, family.type, ", ".join(metric._labelnames), family.documentation])
    return _table(["metric", "type", "labels", "what it is"], sorted(rows))


def hot_path_table() -> str:
    """What the last committed run of the benchmark measured."""
    result = json.loads((RESULTS / "hot_path.json").read_text())
    found, cores = result["median"], result["host"]["cores"]
    return _table(
        [
            f"on {cores} cores, the broker included",
            f"median of {len(result['repetitions'])} times {result['reads']:,} reads",
        ],
        [
            ["throughput of one gate", f"{found['reads_per_second']:,} reads a second"],
            ["CPU of the gate", f"{found['cpu_microseconds']} µs a read"],
            ["the same client only consuming and decoding", f"{found['floor_cpu_microseconds']} µs a read"],
        ],
    )


def regime_page(name: str) -> str:
    """The page of a regime, from the bundle."""
    return markdown(BUNDLE, BUNDLE.regime(name), consult(BUNDLE, BUNDLE.regime(name))) + "\n"


def regimes_table() -> str:
    """Every regime, in order of time."""
    lines = [
        [f"[`{r.id}`](regimes/{r.id}.md)", r.title, r.status, dates(r)]
        for r in sorted(BUNDLE.regimes, key=lambda r: (r.starts, r.id))
    ]
    return _table(["regime", "title", "status", "when"], lines)


def policy_table() -> str:
    """What the last committed run of the benchmark of the decision measured."""
    result = json.loads((RESULTS / "policy.json").read_text())
    found, names = result["microseconds_a_decision"], {
        "table": "the compiled table alone",
        "with_redaction_and_audit_row": "with redaction and audit row",
        "with_the_disclosure_as_avro": "and the disclosure as Avro",
        "cedar": "Cedar itself, rules parsed once",
    }  # fmt: skip
    rows = [[words, f"{found[name]['p50']} µs", f"{found[name]['p99']} µs"] for name, words in names.items()]
    rows.append(["to compile all nine regimes", f"{result['compile_all_regimes_seconds']} s", ""])
    return _table(["a decision", "p50", "p99"], rows)


def swap_table() -> str:
    """What the last committed run of the benchmark of orders measured."""
    result = json.loads((RESULTS / "swap.json").read_text())
    rows = [
        [one["order"], f"{one['reads_a_second']:,}", f"{one['p50']} ms", f"{one['p99']} ms", f"{one['max']} ms"]
        for one in result["milliseconds"]
    ]
    return _table(["order", "reads a second", "p50", "p99", "longest"], rows)


def offices_table() -> str:
    """Every kind of order, and the offices that may give it."""
    rows = [[kind.lower(), ", ".join(sorted(MAY[kind])), "may expire" if kind in OPENING else ""] for kind in MAY]
    return _table(["order", "offices", ""], rows)


TABLES: dict[str, tuple[str, Callable[[], str]]] = {
    "topics": ("README.md", topics_table),
    "hot path": ("README.md", hot_path_table),
    "policy": ("README.md", policy_table),
    "swap": ("README.md", swap_table),
    "regimes": ("docs/regimes.md", regimes_table),
    "settings": ("docs/operations.md", settings_table),
    "offices": ("docs/operations.md", offices_table),
    "metrics": ("docs/operations.md", metrics_table),
}


def _place(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<=<!-- table of {name}: made by tests/docs/tables.py -->\n)(?:\|.*\n)*")


def written(name: str, text: str) -> str:
    """The table as it stands in a page."""
    found = _place(name).search(text)
    if found is None:
        raise AssertionError(f"no place for the table of {name}")
    return found[0]


def write() -> None:
    """Writes every table to its place, and every page."""
    for name, (page, make) in TABLES.items():
        path = Path(ROOT) / page
        table = make() + "\n"
        path.write_text(_place(name).sub(lambda _, table=table: table, path.read_text()))
    for regime in BUNDLE.regimes:
        path = ROOT / "docs" / "regimes" / f"{regime.id}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(regime_page(regime.id))


if __name__ == "__main__":
    write()
