"""Every plate in a photograph, or in a picture that is nothing but a plate."""

from collections.abc import Sequence

import cv2
import numpy as np

from consumers.ocr.choose import LEAST_CHARACTERS, rank
from consumers.ocr.patches import Corners, Located
from consumers.ocr.pictures import Picture
from consumers.ocr.sight import Finder, Sight, Sighting

LEAST_CONFIDENCE = 0.3  # what is less sure is rather no plate
# A picture that may be nothing but a plate, by its shape: a strip, or a small one that is not upright.
STRIP, STRIP_WIDTH, SMALL_WIDTH = 2.0, 2_000, 400


class WithWhole:
    """A finder for which a small or wide picture is a place itself, the last one."""

    def __init__(self, finder: Finder) -> None:
        self.finder = finder

    def find(self, pictures: Sequence[Picture]) -> list[list[Located]]:
        """As the finder that it was made with, and the whole picture where that may be a plate."""
        found = self.finder.find(pictures)
        return [
            [*places, whole(picture)] if may_be_a_plate(picture) else places
            for picture, places in zip(pictures, found, strict=True)
        ]


def look(sight: Sight, picture: Picture) -> list[Sighting]:
    """The plates in a gray picture, the best reading first."""
    (seen,) = sight.see([picture])
    return distinct(seen)


def may_be_a_plate(picture: Picture) -> bool:
    """Whether the whole picture may be one plate."""
    height, width = picture.shape[:2]
    return bool(height <= width <= SMALL_WIDTH or STRIP * height <= width <= STRIP_WIDTH)


def whole(picture: Picture) -> Located:
    """The picture itself as a place."""
    height, width = picture.shape[:2]
    corners: Corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    return Located(corners, picture, 0.0)


def distinct(seen: Sequence[Sighting]) -> list[Sighting]:
    """The sightings that say something, each plate once: of those that overlap, the one that reads best. Best first."""
    kept: list[Sighting] = []
    for one in sorted(seen, key=lambda one: rank(one.reading), reverse=True):
        says = len(one.reading.vrm) >= LEAST_CHARACTERS and one.reading.confidence >= LEAST_CONFIDENCE
        if says and not any(_overlap(one, other) for other in kept):
            kept.append(one)
    return kept


def _overlap(one: Sighting, other: Sighting) -> bool:
    """Whether the middle of one lies within the other."""
    pairs = (one, other), (other, one)
    return any(
        cv2.pointPolygonTest(outer.corners, tuple(map(float, inner.corners.mean(0))), False) >= 0
        for outer, inner in pairs
    )
