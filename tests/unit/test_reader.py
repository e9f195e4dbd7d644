"""The reader that ships: our own model, through fast-plate-ocr."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from consumers.ocr.chances import sound
from consumers.ocr.choose import choose
from consumers.ocr.finder import Finder
from consumers.ocr.grammar import NOTHING, Grammar
from consumers.ocr.pictures import decode
from consumers.ocr.reader import CHUNK, OnnxReader, prepare
from consumers.ocr.sight import Sight
from producers.scene import View, render
from producers.traffic import Light, Weather
from ringfence.errors import FileError, ModelError, SettingError

MODELS = Path(__file__).parents[2] / "models"
MODEL = MODELS / "ringfence_plates.onnx"
FINDER = MODELS / "ringfence_finder.onnx"
MARKS = ("LK19ABC", "AB51XYZ", "WD70HAD", "GM20HEW", "PM18ECY", "NF22TNE", "LB18SRP", "KO19DZR")


@pytest.fixture(scope="module")
def reader():
    return OnnxReader(MODEL)


def views():
    for seed in range(48):
        yield View(
            MARKS[seed % 8], rear=bool(seed % 2), green_flash=seed % 5 == 0,
            light=list(Light)[seed % 3], weather=list(Weather)[seed // 3 % 3], blur=seed % 4 * 0.2, seed=seed,
        )  # fmt: skip


@pytest.fixture(scope="module")
def patches():
    found = Finder(FINDER).find([decode(render(view).jpeg) for view in views()])
    return [place.patch for places in found for place in places]


def test_most_plates_in_our_scenes_are_read_right_and_few_wrong(reader):
    right = wrong = 0
    sight = Sight(Finder(FINDER), reader)
    for view in views():
        (seen,) = sight.see([decode(render(view).jpeg)])
        choice = choose([sighting.reading for sighting in seen], 0.8)
        right += choice is not None and seen[choice].reading.vrm == view.vrm
        wrong += choice is not None and seen[choice].reading.vrm != view.vrm
    assert right >= 43
    assert wrong <= 2


def test_a_patch_reads_the_same_whatever_else_is_in_the_batch(reader, patches):
    alone = np.stack([reader.chances([patch])[0] for patch in patches])
    assert len(patches) > 3 * CHUNK
    assert (reader.chances(patches) == alone).all()
    assert (reader.chances(patches[::-1])[::-1] == alone).all()
    assert (reader.chances(patches[3:20]) == alone[3:20]).all()


def test_another_reader_reads_the_same(reader, patches):
    assert (OnnxReader(MODEL).chances(patches) == reader.chances(patches)).all()


@pytest.mark.parametrize("patch", [
    np.zeros((0, 0), np.uint8), np.zeros((5, 0, 3), np.uint8), np.zeros((5, 5, 4), np.uint8), np.zeros((5, 5)),
], ids=["nothing", "no width", "four channels", "no bytes"])  # fmt: skip
def test_what_is_no_picture_reads_as_nothing_and_harms_no_other(reader, patches, patch):
    bad, good, also_bad = reader.chances([patch, patches[0], patch])
    assert (good == reader.chances(patches[:1])[0]).all()
    assert Grammar().decode(bad) == Grammar().decode(also_bad) == NOTHING


@pytest.mark.parametrize("seed", range(8))
def test_noise_and_blank_pass_no_gate(reader, seed):
    rng = np.random.default_rng(seed)
    noise, blank = rng.integers(0, 256, (48, 128), np.uint8), np.full((48, 128), rng.integers(256), np.uint8)
    assert choose(Grammar().decode_all(reader.chances([noise, blank])), 0.8) is None


def test_no_patches_no_readings(reader):
    assert reader.chances([]).shape == (0, 8, 37)


def test_a_missing_model_or_config_is_said(tmp_path):
    with pytest.raises(FileError, match=r"none\.onnx is missing"):
        OnnxReader(tmp_path / "none.onnx")
    shutil.copy(MODEL, tmp_path)
    with pytest.raises(FileError, match=r"plate_config\.yaml is missing"):
        OnnxReader(tmp_path / MODEL.name)


def test_a_damaged_model_is_said(tmp_path):
    shutil.copy(MODELS / "plate_config.yaml", tmp_path)
    (tmp_path / "m.onnx").write_bytes(MODEL.read_bytes()[:50_000])
    with pytest.raises(FileError, match="not a plate model"):
        OnnxReader(tmp_path / "m.onnx")


class Broken:
    """A model's session that fails, or answers otherwise than it should, on what it is told to."""

    def __init__(self, session, fault):
        self.session, self.fault = session, fault

    def run(self, names, feed, options=None):
        return [self.fault(feed["input"], *self.session.run(names, feed, options))]


def broken(fault):
    made = OnnxReader(MODEL)
    made._recognizer.model = Broken(made._recognizer.model, fault)
    return made


def fails_on_white(batch, answer):
    if (batch == 255).all((1, 2, 3)).any():
        raise RuntimeError("out of registers")
    return answer


def no_number_on_white(batch, answer):
    return np.where((batch == 255).all((1, 2, 3))[:, None, None], np.nan, answer.reshape(len(batch), 8, 37))


FAULTS = {
    "no number": lambda _, answer: answer * np.nan,
    "even": lambda _, answer: np.full_like(answer, 1 / 37),
    "always the same": lambda _, answer: np.broadcast_to(answer[:1], answer.shape),
    "another shape": lambda _, answer: answer.reshape(CHUNK, 8, 37)[:, :, :12],
    "no chances but scores": lambda _, answer: answer * 9 - 4,
    "below nothing": lambda _, answer: np.where(answer > 0.5, answer + 1, answer - 1 / 36),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_model_that_answers_madly_is_found_out(fault):
    with pytest.raises(ModelError, match="does not answer as it should: choose another"):
        broken(FAULTS[fault]).check()


@pytest.mark.parametrize("fault", [fails_on_white, no_number_on_white])
def test_a_patch_that_the_model_fails_on_has_no_chances_and_its_neighbours_have(fault, reader, patches, monkeypatch):
    white = np.full((48, 128), 255, np.uint8)
    monkeypatch.setattr("consumers.ocr.reader.prepare", lambda patch, size: patch if patch is white else prepare(patch))
    made = broken(fault)
    given = [patches[0], white, patches[1]]
    chances = made.chances(given)
    assert sound(chances).tolist() == [True, False, True]
    assert (chances[[0, 2]] == reader.chances(patches[:2])).all()
    made.check()


def test_a_model_that_does_not_answer_in_time_is_given_up(patches):
    made = OnnxReader(MODEL)
    made.longest = 0.002
    with pytest.raises(ModelError, match=r"did not answer within 0\.002 s"):
        made.chances(patches * 20)


def test_an_unknown_name_of_the_hub_is_said_with_those_that_there_are():
    with pytest.raises(SettingError, match=r"hub:none is not on the hub; there are .*cct-xs-v1-global-model"):
        OnnxReader(Path("hub:none"))


def test_a_hub_that_cannot_be_reached_is_said(monkeypatch):
    def nobody(name):
        raise OSError("no route to host")

    monkeypatch.setattr("consumers.ocr.reader.hub.download_model", nobody)
    with pytest.raises(FileError, match=r"hub:cct-xs-v1-global-model cannot be fetched .*connect to the internet once"):
        OnnxReader(Path("hub:cct-xs-v1-global-model"))


@pytest.mark.parametrize("mode", ["grayscale", "rgb"])
def test_a_model_of_the_hub_is_read_as_its_config_says(monkeypatch, mode, patches, tmp_path):
    """With our own network in the place of one from the hub, behind a config of the hub's kind."""
    config = (MODELS / "plate_config.yaml").read_text()
    (tmp_path / "hub_config.yaml").write_text(config.replace("keep_aspect_ratio: false", "keep_aspect_ratio: true"))
    monkeypatch.setattr("consumers.ocr.reader.hub.download_model", lambda _: (MODEL, tmp_path / "hub_config.yaml"))
    hub = OnnxReader(Path("hub:cct-xs-v1-global-model"))
    hub._recognizer.config = replace(hub._recognizer.config, image_color_mode=mode)
    crop = hub._prepared(patches[0])
    assert crop.shape == (48, 128, 3 if mode == "rgb" else 1)
    if mode == "grayscale":
        assert sound(hub.chances(patches[:3])).all()


def test_the_model_is_small_and_as_good_as_its_card_says():
    assert MODEL.stat().st_size <= 3_000_000
    report, card = json.loads((MODELS / "evaluation.json").read_text()), (MODELS / "CARD.md").read_text()
    kinds = [report[name] for name in ("by_width", "by_lines", "by_style", "by_condition")]
    for row in [report["all"], report["ninety_pixels_or_more"], *(row for kind in kinds for row in kind.values())]:
        shares = " | ".join(f"{row[name]:.2f}" for name in ("exact", "glyphs", "kept", "right_of_kept"))
        assert f"| {row['crops']:,} | {shares} |" in card
    assert report["all"]["right_of_kept"] >= 99.5
    assert report["without_plate"]["right"] == 100
    assert report["reliability"]["ece"] <= 0.02
