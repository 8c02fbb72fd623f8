"""Calls that repeat an earlier one: found by what their outcome depends on, and by nothing less."""

from __future__ import annotations

import pytest

from jkeras import backend as K
from jkeras import layers as L
from jkeras.engine.call import recurring


@pytest.fixture
def traced(monkeypatch):
    """How many calls were traced: those noted."""
    monkeypatch.setattr(recurring, "_known", {})
    return recurring._known


def test_blocks_that_repeat_are_traced_once(traced):
    x = L.Input((8, 8, 3))
    for _ in range(3):
        y = L.ReLU(6.0)(L.BatchNormalization()(L.Conv2D(4, 3, padding="same", kernel_initializer="ones")(x)))
        assert y.shape == (None, 8, 8, 4)
    assert len(traced) == 3
    L.Conv2D(4, 3, padding="same", kernel_initializer="zeros", kernel_regularizer="l2", name="other")(x)
    assert len(traced) == 3


@pytest.mark.parametrize(
    "change, shape",
    [
        ({"strides": 2}, (None, 3, 3, 4)),
        ({"padding": "same"}, (None, 8, 8, 4)),
        ({"filters": 5}, (None, 6, 6, 5)),
        ({"data_format": "channels_first"}, (None, 4, 6, 1)),
        ({"activation": "softmax"}, (None, 6, 6, 4)),
    ],
    ids=lambda change: next(iter(change), "") if isinstance(change, dict) else "",
)
def test_what_differs_is_traced_anew(traced, change, shape):
    x = L.Input((8, 8, 3))
    L.Conv2D(filters=4, kernel_size=3)(x)
    assert L.Conv2D(**{"filters": 4, "kernel_size": 3} | change)(x).shape == shape
    assert len(traced) == 2


def test_masks_and_unknown_sizes_count(traced):
    for steps in (4, None):
        plain, masked = L.Input((steps, 3)), L.Masking()(L.Input((steps, 3)))
        plain, masked = (L.Activation("relu")(x) for x in (plain, masked))
        assert plain.shape == masked.shape == (None, steps, 3)
        assert (plain.mask_spec is None, masked.mask_spec is None) == (True, False)
    assert len(traced) == 6


def test_code_of_ones_own_is_always_traced(traced):
    x = L.Input((3,))
    for scale in (1, 2):
        L.Lambda(lambda v, n=scale: K.concatenate([v] * n))(x)
        L.Dense(2, activation=lambda v: v)(x)
        L.Dense(2, activity_regularizer="l2")(x)
        L.TimeDistributed(L.Dense(2))(L.Input((4, 3)))
    assert L.Lambda(lambda v: K.concatenate([v] * 3))(x).shape == (None, 9)
    assert all(key[0] is L.Dense for key in traced)  # the one in TimeDistributed, if any


def test_what_is_known_does_not_grow_without_end(traced, monkeypatch):
    monkeypatch.setattr(recurring, "_most", 3)
    for units in range(1, 9):
        L.Dense(units)(L.Input((3,)))
    assert 0 < len(traced) <= 3
