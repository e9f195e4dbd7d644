"""Reads the stages' own /metrics, as Prometheus would."""

from collections.abc import Callable, Iterable
from urllib.error import URLError
from urllib.request import urlopen

from msgspec import Struct
from prometheus_client.parser import text_string_to_metric_families

Labels = dict[str, str]


class Sample(Struct, frozen=True):
    """One value of one series."""

    name: str
    labels: Labels
    value: float


class Scrape(Struct, frozen=True):
    """The samples of several processes at one moment (monotonic seconds)."""

    at: float
    samples: list[Sample]

    def total(self, name: str, **labels: str) -> float:
        """Sum over the series of that name that carry these labels."""
        return sum(sample.value for sample in self._of(name, labels))

    def by(self, label: str, name: str, **labels: str) -> dict[str, float]:
        """Sums by the values of one label."""
        sums: dict[str, float] = {}
        for sample in self._of(name, labels):
            key = sample.labels.get(label, "")
            sums[key] = sums.get(key, 0.0) + sample.value
        return sums

    def quantile(self, q: float, name: str, **labels: str) -> float | None:
        """Upper bound of the histogram bucket that holds the quantile; None while it is empty."""
        buckets = sorted((float(le), count) for le, count in self.by("le", f"{name}_bucket", **labels).items())
        if not buckets or not buckets[-1][1]:
            return None
        wanted = q * buckets[-1][1]
        return next(le for le, count in buckets if count >= wanted)

    def _of(self, name: str, labels: Labels) -> Iterable[Sample]:
        return (s for s in self.samples if s.name == name and labels.items() <= s.labels.items())


def scrape(ports: Iterable[int], clock: Callable[[], float]) -> Scrape:
    """One scrape of each port on 127.0.0.1. A process that does not answer adds nothing."""
    samples: list[Sample] = []
    for port in ports:
        try:
            with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=1) as answer:
                text = answer.read().decode()
        except (URLError, OSError):
            continue
        for family in text_string_to_metric_families(text):
            samples += [Sample(s.name, dict(s.labels), s.value) for s in family.samples]
    return Scrape(clock(), samples)
