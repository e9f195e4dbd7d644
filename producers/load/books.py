"""The books of a run: what was sent against what was decided, what was disclosed against what the reader received."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from msgspec import Struct

from schemas.records import DecisionBatch, Effect
from schemas.topics import READS

Tally = np.ndarray[tuple[int], np.dtype[np.uint8]]
NOT_SENT, SENT, UNSURE = 0, 1, 2
MOST = 255


class Books(Struct, frozen=True):
    """By the number of each event. ``frames``: what went as a frame; the OCR may find no plate in one."""

    sent: Tally
    frames: Tally
    decided: Tally
    allowed: Tally
    received: Tally


def new(events: int) -> Tally:
    """A tally of so many events, all at 0."""
    return np.zeros(events, np.uint8)


def count(tally: Tally, numbers: Iterable[int]) -> None:
    """Counts events by their numbers; those of another run are left out."""
    for number in numbers:
        if 0 <= number < len(tally) and tally[number] < MOST:
            tally[number] += 1


def enter(decided: Tally, allowed: Tally, base: int, batch: DecisionBatch) -> None:
    """Enters the decisions of one batch on reads. ``base`` is the sequence of the run's first event."""
    if batch.topic != READS.name:
        return
    effects = [outcome.effect is Effect.ALLOW for outcome in batch.outcomes]
    numbers = [sequence - base for sequence in batch.sequences]
    count(decided, numbers)
    count(allowed, (n for n, i in zip(numbers, batch.decisions, strict=True) if effects[i]))


def faults(books: Books, waiting: int) -> list[str]:
    """What does not add up, a line each. ``waiting``: reads that the gate has still to decide; lost are only others."""
    sure, text = books.sent == SENT, books.frames == 0
    undecided = int(np.sum(sure & text & (books.decided == 0)))
    found = {
        "sent and never decided": max(0, undecided - waiting),
        "decided more than once": int(np.sum(books.decided > 1)),
        "decided and never sent": int(np.sum((books.sent == NOT_SENT) & (books.decided > 0))),
        "disclosed and not received": int(np.sum((books.allowed > 0) & (books.received == 0))),
        # While the gate still decides, the reader may be ahead of the evidence.
        "received without a decision to disclose": (
            0 if waiting else int(np.sum((books.received > 0) & (books.allowed == 0)))
        ),
        "received more than once": int(np.sum(books.received > 1)),
    }
    return [f"{name}: {number:,}" for name, number in found.items() if number]


def summary(books: Books) -> dict[str, Any]:
    """The sums, as JSON takes them."""
    frames = books.frames > 0
    return {
        "sent": int(np.sum(books.sent == SENT)),
        "unsure": int(np.sum(books.sent == UNSURE)),
        "frames": int(np.sum(frames & (books.sent == SENT))),
        "frames_without_a_read": int(np.sum(frames & (books.sent == SENT) & (books.decided == 0))),
        "decided": int(np.sum(books.decided > 0)),
        "disclosed": int(np.sum(books.allowed > 0)),
        "received": int(np.sum(books.received > 0)),
    }
