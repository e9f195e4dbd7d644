"""What a picture says of itself: its size, which way up it is, when it was taken."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.exif import orientation, taken
from ringfence.headers import admit, header
from tests.unit.files import HEIGHT, READABLE, WIDTH, exif, saved, scans

WHOLE = exif(6, "2022:06:15 08:30:00", "+01:00", "25")


@pytest.mark.parametrize("kind", READABLE)
def test_the_size_is_in_the_header(kind):
    found = header(READABLE[kind])
    assert (found.width, found.height) == (WIDTH, HEIGHT)
    assert found.kind.lower() in kind.lower()


def test_scans_are_counted_as_a_decoder_meets_them():
    """Not in what follows the picture, as a phone's film does, and behind no comment that claims to be its end."""
    assert admit(saved("JPEG") + b"\xff\xda" * 1_000, 10**6)
    assert admit(scans(50), 10**6)
    hidden = scans(200).replace(b"\xff\xda", b"\xff\xfe\x00\x06\xff\xd9\xff\xd9\xff\xda", 1)
    for many in (scans(200), hidden):
        with pytest.raises(ValueError, match="scans"):
            admit(many, 10**6)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_exif_is_found_in_every_kind_that_may_have_it(kind):
    found = header(saved(kind, exif=WHOLE)).exif
    assert orientation(found) == 6
    assert taken(found) == datetime.fromisoformat("2022-06-15T08:30:00.250+01:00")


def test_a_moment_without_a_zone_has_none():
    moment = taken(header(saved("JPEG", exif=exif(taken="2022:06:15 08:30:00"))).exif)
    assert moment == datetime.fromisoformat("2022-06-15T08:30:00")


@pytest.mark.parametrize("text", ["0000:00:00 00:00:00", "2022:13:15 08:30:00", "yesterday"])
def test_a_moment_that_is_none_counts_as_not_there(text):
    assert taken(header(saved("JPEG", exif=exif(taken=text))).exif) is None


@given(st.binary(max_size=200), st.integers(0, 200))
def test_damaged_exif_counts_as_not_there(noise, keep):
    whole = WHOLE.tobytes().removeprefix(b"Exif\0\0")
    for data in (noise, b"II*\0" + noise, b"MM\0*" + noise, whole[:keep] + noise):
        assert 1 <= orientation(data) <= 8
        assert taken(data) is None or taken(data).year
