"""The comparison in pictures: bars of what the police would get, and how many points single a vehicle out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from ringfence.compare.report import said_more
from ringfence.estate import Estate
from ringfence.maps import BLUE, GREEN, GREY, ORANGE, camera_map, save
from schemas.records import Outcome

Bar = tuple[float, float, float]

MOST = 6
MILLION = 1_000_000
PANELS = (
    ("vehicles disclosed", "Vehicles in the\npolice's stream, millions", MILLION),
    ("trips that can be followed", "Trips that can be\nfollowed, millions", MILLION),
    ("overviews disclosed", "Images of the scene\ndisclosed, millions", MILLION),
    ("unicity at 4", "Vehicles that four\npoints single out, %", 0.01),
)
COLOURS = {"in force": BLUE, "proposed": GREEN, "alleged": ORANGE, "counterfactual": GREY}
WORDS = (
    "Simulated traffic and cameras; as if every tranche had been activated, unless it says none. Mean of {seeds} days,"
    " lines from lowest to highest."
)
FOCUS = "inner-2022"


def draw(
    found: Mapping[str, Any], estate: Estate, zones: Mapping[str, Any],
    answers: Mapping[str, Mapping[int, tuple[Outcome, Outcome]]], out: Path,
) -> dict[str, Path]:  # fmt: skip
    """Draws every picture of a report into a folder. Returns the files by title, in order."""
    comparison(found, out / "comparison.png")
    unicity(found, out / "unicity.png")
    drawn = {
        "What the police would get": out / "comparison.png",
        "How few points single a vehicle out": out / "unicity.png",
    }
    for regime in found["regimes"]:
        file = out / f"map-{regime['id'].replace(':', '-')}.png"
        camera_map(estate, zones, answers[regime["id"]], regime["label"], file)
        drawn[f"Map: {regime['label']}"] = file
    return drawn


def comparison(found: Mapping[str, Any], path: Path) -> None:
    """Four panels of bars, a bar a regime, coloured by its status."""
    regimes = found["regimes"][::-1]
    figure, axes = plt.subplots(1, len(PANELS), figsize=(14, 1.9 + 0.42 * len(regimes)), sharey=True, squeeze=False)
    for axis, (name, title, unit) in zip(axes[0], PANELS, strict=True):
        _bars(axis, [_of(found, regime, name, unit) for regime in regimes], regimes)
        axis.set_title(title, fontsize=11, loc="left")
    axes[0][0].set_yticks(range(len(regimes)), [regime["label"] for regime in regimes], fontsize=10)
    statuses = dict.fromkeys(regime["status"] for regime in regimes[::-1])
    handles = [Patch(color=COLOURS[status]) for status in statuses]
    figure.legend(handles, statuses, loc="lower right", ncols=len(statuses), fontsize=9, frameon=False)
    title = f"One simulated day in London ({found['scene']['day']}): what the police would get"
    figure.suptitle(f"{title}\n{_headline(found)}", fontsize=13, x=0.01, ha="left")
    figure.text(0.01, 0.01, _caption(found), fontsize=9, color="#555555")
    figure.tight_layout(rect=(0, 0.05, 1, 0.98))
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def unicity(found: Mapping[str, Any], path: Path) -> None:
    """The share of vehicles that one to six points single out, a line a regime."""
    figure, axis = plt.subplots(figsize=(9, 5))
    for means, labels in _alike(found).items():
        axis.plot(range(1, MOST + 1), means, marker="o", label=" · ".join(labels))
    axis.legend(loc="lower right", fontsize=8, frameon=False, title="regimes, those with the same text together")
    axis.set_xlabel("random points (camera and hour) known of a vehicle")
    axis.set_ylabel("singled out among the vehicles of the sample, %")
    axis.set_ylim(0, 100)
    axis.set_xticks(range(1, MOST + 1))
    axis.set_title("How few points single a vehicle out", fontsize=12, loc="left")
    figure.text(0.01, 0.005, _caption(found), fontsize=8, color="#555555")
    axis.spines[["top", "right"]].set_visible(False)
    save(figure, path)


def _alike(found: Mapping[str, Any]) -> dict[tuple[float, ...], list[str]]:
    """The labels of the regimes by their shares in per cent, of one point, of two, and so on."""
    groups: dict[tuple[float, ...], list[str]] = {}
    for regime in found["regimes"]:
        shares = [regime["figures"].get(f"unicity at {k}", {}) for k in range(1, MOST + 1)]
        if all("mean" in share for share in shares):
            groups.setdefault(tuple(100 * share["mean"] for share in shares), []).append(regime["label"])
    return groups


def _of(found: Mapping[str, Any], regime: Mapping[str, Any], name: str, unit: float) -> Bar | None:
    """Mean, lowest and highest in a unit, for London where it is a count. None if it is not to be shown."""
    figure = regime["figures"].get(name, {})
    if "mean" not in figure:
        return None
    scale = 1 / unit if name.startswith("unicity") else 1 / found["scene"]["sample"] / unit
    return figure["mean"] * scale, figure["lowest"] * scale, figure["highest"] * scale


def _bars(axis: Axes, values: Sequence[Bar | None], regimes: Sequence[Mapping[str, Any]]) -> None:
    for i, (regime, bar) in enumerate(zip(regimes, values, strict=True)):
        mean, low, high = bar or (0.0, 0.0, 0.0)
        axis.barh(i, mean, color=COLOURS[regime["status"]], height=0.7)
        axis.plot((low, high), (i, i), color="black", linewidth=1.2)
        shown = f"{mean:.2f}" if mean < 10 else f"{mean:.1f}"
        words = shown if mean else "none" if bar else "does not apply"
        axis.annotate(words, (high, i), xytext=(4, 0), textcoords="offset points", va="center", fontsize=9)
    axis.spines[["top", "right", "bottom"]].set_visible(False)
    axis.set_xticks([])
    axis.margins(x=0.2)
    axis.set_xlim(left=0)


def _caption(found: Mapping[str, Any]) -> str:
    return WORDS.format(seeds=len(found["scene"]["seeds"]))


def _headline(found: Mapping[str, Any]) -> str:
    """What the picture says of one regime against the baseline, in a line; empty if it is not there."""
    focus = next((regime for regime in found["regimes"] if regime["id"] == FOCUS), None)
    if focus is None or found["baseline"] == FOCUS:
        return ""
    words = {"vehicles disclosed": "vehicles", "trips that can be followed": "trips", "overviews disclosed": "images"}
    more = "; ".join(f"{word} {said_more(focus['against_baseline'][name])}" for name, word in words.items())
    return f"{FOCUS} against {found['baseline']}, a day: {more}"
