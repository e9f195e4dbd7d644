"""Makes crops to train and to test the plate model on: ``python models/make_data.py OUT --seed 1 …``.

*Traffic* crops are cut out of frames that our cameras would send over a day, by ``locate``, as the product
does it; they are for tests. *Scene* crops are cut the same way out of scenes with more of the rare styles,
of night, rain, dirt and blur; what holds the whole text is labelled with it, what holds less than half of it
is labelled empty. *Art* crops are plates warped onto a ground by themselves, with sloppier boxes, uneven light,
other weights of type: a wider world than our scenes. Everything follows from the seed.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent))

from consumers.ocr.locate import locate, rectify
from consumers.ocr.pictures import decode
from consumers.ocr.reader import prepare
from producers.camera import view_of
from producers.plate_art import ONE_LINE, TWO_LINES, PlateArt, draw, text_box
from producers.scene import View, homography, render
from producers.sky import road
from producers.traffic import SECOND, Light, Weather, constant
from producers.world import World
from ringfence.estate import load as load_estate
from ringfence.vrm import Style

Picture = NDArray[np.uint8]

LETTERS, LAST = "ABCDEFGHJKLMNOPRSTUVWXY", "ABCDEFGHJKLMNOPRSTUVWXYZ"
YEARS, ANY, DIGITS = "ABCDEFGHJKLMNPRSTVWXY", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
# A (letter), 9 (digit), N (digit but 0) and so on; more of the rare styles than there are on the road.
KINDS = {"A": LETTERS, "Z": LAST, "Y": YEARS, "*": ANY, "9": DIGITS, "N": DIGITS[1:], "X": "DX", "I": "I", "Q": "Q"}
FORMS: dict[Style, tuple[float, tuple[str, ...]]] = {
    Style.CURRENT: (0.58, ("AA99ZZZ",)),
    Style.PREFIX: (0.10, ("YNAAA", "YN9AAA", "YN99AAA", "YN99AAA")),
    Style.SUFFIX: (0.05, ("AAANY", "AAAN9Y", "AAAN99Y", "AAAN99Y")),
    Style.DATELESS: (0.09, ("AAAN99", "N99AAA", "N999AA", "AAN999", "AN9", "AAN99", "N9AA", "N999A")),
    Style.NORTHERN_IRELAND: (0.06, ("AIZN999", "AIZN99", "AAZN999", "N999AIZ")),
    Style.Q: (0.02, ("QN99AAA", "QN9AAA")),
    Style.DIPLOMATIC: (0.02, ("N99XN99",)),
    Style.FOREIGN_OR_UNKNOWN: (0.08, ("**999**", "***9999", "9*99999", "99***9", "99*9999", "**99***", "********")),
}


DAY = 1_655_247_600 * SECOND  # Wednesday 15 June 2022, midnight in London
HOURS = (0, 3, 6, 8, 11, 14, 17, 20, 22)


class Crop(Struct, frozen=True):
    """A crop of 48 by 128 gray pixels and what is true of it; ``width``: of the plate, in pixels."""

    picture: Picture
    text: str
    style: str
    width: float
    two_line: bool
    source: str


def mark(rng: np.random.Generator) -> tuple[str, Style]:
    """A random mark, with a bias to what is rare."""
    styles = list(FORMS)
    style = styles[int(rng.choice(len(styles), p=[FORMS[s][0] for s in styles]))]
    forms = FORMS[style][1]
    form = forms[int(rng.integers(len(forms)))]
    text = "".join(KINDS[kind][int(rng.integers(len(KINDS[kind])))] for kind in form)
    if style is Style.CURRENT and text[2:4] in ("00", "01", "50"):
        text = text[:2] + "68" + text[4:]
    return text, style


def art(rng: np.random.Generator) -> PlateArt:
    """A random plate."""
    text, style = mark(rng)
    rear = bool(rng.random() < 0.5)
    modern = style is Style.CURRENT
    return PlateArt(
        vrm=text,
        style=style,
        rear=rear,
        two_line=bool(rear and rng.random() < 0.24 and len(text) < 8),
        green_flash=bool(modern and rng.random() < 0.15),
        uk_band=bool(modern and rng.random() < 0.2),
        black=bool(style in (Style.DATELESS, Style.SUFFIX) and rng.random() < 0.4),
    )


def from_scene(seed: int) -> Iterator[Crop]:
    """The crops that the product would make of one rendered frame."""
    rng = np.random.default_rng(seed)
    plate = art(rng)
    light = list(Light)[int(rng.choice(3, p=[0.55, 0.15, 0.3]))]
    view = View(
        vrm=plate.vrm if rng.random() < 0.93 else None,
        style=plate.style,
        rear=plate.rear,
        two_line=plate.two_line,
        green_flash=plate.green_flash,
        uk_band=plate.uk_band,
        light=light,
        weather=list(Weather)[int(rng.choice(3, p=[0.65, 0.22, 0.13]))],
        dirt=round(float(rng.random() ** 3), 3),
        blur=float(rng.random() ** 1.6 * 1.7),
        seed=int(rng.integers(2**32)),
    )
    yield from _cut(view, plate, rng, "scene")


def from_traffic(view: View) -> Iterator[Crop]:
    """The crops that the product would make of one frame of a camera."""
    plate = PlateArt(view.vrm or "", view.style, view.rear, view.two_line, view.green_flash, view.uk_band)
    yield from _cut(view, plate, np.random.default_rng(view.seed), "traffic")


def _cut(view: View, plate: PlateArt, rng: np.random.Generator, source: str) -> Iterator[Crop]:
    """Every place in a frame that holds the whole text, and at most one that holds little or nothing of it."""
    frame = render(view)
    picture = decode(frame.jpeg)
    negatives = 0
    for place in locate(picture):
        held = 0.0
        if frame.corners is not None:
            held, fill = _held(plate, frame.corners, place.corners)
            if held > 0.93 and fill > 0.3:
                width = float(np.linalg.norm(frame.corners[1] - frame.corners[0]))
                yield Crop(_gray(place.patch), plate.vrm, plate.style, width, plate.two_line, source)
        if held < 0.5 and negatives < 1 and rng.random() < 0.22:
            negatives += 1
            yield Crop(_gray(place.patch), "", "none", 0.0, False, source)


def traffic(seed: int, number: int) -> list[View]:
    """What so many frames of one simulated day show, spread over its hours, of cameras without a reader."""
    estate = load_estate(Path(__file__).parent.parent / "policies" / "estate")
    views: list[View] = []
    for hour in HOURS:
        world = World(estate, seed, constant(60.0), DAY + hour * 3_600 * SECOND)
        frames = (view_of(passage) for passage in world.passages() if not passage.on_board)
        views += islice(frames, number // len(HOURS))
    return views


def _held(plate: PlateArt, corners: NDArray[np.float64], found: NDArray[np.float32]) -> tuple[float, float]:
    """How much of the text a found place holds, and how much of the place is text."""
    width, height = TWO_LINES if plate.two_line else ONE_LINE
    edges = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    left, top, right, bottom = text_box(plate)
    box = np.array([[[left, top], [right, top], [right, bottom], [left, bottom]]], np.float32)
    text = cv2.perspectiveTransform(box, cv2.getPerspectiveTransform(edges, corners.astype(np.float32)))[0]
    shared = cv2.intersectConvexConvex(text, found)[0]
    return shared / cv2.contourArea(text), shared / max(1.0, cv2.contourArea(found))


def from_art(seed: int) -> Iterator[Crop]:
    """One plate on a ground of its own, or in one of fourteen cases a ground without a plate."""
    rng = np.random.default_rng(seed)
    plate = art(rng)
    drawn = _weighted(draw(plate), rng)
    width, height = drawn.shape[1], drawn.shape[0]
    scale = float(60 * (220 / 60) ** rng.random()) / ONE_LINE[0]
    turn = np.radians([rng.uniform(-35, 35), rng.uniform(-5, 24), rng.normal(0, 3.0)])
    to_pixels = homography(turn, scale, (160.0, 90.0))
    empty = rng.random() < 1 / 14
    picture = _ground(rng)
    if not empty:
        _put(picture, drawn, to_pixels, scale)
    _weather(picture, rng)
    left, top, right, bottom = text_box(plate)
    if rng.random() < 0.35:
        left, top, right, bottom = 0, 0, width, height
    tall = (bottom - top) / (2.4 if plate.two_line else 1)
    slop = rng.uniform([-0.04, -0.10, -0.04, -0.10], [0.75, 0.42, 0.75, 0.42]) * tall
    box = np.array([[left - slop[0], top - slop[1]], [right + slop[2], top - slop[1]],
                    [right + slop[2], bottom + slop[3]], [left - slop[0], bottom + slop[3]]])  # fmt: skip
    corners = _pixels(to_pixels, box - [width / 2, height / 2])
    if rng.random() < 0.5:
        corners = _rectangle(corners)
    corners += rng.normal(0, 0.6, (4, 2))
    patch = rectify(picture, corners.astype(np.float32))
    if rng.random() < 0.5:
        quality = int(rng.integers(25, 85))
        patch = cv2.imdecode(cv2.imencode(".jpg", patch, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
    shown = "" if empty else plate.vrm
    yield Crop(_gray(patch), shown, "none" if empty else plate.style, scale * ONE_LINE[0], plate.two_line, "art")


def _weighted(drawn: Picture, rng: np.random.Generator) -> Picture:
    """Heavier or lighter type, dirt, a screw or two, a plate of another white."""
    if rng.random() < 0.3:
        kernel = np.ones((int(rng.integers(1, 6)), int(rng.integers(1, 6))), np.uint8)
        drawn = (cv2.erode if rng.random() < 0.5 else cv2.dilate)(drawn, kernel)
    plate = drawn.astype(np.float32)
    if rng.random() < 0.4:
        cloud = cv2.GaussianBlur(rng.random(plate.shape[:2]).astype(np.float32), (0, 0), float(rng.uniform(3, 14)))
        cloud = cv2.normalize(cloud, None, 0, 1, cv2.NORM_MINMAX)
        cover = (np.clip(cloud - 0.45, 0, 1) * rng.uniform(0.3, 1.5)).clip(0, 0.9)[:, :, None]
        plate = plate * (1 - cover) + np.array([62, 84, 98], np.float32) * rng.uniform(0.5, 1.3) * cover
    for _ in range(int(rng.integers(0, 4))):
        spot = int(rng.integers(plate.shape[1])), int(rng.integers(plate.shape[0]))
        cv2.circle(plate, spot, int(rng.integers(4, 9)), rng.uniform(20, 235, 3).tolist(), -1, cv2.LINE_AA)
    ramp = np.linspace(rng.uniform(0.6, 1.1), rng.uniform(0.6, 1.1), plate.shape[1], dtype=np.float32)
    return np.clip(plate * ramp[None, :, None], 0, 255).astype(np.uint8)


def _ground(rng: np.random.Generator) -> Picture:
    """180 by 320 pixels of road, houses or paint."""
    if rng.random() < 0.3:
        y, x = int(rng.integers(0, 181)), int(rng.integers(0, 321))
        light = list(Light)[int(rng.integers(3))]
        return road(light, int(rng.integers(6)))[y : y + 180, x : x + 320].copy()
    colours = rng.uniform(10, 245, 3) * rng.uniform(0.3, 1, 3)
    picture = np.full((180, 320, 3), colours, np.float32)
    for _ in range(int(rng.integers(0, 7))):
        y, x = int(rng.integers(40, 140)), int(rng.integers(0, 320))
        size = int(rng.integers(10, 200)), int(rng.integers(2, 30))
        cv2.rectangle(picture, (x, y), (x + size[0], y + size[1]), (colours * rng.uniform(0.2, 1.8)).tolist(), -1)
    return np.clip(picture, 0, 255).astype(np.uint8)


def _put(picture: Picture, drawn: Picture, to_pixels: NDArray[np.float64], scale: float) -> None:
    height, width = drawn.shape[:2]
    share = min(1.0, 1.6 * scale)
    small = cv2.resize(drawn, (round(width * share), round(height * share)), interpolation=cv2.INTER_AREA)
    to_mm = np.array([[width / small.shape[1], 0, -width / 2], [0, height / small.shape[0], -height / 2], [0, 0, 1]])
    warp = to_pixels @ to_mm
    shown = cv2.warpPerspective(small, warp, (320, 180), flags=cv2.INTER_LINEAR)
    mask = cv2.warpPerspective(np.ones(small.shape[:2], np.float32), warp, (320, 180))[:, :, None]
    picture[:] = (picture * (1 - mask) + shown * mask).astype(np.uint8)


def _weather(picture: Picture, rng: np.random.Generator) -> None:
    """Blur, motion, uneven light, night, noise, over the whole picture."""
    sigma = float(rng.random() ** 1.6 * 1.8)
    shown = cv2.GaussianBlur(picture, (0, 0), 0.3 + sigma).astype(np.float32)
    if rng.random() < 0.2:
        length = int(rng.integers(2, 6))
        shown = cv2.blur(shown, (length, 1) if rng.random() < 0.6 else (1, length))
    gain, lift = rng.uniform(0.25, 1.15), rng.uniform(0, 60) * (rng.random() < 0.5)
    shown = 255 * (np.clip(shown * gain + lift, 0, 255) / 255) ** rng.uniform(0.7, 1.4)
    shown += rng.normal(0, rng.uniform(0.5, 7), shown.shape[:2])[:, :, None]
    picture[:] = np.clip(shown, 0, 255).astype(np.uint8)


def _pixels(to_pixels: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y, w = to_pixels @ np.vstack([points.T, np.ones(len(points))])
    return np.column_stack([x / w, y / w])


def _rectangle(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """The smallest rectangle, not upright, around four corners, in their order."""
    box = cv2.boxPoints(cv2.minAreaRect(corners.astype(np.float32)))
    turns = [np.roll(box, turn, 0) for turn in range(4)]
    return np.asarray(min(turns, key=lambda points: float(np.abs(points - corners).sum())), np.float64)


def _gray(patch: Picture) -> Picture:
    ready = prepare(patch)
    assert ready is not None, "a patch is always a picture"
    return ready


Job = tuple[Callable[[int], Iterator[Crop]], int] | tuple[Callable[[View], Iterator[Crop]], View]


def _work(job: Job) -> list[Crop]:
    cv2.setNumThreads(1)
    make_crops, argument = job
    return list(make_crops(argument))  # type: ignore[arg-type]  # each job pairs a function with its argument


def make(seed: int, frames: int, scenes: int, arts: int, processes: int) -> list[Crop]:
    """Crops of so many frames, scenes and plates, in an order that depends on the seed alone."""
    jobs: list[Job] = [(from_traffic, view) for view in traffic(seed, frames)]
    jobs += [(from_scene, seed * 10**7 + i) for i in range(scenes)]
    jobs += [(from_art, seed * 10**7 + 5 * 10**6 + i) for i in range(arts)]
    with get_context("spawn").Pool(processes) as pool:
        crops = [crop for made in pool.imap(_work, jobs, chunksize=64) for crop in made]
    np.random.default_rng(seed).shuffle(crops)  # type: ignore[arg-type]  # a list will do
    return crops


def save(path: Path, crops: list[Crop]) -> None:
    """Writes crops as one .npz."""
    np.savez(
        path,
        pictures=np.stack([crop.picture for crop in crops]),
        **{name: np.array([getattr(crop, name) for crop in crops]) for name in Crop.__struct_fields__[1:]},
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--frames", type=int, default=0)
    parser.add_argument("--scenes", type=int, default=1_000)
    parser.add_argument("--arts", type=int, default=1_000)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    crops = make(given.seed, given.frames, given.scenes, given.arts, given.processes)
    save(given.out, crops)
    print(f"{len(crops)} crops, {sum(not crop.text for crop in crops)} of them empty, in {given.out}")


if __name__ == "__main__":
    main()
