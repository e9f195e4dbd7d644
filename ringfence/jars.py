"""Kafka's jars and the agent that shows its metrics, fetched once by jgo, each held against a committed lock."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from ringfence.errors import FileError

VERSION = "4.3.1"
# slf4j-simple and not log4j: with log4j-core jgo resolves older Kafka clients, and the broker is broken.
ENDPOINT = f"org.apache.kafka:kafka_2.13:{VERSION}+org.slf4j:slf4j-simple:1.7.36"
LOCK = Path(__file__).parent / "kafka-jars.lock"
AGENT_VERSION = "1.0.1"
AGENT_ENDPOINT = f"io.prometheus.jmx:jmx_prometheus_javaagent:{AGENT_VERSION}"
AGENT_LOCK = Path(__file__).parent / "jmx-jars.lock"

Say = Callable[[str], None]


def quiet(line: str) -> None:
    """Says nothing."""


def jars(home: Path, say: Say = quiet) -> list[Path]:
    """Kafka's jars under ``home``, fetched at first and each held against the lock. FileError if one differs."""
    return _locked(home / f"jars-{VERSION}", ENDPOINT, LOCK, f"Apache Kafka {VERSION}", say)


def agent(home: Path, say: Say = quiet) -> Path:
    """The JMX exporter, a Java agent, under ``home``; as jars()."""
    (jar,) = _locked(home / f"jmx-{AGENT_VERSION}", AGENT_ENDPOINT, AGENT_LOCK, "the JMX exporter", say)
    return jar


def _locked(folder: Path, endpoint: str, lock: Path, name: str, say: Say) -> list[Path]:
    if not folder.is_dir():
        say(f"Fetching {name}; this happens once …")
        _fetch(folder, endpoint)
    check_jars(folder, read_lock(lock))
    return sorted(folder.glob("*.jar"))


def read_lock(path: Path) -> dict[str, str]:
    """File name -> SHA-256, from lines as sha256sum writes them."""
    return {name: digest for digest, name in (line.split() for line in path.read_text().splitlines())}


def check_jars(folder: Path, lock: Mapping[str, str]) -> None:
    """FileError unless the folder holds exactly the jars of the lock, byte for byte."""
    found = {path.name: _sha256(path) for path in folder.glob("*.jar")}
    wrong = sorted(name for name in lock.keys() | found.keys() if lock.get(name) != found.get(name))
    if wrong:
        raise FileError(f"{len(wrong)} of Kafka's jars are not those of the lock, {wrong[0]} first: remove {folder}")


def _fetch(folder: Path, endpoint: str) -> None:
    """Resolves the jars with jgo and puts them into one folder, all or none."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as part:
        import jgo  # not there in a container, which has a Kafka of its own

        try:
            environment = jgo.build(endpoint, cache_dir=Path(part) / "jgo")
        except Exception as error:  # noqa: BLE001 - jgo raises whatever its network client raises
            raise FileError(
                f"Kafka's jars could not be fetched ({type(error).__name__}): is there a network?"
            ) from None
        fresh = Path(part) / "jars"
        fresh.mkdir()
        for jar in environment.all_jars:
            shutil.copyfile(jar, fresh / jar.name)
        fresh.replace(folder)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
