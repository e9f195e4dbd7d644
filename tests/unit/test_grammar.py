"""What a plate says: exact against brute force, within the grammar, and no surer than it may be."""

import time
from itertools import product
from math import log

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from consumers.ocr.calibration import Calibration
from consumers.ocr.chances import ALPHABET, FLOOR, TWINS, blank, one_hot
from consumers.ocr.grammar import NOTHING, RIVAL, Grammar
from ringfence.vrm import FORMS, PATTERNS, Style, classify

VALID = st.one_of(*(st.from_regex(pattern, fullmatch=True) for pattern in PATTERNS.values()))
ANY = st.text(st.sampled_from(ALPHABET[:-1]), min_size=2, max_size=8)
GLYPHS = str.maketrans("OI", "01")
SEEDS = st.integers(0, 2**32 - 1)
decode = Grammar().decode


def noisy(seed, number=1, spread=0.05):
    return np.random.default_rng(seed).dirichlet(np.full(37, spread), (number, 8)).astype(np.float32)


@given(VALID)
def test_a_plate_read_for_sure_says_what_it_says(mark):
    reading = decode(one_hot(mark, 0.9999))
    assert reading.vrm.translate(GLYPHS) == mark.translate(GLYPHS)
    assert reading.style is classify(reading.vrm) is not Style.FOREIGN_OR_UNKNOWN
    assert reading.confidence > 0.99
    assert not reading.repaired


@given(VALID)
def test_where_a_reader_is_sure_which_twin_it_is_and_both_fit_it_is_believed(mark):
    assert decode(one_hot(mark)).vrm == mark


@given(VALID, st.lists(st.booleans(), min_size=8, max_size=8))
def test_twins_are_told_apart_by_their_place_alone(mark, swapped):
    assume(not RIVAL.fullmatch(mark))
    other = {"0": "O", "O": "0", "1": "I", "I": "1"}
    raw = "".join(other.get(c, c) if swap else c for c, swap in zip(mark, swapped, strict=False))
    reading = decode(one_hot(raw, 0.9999))
    assert reading.style is not Style.FOREIGN_OR_UNKNOWN
    assert reading.vrm.translate(GLYPHS) == mark.translate(GLYPHS)
    assert (reading.raw, reading.repaired) == (raw, raw != reading.vrm)


@given(ANY)
def test_a_foreign_plate_read_for_sure_is_not_bent(text):
    reading = decode(one_hot(text, 0.995))
    if reading.style is Style.FOREIGN_OR_UNKNOWN:
        assert reading.vrm == text
    else:
        assert reading.vrm.translate(GLYPHS) == text.translate(GLYPHS)


@given(SEEDS, st.floats(0.01, 1.0))
def test_nothing_comes_out_that_the_grammar_forbids(seed, spread):
    for reading in Grammar().decode_all(noisy(seed, 16, spread)):
        assert reading.style is Style.FOREIGN_OR_UNKNOWN or PATTERNS[reading.style].fullmatch(reading.vrm)
        assert 0 <= reading.confidence <= 1
        assert "_" not in reading.vrm + reading.raw
        assert reading.repaired == (reading.vrm != reading.raw)


def brute(chances, odds):
    """By trying every text that the reader thinks possible: the best mark, the best text, and the mark's share."""
    pooled = chances.astype(float)
    for one, other in TWINS:
        pooled[:, [one, other]] = pooled[:, [one, other]].sum(1, keepdims=True)
    slots = [[c for c in range(37) if row[c] > FLOOR] for row in pooled]
    marks, texts = {}, {}
    for places in product(*slots):
        spelt = "".join(ALPHABET[c] for c in places).rstrip("_")
        chance = float(np.prod(pooled[np.arange(8), places]))
        if classify(spelt) is not Style.FOREIGN_OR_UNKNOWN:
            marks[spelt] = chance
        if "_" not in spelt:
            texts[spelt] = chance
    weight = 1 + (odds - 1) * (sum(marks.values()) + texts.get("", 0.0))
    mark = max(marks, key=marks.__getitem__, default=None)
    return mark, max(texts.values()), odds * marks[mark] / weight if mark else 0.0, marks


@settings(max_examples=40, deadline=None)
@given(SEEDS, VALID)
def test_the_best_mark_and_its_share_are_those_of_brute_force(seed, mark):
    rng = np.random.default_rng(seed)
    chances = np.zeros((8, 37), np.float32)
    for slot, character in enumerate(mark.ljust(8, "_")):
        few = rng.choice(37, 2, replace=False)
        chances[slot, few] = rng.dirichlet((0.6, 0.6)) * 0.5
        chances[slot, ALPHABET.index(character)] += 0.5
    odds = 5.0
    best, text, share, marks = brute(chances, odds)
    reading = Grammar(Calibration(odds=odds)).decode(chances)
    if reading.style is Style.FOREIGN_OR_UNKNOWN:
        assert log(odds * marks[best]) < log(2 * text) + 1e-2
    else:
        assert marks[reading.vrm] == pytest.approx(marks[best], rel=1e-2)
        assert reading.confidence == pytest.approx(share, abs=5e-3)


def test_many_plates_read_as_each_alone():
    chances = noisy(3, 200)
    grammar = Grammar()
    assert [grammar.decode(one) for one in chances] == grammar.decode_all(chances)
    assert grammar.decode_all(chances[:0]) == []


def test_blank_is_nothing_and_so_is_what_is_more_likely_blank_than_a_mark():
    assert Grammar().decode_all(blank(2)) == [NOTHING, NOTHING]
    assert decode(0.6 * one_hot("") + 0.4 * one_hot("LK19ABC")) == NOTHING


def split(text, other, share, rest=0.9999):
    """As sure of one text as of another, but for where they differ: there ``share`` is the second's."""
    return ((1 - share) * one_hot(text, rest) + share * one_hot(other, rest)).astype(np.float32)


def test_a_repair_is_made_where_the_gain_is_great_and_refused_where_it_is_small():
    made = decode(split("LKT9ABC", "LK19ABC", 0.45))
    assert (made.vrm, made.raw, made.repaired) == ("LK19ABC", "LKT9ABC", True)
    refused = decode(split("LKT9ABC", "LK19ABC", 0.1))
    assert (refused.vrm, refused.style, refused.repaired) == ("LKT9ABC", Style.FOREIGN_OR_UNKNOWN, False)


def test_the_confidence_is_of_the_whole_mark_and_not_of_its_weakest_character():
    one_doubt, four_doubts = split("LK19ABC", "LK19ABD", 0.1), split("LK19ABC", "MD28ABC", 0.1)
    assert decode(one_doubt).confidence == pytest.approx(0.9, abs=0.01)
    assert decode(four_doubts).confidence == pytest.approx(0.9**4, abs=0.01)


@pytest.mark.parametrize(("mark", "rival"), [("AB12OCD", "AB120CD"), ("A12OCD", "A120CD")])
def test_where_place_cannot_tell_a_mark_from_a_foreign_one_the_reader_does(mark, rival):
    ours, theirs = (decode(one_hot(text, 0.9999)) for text in (mark, rival))
    assert (ours.vrm, theirs.vrm, theirs.style) == (mark, rival, Style.FOREIGN_OR_UNKNOWN)
    assert min(ours.confidence, theirs.confidence) > 0.98
    torn = decode(split(mark, rival, 0.6))
    assert torn.vrm == mark  # by the odds
    assert torn.confidence < 0.9
    assert decode(split("AB12DCD", "AB12OCD", 0.6)).vrm == "AB12OCD"  # what is no 0 at all has no rival


def test_an_age_that_was_never_issued_is_not_read():
    ages = {"".join(digits) for form in FORMS[Style.CURRENT] for digits in product(form[2], form[3])}
    assert ages == {f"{age:02d}" for age in range(100)} - {"00", "01", "50"}
    assert decode(split("LK50ABC", "LK60ABC", 0.4)).vrm == "LK60ABC"


def test_more_slots_and_a_reader_of_its_own_alphabet_length_are_taken():
    assert Grammar(slots=9).decode(one_hot("LK19ABC", 0.999, 9)).vrm == "LK19ABC"


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), st.booleans(), st.booleans())
def test_a_calibration_keeps_the_order(one, other, foreign, repaired):
    fitted = Calibration(won=0.8, lost=0.9, offset=-0.3, foreign=-0.5, repaired=-0.2)
    low, high = sorted((one, other))
    assert fitted.probability(low, foreign, repaired) <= fitted.probability(high, foreign, repaired)


def test_without_a_calibration_the_share_is_the_probability():
    assert Calibration().probability(3.0, False, False) == pytest.approx(0.75)


@given(SEEDS, st.floats(1.1, 4.0))
def test_a_temperature_makes_less_sure_and_changes_no_order_of_characters(seed, temperature):
    chances = one_hot("LK19ABC", 0.98)
    assert Grammar(Calibration(temperature=temperature)).decode(chances).confidence < decode(chances).confidence


def test_a_plate_costs_little():
    chances, grammar = noisy(1, 32), Grammar()
    fastest = min(_seconds(lambda: grammar.decode_all(chances)) for _ in range(30))
    assert fastest / 32 < 60e-6  # twice what it takes, for a machine that is busy


def _seconds(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
