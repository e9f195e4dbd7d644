"""One frame, opened: the pictures of a passage. A shot that is no picture does not spoil the others."""

from msgspec import Struct

from consumers.ocr.pictures import MOST_FRAME_PIXELS, MOST_SHOTS, FrameUnreadableError, Picture, decode, overview
from schemas.records import Frame


class Passage(Struct, frozen=True):
    """A frame, and of each of its shots that is a picture: the JPEG without metadata, and the picture, gray."""

    frame: Frame
    key: bytes | None
    partition: int
    overviews: list[bytes]
    pictures: list[Picture]


def opened(frame: Frame, key: bytes | None, partition: int) -> Passage:
    """The passage of a frame. FrameUnreadableError if none of its pictures can be decoded, or there are too many."""
    if len(frame.shots) > MOST_SHOTS:
        raise FrameUnreadableError(f"{len(frame.shots)} shots of one passage; at most {MOST_SHOTS} are read")
    passage, pixels, errors = Passage(frame, key, partition, [], []), 0, []
    for jpeg in (frame.jpeg, *frame.shots):
        try:
            picture, clean = decode(jpeg), overview(jpeg)
        except FrameUnreadableError as error:
            errors.append(error)
            continue
        pixels += picture.size
        if pixels > MOST_FRAME_PIXELS and passage.pictures:
            break  # what was decoded so far is enough
        passage.pictures.append(picture)
        passage.overviews.append(clean)
    if not passage.pictures:
        raise errors[0]
    return passage
