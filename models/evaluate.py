"""Tests the plate model on crops that it has not seen: ``python models/evaluate.py CROPS.npz OUT.json``.

It reads as the product reads, through ``consumers.ocr.reader`` and ``ringfence.vrm``. A crop is right when
the text, after the grammar's repair, is the mark on the plate; 0 and O are one glyph, so before the repair
they count as one. A crop without a plate is right when nothing at or above the gate is read.
"""

import argparse
import json
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

sys.path.insert(0, str(Path(__file__).parent.parent))

from consumers.ocr.reader import OnnxReader
from ringfence.vrm import repair

HERE = Path(__file__).parent
GATE = 80  # per cent; the default of the setting RINGFENCE_GATE
WIDTHS = (0, 65, 90, 130, 1_000)
TWINS = str.maketrans("OI", "01")


class Case(Struct, frozen=True):
    """One crop with a plate: what is true of it, and what was read."""

    truth: str
    style: str
    width: float
    two_line: bool
    source: str
    raw: str
    confidence: float

    @property
    def raw_right(self) -> bool:
        """Whether the model alone is right, O being 0 and I being 1."""
        return self.raw.translate(TWINS) == self.truth.translate(TWINS)

    @property
    def right(self) -> bool:
        """Whether it is right after the repair."""
        return repair(self.raw).vrm == self.truth

    @property
    def kept(self) -> bool:
        """Whether it passes the gate."""
        return int(self.confidence * 100) >= GATE

    @property
    def band(self) -> str:
        """How wide the plate is in the picture."""
        low, high = next((a, b) for a, b in pairwise(WIDTHS) if self.width < b)
        return f"{low} to {high} px" if high < WIDTHS[-1] else f"{low} px or more"


def score(cases: list[Case]) -> dict[str, float]:
    """Shares in per cent."""
    kept = [case for case in cases if case.kept]
    return {
        "crops": len(cases),
        "raw_right": _percent(sum(case.raw_right for case in cases), len(cases)),
        "right": _percent(sum(case.right for case in cases), len(cases)),
        "kept_by_gate": _percent(len(kept), len(cases)),
        "right_of_kept": _percent(sum(case.right for case in kept), len(kept)),
    }


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 0.0


def _by(cases: list[Case], name: Callable[[Case], str]) -> dict[str, dict[str, float]]:
    return {key: score([case for case in cases if name(case) == key]) for key in sorted(set(map(name, cases)))}


def evaluate(model: Path, crops: Path) -> dict[str, Any]:
    """The whole report."""
    data = np.load(crops)
    readings = OnnxReader(model).read(list(data["pictures"]))
    rows = zip(data["text"], data["style"], data["width"], data["two_line"], data["source"], readings, strict=True)
    seen = [Case(str(t), str(s), float(w), bool(two), str(c), r.text, r.confidence) for t, s, w, two, c, r in rows]
    cases = [case for case in seen if case.truth]
    empty = [case for case in seen if not case.truth]
    return {
        "gate": GATE,
        "all": score(cases),
        "without_plate": {
            "crops": len(empty),
            "right": _percent(sum(not (case.kept and len(case.raw) > 1) for case in empty), len(empty)),
        },
        "by_source": _by(cases, lambda case: case.source),
        "by_style": _by(cases, lambda case: case.style),
        "by_width": _by(cases, lambda case: case.band),
        "by_lines": _by(cases, lambda case: "two" if case.two_line else "one"),
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("crops", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", type=Path, default=HERE / "ringfence_plates.onnx")
    given = parser.parse_args()
    report = evaluate(given.model, given.crops)
    given.out.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps({name: report[name] for name in ("all", "without_plate")}, indent=2))


if __name__ == "__main__":
    main()
