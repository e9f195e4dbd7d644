"""Waiting for what a running stage will have done."""

import time


def until(done, seconds=30.0):
    """Waits until ``done()`` is true and returns it; fails after ``seconds``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = done()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not done within {seconds} s: {done}")
