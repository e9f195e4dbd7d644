"""What a working reader can say, and what none can."""

import numpy as np
import pytest

from consumers.ocr.chances import blank, one_hot, sound


@pytest.mark.parametrize(
    "chances",
    [
        one_hot("LK19ABC"),
        one_hot("LK19ABC", 0.3),
        blank(1)[0],
        one_hot("LK19ABC", 0.9, 9),
    ],
)
def test_what_a_reader_says_is_sound(chances):
    assert sound(chances[None]).all()


@pytest.mark.parametrize("chances", [
    np.full((8, 37), np.nan), np.full((8, 37), 1 / 37), np.zeros((8, 37)), np.full((8, 37), np.inf),
    one_hot("LK19ABC") * 2, one_hot("LK19ABC") - 1 / 37, np.where(one_hot("A") > 0, np.nan, 0),
], ids=["no number", "even", "nothing", "without end", "twice", "below nothing", "some no number"])  # fmt: skip
def test_what_no_reader_can_say_is_not(chances):
    assert not sound(chances[None].astype(np.float32)).any()
    both = np.stack([one_hot("LK19ABC"), chances.astype(np.float32)])
    assert sound(both).tolist() == [True, False]
