"""Fits the calibration to crops that were not trained on: ``python -m models.calibrate CROPS… --out FILE``.

For each of some temperatures a logistic regression says, from the share of the mark and the kind of reading, whether
it is right; the temperature with the least log loss is taken. Held to the identity by a light penalty, so that few
readings of a kind do not run away. Evaluate on other crops than these.
"""

import argparse
from itertools import product
from pathlib import Path

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from consumers.ocr.calibration import Calibration
from consumers.ocr.chances import FLOOR, Chances
from consumers.ocr.grammar import Grammar
from consumers.ocr.reader import OnnxReader
from models.scoring import Case, Truth, cases_of, read, reliability
from ringfence.vrm import Style

HERE = Path(__file__).parent
TWINS = (0.4, 0.7, 1.0)
TEMPERATURES = (0.7, 0.85, 1.0, 1.15, 1.3, 1.5, 1.75, 2.0)
IDENTITY = np.array([1.0, 1.0, 0.0, 0.0, 0.0])  # won, lost, offset, foreign, repaired
PENALTY = 2.0
STEPS = 60

Numbers = NDArray[np.float64]


def fit(chances: Chances, truths: list[Truth], odds: float) -> Calibration:
    """The calibration that tells best what is right."""
    plain = [Calibration(temperature=t, odds=odds, twins=twins) for t, twins in product(TEMPERATURES, TWINS)]
    fitted = [_at(one, chances, truths) for one in plain]
    return min(fitted, key=lambda pair: pair[0])[1]


def _at(plain: Calibration, chances: Chances, truths: list[Truth]) -> tuple[float, Calibration]:
    """The log loss at one temperature, and the calibration."""
    slots = chances.shape[1]
    features, right = features_of(cases_of(chances, truths, Grammar(plain, slots)))
    won, lost, offset, foreign, repaired = logistic(features, right).tolist()
    made = replace(
        plain, won=round(max(won, 0.0), 4), lost=round(max(lost, 0.0), 4), offset=round(offset, 4),
        foreign=round(foreign, 4), repaired=round(repaired, 4),
    )  # fmt: skip
    return _loss(cases_of(chances, truths, Grammar(made, slots))), made


def features_of(cases: list[Case]) -> tuple[Numbers, Numbers]:
    """N by 5: log p, -log(1-p), 1, foreign, repaired; and N of 1 where it is right. Of what was read."""
    said = [case for case in cases if case.read]
    share = np.array([case.reading.confidence for case in said]).clip(FLOOR, 1 - FLOOR)
    foreign = [case.reading.style is Style.FOREIGN_OR_UNKNOWN for case in said]
    repaired = [case.reading.repaired for case in said]
    columns = [np.log(share), -np.log1p(-share), np.ones(len(said)), foreign, repaired]
    return np.column_stack(columns).astype(np.float64), np.array([case.exact for case in said], np.float64)


def logistic(features: Numbers, right: Numbers) -> Numbers:
    """Weights of a logistic regression by Newton's method, drawn to the identity; won and lost are not below 0."""
    weights, free = IDENTITY.copy(), np.ones(len(IDENTITY), bool)
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(features @ weights, -30, 30)))
        slope = features.T @ (chance - right) + PENALTY * (weights - IDENTITY)
        bend = (features * (chance * (1 - chance))[:, None]).T @ features + PENALTY * np.eye(len(IDENTITY))
        step = np.zeros_like(weights)
        step[free] = np.linalg.solve(bend[np.ix_(free, free)], slope[free])
        step *= min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        weights = weights - step
        under = (weights < 0) & (np.arange(len(weights)) < 2)
        weights[under], free[under] = 0.0, False
        if np.abs(step).max() < 1e-7:
            break
    return weights


def _loss(cases: list[Case]) -> float:
    said = [case for case in cases if case.read]
    chance = np.array([case.reading.confidence for case in said]).clip(FLOOR, 1 - FLOOR)
    right = np.array([case.exact for case in said])
    return float(-np.log(np.where(right, chance, 1 - chance)).mean())


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("crops", type=Path, nargs="+", help=".npz files of crops, or folders of them")
    parser.add_argument("--out", type=Path, default=HERE / "calibration.json")
    parser.add_argument("--model", type=Path, default=HERE / "ringfence_plates.onnx")
    parser.add_argument("--odds", type=float, default=Calibration().odds)
    given = parser.parse_args()
    reader = OnnxReader(given.model)
    chances, truths = read(reader, given.crops)
    made = fit(chances, truths, given.odds)
    given.out.write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=2) + b"\n")
    fitted = reliability(cases_of(chances, truths, Grammar(made, reader.slots)))
    print(f"{made}\non what it was fitted to: ECE {fitted['ece']}, in equal bins {fitted['ece_equal']}")


if __name__ == "__main__":
    main()
