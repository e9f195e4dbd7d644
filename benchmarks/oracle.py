"""Reads plates with a general OCR package, rapidocr-onnxruntime: ``benchmarks/oracle.sh CROPS… --out FILE``.

It runs in an environment of its own, made by oracle.sh, because the package brings an OpenCV that would overwrite ours;
so it imports nothing of ours. Crops are .npz shards of models/make_data.py, or folders of pictures named by their mark,
LK19ABC.jpg, LK19ABC_2.png. 0 counts as O and 1 as I: no general reader can tell them apart. Compare with ``folded`` in
models/evaluation.json.
"""

import argparse
import json
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rapidocr_onnxruntime import RapidOCR

TWINS = str.maketrans("OI", "01")
WIDE = {False: 4.4, True: 1.5}  # a plate's width over its height: of one line, of two
ONE_LINE = 2.2  # of a picture that is so much wider than high
HEIGHT = 96  # pixels that a crop is drawn at for the text finder
Crop = tuple[str, str, Any]


def shard(path: Path, number: int) -> Iterator[Crop]:
    """So many crops of a shard with a plate, evenly, in the shape that the plate had: mark, style, picture."""
    data = np.load(path)
    with_plate = np.flatnonzero(data["text"] != "")
    for i in with_plate[np.linspace(0, len(with_plate) - 1, min(number, len(with_plate))).astype(int)].tolist():
        size = round(HEIGHT * WIDE[bool(data["two_line"][i])]), HEIGHT
        picture = cv2.resize(data["pictures"][i], size, interpolation=cv2.INTER_CUBIC)
        yield str(data["text"][i]), str(data["style"][i]), picture


def folder(path: Path) -> Iterator[Crop]:
    """The pictures of a folder: mark, the name of the folder, picture."""
    for file in sorted(path.iterdir()):
        picture = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
        if picture is not None:
            yield re.sub("[^A-Z0-9]", "", file.stem.split("_")[0].upper()), path.name, picture


def read(engine: Any, picture: Any) -> str:
    """The text in a picture, letters and digits alone: of one line at once, of two line by line."""
    shown = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    if picture.shape[1] >= ONE_LINE * picture.shape[0]:
        lines = [text for text, _ in engine(shown, use_det=False, use_cls=False)[0] or []]
    else:
        found = engine(shown, use_cls=False)[0] or []
        lines = [text for _, text, _ in sorted(found, key=lambda line: line[0][0][1])]
    return re.sub("[^A-Z0-9]", "", "".join(lines).upper())


def percent(right: list[bool]) -> float:
    """The share of right ones."""
    return round(100 * sum(right) / max(1, len(right)), 2)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("crops", type=Path, nargs="+")
    parser.add_argument("--number", type=int, default=500, help="crops of each shard")
    parser.add_argument("--out", type=Path, default=Path("out/bench/oracle.json"))
    given = parser.parse_args()
    engine, spent = RapidOCR(), 0.0
    right: dict[str, list[bool]] = defaultdict(list)
    for path in given.crops:
        for mark, kind, picture in folder(path) if path.is_dir() else shard(path, given.number):
            began = time.perf_counter()
            text = read(engine, picture)
            spent += time.perf_counter() - began
            right[kind].append(text.translate(TWINS) == mark.translate(TWINS))
    every = [one for kind in right.values() for one in kind]
    result = {
        "reader": "rapidocr-onnxruntime",
        "crops": len(every),
        "folded": percent(every),
        "milliseconds_a_crop": round(1_000 * spent / max(1, len(every)), 1),
        "by": {kind: {"crops": len(ones), "folded": percent(ones)} for kind, ones in sorted(right.items())},
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
