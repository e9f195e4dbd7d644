"""Compares two ways to find plates on frames of the simulated traffic: ``python -m models.compare_finders``.

Both are followed by the same reader, grammar and gate, as in the stage. A plate is readable when it is not hidden in
part. Every frame is looked at; as many frames again are the same views without a plate. Times are of one core, of
both in one run and in turns, so that their ratio holds on a busy machine, too.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
from msgspec import Struct
from msgspec.structs import replace

from consumers.ocr.calibration import load as load_calibration
from consumers.ocr.finder import Finder as Network
from consumers.ocr.fuse import best
from consumers.ocr.grammar import Grammar
from consumers.ocr.pictures import decode
from consumers.ocr.reader import OnnxReader
from consumers.ocr.sight import Finder, Sight
from models.strokes import Strokes
from producers.camera import view_of
from producers.scene import View, render
from producers.traffic import SECOND, constant
from producers.world import World
from ringfence.estate import load as load_estate
from ringfence.settings import Settings

HERE = Path(__file__).parent
DAY = 1_655_247_600 * SECOND  # Wednesday 15 June 2022, midnight in London
HOURS = (0, 3, 6, 8, 11, 14, 17, 20, 22)
BATCH = 32


class Tally(Struct):
    """What became of the frames: ``right``, ``wrong`` and ``none`` of those with a plate, at the gate."""

    readable: Counter[str]
    hidden: Counter[str]
    without_plate: Counter[str]
    seconds: float = 0.0


def traffic(seed: int, number: int) -> list[View]:
    """So many frames of one simulated day, spread over its hours, of cameras without a reader; then without plates."""
    estate = load_estate(HERE.parent / "policies" / "estate")
    views: list[View] = []
    for hour in HOURS:
        world = World(estate, seed, constant(60.0), DAY + hour * 3_600 * SECOND)
        frames = (view_of(passage) for passage in world.passages() if not passage.on_board)
        views += islice(frames, -(-number // len(HOURS)))
    return views + [replace(view, vrm=None) for view in views if view.vrm]


def batches(views: Sequence[View]) -> Iterator[tuple[Sequence[View], list[bytes]]]:
    """The views and their JPEGs."""
    for start in range(0, len(views), BATCH):
        part = views[start : start + BATCH]
        yield part, [render(view).jpeg for view in part]


def compare(finders: dict[str, Finder], views: Sequence[View], least: float) -> dict[str, Tally]:
    """The tally of each finder."""
    reader = OnnxReader(HERE / "ringfence_plates.onnx")
    grammar = Grammar(load_calibration(HERE / "calibration.json"), reader.slots)
    sights = {name: Sight(finder, reader, grammar) for name, finder in finders.items()}
    tallies = {name: Tally(Counter(), Counter(), Counter()) for name in finders}
    for part, jpegs in batches(views):
        for name, sight in sights.items():
            began = time.process_time()
            said = _read(sight, jpegs, least)
            tallies[name].seconds += time.process_time() - began
            for view, mark in zip(part, said, strict=True):
                _count(tallies[name], view, mark)
    return tallies


def _read(sight: Sight, jpegs: Sequence[bytes], least: float) -> list[str]:
    """The mark that passes the gate, of each frame, or nothing."""
    marks = []
    for seen in sight.see([decode(jpeg) for jpeg in jpegs], lambda r: r.confidence >= least and bool(r.vrm)):
        found = best([seen], sight.grammar, least)
        sure = found is not None and found.sighting.reading.confidence >= least
        marks.append(found.sighting.reading.vrm if found is not None and sure else "")
    return marks


def _count(tally: Tally, view: View, mark: str) -> None:
    outcome = "none" if not mark else "right" if mark == view.vrm else "wrong"
    if view.vrm is None:
        tally.without_plate[outcome] += 1
    else:
        (tally.hidden if view.obscured else tally.readable)[outcome] += 1


def report(tallies: dict[str, Tally], seed: int, frames: int, least: float) -> dict[str, Any]:
    """Counts as they are, and the milliseconds of one core for a frame, JPEG in, mark out."""
    shown: dict[str, Any] = {"seed": seed, "frames": frames, "least_confidence": round(least, 4)}
    for name, tally in tallies.items():
        counts = {
            kind: {outcome: count[outcome] for outcome in ("right", "wrong", "none")}
            for kind, count in (("readable", tally.readable), ("hidden", tally.hidden),
                                ("without_plate", tally.without_plate))
        }  # fmt: skip
        shown[name] = {**counts, "ms_per_frame": round(1_000 * tally.seconds / frames, 2)}
    return shown


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE / "finder_evaluation.json")
    parser.add_argument("--finder", type=Path, default=HERE / "ringfence_finder.onnx")
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--frames", type=int, default=4_500)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    views, least = traffic(given.seed, given.frames), Settings().least_confidence
    tallies = compare({"network": Network(given.finder), "strokes": Strokes()}, views, least)
    made = report(tallies, given.seed, len(views), least)
    given.out.write_text(json.dumps(made, indent=2) + "\n")
    print(json.dumps(made, indent=2))


if __name__ == "__main__":
    main()
