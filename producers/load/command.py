"""``ringfence load``: how much the pipeline takes, measured without waiting for it."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Annotated, Any

import typer
from msgspec import Struct
from rich.console import Console

from producers.load.profiles import BURST, PEAK_OF_LONDON, Name
from ringfence import options, terminal
from ringfence.entry import main
from ringfence.errors import BooksError, FileError, SettingError
from ringfence.lifecycle import stop_event, unwind_on_signal
from ringfence.run import write_json
from ringfence.settings import load as load_settings

OPENING = "2022-06-15T08:00:00+01:00"  # the moment at which a pipeline of our own begins, as in the demo
RATE, SECONDS = 2_000.0, {Name.SOAK: 3_600.0, Name.FIND: 15.0}
LONGEST = 86_400
REPORT, CHART = "report.json", "load.png"
NOT_HELD = 1
WARM_RATE = 2_000.0


class Wanted(Struct, frozen=True):
    """What was asked for. ``rate`` in events a second, ``seconds`` of one run, ``limit`` in s."""

    profile: Name
    rate: float
    seconds: float
    warm_up: float
    frames: float
    limit: float
    seed: int
    regime: str | None
    bootstrap: str | None
    out: Path

    @property
    def title(self) -> str:
        """One line for the head of screen and chart."""
        times = f", bursts of {BURST} times that" if self.profile is Name.BURST else ""
        return f"{self.profile}: {self.rate:,.0f} a second{times}, {self.seconds:,.0f} s"


def load(
    profile: Annotated[Name, typer.Option(help="How the rate goes over time.")] = Name.CONSTANT,
    rate: Annotated[float | None, typer.Option(min=0.1, max=1e6, help="Events a second. [2000]")] = None,
    londons: Annotated[
        float | None,
        typer.Option(min=0.001, help="The rate in Londons, 457 a second each, instead."),
    ] = None,
    duration: Annotated[
        float | None, typer.Option(min=1, max=LONGEST, help="Seconds. [60; soak 3600; find 15 a trial]")
    ] = None,
    warm_up: Annotated[float, typer.Option(min=0, help="Seconds of a run beforehand that is not measured.")] = 5,
    frames: Annotated[float, typer.Option(min=0, max=1, help="Share that goes as JPEG frames through the OCR.")] = 0,
    limit: Annotated[float, typer.Option(min=1, help="The most that p99 may be, in ms.")] = 250,
    seed: Annotated[int, typer.Option(min=0, help="One seed, one set of reads.")] = 1,
    out: Annotated[Path, typer.Option(help="Folder for the report, the chart and the logs.")] = Path("out/load"),
    bootstrap: Annotated[
        str | None,
        typer.Option(help="Load what runs at this broker, host:port; else a Kafka and stages of its own are started."),
    ] = None,
    regime: options.Regime = None,
    home: options.Home = None,
    clock_offset: options.ClockOffset = None,
) -> None:
    """Load the pipeline on an open loop, and say whether it held, how long reads took, and what fell behind first."""
    if londons and rate:
        raise SettingError("give --londons or --rate, not both")
    chosen = rate or (londons * PEAK_OF_LONDON if londons else RATE)
    wanted = Wanted(
        profile, chosen, duration or SECONDS.get(profile, 60.0), warm_up,
        frames, limit / 1_000, seed, regime, bootstrap, out,
    )  # fmt: skip
    given = {"home": home, "regime": regime, "bootstrap": bootstrap, "clock_offset": clock_offset}
    console = terminal.console()
    report = measure(wanted, given, console)
    _leave(wanted, report, console)
    if report["faults"]:
        raise BooksError("the books do not balance: " + "; ".join(report["faults"]))
    if not (report["held"] or profile is Name.FIND):
        raise typer.Exit(NOT_HELD)


def measure(wanted: Wanted, given: Mapping[str, Any], console: Console) -> dict[str, Any]:
    """Runs it on a site of our own or on another, and returns the report."""
    # numpy, OpenCV and matplotlib take a second to import; `ringfence --help` need not wait for them.
    from producers.load.events import moulds
    from producers.load.places import elsewhere, groups_of, nothing_disclosed, own
    from producers.load.report import host
    from producers.load.trial import Stand
    from ringfence.estate import load as load_estate

    settings, framed = load_settings(**given), wanted.frames > 0
    opening = options.moment("opening", OPENING)
    _clear(wanted.out)
    unwind_on_signal()
    with ExitStack() as stack:
        made = moulds(load_estate(settings.policies / "estate"), wanted.seed, opening, framed)
        if wanted.bootstrap:
            site = stack.enter_context(elsewhere(settings, framed))
        else:
            site = stack.enter_context(own(settings.of_own_broker(), opening, framed, wanted.out, console))
        groups = stack.enter_context(groups_of(site, framed))
        stop = stop_event(on_kill=site.kill)
        stand = Stand(site.settings, site.clock, groups, site.check, *made, wanted.frames, wanted.limit)
        warmed = _warm_up(wanted, stand, console, stop)
        found = (
            _search(wanted, stand, console, stop) if wanted.profile is Name.FIND else _one(wanted, stand, console, stop)
        )
        if not found["books"]["disclosed"]:
            console.print(f"[yellow]{nothing_disclosed(site)}[/yellow]", soft_wrap=True)
        found["faults"] = warmed + found["faults"]
        return {"profile": wanted.profile, "parameters": _parameters(wanted), "host": host(site.kafka), **found}


def _warm_up(wanted: Wanted, stand: Any, console: Console, stop: Event) -> list[str]:
    """A run of the same rate that is not measured: the first transactions of a fresh broker take long. Its faults."""
    from producers.load.profiles import profile
    from producers.load.screen import Screen
    from producers.load.trial import run

    if not wanted.warm_up:
        return []
    screen, shape = Screen(console), profile(Name.CONSTANT, min(wanted.rate, WARM_RATE), wanted.warm_up)
    with screen.run("warming up", wanted.warm_up):
        faults: list[str] = run(stand, shape, screen.show, stop).faults
    return faults


def _one(wanted: Wanted, stand: Any, console: Console, stop: Event) -> dict[str, Any]:
    from producers.load.profiles import profile
    from producers.load.report import of_run
    from producers.load.screen import Screen
    from producers.load.trial import run

    screen = Screen(console)
    with screen.run(wanted.title, wanted.seconds):
        outcome = run(stand, profile(wanted.profile, wanted.rate, wanted.seconds), screen.show, stop)
    return of_run(outcome) | {"stopped_early": stop.is_set()}


def _search(wanted: Wanted, stand: Any, console: Console, stop: Event) -> dict[str, Any]:
    """The largest rate that holds, by trials of a constant rate each."""
    from producers.load.find import Trial, next_rate
    from producers.load.profiles import profile
    from producers.load.report import milliseconds, of_search
    from producers.load.screen import Screen
    from producers.load.trial import run

    screen = Screen(console)
    tried: list[tuple[float, Any]] = []
    while not stop.is_set() and (rate := next_rate(wanted.rate, [Trial(r, outcome.passed) for r, outcome in tried])):
        with screen.run(f"find: trying {rate:,.0f} a second", wanted.seconds):
            outcome = run(stand, profile(Name.CONSTANT, rate, wanted.seconds), screen.show, stop, until_broken=True)
        if stop.is_set() and tried:
            break  # cut short, it says nothing
        tried.append((rate, outcome))
        verdict = outcome.verdict.why if not outcome.verdict.held else "held" if outcome.passed else "too slow"
        console.print(f"{rate:,.0f} a second: {verdict}, p99 {milliseconds(outcome.latency['p99'])}", soft_wrap=True)
        if outcome.faults:
            break
    return of_search(tried) | {"stopped_early": stop.is_set()}


def _parameters(wanted: Wanted) -> dict[str, Any]:
    return {
        "rate": wanted.rate, "seconds": wanted.seconds, "warm_up_seconds": wanted.warm_up,
        "frames_share": wanted.frames, "seed": wanted.seed,
        "limit_seconds": wanted.limit, "regime": wanted.regime or "by date",
        "bootstrap": wanted.bootstrap or "embedded",
    }  # fmt: skip


def _clear(out: Path) -> None:
    """Makes the folder, without the report of an earlier run: it shall not pass for this one's."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in (REPORT, CHART):
            (out / name).unlink(missing_ok=True)
    except OSError as error:
        raise FileError(f"--out {out} cannot be used: {error.strerror}") from None


def _leave(wanted: Wanted, report: Mapping[str, Any], console: Console) -> None:
    """Writes report and chart, prints the table and the verdict."""
    from producers.load.chart import draw
    from producers.load.report import rows

    write_json(wanted.out / REPORT, report)
    draw(report, _headline(wanted, report), wanted.limit, wanted.out / CHART)
    table = terminal.table(wanted.title, "")
    for name, value in rows(report, wanted.limit):
        table.add_row(name, value)
    console.print(table)
    colour = "green" if report["held"] else "red"
    console.print(f"[{colour}]{_headline(wanted, report)}[/{colour}]", soft_wrap=True)
    for name in (REPORT, CHART):
        console.print(f"  {wanted.out / name}")


def _headline(wanted: Wanted, report: Mapping[str, Any]) -> str:
    from producers.load.report import milliseconds

    if wanted.profile is Name.FIND:
        largest, limit = report["largest_rate"], f"p99 ≤ {wanted.limit * 1000:,.0f} ms"
        return f"Holds {largest:,.0f} a second with {limit}" if largest else f"No rate was found that holds {limit}"
    early = " (stopped early)" if report["stopped_early"] else ""
    held, p99 = "Held" if report["held"] else "Not held", milliseconds(report["latency_seconds"]["p99"])
    return f"{held}: {report['verdict']['why']}; p99 {p99}{early}"


if __name__ == "__main__":
    main(load)
