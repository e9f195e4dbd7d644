"""Makes the pictures of the dashboards small: they have few colours. Run by ``make dashboard-pictures``."""

from PIL import Image

from ringfence.settings import ROOT

COLOURS = 224
FOLDER = ROOT / "docs" / "pictures"


def shrink() -> None:
    """Each becomes a PNG with a palette."""
    for path in sorted(FOLDER.glob("dashboard-*.png")):
        with Image.open(path) as picture:
            small = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        small.save(path, optimize=True)


if __name__ == "__main__":
    shrink()
