"""Draws on a copy of a picture what was read in it, and where."""

from collections.abc import Sequence

import cv2
import numpy as np

from consumers.ocr.choose import per_cent
from consumers.ocr.pictures import Picture
from consumers.ocr.sight import Sighting

Colour = tuple[int, int, int]

SURE, UNSURE = (60, 160, 30), (30, 130, 230)  # BGR: green at the gate, orange below it
LEAST_WIDTH = 320  # pixels, so that there is room for the text
FONT = cv2.FONT_HERSHEY_SIMPLEX


def sketch(colours: Picture, plates: Sequence[Sighting], least: float) -> Picture:
    """A copy of a BGR picture with a frame around each plate and its mark above it, in green from ``least``
    confidence (0 to 1) on."""
    times = max(1.0, LEAST_WIDTH / colours.shape[1])
    large = cv2.resize(colours, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
    scale = max(0.5, large.shape[1] / 1_400)
    margin = round(44 * scale)  # a plate at the upper edge has its text above the picture
    framed = cv2.copyMakeBorder(large, margin, 0, 0, 0, cv2.BORDER_CONSTANT, value=(40, 40, 40))
    copy = framed.astype(np.uint8, copy=False)
    for plate in plates:
        _draw(copy, plate, times, margin, scale, SURE if plate.reading.confidence >= least else UNSURE)
    return copy


def _draw(copy: Picture, plate: Sighting, times: float, margin: int, scale: float, colour: Colour) -> None:
    corners = plate.corners * times + np.array([0, margin], np.float32)
    cv2.polylines(copy, [corners.round().astype(np.int32)], True, colour, max(1, round(2 * scale)), cv2.LINE_AA)
    text, thick = f"{plate.reading.vrm} {per_cent(plate.reading)}%", max(1, round(1.6 * scale))
    (width, height), _ = cv2.getTextSize(text, FONT, scale, thick)
    left = int(np.clip(corners[:, 0].min(), 0, max(0, copy.shape[1] - width - 4)))
    foot = max(height + 4, int(corners[:, 1].min()) - round(8 * scale))
    cv2.rectangle(copy, (left, foot - height - 4), (left + width + 4, foot + 5), colour, cv2.FILLED)
    cv2.putText(copy, text, (left + 2, foot), FONT, scale, (255, 255, 255), thick, cv2.LINE_AA)
