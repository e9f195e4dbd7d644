"""The search for the largest rate that holds: double until it breaks, then halve the gap. Pure."""

from collections.abc import Sequence

from msgspec import Struct

PRECISION = 1.1  # the search ends when what broke is at most this many times what held
MOST, LEAST = 1_000_000.0, 1.0  # events a second
TRIES = 2  # a rate has broken once it broke twice: machines hiccup


class Trial(Struct, frozen=True):
    """One constant run and whether it held, p99 within the limit included."""

    rate: float
    held: bool


def best(trials: Sequence[Trial]) -> float | None:
    """The largest rate that held below all that broke; None if none did."""
    limit = _broken(trials)
    return max((t.rate for t in trials if t.held and (limit is None or t.rate < limit)), default=None)


def next_rate(first: float, trials: Sequence[Trial]) -> float | None:
    """The next rate to try; None when the search is over."""
    if not trials:
        return first
    last = trials[-1]
    if not last.held and sum(t.rate == last.rate for t in trials) < TRIES:
        return last.rate
    held, broken = best(trials), _broken(trials)
    if broken is None:
        return last.rate * 2 if last.rate * 2 <= MOST else None
    if held is None:
        return broken / 2 if broken / 2 >= LEAST else None
    return None if broken / held <= PRECISION else (held + broken) / 2


def _broken(trials: Sequence[Trial]) -> float | None:
    """The lowest rate that broke as often as it was tried, and often enough."""
    held = {t.rate for t in trials if t.held}
    rates = [t.rate for t in trials if not t.held and t.rate not in held]
    return min((rate for rate in rates if rates.count(rate) >= TRIES), default=None)
