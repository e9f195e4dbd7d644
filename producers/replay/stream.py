"""Opens a video, from a file or a stream, with OpenCV's FFmpeg and nothing else of OpenCV's."""

from pathlib import Path

import cv2

from producers.replay.address import shown
from producers.replay.wanted import Replay
from ringfence.errors import FileError

PATIENCE_MS = 10_000  # until a stream opens, and between two of its frames
MOST_PIXELS = 40_000_000  # of one frame


def opened(wanted: Replay) -> cv2.VideoCapture:
    """The video, ready to be read. FileError if it cannot be opened."""
    name = shown(wanted.source)
    where = wanted.source if wanted.streamed else str(Path(wanted.source).resolve())
    patience = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, PATIENCE_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, PATIENCE_MS]
    video = cv2.VideoCapture(where, cv2.CAP_FFMPEG, patience)
    if not video.isOpened():
        video.release()
        kind = "does not answer with a video" if wanted.streamed else "is no video, and no picture, that can be read"
        raise FileError(f"--replay {name} {kind}")
    width, height = (int(video.get(side)) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    if not 0 < width * height <= MOST_PIXELS:
        video.release()
        raise FileError(f"--replay {name} has frames of {width} by {height} pixels: at most 40 million are read")
    return video
