"""The whole pipeline on the embedded broker, watched by a real Prometheus that asks it every second.

Rare things are made to happen, so that every panel has something to show. ``python -m tests.monitoring.pipeline``
leaves what Prometheus then answers to every panel under out/monitoring, for the pictures of the dashboards.
"""

import json
import os
import shutil
import subprocess
import time
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml

from ringfence import access, keys
from ringfence.broker import EmbeddedKafka, free_port
from ringfence.bundles import made_of
from ringfence.clock import SECOND, Clock, text
from ringfence.demo.processes import Family
from ringfence.governance import give, inaugurate
from ringfence.kafka_io import producer
from ringfence.lifecycle import die_with_parent
from ringfence.metrics import Metrics, serve
from ringfence.run import Context
from ringfence.settings import ROOT
from ringfence.settings import load as load_settings
from schemas.codec import codec
from schemas.records import OrderKind, PoliceRead, Read
from schemas.topics import ORDERS, POLICE, READS, User
from tests.contract.waiting import until
from tests.monitoring import queries
from tests.unit.made import OPENING

HOME = Path(".ringfence")
OUT = ROOT / "out" / "monitoring"
STAGES = {"police": ("consumers.police", "--quiet"), "oversight": ("consumers.oversight",),
          "enforcement": ("consumers.enforcement",), "ocr": ("consumers.ocr",),
          "cameras": ("producers", "--rate", "60", "--duration", "0")}  # fmt: skip
LEAD = 25 * SECOND
DAY = 86_400
SMUGGLED = PoliceRead(1, 1, 0, "LK19ABC", 95, 2, "inner-2022", "text")


class Prometheus:
    """A Prometheus on 127.0.0.1 with the rules of docker/prometheus, and its HTTP API."""

    def __init__(self, folder: Path, targets: dict[str, int]) -> None:
        self.folder, self.port = folder, free_port()
        jobs = [
            {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]} for name, port in targets.items()
        ]
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(queries.RULES / "*.yml")],
            "scrape_configs": jobs,
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))

    def __enter__(self):
        command = [
            "prometheus", f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/data",
            f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn",
        ]  # fmt: skip
        with (self.folder / "prometheus.log").open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=die_with_parent)
        until(self._ready)
        return self

    def __exit__(self, *exception):
        self.process.terminate()
        self.process.wait(20)

    def _ready(self):
        try:
            return urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=1).status == 200
        except (URLError, OSError):
            return False

    def _get(self, path, **parameters):
        with urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}?{urlencode(parameters)}", timeout=20) as answer:
            return json.loads(answer.read())["data"]["result"]

    def ask(self, expr):
        """The series now: [{metric, value}]."""
        return self._get("query", query=expr)

    def ask_range(self, expr, start, end, step=1):
        """The series from ``start`` to ``end`` (s since 1970): [{metric, values}]."""
        return self._get("query_range", query=expr, start=start, end=end, step=step)

    def number(self, expr):
        """The value of a query that has one series, 0 if it has none."""
        found = self.ask(expr)
        return float(found[0]["value"][1]) if found else 0.0


class Pipeline:
    """The broker, the parts, Prometheus, and hands to make things happen with."""

    def __init__(self, kafka, prometheus, context, started):
        self.kafka, self.prometheus, self.context, self.started = kafka, prometheus, context, started

    def as_user(self, user):
        return access.connection_of(user, self.context.settings)

    def send(self, user, topic, *values, partition=0):
        with closing(producer(self.as_user(user))) as writer:
            for value in values:
                writer.send(topic.name, value=value, key=b"1", partition=partition)
            writer.flush()

    def order(self, kind, subject="all", **more):
        give(self.context, "governor", kind, subject, "a test", "a test", **more)

    def wait(self, expr, seconds=60):
        """Until the expression has a series in Prometheus."""
        return until(lambda: self.prometheus.ask(expr), seconds)


@contextmanager
def running(folder: Path, *, certified: bool = True):
    """Everything under way, cameras open, each target scraped. ``certified``: and one that has a certificate."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        broker = free_port()
        kafka = stack.enter_context(
            EmbeddedKafka(HOME, access.password(HOME, access.ADMIN), metrics_port=broker, say=print)
        )
        access.apply(kafka.admin, HOME)
        keys.ensure(HOME)
        clock = Clock(OPENING - LEAD - time.time_ns() // 1_000)
        settings = load_settings(home=HOME, bootstrap=kafka.bootstrap, clock_offset=clock.offset / SECOND)
        context = Context(settings, clock, Metrics(), access.connection_of(User.GOVERNANCE, settings, kafka.bootstrap))
        inaugurate(context)
        family = stack.enter_context(Family(folder, _environment(kafka.bootstrap, clock)))
        for name, (module, *arguments) in STAGES.items():
            family.start(name, module, (*arguments, *(("--start", text(OPENING)) if name == "cameras" else ())))
        targets = {name: child.port for name, child in family.children.items()} | {"kafka": broker}
        targets |= {"tls": _certificate()} if certified else {}
        prometheus = stack.enter_context(Prometheus(folder, targets))
        pipeline = Pipeline(kafka, prometheus, context, time.time())
        pipeline.wait(f"count(up == 1) == {len(targets)}")
        pipeline.wait('sum(rate(ringfence_police_records_total[5s])) > 0 and sum(ringfence_ready{stage="ocr"}) == 1')
        family.check()
        yield pipeline
        family.check()


def _environment(bootstrap, clock):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RINGFENCE_")}
    return inherited | {
        "RINGFENCE_BOOTSTRAP": bootstrap, "RINGFENCE_HOME": str(HOME.resolve()),
        "RINGFENCE_CLOCK_OFFSET": str(clock.offset / SECOND),
    }  # fmt: skip


def _certificate():
    """The port of a target that has a certificate: the embedded broker speaks no TLS."""
    metrics, port = Metrics(), free_port()
    metrics.certificate.set(time.time() + 60 * DAY)
    serve(metrics, "127.0.0.1", port)
    return port


def events(pipeline: Pipeline) -> None:
    """Whatever is rare: records that cannot be handled, a wrong clock, orders of every sort, another bundle."""
    now = pipeline.context.clock.now()
    late = [codec(Read).encode(Read(1, 900_000 + i, now - 600 * SECOND, "LK19ABC", "LK19ABC", 95, 2)) for i in range(9)]
    unknown = codec(Read).encode(Read(99_999, 1, now, "LK19ABC", "LK19ABC", 95, 2))
    pipeline.send(User.CAMERAS, READS, b"junk", unknown, *late)
    pipeline.send(User.GOVERNANCE, ORDERS, b"no order")
    pipeline.order(OrderKind.SUSPEND)
    pipeline.wait("min_over_time(ringfence_suspended[6s]) == 1")
    pipeline.order(OrderKind.RESUME)
    pipeline.wait("ringfence_suspended == 0")
    pipeline.order(OrderKind.BUNDLE, "bundle/2", bundle=made_of(ROOT / "policies", 2, HOME))
    pipeline.wait('min_over_time(ringfence_bundle{job="enforcement"}[3s]) == 2')
    pipeline.wait("sum(increase(ringfence_decisions_total[5s])) > 0")


def smuggle(pipeline: Pipeline) -> None:
    """What must never happen: a record for the police that nobody decided."""
    pipeline.send(User.ENFORCEMENT, POLICE, codec(PoliceRead).encode(SMUGGLED), b"not even a record", partition=2)


def answers(pipeline: Pipeline, window: int) -> dict[str, list[dict[str, object]]]:
    """What Prometheus says to every query of every panel, over the last ``window`` seconds."""
    end = time.time()
    found = {}
    for asked in queries.of_panels():
        expr = queries.substituted(asked.expr, "10s", f"{window}s")
        if asked.instant:
            found[asked.where] = [one | {"values": [one["value"]]} for one in pipeline.prometheus.ask(expr)]
        else:
            found[asked.where] = pipeline.prometheus.ask_range(expr, end - window, end)
    return found


def record(seconds: int = 100) -> None:
    """Runs it for a while, and writes down what the panels then show."""
    with running(OUT, certified=False) as pipeline:
        time.sleep(seconds / 2)
        events(pipeline)
        time.sleep(seconds / 2)
        (OUT / "answers.json").write_text(json.dumps(answers(pipeline, seconds)))
        print(f"{OUT / 'answers.json'}: what Prometheus answered")


if __name__ == "__main__":
    record()
