"""Every function of K against Keras 2.2.4: on arrays within `jax.jit`, and on symbolic tensors."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from jkeras import backend as K
from jkeras.core.dispatch import Symbolic
from tests import golden
from tests.backend.cases import FAMILIES, INPUTS, REFUSED
from tests.backend.record import leaves

# Where nothing is known of the first axis, as in a model: of tensors, not of kernels and biases.
BATCHES = ("m34", "n34", "t234", "u234", "q2345", "image", "image_first", "series", "volume", "steps", "h24")


def run(expression: str, operands: dict) -> list:
    return leaves(eval(expression, {"K": K, "np": np, **operands}))


def check(family: str, found: list[list]):
    """Compare the values of a family's expressions with the recorded ones."""
    with np.load(golden.path("backend.npz")) as recorded:
        for number, (expression, values) in enumerate(zip(FAMILIES[family], found, strict=True)):
            wanted = [recorded[f"{family}/{number}/{part}"] for part in range(len(values))]
            assert f"{family}/{number}/{len(values)}" not in recorded, expression
            for value, one in zip(values, wanted, strict=True):
                half = 1e-2 if one.dtype == np.float16 else 0  # TensorFlow computes in float16 throughout
                np.testing.assert_allclose(value, one, rtol=2e-5 + half, atol=2e-6 + half, err_msg=expression)
                assert np.shape(value) == one.shape, expression
                assert np.dtype(value.dtype).kind == one.dtype.kind, expression


@pytest.mark.parametrize("family", FAMILIES)
def test_arrays(family):
    def values(operands):
        return [run(expression, operands) for expression in FAMILIES[family]]

    if family == "makers":  # variables, and what the phase decides, are symbols
        check(family, [[K.eval(v) for v in one] for one in values(INPUTS)])
    else:
        check(family, jax.jit(values)(INPUTS))


@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "makers"])
def test_symbolic_tensors(family):
    operands = {
        name: K.placeholder((None, *x.shape[1:]) if name in BATCHES else x.shape, dtype=x.dtype.name)
        for name, x in INPUTS.items()
    }
    tensors = [run(expression, operands) for expression in FAMILIES[family]]
    flat = [t for one in tensors for t in one]
    assert all(isinstance(t, Symbolic) for t in flat if not isinstance(t, jax.Array))
    values = iter(K.function(list(operands.values()), flat)(list(INPUTS.values())))
    found = [[next(values) for _ in one] for one in tensors]
    check(family, found)
    for tensor, value in zip(flat, (v for one in found for v in one), strict=True):
        static = K.int_shape(tensor)
        assert len(static) == value.ndim
        assert all(a in (None, b) for a, b in zip(static, value.shape, strict=True)), tensor


@pytest.mark.parametrize("expression", REFUSED)
def test_refused(expression):
    with pytest.raises((ValueError, TypeError)) as caught:
        run(expression, INPUTS)
    assert len(str(caught.value)) > 20


@pytest.mark.parametrize("expression", ["m34 + m45", "K.dot(m34, n34)"])
def test_operands_that_do_not_fit(expression):
    """The error names function, dtypes and shapes; None is what is unknown."""
    operands = {k: K.placeholder((None, *v.shape[1:])) for k, v in INPUTS.items() if v.ndim == 2}
    with pytest.raises(ValueError, match=r"(add|dot)\(.*float32\[None, 4\], .*\)"):
        run(expression, operands)
