"""What has no meaning without TensorFlow says what to use instead."""

from __future__ import annotations

import pytest

from jkeras import backend as K
from jkeras.layers import Dense


@pytest.mark.parametrize("call", [K.get_session, lambda: K.set_session(None)])
def test_sessions_name_what_takes_their_place(call):
    with pytest.raises(RuntimeError, match="session.*XLA_PYTHON_CLIENT_MEM_FRACTION.*K.function"):
        call()


def test_clear_session_restarts_names():
    K.clear_session()
    assert Dense(1).name == "dense_1"
    K.clear_session()
    assert Dense(1).name == "dense_1"


def test_name_scopes_are_accepted():
    with K.name_scope("block") as scope, K.name_scope(None, "default", [1]):
        assert scope == "block" and Dense(1).name.startswith("dense_")


def test_what_is_accepted():
    K.manual_variable_initialization(True)
    assert K.backend() == "jax"


def test_function_takes_no_arguments_of_a_session():
    x = K.placeholder((None, 2))
    with pytest.raises(ValueError, match="feed_dict.*no session"):
        K.function([x], [x], feed_dict={})
    K.set_learning_phase(1)
    try:
        with pytest.raises(TypeError, match="takes symbolic tensors as inputs; got 1.*leave it out"):
            K.function([x, K.learning_phase()], [x])
    finally:
        K.clear_session()
