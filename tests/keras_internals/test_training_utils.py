"""The functions of `engine.training_utils`; what is expected comes from a run of Keras 2.2.4."""

from __future__ import annotations

import numpy as np
import pytest

from jkeras import backend as K
from jkeras import losses
from jkeras.engine import training, training_arrays, training_generator
from jkeras.engine import training_utils as utils

A, B, V = np.ones((4, 3, 3)), np.ones((3, 4)), np.ones(5)


def test_the_modules_of_keras_share_them():
    assert training.standardize_weights is utils.standardize_weights
    assert training_arrays.make_batches is utils.make_batches
    assert training_generator.iter_sequence_infinite is utils.iter_sequence_infinite


@pytest.mark.parametrize(
    "data, names, shapes",
    [
        (V, ["x"], [(5, 1)]),
        ([V, B], ["x", "y"], [(5, 1), (3, 4)]),
        (None, ["x", "y"], [None, None]),
        ([], [], []),
        ({"x": V, "y": B}, ["y", "x"], [(3, 4), (5, 1)]),
        ([[1, 2], [3, 4]], ["x", "y"], [(2, 1), (2, 1)]),
        ([1.0, 2.0], ["x"], [(2, 1)]),
    ],
    ids=["array", "list", "none", "nothing", "dict", "lists", "numbers"],
)
def test_input_data(data, names, shapes):
    found = utils.standardize_input_data(data, names)
    assert [None if a is None else a.shape for a in found] == shapes


@pytest.mark.parametrize(
    "data, names, shapes, words",
    [
        ([V], [], None, "expected no data"),
        ({"x": V}, ["y"], None, 'No data provided for "y"'),
        ([V, V], ["x"], None, r"Expected to see 1 array\(s\)"),
        ([V], ["x", "y"], None, r"Expected to see 2 array\(s\)"),
        (B, ["x"], [(None, 5)], r"expected x to have shape \(None, 5\) but got array with shape \(3, 4\)"),
        (B, ["x"], [(7, 4)], r"shape \(7, 4\)"),
        (A, ["x"], [(None, 4)], "expected x to have 2 dimensions"),
    ],
    ids="none key many few size batch rank".split(),
)
def test_input_data_that_does_not_fit(data, names, shapes, words):
    with pytest.raises(ValueError, match=words):
        utils.standardize_input_data(data, names, shapes, exception_prefix="input")


def test_input_data_without_a_look_at_the_batch_and_tensors():
    assert utils.standardize_input_data(B, ["x"], [(7, 4)], check_batch_axis=False)[0] is B
    known = K.placeholder((2, 3))
    assert utils.standardize_input_data(known, ["x"], [(9, 9)]) == [known]
    with pytest.raises(ValueError, match="static batch size"):
        utils.standardize_input_data(K.placeholder((None, 3)), ["x"])


@pytest.mark.parametrize(
    "given, names, found",
    [
        (None, ["a"], [None]),
        ([], ["a", "b"], [None, None]),
        ([1], ["a"], [1]),
        ({"a": 2}, ["a"], [2]),
        ({0: 2}, ["a"], [{0: 2}]),
        ([1, 2], ["a", "b"], [1, 2]),
        ({"b": 1}, ["a", "b"], [None, 1]),
    ],
    ids="none empty list name class lists names".split(),
)
def test_weights_by_output(given, names, found):
    assert utils.standardize_class_weights(given, names) == found
    assert utils.standardize_sample_weights(given, names) == found


def test_weights_by_output_that_do_not_fit():
    with pytest.raises(ValueError, match="a list of 1 elements, but the model has 2"):
        utils.standardize_class_weights([1], ["a", "b"])
    with pytest.raises(TypeError, match="either a list or a dict"):
        utils.standardize_sample_weights(np.ones(2), ["a", "b"])


LABELS, ONE_HOT, STEPS = np.array([[0], [2], [1]]), np.eye(3)[[2, 0]], np.ones((2, 3, 1))
BY_CLASS = {0: 1.0, 1: 2.0, 2: 3.0}


@pytest.mark.parametrize(
    "y, kwargs, found",
    [
        (LABELS, {}, [1.0, 1.0, 1.0]),
        (LABELS, {"class_weight": BY_CLASS}, [1.0, 3.0, 2.0]),
        (ONE_HOT, {"class_weight": BY_CLASS}, [3.0, 1.0]),
        (STEPS, {"sample_weight_mode": "temporal"}, [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]),
        (STEPS, {"sample_weight_mode": "temporal", "sample_weight": 2 * STEPS[..., 0]}, [[2.0] * 3] * 2),
    ],
    ids="ones labels one_hot temporal given".split(),
)
def test_weights(y, kwargs, found):
    assert utils.standardize_weights(y, **kwargs).tolist() == found


def test_sample_weights_win():
    with pytest.warns(UserWarning, match="Found both"):
        assert utils.standardize_weights(LABELS, np.arange(3), {0: 1.0}).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "y, kwargs, words",
    [
        (LABELS, {"class_weight": {0: 1.0}}, r"The classes \{1, 2\} exist in the data"),
        (STEPS, {"class_weight": {0: 1.0}}, r"not supported for 3\+ dimensional targets"),
        (LABELS, {"sample_weight_mode": "temporal"}, "at least 3D"),
        (LABELS, {"sample_weight_mode": "other"}, "Found: other"),
        (LABELS, {"sample_weight": np.ones((3, 1))}, "has to be 1D"),
        (LABELS, {"sample_weight": np.ones(2)}, "cannot be broadcast"),
    ],
    ids="class rank temporal mode sample length".split(),
)
def test_weights_that_do_not_fit(y, kwargs, words):
    with pytest.raises(ValueError, match=words):
        utils.standardize_weights(y, **kwargs)


@pytest.mark.parametrize(
    "arrays, fits",
    [
        ((None, None, None), True),
        ((A, A, A), True),
        (([A, A], [A, A], [A]), True),
        (([None], [None], [None]), True),
        (([], [A], [A]), True),
        (([A], [A], []), True),
        ((A, None, None), False),
        ((A, A, None), False),
        (([A], [None], None), False),
        (([A], [B], None), False),
        (([A], None, [B]), False),
        (([A, B], [A], [A]), False),
        (([A], [A], [B]), False),
    ],
    ids=lambda value: value if isinstance(value, bool) else "",
)
def test_lengths(arrays, fits):
    if fits:
        assert utils.check_array_length_consistency(*arrays) is None
    else:
        with pytest.raises(ValueError, match="same number of samples"):
            utils.check_array_length_consistency(*arrays)


def test_losses_and_targets():
    check, cross = utils.check_loss_and_target_compatibility, losses.categorical_crossentropy
    check([A, None], [losses.mean_squared_error, losses.hinge], [(None, None, 3), (1,)])
    check([A], [losses.mean_absolute_error], [(4, 9)])
    with pytest.raises(ValueError, match="expects targets to have the same shape as the output"):
        check([A], [cross], [(4, 3, 6)])
    with pytest.raises(ValueError, match="to_categorical"):
        check([np.ones((4, 1))], [cross], [(4, 1)])


def test_metrics_by_output():
    collect = utils.collect_metrics
    assert [collect(m, ["a", "b"]) for m in (None, ["x"], {"a": "y"}, {"b": ["y", "z"]})] == [
        [[], []],
        [["x"], ["x"]],
        [["y"], []],
        [[], ["y", "z"]],
    ]
    with pytest.raises(TypeError, match="Expected a list or dictionary"):
        collect("x", ["a"])


def test_batches():
    np.random.seed(0)
    assert utils.batch_shuffle(np.arange(11), 4).tolist() == [4, 5, 6, 7, 0, 1, 2, 3, 8, 9, 10]
    assert utils.make_batches(10, 4) == [(0, 4), (4, 8), (8, 10)] and utils.make_batches(0, 4) == []
    endless = utils.iter_sequence_infinite([1, 2])
    assert [next(endless) for _ in range(5)] == [1, 2, 1, 2, 1]


@pytest.mark.parametrize(
    "weights, mask, value",
    [(None, None, 3.0), ([1.0, 0.0, 3.0], None, 8.5), (None, [1.0, 1.0, 0.0], 2.0)]
    + [([1.0, 0.0, 3.0], [1.0, 1.0, 0.0], 1.5)],
    ids="plain weighted masked both".split(),
)
def test_weighted_masked_objective(weights, mask, value):
    objective = utils.weighted_masked_objective(losses.mean_absolute_error)
    y_true, y_pred = K.zeros((3, 2)), K.variable([[1.0, 3.0], [2.0, 2.0], [5.0, 5.0]])
    given = (x if x is None else K.variable(x) for x in (weights, mask))
    assert K.eval(objective(y_true, y_pred, *given)) == value
    assert utils.weighted_masked_objective(None) is None


def test_number_of_samples():
    count = utils.check_num_samples
    assert [count([A], 32), count([], None, 2), count([1.0], 3)] == [4, None, None]
    assert count([K.placeholder((2, 3))], None, 3) is None
    for wrong, words in (((["x"], 2, 2), "must be None"), (([], 3), "symbolic tensors")):
        with pytest.raises(ValueError, match=words):
            count(*wrong)
