"""The swap benchmark finds what must not be: a batch under an order that was not given yet, or no longer under it."""

import pytest

from benchmarks.swap import Given, delays_of, firsts
from ringfence.errors import BooksError

GIVEN = {7: Given(1_000, 2_000), 8: Given(5_000, 6_000)}


def test_an_order_takes_effect_with_the_first_batch_under_it():
    decided = [(500, 7), (3_000, 8), (4_000, 8), (3_500, 8), (9_000, 9)]
    assert firsts(decided) == {7: 500, 8: 3_000, 9: 9_000}
    assert delays_of(firsts(decided), GIVEN) == [1.0, 3.0]


def test_an_order_may_take_effect_before_its_acknowledgement_but_not_before_it_is_given():
    assert delays_of({8: 1_500, 9: 6_000}, GIVEN) == [-0.5, 0.0]
    with pytest.raises(BooksError, match="offset 7 before"):
        delays_of({8: 999, 9: 6_000}, GIVEN)
    with pytest.raises(BooksError, match="offset 8 before"):
        delays_of({8: 3_000, 9: 4_999}, GIVEN)


def test_an_order_that_no_batch_was_under_is_found():
    with pytest.raises(BooksError, match="offset 8 did not"):
        delays_of({8: 3_000}, GIVEN)


@pytest.mark.parametrize("decided", [[(1, 8), (2, 7)], [(1, 7), (1, 8)]], ids=["undone", "a mixture"])
def test_a_step_back_and_a_mixture_are_found(decided):
    with pytest.raises(BooksError, match="both obeyed"):
        firsts(decided)
