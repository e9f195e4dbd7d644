"""The compose demo, really run: up, locked down, suspended, killed part by part, scaled, its books checked, and down.

`make test-compose`. It wants a Docker engine, and the images of docker/.env or stand-ins for them (COMPOSE_EXTRA). The
tests build on each other, in their order. Whatever it starts, it takes down.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.compose.stack import PARTS, ROOT, Stack, files, moves

STACK = Stack()
compose, tool, metric, states = STACK.compose, STACK.tool, STACK.metric, STACK.states
healthy, until, police, grows = STACK.healthy, STACK.until, STACK.police, STACK.grows


@pytest.fixture(scope="module", autouse=True)
def stack():
    STACK.up()
    yield
    STACK.down()


def test_reads_reach_the_police():
    grows()


def test_everything_is_locked_down_and_small():
    ids = compose("ps", "-q").stdout.split()
    found = json.loads(subprocess.run(["docker", "inspect", *ids], capture_output=True, text=True, check=True).stdout)
    assert len(found) <= 10
    for one in found:
        host, name = one["HostConfig"], one["Name"]
        assert host["ReadonlyRootfs"], name
        assert host["CapDrop"] == ["ALL"], name
        assert "no-new-privileges:true" in host["SecurityOpt"], name
        assert one["Config"]["User"] not in ("", "0", "root"), name
        assert host["Memory"] > 0, name
        assert host["PidsLimit"] > 0, name
        bound = [b["HostIp"] for ports in host["PortBindings"].values() for b in ports]
        assert set(bound) <= {"127.0.0.1"}, name
        environment = " ".join(one["Config"]["Env"]).lower()
        assert "password" not in environment, name
        assert "private" not in environment, name
    assert sum(one["HostConfig"]["Memory"] for one in found) <= 3 * 1024**3


def test_each_part_has_its_own_secret_and_no_other():
    for part in PARTS:
        there = compose("exec", part, "find", "/var/lib/ringfence", "-type", "f").stdout.split()
        names = {Path(path).name for path in there}
        assert {name for name in names if name.endswith(".password")} == {f"{part}.password"}
        assert not [name for name in names if name.endswith((".private", ".key"))]
    said = compose("logs", "--no-log-prefix").stdout
    for user in ("police", "admin"):
        secret = cat(f"secrets/{user}.password").strip()
        assert len(secret) > 20
        assert secret not in said


def test_the_load_test_gets_in_as_three_users_and_leaves_its_report_with_whoever_ran_it():
    report = ROOT / "out" / "load" / "report.json"
    report.unlink(missing_ok=True)
    given = {"LOAD_RATE": "200", "LOAD_DURATION": "15", "LOAD_PROFILE": "constant"}
    run = ["docker/load.sh", " ".join(files("load"))]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, timeout=600, env=os.environ | given)
    print(done.stdout[-1_500:])
    assert done.returncode in (0, 1), done.stderr[-2_000:]  # not held is no fault of the stack on a busy machine
    assert json.loads(report.read_text())["faults"] == []
    assert report.stat().st_uid == os.getuid()
    assert (report.parent / "load.png").exists()
    look = ["run", "--rm", "--no-deps", "--no-TTY", "--entrypoint", "find", "load", "/var/lib/ringfence", "-type", "f"]
    there = subprocess.run([*files("load"), *look], cwd=ROOT, capture_output=True, text=True, timeout=100, check=True)
    names = sorted(Path(path).name for path in there.stdout.split())
    assert names == ["ca.pem", "cameras.password", "oversight.password", "police.password"]


def test_cameras_whose_records_nobody_takes_are_unhealthy_though_they_answer():
    compose("pause", "kafka")
    try:
        until(lambda: [s["Health"] for s in states() if s["Service"] == "cameras"] == ["unhealthy"])
        assert metric("cameras", "ringfence_passages_total") > 0
    finally:
        compose("unpause", "kafka")
    until(healthy)
    grows()


def cat(file):
    return compose("run", "--rm", "--no-deps", "--entrypoint", "cat", "operator", f"/var/lib/ringfence/{file}").stdout


def test_the_broker_answers_as_the_table_has_it():
    done = tool("operator", "access", "matrix", "--bootstrap", "kafka:19092")
    assert "The broker agrees with the table." in done.stdout


def test_without_tls_or_with_a_wrong_password_nobody_gets_in():
    for wrong in ({"RINGFENCE_SECURITY": "SASL_PLAINTEXT"}, {"RINGFENCE_PASSWORD": "wrong"}):
        given = [part for name, value in wrong.items() for part in ("-e", f"{name}={value}")]
        done = compose("run", "--rm", "--no-deps", *given, "operator", "books", check=False)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr


def test_a_suspension_stops_the_police_and_a_resumption_lets_them_go_on():
    tool("governance", "suspend", "--why", "a test")
    until(lambda: metric("enforcement", "ringfence_suspended") == 1)
    until(lambda: not moves(police, 3))
    before, decided = police(), metric("enforcement", "ringfence_decisions_total")
    until(lambda: metric("enforcement", "ringfence_decisions_total") > decided + 100)
    assert police() == before
    tool("governance", "resume", "--why", "a test")
    grows()


@pytest.mark.parametrize("part", [*PARTS, "kafka", "prometheus", "alertmanager"])
def test_a_part_that_is_killed_comes_back_and_reads_go_on(part):
    compose("kill", part)
    compose("start", part)
    until(healthy)
    grows()


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_is_told_to_stop_drains_and_ends_well(part):
    compose("stop", part)
    (stopped,) = [s for s in states() if s["Service"] == part]
    assert stopped["ExitCode"] == 0
    compose("start", part)
    until(healthy)


def test_two_members_share_the_ocr():
    compose("up", "--detach", "--no-recreate", "--no-build", "--scale", "ocr=2", "ocr")
    until(lambda: sum(s["Service"] == "ocr" for s in states()) == 2 and healthy())
    until(lambda: all((metric("ocr", "ringfence_consumed_records_total", i) or 0) > 20 for i in (1, 2)))


def test_prometheus_sees_every_part():
    seen = {*PARTS, "kafka"}
    until(lambda: {one["metric"]["job"] for one in STACK.ask("count by (job) (up == 1)")} == seen)


def test_the_books_balance_after_all_of_this():
    STACK.check_books()
