"""Draws what docs/plate-reader.md shows: ``python -m models.pictures CROPS… --out docs/pictures``.

From models/evaluation.json the reliability diagram and the trade between kept and wrong; from the crops a sheet of
hits, the surest and the least sure, and of misses, those first that would pass the gate.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from consumers.ocr.calibration import load
from consumers.ocr.grammar import Grammar
from consumers.ocr.reader import OnnxReader
from models.scoring import Case, Picture, cases_of, read, shards
from ringfence.settings import Settings

mpl.use("Agg")
from matplotlib import pyplot

HERE = Path(__file__).parent
INK, RIGHT, WRONG = "#1f3a5f", "#2d7d46", "#b3261e"
COLUMNS, ROWS = 6, 4  # of hits, and as many of misses


def reliability_diagram(reliability: dict[str, Any], path: Path) -> None:
    """Confidence against the share that is right, with as much ink as there are readings."""
    figure, axes = pyplot.subplots(figsize=(5.2, 5.0), layout="constrained")
    bins = reliability["bins"]
    most = max(one["readings"] for one in bins)
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    sizes = [20 + 280 * one["readings"] / most for one in bins]
    axes.plot([one["confidence"] for one in bins], [one["right"] for one in bins], color=INK, linewidth=1)
    axes.scatter([one["confidence"] for one in bins], [one["right"] for one in bins], sizes, color=INK, alpha=0.75)
    axes.set(xlabel="confidence", ylabel="share that is right", xlim=(0, 1.03), ylim=(0, 1.03), aspect="equal")
    axes.set_title(
        f"{reliability['readings']:,} readings, expected calibration error {reliability['ece']:.4f}", size=10
    )
    _save(figure, path)


def trade_curve(trade: Sequence[dict[str, float]], least: float, path: Path) -> None:
    """Kept of all plates against wrong of all that is kept, with the threshold in force."""
    figure, axes = pyplot.subplots(figsize=(6.4, 4.4), layout="constrained")
    shown = [row for row in trade if row["kept"] > 0]
    axes.plot(
        [row["wrong_of_kept"] for row in shown], [row["kept"] for row in shown], color=INK, marker="o", markersize=3
    )
    last = -np.inf
    for row in shown:
        if abs(row["wrong_of_kept"] - last) > 0.06 * shown[0]["wrong_of_kept"]:
            last = row["wrong_of_kept"]
            axes.annotate(f"{row['least']:.1%}", (last, row["kept"]), (6, -9), textcoords="offset points", size=8)
    here = min(shown, key=lambda row: abs(row["least"] - least))
    axes.scatter(
        [here["wrong_of_kept"]], [here["kept"]], 80, facecolors="none", edgecolors=WRONG, linewidths=1.6, zorder=3
    )
    axes.set(xlabel="wrong, per cent of what is kept", ylabel="kept, per cent of the plates")
    axes.set_title(f"by the least confidence; ringed: {least:.1%}, the threshold in force", size=10)
    axes.grid(color="0.92")
    _save(figure, path)


def sheet(pictures: Sequence[Picture], cases: Sequence[Case], path: Path) -> None:
    """Hits above, misses below: what was read, how surely, and of a miss what is true."""
    chosen = [*hits(cases, COLUMNS * ROWS), *misses(cases, COLUMNS * ROWS)]
    rows = -(-len(chosen) // COLUMNS)
    figure, grid = pyplot.subplots(
        rows, COLUMNS, figsize=(COLUMNS * 1.9, rows * 0.98), layout="constrained", squeeze=False
    )
    for axes in grid.flat:
        axes.axis("off")
    for axes, number in zip(grid.flat, chosen, strict=False):
        case = cases[number]
        axes.imshow(pictures[number], cmap="gray", vmin=0, vmax=255)
        said = f"{case.reading.vrm or 'nothing'}  {case.reading.confidence:.0%}"
        text = said if case.exact else f"{said}\n{case.truth.text or 'no plate'}"
        axes.set_title(text, size=8, color=RIGHT if case.exact else WRONG, pad=2)
    _save(figure, path)


def hits(cases: Sequence[Case], number: int) -> list[int]:
    """Plates that are read right, from the least sure of them to the surest, in even steps."""
    right = [i for i, case in enumerate(cases) if case.exact and case.truth.text]
    ordered = sorted(right, key=lambda i: cases[i].reading.confidence)
    return [ordered[round(at)] for at in np.linspace(0, len(ordered) - 1, min(number, len(ordered)))]


def misses(cases: Sequence[Case], number: int) -> list[int]:
    """What is wrong, the surest first."""
    wrong = [i for i, case in enumerate(cases) if not case.exact]
    return sorted(wrong, key=lambda i: -cases[i].reading.confidence)[:number]


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("crops", type=Path, nargs="+", help=".npz files of crops, or folders of them")
    parser.add_argument("--out", type=Path, default=HERE.parent / "docs" / "pictures")
    parser.add_argument("--evaluation", type=Path, default=HERE / "evaluation.json")
    parser.add_argument("--model", type=Path, default=Settings().model)
    given = parser.parse_args()
    evaluation = json.loads(given.evaluation.read_text())
    given.out.mkdir(parents=True, exist_ok=True)
    reliability_diagram(evaluation["reliability"], given.out / "reliability.png")
    trade_curve(evaluation["trade"], evaluation["least_confidence"], given.out / "trade.png")
    reader = OnnxReader(given.model)
    chances, truths = read(reader, given.crops)
    cases = cases_of(chances, truths, Grammar(load(given.model.parent / "calibration.json"), reader.slots))
    pictures = [picture for crops in shards(given.crops) for picture in crops.pictures]
    sheet(pictures, cases, given.out / "hits-and-misses.png")


if __name__ == "__main__":
    main()
