"""The few numbers beside the model."""

import pytest

from consumers.ocr.calibration import Calibration, load
from consumers.ocr.eyes import calibration_of
from ringfence.errors import FileError
from ringfence.settings import Settings


def test_it_is_read_from_its_file(tmp_path):
    path = tmp_path / "calibration.json"
    path.write_text('{"temperature": 1.5, "offset": -0.2}')
    assert load(path) == Calibration(temperature=1.5, offset=-0.2)


@pytest.mark.parametrize("text", ["", "[]", '{"temperature": 0}', '{"won": -1}', '{"unheard": 1}', '{"odds": "five"}'])
def test_what_is_no_calibration_is_said(tmp_path, text):
    path = tmp_path / "calibration.json"
    path.write_text(text)
    with pytest.raises(FileError, match=r"calibration\.json is no calibration"):
        load(path)


def test_a_model_without_one_is_refused_but_for_one_from_the_hub(tmp_path):
    with pytest.raises(FileError, match=r"calibration\.json is missing"):
        calibration_of(Settings(model=tmp_path / "plates.onnx"))
    assert calibration_of(Settings(model="hub:cct-xs-v1-global-model")) == Calibration()


def test_the_one_that_ships_is_sound():
    assert calibration_of(Settings()).odds > 1
