"""Which of a frame's readings becomes the read."""

import pytest

from consumers.ocr.choose import choose, per_cent, settled
from consumers.ocr.grammar import NOTHING, Reading
from ringfence.vrm import classify


def reading(vrm, confidence, raw=None):
    return Reading(vrm, raw or vrm, classify(vrm), confidence, raw is not None)


def test_the_surest_reading_wins():
    assert choose([reading("LK19ABC", 0.91), reading("LK19ABD", 0.97)], 0.8) == 1


def test_a_mark_that_fits_the_grammar_goes_before_a_surer_one_that_does_not():
    assert choose([reading("TAXI7XX8", 0.99), reading("LK19ABC", 0.85)], 0.8) == 1


def test_a_part_of_a_plate_goes_after_the_whole():
    assert choose([reading("19ABC", 0.99), reading("LK19ABC", 0.85)], 0.8) == 1


def test_of_equals_the_likelier_place_wins():
    assert choose([reading("LK19ABC", 0.9), reading("LK19ABD", 0.9)], 0.8) == 0


def test_below_the_least_confidence_is_no_read():
    assert choose([reading("LK19ABC", 0.7999)], 0.8) is None
    assert choose([reading("LK19ABC", 0.80)], 0.8) == 0


def test_nothing_and_one_character_are_no_read():
    assert choose([], 0.0) is None
    assert choose([NOTHING, reading("L", 0.99)], 0.0) is None


def test_only_a_sure_mark_of_the_current_style_is_settled():
    assert settled(reading("LK19ABC", 0.9), 0.8)
    assert not settled(reading("LK19ABC", 0.79), 0.8)
    assert not settled(reading("19ABC", 0.99), 0.8)  # it may be the end of LK19ABC


@pytest.mark.parametrize(("confidence", "shown"), [(0.0, 0), (0.999, 99), (1.0, 100)])
def test_a_confidence_is_shown_in_whole_per_cent_rounded_down(confidence, shown):
    assert per_cent(reading("LK19ABC", confidence)) == shown


def test_a_short_mark_goes_after_a_longer_one_that_it_may_be_a_part_of():
    assert choose([reading("1AB", 0.96), reading("BAB1234", 0.99)], 0.95) == 1
