"""Draws a plate of the training set, in gray: any type face, spacing, border, band, dirt, screws, one line or two.

One pixel is one millimetre. Wider than the law: plates are drawn as they are met, legal or not.
"""

from itertools import pairwise

import cv2
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from models.faces import Face
from models.marks import Mark
from ringfence.vrm import Style

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]

HIGH = 79


class Plate(Struct, frozen=True):
    """A drawn plate: gray, and the box of its characters: left, top, right, bottom in pixels."""

    picture: Picture
    box: tuple[float, float, float, float]
    two_line: bool


class _Look(Struct, frozen=True):
    """Gray levels, and what was chosen for the whole plate."""

    paper: float
    ink: float
    black: bool
    foreign: bool


def plate(mark: Mark, face: Face, rng: np.random.Generator, odd_spacing: bool, raised: bool) -> Plate:
    """Draws a mark. ``odd_spacing``: not as the law has it; ``raised``: pressed, or letters of gel."""
    foreign = mark.style is Style.FOREIGN_OR_UNKNOWN
    black = not foreign and mark.style in (Style.DATELESS, Style.SUFFIX, Style.NORTHERN_IRELAND) and rng.random() < 0.45
    black = black or rng.random() < 0.03
    two = len(mark.text) >= 4 and rng.random() < (0.22 if foreign else 0.17)
    if black:
        look = _Look(rng.uniform(8, 70), rng.uniform(150, 245), True, foreign)
    else:
        look = _Look(rng.uniform(150, 250), rng.uniform(5, 75 if rng.random() < 0.85 else 125), False, foreign)
    lines = _lines(mark, rng, odd_spacing, two)
    rows = [_row(line, face, rng, odd_spacing, foreign) for line in lines]
    if foreign and two and rng.random() < 0.6:
        row = int(rng.random() < 0.15)
        parts = [rows[row], np.zeros((HIGH, int(rng.integers(4, 20))), np.uint8), _seal(rng)]
        rows[row] = np.hstack(parts if rng.random() < 0.8 else parts[::-1])
    return _assembled(rows, look, rng, raised)


def _lines(mark: Mark, rng: np.random.Generator, odd: bool, two: bool) -> list[list[str]]:
    groups = list(mark.groups)
    if two:
        if len(groups) == 1:
            half = len(mark.text) // 2 + int(rng.integers(0, 2))
            groups = [mark.text[:half], mark.text[half:]]
        return [[groups[0]], groups[1:] if rng.random() < 0.3 else ["".join(groups[1:])]]
    if odd:
        cuts = sorted(rng.choice(np.arange(1, len(mark.text)), size=min(len(mark.text) - 1, int(rng.integers(0, 3))),
                                 replace=False).tolist())  # fmt: skip
        ends = [0, *cuts, len(mark.text)]
        return [[mark.text[a:b] for a, b in pairwise(ends)]]
    return [groups]


def _row(groups: list[str], face: Face, rng: np.random.Generator, odd: bool, foreign: bool) -> Picture:
    """One line of text as ink."""
    gap = rng.uniform(3, 20) if odd else rng.normal(11, 1.6)
    between = rng.uniform(14, 60) if odd else rng.normal(33, 4)
    mono = rng.random() < 0.1
    parts: list[Picture] = []
    for number, group in enumerate(groups):
        if number:
            parts.append(_between(between, foreign, rng))
        for place, char in enumerate(group):
            if place:
                parts.append(np.zeros((HIGH, max(2, round(gap))), np.uint8))
            ink = face[char]
            if mono and ink.shape[1] < 40:
                aside = np.zeros((HIGH, (46 - ink.shape[1]) // 2), np.uint8)
                ink = np.hstack([aside, ink, aside])
            parts.append(ink)
    return np.hstack(parts)


def _between(width: float, foreign: bool, rng: np.random.Generator) -> Picture:
    """What stands between two groups: nothing, a dash, seals, a dot."""
    gap = np.zeros((HIGH, max(4, round(width))), np.uint8)
    if not foreign or rng.random() < 0.4:
        return gap
    kind = rng.random()
    if kind < 0.35:
        gap = np.zeros((HIGH, 40), np.uint8)
        gap[34:46, 9:31] = 255
    elif kind < 0.92:
        pair = rng.random() < 0.3
        seals = [_seal(rng) for _ in range(1 + pair)]
        if pair:  # a dash and a seal, as in Belgium and Greece
            seals[int(rng.integers(2))] = gap[:, :4]
            gap = np.zeros((HIGH, 26), np.uint8)
            gap[34:44, 3:23] = 255
        gap = np.hstack([*seals, gap] if pair else [gap[:, : int(rng.integers(1, 10))], *seals])
    else:
        cv2.circle(gap, (gap.shape[1] // 2, int(rng.choice([40, 70]))), 5, 255.0, -1, cv2.LINE_AA)
    return gap


def _seal(rng: np.random.Generator) -> Picture:
    """Arms, a seal or two, a sticker, as ink: what stands on many plates of Europe and is no character."""
    wide = int(rng.integers(22, 62))
    seal = np.zeros((HIGH, wide + 6), np.uint8)
    middle = wide // 2 + 3
    level, filled = float(rng.uniform(40, 220)), int(rng.choice([-1, 3]))
    kind = rng.random()
    if kind < 0.3:
        for y in (20, 59):
            cv2.circle(seal, (middle, y), min(18, wide // 2), level, filled, cv2.LINE_AA)
    elif kind < 0.55:
        cv2.circle(seal, (middle, int(rng.integers(25, 50))), wide // 2 - 2, level, filled, cv2.LINE_AA)
    elif kind < 0.8:  # a shield
        top, foot = int(rng.integers(6, 25)), int(rng.integers(55, 76))
        low = (top + foot) // 2 + 6
        points = np.array([[4, top], [wide, top], [wide, low], [middle, foot], [4, low]])
        cv2.fillPoly(seal, [points.astype(np.int32)], level, cv2.LINE_AA)
    else:
        cv2.rectangle(seal, (4, int(rng.integers(4, 30))), (wide, int(rng.integers(45, 76))), level, filled)
    grain = cv2.resize(rng.uniform(0.2, 1.3, (7, 6)).astype(np.float32), seal.shape[::-1])
    return np.clip(seal * grain, 0, 255).astype(np.uint8)


def _assembled(rows: list[Picture], look: _Look, rng: np.random.Generator, raised: bool) -> Plate:
    """Puts the lines onto a plate."""
    tall = rng.uniform(0.78, 1.1) if rng.random() < 0.3 else 1.0
    rows = [cv2.resize(row, (row.shape[1], round(HIGH * tall)), interpolation=cv2.INTER_AREA) for row in rows]
    left, right = _sides(look, len(rows), rng)
    text = max(row.shape[1] for row in rows)
    room = rng.uniform(10, 40) if rng.random() < 0.6 else rng.uniform(10, 160 if len(rows) == 1 else 50)
    width = round(text + room)
    above, apart = rng.uniform(8, 20), rng.uniform(8, 24)
    below = above + (rng.uniform(5, 22) if rng.random() < 0.25 else 0)
    heights = [row.shape[0] for row in rows]
    height = round(above + sum(heights) + apart * (len(rows) - 1) + below)
    ink = np.zeros((height, width), np.uint8)
    top = above
    for row in rows:
        free = width - row.shape[1]
        x = round(free * (0.5 + (rng.normal(0, 0.12) if len(rows) == 1 else rng.choice([0.0, 0.0, -0.35]))))
        x = int(np.clip(x, 4, max(4, free - 4)))
        ink[round(top) : round(top) + row.shape[0], x : x + row.shape[1]] = row[:, : width - x]
        top += row.shape[0] + apart
    drawn = _printed(ink, look, rng, raised)
    _furniture(drawn, look, rng, above + sum(heights) + apart * (len(rows) - 1))
    columns, lines = np.flatnonzero(ink.max(0) > 60), np.flatnonzero(ink.max(1) > 60)
    whole = np.hstack([*(_band(w, height, rng) for w in left), drawn, *(_band(w, height, rng) for w in right)])
    start = sum(left)
    whole = _edged(whole, rng)
    box = (start + float(columns[0]), float(lines[0]), start + float(columns[-1] + 1), float(lines[-1] + 1))
    return Plate(whole, box, len(rows) == 2)


def _sides(look: _Look, lines: int, rng: np.random.Generator) -> tuple[list[int], list[int]]:
    """How wide the band at the left is, and the one at the right; often there is none."""
    chance = 0.75 if look.foreign else 0.3
    if look.black or (lines == 2 and rng.random() < 0.5) or rng.random() > chance:
        return [], []
    band = int(rng.integers(36, 56))
    return [band], [band] if look.foreign and rng.random() < 0.35 else []


def _band(width: int, height: int, rng: np.random.Generator) -> Picture:
    """A band: stars or a flag, and one to three letters, all of it too small to matter."""
    dark = rng.uniform(20, 140)
    light = rng.uniform(150, 250)
    band = np.full((height, width), dark, np.uint8)
    if rng.random() < 0.7:
        radius, y = 0.28 * width, 0.32 * height
        for turn in range(12):
            angle = 2 * np.pi * turn / 12
            centre = round(width / 2 + radius * np.cos(angle)), round(y + radius * np.sin(angle))
            cv2.circle(band, centre, 2, light, -1, cv2.LINE_AA)
    else:
        band[round(0.15 * height) : round(0.45 * height), 4:-4] = rng.integers(40, 230)
    if rng.random() < 0.85:
        letters = "".join(rng.choice(list("ABDEFGHIKLNOPRSUV"), size=int(rng.integers(1, 4))))
        size = 0.034 * width / len(letters) ** 0.6
        cv2.putText(band, letters, (4, round(0.85 * height)), cv2.FONT_HERSHEY_SIMPLEX, size, light, 2, cv2.LINE_AA)
    return band


def _printed(ink: Picture, look: _Look, rng: np.random.Generator, raised: bool) -> Picture:
    """Ink on paper, with a pattern below it, worn ink, a shade where the letters stand out."""
    share = ink.astype(np.float32) / 255
    paper = np.full(ink.shape, look.paper, np.float32)
    if rng.random() < 0.06:  # carbon and honeycomb
        step = int(rng.integers(6, 16))
        paper[::step] -= rng.uniform(10, 50)
        paper[:, ::step] -= rng.uniform(10, 50)
    if rng.random() < 0.10:
        share *= cv2.resize(rng.uniform(0.45, 1.1, (4, 12)).astype(np.float32), ink.shape[::-1]).clip(0, 1)
    drawn = paper * (1 - share) + look.ink * share
    if raised:
        depth = int(rng.integers(2, 5))
        edge = share - np.roll(share, (depth, int(rng.integers(-depth, depth + 1))), (0, 1))
        drawn += edge * rng.uniform(-70, 70)
        if rng.random() < 0.5:
            core = cv2.erode(share, np.ones((5, 5), np.uint8))
            drawn += core * rng.uniform(-15, 70)
    return np.clip(drawn, 0, 255).astype(np.uint8)


def _furniture(drawn: Picture, look: _Look, rng: np.random.Generator, end: float) -> None:
    """A line around, the maker's name below."""
    height, width = drawn.shape
    if rng.random() < 0.35:
        inset, thick = int(rng.integers(1, 7)), int(rng.integers(2, 6))
        level = look.ink if rng.random() < 0.8 else rng.uniform(0, 255)
        cv2.rectangle(drawn, (inset, inset), (width - 1 - inset, height - 1 - inset), level, thick, cv2.LINE_AA)
    if height - end > 16 and rng.random() < 0.7:
        words = "".join(rng.choice(list("ABCDEFGHIKLMNOPRSTUVWY .0123456789"), size=int(rng.integers(8, 26))))
        at = (int(rng.integers(0, max(1, width // 3))), height - 4)
        cv2.putText(drawn, words, at, cv2.FONT_HERSHEY_SIMPLEX, 0.36, look.ink, 1, cv2.LINE_AA)


def _edged(drawn: Picture, rng: np.random.Generator) -> Picture:
    """Now and then the frame of a holder, darker or lighter, with a dealer's name."""
    if rng.random() > 0.3:
        return drawn
    level = rng.uniform(0, 90) if rng.random() < 0.75 else rng.uniform(90, 255)
    low = int(rng.integers(2, 26))
    wide = int(rng.integers(2, 10))
    whole = cv2.copyMakeBorder(drawn, 0, low, 0, 0, cv2.BORDER_CONSTANT, value=level)
    if low > 14:
        words = "".join(rng.choice(list("ABCDEFGHIKLMNOPRSTUVWY .0123456789"), size=int(rng.integers(8, 24))))
        at = (int(rng.integers(10, max(11, drawn.shape[1] // 2))), whole.shape[0] - 5)
        cv2.putText(whole, words, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 255 - level, 1, cv2.LINE_AA)
    whole[:wide] = np.where(rng.random() < 0.5, level, whole[:wide])
    return whole.astype(np.uint8, copy=False)
