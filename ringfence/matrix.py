"""``ringfence access``: who may do what, as the table of topics has it, and as the broker really answers."""

import json
from collections.abc import Iterable, Sequence
from typing import Annotated

import typer
from msgspec import Struct

from ringfence import access, entry, options, terminal
from ringfence.attempts import attempt
from ringfence.broker import EmbeddedKafka
from ringfence.rights import Kind, Operation, grants
from ringfence.settings import Settings
from ringfence.settings import load as load_settings
from schemas.topics import TOPICS, User

matrix = entry.application(help="Who may do what to which topic.")


class Cell(Struct, frozen=True):
    """One right: whether the table has it, and whether the broker grants it."""

    user: str
    topic: str
    operation: Operation
    allowed: bool
    granted: bool


@matrix.callback()
def _access() -> None:
    """Who may do what to which topic."""


@matrix.command("matrix")
def show(
    bootstrap: Annotated[
        str | None, typer.Option(help="Broker to ask, host:port; else an embedded one of its own.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every cell as JSON.")] = False,
    home: options.Home = None,
) -> None:
    """Try every operation of every user on every topic. Exit code 1 if the broker differs from the table anywhere."""
    if bootstrap:
        cells = asked(load_settings(bootstrap=bootstrap, home=home))
    else:
        settings = load_settings(home=home).of_own_broker()
        with EmbeddedKafka(settings.home, access.password(settings.home, access.ADMIN)) as kafka:
            access.apply(kafka.admin, settings.home)
            cells = asked(settings.model_copy(update={"bootstrap": kafka.bootstrap}))
    wrong = [cell for cell in cells if cell.allowed != cell.granted]
    if as_json:
        typer.echo(json.dumps([to_json(cell) for cell in cells], indent=2))
    else:
        _print(cells, wrong)
    if wrong:
        raise typer.Exit(1)


def asked(settings: Settings) -> list[Cell]:
    """Every user's every operation on every topic, by the table and by the broker. BrokerError, FileError."""
    table = {(g.user, g.name, g.operation) for g in grants() if g.kind is Kind.TOPIC}
    topics = [topic.name for topic in TOPICS]
    return [
        Cell(user.value, topic, operation, (user.value, topic, operation.value) in table, granted)
        for user in User
        for (topic, operation), granted in attempt(access.connection_of(user, settings), topics).items()
    ]


def to_json(cell: Cell) -> dict[str, object]:
    """A cell as JSON takes it."""
    return {name: getattr(cell, name) for name in cell.__struct_fields__}


def _print(cells: Sequence[Cell], wrong: Sequence[Cell]) -> None:
    out, users = terminal.console(), [user.value for user in User]
    table = terminal.table("topic", *users)
    for topic in TOPICS:
        table.add_row(topic.name, *(_letters(c for c in cells if (c.user, c.topic) == (u, topic.name)) for u in users))
    out.print(table)
    out.print("R reads, W writes, - refused by the broker (TOPIC_AUTHORIZATION_FAILED).")
    out.print(f"{len(cells)} rights tried: {sum(cell.granted for cell in cells)} granted, the rest refused.")
    for cell in wrong:
        says = "grants it, and the table does not" if cell.granted else "refuses it, and the table grants it"
        out.print(f"[red]{cell.user} {cell.operation} {cell.topic}: the broker {says}[/red]")
    out.print("[red]The broker differs from the table.[/red]" if wrong else "The broker agrees with the table.")


def _letters(cells: Iterable[Cell]) -> str:
    shown = {Operation.READ: "R", Operation.WRITE: "W", Operation.DELETE: "X"}
    letters = "".join(shown[c.operation] for c in cells if c.granted and c.operation in shown)
    return letters or "-"
