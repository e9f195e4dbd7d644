from collections import Counter
from pathlib import Path

import pytest

from ringfence.errors import FileError
from ringfence.estate import HEADER, Estate, load, parse
from ringfence.policy.facts import Activation

FOLDER = Path(__file__).parents[2] / "policies" / "estate"
TRANCHES = """
original: {needs_activation: false}
inner-1: {needs_activation: true}
"""
ROW = "7,ccz,original,yes,-0.12,51.51"


def csv(*rows: str) -> str:
    return "\n".join(["# simulated", HEADER, *rows]) + "\n"


@pytest.fixture(scope="module")
def estate() -> Estate:
    return load(FOLDER)


def test_the_estate_has_the_cameras_that_the_sources_count(estate: Estate) -> None:
    zones = Counter(camera.zone for camera in estate.cameras.values())
    assert zones == {"ccz": 300, "lez": 1_000, "ulez-2021": 184, "ulez-2023": 60}
    assert len(estate.cameras) == 1_544


def test_expansion_cameras_wait_for_activation_and_the_original_ones_do_not(estate: Estate) -> None:
    found = {(c.zone, estate.activation(c.id)) for c in estate.cameras.values()}
    assert found == {
        ("ccz", Activation.NOT_REQUIRED),
        ("lez", Activation.NOT_REQUIRED),
        ("ulez-2021", Activation.PENDING),
        ("ulez-2023", Activation.PENDING),
    }


def test_every_tranche_of_the_expansions_has_cameras(estate: Estate) -> None:
    assert {c.tranche for c in estate.cameras.values()} == set(estate.tranches)
    assert set(estate.tranches) == {"original", *(f"inner-{i}" for i in range(1, 5)), "outer-1", "outer-2"}


def test_two_thirds_of_every_zone_read_on_board(estate: Estate) -> None:
    for zone in estate.zones:
        cameras = [c for c in estate.cameras.values() if c.zone == zone]
        assert sum(c.on_board for c in cameras) == round(len(cameras) * 2 / 3)


def test_a_camera_waits_for_its_tranche_or_does_not() -> None:
    estate = parse(csv("1,ulez-2021,inner-1,no,0,51.5", ROW), TRANCHES)
    assert estate.activation(1) is Activation.PENDING
    assert estate.activation(7) is Activation.NOT_REQUIRED
    with pytest.raises(KeyError):
        estate.activation(3)


def test_the_digest_is_of_the_content_not_of_the_spelling() -> None:
    other = "2,lez,original,no,0.1,51.4"
    first = parse(csv(ROW, other), TRANCHES)
    spelt = parse(csv("# note", other, "7,ccz,original,yes,-0.120,51.510"), TRANCHES.replace(": {", ":   {"))
    assert first.digest == spelt.digest
    assert list(spelt.cameras) == [2, 7]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("7,ccz", "8,ccz"),
        (",ccz", ",lez"),
        ("yes", "no"),
        ("-0.12", "-0.13"),
        ("51.51", "51.52"),
        ("original", "inner-1"),
    ],
)
def test_the_digest_follows_every_column(old: str, new: str) -> None:
    assert parse(csv(ROW), TRANCHES).digest != parse(csv(ROW.replace(old, new)), TRANCHES).digest


def test_the_digest_follows_who_waits_for_an_activation() -> None:
    assert parse(csv(ROW), TRANCHES).digest != parse(csv(ROW), TRANCHES.replace("true", "false")).digest


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("7,ccz,original,yes,-0.12", "5 cells"),
        ("x,ccz,original,yes,-0.12,51.51", "id 'x'"),
        ("0,ccz,original,yes,-0.12,51.51", "id '0'"),
        ("²,ccz,original,yes,-0.12,51.51", "id '²'"),
        ("2147483648,ccz,original,yes,-0.12,51.51", "whole number"),
        ("8,unknown,original,yes,-0.12,51.51", "zone 'unknown'"),
        ("8,ccz,inner-9,yes,-0.12,51.51", "tranche 'inner-9'"),
        ("8,ccz,original,True,-0.12,51.51", "on_board 'True'"),
        ("8,ccz,original,yes,51.51,-0.12", "lon 51.51"),
        ("8,ccz,original,yes,nan,51.51", "lon nan"),
        ("8,ccz,original,yes,-0.12,north", "lat 'north'"),
        (ROW, "camera 7 is there twice"),
    ],
)
def test_a_bad_row_is_named_by_its_line(row: str, says: str) -> None:
    with pytest.raises(FileError, match=r"^cameras\.csv line 4") as caught:
        parse(csv(ROW, row), TRANCHES)
    assert says in str(caught.value)


@pytest.mark.parametrize("text", ["", "# only a comment\n", "id,zone\n", csv()])
def test_a_register_without_header_or_cameras_is_refused(text: str) -> None:
    with pytest.raises(FileError, match=r"cameras\.csv"):
        parse(text, TRANCHES)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- original",
        "original: {",
        "original: {needs_activation: maybe}",
        "original: {}",
        "original: {needs_activation: true, activated_at: '2022-07-01T00:00:00+01:00'}",
    ],
)
def test_bad_tranches_are_refused(text: str) -> None:
    with pytest.raises(FileError, match=r"tranches\.yaml"):
        parse(csv(ROW), text)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="nowhere"):
        load(tmp_path / "nowhere")
