"""A stack of the compose demo, for its tests: brought up once, asked, taken down again."""

import json
import os
import re
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXTRA = os.environ.get("COMPOSE_EXTRA", "").split()
PARTS = ("cameras", "ocr", "enforcement", "oversight", "police")
WAIT = 120


def files(*layers):
    """The command for these layers, and what COMPOSE_EXTRA adds."""
    named = [part for layer in layers for part in ("-f", f"docker/compose.{layer}.yaml")]
    return ["docker", "compose", "-f", "docker/compose.yaml", *named, *EXTRA]


class Stack:
    """One stack, by the layers that it is made of."""

    def __init__(self, *layers):
        self.command = files(*layers)

    def compose(self, *arguments, check=True, seconds=300):
        done = subprocess.run([*self.command, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=seconds)
        assert not check or done.returncode == 0, done.stderr[-2_000:]
        return done

    def up(self):
        self.down()
        began = time.monotonic()
        done = subprocess.run(
            ["docker/up.sh", " ".join(self.command)], cwd=ROOT, capture_output=True, text=True, timeout=900
        )
        print(f"up after {time.monotonic() - began:.0f} s, the image's build included:{done.stdout}")
        assert done.returncode == 0, done.stderr[-2_000:]
        assert "Healthy after" in done.stdout

    def down(self):
        self.compose("--profile", "tools", "down", "--volumes", "--remove-orphans")

    def tool(self, service, *arguments, check=True):
        return self.compose("run", "--rm", "--no-deps", service, *arguments, check=check)

    def metric(self, service, name, index=1):
        """The sum of a metric's samples, as the part itself shows them; None if it does not answer."""
        code = "import sys, urllib.request as u; print(u.urlopen('http://127.0.0.1:9100/metrics').read().decode())"
        done = self.compose("exec", "--index", str(index), service, "python", "-c", code, check=False)
        values = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", done.stdout, re.M)
        return sum(map(float, values)) if done.returncode == 0 else None

    def ask(self, expr):
        """What Prometheus answers: [{metric, value}]."""
        query = ["promtool", "query", "instant", "--format=json", "http://127.0.0.1:9090", expr]
        return json.loads(self.compose("exec", "--no-TTY", "prometheus", *query).stdout)

    def states(self):
        return [json.loads(line) for line in self.compose("ps", "-a", "--format", "json").stdout.splitlines()]

    def healthy(self):
        waiting = [s for s in self.states() if s["Service"] not in ("preparation", "opening")]
        return len(waiting) >= 7 and all(s["State"] == "running" and s["Health"] == "healthy" for s in waiting)

    def until(self, condition, seconds=WAIT):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := condition():
                return found
            time.sleep(0.5)
        states = [(s["Service"], s["State"], s["Health"]) for s in self.states()]
        raise AssertionError(f"not within {seconds} s: {states}")

    def police(self):
        return self.metric("police", "ringfence_police_records_total") or 0

    def grows(self, value=None):
        value = value or self.police
        before = value()
        return self.until(lambda: value() > before)

    def check_books(self):
        """Stops the cameras, lets all drain, and counts."""
        self.compose("stop", "cameras")
        self.until(lambda: not moves(self._consumed, 5))
        done = self.tool("operator", "books", check=False)
        print(done.stdout)
        assert done.returncode == 0, done.stderr
        assert "The books balance" in done.stdout

    def _consumed(self):
        members = {(s["Service"], int(s["Labels"].partition("container-number=")[2].split(",")[0]))
                   for s in self.states() if s["Service"] in ("enforcement", "police")}  # fmt: skip
        return [self.metric(part, "ringfence_consumed_records_total", index) for part, index in sorted(members)]


def moves(value, seconds):
    """Whether it changes within so many seconds."""
    before = value()
    time.sleep(seconds)
    return value() != before
