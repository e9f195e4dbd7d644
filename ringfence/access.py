"""Users and their passwords, and the broker made to match the table of topics."""

import os
import secrets
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from ringfence import kafka_admin
from ringfence.errors import FileError
from ringfence.kafka_io import Connection
from ringfence.rights import Grant, grants
from ringfence.settings import Settings
from schemas.topics import TOPICS, User

ADMIN = "admin"
FOLDER, SUFFIX = "secrets", ".password"
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def apply(connection: Connection, home: Path) -> list[str]:
    """Makes the broker match the table, as its administrator. Says what was changed, a line each."""
    with kafka_admin.session(connection) as client:
        made = kafka_admin.match_topics(client, TOPICS)
        kafka_admin.set_passwords(client, {user: password(home, user) for user in User})
        added, removed = kafka_admin.match_rights(client, grants())
    lines = made + [f"right added: {_words(grant)}" for grant in added]
    return lines + [f"right removed: {_words(grant)}" for grant in removed]


def _words(grant: Grant) -> str:
    return f"{grant.user} may {grant.operation} {grant.kind} {grant.name}{'*' if grant.prefixed else ''}"


def connection_of(user: User, settings: Settings, bootstrap: str | None = None) -> Connection:
    """The connection of a stage's user. FileError if there is no password for it."""
    known = settings.password.get_secret_value() if settings.password else _read(_file(settings.home, user))
    return Connection(bootstrap or settings.bootstrap, user.value, known, settings.security)


def password(home: Path, user: str) -> str:
    """The password of a user, made at first use and kept in a file that only its owner can read."""
    file = _file(home, user)
    if not file.exists():
        try:
            _keep(file, secrets.token_urlsafe(32))
        except OSError as error:
            raise FileError(f"cannot keep a password in {file}: {error.strerror}; set RINGFENCE_HOME") from None
    return _read(file)


def _keep(file: Path, text: str) -> None:
    """Writes a private file whole, or leaves the one that another process was quicker to write."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.parent.chmod(stat.S_IRWXU)
    descriptor, made = tempfile.mkstemp(dir=file.parent)  # mode 600
    try:
        with os.fdopen(descriptor, "w") as new:
            new.write(text)
        with suppress(FileExistsError):
            os.link(made, file)
    finally:
        os.unlink(made)


def _file(home: Path, user: str) -> Path:
    return home / FOLDER / f"{user}{SUFFIX}"


def _read(file: Path) -> str:
    try:
        mode, text = file.stat().st_mode, file.read_text().strip()
    except OSError as error:
        raise FileError(
            f"no password in {file} ({error.strerror}): run `ringfence broker` or `ringfence topics apply` once with"
            " this RINGFENCE_HOME, or set RINGFENCE_PASSWORD"
        ) from None
    if mode & OTHERS:
        raise FileError(f"{file} can be read by others: chmod 600 it")
    return text
