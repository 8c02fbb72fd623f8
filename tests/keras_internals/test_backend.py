"""Functions inside Keras's TensorFlow backend."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from jkeras import backend as K
from jkeras.backend import tensorflow_backend as inside
from jkeras.backend import tf
from jkeras.utils import multi_gpu_utils
from jkeras.utils.data_utils import _hash_file


class Device:
    def __init__(self, platform):
        self.platform = platform


def test_devices(monkeypatch):
    monkeypatch.setattr(jax, "devices", lambda: [Device("cpu")])
    assert inside._get_available_gpus() == [] and not inside._has_nchw_support()
    monkeypatch.setattr(jax, "devices", lambda: [Device("cpu"), Device("gpu"), Device("gpu")])
    assert inside._get_available_gpus() == ["/device:GPU:0", "/device:GPU:1"] and inside._has_nchw_support()
    names = multi_gpu_utils._get_available_devices()
    assert names == ["/device:CPU:0", "/device:GPU:0", "/device:GPU:1"]
    assert [multi_gpu_utils._normalize_device_name(n) for n in names] == ["/cpu:0", "/gpu:0", "/gpu:1"]


@pytest.mark.parametrize("rank, order", [(1, "NWC"), (2, "NHWC"), (3, "NDHWC")])
def test_channels_go_last(rank, order, monkeypatch):
    monkeypatch.setattr(jax, "devices", lambda: [Device("cpu")])
    function = getattr(inside, f"_preprocess_conv{rank}d_input")
    x = K.placeholder((2, 3, *range(4, 4 + rank)))
    same, name = function(x, "channels_last")
    assert same is x and name == order
    moved, name = function(x, "channels_first")
    assert K.int_shape(moved) == (2, *range(4, 4 + rank), 3) and name == order


def test_the_rest(tmp_path):
    assert [inside._preprocess_padding(p) for p in ("same", "valid")] == ["SAME", "VALID"]
    with pytest.raises(ValueError, match="Invalid padding: 'causal'"):
        inside._preprocess_padding("causal")
    assert K.dtype(inside._to_tensor([1, 2], "float32")) == "float32"
    assert K.dtype(inside._to_tensor(K.variable([1, 2], dtype="int32"), "float32")) == "float32"
    x = np.array([[1.0], [3.0]], "float32")
    normal, mean, variance = inside._regular_normalize_batch_in_training(K.variable(x), None, None, [0], 0.0)
    assert [K.eval(v).ravel().tolist() for v in (normal, mean, variance)] == [[-1.0, 1.0], [2.0], [1.0]]
    file = tmp_path / "data"
    file.write_text("data")
    assert _hash_file(file, "md5") == "8d777f385d3dfec8815d20f7496026dc" and len(_hash_file(file)) == 64


def test_tensorflow_is_missing_where_it_is_used():
    """As in spektral, whose layers for dense matrices need none of it."""
    assert tf is K.tf is inside.tf
    assert not hasattr(tf, "segment_sum")
    with pytest.raises(AttributeError, match=r"K\.tf\.segment_sum: there is no TensorFlow here"):
        tf.segment_sum([1.0, 2.0], [0, 1])
