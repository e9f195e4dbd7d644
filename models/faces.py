"""Type faces for the plates of the training set: our own strokes, bent and weighted, and a few free fonts.

A face is the ink of each character on a cell 79 high. The fonts come with Python packages of the training
environment (requirements-train.in); without them the strokes alone are used.
"""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from producers.plate_art import FINE, GLYPHS, HIGH, NARROW, WIDE, _stroke

Picture = NDArray[np.uint8]
Face = dict[str, Picture]

CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
PACKAGES = {
    "font_roboto": ("Roboto-Bold", "Roboto-Medium", "RobotoCondensed-Bold", "Roboto-Black"),
    "font_source_sans_pro": ("SourceSansPro-Bold", "SourceSansPro-Semibold"),
    "font_lato": ("Lato-Bold", "Lato-Black"),
    "font_hanken_grotesk": ("HankenGrotesk-Bold", "HankenGrotesk-SemiBold"),
    "font_manrope": ("Manrope-Bold", "Manrope-ExtraBold"),
    "matplotlib": ("DejaVuSans-Bold", "DejaVuSansMono-Bold", "DejaVuSansMono"),
}
SERIF_ONE, FLAG_ONE = ((7, 0), (7, 79)), ((-9, 24), (9, 3))


def faces(rng: np.random.Generator, number: int) -> list[Face]:
    """So many faces: more than half close to the prescribed one, the rest further off, a quarter from fonts."""
    fonts = list(_fonts())
    made = []
    for _ in range(number):
        kind = rng.random()
        if kind < 0.25 and fonts:
            made.append(_from_font(fonts[int(rng.integers(len(fonts)))], rng))
        else:
            made.append(_from_strokes(rng, wild=kind > 0.72))
    return made


def _from_strokes(rng: np.random.Generator, wild: bool) -> Face:
    """The prescribed strokes, of any weight and width; ``wild``: slanted and bent, 1 and I with serifs."""
    weight = rng.uniform(0.62, 1.25) if wild else rng.uniform(0.84, 1.12)
    wide = rng.uniform(0.8, 1.25) if wild else rng.uniform(0.94, 1.12)
    serif = wild and rng.random() < 0.5
    slant = float(rng.normal(0, 0.06)) if wild and rng.random() < 0.5 else 0.0
    bend = _bend(rng, 3.0 if wild else 1.2)
    face = {}
    for char in CHARACTERS:
        width = WIDE if serif and char in "1I" else NARROW if char in "1I" else WIDE
        canvas = np.zeros((HIGH * FINE, (width + 12) * FINE), np.uint8)
        aside = (6.0 + (width - NARROW) / 2 if char in "1I" else 6.0, 0.0)
        for path, stroke in GLYPHS[char]:
            _stroke(canvas, tuple((x + aside[0], y + aside[1]) for x, y in path), stroke * weight)
        if serif and char in "1I":
            _serifs(canvas, char, aside[0], 14 * weight)
        face[char] = _fitted(_bent(canvas, bend, slant), round((width + 12) * wide))
    return face


def _serifs(canvas: Picture, char: str, left: float, stroke: float) -> None:
    """1 gets a flag and perhaps a foot, I gets two bars."""
    if char == "1":
        _stroke(canvas, ((left - 11, 22), (left + 9, 4)), stroke * 0.9)
    else:
        for y in (stroke / 2, HIGH - stroke / 2):
            _stroke(canvas, ((left - 10, y), (left + 24, y)), stroke * 0.9)


def _from_font(path: Path, rng: np.random.Generator) -> Face:
    """Capitals of a font, stretched to the height and about the width of a plate's."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(str(path), 220)
    wide, weight, slant = rng.uniform(0.75, 1.1), int(rng.integers(-3, 8)), 0.0
    bend = _bend(rng, 1.5)
    face = {}
    for char in CHARACTERS:
        box = font.getbbox(char)
        image = Image.new("L", (box[2] - box[0] + 8, box[3] - box[1]), 0)
        ImageDraw.Draw(image).text((4 - box[0], -box[1]), char, 255, font=font)
        ink = np.asarray(image, np.uint8)
        if weight > 1:
            ink = cv2.dilate(ink, np.ones((weight, weight), np.uint8))
        elif weight < -1:
            ink = cv2.erode(ink, np.ones((-weight, -weight), np.uint8))
        width = int(np.clip(ink.shape[1] * HIGH / ink.shape[0] * wide, 12, 66))
        face[char] = _fitted(_bent(ink, bend, slant), width)
    return face


def _bend(rng: np.random.Generator, most: float) -> NDArray[np.float32]:
    """A smooth displacement of a glyph, in millimetres: 2 by 3 by 3."""
    return rng.normal(0, most / 2, (2, 3, 3)).astype(np.float32)


def _bent(ink: Picture, bend: NDArray[np.float32], slant: float) -> Picture:
    height, width = ink.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    dx, dy = (cv2.resize(part, (width, height), interpolation=cv2.INTER_CUBIC) * height / HIGH for part in bend)
    inner = np.sin(np.pi * y / height)  # top and bottom stay where they are
    x = x + dx - slant * (y - height / 2)
    return cv2.remap(ink, x, y + dy * inner, cv2.INTER_LINEAR).astype(np.uint8, copy=False)


def _fitted(ink: Picture, width: int) -> Picture:
    small = cv2.resize(ink, (max(4, width), HIGH), interpolation=cv2.INTER_AREA)
    columns = np.flatnonzero(small.max(0) > 40)
    return small[:, columns[0] : columns[-1] + 1].astype(np.uint8, copy=False)


def _fonts() -> Iterator[Path]:
    """Those of the fonts that are here."""
    for package, names in PACKAGES.items():
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            continue
        for path in sorted(Path(spec.origin).parent.rglob("*.[to]tf")):
            if path.stem in names:
                yield path
