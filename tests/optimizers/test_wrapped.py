"""Any optax transformation as an optimizer: views, rates, refusals, state."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jkeras.optimizers import SGD, OptaxOptimizer, get
from jkeras.optimizers._state import Scheduled

NAMES = {"0000/first": "first", "0001/last": "last"}


def to_tree(flat):
    return {NAMES[path]: weights for path, weights in flat.items()}


def from_tree(tree):
    return {path: tree[name] for path, name in NAMES.items()}


def fresh():
    return {
        "0000/first": {"kernel": jnp.array([[0.5, -0.25]]), "bias": jnp.zeros(2)},
        "0001/last": {"kernel": jnp.array([[1.0], [2.0]])},
    }


def loss_of(params):
    y = jnp.ones((1, 1)) @ params["0000/first"]["kernel"] + params["0000/first"]["bias"][None]
    return jnp.sum((y @ params["0001/last"]["kernel"] - 3.0) ** 2)


def train(tx, n=4, params=None, saved=None, lr=None):
    """Steps as a trainer takes them; returns the parameters and the optimizer."""
    opt = get(tx)
    if lr is not None:
        opt.lr = lr
    params = params or fresh()
    binding = opt.init(params, None, to_tree, from_tree)
    if saved is not None:
        opt.load_state_dict(saved)
    update = opt.transform(to_tree, from_tree).update

    @jax.jit
    def step(params, state):
        value, grads = jax.value_and_grad(loss_of)(params)
        updates, state = update(grads, state, params, value=value, grad=grads, value_fn=loss_of)
        return optax.apply_updates(params, updates), state

    for _ in range(n):
        cells, treedef = opt.cells()
        params, state = step(params, treedef.unflatten([cell.take(donate=True) for cell in cells]))
        for cell, leaf in zip(cells, binding.treedef.flatten_up_to(state), strict=True):
            cell.put(leaf)
    assert step._cache_size() == 1
    return params, opt


def plain(tx, n=4):
    """The same steps by optax alone, on the tree of names."""
    params = to_tree(fresh())
    tx = optax.with_extra_args_support(tx)
    value_fn = lambda tree: loss_of(from_tree(tree))  # noqa: E731
    state = tx.init(params)

    @jax.jit
    def step(params, state):
        value, grads = jax.value_and_grad(value_fn)(params)
        updates, state = tx.update(grads, state, params, value=value, grad=grads, value_fn=value_fn)
        return optax.apply_updates(params, updates), state

    for _ in range(n):
        params, state = step(params, state)
    return params


def labels(tree):
    return {layer: dict.fromkeys(w, "fast" if layer == "last" else "slow") for layer, w in tree.items()}


TRANSFORMATIONS = {
    "chain": lambda: optax.chain(optax.clip(0.5), optax.sgd(0.1)),
    "adamw_mask": lambda: optax.adamw(0.1, mask=lambda tree: jax.tree.map(lambda p: p.ndim > 1, tree)),
    "adamw_mask_tree": lambda: optax.adamw(
        0.1, mask={"first": {"kernel": True, "bias": False}, "last": {"kernel": True}}
    ),
    "multi_steps": lambda: optax.MultiSteps(optax.adam(0.1), 2).gradient_transformation(),
    "partition": lambda: optax.partition({"fast": optax.sgd(0.1), "slow": optax.adam(0.01)}, labels),
    "schedule": lambda: optax.sgd(optax.cosine_decay_schedule(0.1, 10), momentum=0.9),
    "inject": lambda: optax.inject_hyperparams(optax.adam)(learning_rate=0.1),
    "inject_schedule": lambda: optax.inject_hyperparams(optax.sgd)(
        learning_rate=optax.linear_schedule(0.1, 0.0, 10)
    ),
    "noise": lambda: optax.chain(optax.add_noise(0.01, 0.5, jax.random.key(0)), optax.sgd(0.1)),
    "plateau": lambda: optax.chain(optax.sgd(0.1), optax.contrib.reduce_on_plateau(patience=1)),
    "lbfgs": lambda: optax.lbfgs(),
    "ema": lambda: optax.chain(optax.sgd(0.1), optax.ema(0.9)),
}


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_trains_as_optax_alone(name):
    params, _ = train(TRANSFORMATIONS[name]())
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6),
        to_tree(params),
        plain(TRANSFORMATIONS[name]()),
    )


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_state_round_trip_to_the_bit(name):
    whole, first = train(TRANSFORMATIONS[name](), 4)
    half, second = train(TRANSFORMATIONS[name](), 2)
    saved = second.state_dict()
    assert all(isinstance(v, np.ndarray) and v.dtype != object for v in saved.values())
    resumed, third = train(TRANSFORMATIONS[name](), 2, half, saved)
    jax.tree.map(np.testing.assert_array_equal, resumed, whole)
    jax.tree.map(np.testing.assert_array_equal, third.state_dict(), first.state_dict())
    assert third.iterations.numpy() == 4


def test_the_injected_rate_is_a_cell_before_and_after():
    opt = get(optax.inject_hyperparams(optax.sgd)(learning_rate=0.5))
    cell = opt.lr
    cell.assign(0.0)
    params, _ = train(opt, 2)
    assert opt.lr is cell
    jax.tree.map(np.testing.assert_array_equal, params, fresh())
    opt.lr = 0.25
    assert opt.state.inner.hyperparams["learning_rate"].numpy() == 0.25
    assert "inner/hyperparams/learning_rate" in opt.hyperparams
    assert opt.lr.dtype == "float32"


def test_setting_the_rate_does_not_recompile():
    train(optax.inject_hyperparams(optax.sgd)(learning_rate=0.5), 3, lr=0.125)


def test_the_rate_inside_other_wrappers_is_found():
    tx = optax.MultiSteps(optax.inject_hyperparams(optax.sgd)(learning_rate=0.5), 2)
    assert get(tx).lr.numpy() == 0.5


def test_a_scheduled_rate_refuses_to_be_set():
    opt = get(TRANSFORMATIONS["inject_schedule"]())
    assert isinstance(opt.lr, Scheduled) and abs(opt.lr.numpy() - 0.1) < 1e-7
    opt.init(fresh(), None, to_tree, from_tree)
    with pytest.raises(ValueError, match="inner/hyperparams/learning_rate follows a schedule"):
        opt.lr = 0.5


def test_without_a_rate_it_says_why():
    opt = get(optax.adam(1e-3))
    assert not hasattr(opt, "lr")
    with pytest.raises(AttributeError, match=r"no learning rate that can be read or set.*inject_hyperparams"):
        _ = opt.lr
    with pytest.raises(AttributeError, match="no learning rate"):
        opt.lr = 0.1


def test_several_rates_are_named():
    inject = optax.inject_hyperparams(optax.sgd)
    opt = get(optax.partition({"fast": inject(learning_rate=0.5), "slow": inject(learning_rate=0.1)}, labels))
    opt.init(fresh(), None, to_tree, from_tree)
    with pytest.raises(AttributeError, match="several learning rates .*fast.*slow"):
        _ = opt.lr
    assert len([p for p in opt.hyperparams if p.endswith("learning_rate")]) == 2


def test_a_rate_that_needs_parameters_says_so():
    def init(params):
        return params["first"]

    opt = get(optax.GradientTransformation(init, lambda g, s, p=None: (g, s)))
    with pytest.raises(AttributeError, match="only after it is bound"):
        _ = opt.lr


def test_what_needs_more_than_training_gives_is_refused_before_it():
    def update(updates, state, params=None, *, hessian, **extra):
        return updates, state

    opt = get(optax.GradientTransformationExtraArgs(lambda params: (), update))
    with pytest.raises(TypeError, match="cannot train a model by itself.*missing 1 required.*hessian"):
        opt.init(fresh(), None, to_tree, from_tree)


@pytest.mark.parametrize(
    ("update", "words"),
    [
        (lambda g, s, p=None: (g, {"n": jnp.ones(2)}), "returns state of other shapes.*n: .* became"),
        (lambda g, s, p=None: (g, {"m": s["n"]}), "changes the structure of its state"),
        (lambda g, s, p=None: (jax.tree.map(jnp.sum, g), s), "returns updates of other shapes"),
    ],
)
def test_what_does_not_fit_is_refused(update, words):
    opt = get(optax.GradientTransformation(lambda params: {"n": jnp.zeros(())}, update))
    with pytest.raises(ValueError, match=words):
        opt.init(fresh(), None, to_tree, from_tree)


def test_state_that_drifts_in_dtype_is_held():
    tx = optax.GradientTransformation(
        lambda params: {"n": jnp.float32(0), "weak": jnp.asarray(1.0)},
        lambda g, s, p=None: (g, {"n": jnp.int32(3), "weak": s["weak"] * 2}),
    )
    _, opt = train(tx, 2)
    assert opt.state.inner["n"].dtype == "float32" and opt.state.inner["weak"].numpy() == 4.0


def test_the_state_owns_its_arrays():
    params = fresh()
    opt = get(optax.GradientTransformation(lambda params: params, lambda g, s, p=None: (g, s)))
    opt.init(params, None, to_tree, from_tree)
    mine = opt.state.inner["first"]["kernel"].take()
    assert mine.unsafe_buffer_pointer() != params["0000/first"]["kernel"].unsafe_buffer_pointer()


def test_two_models_share_the_rate():
    opt = get(optax.inject_hyperparams(optax.sgd)(learning_rate=0.5))
    one, two = opt.init(fresh(), None, to_tree, from_tree), opt.init({"d": {"w": jnp.ones(2)}})
    assert one.state.inner.hyperparams["learning_rate"] is two.state.inner.hyperparams["learning_rate"]


@pytest.mark.devices(2)
def test_a_line_search_over_devices_takes_the_steps_of_one_device():
    def share(params, x):
        return jnp.sum((x @ params["d"]["w"] - 1.0) ** 2)

    def run(spread, x, axis=None):
        total = (lambda v: jax.lax.psum(v, axis)) if axis else (lambda v: v)
        opt = get(optax.lbfgs())
        binding, update = opt.init({"d": {"w": jnp.ones(3)}}), opt.transform().update

        def step(params, state, x):
            @jax.custom_vjp
            def loss(params):
                return total(share(params, x))

            def forward(params):
                return total(jax.value_and_grad(share)(params, x))

            loss.defvjp(forward, lambda grads, g: (jax.tree.map(lambda a: a * g, grads),))
            value, grads = forward(params)
            updates, state = update(grads, state, params, value=value, grad=grads, value_fn=loss)
            return optax.apply_updates(params, updates), state

        step, params = spread(step), {"d": {"w": jnp.ones(3)}}
        state = binding.treedef.unflatten([cell.take() for cell in binding.cells])
        for _ in range(3):
            params, state = jax.block_until_ready(step(params, state, x))
        return params["d"]["w"]

    x = jnp.arange(12.0).reshape(4, 3) / 10
    pmap = functools.partial(
        jax.pmap, axis_name="data", in_axes=(None, None, 0), out_axes=None, devices=jax.devices()[:2]
    )
    np.testing.assert_allclose(run(pmap, x.reshape(2, 2, 3), "data"), run(jax.jit, x), rtol=1e-3, atol=1e-4)


def test_weights_and_config():
    _, opt = train(optax.sgd(0.1, momentum=0.9), 1)
    weights = opt.get_weights()
    assert weights[0] == 1 and len(weights) == 4
    opt.set_weights([5, *weights[1:]])
    assert opt.iterations.numpy() == 5 and not opt.portable
    with pytest.raises(ValueError, match="cannot be written down as a config"):
        opt.get_config()


def test_only_transformations_are_wrapped():
    with pytest.raises(TypeError, match="Expected an optax.GradientTransformation"):
        OptaxOptimizer(SGD())
