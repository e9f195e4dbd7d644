"""``ringfence books``: reads everything back from a broker that is at rest, and says whether the books balance."""

import typer

from ringfence import options, terminal
from ringfence.demo.books import summarise, topic_faults
from ringfence.demo.ledger import open_ledger
from ringfence.errors import BooksError
from ringfence.run import enter, preflight
from schemas.topics import User


def books(bootstrap: options.Bootstrap = None, home: options.Home = None) -> None:
    """Check the books: every read decided once, every disclosure in the evidence. Stop the cameras first.

    Exit code 2 if they do not balance. It keeps about a kilobyte an event in memory.
    """
    context = enter(User.OVERSIGHT, {"bootstrap": bootstrap, "home": home})
    preflight(context, User.OVERSIGHT)
    ledger = open_ledger(context.connection, context.codecs)
    table = terminal.table("what", "how many")
    for name, value in summarise(ledger).items():
        table.add_row(name.replace("_", " "), str(value))
    terminal.console().print(table)
    if found := topic_faults(ledger):
        raise BooksError("the books do not balance: " + "; ".join(found))
    typer.echo("The books balance: nothing lost, nothing twice, every disclosure in the evidence.")
