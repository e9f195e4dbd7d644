"""Which of a frame's readings becomes the read."""

from consumers.ocr.choose import Choice, choose, settled
from consumers.ocr.reader import Reading


def test_the_surest_reading_wins() -> None:
    chosen = choose([Reading("LK19ABC", 0.91), Reading("LK19ABD", 0.97)], 80)
    assert chosen == Choice(1, "LK19ABD", "LK19ABD", 97, False)


def test_a_mark_that_fits_the_grammar_goes_before_a_surer_one_that_does_not() -> None:
    chosen = choose([Reading("TAXI7XX8", 0.99), Reading("LK19ABC", 0.85)], 80)
    assert chosen is not None
    assert chosen.vrm == "LK19ABC"


def test_a_part_of_a_plate_goes_after_the_whole() -> None:
    chosen = choose([Reading("19ABC", 0.99), Reading("LK19ABC", 0.85)], 80)
    assert chosen is not None
    assert chosen.index == 1


def test_of_equals_the_likelier_place_wins() -> None:
    chosen = choose([Reading("LK19ABC", 0.9), Reading("LK19ABD", 0.9)], 80)
    assert chosen is not None
    assert chosen.index == 0


def test_a_repair_keeps_the_raw_text() -> None:
    assert choose([Reading("LKI9ABC", 0.9)], 80) == Choice(0, "LK19ABC", "LKI9ABC", 90, True)


def test_below_the_gate_is_no_read() -> None:
    assert choose([Reading("LK19ABC", 0.7999)], 80) is None
    assert choose([Reading("LK19ABC", 0.80)], 80) is not None


def test_nothing_and_one_character_are_no_read() -> None:
    assert choose([], 80) is None
    assert choose([Reading("", 0.0), Reading("L", 0.99)], 0) is None


def test_only_a_sure_mark_of_the_current_style_is_settled() -> None:
    assert settled(Reading("LKI9ABC", 0.9), 80)
    assert not settled(Reading("LK19ABC", 0.79), 80)
    assert not settled(Reading("19ABC", 0.99), 80)  # it may be the end of LK19ABC
