"""Several shots of one passage, one mark."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.ocr.chances import one_hot, sound
from consumers.ocr.fuse import alikeness, best, fuse
from consumers.ocr.grammar import Grammar
from consumers.ocr.sight import Sighting

GRAMMAR = Grammar()
CORNERS, PATCH = np.zeros((4, 2), np.float32), np.zeros((9, 20), np.uint8)


def seen(text, chance=0.98):
    chances = one_hot(text, chance)
    return Sighting(CORNERS, PATCH, GRAMMAR.decode(chances), chances)


def noisy(seed):
    return np.random.default_rng(seed).dirichlet(np.full(37, 0.1), 8).astype(np.float32)


def test_one_shot_is_left_as_it_is():
    chances = one_hot("LK19ABC", 0.9)
    assert fuse([chances]) is chances
    with pytest.raises(ValueError, match="no shots"):
        fuse([])


@given(st.lists(st.integers(0, 999), min_size=2, max_size=6), st.randoms())
def test_what_is_fused_is_sound_and_does_not_depend_on_the_order(seeds, random):
    shots = [noisy(seed) for seed in seeds]
    fused = fuse(shots)
    assert sound(fused[None]).all()
    random.shuffle(shots)
    assert np.allclose(fuse(shots), fused, atol=1e-5)


@given(st.integers(0, 999))
def test_the_same_shot_again_makes_surer_but_less_so_than_an_independent_one_would(seed):
    once = noisy(seed)
    twice, independent = fuse([once, once]).max(-1), once.astype(np.float64) ** 2
    assert (twice >= once.max(-1) - 1e-6).all()
    assert (twice <= (independent / independent.sum(-1, keepdims=True)).max(-1) + 1e-6).all()


@given(st.integers(0, 999), st.integers(0, 999))
def test_alikeness_is_one_for_the_same_and_the_same_both_ways(one, other):
    a, b = noisy(one), noisy(other)
    assert alikeness(a, a) == pytest.approx(1, abs=1e-5)
    assert alikeness(a, b) == pytest.approx(alikeness(b, a), abs=1e-6)
    assert -1e-6 <= alikeness(a, b) <= 1 + 1e-5


def test_nothing_to_read_is_nothing():
    assert best([], GRAMMAR, 0.8) is None
    assert best([[], [seen("")]], GRAMMAR, 0.8) is None


def test_the_surest_shot_says_which_plate_it_is_and_the_others_vote_for_it():
    shots = [[seen("WX70YZF", 0.9), seen("LK19ABC", 0.97)], [seen("LK19ABC", 0.99), seen("WX70YZF", 0.9)], []]
    found = best(shots, GRAMMAR, 0.8)
    assert found.shot == 1
    assert found.sighting.reading.vrm == "LK19ABC"
    assert found.sighting.reading.confidence > shots[1][0].reading.confidence


def test_two_plates_of_one_shot_are_never_fused():
    (one, other) = seen("LK19ABC", 0.99), seen("LK19ABD", 0.98)
    assert best([[one, other]], GRAMMAR, 0.8).sighting is one


def test_two_vehicles_in_a_queue_never_make_a_third_one():
    first, second = one_hot("AB12CDE", 0.97), one_hot("AB12CFG", 0.97)
    # The one is surer of its sixth character, the other of its seventh: each slot by itself says AB12CDG.
    first[6], second[5] = one_hot("AB12CDE", 0.9)[6], one_hot("AB12CFG", 0.9)[5]
    found = best([[Sighting(CORNERS, PATCH, GRAMMAR.decode(c), c)] for c in (first, second)], GRAMMAR, 0.5)
    assert GRAMMAR.decode(fuse([first, second])).vrm == "AB12CDG"
    assert found.sighting.reading.confidence == 0
