"""A container's health check: ``python -m ringfence.healthy METRIC [--within SECONDS]``.

Exit code 0 if that metric is above zero; with ``--within``, if it is a moment (seconds since 1970) no longer ago than
that. It asks the process itself, over /metrics. Nothing of ours is imported: it runs every few seconds.
"""

import os
import sys
import time
from collections.abc import Iterable
from urllib.request import urlopen

WITHIN = "--within"


def main() -> int:
    """Asks, and says what is wrong."""
    name, *rest = sys.argv[1:]
    within = float(rest[1]) if rest[:1] == [WITHIN] else None
    port = os.environ.get("RINGFENCE_METRICS_PORT", "9100")
    try:
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=3) as answer:
            lines = answer.read().decode().splitlines()
    except OSError as error:
        print(f"no metrics: {error}")
        return 1
    sound, words = judge(name, samples(name, lines), within, time.time())
    print(words)
    return 0 if sound else 1


def samples(name: str, lines: Iterable[str]) -> list[float]:
    """The values of a metric in what /metrics says."""
    return [float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name} ", f"{name}{{"))]


def judge(name: str, values: list[float], within: float | None, now: float) -> tuple[bool, str]:
    """Whether that is well, and in words why. ``now`` is in seconds since 1970."""
    if within is None:
        return sum(values) > 0, f"{name} {sum(values)}"
    latest = max(values, default=0.0)
    if not latest:
        return False, f"{name}: never yet"
    return now - latest <= within, f"{name}: {now - latest:.1f} s ago"


if __name__ == "__main__":
    sys.exit(main())
