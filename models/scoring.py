"""What is right of what was read: cases, shares, reliability, and the trade between kept and wrong."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from consumers.ocr.chances import Chances
from consumers.ocr.choose import LEAST_CHARACTERS
from consumers.ocr.grammar import Grammar, Reading
from consumers.ocr.reader import OnnxReader

WIDTHS = (0, 45, 65, 90, 130, 1_000_000)
TWINS = str.maketrans("OI", "01")
BINS = 15
THRESHOLDS = (*np.arange(0, 0.9, 0.05), *np.arange(0.9, 0.99, 0.01), *np.arange(0.99, 0.9996, 0.001))


Picture = NDArray[np.uint8]


class Truth(Struct, frozen=True):
    """What is true of a crop; ``text`` is empty where it shows no plate. ``width``: of the plate, in pixels."""

    text: str
    style: str
    width: float
    two_line: bool
    source: str
    condition: str


class Case(Struct, frozen=True):
    """One crop: what is true of it, and what was read."""

    truth: Truth
    reading: Reading

    @property
    def exact(self) -> bool:
        """Whether the mark is right, or nothing is read where nothing is."""
        return self.reading.vrm == self.truth.text

    @property
    def glyphs(self) -> bool:
        """Whether the likeliest text is right by its glyphs, whatever the grammar says: 0 is O, and 1 is I."""
        return self.reading.raw.translate(TWINS) == self.truth.text.translate(TWINS)

    @property
    def folded(self) -> bool:
        """Whether the mark is right if 0 counts as O, and 1 as I: what a reader without a grammar can be held to."""
        return self.reading.vrm.translate(TWINS) == self.truth.text.translate(TWINS)

    @property
    def read(self) -> bool:
        """Whether anything is read that could become a read."""
        return len(self.reading.vrm) >= LEAST_CHARACTERS

    def kept(self, least: float) -> bool:
        """Whether it passes the gate."""
        return self.read and self.reading.confidence >= least


class Crops(Struct, frozen=True):
    """A shard of crops: 48 by 128 gray pictures, and what is true of each."""

    pictures: NDArray[np.uint8]
    truths: list[Truth]


def shards(paths: Sequence[Path]) -> Iterator[Crops]:
    """The crops in .npz files, or in folders of them, file by file. SystemExit if there are none."""
    files = [file for path in paths for file in (sorted(path.glob("*.npz")) if path.is_dir() else [path])]
    if not files:
        raise SystemExit(f"no .npz files in {', '.join(map(str, paths))}: make some with `python -m models.make_data`")
    for file in files:
        data = np.load(file)
        number = len(data["text"])
        condition = data["condition"] if "condition" in data else np.full(number, "unknown")
        columns = [data[name].tolist() for name in ("text", "style", "width", "two_line", "source")]
        yield Crops(data["pictures"], [Truth(*row) for row in zip(*columns, condition.tolist(), strict=True)])


def read(reader: OnnxReader, paths: Sequence[Path]) -> tuple[Chances, list[Truth]]:
    """The reader's chances for all crops, and their truths."""
    parts = [(reader.chances(list(crops.pictures)), crops.truths) for crops in shards(paths)]
    return np.concatenate([chances for chances, _ in parts]), [truth for _, truths in parts for truth in truths]


def cases_of(chances: Chances, truths: Sequence[Truth], grammar: Grammar) -> list[Case]:
    """The cases, decided in parts that fit the processor's cache."""
    readings = [one for at in range(0, len(chances), 64) for one in grammar.decode_all(chances[at : at + 64])]
    return [Case(truth, reading) for truth, reading in zip(truths, readings, strict=True)]


def score(cases: Sequence[Case], least: float) -> dict[str, float]:
    """Shares in per cent, of crops with a plate.

    ``exact``: the mark. ``folded``: the mark, 0 being O. ``glyphs``: the text without the grammar, 0 being O.
    """
    kept = [case for case in cases if case.kept(least)]
    return {
        "crops": len(cases),
        "exact": percent(sum(case.exact for case in cases), len(cases)),
        "folded": percent(sum(case.folded for case in cases), len(cases)),
        "glyphs": percent(sum(case.glyphs for case in cases), len(cases)),
        "kept": percent(len(kept), len(cases)),
        "right_of_kept": percent(sum(case.exact for case in kept), len(kept)),
        "wrong": percent(sum(not case.exact for case in kept), len(cases)),
    }


def by(cases: Sequence[Case], least: float, name: Callable[[Case], str]) -> dict[str, dict[str, float]]:
    """The scores of every kind of case."""
    return {key: score([case for case in cases if name(case) == key], least) for key in sorted(set(map(name, cases)))}


def band(case: Case) -> str:
    """How wide the plate is in the picture."""
    low, high = next((a, b) for a, b in pairwise(WIDTHS) if case.truth.width < b)
    return f"{low:03d} to {high} px" if high < WIDTHS[-1] else f"{low:03d} px or more"


def reliability(cases: Sequence[Case]) -> dict[str, Any]:
    """How far confidence is from truth, over all that was read, where there is no plate, too.

    ``ece``: expected calibration error, the mean gap between confidence and share of right ones over 15 bins of equal
    width (Guo and others 2017); ``ece_equal``: over 15 bins of as many cases each.
    """
    said = [(case.reading.confidence, case.exact) for case in cases if case.read]
    pairs = np.array(sorted(said), np.float64).reshape(-1, 2)
    by_width = [pairs[(pairs[:, 0] * BINS).clip(0, BINS - 1).astype(int) == number] for number in range(BINS)]
    by_number = np.array_split(pairs, BINS)
    return {
        "readings": len(pairs),
        "ece": round(_gap(by_width), 5),
        "ece_equal": round(_gap(by_number), 5),
        "bins": [_bin(one) for one in by_width if len(one)],
    }


def _bin(pairs: NDArray[np.float64]) -> dict[str, float]:
    confidence, right = pairs.mean(0)
    return {"readings": len(pairs), "confidence": round(float(confidence), 4), "right": round(float(right), 4)}


def _gap(bins: Sequence[NDArray[np.float64]]) -> float:
    whole = sum(map(len, bins))
    return sum(abs(float(one[:, 0].mean() - one[:, 1].mean())) * len(one) / whole for one in bins if len(one))


def trade(cases: Sequence[Case]) -> list[dict[str, float]]:
    """For every threshold: what is kept of the plates, and what of all that is kept is wrong."""
    plates = sum(bool(case.truth.text) for case in cases)
    curve = []
    for threshold in THRESHOLDS:
        kept = [case for case in cases if case.kept(float(threshold))]
        wrong = sum(not case.exact for case in kept)
        curve.append({
            "least": round(float(threshold), 4),
            "kept": percent(sum(bool(case.truth.text) for case in kept), plates),
            "wrong_of_kept": percent(wrong, len(kept), 3),
        })  # fmt: skip
    return curve


def percent(part: int, whole: int, digits: int = 2) -> float:
    """A share in per cent; 0 of nothing."""
    return round(100 * part / whole, digits) if whole else 0.0
