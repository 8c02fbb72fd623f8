"""Records layers of the real Keras 3: `KERAS_BACKEND=jax python tests/golden/record_keras3_layers.py`.

Writes `later/new_layers.npz.xz` beside itself, in an environment with Keras 3 and what it needs; nothing here
imports jkeras. Of each case: the configuration, inputs, weights, outputs, masks, the gradients of
`sum(output * cos(0, 1, 2, ...))` and what a call in training leaves in the weights.
"""

from __future__ import annotations

import io
import json
import lzma
from pathlib import Path

import jax
import jax.numpy as jnp
import keras
import numpy as np
from keras import layers
from keras.src import backend

TARGET = Path(__file__).parent / "later" / "new_layers.npz.xz"
SEQUENCE, IMAGE = (3, 4, 6), (2, 6, 5, 3)


def case(name, inputs, *, call=None, training=False, masks=None, kind="float", **arguments):
    return dict(
        name=name,
        inputs=inputs,
        call=call or {},
        training=training,
        masks=masks,
        kind=kind,
        arguments=arguments,
    )


def attention(name, inputs, **rest):
    return case(name, inputs, **rest)


Q, V = (2, 4, 6), (2, 5, 6)
HEADS = dict(num_heads=2, key_dim=3)
GROUPED = dict(head_dim=3, num_query_heads=4, num_key_value_heads=2)
CASES = [
    case("LayerNormalization", [SEQUENCE]),
    case("LayerNormalization", [SEQUENCE], epsilon=1e-6, center=False),
    case("LayerNormalization", [IMAGE], axis=[1, 3], scale=False),
    case("LayerNormalization", [IMAGE], axis=-2),
    case("LayerNormalization", [SEQUENCE], masks=[0]),
    case("RMSNormalization", [SEQUENCE]),
    case("RMSNormalization", [IMAGE], axis=[2, 3], epsilon=1e-3),
    case("GroupNormalization", [IMAGE], groups=3),
    case("GroupNormalization", [(2, 6, 5, 4)], groups=2, center=False),
    case("GroupNormalization", [(2, 4, 5)], groups=2, axis=1, scale=False),
    case("GroupNormalization", [IMAGE], groups=-1),
    case("UnitNormalization", [SEQUENCE]),
    case("UnitNormalization", [IMAGE], axis=[1, 2]),
    case("SpectralNormalization", [(3, 4)], layer=("Dense", dict(units=5))),
    case(
        "SpectralNormalization", [(3, 4)], training=True, layer=("Dense", dict(units=5)), power_iterations=3
    ),
    case("SpectralNormalization", [IMAGE], training=True, layer=("Conv2D", dict(filters=4, kernel_size=2))),
    case("MultiHeadAttention", [Q, V], **HEADS),
    case(
        "MultiHeadAttention",
        [Q, V, (2, 5, 7)],
        value_dim=4,
        output_shape=5,
        use_bias=False,
        dropout=0.2,
        **HEADS,
    ),
    case("MultiHeadAttention", [Q, Q], call=dict(use_causal_mask=True), **HEADS),
    case("MultiHeadAttention", [Q, V], call=dict(return_attention_scores=True), **HEADS),
    case("MultiHeadAttention", [Q, V], call=dict(attention_mask="random"), **HEADS),
    case(
        "MultiHeadAttention",
        [Q, V],
        call=dict(attention_mask="random", return_attention_scores=True),
        **HEADS,
    ),
    case("MultiHeadAttention", [Q, Q], call=dict(attention_mask="random", use_causal_mask=True), **HEADS),
    case("MultiHeadAttention", [Q, V], masks=[0, 1], **HEADS),
    case("MultiHeadAttention", [Q, V], masks=[0, 1], call=dict(return_attention_scores=True), **HEADS),
    case("MultiHeadAttention", [Q, V], masks=[1], **HEADS),
    case("MultiHeadAttention", [Q, V, V], masks=[2], call=dict(use_causal_mask=True), **HEADS),
    case("MultiHeadAttention", [Q, Q], sliding_window=2, use_gate=True, **HEADS),
    case("MultiHeadAttention", [Q, Q], dropout=0.3, call=dict(use_causal_mask=True), **HEADS),
    case("MultiHeadAttention", [(2, 3, 4, 6), (2, 3, 5, 6)], attention_axes=2, **HEADS),
    case("MultiHeadAttention", [(2, 3, 4, 6), (2, 3, 5, 6)], **HEADS),
    case("GroupQueryAttention", [Q, V], **GROUPED),
    case("GroupQueryAttention", [Q, Q], call=dict(use_causal_mask=True), **GROUPED),
    case("GroupQueryAttention", [Q, V], call=dict(return_attention_scores=True), masks=[1], **GROUPED),
    case("GroupQueryAttention", [Q, V, V], use_gate=True, sliding_window=3, use_bias=False, **GROUPED),
    case("GroupQueryAttention", [Q, V], masks=[0, 1], **GROUPED),
    case("Attention", [Q, V]),
    case("Attention", [Q, V, (2, 5, 6)], use_scale=True, call=dict(return_attention_scores=True)),
    case("Attention", [Q, V], masks=[0, 1], score_mode="concat", use_scale=True),
    case("Attention", [Q, V], masks=[0, 1], call=dict(use_causal_mask=True)),
    case("Attention", [Q, V], dropout=0.5, score_mode="concat"),
    case("AdditiveAttention", [Q, V]),
    case("AdditiveAttention", [Q, V], masks=[0, 1], use_scale=False),
    case("AdditiveAttention", [Q, V], call=dict(use_causal_mask=True, return_attention_scores=True)),
    case("EinsumDense", [(3, 4)], equation="ab,bc->ac", output_shape=5, bias_axes="c"),
    case(
        "EinsumDense",
        [SEQUENCE],
        equation="abc,cd->abd",
        output_shape=[None, 5],
        bias_axes="d",
        activation="relu",
    ),
    case("EinsumDense", [SEQUENCE], equation="...x,xy->...y", output_shape=5, bias_axes="y"),
    case("EinsumDense", [SEQUENCE], equation="abc,cde->abde", output_shape=[None, 2, 3], bias_axes="de"),
    case("EinsumDense", [SEQUENCE], equation="ab...,bc->ac...", output_shape=5, bias_axes="c"),
    case("EinsumDense", [SEQUENCE], equation="abc,bd->adc", output_shape=[5, 6], bias_axes="d"),
    case("ReversibleEmbedding", [(3, 4)], kind="index", input_dim=5, output_dim=3),
    case("ReversibleEmbedding", [(3, 4, 3)], input_dim=5, output_dim=3, call=dict(reverse=True)),
    case(
        "ReversibleEmbedding",
        [(3, 4, 3)],
        input_dim=5,
        output_dim=3,
        tie_weights=False,
        logit_soft_cap=2.0,
        call=dict(reverse=True),
    ),
    case(
        "ReversibleEmbedding",
        [(3, 4)],
        kind="index",
        input_dim=5,
        output_dim=3,
        tie_weights=False,
        mask_zero=True,
    ),
    case("Conv1DTranspose", [SEQUENCE], filters=3, kernel_size=3, strides=2),
    case(
        "Conv1DTranspose", [SEQUENCE], filters=3, kernel_size=3, strides=2, padding="same", activation="tanh"
    ),
    case("Conv1DTranspose", [SEQUENCE], filters=2, kernel_size=2, dilation_rate=2, use_bias=False),
    case(
        "Conv1DTranspose", [SEQUENCE], filters=2, kernel_size=3, strides=2, output_padding=1, padding="same"
    ),
    case("DepthwiseConv1D", [SEQUENCE], kernel_size=2),
    case(
        "DepthwiseConv1D",
        [(2, 7, 3)],
        kernel_size=3,
        strides=2,
        padding="same",
        depth_multiplier=2,
        activation="tanh",
    ),
    case("DepthwiseConv1D", [(2, 7, 3)], kernel_size=2, dilation_rate=2, use_bias=False),
    case("Identity", [SEQUENCE], masks=[0]),
    case("Rescaling", [IMAGE], scale=1 / 255, offset=-0.5),
    case("Rescaling", [IMAGE], scale=[1.0, 2.0, 3.0], offset=[0.0, 0.5, 1.0]),
    case("Normalization", [SEQUENCE]),
    case("Normalization", [SEQUENCE], mean=[1.0, 2, 3, 4, 5, 6], variance=[1.0, 2, 3, 4, 5, 6]),
    case("Normalization", [SEQUENCE], axis=None, mean=0.5, variance=4.0, invert=True),
    case("Normalization", [SEQUENCE], axis=[1, 2]),
    case("CategoryEncoding", [(3, 4)], kind="index", num_tokens=6),
    case("CategoryEncoding", [(3, 4)], kind="index", num_tokens=6, output_mode="count"),
    case(
        "CategoryEncoding",
        [(3, 4)],
        kind="index",
        num_tokens=6,
        output_mode="count",
        call=dict(count_weights="weights"),
    ),
    case("CategoryEncoding", [(3, 1)], kind="index", num_tokens=6, output_mode="one_hot"),
    case("CategoryEncoding", [(3, 4)], kind="index", num_tokens=6, output_mode="one_hot"),
    case("Discretization", [(3, 4)], bin_boundaries=[-0.5, 0.0, 0.5]),
    case("Discretization", [(3, 4)], bin_boundaries=[-0.5, 0.0, 0.5], output_mode="one_hot"),
    case("Discretization", [(3, 4)], bin_boundaries=[-0.5, 0.0, 0.5], output_mode="multi_hot"),
    case("Discretization", [(3, 4)], bin_boundaries=[-0.5, 0.0, 0.5], output_mode="count"),
    *(
        case("Resizing", [IMAGE], height=4, width=7, interpolation=way)
        for way in ("bilinear", "nearest", "bicubic", "lanczos3")
    ),
    case("Resizing", [IMAGE], height=3, width=2, antialias=True),
    case("Resizing", [IMAGE], height=3, width=6, crop_to_aspect_ratio=True),
    case("Resizing", [IMAGE], height=3, width=6, pad_to_aspect_ratio=True, fill_value=0.5),
    case("Resizing", [IMAGE], height=8, width=3, pad_to_aspect_ratio=True),
    case("Resizing", [(2, 3, 6, 5)], height=4, width=7, data_format="channels_first"),
    case("CenterCrop", [IMAGE], height=4, width=2),
    case("CenterCrop", [IMAGE], height=3, width=2),
    case("CenterCrop", [IMAGE], height=8, width=7),
    *(
        case(name, [IMAGE], **arguments)
        for name, arguments in (
            ("RandomFlip", {}),
            ("RandomRotation", dict(factor=0.2)),
            ("RandomZoom", dict(height_factor=0.2)),
            ("RandomTranslation", dict(height_factor=0.2, width_factor=0.3)),
            ("RandomContrast", dict(factor=0.2)),
            ("RandomBrightness", dict(factor=0.2, value_range=(0, 1))),
        )
    ),
    # In training with a range of one value, which leaves nothing to chance:
    *(
        case("RandomRotation", [IMAGE], training=True, factor=(0.1, 0.1), fill_mode=mode, fill_value=0.3)
        for mode in ("reflect", "constant", "wrap", "nearest")
    ),
    case("RandomRotation", [IMAGE], training=True, factor=(-0.25, -0.25), interpolation="nearest"),
    case("RandomRotation", [(2, 3, 6, 5)], training=True, factor=(0.15, 0.15), data_format="channels_first"),
    case("RandomZoom", [IMAGE], training=True, height_factor=(0.3, 0.3), width_factor=(-0.2, -0.2)),
    case("RandomZoom", [IMAGE], training=True, height_factor=(-0.3, -0.3), fill_mode="constant"),
    case("RandomTranslation", [IMAGE], training=True, height_factor=(0.2, 0.2), width_factor=(-0.3, -0.3)),
    case(
        "RandomTranslation",
        [IMAGE],
        training=True,
        height_factor=(0.5, 0.5),
        width_factor=(0.1, 0.1),
        fill_mode="constant",
    ),
    case("RandomContrast", [IMAGE], training=True, factor=(0.0, 0.0), value_range=(0, 0.5)),
    case("RandomBrightness", [IMAGE], training=True, factor=(0.3, 0.3), value_range=(0, 1)),
    case("RandomCrop", [IMAGE], training=True, height=6, width=3),
    *(
        case(f"Adaptive{kind}Pooling{rank}D", [(2, 7, 5, 4)[: rank + 1] + (3,)], output_size=size)
        for kind in ("Average", "Max")
        for rank, size in ((1, 3), (2, [4, 2]), (3, [3, 5, 2]))
    ),
    case("AdaptiveAveragePooling2D", [(2, 3, 6, 5)], output_size=4, data_format="channels_first"),
    *(case(name, [IMAGE]) for name in ("RandomGrayscale", "RandomInvert", "RandomErasing", "Solarization")),
    case("RandomGrayscale", [IMAGE], training=True, factor=1.0),
    case("RandomGrayscale", [(2, 3, 6, 5)], training=True, factor=1.0, data_format="channels_first"),
    case("RandomInvert", [IMAGE], training=True, factor=(1, 1), value_range=(0, 0.5)),
    case("RandomErasing", [IMAGE], training=True, factor=(1, 1), scale=(1, 1), fill_value=0.5),
    case("Solarization", [IMAGE], training=True, value_range=(-1, 1)),
    case("ConvLSTM1D", [(2, 3, 6, 2)], filters=3, kernel_size=2),
    case(
        "ConvLSTM1D",
        [(2, 3, 2, 6)],
        filters=2,
        kernel_size=3,
        strides=2,
        padding="same",
        data_format="channels_first",
        activation="relu",
        return_sequences=True,
        go_backwards=True,
        dropout=0.2,
    ),
    case("ConvLSTM3D", [(2, 2, 4, 4, 5, 2)], filters=2, kernel_size=[2, 1, 3], return_state=True),
    case(
        "ConvLSTM3D",
        [(1, 2, 5, 4, 4, 1)],
        filters=2,
        kernel_size=2,
        dilation_rate=2,
        padding="same",
        use_bias=False,
        return_sequences=True,
    ),
    case("Conv1D", [(2, 7, 4)], filters=6, kernel_size=3, groups=2, padding="causal", activation="tanh"),
    case("Conv2D", [(2, 4, 6, 5)], filters=4, kernel_size=2, groups=4, data_format="channels_first"),
    case("Conv3D", [(1, 4, 4, 5, 4)], filters=2, kernel_size=2, groups=2, strides=2, padding="same"),
    case("GlobalAveragePooling1D", [SEQUENCE], masks=[0], keepdims=True),
    case("GlobalAveragePooling2D", [(2, 3, 6, 5)], data_format="channels_first", keepdims=True),
    case("GlobalMaxPooling3D", [(1, 4, 4, 5, 2)], keepdims=True),
]


def data(shape, kind, rng):
    if kind == "index":
        return rng.randint(0, 5, shape).astype("int32")
    return rng.uniform(-1, 1, shape).astype("float32")


def mask_of(shape, rng):
    mask = rng.uniform(size=shape[:2]) < 0.6
    mask[:, 0] = True
    return mask


def made(row):
    arguments = dict(row["arguments"])
    if isinstance(arguments.get("layer"), tuple):
        name, inner = arguments["layer"]
        arguments["layer"] = getattr(layers, name)(**inner, name="inner")
    return getattr(layers, row["name"])(**arguments, name="recorded")


def record(row, number):
    """Everything of one case: (its description, arrays by name)."""
    rng, layer = np.random.RandomState(number), made(row)
    inputs = [data(shape, row["kind"], rng) for shape in row["inputs"]]
    masks = {i: mask_of(shape, rng) for i, shape in enumerate(row["inputs"]) if i in (row["masks"] or ())}
    words = dict(row["call"])
    if words.get("attention_mask") == "random":
        words["attention_mask"] = rng.uniform(size=(2, 4, row["inputs"][1][1])) < 0.6
        words["attention_mask"][..., 0] = True
    if words.get("count_weights") == "weights":
        words["count_weights"] = rng.uniform(size=row["inputs"][0]).astype("float32")
    bare = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    separate = "Attention" in row["name"] and row["name"] not in ("Attention", "AdditiveAttention")

    def call(inputs, training):
        given = [jnp.asarray(x) for x in inputs]
        for i, mask in masks.items():
            backend.set_keras_mask(given[i], jnp.asarray(mask))
        more = dict(words, training=training) if layer._call_has_training_arg else words
        return layer(*given, **more) if separate else layer(whole(given), **more)

    call(inputs, False)  # builds it
    layer.set_weights([rng.uniform(0.1, 1, w.shape).astype(w.dtype) for w in layer.get_weights()])
    if hasattr(layer, "finalize_state"):
        layer.finalize_state()
    weights = layer.get_weights()
    trainable = [v.value for v in layer.trainable_variables]

    def flow(trainable, moving):
        mapping = list(zip(layer.trainable_variables, trainable, strict=True))
        with backend.StatelessScope(mapping) as scope:
            outputs = call(moving, row["training"])
            mask = backend.get_keras_mask(outputs if not isinstance(outputs, tuple) else outputs[0])
            moved = [(scope.get_current_value(v), v) for v in layer.non_trainable_variables]
        outputs = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
        outputs = [o for o in outputs if o is not None]
        states = [v.value if state is None else state for state, v in moved]
        ways = [jnp.cos(jnp.arange(y.size, dtype="float32")).reshape(y.shape) for y in outputs]
        total = sum(jnp.sum(y * way) for y, way in zip(outputs, ways, strict=True))
        return total, (outputs, mask, states)

    arrays = {f"inputs/{i}": x for i, x in enumerate(inputs)}
    arrays |= {f"masks/{i}": m for i, m in masks.items()}
    arrays |= {f"weights/{i}": w for i, w in enumerate(weights)}
    arrays |= {f"words/{k}": v for k, v in words.items() if isinstance(v, np.ndarray)}
    floats = row["kind"] == "float"
    if floats:
        grads, (outputs, mask, states) = jax.grad(flow, (0, 1), has_aux=True)(trainable, inputs)
        arrays |= {f"gradients/inputs/{i}": np.asarray(g) for i, g in enumerate(grads[1])}
    else:
        grads, (outputs, mask, states) = jax.grad(flow, 0, has_aux=True)(trainable, inputs)
        grads = (grads,)
    arrays |= {f"gradients/weights/{i}": np.asarray(g) for i, g in enumerate(grads[0])}
    arrays |= {f"outputs/{i}": np.asarray(y) for i, y in enumerate(outputs)}
    arrays |= {
        f"states/{i}": np.asarray(s) for i, s in enumerate(states) if jnp.issubdtype(s.dtype, jnp.floating)
    }
    if mask is not None:
        arrays["mask"] = np.asarray(mask)
    about = dict(
        layer=bare,
        built=json.loads(json.dumps(keras.saving.serialize_keras_object(layer))),
        shapes=[list(s) for s in row["inputs"]],
        words={k: v for k, v in words.items() if not isinstance(v, np.ndarray)},
        training=row["training"],
        weights=[v.path.split("/", 1)[-1] for v in layer.weights],
        trainable=[bool(v.trainable) for v in layer.weights],
        separate=separate,
    )
    return about, arrays


def whole(given):
    return given if len(given) > 1 else given[0]


def boundaries():
    """The boundaries that Discretization finds for normal numbers of the seed 0."""
    layer = layers.Discretization(num_bins=4)
    layer.update_state(np.random.RandomState(0).normal(3.0, 2.0, (100, 4)).astype("float32"))
    layer.finalize_state()  # `adapt` itself asks for TensorFlow
    return layer.bin_boundaries


def main():
    abouts, arrays = [], {}
    for number, row in enumerate(CASES):
        about, mine = record(row, number)
        abouts.append(about)
        arrays |= {f"{number}/{name}": array for name, array in mine.items()}
    store = io.BytesIO()
    text = json.dumps({"keras": keras.__version__, "cases": abouts, "boundaries": boundaries()})
    np.savez(store, about=np.frombuffer(text.encode(), np.uint8), **arrays)
    TARGET.write_bytes(lzma.compress(store.getvalue(), preset=9))
    print(len(CASES), "cases,", TARGET.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
