"""The load test while it runs: a table in a terminal, a line now and then elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table

from producers.load.report import milliseconds
from producers.load.trial import Now

LINE_EVERY = 5.0


class Screen:
    """Shows what is going on. ``title`` names the profile, ``seconds`` is its length."""

    def __init__(self, console: Console) -> None:
        self.console, self.shown = console, 0.0
        self.live: Live | None = None
        self.title, self.seconds = "", 0.0

    @contextmanager
    def run(self, title: str, seconds: float) -> Iterator[None]:
        """For one run."""
        self.title, self.seconds, self.shown = title, seconds, 0.0
        if not self.console.is_terminal:
            yield
            return
        with Live(console=self.console, transient=True) as self.live:
            yield
        self.live = None

    def show(self, now: Now) -> None:
        """The latest."""
        if self.live:
            self.live.update(self._table(now))
        elif time.monotonic() - self.shown >= LINE_EVERY:
            self.shown = time.monotonic()
            self.console.print("  ".join(f"{name} {value}" for name, value in self._facts(now)), soft_wrap=True)

    def _facts(self, now: Now) -> list[tuple[str, str]]:
        recent: dict[str, Any] = now.heard.recent if now.heard else {}
        return [
            ("draining" if now.draining else "at", f"{now.sample.at:.0f} of {self.seconds:.0f} s"),
            ("sending", f"{now.offered_a_second:,.0f}/s"),
            ("sent", f"{now.sent.offered:,}"),
            ("late", f"{now.sent.late:,}"),
            ("readable", f"{now.heard.received if now.heard else 0:,}"),
            *((name, milliseconds(recent.get(name))) for name in ("p50", "p99")),
            *((f"lag {stage}", f"{standing.lag:,}") for stage, standing in now.sample.stages.items()),
        ]

    def _table(self, now: Now) -> RenderableType:
        table = Table(title=self.title, title_justify="left", box=None, show_header=False)
        table.add_column()
        table.add_column(justify="right")
        for name, value in self._facts(now):
            table.add_row(name, value)
        return table
