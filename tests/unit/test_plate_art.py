"""Plates as they are drawn: the legal sizes, the right colours, glyphs that can be told apart."""

from itertools import combinations
from string import ascii_uppercase, digits

import numpy as np
import pytest
from msgspec.structs import replace

from producers.plate_art import GREEN, ONE_LINE, TWO_LINES, WHITE, YELLOW, PlateArt, draw, text_box
from ringfence.vrm import Style

PLAIN = PlateArt("LK19ABC")


def ink(art):
    return draw(art).min(axis=2) < 100


def share(picture, colour):
    return float((np.abs(picture.astype(int) - colour).max(axis=2) < 12).mean())


def test_one_pixel_is_one_millimetre():
    assert draw(PLAIN).shape == (ONE_LINE[1], ONE_LINE[0], 3)
    assert draw(replace(PLAIN, two_line=True)).shape == (TWO_LINES[1], TWO_LINES[0], 3)


def test_front_is_white_and_rear_is_yellow():
    assert share(draw(PLAIN), WHITE) > 0.5
    assert share(draw(replace(PLAIN, rear=True)), YELLOW) > 0.5


def test_a_foreign_plate_is_white_at_both_ends():
    assert share(draw(PlateArt("B7XY123", Style.FOREIGN_OR_UNKNOWN, rear=True)), WHITE) > 0.4


def test_an_old_plate_is_silver_on_black():
    assert draw(PlateArt("ABC123", Style.DATELESS, black=True)).mean() < 110 < draw(PlateArt("ABC123")).mean()


def test_a_green_flash_is_at_the_left_and_nowhere_else():
    picture = draw(replace(PLAIN, green_flash=True))
    assert share(picture[:, :40], GREEN) > 0.5
    assert share(picture[:, 60:], GREEN) == 0
    assert share(draw(PLAIN), GREEN) == 0


@pytest.mark.parametrize("art", [PLAIN, replace(PLAIN, two_line=True), replace(PLAIN, green_flash=True),
                                 PlateArt("ABC1", Style.DATELESS), PlateArt("WWWWWWWW")])  # fmt: skip
def test_the_text_box_holds_all_the_ink(art):
    left, top, right, bottom = text_box(art)
    rows, columns = np.nonzero(ink(art)[:, 45 if art.green_flash else 0 :])
    columns = columns + (45 if art.green_flash else 0)
    assert left - 1 <= columns.min()
    assert columns.max() <= right + 1
    assert top - 1 <= rows.min()
    assert rows.max() <= bottom + 1


def test_only_the_twins_share_a_glyph():
    glyphs = {char: draw(PlateArt(char * 7, Style.FOREIGN_OR_UNKNOWN)).tobytes() for char in ascii_uppercase + digits}
    same = {frozenset(pair) for pair in combinations(glyphs, 2) if glyphs[pair[0]] == glyphs[pair[1]]}
    assert same == {frozenset("O0"), frozenset("I1")}


@pytest.mark.parametrize("mark", ["lk19abc", "LK-19ABC", "ÄB12CDE"])
def test_other_characters_are_refused(mark):
    with pytest.raises(ValueError, match="is not on a plate"):
        draw(PlateArt(mark))
