"""``ringfence load``: how much the pipeline takes, measured without waiting for it."""

from pathlib import Path
from typing import Annotated

import typer

from producers.load.profiles import PEAK_OF_LONDON, Name
from ringfence import options, terminal
from ringfence.entry import main
from ringfence.errors import BooksError, SettingError
from ringfence.settings import load as load_settings

RATE, SECONDS, SECONDS_OF = 2_000.0, 60.0, {Name.SOAK: 3_600.0, Name.FIND: 15.0}
LONGEST = 14_400  # seconds; the reader keeps 20 kB for each
NOT_HELD = 1


def load(
    profile: Annotated[Name, typer.Option(help="How the rate goes over time.")] = Name.CONSTANT,
    rate: Annotated[float | None, typer.Option(min=0.1, max=1e6, help="Events a second. [2000]")] = None,
    londons: Annotated[
        float | None, typer.Option(min=0.001, help="The rate in Londons, 457 a second each, instead.")
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
    if bootstrap and regime:
        raise SettingError("--regime is for a pipeline of its own: that at --bootstrap has the regime of its stages")
    settings = load_settings(home=home, regime=regime, bootstrap=bootstrap, clock_offset=clock_offset)
    # numpy, OpenCV and matplotlib take a second to import; `ringfence --help` need not wait for them.
    from producers.load.session import Wanted, carry_out

    wanted = Wanted(
        profile=profile,
        rate=rate or (londons * PEAK_OF_LONDON if londons else RATE),
        seconds=duration or SECONDS_OF.get(profile, SECONDS),
        warm_up=warm_up,
        frames=frames,
        limit=limit / 1_000,
        seed=seed,
        regime="that of the stages" if bootstrap else settings.regime or "by date",
        bootstrap=bootstrap,
        out=out,
    )
    report = carry_out(wanted, settings, terminal.console())
    if report["faults"]:
        raise BooksError("the books do not balance: " + "; ".join(report["faults"]))
    if not (report["largest_rate"] if profile is Name.FIND else report["held"]):
        raise typer.Exit(NOT_HELD)


if __name__ == "__main__":
    main(load)
