"""``ringfence keys``: the keys of the offices that give orders. A private key never leaves its file."""

from pathlib import Path
from typing import Annotated

import typer

from ringfence import entry, options, private, terminal
from ringfence.errors import FileError
from ringfence.policy.authority import Office
from ringfence.seal import Signer, is_key
from ringfence.settings import load as load_settings

FOLDER, PRIVATE, PUBLIC = "keys", ".private", ".public"
keys = entry.application(help="The keys of the offices that give orders.")


@keys.command("new")
def new(office: Annotated[Office, typer.Argument(help="The office.")], home: options.Home = None) -> None:
    """Make the key pair of an office, where there is none yet: the private one in a file that only you can read."""
    folder = load_settings(home=home).home
    for there in (_file(folder, office, kind) for kind in (PRIVATE, PUBLIC)):
        if there.exists():
            raise FileError(f"{there} is there already: move it away first, if it is to be replaced")
    make(folder, office)
    typer.echo(f"private: {_file(folder, office, PRIVATE)}\npublic:  {_file(folder, office, PUBLIC)}")


@keys.command("list")
def list_keys(home: options.Home = None) -> None:
    """List the offices whose orders are believed here, with their public keys."""
    folder = load_settings(home=home).home
    table = terminal.table("office", "public key", "private key here")
    for office, public in trust(folder).items():
        table.add_row(office, public, "yes" if _file(folder, office, PRIVATE).exists() else "no")
    terminal.console().print(table if table.row_count else "no keys: `ringfence keys new OFFICE` makes them")


def make(home: Path, office: str) -> None:
    """Makes the key pair of an office; leaves one that is there."""
    private.keep(_file(home, office, PRIVATE), Signer.new()[1])
    private.keep(_file(home, office, PUBLIC), signer(home, office).public)


def ensure(home: Path) -> None:
    """Makes the keys of all offices that have none: for an installation that plays all the parts itself."""
    for office in Office:
        if not _file(home, office, PUBLIC).exists():
            make(home, office)


def trust(home: Path) -> dict[str, str]:
    """The public keys whose orders are believed: office -> key. FileError if one is no key."""
    found = {}
    for office in Office:
        file = _file(home, office, PUBLIC)
        if file.exists():
            found[office.value] = _checked(file)
    return found


def signer(home: Path, office: str) -> Signer:
    """The private key of an office. FileError if it is not here."""
    file = _file(home, office, PRIVATE)
    text = private.read(file, f"run `ringfence keys new {office}`, or bring the key of that office here")
    try:
        return Signer(text)
    except ValueError:
        raise FileError(f"{file} holds no key") from None


def _checked(file: Path) -> str:
    try:
        text = file.read_text().strip()
        is_key(text)
    except (OSError, ValueError):
        raise FileError(f"{file} holds no public key: run `ringfence keys new`, or bring it again") from None
    return text


def _file(home: Path, office: str, kind: str) -> Path:
    return home / FOLDER / f"{office}{kind}"
