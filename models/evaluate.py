"""Tests the plate model on crops that it has not seen: ``python -m models.evaluate CROPS… --out FILE``.

It reads as the product reads, through ``consumers.ocr``, with the calibration beside the model. A crop is right when
the mark is the one on the plate, all of it. One without a plate is right when nothing passes the gate.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from consumers.ocr.calibration import load
from consumers.ocr.grammar import Grammar
from consumers.ocr.reader import OnnxReader
from models.scoring import Case, band, by, cases_of, percent, read, reliability, score, trade
from ringfence.settings import Settings

HERE = Path(__file__).parent


def report(cases: list[Case], least: float) -> dict[str, Any]:
    """Everything that is said of the model. Shares in per cent."""
    plates = [case for case in cases if case.truth.text]
    empty = [case for case in cases if not case.truth.text]
    return {
        "least_confidence": round(least, 4),
        "all": score(plates, least),
        "without_plate": {
            "crops": len(empty),
            "right": percent(sum(not case.kept(least) for case in empty), len(empty)),
        },
        "by_source": by(plates, least, lambda case: case.truth.source),
        "by_style": by(plates, least, lambda case: case.truth.style),
        "by_width": by(plates, least, band),
        "by_condition": by(plates, least, lambda case: case.truth.condition),
        "by_lines": by(plates, least, lambda case: "two" if case.truth.two_line else "one"),
        "ninety_pixels_or_more": score([case for case in plates if case.truth.width >= 90], least),
        "reliability": reliability(cases),
        "trade": trade(cases),
    }


def evaluate(model: Path, crops: list[Path], wrong_cost: float) -> dict[str, Any]:
    """The report of a model on shards of crops."""
    reader = OnnxReader(model)
    chances, truths = read(reader, crops)
    grammar = Grammar(load(model.parent / "calibration.json"), reader.slots)
    return report(cases_of(chances, truths, grammar), Settings(wrong_cost=wrong_cost).least_confidence)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("crops", type=Path, nargs="+", help=".npz files of crops, or folders of them")
    parser.add_argument("--out", type=Path, default=HERE / "evaluation.json")
    parser.add_argument("--model", type=Path, default=HERE / "ringfence_plates.onnx")
    parser.add_argument("--wrong-cost", type=float, default=Settings().wrong_cost)
    given = parser.parse_args()
    made = evaluate(given.model, given.crops, given.wrong_cost)
    given.out.write_text(json.dumps(made, indent=2) + "\n")
    print(json.dumps({name: made[name] for name in ("all", "without_plate", "ninety_pixels_or_more")}, indent=2))
    print({name: made["reliability"][name] for name in ("readings", "ece", "ece_equal")})


if __name__ == "__main__":
    main()
