"""``ringfence install``: what an installation in containers needs, each thing only where it is needed.

Before the brokers start: secrets, keys, certificates and the brokers' properties. Once they answer: topics, users,
rights, quotas, and the first bundle in force. Both can be run again: what is there is kept, what was not finished is.
"""

import os
import shutil
import stat
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ringfence import access, certs, entry, keys, options, private
from ringfence.clock import SECOND, Clock
from ringfence.errors import FileError
from ringfence.governance import inaugurate
from ringfence.kafka_io import PLAIN, check
from ringfence.kraft import ADMIN, Node, Ports, properties, text
from ringfence.metrics import Metrics
from ringfence.run import Context
from ringfence.settings import load as load_settings
from schemas.topics import User

PORTS = Ports(client=19092, admin=19093, controller=19095, health=19096)
# Where a broker finds its things in its own container.
DATA, CONFIG = Path("/var/lib/kafka/data"), Path("/mnt/shared/config")
PROPERTIES, VERSION_FILE, AGENT = "server.properties", "VERSION", "jmx.jar"
LAYOUT = "1"  # of what lies in the volumes; raise it when an older one can no longer be used
# The load test acts as these: it sends, it listens as the police do, it counts as oversight does.
LOAD, LOADERS = "load", (User.CAMERAS, User.POLICE, User.OVERSIGHT)
# Whose public keys the gate believes; whoever gives orders has the private ones, too.
BELIEVERS = (User.ENFORCEMENT, User.OVERSIGHT)

install = entry.application(help="Prepare an installation in containers, and open it.")
Folder = Annotated[
    Path, typer.Option(help="Where the volumes are mounted: master, homes/USER, homes/load, brokers/NUMBER.")
]
Brokers = Annotated[str, typer.Option(help="Host names of the brokers, with commas.")]


@install.command("prepare")
def prepare(
    folder: Folder = Path("/installation"),
    brokers: Brokers = "kafka",
    agent: Annotated[Path | None, typer.Option(help="The JMX exporter's jar; each broker gets a copy.")] = None,
) -> None:
    """Make what is missing: secrets, keys, certificates; and hand out to each part what is its own."""
    hosts, master = brokers.split(","), folder / "master"
    _check_layout(master)
    password = access.password(master, ADMIN)
    for user in User:
        access.password(master, user)
    keys.ensure(master)
    fresh = certs.ensure(master, (*hosts, *certs.LOCAL), datetime.now(UTC))
    for user in User:
        hand_out(master, folder / "homes" / user, belongings(master, user))
    hand_out(master, folder / "homes" / LOAD, {name for user in LOADERS for name in login(user)})
    voters = dict(enumerate(hosts, 1))
    for number, host in voters.items():
        node = Node(number, host, "", PORTS, DATA, voters, CONFIG)
        equip(folder / "brokers" / str(number), master, text(properties(node, password)), agent)
    typer.echo(f"prepared for {', '.join(hosts)}" + (", with a new certificate" if fresh else ""))


@install.command("open")
def open_(
    bootstrap: options.Bootstrap = None,
    admin: Annotated[str, typer.Option(help="A broker's listener for the administrator, host:port.")] = "kafka:19093",
    home: options.Home = None,
    clock_offset: options.ClockOffset = None,
) -> None:
    """Make the brokers match the table of topics, and see that a bundle is in force."""
    settings = load_settings(bootstrap=bootstrap, home=home, clock_offset=clock_offset)
    connection = access.connect(settings, ADMIN, access.password(settings.home, ADMIN), PLAIN, admin)
    for line in access.apply(connection, settings.home) or ["nothing to change"]:
        typer.echo(line)
    # A broker learns of new users a moment after the one that was told. Each is asked until it lets one in.
    for broker in settings.bootstrap.split(","):
        check(access.connection_of(User.GOVERNANCE, settings, broker))
    clock = Clock(round(settings.clock_offset * SECOND))
    giver = Context(settings, clock, Metrics(), access.connection_of(User.GOVERNANCE, settings))
    typer.echo(f"bundle {inaugurate(giver)} is in force")


def login(user: User) -> list[str]:
    """What it takes to log in as this user: its password, and the CA's certificate."""
    return [f"{access.FOLDER}/{user}{access.SUFFIX}", f"{certs.FOLDER}/{certs.CA}"]


def belongings(master: Path, user: User) -> list[str]:
    """What a part needs of what is in the master folder, and no other part's secrets."""
    wanted = login(user)
    if user in BELIEVERS:
        wanted += [f"{keys.FOLDER}/{path.name}" for path in (master / keys.FOLDER).glob(f"*{keys.PUBLIC}")]
    if user is User.GOVERNANCE:
        wanted += [f"{keys.FOLDER}/{path.name}" for path in (master / keys.FOLDER).iterdir()]
    return wanted


def hand_out(master: Path, home: Path, wanted: Iterable[str]) -> None:
    """Copies these files, and none besides, to a home. Each is there whole or not at all. FileError."""
    try:
        for name in sorted(wanted):
            replace(master / name, home / name)
    except OSError as error:
        raise FileError(f"cannot write to {home} ({error.strerror}): is its volume mounted, and ours?") from None


def replace(source: Path, target: Path) -> None:
    """Copies a file with its mode and its times; a reader sees the old one or the new one, and never half of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.new")
    fresh.unlink(missing_ok=True)  # an earlier preparation may have ended right here
    fresh.touch(stat.S_IRUSR | stat.S_IWUSR)  # it may be a secret: nobody else reads it meanwhile
    shutil.copy2(source, fresh)
    os.replace(fresh, target)


def equip(folder: Path, master: Path, settings: str, agent: Path | None) -> None:
    """Gives a broker its properties (which hold the administrator's password), its certificate, and the exporter."""
    hand_out(master / certs.FOLDER, folder, [certs.CA, certs.BROKER])
    fresh = folder / f"{PROPERTIES}.new"
    fresh.unlink(missing_ok=True)
    private.keep(fresh, settings)
    os.replace(fresh, folder / PROPERTIES)
    if agent:
        replace(agent, folder / AGENT)


def _check_layout(master: Path) -> None:
    """FileError if the volume was made by a version whose volumes cannot be used any more."""
    file = master / VERSION_FILE
    if not file.exists():
        private.keep(file, LAYOUT)
    if (found := private.read(file, "")) != LAYOUT:
        raise FileError(
            f"the volumes are of layout {found}, and this version wants {LAYOUT}: `make down-all` removes them"
        )
