"""CTC against values recorded from Keras 2.2.4 on TensorFlow 1.15."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from jkeras import backend as K
from tests import golden

CASES = golden.json("ctc")


def arguments(case):
    y = np.asarray(case["y_pred"], "float32")
    return np.asarray(case["y_true"]), y, np.asarray(case["input_length"]), np.asarray(case["label_length"])


@pytest.mark.parametrize("case", CASES)
def test_cost_and_gradient(case):
    y_true, y_pred, steps, counts = arguments(case)

    def total(y):
        cost = K.ctc_batch_cost(y_true, y, steps, counts)
        return cost.sum(), cost

    grad, cost = jax.jit(jax.grad(total, has_aux=True))(y_pred)
    np.testing.assert_allclose(cost, case["cost"], rtol=1e-5)
    np.testing.assert_allclose(grad, case["grad"], rtol=1e-4, atol=1e-4)


# In case 1 TensorFlow's narrow beams (numbers 2 and 3) lose continuations: see the search below.
@pytest.mark.parametrize(
    "case, number", [(c, n) for c in range(3) for n in range(4) if (c, n) not in ((1, 2), (1, 3))]
)
def test_decode(case, number):
    _, y_pred, steps, _ = arguments(CASES[case])
    wanted = CASES[case]["decode"][number]
    paths, log_prob = K.ctc_decode(
        y_pred, steps[:, 0], wanted["greedy"], wanted["beam_width"], wanted["top_paths"]
    )
    assert [p.tolist() for p in paths] == wanted["paths"]
    np.testing.assert_allclose(log_prob, wanted["log_prob"], rtol=1e-5)


def prefix_search(log_p, width):
    """Prefix beam search over a dictionary: {prefix: log probabilities of ending in a blank, in a label}."""
    beam = {(): (0.0, -np.inf)}
    for x in log_p:
        grown: dict = {}

        def add(prefix, blank, label, grown=grown):
            old = grown.get(prefix, (-np.inf, -np.inf))
            grown[prefix] = (np.logaddexp(old[0], blank), np.logaddexp(old[1], label))

        for prefix, (blank, label) in beam.items():
            total = np.logaddexp(blank, label)
            add(prefix, total + x[-1], label + x[prefix[-1]] if prefix else -np.inf)
            for c in range(len(x) - 1):
                add((*prefix, c), -np.inf, x[c] + (blank if prefix and prefix[-1] == c else total))
        beam = dict(sorted(grown.items(), key=lambda item: -np.logaddexp(*item[1]))[:width])
    return [(prefix, np.logaddexp(*ends)) for prefix, ends in beam.items()]


@pytest.mark.parametrize("width", [3, 5])
def test_narrow_beams(width):
    _, y_pred, steps, _ = arguments(CASES[1])
    paths, log_prob = K.ctc_decode(y_pred, steps[:, 0], False, width, 2)
    for row in range(len(y_pred)):
        p = np.log(y_pred[row, : steps[row, 0]] + K.epsilon())
        p -= np.log(np.exp(p).sum(-1, keepdims=True))
        for path, score, (prefix, wanted) in zip(paths, log_prob[row], prefix_search(p, width), strict=False):
            merged = [c for i, c in enumerate(prefix) if i == 0 or c != prefix[i - 1]]
            assert [c for c in path[row].tolist() if c >= 0] == merged
            np.testing.assert_allclose(score, wanted, rtol=1e-4)


@pytest.mark.parametrize("case", CASES)
def test_dense_to_sparse(case):
    y_true, _, _, counts = arguments(case)
    found = K.ctc_label_dense_to_sparse(y_true, counts[:, 0])
    assert found.indices.tolist() == case["sparse"]["indices"]
    assert found.values.tolist() == case["sparse"]["values"]
    assert list(found.dense_shape) == case["sparse"]["shape"]


def test_on_symbolic_tensors():
    case = CASES[0]
    y_true, y_pred, steps, counts = arguments(case)
    time, categories = y_pred.shape[1:]
    y, labels = K.placeholder((None, time, categories)), K.placeholder((None, y_true.shape[1]))
    n, m = K.placeholder((None, 1), dtype="int32"), K.placeholder((None, 1), dtype="int32")
    cost = K.ctc_batch_cost(labels, y, n, m)
    assert K.int_shape(cost) == (None, 1)
    found = K.function([labels, y, n, m], [cost])([y_true, y_pred, steps, counts])[0]
    np.testing.assert_allclose(found, case["cost"], rtol=1e-5)

    lengths = K.placeholder((None,), dtype="int32")
    for number in (0, 2):
        wanted = case["decode"][number]
        paths, log_prob = K.ctc_decode(
            y, lengths, wanted["greedy"], wanted["beam_width"], wanted["top_paths"]
        )
        *found, score = K.function([y, lengths], [*paths, log_prob])([y_pred, steps[:, 0]])
        np.testing.assert_allclose(score, wanted["log_prob"], rtol=1e-5)
        for path, one in zip(found, wanted["paths"], strict=True):
            assert path.shape == y_pred.shape[:2]  # as wide as there are time steps
            assert path[:, : len(one[0])].tolist() == one and (path[:, len(one[0]) :] == -1).all()


def test_labels_that_do_not_fit():
    y_pred = np.full((1, 2, 3), 1 / 3, "float32")
    cost = K.ctc_batch_cost([[1, 1]], y_pred, [[2]], [[2]])  # needs a blank between the two
    assert np.isinf(cost).all()
    assert np.isfinite(K.ctc_batch_cost([[1, 0]], y_pred, [[2]], [[2]])).all()


def test_refusals():
    with pytest.raises(ValueError, match="top_paths=3 must lie between 1 and beam_width=2"):
        K.ctc_decode(np.ones((1, 2, 3)), [2], greedy=False, beam_width=2, top_paths=3)
    with pytest.raises(TypeError, match="ctc_batch_cost takes the dense labels"):
        K.ctc_label_dense_to_sparse(K.placeholder((None, 2)), [1])
