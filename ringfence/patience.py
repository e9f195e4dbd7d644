"""A deadline for calls that have none of their own."""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from ringfence.errors import NoAnswerError


def within(seconds: float, call: Callable[..., Any], *given: Any) -> None:
    """Makes the call, and raises what it raises; NoAnswerError if it has not come back in time.

    It then goes on in a thread of its own, which ends with the process: whoever gets the error must not go on either.
    """
    ended: SimpleQueue[Exception | None] = SimpleQueue()

    def make() -> None:
        try:
            call(*given)
        except Exception as error:  # noqa: BLE001 - it is raised where the answer is waited for
            ended.put(error)
        else:
            ended.put(None)

    Thread(target=make, daemon=True).start()
    try:
        error = ended.get(timeout=seconds)
    except Empty:
        name = getattr(call, "__name__", "a call").replace("_", " ")
        raise NoAnswerError(
            f"no answer to {name!r} within {seconds:g} s: what was under way is given up when this part starts again"
        ) from None
    if error:
        raise error
