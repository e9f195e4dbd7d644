"""The load test's own processes: the generator and the reader, apart from the one that watches."""

import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection as Pipe
from multiprocessing.synchronize import Event
from typing import Any, Self

from msgspec import Struct

from ringfence.demo.processes import ChildFailedError
from ringfence.errors import RingfenceError
from ringfence.lifecycle import die_with_parent

SPAWN = multiprocessing.get_context("spawn")
GRACE = 10.0
Work = Callable[[Any, Pipe, Event], None]


class Ready(Struct, frozen=True):
    """A worker is set up, and waits to be told when to begin."""


class Worker:
    """One function in a process of its own, and what it tells. It leaves the context only when it has ended."""

    def __init__(self, name: str, work: Work, task: Any) -> None:
        self.name, self.stop, self._over = name, SPAWN.Event(), False
        self._ours, theirs = SPAWN.Pipe(duplex=True)
        self._process = SPAWN.Process(target=_run, args=(work, task, theirs, self.stop), name=name, daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop.set()
        self._process.join(0 if exception[0] else GRACE)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def tell(self, message: Any) -> None:
        """Sends it a message."""
        self._ours.send(message)

    def told(self) -> list[Any]:
        """Everything that it has told since the last time. ChildFailedError if it failed."""
        found = []
        while not self._over and self._ours.poll():
            found.append(self._next())
        return [message for message in found if message is not OVER]

    def wait_for(self, kind: type[Any], seconds: float) -> Any:
        """The next message of that kind; those before it are passed over. ChildFailedError if none comes."""
        while not self._over and self._ours.poll(seconds):
            message = self._next()
            if isinstance(message, kind):
                return message
        raise ChildFailedError(f"the {self.name} did not answer within {seconds:.0f} s")

    def _next(self) -> Any:
        try:
            message = self._ours.recv()
        except EOFError:
            self._process.join(GRACE)
            if self._process.exitcode:
                raise ChildFailedError(f"the {self.name} ended with code {self._process.exitcode}") from None
            self._over = True
            return OVER
        if isinstance(message, Failure):
            raise ChildFailedError(f"the {self.name}: {message}")
        return message


OVER = object()  # a worker has said all that it had to say


class Failure(str):
    """Why a worker could not go on, in one line."""


def _run(work: Work, task: Any, pipe: Pipe, stop: Event) -> None:
    # Ctrl-C reaches the whole group: the process that watches says when to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    try:
        work(task, pipe, stop)
    except RingfenceError as error:
        pipe.send(Failure(error))
