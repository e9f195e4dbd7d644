"""The comparison in pictures: bars of what the police would get, and how many points single a vehicle out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from ringfence.compare.report import NOBODY, said_more
from ringfence.estate import Estate
from ringfence.maps import BLUE, GREEN, GREY, ORANGE, camera_map, save
from schemas.records import Outcome

MOST = 6
MILLION = 1_000_000
PANELS = (
    ("vehicles disclosed", "Vehicles in the\npolice's stream, millions", MILLION),
    ("trips that can be followed", "Trips that can be\nfollowed, millions", MILLION),
    ("overviews disclosed", "Images of the scene\ndisclosed, millions", MILLION),
    ("unicity at 4", "Vehicles of the sample\nthat four points single out, %", 0.01),
)
COLOURS = {"in force": BLUE, "proposed": GREEN, "alleged": ORANGE, "counterfactual": GREY}
WORDS = (
    "Simulated traffic and cameras; as if every tranche had been activated, unless it says none. Asked for crime,"
    " unless it says otherwise.\n{over}"
)
FOCUS = "inner-2022"
IF = "if every tranche were activated"


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
    figure, axes = plt.subplots(1, len(PANELS), figsize=(14, 2.2 + 0.42 * len(regimes)), sharey=True, squeeze=False)
    for axis, (name, title, unit) in zip(axes[0], PANELS, strict=True):
        _bars(axis, [regime["figures"].get(name, {}) for regime in regimes], _scale(found, name, unit), regimes)
        axis.set_title(title, fontsize=11, loc="left")
    axes[0][0].set_yticks(range(len(regimes)), [regime["label"] for regime in regimes], fontsize=10)
    statuses = dict.fromkeys(regime["status"] for regime in regimes[::-1])
    handles = [Patch(color=COLOURS[status]) for status in statuses]
    figure.legend(handles, statuses, loc="lower right", ncols=len(statuses), fontsize=9, frameon=False)
    title = f"One simulated day in London ({found['scene']['day']}): what the police would get"
    figure.suptitle(f"{title}\n{headline(found)}", fontsize=13, x=0.01, ha="left")
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


def _scale(found: Mapping[str, Any], name: str, unit: float) -> float:
    """What turns a figure into its unit: for London where it is a count."""
    return 1 / unit if name.startswith("unicity") else 1 / found["scene"]["sample"] / unit


def _bars(axis: Axes, figures: Sequence[Mapping[str, Any]], scale: float, regimes: Sequence[Mapping[str, Any]]) -> None:
    for i, (regime, figure) in enumerate(zip(regimes, figures, strict=True)):
        mean = scale * figure.get("mean", 0.0)
        low, high = (scale * figure[end] if end in figure else mean for end in ("lowest", "highest"))
        axis.barh(i, mean, color=COLOURS[regime["status"]], height=0.7)
        axis.plot((low, high), (i, i), color="black", linewidth=1.2)
        axis.annotate(
            words_of(figure, mean), (high, i), xytext=(4, 0), textcoords="offset points", va="center", fontsize=9
        )
    axis.spines[["top", "right", "bottom"]].set_visible(False)
    axis.set_xticks([])
    axis.margins(x=0.2)
    axis.set_xlim(left=0)


def words_of(figure: Mapping[str, Any], mean: float) -> str:
    """What stands beside a bar: its mean, or why there is none."""
    if "mean" not in figure:
        words: str = figure.get("suppressed", NOBODY)
        return words
    shown = f"{mean:.2f}" if mean < 10 else f"{mean:.1f}"
    return shown if mean else "none"


def _caption(found: Mapping[str, Any]) -> str:
    return WORDS.format(over=found["range"])


def headline(found: Mapping[str, Any]) -> str:
    """What the picture says of one regime against the baseline, in two lines; empty if it is not there."""
    focus = next((regime for regime in found["regimes"] if regime["id"] == FOCUS), None)
    if focus is None or found["baseline"] == FOCUS:
        return ""
    words = {"vehicles disclosed": "vehicles", "trips that can be followed": "trips", "overviews disclosed": "images"}
    more = "; ".join(f"{word} {said_more(focus['against_baseline'][name])}" for name, word in words.items())
    return f"{FOCUS} ({IF}) against {found['baseline']}, a day:\n{more}"
