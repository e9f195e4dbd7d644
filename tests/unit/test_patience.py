"""A call that never comes back ends in one line; any other ends as it does without a deadline."""

import threading
import time

import pytest

from ringfence.errors import BrokerError, NoAnswerError
from ringfence.patience import within


def test_a_call_that_comes_back_is_made_once():
    made = []
    within(5, made.append, 1)
    assert made == [1]


def test_what_it_raises_is_raised_here():
    def broken():
        raise KeyError("x")

    with pytest.raises(KeyError):
        within(5, broken)


def test_one_that_never_comes_back_is_given_up_and_not_tried_again():
    never, began = threading.Event(), time.monotonic()

    def commit_transaction():
        never.wait(30)

    with pytest.raises(NoAnswerError, match=r"no answer to 'commit transaction' within 0\.1 s") as caught:
        within(0.1, commit_transaction)
    assert time.monotonic() - began < 5
    assert isinstance(caught.value, BrokerError)
    assert not caught.value.retriable
    never.set()
