"""Tables and prose for whoever reads them: nothing is ever cut off."""

import sys

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

WIDE = 160  # characters, where there is no terminal to say


def console() -> Console:
    """Standard output, as wide as the terminal; wide if it is a file or a pipe."""
    return Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)


def table(*head: str) -> Table:
    """A table whose first column stays whole, and whose others fold."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    for number, name in enumerate(head):
        made.add_column(name, overflow="fold", no_wrap=number == 0)
    return made
