"""Expressions over `K` whose values were recorded from Keras 2.2.4 (`record.py`), by family.

Python 3.7 can read this file, for Keras 2.2.4 has to.
"""

import itertools

import numpy as np

_RANDOM = np.random.RandomState(0)


def _u(*shape):
    return _RANDOM.uniform(-2, 2, shape).astype("float32")


def _ints(high, *shape):
    return _RANDOM.randint(0, high, shape).astype("int32")


def _shares(*shape):
    x = _RANDOM.uniform(0.05, 1, shape)
    return (x / x.sum(-1, keepdims=True)).astype("float32")


# The operands; the digits of a name are the shape, `_first` has the channels first.
INPUTS = {
    "s": np.float32(1.7),
    "v4": _u(4),
    "v5": _u(5),
    "m34": _u(3, 4),
    "n34": _u(3, 4),
    "m45": _u(4, 5),
    "row": _u(1, 4),
    "col": _u(3, 1),
    "m23": _u(2, 3),
    "m24": _u(2, 4),
    "t234": _u(2, 3, 4),
    "u234": _u(2, 3, 4),
    "t243": _u(2, 4, 3),
    "q2345": _u(2, 3, 4, 5),
    "p2345": _u(2, 3, 4, 5),
    "p2354": _u(2, 3, 5, 4),
    "positive": np.abs(_u(3, 4)) + 0.1,
    "large": _u(3, 4) * 300,
    "halves": np.arange(-2.5, 3, 0.5, "float32"),
    "half": _u(3, 4).astype("float16"),
    "i34": _ints(5, 3, 4),
    "j34": _ints(5, 3, 4),
    "b34": _RANDOM.rand(3, 4) > 0.5,
    "c34": _RANDOM.rand(3, 4) > 0.3,
    "share34": _shares(3, 4),
    "other34": _shares(3, 4),
    "share234": _shares(2, 3, 4),
    "sure34": _u(3, 4) / 5 + 0.5,
    "label3": _ints(4, 3),
    "label23": _ints(4, 2, 3),
    "float31": _ints(4, 3, 1).astype("float32"),
    "hot34": np.eye(4, dtype="float32")[_ints(4, 3)],
    "zero_one": (_RANDOM.rand(3, 4) > 0.5).astype("float32"),
    "table": _u(7, 3),
    "index23": _ints(7, 2, 3),
    "series": _u(2, 8, 3),
    "series_first": _u(2, 3, 8),
    "kernel1": _u(3, 3, 4),
    "image": _u(2, 6, 7, 3),
    "image_first": _u(2, 3, 6, 7),
    "kernel2": _u(3, 2, 3, 4),
    "turned2": _u(3, 2, 4, 3),
    "volume": _u(2, 5, 4, 6, 2),
    "volume_first": _u(2, 2, 5, 4, 6),
    "kernel3": _u(3, 2, 2, 2, 3),
    "turned3": _u(2, 2, 3, 4, 2),
    "depth1": _u(3, 3, 2),
    "point1": _u(1, 6, 5),
    "depth2": _u(3, 2, 3, 2),
    "point2": _u(1, 1, 6, 5),
    "local1": _u(6, 9, 4),
    "local2": _u(6, 18, 4),
    "b2": _u(2),
    "b3": _u(3),
    "b83": _u(8, 3),
    "b673": _u(6, 7, 3),
    "b5462": _u(5, 4, 6, 2),
    "mean3": _u(3),
    "var3": np.abs(_u(3)) + 0.2,
    "gamma3": _u(3),
    "beta3": _u(3),
    "steps": _u(2, 5, 3),
    "w34": _u(3, 4),
    "r44": _u(4, 4),
    "h24": _u(2, 4),
    "c24": _u(2, 4),
    "mask": np.array([[1, 1, 0, 1, 0], [0, 1, 1, 0, 0]], bool),
}

_AXES = ("", ", axis=0", ", axis=-1", ", axis=[0, -1]", ", axis=-2, keepdims=True", ", keepdims=True")
_CONVOLVED = [
    ((1, 1), "valid", (1, 1)),
    ((2, 2), "same", (1, 1)),
    ((1, 1), "same", (2, 1)),
    ((1, 1), "valid", (2, 2)),
]
_STEP = "lambda x, s: (lambda h: (h * 2, [h]))(K.tanh(K.dot(x, w34) + K.dot(s[0], r44)))"
_COUNTING = "lambda x, s: (lambda h: (h + s[1], [h, s[1] + 1]))(K.tanh(K.dot(x, w34) + s[0]))"
_SCALED = "lambda x, s: (lambda h: (h, [h]))(K.tanh(K.dot(x, w34) + s[0] * s[1]))"


def _each(pattern, *choices):
    return [pattern.format(*chosen) for chosen in itertools.product(*choices)]


FAMILIES = {
    "elementwise": [
        *_each(
            "K.{}({})",
            "abs exp sqrt square sign sin cos sigmoid tanh hard_sigmoid relu elu softplus softsign identity "
            "stop_gradient zeros_like ones_like".split(),
            ("m34", "half", "s"),
        ),
        *_each("K.{}({})", "abs square sign relu round zeros_like ones_like".split(), ("i34",)),
        *_each("K.{}(large)", "sigmoid tanh softplus softsign elu hard_sigmoid".split()),
        *_each("K.{}(t234{})", ("softmax",), ("", ", axis=1", ", axis=0", ", axis=-2")),
        *_each(
            "K.relu(m34, {})", ("alpha=.1", "max_value=1.", "threshold=.5", ".2, 1., .5", "threshold=-1.")
        ),
        "K.log(positive)",
        "K.log(m34)",
        "K.round(halves)",
        "K.softmax(v4)",
        "K.softmax(large)",
        "K.elu(m34, .7)",
        "K.pow(m34, 3)",
        "K.pow(positive, n34)",
        "K.pow(i34, 2)",
        "K.clip(m34, -1, 1)",
        "K.clip(m34, 1, -1)",
        "K.clip(m34, 0, None)",
        "K.clip(i34, 1, 3)",
        "K.cast(m34, 'int32')",
        "K.cast(m34, 'bool')",
        "K.cast(b34, 'float32')",
        "K.cast(m34, 'float16')",
        "K.cast(i34, K.floatx())",
        "K.ones_like(m34, dtype='int32')",
    ],
    "of two": [
        *_each(
            "K.{}({})",
            "maximum minimum equal not_equal greater greater_equal less less_equal".split(),
            ("m34, n34", "m34, row", "col, row", "m34, 0.5", "i34, j34", "i34, 2"),
        ),
        "m34 + n34",
        "1 - m34",
        "m34 * row",
        "2 / positive",
        "m34 ** 2",
        "2 ** m34",
        "-m34",
        "abs(m34)",
        "m34 > 0",
        "m34 // 1",
        "m34 % 2",
        "i34 // 2",
        "i34 * 2",
        "b34 & c34",
        "~b34",
        "t234[:, -1, 1:3]",
        "m34[..., None]",
        "m34[:, ::-1]",
        "t234[0][1]",
    ],
    "reductions": [
        *_each("K.{}(m34{})", "sum prod mean var std max min logsumexp".split(), _AXES),
        *_each("K.{}(b34{})", ("any", "all"), _AXES),
        *_each("K.{}(m34{})", "argmax argmin".split(), ("", ", axis=0", ", axis=1", ", axis=None")),
        *_each("K.{}(m34{})", "cumsum cumprod".split(), ("", ", axis=1", ", axis=-1")),
        *_each("K.{}(t234, (0, 2))", "sum mean var max".split()),
        *_each("K.{}(half, axis=0)", "sum mean max".split()),
        *_each("K.{}(i34, axis=1)", "sum prod max min argmax cumsum".split()),
        *_each("K.l2_normalize(m34{})", ("", ", axis=0", ", -1")),
        "K.mean(b34)",
        "K.mean(b34, axis=1)",
        "K.logsumexp(large, axis=1)",
        "K.l2_normalize(m34 * 0, axis=1)",
        "K.l2_normalize(t234, axis=(0, 1))",
    ],
    "products": [
        *_each("K.dot({})", ("m34, m45", "t234, m45", "t234, t243", "q2345, p2354", "m24, t243")),
        # Of negative axes, Keras 2.2.4 takes the last but one.
        *_each("K.batch_dot(t234, u234, axes={})", (1, 2, -1, "(2, 2)", "(1, 1)", "[-1, -1]")),
        *_each("K.batch_dot(t234, t243, axes={})", (None, "(2, 1)", "(1, 2)")),
        *_each("K.batch_dot(t234, m24, axes={})", (None, "(2, 1)")),
        *_each("K.batch_dot(t234, m23, axes={})", (1, "(1, 1)", -1)),
        *_each("K.batch_dot(m24, m24, axes={})", (1, "(1, 1)", "(0, 0)", -1)),
        *_each("K.batch_dot(q2345, p2345, axes={})", (2, 3, -1, "(3, 3)")),
        "K.batch_dot(m24, u234, axes=(1, 2))",
        "K.batch_dot(m24, t243)",
        "K.batch_dot(q2345, p2354)",
    ],
    "shapes": [
        *_each("K.reshape(m34, {})", ("(2, 6)", "(-1, 2)", "[4, -1]", "(12,)")),
        *_each("K.expand_dims(m34, {})", (0, 1, -1, -2)),
        *_each("K.squeeze(K.expand_dims(m34, 1), {})", (1, -2)),
        *_each("K.concatenate([t234, u234]{})", ("", ", axis=0", ", 1", ", axis=-2")),
        *_each("K.stack([m34, n34]{})", ("", ", axis=1", ", axis=-1")),
        *_each("K.gather(table, {})", ("index23", "label3", "[0, 6]", "3")),
        *_each("K.one_hot({})", ("label3, 4", "label23, 5", "label3, 2", "[0, -1, 7], 3")),
        *_each("K.reverse(t234, {})", (1, "(0, 2)", "[-1]")),
        *_each("K.slice({})", ("t234, (0, 1, 0), (2, 2, 3)", "m34, [1, 1], [-1, 2]", "v5, [1], [2]")),
        *_each("K.repeat_elements(t234, {})", ("2, 1", "3, axis=-1", "2, 2")),
        *_each("K.tile({})", ("m34, (2, 1)", "m34, [1, 3]", "v4, 2", "t234, (1, 2, 2)")),
        *_each("K.arange({})", (5, "2, 7", "1, 9, 3", "5, dtype='float32'", -3, "6, 0, -2", "start=3")),
        *_each("K.temporal_padding(t234{})", ("", ", (2, 0)", ", padding=[0, 3]")),
        *_each("K.spatial_2d_padding(image{})", ("", ", ((1, 2), (0, 3))", ", data_format='channels_last'")),
        *_each("K.resize_images({}, 'channels_{}'{})", ("image, 2, 3",), ("last",), ("", ", 'bilinear'")),
        *_each(
            "K.resize_images({}, 'channels_{}'{})", ("image_first, 3, 2",), ("first",), ("", ", 'bilinear'")
        ),
        "K.permute_dimensions(t234, (0, 2, 1))",
        "K.transpose(t234)",
        "K.flatten(t234)",
        "K.batch_flatten(q2345)",
        "K.repeat(m34, 2)",
        "K.spatial_2d_padding(image_first, ((1, 2), (0, 3)), 'channels_first')",
        "K.spatial_3d_padding(volume)",
        "K.spatial_3d_padding(volume, ((0, 1), (2, 0), (1, 1)))",
        "K.spatial_3d_padding(volume_first, ((0, 1), (2, 0), (1, 1)), 'channels_first')",
        "K.resize_volumes(volume, 2, 1, 3, 'channels_last')",
        "K.resize_volumes(volume_first, 2, 1, 3, 'channels_first')",
    ],
    "makers": [
        *_each("K.constant({})", (3, "[1, 2]", "2, shape=(2, 2)", "[1, 2, 3, 4], shape=(2, 2)")),
        *_each("K.constant({})", ("[1, 2], shape=(2, 2)", "[[1, 2]], dtype='int32'", "True, dtype='bool'")),
        *_each(
            "K.{}", ("zeros((2, 3))", "ones((2,), dtype='int32')", "eye(3)", "eye(2, 'int32')", "ones(())")
        ),
        "K.in_train_phase(m34, n34)",
        "K.in_test_phase(m34, n34)",
        "K.variable(3)",
        "K.variable([[1, 2]], dtype='int32')",
        "K.variable([1., 2.]) * 2",
    ],
    "losses": [
        *_each("K.categorical_crossentropy({})", ("hot34, share34", "other34, positive", "hot34, hot34")),
        *_each("K.categorical_crossentropy(hot34, share34, axis={})", (-1, 0, 1)),
        *_each(
            "K.categorical_crossentropy(share234, {})", ("K.softmax(t234), axis=1", "t234, from_logits=True")
        ),
        *_each(
            "K.sparse_categorical_crossentropy({})",
            ("label3, share34", "float31, positive", "label3, m34, True"),
        ),
        *_each("K.sparse_categorical_crossentropy(label23, {})", ("share234", "t234, True")),
        *_each(
            "K.binary_crossentropy(zero_one, {})",
            ("sure34", "zero_one", "m34, from_logits=True", "large, True"),
        ),
        *_each("K.in_top_k(share34, label3, {})", (1, 2, 9)),
        "K.in_top_k(K.round(share34), label3, 1)",
        "K.in_top_k(share34, label3 + 2, 4)",
    ],
    "convolutions": [
        *_each("K.conv1d({}, kernel1, {}, {})", ("series",), (1, 2), ("'valid'", "'same'", "'causal'")),
        *_each(
            "K.conv1d({}, kernel1, 1, {}, dilation_rate=2)", ("series",), ("'valid'", "'same'", "'causal'")
        ),
        *_each("K.conv1d(series_first, kernel1, 2, '{}', 'channels_first')", ("valid", "same")),
        *_each(
            "K.{0[0]}({1[0]}, {0[1]}, {2[0]}, '{2[1]}', '{1[1]}', {2[2]})",
            (("conv2d", "kernel2"), ("depthwise_conv2d", "depth2"), ("separable_conv2d", "depth2, point2")),
            (("image", "channels_last"), ("image_first", "channels_first")),
            _CONVOLVED,
        ),
        *_each("K.separable_conv1d(series, depth1, point1, {}, '{}')", (1, 2), ("valid", "same")),
        "K.separable_conv1d(series_first, depth1, point1, 1, 'same', 'channels_first', 2)",
        *_each("K.conv3d(volume, kernel3, {}, '{}')", ("(1, 1, 1)", "(2, 1, 2)"), ("valid", "same")),
        "K.conv3d(volume_first, kernel3, (2, 1, 2), 'same', 'channels_first')",
        "K.conv3d(volume, kernel3, dilation_rate=(2, 1, 2))",
        *_each(
            "K.conv2d_transpose(image, turned2, {})",
            (
                "(2, 8, 8, 4)",
                "(2, 6, 7, 4), padding='same'",
                "(2, 12, 14, 4), (2, 2), 'same'",
                "(2, 11, 13, 4), (2, 2), 'same'",
                "(2, 14, 15, 4), (2, 2), 'valid'",
                "(2, 10, 9, 4), dilation_rate=(2, 2)",
                "(K.shape(image)[0], 8, 8, 4)",
            ),
        ),
        "K.conv2d_transpose(image_first, turned2, (2, 4, 12, 14), (2, 2), 'same', 'channels_first')",
        "K.conv3d_transpose(volume, turned3, (2, 6, 5, 8, 4))",
        "K.conv3d_transpose(volume_first, turned3, (2, 4, 10, 4, 12), (2, 1, 2), 'same', 'channels_first')",
        "K.local_conv1d(series, local1, (3,), (1,))",
        "K.local_conv2d(image, local2, (3, 2), (2, 2), (2, 3))",
        "K.local_conv2d(image_first, local2, (3, 2), (2, 2), (2, 3), 'channels_first')",
    ],
    "poolings": [
        *_each(
            "K.pool2d({0[0]}, {1}, '{2}', '{0[1]}', '{3}')",
            (("image", "channels_last"), ("image_first", "channels_first")),
            ("(2, 2), (1, 1)", "(2, 3), (2, 2)", "(2, 2), (3, 3)"),
            ("valid", "same"),
            ("max", "avg"),
        ),
        *_each(
            "K.pool3d({0[0]}, (2, 1, 3), (2, 2, 2), '{1}', '{0[1]}', '{2}')",
            (("volume", "channels_last"), ("volume_first", "channels_first")),
            ("valid", "same"),
            ("max", "avg"),
        ),
    ],
    "normalization": [
        *_each("K.bias_add({})", ("series, b3", "series, b83", "image, b3", "image, b673", "volume, b2")),
        *_each(
            "K.bias_add({}, 'channels_first')", ("series_first, b3", "series_first, b83", "image_first, b3")
        ),
        *_each(
            "K.bias_add({}, 'channels_first')",
            ("image_first, b673", "volume_first, b2", "volume_first, b5462"),
        ),
        *_each("K.bias_add({})", ("m34, v4", "volume, b5462", "t234, v4")),
        *_each(
            "K.batch_normalization(image, mean3, var3, {})", ("beta3, gamma3", "None, gamma3", "beta3, None")
        ),
        "K.batch_normalization(series, mean3, var3, beta3, gamma3, epsilon=.1)",
        "K.batch_normalization(m23, mean3, var3, None, None, -1, 1e-2)",
        # The variance that comes back for images is the unbiased one.
        *_each(
            "K.normalize_batch_in_training(image, {}, [0, 1, 2])",
            ("gamma3, beta3", "None, None", "None, beta3"),
        ),
        "K.normalize_batch_in_training(image_first, gamma3, beta3, [0, 2, 3])",
        "K.normalize_batch_in_training(series, gamma3, None, [0, 1], epsilon=.1)",
        "K.normalize_batch_in_training(m23, gamma3, beta3, [0])",
    ],
    "choices": [
        *_each("K.switch({}, m34, n34)", ("b34", "s > 1", "s > 2", "label3 > 1", "i34", "zero_one")),
        "K.switch(b34[:2, 0], t234, u234)",
        "K.switch(s > 1, lambda: m34, lambda: n34)",
        "K.switch(K.any(b34), lambda: m34 * 2, lambda: n34)",
        "K.switch(s > 2, i34, j34)",
        "K.in_train_phase(lambda: m34, lambda: n34, training=1)",
        "K.in_test_phase(m34, lambda: n34, training=True)",
    ],
    "loops": [
        "K.map_fn(lambda x: x * 2, m34)",
        "K.map_fn(lambda x: K.sum(x), t234)",
        "K.map_fn(lambda x: K.cast(x > 0, 'int32'), m34, dtype='int32')",
        "K.map_fn(lambda x: x[0] + x[1], (m34, n34), dtype='float32')",
        "K.map_fn(lambda x: x * v4, m34)",
        "K.foldl(lambda a, x: a * .5 + x, m34)",
        "K.foldl(lambda a, x: a + K.sum(x), t234, K.constant(1.))",
        "K.foldr(lambda a, x: a * .5 + x, m34)",
        "K.foldr(lambda a, x: a * .5 + x, v4, initializer=s, name='f')",
        *_each(
            "K.rnn({}, go_backwards={}{}{})",
            (_STEP + ", steps, [h24]", _COUNTING + ", steps, [h24, c24]"),
            (False, True),
            ("", ", mask=mask"),
            ("", ", unroll=True, input_length=5"),
        ),
        f"K.rnn({_SCALED}, steps, [h24], constants=[c24])",
        f"K.rnn({_SCALED}, steps, [h24], go_backwards=True, mask=mask, constants=[c24])",
        "K.rnn(lambda x, s: (K.dot(x, w34), []), steps, [])",
    ],
}

# Refused by Keras 2.2.4, with a ValueError or a TypeError.
REFUSED = [
    *_each("K.{}(m34, axis=2)", "sum prod mean var std max min logsumexp argmax argmin".split()),
    *_each("K.{}(m34, m45)", "maximum minimum equal greater less".split()),
    *_each("K.{}(image, kernel2, padding='{}')", ("conv2d",), ("causal", "full")),
    *_each("K.{}(image, kernel2, data_format='{}')", ("conv2d",), ("last",)),
    "m34 + m45",
    "K.dot(m34, n34)",
    "K.batch_dot(t234, m24, axes=(1, 1))",
    "K.batch_dot(t234, u234, axes=([1], [2]))",
    "K.reshape(m34, (5, 2))",
    "K.concatenate([m34, m24])",
    "K.squeeze(m34, 0)",
    "K.expand_dims(m34, 3)",
    "K.cast(m34, 'nonsense')",
    "K.conv2d(image, turned2)",
    "K.conv1d(series, kernel1, padding='full')",
    "K.depthwise_conv2d(image, depth2, padding='causal')",
    "K.pool2d(image, (2, 2), pool_mode='sum')",
    "K.pool2d(image, (2, 2), padding='causal')",
    "K.bias_add(image, b83)",
    "K.bias_add(image, b3, 'last')",
    "K.bias_add(image, v4)",
    "K.resize_images(image, 2, 2, 'channels_last', 'cubic')",
    "K.resize_images(image, 2, 2, 'last')",
    "K.spatial_2d_padding(image, data_format='last')",
    "K.categorical_crossentropy(hot34, share34, axis=2)",
    "K.sparse_categorical_crossentropy(label23, share34)",
    "K.binary_crossentropy(zero_one, sure34[:, :1])",
    "K.in_top_k(t234, label3, 1)",
    "K.dropout(m34, 1.5)",
    "K.switch(b34, v4, v4)",
    f"K.rnn({_STEP}, m34, [h24])",
    "K.is_keras_tensor(np.ones(2))",
    "K.is_keras_tensor('x')",
    "K.normalize_data_format('last')",
    "K.set_floatx('float99')",
    "K.set_image_data_format('last')",
    "K.set_image_dim_ordering('last')",
    "K.set_learning_phase(3)",
    "K.transpose_shape((2, 3), 'last', (1,))",
    "K.function([K.placeholder((2,))], [K.constant(1.)])(3)",
]
