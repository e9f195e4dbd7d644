"""What is to be sent, checked before anything is opened."""

from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from producers.replay.address import local_stream
from producers.replay.when import When
from ringfence.errors import FileError, SettingError
from ringfence.headers import ENDINGS


class Replay(Struct, frozen=True):
    """What is to be sent, as which camera's frames, and how.

    ``source``: a folder, a picture, a video or the URL of a stream. ``rate``: passages a second; None is the pace of
    the source itself. ``when``: where the moment of capture comes from; ``start``: that of a video's first frame, in
    µs. ``group``: pictures NAME_1, NAME_2 … are one passage. ``shots``: most pictures of one passage.
    """

    source: str
    camera: int
    rate: float | None = None
    loop: bool = False
    when: When = When.NOW
    group: bool = False
    shots: int = 3
    start: int | None = None

    @property
    def stills(self) -> bool:
        """Whether these are pictures, and not a video."""
        return not self.streamed and (Path(self.source).is_dir() or Path(self.source).suffix.lower() in ENDINGS)

    @property
    def streamed(self) -> bool:
        """Whether this is a stream."""
        return "://" in self.source


def checked(wanted: Replay) -> Replay:
    """The same, with its pace decided. SettingError for what does not go together, FileError for what is not there."""
    if wanted.streamed:
        local_stream(wanted.source)
    elif not wanted.source or not Path(wanted.source).exists():
        raise FileError(f"--replay {wanted.source} is not there: give a folder, a picture, a video or a stream's URL")
    for wrong, why in _clashes(wanted):
        if wrong:
            raise SettingError(why)
    if wanted.rate is None and wanted.stills and wanted.when is When.NOW:
        return replace(wanted, rate=1.0)
    return wanted


def _clashes(wanted: Replay) -> list[tuple[bool, str]]:
    when, stills = wanted.when, wanted.stills
    return [
        (when is When.FRAME and stills, "--when frame is for a video: pictures have no frame clock"),
        (when is When.EXIF and not stills, "--when exif is for pictures: a video says it by --when name or frame"),
        (wanted.group and not stills, "--group is for pictures: what moves groups the frames of a video"),
        (
            wanted.start is not None and (when is not When.FRAME or stills),
            "--start with --replay is the moment of a video's first frame: add --when frame",
        ),
        (
            wanted.loop and (when in (When.EXIF, When.NAME) or wanted.start is not None),
            "--loop would send the same moments again: leave it out, or use --when now",
        ),
    ]
