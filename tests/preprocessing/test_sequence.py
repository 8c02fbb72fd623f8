"""Sequences made ready for a model, as recorded from Keras 2.2.4."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

from jkeras.core.types import Batch
from jkeras.preprocessing import image, sequence, text
from jkeras.training.data.samples import Samples
from jkeras.training.data.stream import Stream
from jkeras.training.data.workers import Supply
from jkeras.utils import Sequence, normalize, to_categorical
from tests import golden

DTYPES = Batch(["int32"], ["int32"], [])
CASES = golden.json("preprocessing")["cases"]


def numbered(name):
    return [pytest.param(case, id=str(i)) for i, case in enumerate(CASES[name])]


def check(case, function):
    """What `function` gives for the arguments of a case is what was recorded, its errors too."""
    if "error" in case:
        with pytest.raises(ValueError) as caught:
            function(**case["args"])
        assert str(caught.value) == case["message"]
    else:
        np.testing.assert_allclose(function(**case["args"]), case["result"], rtol=1e-12)


@pytest.mark.parametrize("case", numbered("pad_sequences"))
def test_pad_sequences(case):
    check(case, sequence.pad_sequences)


@pytest.mark.parametrize("case", numbered("make_sampling_table"))
def test_make_sampling_table(case):
    check(case, sequence.make_sampling_table)


@pytest.mark.parametrize("case", numbered("skipgrams"))
def test_skipgrams(case):
    args = dict(case["args"])
    random.seed(args.pop("_python_random_seed_before"))
    couples, labels = sequence.skipgrams(**args)
    assert {"couples": couples, "labels": labels} == case["result"]


def test_skipgrams_keep_words_as_the_table_says():
    random.seed(5)
    table = sequence.make_sampling_table(6, 0.1)
    couples, labels = sequence.skipgrams([1, 2, 3, 4, 5, 1, 2], 6, 1, 0.5, True, False, table)
    assert couples == [[2, 1], [5, 4], [5, 1], [2, 1]] and labels == [1, 1, 1, 0]  # Keras's


def test_remove_long_seq():
    (case,) = CASES["remove_long_seq"]
    assert list(sequence._remove_long_seq(**case["args"])) == case["result"]


@pytest.mark.parametrize("case", numbered("TimeseriesGenerator"))
def test_timeseries_generator(case):
    args = dict(case["args"])
    n = args.pop("n")
    args.update(data=np.arange(float(n)).reshape(-1, 1), targets=np.arange(n) * 10)
    if "error" in case:
        with pytest.raises(ValueError) as caught:
            sequence.TimeseriesGenerator(**args)
        assert str(caught.value) == case["message"]
        return
    series = sequence.TimeseriesGenerator(**args)
    assert isinstance(series, Sequence) and len(series) == case["result"]["len"]
    for (x, y), (x_there, y_there) in zip(series, case["result"]["batches"], strict=True):
        assert x.tolist() == x_there and y.tolist() == y_there


def test_windows_drawn_at_random():
    np.random.seed(3)
    series = sequence.TimeseriesGenerator(list(range(20)), list(range(20)), 2, shuffle=True, batch_size=4)
    x, y = series[0]
    assert y.tolist() == [12, 5, 10, 2] and x[:, -1].tolist() == [11, 4, 9, 1]  # Keras's


def fed(series, workers=1, start=0):
    """The batches that `fit` takes in two epochs, or from one of the second on."""
    stream = Stream(series, None, lambda item: Samples([item[0]], [item[1]], []), DTYPES, Supply(workers))
    turns = [(0, 0), (1, 0)] if start == 0 else [(1, start)]
    found = [s for epoch, at in turns for s in stream.batches(7, epoch, at, last=epoch == 1)]
    stream.close()
    return [(s.x[0].tolist(), s.y[0].tolist()) for s in found]


def test_windows_drawn_at_random_depend_on_their_place_in_the_run():
    series = [
        sequence.TimeseriesGenerator(np.arange(40), np.arange(40), 2, shuffle=True, batch_size=8)
        for _ in range(3)
    ]
    assert len(series[0]) == 5
    state = np.random.get_state()[1].copy()
    whole = fed(series[0])
    assert fed(series[1], workers=3) == whole and fed(series[2], start=2) == whole[7:]
    assert len({str(batch) for batch in whole}) == 10
    assert all(x == [[t - 2, t - 1] for t in y] for x, y in whole)
    np.testing.assert_array_equal(np.random.get_state()[1], state)


def test_a_series_comes_back_from_json():
    series = sequence.TimeseriesGenerator(
        np.arange(30.0),
        np.arange(30),
        4,
        sampling_rate=2,
        stride=3,
        start_index=2,
        reverse=True,
        batch_size=3,
    )
    text = series.to_json(indent=1)
    assert json.loads(text)["class_name"] == "TimeseriesGenerator"
    again = sequence.timeseries_generator_from_json(text)
    assert again.get_config() == series.get_config() and len(again) == len(series)
    np.testing.assert_array_equal(again[1][0], series[1][0])
    with pytest.raises(TypeError, match="Targets not JSON Serializable"):
        sequence.TimeseriesGenerator([1, 2, 3], [1, 2, object()], 1).to_json()


@pytest.mark.parametrize("name", ["length", "stride", "batch_size", "sampling_rate"])
def test_steps_that_are_none(name):
    with pytest.raises(ValueError, match=f"`{name}` should be at least 1"):
        sequence.TimeseriesGenerator(**{"data": [1] * 9, "targets": [1] * 9, "length": 2, name: 0})


def test_numbers_too_large_wrap_around_as_they_did():
    assert sequence.pad_sequences([[300, -1], [2]], dtype="uint8", value=-1).tolist() == [[44, 255], [255, 2]]


def test_padding_of_strings_and_of_nothing():
    words = sequence.pad_sequences([["a"], ["bc", "d"]], dtype=object, value="", padding="post")
    assert words.tolist() == [["a", ""], ["bc", "d"]]
    assert sequence.pad_sequences([[1, 2]], maxlen=0).shape == (1, 0)
    assert sequence.pad_sequences([], maxlen=3).shape == (0, 3)
    with pytest.raises(ValueError, match="`maxlen` must be given"):
        sequence.pad_sequences([])
    with pytest.raises(ValueError, match="You should set `dtype=object`"):
        sequence.pad_sequences([["a"]], value="pad")
    with pytest.raises(ValueError, match="sequence at position 1 is different from expected shape"):
        sequence.pad_sequences([[[1, 2]], [[1, 2, 3]]])
    with pytest.raises(ValueError, match="must be iterable"):
        sequence.pad_sequences(iter([[1]]))


STEPS = ("length", "sampling_rate", "stride", "start_index", "end_index", "batch_size")
TEXT_FOR_NUMBERS = [
    lambda: sequence.pad_sequences([[1]], maxlen="2"),
    lambda: sequence.pad_sequences([[1]], maxlen=-1),
    lambda: sequence.pad_sequences([[1]], maxlen=1.5),
    lambda: sequence.make_sampling_table("10"),
    lambda: sequence.make_sampling_table(10, "0.1"),
    lambda: sequence.skipgrams([1, 2], "3"),
    lambda: sequence.skipgrams([1, 2], 3, window_size="1"),
    lambda: sequence.skipgrams([1, 2], 3, negative_samples="1"),
    *(lambda k=k: sequence.TimeseriesGenerator(ROWS, ROWS, **{"length": 2, k: "2"}) for k in STEPS),
    lambda: to_categorical([1], "3"),
    lambda: normalize([1.0], "0"),
    lambda: text.one_hot("a b", "5"),
    lambda: text.Tokenizer(num_words="5"),
    lambda: image.ImageDataGenerator(rescale="1/255"),
    lambda: image.ImageDataGenerator(validation_split="0.1"),
    lambda: image.ImageDataGenerator().flow(np.zeros((2, 4, 4, 3)), batch_size="2"),
    lambda: image.random_rotation(np.zeros((4, 4, 3)), "20"),
]
ROWS = np.arange(9)


@pytest.mark.parametrize("call", TEXT_FOR_NUMBERS, ids=range(len(TEXT_FOR_NUMBERS)))
def test_text_in_the_place_of_a_number_is_named(call):
    with pytest.raises(ValueError, match=r"`\w+` should be a (whole )?number"):
        call()
