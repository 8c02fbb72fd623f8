"""Metrics with a state against recordings of Keras 3: results after each of several ragged batches."""

import functools

import jax
import numpy as np

from jkeras import metrics
from tests import golden

RECORDED = golden.json("keras3/metrics")
DATA = {name: np.array(value, "float32") for name, value in RECORDED["data"].items()}
CASES, CUTS = RECORDED["cases"], RECORDED["cuts"]


def made(case):
    return getattr(metrics, case["name"])(**case["args"])


def batches(data, case, weighted):
    for a, b in CUTS:
        weight = {"sample_weight": data["weight"][a:b]} if weighted else {}
        yield [data[key][a:b] for key in (case["y_true"], case["y_pred"]) if key], weight


def results(data, case, weighted):
    """The results as pure functions of the variables."""
    metric = made(case)
    with_state = functools.partial(metric.update_state)
    first, _ = next(batches(data, case, weighted))
    jax.eval_shape(lambda *pair: with_state(*pair) or 0, *first)  # some make their variables then
    metric.reset_state()
    state, found = metric.stateless_reset_state(), []
    for pair, weight in batches(data, case, weighted):
        state = metric.stateless_update_state(state, *pair, **weight)
        found.append(metric.stateless_result(state))
    return found


def test_results_are_those_of_keras_3():
    kinds = [(case, kind) for case in CASES for kind in ("results", "weighted") if kind in case]
    run = lambda data: [results(data, case, kind == "weighted") for case, kind in kinds]  # noqa: E731
    every = jax.jit(run)
    for (case, kind), found in zip(kinds, every(DATA), strict=True):
        for ours, theirs in zip(found, case[kind], strict=True):
            told = f"{case['name']} {case['args']} {kind}"
            np.testing.assert_allclose(ours, np.array(theirs), rtol=3e-5, atol=2e-6, err_msg=told)


def test_configs_are_those_of_keras_3():
    for case in CASES:
        metric = made(case)
        config = metric.get_config()
        assert {k: v for k, v in config.items() if k != "name"} == case["config"], case["name"]
        again = metrics.deserialize(metrics.serialize(metric))
        assert type(again) is type(metric) and again.get_config() == config
