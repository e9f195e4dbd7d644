"""The few things of a picture's EXIF that matter here: which way up it is, and when it was taken. Pure.

Source: CIPA DC-008 (Exif 2.32). What is damaged counts as not there.
"""

from datetime import datetime

from ringfence.headers import entries, integer

ORIENTATION, SUB = 0x0112, 0x8769  # SUB: where the directory of the photograph lies
TAKEN, OFFSET, FRACTION = 0x9003, 0x9011, 0x9291  # DateTimeOriginal, OffsetTimeOriginal, SubSecTimeOriginal
ANY_OFFSET = 0x9010  # OffsetTime
UPRIGHT = 1


def orientation(exif: bytes) -> int:
    """1 to 8, as EXIF counts them; 1 is upright, and so is what does not say."""
    try:
        found = integer(exif, entries(exif).get(ORIENTATION))
    except IndexError:
        return UPRIGHT
    return found if 1 <= found <= 8 else UPRIGHT


def taken(exif: bytes) -> datetime | None:
    """When it was taken; without a zone where it names none. None where it does not say."""
    try:
        tags = entries(exif, integer(exif, entries(exif)[SUB]))
    except (IndexError, KeyError):
        return None
    day = _text(exif, tags.get(TAKEN))
    fraction = _text(exif, tags.get(FRACTION)).ljust(6, "0")[:6]
    zone = _text(exif, tags.get(OFFSET)) or _text(exif, tags.get(ANY_OFFSET))
    try:
        moment = datetime.strptime(day, "%Y:%m:%d %H:%M:%S")
        moment = moment.replace(microsecond=int(fraction) if fraction.isdecimal() else 0)
        return datetime.fromisoformat(f"{moment.isoformat()}{zone}")
    except ValueError:
        return None


def _text(exif: bytes, entry: tuple[int, int, bytes] | None) -> str:
    if entry is None:
        return ""
    _, count, value = entry
    if count > 4:
        at = integer(exif, (4, 1, value))
        value = exif[at : at + min(count, 64)]
    return value[:count].split(b"\0")[0].decode("ascii", "replace").strip()
