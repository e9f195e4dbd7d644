"""How a program ends: the first Ctrl-C or SIGTERM drains, the second kills, and no child outlives it."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from threading import Event
from types import FrameType
from typing import NoReturn

KILLED = 130
PR_SET_PDEATHSIG = 1


def stop_event(on_kill: Callable[[], None] | None = None) -> Event:
    """An event that the first SIGINT or SIGTERM sets. The second calls ``on_kill`` and ends the process at once."""
    stop = Event()

    def on_signal(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature is Python's
        if stop.is_set():
            if on_kill:
                on_kill()
            os._exit(KILLED)
        stop.set()
        if sys.stderr.isatty():
            print("\nDraining. Once more to stop at once.", file=sys.stderr)

    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)
    return stop


def unwind_on_signal() -> None:
    """While there is nothing to drain yet: the first SIGINT or SIGTERM unwinds the program, the second ends it."""

    def on_signal(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature is Python's
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, lambda *_: os._exit(KILLED))
        leave()

    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)


def leave() -> NoReturn:
    """Ends a program that was stopped before it had anything to drain."""
    print("ringfence: stopped before it had begun", file=sys.stderr)
    raise SystemExit(KILLED)


def die_with_parent() -> None:
    """For ``preexec_fn``: on Linux the kernel ends this child when the thread that started it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
