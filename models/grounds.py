"""What plates are mounted on: paint, plastic, shadows, grilles, lamps, and words that are no marks."""

from collections.abc import Sequence

import cv2
import numpy as np

from models.faces import CHARACTERS
from models.plates import Picture


def ground(rng: np.random.Generator, grounds: Sequence[Picture], size: tuple[int, int]) -> Picture:
    """Some piece of a ground, brighter or darker."""
    height, width = size
    whole = grounds[int(rng.integers(len(grounds)))]
    share = rng.uniform(0.5, 1.0)
    down, across = (max(8, min(full, round(part * share))) for part, full in zip(size, whole.shape, strict=True))
    y, x = int(rng.integers(0, whole.shape[0] - down + 1)), int(rng.integers(0, whole.shape[1] - across + 1))
    piece = cv2.resize(whole[y : y + down, x : x + across], (width, height), interpolation=cv2.INTER_LINEAR)
    return cv2.convertScaleAbs(piece, alpha=rng.uniform(0.5, 1.1)).astype(np.uint8, copy=False)


def grounds(rng: np.random.Generator, number: int) -> list[Picture]:
    """What plates are mounted on: paint, plastic, shadows, grilles, lamps, and words that are no marks."""
    return [_painted(rng) for _ in range(number)]


def _painted(rng: np.random.Generator) -> Picture:
    size = 512
    picture = np.full((size, size), rng.uniform(10, 230), np.float32)
    for octave in (2, 5, 12, 40):
        if rng.random() < 0.7:
            part = rng.normal(0, 60 / octave**0.7, (octave, octave)).astype(np.float32)
            picture += cv2.resize(part, (size, size), interpolation=cv2.INTER_CUBIC)
    picture = np.clip(picture, 0, 255).astype(np.uint8)
    for _ in range(int(rng.integers(4, 40))):
        level = float(rng.uniform(0, 255))
        a, b = rng.integers(0, size, 2), rng.integers(0, size, 2)
        kind = rng.random()
        if kind < 0.35:
            cv2.line(picture, a.tolist(), b.tolist(), level, int(rng.integers(1, 14)), cv2.LINE_AA)
        elif kind < 0.6:
            end = a + rng.integers(8, 220, 2)
            cv2.rectangle(picture, a.tolist(), end.tolist(), level, int(rng.choice([-1, 2, 4])))
        elif kind < 0.72:
            cv2.ellipse(picture, a.tolist(), rng.integers(6, 90, 2).tolist(), float(rng.uniform(0, 180)), 0, 360, level,
                        int(rng.choice([-1, 3])), cv2.LINE_AA)  # fmt: skip
        elif kind < 0.82:  # a grille
            step = int(rng.integers(5, 18))
            for y in range(int(a[1]), min(size, int(a[1]) + 120), step):
                cv2.line(picture, (int(a[0]), y), (int(a[0]) + 200, y), level, max(1, step // 3))
        else:
            letters = list(CHARACTERS + "abcdefghijklmnopqrstuvwxyz  ")
            words = "".join(rng.choice(letters, size=int(rng.integers(3, 14))))
            cv2.putText(picture, words, a.tolist(), int(rng.integers(0, 8)), float(rng.uniform(0.4, 2.4)), level,
                        int(rng.integers(1, 5)), cv2.LINE_AA)  # fmt: skip
    return cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.5, 3))).astype(np.uint8, copy=False)
