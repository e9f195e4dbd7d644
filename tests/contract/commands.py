"""The command line as a user runs it: a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

RINGFENCE = str(Path(sys.executable).parent / "ringfence")


def clean_environment():
    """The environment without any setting of ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RINGFENCE_")}


def start(*arguments, **environment):
    """Starts ``ringfence …`` with RINGFENCE_ settings given as keywords."""
    settings = {f"RINGFENCE_{name.upper()}": str(value) for name, value in environment.items()}
    return subprocess.Popen(
        [RINGFENCE, *map(str, arguments)],
        env=clean_environment() | settings, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def run(*arguments, seconds=30, **environment):
    """Runs it to its end: (exit code, standard output, standard error)."""
    process = start(*arguments, **environment)
    try:
        out, error = process.communicate(timeout=seconds)
    finally:
        process.kill()
    return process.returncode, out, error
