"""The demo's pictures: what was read from which frame, what the police could see from where, the last screen."""

import re
from collections.abc import Mapping, Sequence
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # no window: there may be no screen

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Polygon
from PIL import Image as Pillow
from rich.console import Console, RenderableType

from ringfence.demo.ledger import Ledger, Picture
from ringfence.estate import Estate
from schemas.records import Outcome

COLUMNS, ROWS = 4, 6
SCREEN_WIDTH = 100
# Okabe and Ito's palette: told apart by colour-blind readers too.
BLUE, GREEN, ORANGE, GREY = "#0072B2", "#009E73", "#D55E00", "#777777"
TEXT_AND_IMAGE, TEXT_ONLY = "text and image", "text only"


def contact_sheet(ledger: Ledger, path: Path) -> None:
    """Frames with the plate that was found, what was read and what is true, as a PNG."""
    chosen = _spread(ledger.pictures, COLUMNS * ROWS)
    figure, axes = plt.subplots(ROWS, COLUMNS, figsize=(COLUMNS * 3.6, ROWS * 2.5), squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, picture in zip(axes.flat, chosen, strict=False):
        read = ledger.reads.get(picture.id)
        _frame(axis, picture, read.vrm if read else "", ledger.truths[picture.id])
    figure.suptitle("Simulated frames: the plate that was found, what was read, and the truth")
    _save(figure, path)


def _spread(pictures: Sequence[Picture], wanted: int) -> Sequence[Picture]:
    step = max(1, len(pictures) // wanted)
    return pictures[::step][:wanted]


def _frame(axis: Axes, picture: Picture, read: str, truth: str) -> None:
    axis.imshow(Pillow.open(BytesIO(picture.jpeg)))
    colour = GREEN if read == truth else GREY if not read else ORANGE
    if picture.corners:
        points = list(zip(picture.corners[::2], picture.corners[1::2], strict=True))
        axis.add_patch(Polygon(points, fill=False, edgecolor=colour, linewidth=2))
    shown = read or "no read"
    axis.set_title(f"{shown}  (truth: {truth or 'no plate'})", fontsize=9, color=colour)


def camera_map(
    estate: Estate,
    zones: Mapping[str, Any],
    answers: Mapping[int, tuple[Outcome, Outcome]],
    title: str,
    path: Path,
) -> None:
    """Zones and cameras as a PNG, coloured by what the police could have from each: ``answers`` holds the
    outcome for the read and for the image, by camera id; ``zones`` is GeoJSON."""
    figure, axis = plt.subplots(figsize=(11, 8.5))
    for feature in zones["features"]:
        for ring in _rings(feature["geometry"]):
            axis.plot(*zip(*ring, strict=True), color="black", linewidth=0.8, alpha=0.6)
    groups: dict[str, list[int]] = {}
    for camera, (read, image) in answers.items():
        groups.setdefault(_verdict(read, image), []).append(camera)
    for verdict, cameras in sorted(groups.items()):
        points = [(estate.cameras[c].lon, estate.cameras[c].lat) for c in cameras]
        lon, lat = zip(*points, strict=True)
        axis.scatter(lon, lat, s=12, color=_colour(verdict), marker=_marker(verdict),
                     label=f"{verdict} ({len(cameras):,} cameras)")  # fmt: skip
    axis.set_aspect(1.6)  # a degree of latitude is 1.6 degrees of longitude wide here
    axis.set_axis_off()
    axis.legend(loc="lower left", fontsize=9, frameon=False)
    source = "Simulated camera positions; simplified zone outlines (TfL Open Data, OS data © Crown copyright)"
    axis.set_title(f"What the police could have: {title}\n{source}", fontsize=10)
    _save(figure, path)


def screenshot(screen: RenderableType, path: Path) -> None:
    """The last live screen as an SVG, in whatever monospaced font the reader has."""
    paper = Console(record=True, width=SCREEN_WIDTH, file=StringIO(), force_terminal=True)
    paper.print(screen)
    # Rich would fetch a font from the web.
    path.write_text(re.sub(r"@font-face {.*?}\s*", "", paper.export_svg(title="ringfence demo"), flags=re.DOTALL))


def _rings(geometry: Mapping[str, Any]) -> list[list[tuple[float, float]]]:
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    return [[(x, y) for x, y, *_ in polygon[0]] for polygon in polygons]


def _verdict(read: Outcome, image: Outcome) -> str:
    if not read.form:
        return f"nothing: {read.reason.replace('_', ' ')}"
    return TEXT_AND_IMAGE if image.form else TEXT_ONLY


def _colour(verdict: str) -> str:
    fixed = {TEXT_AND_IMAGE: ORANGE, TEXT_ONLY: BLUE}
    return fixed.get(verdict, GREY)


def _marker(verdict: str) -> str:
    return "o" if verdict in (TEXT_AND_IMAGE, TEXT_ONLY) else "x" if "activated" in verdict else "+"


def _save(figure: Any, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
