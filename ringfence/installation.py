"""``ringfence install``: what an installation in containers needs, each thing only where it is needed.

Before the brokers start: secrets, keys, certificates and the brokers' properties. Once they answer: topics, users,
rights, quotas, and the first bundle in force. Both can be run again: what is there is kept, what was not finished is.
"""

import os
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ringfence import access, certs, entry, keys, options, private
from ringfence.clock import SECOND, Clock
from ringfence.errors import FileError
from ringfence.governance import inaugurate
from ringfence.kafka_io import PLAIN
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
# Whose public keys the gate believes; whoever gives orders has the private ones, too.
BELIEVERS = (User.ENFORCEMENT, User.OVERSIGHT)

install = entry.application(help="Prepare an installation in containers, and open it.")
Folder = Annotated[Path, typer.Option(help="Where the volumes are mounted: master, homes/USER, brokers/NUMBER.")]
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
        hand_out(master, folder / "homes" / user, user)
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
    clock = Clock(round(settings.clock_offset * SECOND))
    giver = Context(settings, clock, Metrics(), access.connection_of(User.GOVERNANCE, settings))
    typer.echo(f"bundle {inaugurate(giver)} is in force")


def hand_out(master: Path, home: Path, user: User) -> None:
    """Copies to a part's home what it needs, and no other part's secrets."""
    wanted = [f"{access.FOLDER}/{user}{access.SUFFIX}", f"{certs.FOLDER}/{certs.CA}"]
    if user in BELIEVERS:
        wanted += [f"{keys.FOLDER}/{path.name}" for path in (master / keys.FOLDER).glob(f"*{keys.PUBLIC}")]
    if user is User.GOVERNANCE:
        wanted += [f"{keys.FOLDER}/{path.name}" for path in (master / keys.FOLDER).iterdir()]
    _copy(master, home, wanted)


def equip(folder: Path, master: Path, settings: str, agent: Path | None) -> None:
    """Gives a broker its properties (which hold the administrator's password), its certificate, and the exporter."""
    _copy(master / certs.FOLDER, folder, [certs.CA, certs.BROKER])
    fresh = folder / f"{PROPERTIES}.new"
    fresh.unlink(missing_ok=True)
    private.keep(fresh, settings)
    os.replace(fresh, folder / PROPERTIES)
    if agent:
        shutil.copyfile(agent, folder / AGENT)


def _copy(source: Path, target: Path, names: Sequence[str]) -> None:
    try:
        for name in names:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)
    except OSError as error:
        raise FileError(f"cannot write to {target} ({error.strerror}): is its volume mounted, and ours?") from None


def _check_layout(master: Path) -> None:
    """FileError if the volume was made by a version whose volumes cannot be used any more."""
    file = master / VERSION_FILE
    if not file.exists():
        private.keep(file, LAYOUT)
    if (found := private.read(file, "")) != LAYOUT:
        raise FileError(
            f"the volumes are of layout {found}, and this version wants {LAYOUT}: `make down-all` removes them"
        )
