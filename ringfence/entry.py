"""How a command line of ours is run: an error of ours is one line and exit code 2, never a traceback."""

import faulthandler
import signal
import sys
from collections.abc import Callable
from typing import Any

import typer

from ringfence.errors import RingfenceError

USAGE = 2


def application(**options: Any) -> typer.Typer:
    """A typer application in the house style."""
    return typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, **options)


def run(app: typer.Typer) -> None:
    """Runs an application to its end and exits. SIGUSR1 prints what every thread is doing."""
    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1)
    try:
        app()
    except RingfenceError as error:
        print(f"ringfence: {error}", file=sys.stderr)
        sys.exit(USAGE)
    except ModuleNotFoundError as error:
        print(f"ringfence: this command needs the package {error.name}: install ringfence[local]", file=sys.stderr)
        sys.exit(USAGE)


def main(command: Callable[..., None]) -> None:
    """Runs one command as a program of its own, as ``python -m consumers.ocr`` does."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(command)
    run(app)
