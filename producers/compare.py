"""``ringfence compare``: the same simulated day under several regimes, by the gate's own decisions, without Kafka."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ringfence import options, terminal
from ringfence.clock import SECOND
from ringfence.entry import main
from ringfence.errors import FileError, SettingError
from ringfence.policy.bundle import IN_FORCE
from ringfence.policy.bundle import load as load_bundle
from ringfence.settings import load as load_settings

UNACTIVATED = ":none"
DAY = "2022-06-15"
BASELINE = "limited-2015"
GATED = "inner-2022"  # of which it matters most whether its tranches are activated
JSON, PAGE = "report.json", "report.html"
LEAST = 0.0005  # of London: fewer vehicles say nothing
SHOWN = ("vehicles disclosed", "trips that can be followed", "overviews disclosed", "unicity at 4")


def compare(
    regimes: Annotated[
        str | None,
        typer.Option(
            help="Regimes to compare, with commas; inner-2022:none is inner-2022 with no tranche activated. [all]"
        ),
    ] = None,
    sample: Annotated[float, typer.Option(min=LEAST, max=1, help="Share of London's vehicles simulated.")] = 0.01,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Days, each from its own seed; under 5 no range.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="The first of these seeds.")] = 1,
    day: Annotated[str, typer.Option(help="The simulated day, midnight to midnight in London.")] = DAY,
    jobs: Annotated[int, typer.Option(min=0, help="Processes; 0 is one a core.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for the report and its pictures.")] = Path("out/compare"),
    baseline: Annotated[
        str | None, typer.Option(help="The regime that the others are held against. [limited-2015, or the first]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print report.json to standard output, no table.")] = False,
    policies: options.Policies = None,
) -> None:
    """Compare regimes: the same simulated day under each, what the police would get and what it shows of people."""
    folder = load_settings(policies=policies).policies
    chosen, begins = _chosen(folder, regimes), midnight(day)
    against = baseline or (BASELINE if BASELINE in chosen else chosen[0])
    if against not in chosen:
        raise SettingError(f"--baseline {against!r} is not among the regimes compared: {', '.join(chosen)}")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"--out {out} cannot be used: {error.strerror}") from None
    # numpy, shapely and matplotlib take a second or two to import; `ringfence --help` need not wait for them.
    from producers.study import Job, gather, maps_of, studies
    from ringfence.compare.page import page
    from ringfence.compare.report import report, to_json
    from ringfence.compare.views import draw

    todo = [Job(folder, chosen, sample, begins, seed + i) for i in range(seeds)]
    with _progress() as shown:
        task = shown.add_task(f"{seeds} days under {len(chosen)} regimes", total=seeds)
        done = []
        for figures in studies(todo, jobs or os.cpu_count() or 1):
            done.append(figures)
            shown.advance(task)
    found = report(*gather(todo, done, day), against)
    _clear(out)
    pictures = draw(found, *maps_of(todo[0]), out)
    (out / JSON).write_text(to_json(found), "utf-8")
    (out / PAGE).write_text(page(found, {title: file.read_bytes() for title, file in pictures.items()}), "utf-8")
    if as_json:
        sys.stdout.write(to_json(found))
    else:
        _say(found, out)


def midnight(day: str) -> int:
    """The first moment of a day in London, in µs since 1970. SettingError unless it is a date from 2002 on."""
    from producers.traffic import local

    try:
        moment = datetime.strptime(day, "%Y-%m-%d")
    except ValueError:
        raise SettingError(f"--day {day!r} is no date: write it as {DAY}") from None
    if not 2002 <= moment.year < 2100:
        raise SettingError(f"--day {day!r}: the simulated vehicles are those of 2002 to 2099")
    utc = round(moment.replace(tzinfo=UTC).timestamp() * SECOND)
    return utc - round((local(utc) - moment).total_seconds() * SECOND)


def _chosen(folder: Path, given: str | None) -> tuple[str, ...]:
    """The regimes in order of time, or as they are given."""
    bundle = load_bundle(folder)
    if given is None:
        in_time = sorted(bundle.regimes, key=lambda r: (r.starts, r.status != IN_FORCE, r.id))
        both = [[r.id + UNACTIVATED, r.id] if r.id == GATED else [r.id] for r in in_time]
        return tuple(name for names in both for name in names)
    names = tuple(dict.fromkeys(name.strip() for name in given.split(",")))
    for name in names:
        bundle.regime(name.removesuffix(UNACTIVATED))
    return names


def _progress() -> Progress:
    """On standard error, so that --json can be piped."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True))


def _clear(out: Path) -> None:
    """Takes away the pictures of an earlier run: of a regime that is no longer compared there shall be no map."""
    for file in out.glob("*.png"):
        file.unlink()


def _say(found: dict[str, Any], out: Path) -> None:
    from ringfence.compare.report import HEADLINES, said

    table = terminal.table("regime", *(HEADLINES[name] for name in SHOWN))
    for regime in found["regimes"]:
        table.add_row(regime["label"], *(said(regime["figures"][name]) for name in SHOWN))
    console = terminal.console()
    console.print(table)
    for line in (*found["assumptions"][:2], found["range"]):
        console.print(line, soft_wrap=True)
    for name in (PAGE, JSON, "comparison.png"):
        console.print(f"  {out / name}")


if __name__ == "__main__":
    main(compare)
