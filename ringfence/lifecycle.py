"""How a program ends: the first Ctrl-C or SIGTERM drains, the second kills."""

import os
import signal
import sys
from threading import Event
from types import FrameType

KILLED = 130


def stop_event() -> Event:
    """An event that the first SIGINT or SIGTERM sets. The second ends the process at once."""
    stop = Event()

    def on_signal(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature is Python's
        if stop.is_set():
            os._exit(KILLED)
        stop.set()
        if sys.stderr.isatty():
            print("\nDraining. Once more to stop at once.", file=sys.stderr)

    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)
    return stop
