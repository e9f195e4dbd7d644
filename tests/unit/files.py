"""Picture files of every kind, made with Pillow: another hand than the decoder's."""

from io import BytesIO

import cv2
import numpy as np
from PIL import Image

WIDTH, HEIGHT = 200, 120
ORIENTATION, SUB = 0x0112, 0x8769
TAKEN, OFFSET, FRACTION = 0x9003, 0x9011, 0x9291


def gray():
    """A smooth picture, dark on the left and bright on the right, with a bright bar at the top."""
    made = np.tile(np.linspace(20, 200, WIDTH), (HEIGHT, 1))
    made[:30] = 240
    return made.astype(np.uint8)


def picture(mode="RGB"):
    return Image.fromarray(gray()).convert(mode)


def saved(kind, image=None, **options):
    """The bytes of a file of that kind."""
    out = BytesIO()
    (image or picture()).save(out, kind, **options)
    return out.getvalue()


def exif(orientation=None, taken=None, offset=None, fraction=None):
    made = Image.Exif()
    if orientation:
        made[ORIENTATION] = orientation
    inner = made.get_ifd(SUB)
    inner.update({tag: text for tag, text in ((TAKEN, taken), (OFFSET, offset), (FRACTION, fraction)) if text})
    return made


SIXTEEN = Image.fromarray(gray().astype(np.uint16) * 257)
READABLE = {
    "JPEG": saved("JPEG"),
    "progressive JPEG": saved("JPEG", progressive=True),
    "CMYK JPEG": saved("JPEG", picture("CMYK")),
    "gray JPEG": saved("JPEG", picture("L")),
    "JPEG cut off in the middle": saved("JPEG", quality=95)[:-300],
    "progressive JPEG cut off": saved("JPEG", quality=95, progressive=True)[:-300],
    "PNG": saved("PNG"),
    "PNG with alpha": saved("PNG", picture("RGBA")),
    "PNG with a palette": saved("PNG", picture("P")),
    "16-bit PNG": saved("PNG", SIXTEEN),
    "animated PNG": saved("PNG", save_all=True, append_images=[Image.new("RGB", (WIDTH, HEIGHT))]),
    "WebP": saved("WEBP", quality=90),
    "lossless WebP": saved("WEBP", lossless=True),
    "animated WebP": saved("WEBP", save_all=True, append_images=[Image.new("RGB", (WIDTH, HEIGHT))]),
    "GIF": saved("GIF"),
    "animated GIF": saved("GIF", save_all=True, append_images=[Image.new("RGB", (WIDTH, HEIGHT))]),
    "BMP": saved("BMP"),
    "TIFF": saved("TIFF"),
    "16-bit TIFF": saved("TIFF", SIXTEEN),
    "CMYK TIFF": saved("TIFF", picture("CMYK")),
    "TIFF of two pages": saved("TIFF", save_all=True, append_images=[Image.new("RGB", (WIDTH, HEIGHT))]),
}  # fmt: skip


def bomb():
    """A PNG of some kilobytes that is 20,000 by 20,000 pixels."""
    return cv2.imencode(".png", np.zeros((20_000, 20_000), np.uint8))[1].tobytes()


def scans(number):
    """A progressive JPEG with more scans than any encoder writes: it decodes, but each scan costs a pass."""
    whole = saved("JPEG", picture("L"), progressive=True)
    last = whole.rindex(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * number + whole[-2:]
