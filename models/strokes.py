"""Finds number plates in a picture with OpenCV: rows of upright strokes, of any colour, on one line or two.

A black-hat along the rows keeps dark strokes that are narrow, a top-hat the bright ones of old black plates;
lamps, windows and the edges of a car fall away. What is left is joined into blobs, and a blob that has the
shape of writing gets a rectangle. The product found plates so before it had a network (docs/decisions/0013); it is kept
to compare with.
"""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from consumers.ocr.patches import Located, rectify
from consumers.ocr.pictures import Picture

Box = tuple[tuple[float, float], tuple[float, float], float]  # centre, size, degrees

MOST_FOUND = 4
WORK_WIDTH = 640  # strokes are looked for at about this width
STROKE = 11  # pixels; wider is no stroke
JOINS = ((11, 3), (23, 3))  # what closes the gaps of far plates, and of near ones
LEAST_WIDTH, LEAST_HEIGHT = 30, 6
SLOPE = 20.0  # degrees
STRONG = 110.0  # gray levels between ink and paper of a clean plate by day


def locate(picture: Picture) -> list[Located]:
    """Up to four places where a plate may be, the likeliest first. Gray or BGR; nothing found: empty."""
    shrink = min(1.0, WORK_WIDTH / picture.shape[1])
    work = picture if shrink == 1.0 else cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    gray = work if work.ndim == 2 else cv2.cvtColor(work, cv2.COLOR_BGR2GRAY)
    found = [
        scored for response, ink in _strokes(gray.astype(np.uint8, copy=False)) for scored in _boxes(response, ink)
    ]
    found += _stacked(found)
    best = _apart(sorted(found, key=lambda scored: -scored[0]))
    return [_located(picture, box, score, shrink) for score, box in best[:MOST_FOUND]]


class Strokes:
    """Finds plates by their strokes, one picture after the other."""

    def find(self, pictures: Sequence[Picture]) -> list[list[Located]]:
        """For each picture, what ``locate`` finds in it."""
        return [locate(picture) for picture in pictures]


def _strokes(gray: Picture) -> Iterator[tuple[Picture, Picture]]:
    """Of narrow dark strokes, then of narrow bright ones: how strong, and 255 where there is one."""
    row = cv2.getStructuringElement(cv2.MORPH_RECT, (STROKE, 1))
    for hat in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT):
        response = cv2.morphologyEx(gray, hat, row).astype(np.uint8, copy=False)
        mean, deviation = cv2.meanStdDev(response)
        least = float(np.clip(mean[0, 0] + 2.5 * deviation[0, 0], 16, 48))
        ink = cv2.threshold(response, least, 255, cv2.THRESH_BINARY)[1]
        yield response, ink.astype(np.uint8, copy=False)


def _boxes(response: Picture, ink: Picture) -> Iterator[tuple[float, Box]]:
    """Boxes around blobs of strokes, with their scores."""
    for join in JOINS:
        blobs = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_RECT, join))
        blobs = cv2.morphologyEx(blobs, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_RECT, (9, 5)))
        for outline in cv2.findContours(blobs, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]:
            left, top, width, height = cv2.boundingRect(outline)
            if width < LEAST_WIDTH or height < LEAST_HEIGHT or width < 1.1 * height:
                continue
            box = _upright(cv2.minAreaRect(outline))
            part = slice(top, top + height), slice(left, left + width)
            score = _score(ink[part], box)
            if score > 0:
                strength = cv2.mean(response[part], ink[part])[0]
                yield score * min(1.0, strength / STRONG), box


def _upright(box: cv2.typing.RotatedRect) -> Box:
    """The same box with an angle from -45 to 45 degrees."""
    centre, (width, height), angle = box
    while angle > 45:
        angle, width, height = angle - 90, height, width
    while angle < -45:
        angle, width, height = angle + 90, height, width
    return (centre[0], centre[1]), (width, height), angle


def _score(ink: Picture, box: Box) -> float:
    """0 to 1: how much a box is like a line of writing, by shape, by share of ink, by number of strokes."""
    (_, _), (width, height), angle = box
    if abs(angle) > SLOPE or height < LEAST_HEIGHT or width < LEAST_WIDTH:
        return 0.0
    shape = float(np.exp(-((np.log(width / height / 4.6) / 0.75) ** 2)))
    share = cv2.countNonZero(ink) / (width * height)
    filled = float(np.exp(-(((share - 0.42) / 0.2) ** 2)))
    middle = ink[ink.shape[0] // 3 : max(ink.shape[0] // 3 + 1, 2 * ink.shape[0] // 3)]
    starts = np.count_nonzero((middle[:, 1:] > 0) & (middle[:, :-1] == 0)) / middle.shape[0]
    return shape * filled * float(np.clip((starts - 2) / 6, 0, 1)) * min(1.0, height / 9)


def _stacked(found: Sequence[tuple[float, Box]]) -> list[tuple[float, Box]]:
    """Two boxes of like size, one above the other, may be one plate with two lines."""
    pairs = []
    strong = [scored for scored in found if scored[0] > 0.05][:24]
    for upper_score, upper in strong:
        for lower_score, lower in strong:
            down = lower[0][1] - upper[0][1]
            tall = (upper[1][1] + lower[1][1]) / 2
            alike = 0.6 < upper[1][1] / lower[1][1] < 1.67 and 0.45 < upper[1][0] / lower[1][0] < 2.2
            aside = abs(lower[0][0] - upper[0][0]) < 0.45 * max(upper[1][0], lower[1][0])
            if alike and aside and 0.95 * tall < down < 1.9 * tall and abs(upper[2] - lower[2]) < 12:
                both = np.vstack([cv2.boxPoints(upper), cv2.boxPoints(lower)])
                pairs.append((min(1.0, 1.3 * max(upper_score, lower_score)), _upright(cv2.minAreaRect(both))))
    return pairs


def _apart(ranked: Sequence[tuple[float, Box]]) -> list[tuple[float, Box]]:
    """Without those that are nearly the same as a better one."""
    kept: list[tuple[float, Box]] = []
    for score, box in ranked:
        if not any(_same(box, other) for _, other in kept):
            kept.append((score, box))
    return kept


def _same(one: Box, other: Box) -> bool:
    (x, y), (width, height), _ = other
    near = abs(one[0][0] - x) < 0.15 * width and abs(one[0][1] - y) < 0.3 * height
    return near and 0.75 < one[1][0] / width < 1.33 and 0.7 < one[1][1] / height < 1.43


def _located(picture: Picture, box: Box, score: float, shrink: float) -> Located:
    """Widens the box from the writing to the plate, and cuts it out of the picture."""
    centre, (width, height), angle = box
    line = height if width > 2.2 * height else height / 2.3
    wide, tall = width + 0.55 * line, height + 0.34 * line
    x, y = cv2.boxPoints((centre, (wide, tall), angle)).T / shrink
    # boxPoints starts at the lower left and goes clockwise.
    corners = np.column_stack([x, y])[[1, 2, 3, 0]].astype(np.float32)
    return Located(corners, rectify(picture, corners), round(score, 4))
