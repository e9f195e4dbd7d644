"""Patches: cut out straight, at a readable size, and small enough for the wire."""

import cv2
import numpy as np
import pytest

from consumers.ocr.patches import MOST_PATCH_BYTES, encode_patch, rectify
from consumers.ocr.pictures import decode


@pytest.mark.parametrize("size", [(12, 48), (60, 240), (400, 240)])
def test_a_patch_fits_into_3000_bytes(size):
    noise = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    assert 0 < len(encode_patch(noise)) <= MOST_PATCH_BYTES
    assert decode(encode_patch(noise)).ndim == 2


@pytest.mark.parametrize("times", [1, 2, 8])
@pytest.mark.parametrize("turn", [0, 12])
def test_what_lies_between_the_corners_comes_out_upright_at_any_size(times, turn):
    card = np.full((60, 200), 200, np.uint8)
    card[10:30, 20:60], card[30:50, 140:180] = 20, 90
    edges = np.array([[0, 0], [200, 0], [200, 60], [0, 60]], np.float32)
    warp = cv2.getRotationMatrix2D((100, 30), turn, times) + np.array([[0, 0, 120 * times], [0, 0, 80 * times]])
    size = 450 * times, 240 * times
    picture = cv2.warpAffine(card, warp, size, borderValue=120)
    corners = cv2.transform(edges[None], warp)[0].astype(np.float32)
    patch = rectify(picture, corners)
    assert patch.shape == (round(patch.shape[1] * 0.3), patch.shape[1])
    assert 190 <= patch.shape[1] <= 240
    small = cv2.resize(patch, (200, 60), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(small - card)[4:-4, 4:-4].mean() < 6


def test_fine_strokes_of_a_large_plate_do_not_break():
    picture = np.full((900, 3_000), 255, np.uint8)
    picture[:, ::10] = 0  # one pixel in ten: an even gray from afar
    patch = rectify(picture, np.array([[100, 100], [2_900, 100], [2_900, 800], [100, 800]], np.float32))
    assert patch.min() > 180


def test_corners_outside_of_the_picture_are_filled_from_its_edge():
    picture = np.full((100, 2_000), 77, np.uint8)
    corners = np.array([[-300, -50], [2_400, -50], [2_400, 400], [-300, 400]], np.float32)
    assert (rectify(picture, corners) == 77).all()


def test_no_patch_is_taller_than_a_plate_may_be():
    corners = np.array([[5, 0], [6, 0], [6, 390], [5, 390]], np.float32)
    assert rectify(np.zeros((400, 400), np.uint8), corners).shape == (96, 48)
