"""The demo's pictures: what was read from which frame, and the last screen."""

import re
from collections.abc import Sequence
from io import BytesIO, StringIO
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Polygon
from PIL import Image as Pillow
from rich.console import Console, RenderableType

from ringfence.demo.ledger import Ledger, Picture
from ringfence.maps import GREEN, GREY, ORANGE, save

COLUMNS, ROWS = 4, 6
SCREEN_WIDTH = 100


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
    save(figure, path)


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


def screenshot(screen: RenderableType, path: Path) -> None:
    """The last live screen as an SVG, in whatever monospaced font the reader has."""
    paper = Console(record=True, width=SCREEN_WIDTH, file=StringIO(), force_terminal=True)
    paper.print(screen)
    # Rich would fetch a font from the web.
    path.write_text(re.sub(r"@font-face {.*?}\s*", "", paper.export_svg(title="ringfence demo"), flags=re.DOTALL))
