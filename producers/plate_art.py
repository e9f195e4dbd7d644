"""Draws UK number plates from strokes, on the legal grid: one pixel is one millimetre.

No font: the glyphs are our own strokes, 14 mm wide in a cell of 50 by 79 mm, because no freely licensed
copy of the prescribed one is known. 0 and O are one glyph here, and so are 1 and I, as on a real plate.
"""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from math import cos, radians, sin

import cv2
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from ringfence.vrm import Style, display

Picture = NDArray[np.uint8]
Point = tuple[float, float]
Path = tuple[Point, ...]
Colour = tuple[int, int, int]

# Millimetres, of the regulations (docs/sources.md); NARROW is the width of 1 and I.
WIDE, HIGH, NARROW, STROKE = 50, 79, 14, 14
GAP, GROUP_GAP, MARGIN, LINE_GAP = 11, 33, 11, 19
ONE_LINE, TWO_LINES = (520, 111), (285, 203)
BAND = 44  # the green flash and the UK band, 40 to 50

# Blue, green, red.
WHITE, YELLOW, BLACK, SILVER = (236, 238, 238), (22, 204, 250), (26, 24, 24), (205, 208, 208)
GREEN, BLUE, RED, EU_YELLOW = (70, 158, 10), (130, 50, 10), (40, 30, 200), (40, 210, 250)
FINE = 4  # pixels a millimetre while a glyph is drawn


class PlateArt(Struct, frozen=True):
    """What a plate looks like. ``vrm`` is normalised. ``black``: silver on black, as before 1973."""

    vrm: str
    style: Style = Style.CURRENT
    rear: bool = False
    two_line: bool = False
    green_flash: bool = False
    uk_band: bool = False
    black: bool = False


def draw(art: PlateArt) -> Picture:
    """The plate, BGR, 111 by 520 pixels, or 203 by 285 with two lines; one pixel is one millimetre.

    A mark that is too long is drawn narrower. ValueError for a character other than A-Z and 0-9.
    """
    width, height = TWO_LINES if art.two_line else ONE_LINE
    paper, ink = colours(art)
    plate = np.full((height, width, 3), paper, np.uint8)
    left = 0 if art.two_line else _band(plate, art)
    lines = _lines(art)
    for number, groups in enumerate(lines):
        top = MARGIN + number * (HIGH + LINE_GAP) if art.two_line else (height - HIGH) // 2
        _write(plate[top : top + HIGH, left:], groups, ink)
    return plate


def colours(art: PlateArt) -> tuple[Colour, Colour]:
    """Paper and ink. Foreign plates are white at both ends."""
    if art.black:
        return BLACK, SILVER
    yellow = art.rear and art.style is not Style.FOREIGN_OR_UNKNOWN
    return (YELLOW if yellow else WHITE), BLACK


def text_box(art: PlateArt) -> tuple[float, float, float, float]:
    """Where on the plate the characters are: left, top, right, bottom in mm."""
    width, height = TWO_LINES if art.two_line else ONE_LINE
    left = 0 if art.two_line or not _has_band(art) else BAND
    half = min(max(map(line_width, _lines(art))), width - left - 8) / 2
    middle, margin = (left + width) / 2, MARGIN if art.two_line else (height - HIGH) / 2
    return middle - half, margin, middle + half, height - margin


def line_width(groups: Sequence[str]) -> int:
    """Millimetres from the left of the first character to the right of the last."""
    inside = sum(sum(map(_width, group)) + GAP * (len(group) - 1) for group in groups)
    return inside + GROUP_GAP * (len(groups) - 1)


@cache
def glyph(char: str) -> Picture:
    """How much ink (0 to 255) each millimetre of a character has: 79 by 50, or 79 by 14 for 1 and I."""
    if char not in GLYPHS:
        raise ValueError(f"{char!r} is not on a plate: use A-Z and 0-9")
    canvas = np.zeros((HIGH * FINE, _width(char) * FINE), np.uint8)
    for path, width in GLYPHS[char]:
        _stroke(canvas, path, width)
    shape = (canvas.shape[1] // FINE, canvas.shape[0] // FINE)
    small = _resized(canvas, *shape)
    small.setflags(write=False)
    return small


def _resized(picture: Picture, width: int, height: int) -> Picture:
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _width(char: str) -> int:
    return NARROW if char in "1I" else WIDE


def _lines(art: PlateArt) -> list[list[str]]:
    """The groups of characters in each line."""
    groups = display(art.vrm, art.style).split()
    if not art.two_line:
        return [groups]
    if len(groups) == 1:
        half = (len(art.vrm) + 1) // 2
        groups = [art.vrm[:half], art.vrm[half:]]
    return [[groups[0]], ["".join(groups[1:])]]


def _write(strip: Picture, groups: Sequence[str], ink: Colour) -> None:
    """Puts the groups into the middle of a strip 79 high."""
    text = _ink(tuple(groups))
    if text.shape[1] > strip.shape[1] - 8:
        text = _resized(text, strip.shape[1] - 8, HIGH)
    left = (strip.shape[1] - text.shape[1]) // 2
    _paint(strip[:, left : left + text.shape[1]], text, ink)


def _ink(groups: tuple[str, ...]) -> Picture:
    """A line of text as ink, 79 high."""
    ink = np.zeros((HIGH, max(1, line_width(groups))), np.uint8)
    x = 0
    for group in groups:
        for char in group:
            ink[:, x : x + _width(char)] = glyph(char)
            x += _width(char) + GAP
        x += GROUP_GAP - GAP
    return ink


def _paint(area: Picture, ink: Picture, colour: Colour) -> None:
    """Blends a colour into an area as far as there is ink."""
    share = cv2.cvtColor(ink, cv2.COLOR_GRAY2BGR)
    flat = np.full_like(area, colour)
    cv2.multiply(flat, share, dst=flat, scale=1 / 255)
    cv2.multiply(area, 255 - share, dst=area, scale=1 / 255)
    cv2.add(area, flat, dst=area)


def _band(plate: Picture, art: PlateArt) -> int:
    """Draws the band at the left, if there is one; its width."""
    foreign = art.style is Style.FOREIGN_OR_UNKNOWN
    if not _has_band(art):
        return 0
    plate[:, :BAND] = _band_art(art.green_flash and not foreign, art.uk_band, foreign)
    return BAND


def _has_band(art: PlateArt) -> bool:
    foreign = art.style is Style.FOREIGN_OR_UNKNOWN
    return not art.black and (art.green_flash or art.uk_band or foreign)


@cache
def _band_art(green: bool, uk: bool, foreign: bool) -> Picture:
    band = np.full((ONE_LINE[1], BAND, 3), GREEN if green else BLUE, np.uint8)
    if foreign:
        for turn in range(12):
            angle = radians(30 * turn)
            centre = (round(22 + 13 * cos(angle)), round(34 + 13 * sin(angle)))
            cv2.circle(band, centre, 2, EU_YELLOW, -1, cv2.LINE_AA)
    elif uk:
        _flag(band[18:42, 4:40])
        for left, char in ((5, "U"), (24, "K")):
            small = _resized(glyph(char), 15, 26)
            _paint(band[58:84, left : left + 15], small, BLACK if green else WHITE)
    return band


def _flag(area: Picture) -> None:
    """A Union Flag as far as so few pixels can show it."""
    height, width = area.shape[:2]
    area[:] = BLUE
    for thick, colour in ((5, WHITE), (2, RED)):
        cv2.line(area, (0, 0), (width, height), colour, thick, cv2.LINE_AA)
        cv2.line(area, (0, height), (width, 0), colour, thick, cv2.LINE_AA)
    for half, colour in ((4, WHITE), (2, RED)):
        area[height // 2 - half : height // 2 + half, :] = colour
        area[:, width // 2 - half : width // 2 + half] = colour


def _stroke(canvas: Picture, path: Path, width: float) -> None:
    """Draws a path with flat ends and round joints."""
    points = [np.array(point) * FINE for point in path]
    half = width * FINE / 2
    for start, end in pairwise(points):
        along = (end - start) / np.hypot(*(end - start))
        across = np.array([-along[1], along[0]]) * half
        corners = np.array([start + across, end + across, end - across, start - across])
        cv2.fillConvexPoly(canvas, np.round(corners * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
    for joint in points[1:-1]:
        x, y = (round(float(v) * 16) for v in joint)
        cv2.circle(canvas, (x, y), round(half * 16), 255, -1, cv2.LINE_AA, 4)


def _arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> Path:
    """Points on an ellipse, from one angle to the other; 0 is right and 90 is down."""
    steps = max(2, round(abs(end - start) / 10))
    angles = [radians(start + (end - start) * i / steps) for i in range(steps + 1)]
    return tuple((x + rx * cos(angle), y + ry * sin(angle)) for angle in angles)


def _glyphs() -> dict[str, tuple[tuple[Path, float], ...]]:
    """Every character as paths with their widths. The middles of the strokes run from 7 to 43 and 7 to 72."""
    left, right, stem = ((7, 0), (7, 79)), ((43, 0), (43, 79)), ((25, 0), (25, 79))
    top, middle, bottom = ((0, 7), (50, 7)), ((0, 39.5), (50, 39.5)), ((0, 72), (50, 72))
    ring = (*_arc(25, 25, 18, 18, 180, 360), *_arc(25, 54, 18, 18, 0, 180), (7, 25.5))
    bowl = ((0, 7), *_arc(27, 24.5, 16, 17.5, -90, 90), (7, 42))
    cup, lid = _arc(25, 54, 18, 18, 180, 0), _arc(25, 25, 18, 18, 345, 180)
    six = (*_arc(25, 25, 18, 18, 335, 180), *_arc(25, 54, 18, 18, 180, -180))
    paths: dict[str, tuple[Path, ...]] = {
        "0": (ring,),
        "1": (left,),
        "2": ((*_arc(25, 25, 18, 18, 180, 392), (8, 67)), bottom),
        "3": ((*_arc(25, 23.5, 17, 16.5, 195, 440),), _arc(25, 55, 18, 17, 265, 525)),
        "4": (((32, -10), (5, 60)), ((0, 58), (50, 58)), ((36, 30), (36, 79))),
        "5": (((6, 7), (46, 7)), ((10, 0), (10, 40)), _arc(24.5, 52.5, 18.5, 19.5, 225, 525)),
        "6": (six,),
        "7": (top, ((42, 9), (18, 86))),
        "8": (_arc(25, 23, 16, 16, 0, 370), _arc(25, 55, 18, 17, 0, 370)),
        "9": (tuple((50 - x, 79 - y) for x, y in six),),
        "A": (((23.5, -8), (4.5, 87)), ((26.5, -8), (45.5, 87)), ((12, 56), (38, 56))),
        "B": (left, ((0, 7), *_arc(27, 22.5, 14, 15.5, -90, 90), (7, 38)),
              ((7, 38), *_arc(26, 55, 17, 17, -90, 90), (0, 72))),
        "C": ((*lid, *_arc(25, 54, 18, 18, 180, 15)),),
        "D": (left, ((0, 7), *_arc(24, 26, 19, 19, -90, 0), *_arc(24, 53, 19, 19, 0, 90), (0, 72))),
        "E": (left, top, ((0, 39), (44, 39)), bottom),
        "F": (left, top, ((0, 40), (44, 40))),
        "G": ((*lid, *cup, (43, 38)), ((27, 42), (50, 42))),
        "H": (left, right, middle),
        "J": (((43, 0), *_arc(25, 54, 18, 18, 0, 185)),),
        "K": (left, ((8, 50), (46, -6)), ((20, 30), (46, 86))),
        "L": (left, bottom),
        "M": (left, right, ((5, -4), (25, 46), (45, -4))),
        "N": (left, right, ((5, -5), (45, 84))),
        "P": (left, bowl),
        "Q": (ring, ((28, 54), (50, 82))),
        "R": (left, bowl, ((23, 42), (44, 86))),
        "S": ((*_arc(25, 23.5, 17.5, 16.5, 345, 95), *_arc(25, 55.5, 18, 16.5, -95, 165)),),
        "T": (top, stem),
        "U": (((7, 0), *cup, (43, 0)),),
        "V": (((5, -8), (24, 79)), ((45, -8), (26, 79))),
        "W": (((4, -8), (14.5, 79)), ((25, 16), (14.5, 79)), ((25, 16), (35.5, 79)), ((46, -8), (35.5, 79))),
        "X": (((5, -4), (45, 83)), ((45, -4), (5, 83))),
        "Y": (((4, -6), (25, 44)), ((46, -6), (25, 44)), ((25, 40), (25, 79))),
        "Z": (top, ((40, 10), (10, 69)), bottom),
    }  # fmt: skip
    paths |= {"O": paths["0"], "I": paths["1"]}
    thin = {"W": 10.5, "M": 13}
    return {char: tuple((path, thin.get(char, STROKE)) for path in drawn) for char, drawn in paths.items()}


GLYPHS = _glyphs()
