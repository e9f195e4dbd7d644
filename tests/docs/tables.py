"""The tables of the docs, as the code has them."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from ringfence.metrics import Metrics
from ringfence.settings import PREFIX, ROOT, Settings
from schemas.topics import LIVE, Topic

HOUR_MS = 3_600_000


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
    kept = "latest by key" if topic.compacted else _span(topic.retention_ms)
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
            rows.append([f"`{family.name}`", family.type, ", ".join(metric._labelnames), family.documentation])
    return _table(["metric", "type", "labels", "what it is"], sorted(rows))
