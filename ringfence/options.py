"""Options of the command line that more than one command has. Each overrules the setting of that name."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from ringfence.clock import SECOND
from ringfence.errors import SettingError

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
Model = Annotated[
    Path | None, typer.Option(help="The plate model: a file, or hub:NAME of fast-plate-ocr's. [RINGFENCE_MODEL]")
]
WrongCost = Annotated[
    float | None,
    typer.Option(help="How many right reads one wrong read is worth; 19 asks for 95 %. [RINGFENCE_WRONG_COST]"),
]
Policies = Annotated[
    Path | None, typer.Argument(help="Folder of regimes, forms and rules. [RINGFENCE_POLICIES]", show_default=False)
]
Regime = Annotated[
    str | None, typer.Option(help="Pin one regime; else the date of capture selects it. [RINGFENCE_REGIME]")
]


def moment(option: str, given: str) -> int:
    """The moment given to an option, in µs since 1970. SettingError unless it is ISO 8601 with an offset."""
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise SettingError(f"{option} {given!r} is no moment: write it as 2022-06-15T08:00:00+01:00")
    return round(found.timestamp() * SECOND)
