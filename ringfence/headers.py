"""What the first bytes of a picture say of it, read before anything is decoded: kind, size, and its EXIF. Pure.

A file of a few kilobytes may unfold into gigabytes, so ``admit`` asks for its size first. Sources: ITU-T T.81 (JPEG),
PNG 3rd edition, RFC 9649 (WebP), GIF89a, TIFF 6.0, and the BITMAPINFOHEADER of BMP.
"""

import re
from collections.abc import Callable, Iterator

from msgspec import Struct

ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff"})  # of the names of such files
EXIF = b"Exif\0\0"
NO_SIZE = (0xC4, 0xC8, 0xCC)  # markers among the frame headers' that are none
SOS, END = b"\xff\xda", b"\xff\xd9"
MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")  # of a JPEG, but stuffed bytes and restarts, which have no content
BARE = (0x01, 0xD8)  # markers without a length
# Of a progressive JPEG. Encoders write about ten, and each costs a pass over the whole picture: 430 kB of them, two
# minutes.
MOST_SCANS = 64
# A file of the user's. A JPEG can be decoded at a half or a quarter of its size, and is where it is larger than EASY.
FILE_BYTES, FILE_PIXELS, EASY = 64_000_000, 120_000_000, 16_000_000
MOST_SEGMENTS = 1_000  # of one file; real ones have some dozens
TIFF_WIDTH, TIFF_HEIGHT = 256, 257
INTEGERS = {1: 1, 3: 2, 4: 4, 13: 4}  # TIFF type -> bytes


class Header(Struct, frozen=True):
    """Kind (JPEG, PNG, WebP, GIF, BMP, TIFF), width and height in pixels as stored, and the EXIF block or nothing."""

    kind: str
    width: int
    height: int
    exif: bytes = b""


def header(data: bytes) -> Header:
    """What a file says of itself. ValueError, with a line on why, if it is no picture of a kind that is read."""
    for start, read in READERS:
        if data.startswith(start):
            try:
                found = read(data)
            except (IndexError, StopIteration):
                found = None
            if found is None:
                raise ValueError("the picture ends before it says how large it is")
            return found
    raise ValueError("this is no JPEG, PNG, WebP, GIF, BMP or TIFF" if data else "the file is empty")


def admit(data: bytes, most: int) -> Header:
    """The same, and ValueError also for what would take too long, or has more than ``most`` pixels, or none."""
    found = header(data)
    if not 0 < found.width * found.height <= most:
        raise ValueError(f"{found.width} by {found.height} pixels: at most {most / 1e6:.0f} million are read")
    if found.kind == "JPEG" and data.count(SOS) > MOST_SCANS and _scans(data) > MOST_SCANS:
        raise ValueError(f"a JPEG of more than {MOST_SCANS} scans would take too long")
    return found


def admit_file(data: bytes) -> tuple[bytes, int]:
    """What to decode of a user's file, and how many times smaller on each side: 1, 2 or 4. ValueError as ``admit``.

    A JPEG that was cut off gets an end: then the decoder shows what there is.
    """
    found = admit(data, FILE_PIXELS)
    if found.kind != "JPEG":
        admit(data, FILE_PIXELS // 2)
        return data, 1
    whole = data if data.rstrip(b"\0").endswith(END) else data + END
    return whole, next((by for by in (1, 2) if found.width * found.height <= EASY * by * by), 4)


def entries(tiff: bytes, at: int | None = None) -> dict[int, tuple[int, int, bytes]]:
    """The directory of a TIFF or an EXIF block at ``at`` (None: the first one): tag -> type, count, its four bytes."""
    order = order_of(tiff)
    at = _number(tiff, 4, 4, order) if at is None else at
    number = _number(tiff, at, 2, order)
    found: dict[int, tuple[int, int, bytes]] = {}
    for i in range(at + 2, at + 2 + 12 * number, 12):
        value = tiff[i + 8 : i + 12]
        if len(value) < 4:
            break
        # Of a tag that is there twice, decoders take the first.
        tag = _number(tiff, i, 2, order)
        found.setdefault(tag, (_number(tiff, i + 2, 2, order), _number(tiff, i + 4, 4, order), value))
    return found


def order_of(tiff: bytes) -> str:
    """Which byte comes first: "little" or "big"."""
    return "little" if tiff[:2] == b"II" else "big"


def integer(tiff: bytes, entry: tuple[int, int, bytes] | None) -> int:
    """The one number of an entry; 0 if it has none."""
    if entry is None or entry[1] != 1 or entry[0] not in INTEGERS:
        return 0
    return _number(entry[2], 0, INTEGERS[entry[0]], order_of(tiff))


def _number(data: bytes, at: int, size: int, order: str) -> int:
    part = data[at : at + size]
    if len(part) < size:
        raise IndexError(at)
    return int.from_bytes(part, "little" if order == "little" else "big")


def segments(jpeg: bytes) -> Iterator[tuple[int, int, int]]:
    """The marker segments of a JPEG up to its first scan: marker, where its content begins, where it ends."""
    at, seen = 2, 0
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF and seen < MOST_SEGMENTS:
        kind = jpeg[at + 1]
        if kind == 0xFF:  # a fill byte
            at += 1
            continue
        if kind in BARE or 0xD0 <= kind <= 0xD7:  # a decoder reads no length after it, so nor may we
            at, seen = at + 2, seen + 1
            continue
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4])
        yield kind, at + 4, end
        at, seen = end, seen + 1


def _scans(jpeg: bytes) -> int:
    """How many scans a decoder would read, up to the end of the picture; counted no further than is allowed."""
    at, seen = 2, 0
    while seen <= MOST_SCANS and (found := MARKER.search(jpeg, at)):
        kind, at = found[1][0], found.end()
        if kind == END[1]:
            break
        seen += kind == SOS[1]
        if kind not in BARE:
            at += max(2, int.from_bytes(jpeg[at : at + 2]))
    return seen


def _jpeg(data: bytes) -> Header | None:
    exif = b""
    for kind, at, end in segments(data):
        if kind == 0xE1 and data[at : at + 6] == EXIF:
            exif = exif or data[at + 6 : end]
        if 0xC0 <= kind <= 0xCF and kind not in NO_SIZE:
            return Header("JPEG", _number(data, at + 3, 2, "big"), _number(data, at + 1, 2, "big"), exif)
    return None


def _png(data: bytes) -> Header:
    exif, at, seen = b"", 8, 0
    while at + 8 <= len(data) and seen < MOST_SEGMENTS:
        size = _number(data, at, 4, "big")
        if data[at + 4 : at + 8] == b"eXIf":
            exif = data[at + 8 : at + 8 + size]
        at, seen = at + 12 + size, seen + 1
    return Header("PNG", _number(data, 16, 4, "big"), _number(data, 20, 4, "big"), exif)


def _webp(data: bytes) -> Header | None:
    if data[8:12] != b"WEBP":
        raise ValueError("this is no JPEG, PNG, WebP, GIF, BMP or TIFF")
    kind, size, exif = data[12:16], (0, 0), b""
    if kind == b"VP8X":
        size = 1 + _number(data, 24, 3, "little"), 1 + _number(data, 27, 3, "little")
        exif = _chunk(data, b"EXIF")
    elif kind == b"VP8L":
        bits = _number(data, 21, 4, "little")
        size = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    elif kind == b"VP8 ":
        size = _number(data, 26, 2, "little") & 0x3FFF, _number(data, 28, 2, "little") & 0x3FFF
    return Header("WebP", *size, exif.removeprefix(EXIF)) if all(size) else None


def _chunk(riff: bytes, name: bytes) -> bytes:
    at, seen = 12, 0
    while at + 8 <= len(riff) and seen < MOST_SEGMENTS:
        size = _number(riff, at + 4, 4, "little")
        if riff[at : at + 4] == name:
            return riff[at + 8 : at + 8 + size]
        at, seen = at + 8 + size + size % 2, seen + 1
    return b""


def _gif(data: bytes) -> Header:
    return Header("GIF", _number(data, 6, 2, "little"), _number(data, 8, 2, "little"))


def _bmp(data: bytes) -> Header:
    size = 2 if _number(data, 14, 4, "little") == 12 else 4
    width, height = _number(data, 18, size, "little"), _number(data, 18 + size, size, "little")
    return Header("BMP", width, 2**32 - height if height >= 2**31 else height)  # negative: from the top down


def _tiff(data: bytes) -> Header:
    tags = entries(data)
    width, height = (integer(data, tags.get(tag)) for tag in (TIFF_WIDTH, TIFF_HEIGHT))
    return Header("TIFF", width, height, data)


READERS: tuple[tuple[bytes, Callable[[bytes], Header | None]], ...] = (
    (b"\xff\xd8\xff", _jpeg),
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"RIFF", _webp),
    (b"GIF8", _gif),
    (b"BM", _bmp),
    (b"II*\0", _tiff),
    (b"MM\0*", _tiff),
)
