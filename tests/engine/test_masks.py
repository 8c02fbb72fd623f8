"""Where a mask ends: what a layer's `compute_mask` says counts, whatever its `call` hands on.

The answers are those of Keras 2.2.4, from a run of the same layers.
"""

from __future__ import annotations

import numpy as np
import pytest

from jkeras import backend as K
from jkeras.layers import (
    GRU,
    Activation,
    Add,
    Bidirectional,
    Conv1D,
    Dense,
    Dropout,
    Embedding,
    GlobalAveragePooling1D,
    Input,
    Lambda,
    Layer,
    Masking,
    Permute,
    TimeDistributed,
    Wrapper,
)
from jkeras.models import Model, Sequential


def embedding():
    return Embedding(9, 3, mask_zero=True)


def indices():
    return Input((4,))


def masked():
    return embedding()(indices())


def bare():
    return Lambda(lambda v: v)(masked())


def has_mask(tensor) -> bool:
    return tensor.mask_spec is not None


class Own(Layer):
    def __init__(self, supports=False, function=lambda v: v):
        super().__init__()
        self.function, self.supports_masking = function, supports

    def call(self, v):
        return self.function(v)


class Stops(Own):
    def compute_mask(self, v, mask=None):
        return None


class Several(Own):
    def call(self, v):
        return [v, v * 2]


class SecondOnly(Several):
    def compute_mask(self, v, mask=None):
        return [None, mask]


class NativeStops(Activation):
    def compute_mask(self, v, mask=None):
        return None


class NativePasses(Conv1D):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.supports_masking = True


class NativeSays(NativePasses):
    def compute_mask(self, v, mask=None):
        return mask


class OwnMasking(Masking):
    def call(self, v):
        return super().call(v) + 1


class OwnPooling(GlobalAveragePooling1D):
    def call(self, v, mask=None):
        return K.repeat(super().call(v, mask=mask), 4)


def inner_model(layer):
    x = Input((4, 3))
    return Model(x, layer(x))


def told(layer):
    layer.supports_masking = True
    return layer


class OwnWrapper(Wrapper):
    """Builds and calls the inner layer itself, and asks it for the mask, as wrappers of other people do."""

    def build(self, input_shape=None):
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True
        super().build()

    def call(self, v):
        return self.layer.call(v)

    def compute_mask(self, v, mask=None):
        return self.layer.compute_mask(v, mask)


OUTPUTS = {
    "Lambda identity": (lambda: bare(), False),
    "Lambda first of several": (lambda: Lambda(lambda v: v[0])([masked(), bare()]), False),
    "Lambda of several": (lambda: Lambda(lambda v: [v, v])(masked())[0], False),
    "Lambda mask=None": (lambda: Lambda(lambda v: v, mask=None)(masked()), False),
    "Lambda mask=function": (lambda: Lambda(lambda v: v, mask=lambda v, m: m)(masked()), True),
    "Lambda mask=function that stops": (lambda: Lambda(lambda v: v, mask=lambda v, m: None)(masked()), False),
    "own identity": (lambda: Own()(bare()), False),
    "own identity, supports": (lambda: Own(True)(masked()), True),
    "own compute_mask": (lambda: Stops(True)(masked()), False),
    "inner embedding": (lambda: Own(False, embedding())(indices()), False),
    "inner embedding, supports": (lambda: Own(True, embedding())(indices()), False),
    "inner masking": (lambda: Own(True, Masking())(bare()), False),
    "inner dense": (lambda: Own(True, Dense(3))(masked()), True),
    "first of two": (lambda: Own(True, lambda v: v[0])([masked(), bare()]), True),
    "second of two": (lambda: Own(True, lambda v: v[1])([masked(), bare()]), True),
    "second of two, masked": (lambda: Own(True, lambda v: v[1])([bare(), masked()]), False),
    "several, first": (lambda: Several(True)(masked())[0], True),
    "several, stopped": (lambda: SecondOnly(True)(masked())[0], False),
    "several, second": (lambda: SecondOnly(True)(masked())[1], True),
    "nested model": (lambda: inner_model(Activation("linear"))(masked()), True),
    "nested model with identity": (lambda: inner_model(Lambda(lambda v: v))(masked()), False),
    "nested model in own": (lambda: Own(True, inner_model(Lambda(lambda v: v)))(masked()), True),
    "sequential": (lambda: Sequential([Lambda(lambda v: v, input_shape=(4, 3))])(masked()), False),
    "time distributed own": (lambda: TimeDistributed(Own())(bare()), False),
    "time distributed Lambda": (lambda: TimeDistributed(Lambda(lambda v: v))(masked()), True),
    "time distributed embedding": (lambda: TimeDistributed(embedding())(Input((4, 3))), True),
    "native with compute_mask": (lambda: NativeStops("linear")(masked()), False),
    "native with compute_mask that passes": (lambda: NativeSays(3, 1)(masked()), True),
    "native that is told to support": (lambda: NativePasses(3, 1)(masked()), True),
    "instance that is told to support": (lambda: told(Permute((1, 2)))(masked()), True),
    "time distributed native": (lambda: TimeDistributed(NativeStops("linear"))(bare()), False),
    "own Masking": (lambda: OwnMasking()(bare()), True),
    "own pooling": (lambda: OwnPooling()(masked()), False),
    "own wrapper, dense": (lambda: OwnWrapper(Dense(3))(masked()), True),
    "own wrapper, recurrent": (lambda: OwnWrapper(GRU(3))(masked()), False),
    "own wrapper, sequences": (lambda: OwnWrapper(GRU(3, return_sequences=True))(masked()), True),
    "own wrapper, both ways": (
        lambda: OwnWrapper(Bidirectional(GRU(3, return_sequences=True)))(masked()),
        True,
    ),
    "own wrapper, pooling": (lambda: OwnWrapper(GlobalAveragePooling1D())(masked()), False),
    "own wrapper, masking": (lambda: OwnWrapper(Masking())(bare()), True),
    "own wrapper, embedding": (lambda: OwnWrapper(embedding())(indices()), True),
    "own wrapper, model": (lambda: OwnWrapper(inner_model(Activation("linear")))(masked()), True),
    "own wrapper, model with identity": (
        lambda: OwnWrapper(inner_model(Lambda(lambda v: v)))(masked()),
        False,
    ),
    "bidirectional": (lambda: Bidirectional(GRU(2, return_sequences=True))(masked()), True),
    "mask by hand": (lambda: GRU(2, return_sequences=True)(bare(), mask=mask_of_indices()), False),
    "mask by hand, wrapped": (lambda: TimeDistributed(Dense(2))(bare(), mask=mask_of_indices()), False),
    "mask by hand, own": (lambda: TakesMask(True)(bare(), mask=mask_of_indices()), False),
    "mask by hand on masked": (lambda: GRU(2, return_sequences=True)(masked(), mask=mask_of_indices()), True),
}


class TakesMask(Own):
    def call(self, v, mask=None):
        assert mask is not None
        return v


def mask_of_indices():
    return Lambda(lambda v: K.not_equal(v, 0))(indices())


@pytest.mark.parametrize("case", OUTPUTS)
def test_output(case):
    make, wanted = OUTPUTS[case]
    assert has_mask(make()) is wanted


def test_a_mask_that_a_layer_does_not_support_is_refused_also_where_it_holds_layers():
    class Declared(Own):
        def compute_output_shape(self, shape):
            return shape

    for layer in (Own(False), Own(False, Dense(3)), Declared(False), OwnWrapper(Conv1D(3, 1))):
        with pytest.raises(TypeError, match="does not support masking"):
            layer(masked())


class Probe(Layer):
    supports_masking = True

    def call(self, v, mask=None):
        self.found = mask is not None
        return v


class Inside(Layer):
    """Hands its masked input through a function to an inner layer."""

    supports_masking = True

    def __init__(self, function):
        super().__init__()
        self.function, self.probe = function, Probe()

    def call(self, v):
        self.probe(self.function(v))
        return v


INSIDE = {
    "itself": (lambda v: v, True),
    "cast to its own dtype": (lambda v: K.cast(v, "float32"), True),
    "identity": (K.identity, False),
    "reshape": (lambda v: K.reshape(v, (-1, 4, 3)), False),
    "permute": (lambda v: K.permute_dimensions(v, (0, 1, 2)), False),
    "times 1": (lambda v: v * 1, False),
    "Lambda": (lambda v: Lambda(lambda q: q)(v), False),
    "Activation": (lambda v: Activation("linear")(v), True),
    "Dropout": (lambda v: Dropout(0.0)(v), True),
    "call of a layer": (lambda v: Activation("tanh").call(v), False),
    "merge": (lambda v: Add()([v, v]), True),
    "model": (lambda: inner_model(Activation("linear")), True),
    "model with identity": (lambda: inner_model(Lambda(lambda q: q)), False),
    "masked by hand only": (lambda v: Probe()(v * 1, mask=v[..., 0] > 0), False),
}


@pytest.mark.parametrize("case", INSIDE)
def test_inside_of_a_call(case):
    function, wanted = INSIDE[case]
    layer = Inside(function() if case.startswith("model") else function)
    layer(masked())
    assert layer.probe.found is wanted


def test_a_model_that_is_made_anew_by_each_run_of_a_call_is_refused():
    with pytest.raises(ValueError, match="symbolic"):
        Inside(lambda v: inner_model(Activation("tanh"))(v))(masked())


def test_a_layer_inside_marks_its_output_not_its_input():
    class Marks(Layer):
        def call(self, v):
            return v

        def compute_mask(self, v, mask=None):
            return v[..., 0] > 0

    class Both(Layer):
        def __init__(self):
            super().__init__()
            self.marks, self.after, self.before = Marks(), Probe(), Probe()

        def call(self, v):
            self.after(self.marks(v))
            return self.before(v)

    layer = Both()
    layer(Input((4, 3)))
    assert layer.after.found and not layer.before.found


def test_a_recurrent_subclass_that_drops_the_mask_computes_without():
    class Dropping(GRU):
        def call(self, v, mask=None):
            return super().call(v)

    class Keeping(GRU):
        def call(self, v, mask=None):
            return super().call(v, mask=mask)

    x = np.array([[1, 2, 0, 0]])

    def repeats(cls):
        indices, table = Input((4,)), np.ones((9, 3))
        y = cls(2, return_sequences=True)(Embedding(9, 3, mask_zero=True, weights=[table])(indices))
        assert has_mask(y)
        steps = Model(indices, y).predict(x)[0]
        return np.array_equal(steps[1], steps[3])

    assert repeats(Keeping) and not repeats(Dropping)


def test_the_loss_counts_the_steps_after_an_identity():
    i = Input((4,))
    table = np.arange(27.0).reshape(9, 3)
    model = Model(i, Lambda(lambda v: v)(Embedding(9, 3, mask_zero=True, weights=[table])(i)))
    model.compile("sgd", "mse")
    x = np.array([[1, 2, 0, 0], [3, 0, 4, 5]])
    assert model.evaluate(x, np.zeros((2, 4, 3)), verbose=0) == pytest.approx(np.mean(table[x] ** 2))


@pytest.mark.parametrize(
    "make, wanted",
    [
        (lambda: GRU(2), False),
        (lambda: Bidirectional(GRU(2)), False),
        (lambda: Bidirectional(GRU(2, return_sequences=True)), True),
        (lambda: Bidirectional(GRU(2, return_sequences=True), merge_mode=None), [True, True]),
        (
            lambda: Bidirectional(GRU(2, return_sequences=True, return_state=True)),
            [True, False, False],
        ),
        (lambda: Embedding(5, 2), False),
        (lambda: GlobalAveragePooling1D(), False),
        (lambda: TimeDistributed(Dense(2)), True),
    ],
)
def test_compute_mask_of_built_in_layers(make, wanted):
    layer = make()
    layer.build((None, 3, 4))
    mask = layer.compute_mask(np.zeros((2, 3, 4)), np.array([[True, False, True]] * 2))
    found = [m is not None for m in mask] if isinstance(mask, list) else mask is not None
    assert found == wanted


def test_a_subclassed_model_has_no_mask_of_its_own():
    class Whole(Model):
        def __init__(self):
            super().__init__()
            self.inner = embedding()

        def call(self, v):
            return self.inner(v)

    assert not has_mask(Whole()(indices()))
