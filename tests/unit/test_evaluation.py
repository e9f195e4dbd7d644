"""The plate model's evaluation and calibration: what they count, and that a fit makes honest what was not."""

import json
from itertools import pairwise

import numpy as np
import pytest

from consumers.ocr.calibration import Calibration
from consumers.ocr.chances import ALPHABET, one_hot
from consumers.ocr.grammar import NOTHING, Grammar, Reading
from models.calibrate import fit, logistic
from models.evaluate import report
from models.scoring import Case, Truth, band, cases_of, reliability, score, shards, trade
from ringfence.vrm import LAST, classify


def truth(text="LK19ABC", width=100.0, **more):
    style = str(classify(text)) if text else "none"
    return Truth(text, style, width, *({"two_line": False, "source": "drawn", "condition": "plain"} | more).values())


def case(said, confidence, text="LK19ABC", **more):
    return Case(truth(text, **more), Reading(said, said, classify(said), confidence, False) if said else NOTHING)


CASES = [case("LK19ABC", 0.99), case("LK19ABD", 0.97), case("LK19ABC", 0.5), case("", 0.0)]


def test_shares_are_of_plates_and_of_what_is_kept():
    scores = score(CASES, 0.95)
    assert scores == {
        "crops": 4, "exact": 50.0, "folded": 50.0, "glyphs": 50.0, "kept": 50.0, "right_of_kept": 50.0, "wrong": 25.0,
    }  # fmt: skip


def test_a_crop_without_a_plate_is_right_when_nothing_passes():
    empty = [case("", 0.0, ""), case("WWWW", 0.3, ""), case("K1ABC", 0.97, "")]
    made = report([*CASES, *empty], 0.95)
    assert made["without_plate"] == {"crops": 3, "right": 66.67}
    assert made["all"]["crops"] == 4
    assert json.loads(json.dumps(made)) == made


def test_the_trade_counts_what_is_read_where_nothing_is_as_wrong():
    curve = trade([case("LK19ABC", 0.99), case("K1ABC", 0.97, "")])
    assert curve[0] == {"least": 0.0, "kept": 100.0, "wrong_of_kept": 50.0}
    assert next(row for row in curve if row["least"] == 0.98) == {"least": 0.98, "kept": 100.0, "wrong_of_kept": 0.0}
    assert all(one["kept"] >= other["kept"] for one, other in pairwise(curve))


@pytest.mark.parametrize(("width", "name"), [(20, "000 to 45 px"), (90, "090 to 130 px"), (400, "130 px or more")])
def test_widths_fall_into_bands(width, name):
    assert band(case("LK19ABC", 0.9, width=width)) == name


def test_reliability_is_the_gap_between_said_and_true():
    honest = [case("LK19ABC", 0.75)] * 3 + [case("LK19ABD", 0.75)]
    assert reliability(honest)["ece"] == 0
    assert reliability([case("LK19ABD", 0.9)] * 4)["ece"] == pytest.approx(0.9)
    assert reliability([case("", 0.0)]) == {"readings": 0, "ece": 0, "ece_equal": 0, "bins": []}


def test_shards_are_read_with_and_without_conditions(tmp_path):
    columns = {
        "pictures": np.zeros((2, 48, 128), np.uint8), "text": ["LK19ABC", ""], "style": ["current", "none"],
        "width": [100.0, 0.0], "two_line": [False, False], "source": ["drawn", "drawn"],
    }  # fmt: skip
    np.savez(tmp_path / "a.npz", **columns)
    np.savez(tmp_path / "b.npz", **columns, condition=["rain", "plain"])
    one, other = shards([tmp_path])
    assert one.truths == [truth(condition="unknown"), truth("", 0.0, condition="unknown")]
    assert other.truths[0].condition == "rain"
    with pytest.raises(SystemExit, match=r"no \.npz files in .*make some"):
        list(shards([tmp_path / "none"] if (tmp_path / "none").mkdir() is None else []))


def drawn(number, sharpened, seed=1):
    """Plates whose last letters are in doubt: what is true follows the chances; what is said is sharpened."""
    rng = np.random.default_rng(seed)
    chances, truths = np.stack([one_hot("LK19ABC", 0.9999)] * number), []
    for one in chances:
        text = "LK19"
        for slot in (4, 5, 6):
            letters = rng.choice(list(LAST), 3, replace=False)
            shares = rng.dirichlet((4.0, 0.3, 0.1))
            text += str(rng.choice(letters, p=shares))
            one[slot] = 1e-7
            one[slot, [ALPHABET.index(letter) for letter in letters]] = shares
        truths.append(truth(text))
    said = chances.astype(np.float64) ** sharpened
    return (said / said.sum(-1, keepdims=True)).astype(np.float32), truths


@pytest.mark.parametrize("sharpened", [1.0, 1.7, 0.75])
def test_a_reader_that_is_too_sure_or_not_sure_enough_becomes_honest(sharpened):
    made = fit(*drawn(3_000, sharpened), odds=5.0)
    chances, truths = drawn(6_000, sharpened, seed=2)
    before = reliability(cases_of(chances, truths, Grammar()))
    after = reliability(cases_of(chances, truths, Grammar(made)))
    assert after["ece_equal"] <= 0.02
    assert sharpened == 1.0 or before["ece_equal"] > 2 * after["ece_equal"]


def test_with_nothing_to_learn_from_a_calibration_changes_nothing():
    assert logistic(np.zeros((0, 5)), np.zeros(0)).tolist() == [1, 1, 0, 0, 0]
    assert Calibration().won == 1
