"""When a picture was taken: by its EXIF, or by its name. Times without a zone are London's. Pure."""

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import PurePath

from producers.traffic import local
from ringfence.clock import SECOND
from ringfence.exif import taken
from ringfence.headers import header

# 2022-06-15T08-30-00 · 20220615_083000 · 2022-06-15 08.30.00.250Z · PXL_20220615_083000250 · …T08-30-00+0100
NAMED = re.compile(
    r"(?<!\d)((?:19|20)\d\d)[-_.]?(\d\d)[-_.]?(\d\d)[T _.-]{0,3}(\d\d)[-_.:h]?(\d\d)[-_.:m]?(\d\d)"
    r"(?:[._]?(\d{3,6}))?(?!\d)\s?(Z|\+\d\d[-_.:]?\d\d(?!\d))?"
)


class When(StrEnum):
    """Where the moment of capture comes from."""

    NOW = "now"
    EXIF = "exif"
    NAME = "name"
    FRAME = "frame"


def by_exif(data: bytes) -> int | None:
    """µs since 1970 UTC; None where the picture does not say."""
    try:
        moment = taken(header(data).exif)
    except ValueError:
        return None
    return None if moment is None else micros(moment)


def by_name(path: str) -> int | None:
    """µs since 1970 UTC, from a file name such as 2022-06-15T08-30-00.jpg; None where it does not say."""
    found = NAMED.search(PurePath(path).name)
    if found is None:
        return None
    *parts, fraction, zone = found.groups()
    try:
        moment = datetime.strptime("".join(parts) + (fraction or "").ljust(6, "0"), "%Y%m%d%H%M%S%f")
    except ValueError:
        return None
    return micros(moment if zone is None else moment.replace(tzinfo=UTC) - _offset(zone))


def micros(moment: datetime) -> int:
    """µs since 1970 UTC. Without a zone it is London's wall clock; of an hour that comes twice, the first."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
        summer = _exact(moment - timedelta(hours=1))
        return summer if local(summer) == moment.replace(tzinfo=None) else _exact(moment)
    return _exact(moment)


def _exact(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _offset(zone: str) -> timedelta:
    if zone == "Z":
        return timedelta()
    return timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))


def text(at: int) -> str:
    """ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(at // SECOND, UTC).isoformat()
