"""Every plate in a photograph, or in a picture that is nothing but a plate."""

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from consumers.ocr.locate import Corners, locate
from consumers.ocr.pictures import Picture
from consumers.ocr.reader import OnnxReader
from ringfence.vrm import Style, repair

LEAST_CHARACTERS = 2
LEAST_CONFIDENCE = 0.3  # what is less sure is rather no plate
# A picture that may be nothing but a plate, by its shape: a strip, or a small one that is not upright.
STRIP, STRIP_WIDTH, SMALL_WIDTH = 2.0, 2_000, 400


class Plate(Struct, frozen=True):
    """A plate in a picture, and what it says. ``corners``: 4 by 2 pixels; ``confidence``: 0 to 1."""

    corners: Corners
    vrm: str
    raw: str
    style: Style
    confidence: float


Read = Callable[[Sequence[Picture]], list[Plate]]
Look = Callable[[Picture], list[Plate]]


def looker(model: Path) -> Look:
    """What looks for plates in one gray picture with this model. FileError if it is none."""
    reader = OnnxReader(model)

    def look(picture: Picture) -> list[Plate]:
        found = locate(picture)
        places = [(place.corners, place.patch) for place in found]
        if may_be_a_plate(picture):
            places.append((whole(picture), picture))
        readings = reader.read([patch for _, patch in places])
        plates = []
        for (corners, _), reading in zip(places, readings, strict=True):
            repaired = repair(reading.text)
            plates.append(Plate(corners, repaired.vrm, reading.text, repaired.style, reading.confidence))
        return distinct(plates)

    return look


def may_be_a_plate(picture: Picture) -> bool:
    """Whether the whole picture may be one plate."""
    height, width = picture.shape[:2]
    return bool(height <= width <= SMALL_WIDTH or STRIP * height <= width <= STRIP_WIDTH)


def whole(picture: Picture) -> Corners:
    """The corners of the picture itself."""
    height, width = picture.shape[:2]
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)


def distinct(plates: Sequence[Plate]) -> list[Plate]:
    """The plates that say something, each once: of those that overlap, the one that reads best. Best first."""
    kept: list[Plate] = []
    for plate in sorted(plates, key=_rank, reverse=True):
        says = len(plate.raw) >= LEAST_CHARACTERS and plate.confidence >= LEAST_CONFIDENCE
        if says and not any(_overlap(plate, other) for other in kept):
            kept.append(plate)
    return kept


def _rank(plate: Plate) -> tuple[bool, int, float]:
    """A whole mark before a part of one, then the longer, then the surer."""
    return plate.style is not Style.FOREIGN_OR_UNKNOWN, len(plate.vrm), plate.confidence


def _overlap(one: Plate, other: Plate) -> bool:
    """Whether the middle of one lies within the other."""
    pairs = (one, other), (other, one)
    return any(
        cv2.pointPolygonTest(inside.corners, tuple(map(float, middle.corners.mean(0))), False) >= 0
        for inside, middle in pairs
    )


def enlarged(plate: Plate, times: int) -> Plate:
    """The same plate in a picture that many times as large."""
    return replace(plate, corners=plate.corners * np.float32(times))
