"""Pictures of a folder, as passages: one picture each, or with ``group`` those whose names differ in a last number."""

import re
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

import structlog
from msgspec import Struct

from producers.replay.picture import detail, loaded, opened, passage_of
from producers.replay.wanted import Replay
from producers.replay.when import When, by_exif, by_name
from ringfence.clock import SECOND
from ringfence.errors import FileError
from ringfence.headers import ENDINGS
from schemas.topics import User

NUMBERED = re.compile(r"_\d{1,3}$")  # VAN_1, VAN_2 … are one passage; 20220615_083000 has its time there


class Passing(Struct, frozen=True):
    """One passage to be sent: its JPEGs, the likeliest to be read first.

    ``position``: seconds from the first one, by the source's own clock. ``at``: when it was, µs, or None for now.
    """

    jpegs: tuple[bytes, ...]
    position: float = 0.0
    at: int | None = None


def pictures(source: Path) -> list[Path]:
    """The files of a folder that may be pictures, in order of their names, or the one. FileError if there is none."""
    if source.is_file():
        return [source]
    try:
        found = sorted(path for path in source.iterdir() if path.suffix.lower() in ENDINGS)
    except OSError as error:
        raise FileError(f"--replay {source} is no folder that can be read ({error.strerror})") from None
    if not found:
        raise FileError(f"--replay {source} holds no picture: {', '.join(sorted(ENDINGS))}")
    return found


def passings(wanted: Replay, over: Callable[[], bool]) -> Iterator[Passing | None]:
    """The passages of a folder in order of their times, or of their names; None for one that cannot be sent."""
    groups = _grouped(pictures(Path(wanted.source)), wanted.group)
    timed = _timed(groups, wanted)
    for at, paths in timed:
        if over():
            return
        jpegs = _shots(paths, wanted.shots)
        position = (at - (timed[0][0] or 0)) / SECOND if at is not None else 0.0
        yield Passing(jpegs, position, at) if jpegs else None


def _grouped(paths: list[Path], group: bool) -> list[list[Path]]:
    if not group:
        return [[path] for path in paths]
    return [list(paths) for _, paths in groupby(paths, lambda path: NUMBERED.sub("", path.stem))]


def _timed(groups: list[list[Path]], wanted: Replay) -> list[tuple[int | None, list[Path]]]:
    """Each group with its time, the earliest first; what has none is left out and said. FileError if none has one."""
    if wanted.when is When.NOW:
        return [(None, paths) for paths in groups]
    timed = []
    for paths in groups:
        at = min((at for path in paths if (at := _time(path, wanted.when)) is not None), default=None)
        if at is None:
            structlog.get_logger(stage=str(User.CAMERAS)).warning(
                f"left out: it has no time by --when {wanted.when}", file=paths[0].name
            )
        else:
            timed.append((at, paths))
    if not timed:
        raise FileError(f"no picture of --replay {wanted.source} has a time by --when {wanted.when}: try --when now")
    return sorted(timed)


def _time(path: Path, when: When) -> int | None:
    return by_name(path.name) if when is When.NAME else by_exif(loaded(path) or b"")


def _shots(paths: list[Path], most: int) -> tuple[bytes, ...]:
    found = [picture for path in paths if (picture := opened(path)) is not None]
    if len(found) > 1:
        found.sort(key=detail, reverse=True)
    return passage_of(found[:most])
