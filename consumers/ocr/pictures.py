"""Bytes to a gray picture, safely: what it says of its size is read first, and what it cannot be is never decoded.

Pictures are gray uint8, height by width, turned upright as their EXIF says. Two doors: ``decode`` for what comes from
a camera, a whole JPEG of modest size; ``opened`` for a file of the user's, of any common kind, and of what is cut off
as much as there is.
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ringfence.errors import RecordError
from ringfence.exif import UPRIGHT, orientation
from ringfence.headers import Header, header
from ringfence.jpeg import stripped
from schemas.records import Frame
from schemas.topics import FRAMES

Picture = NDArray[np.uint8]

MOST_PIXELS = 8_000_000  # of a camera's picture
MOST_SHOTS = 8  # further pictures of one passage
MOST_FRAME_PIXELS = 16_000_000  # of all pictures of one passage together
MOST_FILE_BYTES, MOST_FILE_PIXELS = 64_000_000, 120_000_000  # of a file
HALVED_FROM = 16_000_000  # pixels; a JPEG file with more is decoded at half its size or less
MOST_SCANS = 100  # of a progressive JPEG; each costs a pass over the whole picture, and encoders write about ten
SOS, END = b"\xff\xda", b"\xff\xd9"
REDUCED = {2: cv2.IMREAD_REDUCED_GRAYSCALE_2, 4: cv2.IMREAD_REDUCED_GRAYSCALE_4}
QUALITIES = (85, 70, 50, 30)


class FrameUnreadableError(RecordError):
    """These bytes are not a picture that we would decode."""


def decode(jpeg: bytes) -> Picture:
    """A camera's picture. FrameUnreadableError for what is no whole JPEG of at most 8 megapixels."""
    _fit(_camera_header(jpeg), MOST_PIXELS)
    return _decoded(jpeg, cv2.IMREAD_GRAYSCALE)


def shots_of(frame: Frame) -> list[Picture]:
    """All pictures of one passage, the frame's own first. FrameUnreadableError if any of them is none, or too many."""
    if len(frame.shots) > MOST_SHOTS:
        raise FrameUnreadableError(f"{len(frame.shots)} shots of one passage; at most {MOST_SHOTS} are read")
    jpegs = [frame.jpeg, *frame.shots]
    found = [_camera_header(jpeg) for jpeg in jpegs]
    for one in found:
        _fit(one, MOST_PIXELS)
    if sum(one.width * one.height for one in found) > MOST_FRAME_PIXELS:
        raise FrameUnreadableError("the shots of this passage have too many pixels together")
    return [_decoded(jpeg, cv2.IMREAD_GRAYSCALE) for jpeg in jpegs]


def overview(jpeg: bytes) -> bytes:
    """The picture of a frame as it may travel on: without metadata, and upright, so that corners fit onto it.

    A picture that EXIF would turn is coded anew, in gray. FrameUnreadableError if it is no JPEG.
    """
    try:
        clean = stripped(jpeg)
    except ValueError as error:
        raise FrameUnreadableError(str(error)) from None
    if orientation(_camera_header(jpeg).exif) == UPRIGHT:
        return clean
    turned = decode(jpeg)
    for quality in QUALITIES:
        coded = cv2.imencode(".jpg", turned, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        if len(coded) <= FRAMES.most_bytes:
            return bytes(coded)
    raise FrameUnreadableError("the picture cannot be turned upright within the bytes that a frame may have")


def opened(path: Path) -> Picture:
    """The picture in a file, of an animated one the first; a JPEG with more than 16 megapixels at half size or less.

    FrameUnreadableError, with a line on why, for what is no picture that can be read.
    """
    data = file_bytes(path)
    found = _header(data)
    _fit(found, MOST_FILE_PIXELS)
    if found.kind != "JPEG":
        _fit(found, MOST_FILE_PIXELS // 2)  # no other kind can be decoded small
        return _decoded(data, cv2.IMREAD_GRAYSCALE)
    shrink = next((by for by in (1, 2, 4) if found.width * found.height <= HALVED_FROM * by * by), 4)
    # Of a JPEG that was cut off the decoder shows what there is, if only it finds an end.
    whole = data if data.rstrip(b"\0").endswith(END) else data + END
    return _decoded(whole, REDUCED.get(shrink, cv2.IMREAD_GRAYSCALE))


def file_bytes(path: Path) -> bytes:
    """The bytes of a file that may be a picture. FrameUnreadableError if it cannot be read, or is far too large."""
    try:
        size = path.stat().st_size
        if size > MOST_FILE_BYTES:
            raise FrameUnreadableError(f"{size / 1e6:.0f} MB are too many; at most {MOST_FILE_BYTES / 1e6:.0f}")
        return path.read_bytes()
    except OSError as error:
        raise FrameUnreadableError(f"the file cannot be read: {error.strerror}") from None


def _header(data: bytes) -> Header:
    try:
        found = header(data)
    except ValueError as error:
        raise FrameUnreadableError(str(error)) from None
    if found.kind == "JPEG" and data.count(SOS) > MOST_SCANS:
        raise FrameUnreadableError(f"a JPEG of more than {MOST_SCANS} scans would take too long")
    return found


def _camera_header(jpeg: bytes) -> Header:
    found = _header(jpeg)
    if found.kind != "JPEG":
        raise FrameUnreadableError(f"a camera sends JPEG, and this is {found.kind}")
    if END not in jpeg:
        raise FrameUnreadableError("the JPEG ends too early")
    return found


def _fit(found: Header, most: int) -> None:
    if not 0 < found.width * found.height <= most:
        raise FrameUnreadableError(f"{found.width} by {found.height} pixels: at most {most / 1e6:.0f} million are read")


def _decoded(data: bytes, how: int) -> Picture:
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), how)
    except cv2.error:
        picture = None
    if picture is None or picture.ndim != 2 or picture.size == 0:
        raise FrameUnreadableError("the picture is damaged or cut off")
    return picture.astype(np.uint8, copy=False)
