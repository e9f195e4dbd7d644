"""What the two networks of this stage have in common: a deadline, and the error for an answer that makes no sense."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

import onnxruntime

from ringfence.errors import RecordError

LONGEST = 30.0  # seconds that a network may take for its share of a batch


class NoSaneAnswerError(RecordError):
    """A network made no sense of this frame, though it does of others."""


@contextmanager
def deadline(seconds: float) -> Iterator[onnxruntime.RunOptions]:
    """Options for runs that end, all of them, when the time is over."""
    options = onnxruntime.RunOptions()
    timer = Timer(seconds, setattr, (options, "terminate", True))
    timer.daemon = True
    timer.start()
    try:
        yield options
    finally:
        timer.cancel()
