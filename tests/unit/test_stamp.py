"""A folder of training shards remembers what it was made with."""

import subprocess

import pytest

from models.stamp import STAMP, stamped, write_whole


def test_a_folder_goes_on_with_the_same_arguments_and_refuses_others(tmp_path):
    stamped(tmp_path, seed=1, severity=0.5)
    stamped(tmp_path, seed=1, severity=0.5)
    with pytest.raises(SystemExit, match="empty it"):
        stamped(tmp_path, seed=2, severity=0.5)


def test_shards_of_which_nobody_knows_are_refused(tmp_path):
    (tmp_path / "crops-00000.npz").touch()
    with pytest.raises(SystemExit, match="does not say"):
        stamped(tmp_path, seed=1)


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path):
    for data in (b"one", b"two"):
        write_whole(tmp_path / STAMP, data)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [(STAMP, b"two")]


def test_too_few_shards_are_refused_in_one_line_before_anything_is_made(tmp_path):
    work = tmp_path / "work"
    done = subprocess.run(
        ["bash", "models/train.sh"], env={"PATH": "/usr/bin:/bin", "SHARDS": "3", "WORK": str(work)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n"), work.exists()) == (2, 1, False)
