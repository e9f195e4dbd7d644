"""Makes pictures for the finder: ``python models/finder_data.py OUT --seed 1 --pictures 100000``.

OUT gets ``finder-00000.npz`` and so on, each whole when it appears, 512 pictures each: ``pictures`` N by 192 by
320 gray uint8, ``corners`` N by 4 plates by 4 by 2 float32 pixels clockwise from the upper left, ``kinds`` N by
4: 0 nothing, 1 a plate, 2 something better ignored (half out of the picture, or too small). A shard depends on
the seed and its number alone. ``--scenes`` is the share of pictures from the simulator; the others are made of
clutter, so that the finder learns what a plate is and not what our roads are. Shards that are there are kept: a
folder made with other arguments is refused, but not one made by another version of this generator. Empty the folder
when you change it.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from functools import cache
from multiprocessing import Pool
from pathlib import Path

import cv2
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent))

from models.clutter import FACE, FACE_TOP, HEIGHT, WIDTH, Picture, Points, Rng, face, ground, level, octaves, pattern
from models.faces import Face, faces
from models.marks import mark
from models.plates import plate as draw
from models.stamp import stamped
from producers.scene import View, homography, render
from producers.traffic import Light, Weather

SHARD, MOST = 512, 4
LEAST_CONTRAST = 9.0  # standard deviation of the gray levels on a plate that can still be seen
LEAST_WIDTH, LEAST_HEIGHT = 18.0, 5.0  # pixels; a smaller plate is ignored
WHOLE, GONE = 0.93, 0.25  # the share of a plate inside the picture above which it counts, below which it is nothing
SCENES, EMPTY = 0.22, 0.22  # shares: of pictures from the simulator; of the others, those without a plate
FACES, FACE_SEED = 160, 41  # type faces, the same in every process
_faces: dict[int, Face] = {}


class Sample(Struct, frozen=True):
    """One picture, the corners of what is in it (at most four), and of which kind each is."""

    picture: Picture
    corners: list[Points]
    kinds: list[int]


def face_of(number: int) -> Face:
    """One of the type faces, always the same."""
    return faces(np.random.default_rng([FACE_SEED, number]), 1)[0]


def plate(rng: Rng) -> Picture:
    """A drawn plate, gray, seen from the front, edge to edge."""
    number = int(rng.integers(FACES))
    if number not in _faces:  # main() makes them all at once, on every core
        _faces[number] = face_of(number)
    face = _faces[number]
    return draw(mark(rng), face, rng, bool(rng.random() < 0.15), bool(rng.random() < 0.15)).picture


def worn(gray: Picture, rng: Rng) -> Picture:
    """An edge or a frame, dirt, a shadow over a part, faded ink, dull paper."""
    height, width = gray.shape
    shown = gray.astype(np.float32)
    if rng.random() < 0.3:
        low, high = float(rng.uniform(0, 90)), float(rng.uniform(150, 255))
        shown = low + shown * (high - low) / 255
    if rng.random() < 0.35:
        cloud = octaves(rng, float(rng.uniform(0.2, 1.0)), (height, width))
        shown += (level(rng) * 0.6 - shown) * (np.clip(cloud - 0.4, 0, 1) * rng.uniform(0.3, 1.6)).clip(0, 0.85)
    if rng.random() < 0.25:
        edge = np.array([[0, 0], [width, 0], [rng.uniform(0, width), height], [0, height * rng.uniform(0.2, 1)]])
        shade = np.ones((height, width), np.float32)
        cv2.fillPoly(shade, [edge.astype(np.int32)], float(rng.uniform(0.35, 0.8)))
        shown *= shade
    shown = np.clip(shown, 0, 255).astype(np.uint8)
    if rng.random() < 0.25:
        cv2.rectangle(shown, (0, 0), (width - 1, height - 1), level(rng), int(rng.integers(1, 7)))
    return shown


def paste(picture: Picture, patch: Picture, corners: Points, mask: Picture | None = None, blur: float = 0.0) -> None:
    """Lays a patch onto a picture between four corners, with soft edges."""
    height, width = picture.shape
    left, top = np.maximum(np.floor(corners.min(0)).astype(int) - 2, 0)
    right, bottom = np.minimum(np.ceil(corners.max(0)).astype(int) + 2, (width, height))
    if right - left < 2 or bottom - top < 2:
        return
    share = 1.2 * float(np.linalg.norm(corners[1] - corners[0])) / patch.shape[1]
    if share < 0.8:
        size = max(2, round(patch.shape[1] * share)), max(2, round(patch.shape[0] * share))
        patch = cv2.resize(patch, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
        mask = None if mask is None else cv2.resize(mask, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    if blur > 0:
        patch = cv2.GaussianBlur(patch, (0, 0), blur).astype(np.uint8)
    tall, wide = patch.shape
    source = np.array([[0, 0], [wide, 0], [wide, tall], [0, tall]], np.float32) - 0.5
    warp = cv2.getPerspectiveTransform(source, (corners - (left, top) - 0.5).astype(np.float32))
    area = picture[top:bottom, left:right]
    size = (area.shape[1], area.shape[0])
    shown = cv2.warpPerspective(patch, warp, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    cover = np.full((tall, wide), 255, np.uint8) if mask is None else mask
    share_of = cv2.warpPerspective(cover, warp, size, flags=cv2.INTER_LINEAR)
    area[:] = (area + (shown.astype(np.float32) - area) * (share_of * np.float32(1 / 255))).astype(np.uint8)


def project(to_pixels: Points, points: Points) -> Points:
    """Pixels of N by 2 millimetres."""
    x, y, w = to_pixels @ np.vstack([points.T, np.ones(len(points))])
    return np.column_stack([x / w, y / w])


def made(rng: Rng, photographs: Sequence[Picture] = ()) -> Sample:
    """A picture of clutter with plates, or without one."""
    picture = ground(rng, photographs)
    for _ in range(int(rng.integers(0, 12))):
        _distract(picture, rng)
    found: list[tuple[Points, int]] = []
    count = 0 if rng.random() < EMPTY else int(rng.choice([1, 2, 3], p=[0.66, 0.24, 0.1]))
    dimmed = rng.random() < 0.12  # infra-red, or night: the plate throws the light back and little else does
    vehicles = rng.random() < 0.75
    if dimmed:
        picture = (picture * rng.uniform(0.1, 0.6)).astype(np.uint8)
    for _ in range(max(count, int(rng.random() < 0.5))):
        found += _vehicle(picture, rng, vehicles, count > 0, [corners for corners, _ in found], dimmed)
    for _ in range(int(rng.integers(0, 4))):
        _distract(picture, rng, [corners for corners, _ in found])
    shown = _camera(picture, rng)
    kinds = [kind if _visible(shown, corners) else 2 for corners, kind in found]
    return Sample(shown, [corners for corners, _ in found], kinds)


def _vehicle(
    picture: Picture, rng: Rng, with_face: bool, with_plate: bool, taken: Sequence[Points], dimmed: bool
) -> list[tuple[Points, int]]:
    """Puts a vehicle and its plate where none is yet; what is to be found there."""
    drawn = worn(plate(rng), rng)
    tall, wide = 111.0, 111.0 * drawn.shape[1] / drawn.shape[0]
    if wide < 230:
        tall, wide = 203.0, 203.0 * drawn.shape[1] / drawn.shape[0]
    small = 150 if taken else 320
    scale = 17 * (small / 17) ** float(rng.random()) / wide
    turn = np.radians([np.clip(rng.normal(0, 24), -60, 60), np.clip(rng.normal(4, 12), -40, 40), rng.normal(0, 6)])
    # Most plates are wholly in the picture, but one in seven may be cut off by its edge.
    margin = np.array([wide, tall]) * scale * 0.52 if rng.random() < 0.86 else np.zeros(2)
    margin = np.minimum(margin, (WIDTH / 2 - 1, HEIGHT / 2 - 1))
    centre = rng.uniform(margin, np.array([WIDTH, HEIGHT]) - margin)
    to_pixels = homography(turn, scale, (float(centre[0]), float(centre[1])))
    corners = project(to_pixels, np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [wide / 2, tall / 2])
    if any(_touch(corners, other) for other in taken):
        return []
    if with_face:
        _face(picture, rng, to_pixels, scale, taken, dimmed)
    if not with_plate:
        return []
    if rng.random() < 0.4:  # what holds the plate
        rim = rng.uniform([2, 2, 2, 2], [30, 14, 30, 40]) * (1.0 if rng.random() < 0.7 else 2.5)
        low, high = [-wide / 2 - rim[0], -tall / 2 - rim[1]], [wide / 2 + rim[2], tall / 2 + rim[3]]
        holder = np.array([low, [high[0], low[1]], high, [low[0], high[1]]])
        # In one case of five it is as bright as the plate, as on a white van: no edge shows.
        shade = int(np.median(drawn)) if rng.random() < 0.2 else level(rng) // 2
        paste(picture, np.full((8, 8), shade, np.uint8), project(to_pixels, holder))
    paste(picture, drawn, corners, blur=float(max(0.0, rng.normal(0, 0.4))))
    if rng.random() < 0.08:  # a tow bar, a strap, a twig
        spot = project(to_pixels, rng.uniform((-wide / 2, 0), (wide / 2, tall / 2))[None])[0]
        reach = max(1, round(scale * 30))
        cv2.circle(picture, (round(spot[0]), round(spot[1])), reach, level(rng) // 2, -1, cv2.LINE_AA)
    kind = _kind(corners)
    return [(corners, kind)] if kind else []


def _face(picture: Picture, rng: Rng, to_pixels: Points, scale: float, taken: Sequence[Points], dimmed: bool) -> None:
    """The vehicle around a plate; nothing if it would hide another plate."""
    left, top = -FACE[0] / 2, -float(FACE_TOP)
    right, bottom = left + FACE[0], top + FACE[1]
    edges = project(to_pixels, np.array([[left, top], [right, top], [right, bottom], [left, bottom]]))
    if any(_touch(edges, other) for other in taken):
        return
    body, mask = face(rng, float(np.clip(1.3 * scale, 0.05, 0.5)))
    if dimmed:
        body = (body * rng.uniform(0.1, 0.7)).astype(np.uint8)
    paste(picture, body, edges, mask)


def _distract(picture: Picture, rng: Rng, taken: Sequence[Points] = ()) -> None:
    """Something flat, anywhere, at any angle, but over no plate."""
    flat = pattern(rng)
    wide = 12 * 25 ** float(rng.random())
    scale, (tall, across) = wide / flat.shape[1], flat.shape
    turn = np.radians([np.clip(rng.normal(0, 25), -65, 65), np.clip(rng.normal(0, 15), -45, 45), rng.normal(0, 8)])
    centre = rng.uniform(0, (WIDTH, HEIGHT))
    to_pixels = homography(turn, scale, (float(centre[0]), float(centre[1])))
    corners = project(to_pixels, np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [across / 2, tall / 2])
    if not any(_touch(corners, other) for other in taken):
        paste(picture, flat, corners)


def _touch(one: Points, other: Points) -> bool:
    low, high = np.maximum(one.min(0), other.min(0)), np.minimum(one.max(0), other.max(0))
    return bool((low - 3 < high).all())


def _visible(shown: Picture, corners: Points) -> bool:
    """Whether night or light has left any contrast between ink and paper."""
    low = np.clip(corners.min(0), 0, (WIDTH - 4, HEIGHT - 4)).astype(int)
    high = np.maximum(np.clip(corners.max(0), 0, (WIDTH, HEIGHT)).astype(int), low + 3)
    return bool(shown[low[1] : high[1], low[0] : high[0]].std() > LEAST_CONTRAST)


def _kind(corners: Points) -> int:
    """1 for a plate to find, 2 for one better ignored, 0 for next to nothing in the picture."""
    frame = np.array([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]], np.float32)
    inside = cv2.intersectConvexConvex(corners.astype(np.float32), frame)[0] / cv2.contourArea(
        corners.astype(np.float32)
    )
    across = np.linalg.norm(corners[1] - corners[0]), np.linalg.norm(corners[2] - corners[3])
    down = np.linalg.norm(corners[3] - corners[0]), np.linalg.norm(corners[2] - corners[1])
    if inside < GONE:
        return 0
    return 1 if inside >= WHOLE and min(across) >= LEAST_WIDTH and min(down) >= LEAST_HEIGHT else 2


def scene(rng: Rng) -> Sample:
    """A frame of the simulator, whole in half the cases, or a part of it."""
    shown = mark(rng)
    view = View(
        vrm="".join(shown.groups) if rng.random() < 0.7 else None,
        style=shown.style,
        rear=bool(rng.random() < 0.5),
        two_line=bool(rng.random() < 0.2),
        green_flash=bool(rng.random() < 0.15),
        uk_band=bool(rng.random() < 0.2),
        light=list(Light)[int(rng.choice(3, p=[0.5, 0.17, 0.33]))],
        weather=list(Weather)[int(rng.choice(3, p=[0.6, 0.22, 0.18]))],
        dirt=float(rng.random() ** 2),
        obscured=bool(rng.random() < 0.05),
        blur=float(rng.random() ** 1.6 * 1.7),
        seed=int(rng.integers(2**32)),
    )
    frame = render(view)
    picture = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    share = 1.0 if rng.random() < 0.6 else float(rng.uniform(0.35, 1.0))
    size = np.array([picture.shape[1], picture.shape[0]]) * share
    left, top = (int(v) for v in rng.uniform(0, np.array([picture.shape[1], picture.shape[0]]) - size + 1))
    cut = picture[top : top + int(size[1]), left : left + int(size[0])]
    small = cv2.resize(cut, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.uint8)
    if frame.corners is None:
        return Sample(small, [], [])
    corners = (frame.corners - (left, top)) * (WIDTH / cut.shape[1], HEIGHT / cut.shape[0])
    kind = _kind(corners)
    return Sample(small, [corners] if kind else [], [kind] if kind else [])


@cache
def _grain() -> NDArray[np.float32]:
    return np.random.default_rng(77).normal(0, 1, (2 * HEIGHT, 2 * WIDTH)).astype(np.float32)


def _camera(picture: Picture, rng: Rng) -> Picture:
    """Light, weather, lens, sensor and JPEG."""
    shown = picture.astype(np.float32)
    if rng.random() < 0.5:
        few = rng.uniform(0.35, 1.5, (3, 4)).astype(np.float32)
        shown *= cv2.resize(few, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    for _ in range(int(rng.integers(0, 4)) if rng.random() < 0.25 else 0):  # lamps
        cv2.circle(shown, tuple(int(v) for v in rng.uniform(0, (WIDTH, HEIGHT))), int(2 * 15 ** rng.random()), 330, -1)
    if rng.random() < 0.12:  # rain
        for _ in range(int(rng.integers(20, 150))):
            x, y, fall = *rng.uniform(0, (WIDTH, HEIGHT)), float(rng.uniform(3, 25))
            cv2.line(shown, (int(x), int(y)), (int(x - fall / 5), int(y + fall)), level(rng), 1, cv2.LINE_AA)
    if rng.random() < 0.5:
        shown = cv2.GaussianBlur(shown, (0, 0), 0.3 + 1.2 * float(rng.random()) ** 2)
    if rng.random() < 0.12:
        length = int(rng.integers(2, 8))
        shown = cv2.blur(shown, (length, 1) if rng.random() < 0.7 else (1, length))
    gain, lift = rng.uniform(0.65, 1.3), rng.uniform(-30, 60) * (rng.random() < 0.5)
    shown = 255 * (np.clip(shown * gain + lift, 0, 255) / 255) ** np.float32(2.0 ** rng.uniform(-0.8, 0.5))
    y, x = int(rng.integers(HEIGHT)), int(rng.integers(WIDTH))
    shown += _grain()[y : y + HEIGHT, x : x + WIDTH] * np.float32(12 * rng.random() ** 2)
    flat = np.clip(shown, 0, 255).astype(np.uint8)
    return _coded(flat, rng)


def _coded(flat: Picture, rng: Rng) -> Picture:
    """Through a JPEG, in a quarter of the cases of a smaller picture than is looked at."""
    if rng.random() < 0.2:
        return flat
    small = flat
    if rng.random() < 0.3:
        share = float(rng.uniform(0.4, 1.0))
        small = cv2.resize(flat, None, fx=share, fy=share, interpolation=cv2.INTER_AREA).astype(np.uint8)
    code = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 96))])[1]
    back = cv2.imdecode(code, cv2.IMREAD_GRAYSCALE)
    if back.shape != flat.shape:
        back = cv2.resize(back, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    return back.astype(np.uint8)


def read_photographs(folder: Path | None) -> list[Picture]:
    """The pictures of a folder, gray, at most 1,280 wide; none without a folder."""
    if folder is None:
        return []
    loaded = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in sorted(folder.iterdir())]
    usable = [picture for picture in loaded if picture is not None and min(picture.shape) >= HEIGHT]
    return [
        cv2.resize(picture, None, fx=share, fy=share, interpolation=cv2.INTER_AREA).astype(np.uint8)
        for picture in usable
        for share in [min(1.0, 1_280 / picture.shape[1])]
    ]


def shard(out: Path, seed: int, number: int, scenes: float, photographs: Sequence[Picture], size: int = SHARD) -> Path:
    """Makes one shard; its path. One that exists is left as it is."""
    path = out / f"finder-{number:05d}.npz"
    if path.exists():
        return path
    rng = np.random.default_rng([seed, number])
    pictures = np.empty((size, HEIGHT, WIDTH), np.uint8)
    corners = np.zeros((size, MOST, 4, 2), np.float32)
    kinds = np.zeros((size, MOST), np.uint8)
    for place in range(size):
        sample = scene(rng) if rng.random() < scenes else made(rng, photographs)
        pictures[place] = sample.picture
        for slot, (where, kind) in enumerate(zip(sample.corners[:MOST], sample.kinds[:MOST], strict=True)):
            corners[place, slot], kinds[place, slot] = where, kind
    part = out / f".{path.name}.part.npz"
    np.savez(part, pictures=pictures, corners=corners, kinds=kinds)
    part.rename(path)
    return path


Job = tuple[Path, int, int, float, Path | None]


def _know(made: list[Face]) -> None:
    _faces.update(enumerate(made))


@cache
def _photographs(folder: Path | None) -> tuple[Picture, ...]:
    return tuple(read_photographs(folder))


def _work(job: Job) -> Path:
    cv2.setNumThreads(1)
    out, seed, number, scenes, folder = job
    return shard(out, seed, number, scenes, _photographs(folder))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--scenes", type=float, default=SCENES)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--grounds", type=Path, help="a folder of photographs without plates, for backgrounds")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no shard after so long")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    grounds = str(given.grounds.resolve()) if given.grounds else None
    stamped(given.out, seed=given.seed, scenes=given.scenes, grounds=grounds)
    begun, count = time.monotonic(), -(-given.pictures // SHARD)
    jobs = ((given.out, given.seed, number, given.scenes, given.grounds) for number in range(count))
    with Pool(given.processes) as pool:
        made_faces = pool.map(face_of, range(FACES))
    with Pool(given.processes, _know, (made_faces,)) as pool:
        for done, _ in enumerate(pool.imap_unordered(_work, jobs), 1):
            taken = time.monotonic() - begun
            print(f"\r{done} of {count} shards, {done * SHARD / taken:.0f} pictures/s", end="", flush=True)
            if taken > given.seconds:
                break
    print()


if __name__ == "__main__":
    main()
