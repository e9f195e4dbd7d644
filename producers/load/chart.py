"""The chart of a load test: what was offered, how long it took, how far each stage was behind."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ringfence.maps import BLUE, GREEN, GREY, ORANGE, save  # first: it chooses a backend that needs no screen

import matplotlib.pyplot as plt  # isort: skip
from matplotlib.ticker import LogLocator  # isort: skip

STAGES = {"ocr": (ORANGE, "-."), "enforcement": (BLUE, "-"), "police": (GREEN, "--"), "oversight": (GREY, ":")}
LINES = {"p50": (GREEN, "-"), "p99": (BLUE, "-"), "max": (GREY, ":")}


def draw(report: Mapping[str, Any], title: str, limit: float, path: Path) -> None:
    """Writes the chart of a report as a PNG; for a search, with its trials."""
    trials = report.get("trials")
    rows = 4 if trials else 3
    figure, axes = plt.subplots(rows, 1, figsize=(8.5, 2.1 * rows))
    _offered(axes[0], report["seconds"])
    _latency(axes[1], report["seconds"], limit)
    _lag(axes[2], report["samples"])
    axes[1].sharex(axes[0])
    axes[2].sharex(axes[0])
    axes[2].set_xlabel("seconds since the first intended moment")
    if trials:
        _trials(axes[3], trials, limit)
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25)
    axes[0].set_title(title, loc="left", fontsize=11)
    save(figure, path)


def _offered(axis: Any, seconds: Sequence[Mapping[str, Any]]) -> None:
    at = [s["second"] + 0.5 for s in seconds]
    axis.plot(at, [s["intended_rate"] for s in seconds], color=GREY, linestyle="--", label="intended")
    axis.plot(at, [s["sent"] for s in seconds], color=BLUE, label="sent")
    axis.plot(at, [s["disclosed"] for s in seconds], color=ORANGE, label="disclosed to the police")
    axis.set_ylabel("records a second")
    axis.set_ylim(bottom=0)
    axis.legend(**LEGEND)


def _latency(axis: Any, seconds: Sequence[Mapping[str, Any]], limit: float) -> None:
    timed = [s for s in seconds if s.get("p50") is not None]
    for name, (colour, style) in LINES.items():
        values = [s[name] * 1000 for s in timed]
        axis.plot([s["second"] + 0.5 for s in timed], values, color=colour, linestyle=style, label=name)
    axis.axhline(limit * 1000, color=ORANGE, linewidth=1, label=f"limit for p99: {limit * 1000:,.0f} ms")
    _log(axis)
    axis.set_ylabel("intended → readable\nby the police, ms")
    axis.legend(**LEGEND)


def _lag(axis: Any, samples: Sequence[Mapping[str, Any]]) -> None:
    for stage, (colour, style) in STAGES.items():
        if stage in samples[0]["lag"]:
            at, lag = [s["at"] for s in samples], [s["lag"][stage] for s in samples]
            axis.plot(at, lag, color=colour, linestyle=style, label=stage)
    axis.set_yscale("symlog", linthresh=10)
    axis.set_ylim(bottom=0)
    axis.set_ylabel("records that wait")
    axis.legend(**LEGEND)


def _trials(axis: Any, trials: Sequence[Mapping[str, Any]], limit: float) -> None:
    for passed, colour, marker, label in ((True, GREEN, "o", "held"), (False, ORANGE, "x", "did not hold")):
        of = [t for t in trials if t["passed"] is passed and t["latency_seconds"]["p99"] is not None]
        latencies = [t["latency_seconds"]["p99"] * 1000 for t in of]
        axis.scatter([t["rate"] for t in of], latencies, color=colour, marker=marker, label=label)
    axis.axhline(limit * 1000, color=ORANGE, linewidth=1)
    _log(axis)
    axis.set_ylabel("p99 of a trial, ms")
    axis.set_xlabel("reads a second of a trial")
    axis.legend(**LEGEND)


def _log(axis: Any) -> None:
    """A log axis whose numbers are plain ones."""
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_formatter("")


LEGEND: dict[str, Any] = {"fontsize": 8, "frameon": False, "loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
