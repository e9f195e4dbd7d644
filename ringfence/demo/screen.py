"""What the demo shows while it runs: one screen in a terminal, a line now and then elsewhere."""

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ringfence import clock
from ringfence.demo.scrape import Scrape

STAGES = ("ocr", "enforcement", "police", "oversight")


class View:
    """Turns scrapes into a picture. ``title`` names the regime and the load."""

    def __init__(self, title: str, seconds: float) -> None:
        self.title, self.seconds = title, seconds
        self.previous: Scrape | None = None
        self.rates: dict[str, float] = {}

    def update(self, now: Scrape) -> None:
        """Takes a new scrape and works out the rates since the one before."""
        if self.previous and now.at > self.previous.at:
            apart = now.at - self.previous.at
            before = self._counts(self.previous)
            self.rates = {k: max(0.0, v - before[k]) / apart for k, v in self._counts(now).items()}
        self.previous = now

    def _counts(self, scrape: Scrape) -> dict[str, float]:
        counts = {stage: scrape.total("ringfence_consumed_records_total", stage=stage) for stage in STAGES}
        counts["cameras"] = scrape.total("ringfence_sent_records_total")
        return counts

    def render(self, at: int, elapsed: float) -> RenderableType:
        """The screen. ``at`` is the pipeline's time in µs, ``elapsed`` seconds since the cameras opened."""
        if self.previous is None:
            return Text("starting …")
        scrape = self.previous
        head = Text.assemble(
            ("Ringfence ", "bold"), self.title, f"   {clock.text(at)[:19]} UTC   ",
            (f"{max(0.0, min(elapsed, self.seconds)):.0f} of {self.seconds:.0f} s", "bold"),
        )  # fmt: skip
        panels = [
            Panel(self._stages(scrape), title="stages"),
            Panel(_counted(scrape, "form", "ALLOW", "green"), title="disclosed, by form"),
            Panel(_counted(scrape, "reason", "DENY", "red"), title="denied, by reason"),
            Panel(self._latency(scrape), title="captured → readable by the police"),
        ]
        return Group(head, Columns(panels), _foot(scrape))

    def _stages(self, scrape: Scrape) -> Table:
        table = Table("stage", "a second", "in all", "lag", box=None, pad_edge=False)
        for column in table.columns[1:]:
            column.justify = "right"
        counts = self._counts(scrape)
        for stage in ("cameras", *STAGES):
            lag = scrape.total("ringfence_lag_records", stage=stage)
            shown = "" if stage == "cameras" else f"{lag:,.0f}"
            table.add_row(stage, f"{self.rates.get(stage, 0):,.0f}", f"{counts[stage]:,.0f}", shown)
        return table

    def _latency(self, scrape: Scrape) -> Table:
        table = Table(box=None, show_header=False, pad_edge=False)
        for name, q in (("half within", 0.5), ("99 % within", 0.99)):
            found = scrape.quantile(q, "ringfence_latency_seconds", stage="police")
            table.add_row(name, "-" if found is None else f"{found * 1000:,.0f} ms")
        suspended = scrape.total("ringfence_suspended")
        table.add_row("gate", Text("suspended", "bold red") if suspended else Text("open", "green"))
        return table

    def line(self, elapsed: float) -> str:
        """One line for a log."""
        if self.previous is None or elapsed < 0:
            return f"The cameras open in {max(0.0, -elapsed):.0f} s."
        scrape = self.previous
        allowed, denied = (scrape.total("ringfence_decisions_total", effect=e) for e in ("ALLOW", "DENY"))
        p99 = scrape.quantile(0.99, "ringfence_latency_seconds", stage="police")
        lag = scrape.total("ringfence_lag_records")
        return (
            f"{elapsed:5.0f} s  cameras {self.rates.get('cameras', 0):4.0f}/s  ocr {self.rates.get('ocr', 0):3.0f}/s  "
            f"gate {self.rates.get('enforcement', 0):4.0f}/s  allowed {allowed:,.0f}  denied {denied:,.0f}  "
            f"lag {lag:.0f}  p99 ≤ {'-' if p99 is None else f'{p99 * 1000:.0f} ms'}"
        )


def _counted(scrape: Scrape, label: str, effect: str, style: str) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    counts = scrape.by(label, "ringfence_decisions_total", effect=effect)
    for name, number in sorted(counts.items(), key=lambda item: -item[1]):
        table.add_row(name, Text(f"{number:,.0f}", style, justify="right"))
    return table if counts else _nothing()


def _nothing() -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row("none yet")
    return table


def _foot(scrape: Scrape) -> Text:
    late = scrape.total("ringfence_late_sends_total") + scrape.total("ringfence_unsent_records_total")
    dead = scrape.total("ringfence_dead_letters_total")
    breaks = scrape.total("ringfence_chain_breaks_total")
    return Text(f"late sends {late:.0f}   dead letters {dead:.0f}   breaks in the evidence {breaks:.0f}", "dim")


def summary_table(summary: dict[str, object], console: Console) -> None:
    """Prints the summary, one entry a line."""
    table = Table(show_header=False, box=None)
    for name, value in summary.items():
        if isinstance(value, dict):
            value = "  ".join(f"{k} {_plain(v)}" for k, v in value.items()) or "none"
        if name.endswith("_bytes") and isinstance(value, int):
            name, value = name.removesuffix("_bytes"), f"{value / 2**20:,.0f} MiB"
        table.add_row(name.replace("_", " "), _plain(value))
    console.print(table)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.3f}".rstrip("0").rstrip(".")
    return f"{value:,}" if isinstance(value, int) else str(value)
