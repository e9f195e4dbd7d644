"""A load test from beginning to end: the place, the warm-up, the run or the search, and what is left behind."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Any

from msgspec import Struct
from rich.console import Console

from producers.load import chart
from producers.load.events import moulds
from producers.load.find import Trial, next_rate
from producers.load.places import elsewhere, groups_of, nothing_disclosed, own
from producers.load.profiles import BURST, Name, profile
from producers.load.report import host, milliseconds, of_run, of_search, rows
from producers.load.screen import Screen
from producers.load.trial import Outcome, Stand, run
from ringfence import options, terminal
from ringfence.errors import FileError
from ringfence.estate import load as load_estate
from ringfence.lifecycle import leave, stop_event, unwind_on_signal
from ringfence.run import write_json
from ringfence.settings import Settings

OPENING = "2022-06-15T08:00:00+01:00"  # the moment at which a pipeline of our own begins, as in the demo
WARM_RATE = 2_000.0
REPORT, CHART = "report.json", "load.png"
Tried = list[tuple[float, Outcome]]


class Wanted(Struct, frozen=True):
    """What was asked for. ``rate`` in events a second, ``seconds`` of one run, ``frames`` a share, ``limit`` in s."""

    profile: Name
    rate: float
    seconds: float
    warm_up: float
    frames: float
    limit: float
    seed: int
    regime: str
    bootstrap: str | None
    out: Path

    @property
    def title(self) -> str:
        """One line for the head of the screen and of the table."""
        if self.profile is Name.FIND:
            return f"find: trials of {self.seconds:,.0f} s, from {self.rate:,.0f} a second on"
        times = f", bursts of {BURST} times that" if self.profile is Name.BURST else ""
        return f"{self.profile}: {self.rate:,.0f} a second{times}, {self.seconds:,.0f} s"


def carry_out(wanted: Wanted, settings: Settings, console: Console) -> dict[str, Any]:
    """Runs it on a place of our own or on another, leaves report and chart, and returns the report."""
    _clear(wanted.out)
    unwind_on_signal()
    with ExitStack() as stack:
        opening = options.moment("opening", OPENING)
        framed = wanted.frames > 0
        reads, frames = moulds(load_estate(settings.policies / "estate"), wanted.seed, opening, framed)
        if wanted.bootstrap:
            site = stack.enter_context(elsewhere(settings, framed))
        else:
            site = stack.enter_context(own(settings.of_own_broker(), opening, framed, wanted.out, console))
        groups = stack.enter_context(groups_of(site, framed))
        stop = stop_event(on_kill=site.kill)
        stand = Stand(site.settings, site.clock, groups, site.check, reads, frames, wanted.frames, wanted.limit)
        found = _measure(wanted, stand, Screen(console), stop)
        if not found["books"]["disclosed"]:
            console.print(f"[yellow]{nothing_disclosed(site)}[/yellow]", soft_wrap=True)
        report = {"profile": wanted.profile, "parameters": _parameters(wanted), "host": host(site.kafka), **found}
    _leave(wanted, report, console)
    return report


def _measure(wanted: Wanted, stand: Stand, screen: Screen, stop: Event) -> dict[str, Any]:
    warmed = _warm_up(wanted, stand, screen, stop)
    found = (_search if wanted.profile is Name.FIND else _one)(wanted, stand, screen, stop)
    return found | {"faults": warmed + found["faults"], "stopped_early": stop.is_set()}


def _warm_up(wanted: Wanted, stand: Stand, screen: Screen, stop: Event) -> list[str]:
    """A run that is not measured: the first transactions of a fresh broker take long. Its faults are faults, too."""
    if not wanted.warm_up:
        return []
    shape = profile(Name.CONSTANT, min(wanted.rate, WARM_RATE), wanted.warm_up)
    with screen.run("warming up", wanted.warm_up):
        faults = run(stand, shape, screen.show, stop).faults
    if stop.is_set():
        leave()
    return faults


def _one(wanted: Wanted, stand: Stand, screen: Screen, stop: Event) -> dict[str, Any]:
    with screen.run(wanted.title, wanted.seconds):
        return of_run(run(stand, profile(wanted.profile, wanted.rate, wanted.seconds), screen.show, stop))


def _search(wanted: Wanted, stand: Stand, screen: Screen, stop: Event) -> dict[str, Any]:
    """The largest rate that holds, by trials of a constant rate each; one that was cut short says nothing."""
    tried: Tried = []
    while rate := _next(wanted.rate, tried):
        with screen.run(f"find: trying {rate:,.0f} a second", wanted.seconds):
            outcome = run(stand, profile(Name.CONSTANT, rate, wanted.seconds), screen.show, stop, until_broken=True)
        if stop.is_set() and tried:
            break
        tried.append((rate, outcome))
        screen.console.print(f"{rate:,.0f} a second: {_in_words(outcome)}", soft_wrap=True)
        if stop.is_set():
            break
    return of_search(tried)


def _next(first: float, tried: Sequence[tuple[float, Outcome]]) -> float | None:
    """The next rate; None at the end, and where a trial cannot say anything: faults, or nothing that was disclosed."""
    if tried and (tried[-1][1].faults or (tried[-1][1].verdict.held and tried[-1][1].within is None)):
        return None
    return next_rate(first, [Trial(rate, outcome.passed) for rate, outcome in tried])


def _in_words(outcome: Outcome) -> str:
    if not outcome.verdict.held:
        why = outcome.verdict.why
    elif outcome.within is None:
        why = "nothing was disclosed"
    else:
        why = "held" if outcome.within else "too slow"
    return f"{why}, p99 {milliseconds(outcome.latency['p99'])}"


def _parameters(wanted: Wanted) -> dict[str, Any]:
    return {
        "rate": wanted.rate, "seconds": wanted.seconds, "warm_up_seconds": wanted.warm_up,
        "frames_share": wanted.frames, "seed": wanted.seed, "limit_seconds": wanted.limit,
        "regime": wanted.regime, "bootstrap": wanted.bootstrap or "embedded",
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
    headline = _headline(wanted, report)
    write_json(wanted.out / REPORT, report)
    chart.draw(report, f"{wanted.title}\n{headline}", wanted.limit, wanted.out / CHART)
    table = terminal.table(wanted.title, "")
    for name, value in rows(report, wanted.limit):
        table.add_row(name, value)
    console.print(table)
    colour = "green" if report["held"] else "red"
    console.print(f"[{colour}]{headline}[/{colour}]", soft_wrap=True)
    for name in (REPORT, CHART):
        console.print(f"  {wanted.out / name}")


def _headline(wanted: Wanted, report: Mapping[str, Any]) -> str:
    if wanted.profile is Name.FIND:
        largest, limit = report["largest_rate"], f"p99 ≤ {wanted.limit * 1000:,.0f} ms"
        return f"Holds {largest:,.0f} a second with {limit}" if largest else f"No rate was found that holds {limit}"
    early = " (stopped early)" if report["stopped_early"] else ""
    held, p99 = "Held" if report["held"] else "Not held", milliseconds(report["latency_seconds"]["p99"])
    return f"{held}: {report['verdict']['why']}; p99 {p99}{early}"
