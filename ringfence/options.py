"""Options of the command line that more than one command has. Each overrules the setting of that name."""

from pathlib import Path
from typing import Annotated

import typer

CONNECTION, PROCESS = "Connection", "Process"

Bootstrap = Annotated[
    str | None,
    typer.Option(help="Kafka broker, host:port. [RINGFENCE_BOOTSTRAP]", rich_help_panel=CONNECTION),
]
Home = Annotated[
    Path | None,
    typer.Option(help="Folder of secrets and caches. [RINGFENCE_HOME]", rich_help_panel=CONNECTION),
]
Member = Annotated[
    str | None,
    typer.Option(help="Name of this process in its stage. [RINGFENCE_MEMBER]", rich_help_panel=PROCESS),
]
MetricsPort = Annotated[
    int | None,
    typer.Option(help="Port of /metrics; 0 is off. [RINGFENCE_METRICS_PORT]", rich_help_panel=PROCESS),
]
ClockOffset = Annotated[
    float | None,
    typer.Option(help="Seconds added to wall time. [RINGFENCE_CLOCK_OFFSET]", rich_help_panel=PROCESS),
]
LogLevel = Annotated[
    str | None,
    typer.Option(help="DEBUG, INFO, WARNING or ERROR. [RINGFENCE_LOG_LEVEL]", rich_help_panel=PROCESS),
]
Report = Annotated[
    Path | None,
    typer.Option(help="Write what was counted to this JSON file at the end.", rich_help_panel=PROCESS),
]
Regime = Annotated[
    str | None, typer.Option(help="Pin one regime; else the date of capture selects it. [RINGFENCE_REGIME]")
]
