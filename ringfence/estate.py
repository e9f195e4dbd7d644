"""The register of cameras: which camera enforces which scheme, where it stands, whether it is activated.

``cameras.csv`` has one camera a line: id, zone, tranche, on_board (yes or no), lon, lat; a line that begins
with # is a comment. ``tranches.yaml`` says of each tranche of cameras whether it needs an activation; an activation
comes by order. Everything is pure but ``load``, which reads the two files.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from ringfence.errors import FileError
from ringfence.policy.facts import Activation, Zone

CAMERAS = "cameras.csv"
TRANCHES = "tranches.yaml"
HEADER = "id,zone,tranche,on_board,lon,lat"
ZONES = frozenset(str(zone) for zone in Zone if zone is not Zone.UNKNOWN)
YES_NO = {"yes": True, "no": False}
# Degrees: a rectangle around Greater London, to catch swapped or mistyped coordinates.
WEST, SOUTH, EAST, NORTH = -0.6, 51.2, 0.4, 51.8


class Camera(Struct, frozen=True):
    """One camera. ``zone`` is the scheme it was put up to enforce; ``on_board``: it reads plates itself.

    ``lon`` and ``lat`` are degrees, WGS 84, simulated: real positions are withheld.
    """

    id: int
    zone: str
    tranche: str
    on_board: bool
    lon: float
    lat: float


class Tranche(Struct, frozen=True):
    """A group of cameras that is activated together, if it needs that."""

    id: str
    needs_activation: bool


class Estate(Struct, frozen=True):
    """The register: cameras and tranches by id, the zones there are, and a SHA-256 over all of it."""

    cameras: Mapping[int, Camera]
    tranches: Mapping[str, Tranche]
    zones: tuple[str, ...]
    digest: bytes

    def activation(self, camera: int) -> Activation:
        """How a camera stands before any order. KeyError if it is not in the register."""
        waits = self.tranches[self.cameras[camera].tranche].needs_activation
        return Activation.PENDING if waits else Activation.NOT_REQUIRED


def load(folder: Path) -> Estate:
    """The register in a folder (policies/estate). FileError says which file or line is at fault."""
    try:
        cameras, tranches = ((folder / name).read_text("utf-8") for name in (CAMERAS, TRANCHES))
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"no camera register in {folder}: {error}; set RINGFENCE_POLICIES") from None
    return parse(cameras, tranches)


def parse(cameras_csv: str, tranches_yaml: str) -> Estate:
    """The register from the text of its two files. FileError names the line at fault."""
    tranches = _tranches(tranches_yaml)
    cameras: dict[int, Camera] = {}
    for number, line in _rows(cameras_csv):
        camera = _camera(line, number, tranches)
        if camera.id in cameras:
            raise FileError(f"{CAMERAS} line {number}: camera {camera.id} is there twice; remove one")
        cameras[camera.id] = camera
    if not cameras:
        raise FileError(f"{CAMERAS} lists no camera: make it with `python -m producers.siting`")
    cameras = dict(sorted(cameras.items()))
    zones = tuple(sorted({camera.zone for camera in cameras.values()}))
    return Estate(cameras, tranches, zones, _digest(cameras, tranches))


def _rows(text: str) -> Iterator[tuple[int, str]]:
    """The camera lines with their numbers in the file, after the header has been checked."""
    lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line and not line.startswith("#")]
    if not lines or lines[0][1] != HEADER:
        raise FileError(f"{CAMERAS} line {lines[0][0] if lines else 1}: must be the header {HEADER}")
    yield from lines[1:]


def _camera(line: str, number: int, tranches: Mapping[str, Tranche]) -> Camera:
    where = f"{CAMERAS} line {number}"
    cells = line.split(",")
    if len(cells) != HEADER.count(",") + 1:
        raise FileError(f"{where}: {len(cells)} cells; it must be {HEADER}")
    identity, zone, tranche, on_board, lon, lat = cells
    if not (identity.isascii() and identity.isdigit() and 0 < int(identity) < 2**31):
        raise FileError(f"{where}: id {identity!r} must be a whole number from 1")
    if zone not in ZONES:
        raise FileError(f"{where}: zone {zone!r} must be one of {', '.join(sorted(ZONES))}")
    if tranche not in tranches:
        raise FileError(f"{where}: tranche {tranche!r} is not in {TRANCHES}; add it there")
    if on_board not in YES_NO:
        raise FileError(f"{where}: on_board {on_board!r} must be yes or no")
    x, y = _degrees(lon, WEST, EAST, f"{where}: lon"), _degrees(lat, SOUTH, NORTH, f"{where}: lat")
    return Camera(int(identity), zone, tranche, YES_NO[on_board], x, y)


def _degrees(text: str, least: float, most: float, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise FileError(f"{where} {text!r} is no number of degrees") from None
    if not least <= value <= most:
        raise FileError(f"{where} {text} must be from {least} to {most}, around Greater London")
    return value


def _tranches(text: str) -> dict[str, Tranche]:
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise FileError(f"{TRANCHES} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(raw, dict) or not raw:
        raise FileError(f"{TRANCHES} must be a mapping of tranches")
    return {str(name): _tranche(str(name), value) for name, value in sorted(raw.items())}


def _tranche(name: str, value: Any) -> Tranche:
    needs = value.get("needs_activation") if isinstance(value, dict) and len(value) == 1 else None
    if not isinstance(needs, bool):
        raise FileError(f"{TRANCHES}, {name}: give needs_activation, true or false, and nothing else")
    return Tranche(name, needs)


def _digest(cameras: Mapping[int, Camera], tranches: Mapping[str, Tranche]) -> bytes:
    """SHA-256 of the content, whatever the comments, the order and the spacing of the files."""
    total = hashlib.sha256()
    for c in cameras.values():
        total.update(f"camera {c.id} {c.zone} {c.tranche} {c.on_board} {c.lon!r} {c.lat!r}\n".encode())
    for t in tranches.values():
        total.update(f"tranche {t.id} {t.needs_activation}\n".encode())
    return total.digest()
