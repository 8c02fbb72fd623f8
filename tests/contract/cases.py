"""One row for each layer: how to make it and what to feed it. Every contract test runs over all rows."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from jkeras import layers as L
from jkeras.core import random
from jkeras.models import Sequential
from jkeras.utils import get_custom_objects


class Case(NamedTuple):
    """One layer of the table.

    Args:
        make: builds the layer.
        shapes: of its inputs, without the batch axis.
        kind: of the data, "float" or "index".
        mask: whether the last step is masked.
    """

    make: Any
    shapes: tuple
    kind: str = "float"
    mask: bool = False

    @property
    def name(self) -> str:
        return type(self.make()).__name__ + ("_masked" if self.mask else "")

    def data(self, batch: int = 4, seed: int = 0, dtype="float32"):
        """Input arrays: a list for several inputs."""
        rng = np.random.RandomState(seed)
        arrays = [
            rng.randint(0, 5, (batch, *s)).astype("int32")
            if self.kind == "index"
            else rng.uniform(-1, 1, (batch, *s)).astype(dtype)
            for s in self.shapes
        ]
        if self.mask:
            arrays[0][:, -1] = 0
        return arrays if len(arrays) > 1 else arrays[0]

    @property
    def in_shape(self):
        shapes = [(None, *s) for s in self.shapes]
        return shapes if len(shapes) > 1 else shapes[0]


VECTOR, SEQUENCE, IMAGE, VOLUME = (5,), (4, 3), (5, 6, 3), (4, 5, 4, 2)
NAMED_BY_SHAPE = {
    VECTOR: """
        Dense(3) Activation('tanh') Dropout(0.4) ActivityRegularization(0.1) RepeatVector(3) ReLU() Softmax()
        ELU() LeakyReLU() PReLU() ThresholdedReLU() GaussianNoise(0.3) GaussianDropout(0.3) AlphaDropout(0.3)
        BatchNormalization() LayerNormalization() RMSNormalization() UnitNormalization()
        Identity() Rescaling(0.5,1) Normalization() Discretization([0.],output_mode='one_hot')
        SpectralNormalization(L.Dense(3)) EinsumDense('ab,bc->ac',3,bias_axes='c')""",
    SEQUENCE: """
        Flatten() Reshape((2,-1)) Permute((2,1)) Masking() SpatialDropout1D(0.4) Conv1D(2,3)
        Conv1D(2,2,padding='causal') SeparableConv1D(2,3) Cropping1D(1) UpSampling1D(2) ZeroPadding1D(1)
        MaxPooling1D(2) AveragePooling1D(2) GlobalMaxPooling1D() GlobalAveragePooling1D()
        LocallyConnected1D(2,3) SimpleRNN(3) GRU(3) GRU(3,reset_after=True) LSTM(3)
        Conv1DTranspose(2,3,strides=2) DepthwiseConv1D(2)
        AdaptiveAveragePooling1D(3) AdaptiveMaxPooling1D(3)
        LSTM(3,return_sequences=True) LSTM(3,return_state=True) LSTM(3,dropout=0.2,recurrent_dropout=0.2)
        CuDNNLSTM(3) CuDNNGRU(3) RNN(L.LSTMCell(3)) RNN([L.GRUCell(2),L.SimpleRNNCell(3)])
        TimeDistributed(L.Dense(2)) Bidirectional(L.LSTM(2))
        Bidirectional(L.GRU(2,return_sequences=True),merge_mode='sum')""",
    IMAGE: """
        Conv2D(2,3) Conv2D(2,(2,3),strides=2,padding='same') DepthwiseConv2D(2) SeparableConv2D(2,2)
        Conv2DTranspose(2,3,strides=2) Cropping2D(1) UpSampling2D(2) UpSampling2D(2,interpolation='bilinear')
        ZeroPadding2D(1) MaxPooling2D(2) AveragePooling2D(2) GlobalMaxPooling2D() GlobalAveragePooling2D()
        LocallyConnected2D(2,2) SpatialDropout2D(0.4) BatchNormalization() PReLU(shared_axes=[1,2])
        TimeDistributed(L.Dense(2)) GroupNormalization(1)
        Resizing(3,4) CenterCrop(3,4) RandomFlip() RandomCrop(3,4) RandomRotation(0.1) RandomZoom(0.1)
        RandomTranslation(0.1,0.1) RandomContrast(0.1) RandomBrightness(0.1)
        RandomGrayscale() RandomInvert(0.5) RandomErasing(fill_value=0.5)
        Solarization(0.1,0.5,value_range=(0,1))
        AdaptiveAveragePooling2D((3,4)) AdaptiveMaxPooling2D(2) ConvLSTM1D(2,2)""",
    VOLUME: """
        AdaptiveAveragePooling3D(2) AdaptiveMaxPooling3D((2,3,1))
        Conv3D(2,2) Conv3DTranspose(2,2) Cropping3D(1) UpSampling3D(2) ZeroPadding3D(1) MaxPooling3D(2)
        AveragePooling3D(2) GlobalMaxPooling3D() GlobalAveragePooling3D() SpatialDropout3D(0.4)
        ConvLSTM2D(2,2) ConvRNN2D(L.ConvLSTM2DCell(2,2))""",
}


def _named(call: str, shape) -> Case:
    return Case(lambda: eval(f"L.{call}", {"L": L}), (shape,))


def _small_model():
    return Sequential(
        [
            L.Dense(3, activation="tanh", input_shape=VECTOR, name="a"),
            L.BatchNormalization(name="b"),
        ]
    )


CASES: list[Case] = [
    *(_named(call, shape) for shape, text in NAMED_BY_SHAPE.items() for call in text.split()),
    Case(lambda: L.Embedding(5, 3), ((4,),), kind="index"),
    Case(lambda: L.Embedding(5, 3, mask_zero=True), ((4,),), kind="index"),
    *(
        Case(lambda c=c: c(), (VECTOR, VECTOR))
        for c in (L.Add, L.Subtract, L.Multiply, L.Average, L.Maximum, L.Minimum)
    ),
    Case(lambda: L.Concatenate(), (VECTOR, VECTOR)),
    Case(lambda: L.Dot(1), (VECTOR, VECTOR)),
    Case(lambda: L.CategoryEncoding(5, "count"), ((4,),), kind="index"),
    Case(lambda: L.ReversibleEmbedding(5, 3, tie_weights=False), ((4,),), kind="index"),
    Case(lambda: L.MultiHeadAttention(2, 3, dropout=0.2), (SEQUENCE, SEQUENCE)),
    Case(lambda: L.GroupQueryAttention(3, 4, 2), (SEQUENCE, SEQUENCE)),
    Case(lambda: L.Attention(use_scale=True, dropout=0.2), (SEQUENCE, SEQUENCE)),
    Case(lambda: L.AdditiveAttention(), (SEQUENCE, SEQUENCE)),
    Case(lambda: L.LSTM(3, return_sequences=True), (SEQUENCE,), mask=True),
    Case(lambda: L.GRU(3), (SEQUENCE,), mask=True),
    Case(lambda: L.Bidirectional(L.SimpleRNN(2)), (SEQUENCE,), mask=True),
    Case(lambda: L.SimpleRNNCell(3), (VECTOR, (3,))),
    Case(lambda: L.GRUCell(3), (VECTOR, (3,))),
    Case(lambda: L.LSTMCell(3, recurrent_dropout=0.2), (VECTOR, (3,), (3,))),
    Case(lambda: L.ConvLSTM2DCell(2, 3, padding="same"), (IMAGE, (5, 6, 2), (5, 6, 2))),
    Case(lambda: L.ConvLSTM3D(2, 2), ((2, 3, 3, 4, 2),)),
    Case(lambda: L.StackedRNNCells([L.GRUCell(2), L.SimpleRNNCell(3)]), (VECTOR, (2,), (3,))),
    Case(lambda: L.Lambda(np_free_square), (VECTOR,)),
    Case(lambda: L.Pure(drawn, multiplied), (VECTOR,)),
    Case(_small_model, (VECTOR,)),
]


def np_free_square(x):
    """A function for the Lambda row."""
    return x * x


def drawn(key, x):
    """The weights of the Pure row."""
    return {"inner": {"w": random.normal(key, (x.shape[-1], 2))}}


def multiplied(params, x):
    """The formula of the Pure row."""
    return x @ params["inner"]["w"]


get_custom_objects().update(drawn=drawn, multiplied=multiplied)

IDS = [f"{i:02d}-{case.name}" for i, case in enumerate(CASES)]
