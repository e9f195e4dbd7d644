"""The moment of capture, from names and from EXIF."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.replay.when import by_exif, by_name, micros
from tests.unit.files import exif, saved
from tests.unit.made import OPENING

HALF_PAST = OPENING + 1_800_000_000  # 2022-06-15 08:30 BST


@pytest.mark.parametrize("name", [
    "2022-06-15T08-30-00.jpg", "20220615_083000.jpg", "20220615083000.jpg", "2022-06-15 08.30.00.jpg",
    "IMG_20220615_083000.jpg", "PXL_20220615_083000000.MP.jpg", "camera 7, 2022.06.15 08h30m00.png",
    "2022-06-15T07-30-00Z.jpg", "2022-06-15T08-30-00+0100.jpg", "2022-06-15T09:30:00+02:00.jpg",
    "Screenshot_2022-06-15-08-30-00.png", "2022_06_15_08_30_00_1.jpg",
    "van_20220615_083000_12.jpg",
])  # fmt: skip
def test_common_names_have_their_moment_in_them(name):
    assert by_name(f"20190101_000000/{name}") == HALF_PAST


@pytest.mark.parametrize("name", [
    "van.jpg", "2022-06-15.jpg", "IMG-20220615-WA0001.jpg", "20221315_083000.jpg", "20220615_253000.jpg",
    "00442079460000123456.jpg", "99992022061508300099.jpg", "DSC_0001.jpg",
])  # fmt: skip
def test_other_names_have_none(name):
    assert by_name(name) is None


def test_fractions_of_a_second_are_kept():
    assert by_name("2022-06-15T08-30-00.25.jpg") == HALF_PAST  # two digits may be a counter
    assert by_name("2022-06-15T08-30-00.250.jpg") == HALF_PAST + 250_000
    assert by_name("PXL_20220615_083000123.jpg") == HALF_PAST + 123_000


@pytest.mark.parametrize(("written", "utc"), [
    ("2022-01-15T08:30:00", "2022-01-15T08:30:00+00:00"), ("2022-06-15T08:30:00", "2022-06-15T07:30:00+00:00"),
    ("2022-03-27T00:59:59", "2022-03-27T00:59:59+00:00"), ("2022-03-27T02:00:00", "2022-03-27T01:00:00+00:00"),
    ("2022-10-30T01:30:00", "2022-10-30T00:30:00+00:00"), ("2022-10-30T02:00:00", "2022-10-30T02:00:00+00:00"),
])  # fmt: skip
def test_a_moment_without_a_zone_is_londons(written, utc):
    assert micros(datetime.fromisoformat(written)) == micros(datetime.fromisoformat(utc))


def test_exif_says_it_with_its_zone_and_fraction():
    data = saved("JPEG", exif=exif(taken="2022:06:15 09:30:00", offset="+02:00", fraction="5"))
    assert by_exif(data) == HALF_PAST + 500_000
    assert by_exif(saved("JPEG")) is None
    assert by_exif(b"no picture") is None


@given(st.text(max_size=60))
def test_any_name_has_a_moment_or_none(name):
    assert by_name(name) is None or by_name(name) > 0 or "19" in name
