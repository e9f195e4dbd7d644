"""The benchmarks run, and check what they measure. How quick they are is not tested: machines are noisy."""

import json
import subprocess
import sys

import pytest

from tests.contract.commands import clean_environment
from tests.contract.conftest import HOME


def measured(name, out, *arguments):
    run = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", "--out", str(out), *arguments],
        env=clean_environment() | {"RINGFENCE_HOME": str(HOME.resolve())}, capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return json.loads(out.read_text())


def test_the_table_agrees_with_cedar_and_costs_far_less(tmp_path):
    found = measured("policy", tmp_path / "policy.json", "--reads", "2000", "--repetitions", "10")
    assert found["cedar_over_table"] > 20  # some hundred; a ratio within one run


def test_what_is_read_is_what_was_drawn_and_the_networks_take_most_of_the_time(tmp_path):
    found = measured("ocr", tmp_path / "ocr.json", "--pictures", "32", "--batch", "8", "--repetitions", "1")
    for kind in ("crops", "frames"):
        assert found[kind]["right"] >= 0.9
        assert found[kind]["a_second"] > 0
        assert sum(found[kind]["share_of_time"].values()) == pytest.approx(1, abs=0.01)
    assert found["crops"]["share_of_time"]["grammar"] < 0.2


def test_every_order_takes_effect(tmp_path):
    found = measured("swap", tmp_path / "swap.json", "--orders", "3", "--rates", "243")
    assert [one["order"] for one in found["milliseconds"]] == ["suspension", "bundle", "activation"]
    assert all(one["decided_a_second"] > 100 for one in found["milliseconds"])


def test_the_hot_path_keeps_its_books(tmp_path):
    found = measured("hot_path", tmp_path / "hot_path.json", "--reads", "20000", "--repetitions", "1")
    assert found["median"]["cpu_microseconds"] > found["median"]["floor_cpu_microseconds"] > 0
