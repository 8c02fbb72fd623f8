"""The shell: cells, weights, configs, sharing, errors."""

from __future__ import annotations

import copy
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jkeras.engine.tensors.variable import Variable
from jkeras.optimizers import SGD, Adam, Hyper, Nadam, Optimizer, RMSprop, Step

PARAMS = {"0000/d": {"kernel": np.ones((2, 3), "float32"), "bias": np.zeros(3, "float32")}}


def test_hyperparameters_are_cells_before_and_after_init():
    opt = Adam(lr=0.5)
    lr, iterations = opt.lr, opt.iterations
    assert isinstance(lr, Variable) and lr.name == "Adam/lr:0" and lr.dtype == "float32"
    assert iterations.name == "Adam/iterations:0" and iterations.dtype == "int32"
    opt.lr = 0.25
    opt.init(PARAMS)
    assert opt.lr is lr is opt.state.hyper["lr"] and opt.iterations is iterations is opt.state.iterations
    assert lr.numpy() == 0.25
    opt.iterations = 7
    assert iterations.numpy() == 7


def test_a_cell_takes_its_value_from_another_cell():
    assert SGD(lr=Variable(0.5)).get_config()["lr"] == 0.5


@pytest.mark.parametrize("value", ["0.1", None, [0.1, 0.2], {"a": 1}, lambda step: 0.1])
def test_a_hyperparameter_must_be_a_number(value):
    opt = SGD()
    with pytest.raises(TypeError, match="SGD: lr must be a number; got"):
        opt.lr = value


def test_unknown_keyword_is_named():
    with pytest.raises(
        TypeError, match="Unexpected keyword argument passed to optimizer: momentun. SGD takes lr"
    ):
        SGD(momentun=0.9)
    with pytest.raises(TypeError, match="Unexpected keyword argument passed to optimizer: lr"):
        Optimizer(lr=0.1)


def test_spelling_of_tf_keras():
    assert SGD(learning_rate=0.5).get_config()["lr"] == 0.5


def test_cells_are_flat_and_rebuild_the_state():
    opt = SGD()
    with pytest.raises(RuntimeError, match="SGD has no state yet"):
        opt.cells()
    assert opt.state is None
    binding = opt.init(PARAMS)
    cells, treedef = opt.cells()
    assert all(isinstance(c, Variable) for c in cells)
    state = treedef.unflatten([c.take() for c in cells])
    assert state.slots["velocity"]["0000/d"]["kernel"].shape == (2, 3)
    assert (cells, treedef) == (binding.cells, binding.treedef)
    assert jax.tree.structure(opt.transform().init(PARAMS)) == treedef


def test_weights_keep_the_order_given_not_that_of_the_tree():
    opt = SGD()
    shuffled = jax.jit(lambda p: p)(PARAMS)
    assert list(shuffled["0000/d"]) == ["bias", "kernel"]
    opt.init(shuffled, [("0000/d", "kernel"), ("0000/d", "bias")])
    assert [w.shape for w in opt.get_weights()] == [(), (2, 3), (3,)]
    assert opt.weights[0] is opt.iterations


def test_params_may_be_cells():
    opt = SGD()
    opt.init({"d": {"w": Variable(np.ones(2, "float32"))}})
    assert [w.shape for w in opt.weights] == [(), (2,)]


def test_set_weights_round_trip():
    opt = RMSprop()
    opt.init(PARAMS)
    new = [np.full(w.shape, 2.0 + i, "float32") for i, w in enumerate(opt.get_weights())]
    opt.set_weights(new)
    assert opt.state.slots["square"]["0000/d"]["bias"].numpy().tolist() == [3.0, 3.0, 3.0]
    jax.tree.map(np.testing.assert_array_equal, opt.get_weights(), new)


def test_set_weights_errors_change_nothing():
    opt = SGD()
    with pytest.raises(ValueError, match=r"specified weight list \(1\) .* optimizer \(0\). There are none"):
        opt.set_weights([np.zeros(1)])
    opt.init(PARAMS)
    with pytest.raises(ValueError, match=r"specified weight list \(1\) does not match .* \(3\)\.$"):
        opt.set_weights([np.zeros(1)])
    with pytest.raises(
        ValueError, match=r"Optimizer weight shape \(3,\) not compatible .* \(4,\) \(training/SGD"
    ):
        opt.set_weights([5, np.ones((2, 3)), np.ones(4)])
    assert opt.iterations.numpy() == 0


def test_state_dict_has_what_the_list_of_weights_lacks():
    opt = RMSprop(lr=0.5)
    assert sorted(opt.state_dict()) == ["hyper/decay", "hyper/lr", "hyper/rho", "iterations"]
    opt.init(PARAMS)
    saved = opt.state_dict()
    assert {"iterations", "hyper/lr", "slots/square/0000/d/bias"} < set(saved)
    assert "hyper/m_schedule" in Nadam().state_dict()


def test_load_state_dict_round_trip_and_errors():
    opt = RMSprop(lr=0.5)
    opt.init(PARAMS)
    opt.iterations = 3
    saved = opt.state_dict()
    other = RMSprop()
    with pytest.raises(ValueError, match="does not fit this RMSprop: missing .* not bound to a model"):
        other.load_state_dict(saved)
    other.init(PARAMS)
    other.load_state_dict(saved)
    assert other.iterations.numpy() == 3 and other.get_config()["lr"] == 0.5
    with pytest.raises(ValueError, match=r"missing \['iterations'\], not known \['iteration'\]"):
        other.load_state_dict({("iteration" if k == "iterations" else k): v for k, v in saved.items()})
    with pytest.raises(ValueError, match=r"hyper/lr has shape \(\); the saved array has \(2,\)"):
        other.load_state_dict({**saved, "iterations": 9, "hyper/lr": np.ones(2)})
    assert other.iterations.numpy() == 3


def test_loading_does_not_alias_the_array_given():
    opt = SGD()
    opt.init(PARAMS)
    saved = opt.state_dict()
    opt.load_state_dict(saved)
    saved["slots/velocity/0000/d/bias"][:] = 5
    assert opt.weights[2].numpy().tolist() == [0.0, 0.0, 0.0]


def test_reset_drops_slots_and_keeps_the_rest():
    opt = SGD(lr=0.5)
    opt.init(PARAMS)
    opt.iterations = 4
    opt.reset()
    assert opt.weights == [] and opt.state is None
    assert opt.iterations.numpy() == 4 and opt.lr.numpy() == 0.5


def test_two_models_share_hyperparameters_but_no_slots():
    opt = Adam()
    one, two = opt.init(PARAMS), opt.init({"e": {"w": np.ones(4, "float32")}})
    assert one.state.hyper["lr"] is two.state.hyper["lr"] and one.state.iterations is two.state.iterations
    assert len(opt.weights) == 4
    opt.bind(one)
    assert len(opt.weights) == 7


def test_adam_lists_placeholders_where_keras_does():
    opt = Adam()
    opt.init(PARAMS)
    assert [w.shape for w in opt.get_weights()][-2:] == [(1,), (1,)]
    assert opt.weights[-1].name == "training/Adam/Variable_5:0"


def test_schedule_refuses_to_be_set_and_warns_in_a_config():
    opt = SGD(lr=optax.constant_schedule(0.5))
    with pytest.raises(ValueError, match="SGD/lr:0 follows a schedule"):
        opt.lr = 0.1
    with pytest.warns(UserWarning, match="a schedule is not part of a config"):
        assert opt.get_config()["lr"] == 0.5
    assert not opt.portable and SGD().portable
    opt.init(PARAMS)
    opt.load_state_dict(opt.state_dict())
    with pytest.raises(TypeError, match=r"A schedule is passed when an optimizer is made"):
        SGD().lr = optax.constant_schedule(0.5)


@pytest.mark.parametrize(
    ("schedule", "words"),
    [(optax.adam, "adam makes an optimizer"), (lambda step: jnp.ones(2), "must return one number")],
)
def test_what_is_no_schedule(schedule, words):
    with pytest.raises(ValueError, match=words):
        SGD(lr=schedule)


def test_copies_and_pickles():
    opt = Adam(lr=0.5, clipnorm=1.0)
    opt.init(PARAMS)
    for twin in (copy.deepcopy(opt), pickle.loads(pickle.dumps(opt))):
        assert twin.get_config() == opt.get_config()
        assert twin.lr is twin.state.hyper["lr"] and twin.lr is not opt.lr
        assert len(twin.weights) == 7


class Sign(Optimizer):
    config, slots, lr = ("lr", "power"), ("count",), Hyper()

    def __init__(self, lr=0.01, power=1, **kwargs):
        super().__init__(lr=lr, power=power, **kwargs)

    def rule(h):
        return Step(lambda g, n: (-h.lr * jnp.sign(g) ** h.power, n + 1))


def test_an_optimizer_of_ones_own():
    opt = Sign(lr=0.5, power=3, clipvalue=1.0)
    assert opt.get_config() == {"clipvalue": 1.0, "lr": 0.5, "power": 3}
    binding = opt.init(PARAMS)
    grads = jax.tree.map(lambda p: p - 0.5, PARAMS)
    updates, state = opt.transform().update(
        grads, binding.treedef.unflatten([c.take() for c in binding.cells])
    )
    assert updates["0000/d"]["bias"].tolist() == [0.5, 0.5, 0.5]
    assert state.slots["count"]["0000/d"]["bias"].tolist() == [1.0, 1.0, 1.0]


class Bare(Optimizer):
    pass


def test_without_a_rule_the_error_says_what_to_do():
    with pytest.raises(
        TypeError, match="Bare has no update rule.*`config`, `slots` and `rule`.*`get_updates`"
    ):
        Bare().init(PARAMS)
