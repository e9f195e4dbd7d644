"""What a load test leaves: report.json, and the table in words. Pure, but for the facts of the machine."""

import platform
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import psutil
from msgspec import structs

from producers.load.find import Trial as Tried
from producers.load.find import best
from producers.load.profiles import length, rate_at
from producers.load.trial import Outcome
from producers.load.verdict import seconds_behind

PLACES = 4  # a tenth of a millisecond


def host(kafka: str | None) -> dict[str, Any]:
    """The machine, and the version of a Kafka of our own; another broker does not say its own."""
    return {
        "cores": psutil.cpu_count(), "memory_bytes": psutil.virtual_memory().total, "machine": platform.machine(),
        "python": platform.python_version(), "kafka": kafka, "load_average": [round(n, 2) for n in psutil.getloadavg()],
    }  # fmt: skip


def of_run(outcome: Outcome) -> dict[str, Any]:
    """One run, as JSON takes it. Latencies in seconds, from the intended moment until the police could read it."""
    return {
        "held": outcome.verdict.held,
        "verdict": structs.asdict(outcome.verdict),
        "within_limit": outcome.within,
        "offered": structs.asdict(outcome.sent),
        "latency_seconds": _rounded(outcome.latency),
        "books": outcome.summary,
        "faults": outcome.faults,
        "seconds": _seconds(outcome),
        "samples": _samples(outcome),
    }


def of_search(tried: Sequence[tuple[float, Outcome]]) -> dict[str, Any]:
    """The search for the largest rate that holds: every trial, and the run of the best."""
    largest = best([Tried(rate, outcome.passed) for rate, outcome in tried])
    shown = next((o for rate, o in reversed(tried) if rate == largest and o.passed), tried[-1][1])
    trials = [{"rate": rate, **_brief(outcome)} for rate, outcome in tried]
    faults = [fault for _, outcome in tried for fault in outcome.faults]
    return of_run(shown) | {"largest_rate": largest, "trials": trials, "faults": faults}


def _brief(outcome: Outcome) -> dict[str, Any]:
    return {
        "passed": outcome.passed, "why": outcome.verdict.why, "latency_seconds": _rounded(outcome.latency),
        "sent": outcome.sent.offered,
    }  # fmt: skip


def _seconds(outcome: Outcome) -> list[dict[str, Any]]:
    """By the second in which events were due: how many should have been sent, were, and how long they took."""
    return [
        {
            "second": second,
            "intended_rate": round(rate_at(outcome.shape, second + 0.5), 1),
            "sent": outcome.sent_by_second.get(second, 0),
            "disclosed": (found := outcome.latency_by_second.get(second, {})).get("count", 0),
            **_rounded({k: v for k, v in found.items() if k != "count"}),
        }
        for second in range(_length(outcome))
    ]


def _length(outcome: Outcome) -> int:
    """Seconds of the run: of the profile, or up to the last event where it was ended early."""
    return min(ceil(length(outcome.shape)), max(outcome.sent_by_second, default=0) + 1)


def _samples(outcome: Outcome) -> list[dict[str, Any]]:
    samples = outcome.samples
    behind = {stage: seconds_behind(samples, stage) for stage in samples[0].stages}
    return [
        {
            "at": round(sample.at, 3),
            "lag": {stage: standing.lag for stage, standing in sample.stages.items()},
            "seconds_behind": {stage: round(behind[stage][i], 3) for stage in sample.stages},
        }
        for i, sample in enumerate(samples)
    ]


def _rounded(found: Mapping[str, float | None]) -> dict[str, float | None]:
    return {name: None if value is None else round(value, PLACES) for name, value in found.items()}


def rows(report: Mapping[str, Any], limit: float) -> list[tuple[str, str]]:
    """The table at the end: what, and how much."""
    books, latency = report["books"], report["latency_seconds"]
    found = [
        ("offered", f"{report['offered']['offered']:,}"),
        ("sent late, unsent", f"{report['offered']['late']:,}, {report['offered']['unsent']:,}"),
        ("decided", f"{books['decided']:,}"),
        ("disclosed, received", f"{books['disclosed']:,}, {books['received']:,}"),
        *((name, milliseconds(value)) for name, value in latency.items()),
        (f"p99 within {limit * 1000:,.0f} ms", {True: "yes", False: "no", None: "-"}[report["within_limit"]]),
    ]
    if books["frames"]:
        found.insert(2, ("frames, without a read", f"{books['frames']:,}, {books['frames_without_a_read']:,}"))
    return found


def milliseconds(seconds: float | None) -> str:
    """For a person."""
    return "-" if seconds is None else f"{seconds * 1000:,.0f} ms"
