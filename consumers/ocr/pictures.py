"""Bytes to a gray picture, safely: what it says of its size is read first, and what it cannot be is never decoded.

Pictures are gray uint8, height by width, turned upright as their EXIF says. Two doors: ``decode`` for what comes from
a camera, a whole JPEG of modest size; ``opened`` for a file of the user's, of any common kind, and of what is cut off
as much as there is.
"""

from pathlib import Path
from stat import S_ISREG

import cv2
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from ringfence.errors import RecordError
from ringfence.exif import UPRIGHT, orientation
from ringfence.headers import END, FILE_BYTES, Header, admit, admit_file
from ringfence.jpeg import stripped
from schemas.topics import FRAMES

Picture = NDArray[np.uint8]

MOST_PIXELS = 8_000_000  # of a camera's picture
MOST_SHOTS = 8  # further pictures of one passage
MOST_FRAME_PIXELS = 16_000_000  # of all pictures of one passage together
REDUCED = {1: cv2.IMREAD_COLOR, 2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4}
QUALITIES = (85, 70, 50, 30)


class FrameUnreadableError(RecordError):
    """These bytes are not a picture that we would decode."""


class Photograph(Struct, frozen=True):
    """A file of the user's: BGR, and how many times smaller on each side than the file has it."""

    colours: Picture
    smaller: int

    @property
    def gray(self) -> Picture:
        """What is read."""
        return cv2.cvtColor(self.colours, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)


def decode(jpeg: bytes) -> Picture:
    """A camera's picture. FrameUnreadableError for what is no whole JPEG of at most 8 megapixels."""
    _admitted(jpeg)
    return _decoded(jpeg, cv2.IMREAD_GRAYSCALE)


def overview(jpeg: bytes) -> bytes:
    """The picture of a frame as it may travel on: without metadata, and upright, so that corners fit onto it.

    A picture that EXIF would turn is coded anew, in gray. FrameUnreadableError if it is no JPEG.
    """
    try:
        clean = stripped(jpeg)
    except ValueError as error:
        raise FrameUnreadableError(str(error)) from None
    if orientation(_admitted(jpeg).exif) == UPRIGHT:
        return clean
    turned = decode(jpeg)
    for quality in QUALITIES:
        coded = cv2.imencode(".jpg", turned, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        if len(coded) <= FRAMES.most_bytes:
            return bytes(coded)
    raise FrameUnreadableError("the picture cannot be turned upright within the bytes that a frame may have")


def opened(path: Path) -> Photograph:
    """The picture in a file, of an animated one the first; a JPEG with more than 16 megapixels at half size or less.

    FrameUnreadableError, with a line on why, for what is no picture that can be read.
    """
    try:
        data, smaller = admit_file(file_bytes(path))
    except ValueError as error:
        raise FrameUnreadableError(str(error)) from None
    return Photograph(_decoded(data, REDUCED[smaller]), smaller)


def file_bytes(path: Path) -> bytes:
    """The bytes of a file that may be a picture. FrameUnreadableError if it cannot be read, or is far too large."""
    try:
        status = path.stat()
        size = status.st_size
        if not S_ISREG(status.st_mode):  # a pipe or a device might never end
            raise FrameUnreadableError("the file cannot be read: it is no regular file")
        if size > FILE_BYTES:
            raise FrameUnreadableError(f"{size / 1e6:.0f} MB are too many; at most {FILE_BYTES / 1e6:.0f} are read")
        return path.read_bytes()
    except OSError as error:
        raise FrameUnreadableError(f"the file cannot be read: {error.strerror}") from None


def _admitted(jpeg: bytes) -> Header:
    """The header of a camera's picture."""
    try:
        found = admit(jpeg, MOST_PIXELS)
    except ValueError as error:
        raise FrameUnreadableError(str(error)) from None
    if found.kind != "JPEG":
        raise FrameUnreadableError(f"a camera sends JPEG, and this is {found.kind}")
    if END not in jpeg:
        raise FrameUnreadableError("the JPEG ends too early")
    return found


def _decoded(data: bytes, how: int) -> Picture:
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), how)
    except cv2.error:
        picture = None
    if picture is None or picture.size == 0:
        raise FrameUnreadableError("the picture is damaged or cut off")
    return picture.astype(np.uint8, copy=False)
