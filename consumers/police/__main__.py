"""``ringfence police``: the police console."""

from typing import Annotated

import typer

from consumers.police.stage import Console
from ringfence import options
from ringfence.entry import main
from ringfence.run import Context, run_stage, say
from schemas.topics import User


def police(
    bootstrap: options.Bootstrap = None,
    quiet: Annotated[bool, typer.Option(help="Count, but print no reads.")] = False,
    home: options.Home = None,
    member: options.Member = None,
    metrics_port: options.MetricsPort = None,
    clock_offset: options.ClockOffset = None,
    log_level: options.LogLevel = None,
    report: options.Report = None,
) -> None:
    """Read as the police: print the reads and the images' facts that were disclosed."""
    given = {k: v for k, v in locals().items() if k not in ("quiet", "report")}

    def console(context: Context) -> Console:
        return Console(context.metrics, None if quiet else say, timed=report is not None)

    run_stage(User.POLICE, given, console, (report, Console.report))


if __name__ == "__main__":
    main(police)
