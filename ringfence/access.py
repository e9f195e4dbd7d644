"""Users and their passwords, and the broker made to match the table of topics."""

import secrets
from pathlib import Path

from ringfence import certs, kafka_admin, private
from ringfence.kafka_io import SCRAM, Connection
from ringfence.kraft import ADMIN as ADMIN  # whoever applies the table is this user
from ringfence.rights import QUOTAS, Grant, grants
from ringfence.settings import Settings
from schemas.topics import TOPICS, User

FOLDER, SUFFIX = "secrets", ".password"
NO_PASSWORD = (
    "run `ringfence broker` or `ringfence topics apply` once with this RINGFENCE_HOME, or set RINGFENCE_PASSWORD"
)


def apply(connection: Connection, home: Path) -> list[str]:
    """Makes the broker match the table, as its administrator. Says what was changed, a line each."""
    with kafka_admin.session(connection) as client:
        made = kafka_admin.match_topics(client, TOPICS)
        kafka_admin.set_passwords(client, {user: password(home, user) for user in User})
        added, removed = kafka_admin.match_rights(client, grants())
        made += [
            f"quota of {user}: {rate:,} bytes a second and client"
            for user, rate in kafka_admin.match_quotas(client, QUOTAS)
        ]
    lines = made + [f"right added: {_words(grant)}" for grant in added]
    return lines + [f"right removed: {_words(grant)}" for grant in removed]


def _words(grant: Grant) -> str:
    return f"{grant.user} may {grant.operation} {grant.kind} {grant.name}{'*' if grant.prefixed else ''}"


def connection_of(user: User, settings: Settings, bootstrap: str | None = None) -> Connection:
    """The connection of a stage's user. FileError if there is no password for it."""
    known = settings.password.get_secret_value() if settings.password else None
    known = known or private.read(_file(settings.home, user), NO_PASSWORD)
    return connect(settings, user.value, known, bootstrap=bootstrap)


def connect(
    settings: Settings, user: str, known: str, mechanism: str = SCRAM, bootstrap: str | None = None
) -> Connection:
    """The connection of any user, with TLS where the settings ask for it. ``known`` is its password."""
    ca = str(settings.ca or settings.home / certs.FOLDER / certs.CA) if settings.security.endswith("SSL") else ""
    return Connection(
        bootstrap or settings.bootstrap, user, known, settings.security, mechanism, ca, f"{user}-{settings.member}"
    )


def password(home: Path, user: str) -> str:
    """The password of a user, made at first use and kept in a file that only its owner can read."""
    file = _file(home, user)
    if not file.exists():
        private.keep(file, secrets.token_urlsafe(32))
    return private.read(file, NO_PASSWORD)


def _file(home: Path, user: str) -> Path:
    return home / FOLDER / f"{user}{SUFFIX}"
