"""The script that has recorded `tests/golden/keras3/` from Keras 3.15.1 on JAX.

    KERAS_BACKEND=jax python -m tests.golden.record_keras3 activations losses ...

It runs in an environment of its own, which has Keras and not this package. A recording is a list of cases:
what was made with which arguments, and what came of it.
"""

from __future__ import annotations

import json
import lzma
import sys
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "keras3"
SIZES = [-9.0, -3.0, -2.5, -1.0, -0.5, -0.25, 0.0, 0.1, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 6.0, 7.5]


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, (str, bool, int, float, type(None))):
        return value
    array = np.asarray(value)
    return array.astype(float).tolist() if array.dtype.kind == "f" else array.tolist()


def waves(y):
    """Numbers that differ from place to place, to weight a sum of outputs with."""
    import jax.numpy as jnp

    return jnp.cos(jnp.arange(y.size, dtype="float32")).reshape(y.shape)


def activations() -> Any:
    import jax
    import keras

    x = np.concatenate([SIZES, np.random.RandomState(0).randn(16) * 2]).reshape(4, 8).astype("float32")
    cases = [
        *("celu", {}), *("celu", {"alpha": 0.5}), *("gelu", {}), *("gelu", {"approximate": True}),
        *("glu", {}), *("glu", {"axis": 0}), *("hard_shrink", {}), *("hard_shrink", {"threshold": 1.0}),
        *("hard_silu", {}), *("hard_tanh", {}), *("leaky_relu", {}), *("leaky_relu", {"negative_slope": 0.1}),
        *("log_sigmoid", {}), *("log_softmax", {}), *("log_softmax", {"axis": 0}), *("mish", {}),
        *("relu6", {}), *("silu", {}), *("soft_shrink", {}), *("soft_shrink", {"threshold": 1.0}),
        *("sparse_plus", {}), *("sparse_sigmoid", {}), *("sparsemax", {}), *("sparsemax", {"axis": 0}),
        *("squareplus", {}), *("squareplus", {"b": 1}), *("tanh_shrink", {}),
        *("threshold", {"threshold": 0.5, "default_value": -2.0}),
        *("relu", {"negative_slope": 0.1, "max_value": 2.25, "threshold": 0.25}),
    ]  # fmt: skip
    found = []
    for name, args in zip(cases[::2], cases[1::2], strict=True):
        fn = getattr(keras.activations, name)
        y = fn(x, **args)
        slope = jax.grad(lambda x, fn=fn, args=args: (fn(x, **args) * waves(fn(x, **args))).sum())(x)
        found.append({"name": name, "args": args, "y": y, "slope": slope})
    return {"x": x, "cases": found}


def targets() -> dict[str, Any]:
    """Targets and predictions of several kinds."""
    rng = np.random.RandomState(1)
    logits = (rng.randn(6, 4) * 2).astype("float32")
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    unit = rng.randn(6, 4)
    classes = rng.randint(0, 4, 6)
    numbers, other = rng.rand(6, 4) * 3 - 1, rng.rand(6, 4) * 3 - 1
    return {
        "logits": logits, "p": p, "binary": (rng.rand(6, 4) > 0.5).astype("float32"), "classes": classes,
        "one_hot": np.eye(4, dtype="float32")[classes], "unit": unit / np.linalg.norm(unit, axis=-1)[:, None],
        "scores": 1 / (1 + np.exp(-logits)), "labels": np.array([0, 0, 1, 1, 2, 0]),
        "texts": np.array([[1, 2, 0], [2, 2, 1], [3, 0, 0], [1, 1, 1], [2, 0, 0], [3, 2, 3]]),
        "steps": rng.randn(6, 7, 4), "numbers": numbers, "other": other, "positive": np.abs(other) + 0.1,
        "weight": np.array([1.0, 0.0, 2.0, 0.5, 1.5, 3.0]),
    }  # fmt: skip


LOSSES = [
    *[(name, {}, "numbers", "other") for name in (
        "MeanSquaredError MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredLogarithmicError LogCosh "
        "CosineSimilarity Huber").split()],
    ("Huber", {"delta": 0.4}, "numbers", "other"), ("CosineSimilarity", {"axis": 0}, "numbers", "other"),
    ("MeanSquaredError", {"reduction": "sum"}, "numbers", "other"),
    ("MeanSquaredError", {"reduction": "mean_with_sample_weight"}, "numbers", "other"),
    ("MeanSquaredError", {"reduction": None}, "numbers", "other"),
    ("Poisson", {}, "positive", "positive"), ("KLDivergence", {}, "one_hot", "p"),
    ("Hinge", {}, "binary", "other"), ("SquaredHinge", {}, "binary", "other"),
    ("CategoricalHinge", {}, "one_hot", "other"), ("BinaryCrossentropy", {}, "binary", "scores"),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, "binary", "logits"),
    ("BinaryCrossentropy", {"axis": 0}, "binary", "scores"),
    ("BinaryFocalCrossentropy", {}, "binary", "scores"),
    ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "alpha": 0.6, "gamma": 3.0,
                                 "from_logits": True, "label_smoothing": 0.2}, "binary", "logits"),
    ("CategoricalCrossentropy", {}, "one_hot", "p"),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, "one_hot", "logits"),
    ("CategoricalCrossentropy", {"from_logits": True, "axis": 0}, "one_hot", "logits"),
    ("CategoricalFocalCrossentropy", {}, "one_hot", "p"),
    ("CategoricalFocalCrossentropy", {"alpha": 0.5, "gamma": 1.0, "from_logits": True}, "one_hot", "logits"),
    ("SparseCategoricalCrossentropy", {}, "classes", "p"),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "classes", "logits"),
    ("SparseCategoricalCrossentropy", {"from_logits": True, "ignore_class": 1}, "classes", "logits"),
    ("CategoricalGeneralizedCrossEntropy", {}, "classes", "p"),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.3}, "classes", "p"), ("CTC", {}, "texts", "steps"),
    ("Dice", {}, "binary", "scores"), ("Dice", {"axis": -1}, "binary", "scores"),
    ("Tversky", {"alpha": 0.3, "beta": 0.7}, "binary", "scores"),
    ("Tversky", {"axis": 1}, "binary", "scores"),
    ("Circle", {}, "labels", "unit"),
    ("Circle", {"gamma": 4.0, "margin": 0.2, "remove_diagonal": False}, "labels", "unit"),
]  # fmt: skip


def losses() -> Any:
    import jax
    import keras

    data, found = targets(), []
    for name, args, y_true, y_pred in LOSSES:
        loss = getattr(keras.losses, name)(**args)
        y, p = (np.asarray(data[key], "float32") for key in (y_true, y_pred))
        weight = (
            None if name in ("Dice", "Tversky") or args.get("axis") == 0 else data["weight"].astype("float32")
        )
        value = loss(y, p, sample_weight=weight)
        slope = jax.grad(lambda p, y=y, loss=loss, w=weight: loss(y, p, sample_weight=w).sum())(p)
        plainly = type(loss)(**{**args, "reduction": None})(y, p)
        found.append({
            "name": name, "args": args, "y_true": y_true, "y_pred": y_pred, "weighted": weight is not None,
            "values": plainly, "loss": value, "slope": slope, "config": loss.get_config(),
        })  # fmt: skip
    return {"data": data, "cases": found}


METRICS = [
    *[(name, {}, "numbers", "other") for name in (
        "MeanSquaredError MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredLogarithmicError "
        "LogCoshError CosineSimilarity RootMeanSquaredError R2Score PearsonCorrelation "
        "ConcordanceCorrelation").split()],
    ("R2Score", {"class_aggregation": None}, "numbers", "other"),
    ("R2Score", {"class_aggregation": "variance_weighted_average", "num_regressors": 2}, "numbers", "other"),
    ("Hinge", {}, "binary", "other"), ("SquaredHinge", {}, "binary", "other"),
    ("CategoricalHinge", {}, "one_hot", "other"), ("KLDivergence", {}, "one_hot", "p"),
    ("Poisson", {}, "positive", "positive"), ("BinaryCrossentropy", {}, "binary", "scores"),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, "binary", "logits"),
    ("CategoricalCrossentropy", {"from_logits": True}, "one_hot", "logits"),
    ("SparseCategoricalCrossentropy", {}, "classes", "p"),
    ("SparseCategoricalCrossentropy", {"from_logits": True, "ignore_class": 1}, "classes", "logits"),
    ("Accuracy", {}, "classes", "labels"), ("BinaryAccuracy", {"threshold": 0.7}, "binary", "scores"),
    ("CategoricalAccuracy", {}, "one_hot", "p"), ("SparseCategoricalAccuracy", {}, "classes", "p"),
    ("TopKCategoricalAccuracy", {"k": 2}, "one_hot", "p"),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, "classes", "p"),
    *[(name, {}, "binary", "scores") for name in (
        "TruePositives FalsePositives TrueNegatives FalseNegatives Precision Recall").split()],
    ("TruePositives", {"thresholds": [0.1, 0.6]}, "binary", "scores"),
    ("Precision", {"thresholds": [0.0, 0.5, 1.0]}, "binary", "scores"),
    ("Recall", {"thresholds": [0.2, 0.9]}, "binary", "scores"),
    ("Precision", {"top_k": 2}, "binary", "scores"),
    ("Recall", {"class_id": 2, "thresholds": 0.3}, "binary", "scores"),
    ("AUC", {}, "binary", "scores"), ("AUC", {"num_thresholds": 2}, "binary", "scores"),
    *[("AUC", {"num_thresholds": 11, "curve": curve, "summation_method": method}, "binary", "scores")
      for curve in ("ROC", "PR", "PRGAIN") for method in ("interpolation", "majoring", "minoring")],
    ("AUC", {"thresholds": [0.2, 0.25, 0.8]}, "binary", "scores"),
    ("AUC", {"from_logits": True, "label_weights": [1.0, 0.5, 0.0, 2.0]}, "binary", "logits"),
    ("AUC", {"multi_label": True, "num_thresholds": 20}, "binary", "scores"),
    ("AUC", {"multi_label": True, "num_labels": 4, "curve": "PR", "label_weights": [1.0, 0.5, 0.0, 2.0]},
     "binary", "scores"),
    ("SensitivityAtSpecificity", {"specificity": 0.6}, "binary", "scores"),
    ("SpecificityAtSensitivity", {"sensitivity": 0.6, "num_thresholds": 1}, "binary", "scores"),
    ("PrecisionAtRecall", {"recall": 0.5, "num_thresholds": 30}, "binary", "scores"),
    ("RecallAtPrecision", {"precision": 0.5, "class_id": 1}, "binary", "scores"),
    ("FBetaScore", {"average": "weighted", "beta": 2.0}, "one_hot", "p"),
    ("FBetaScore", {"average": "micro", "beta": 0.5, "threshold": 0.4}, "binary", "scores"),
    ("F1Score", {}, "one_hot", "p"), ("F1Score", {"average": "macro", "threshold": 0.5}, "binary", "scores"),
    ("MeanIoU", {"num_classes": 4, "dtype": "float32"}, "classes", "labels"),
    ("IoU", {"num_classes": 4, "target_class_ids": [0, 2], "ignore_class": 1, "dtype": "float32"},
     "classes", "labels"),
    ("BinaryIoU", {"threshold": 0.4, "target_class_ids": [1]}, "binary", "scores"),
    ("OneHotIoU", {"num_classes": 4, "target_class_ids": [1, 3], "dtype": "float32"}, "one_hot", "p"),
    ("OneHotMeanIoU", {"num_classes": 4, "dtype": "float32"}, "one_hot", "p"),
    ("Mean", {}, None, "scores"), ("Sum", {}, None, "scores"),
]  # fmt: skip
CUTS = [(0, 4), (4, 6)]


def metrics() -> Any:
    import keras

    data, found = targets(), []
    data["scores"][0, :2] = 0.0, 1.0
    unweighted = ("BinaryIoU",)  # whose confusion matrix is of whole numbers
    for name, args, y_true, y_pred in METRICS:
        case = {"name": name, "args": args, "y_true": y_true, "y_pred": y_pred}
        for weighted in (False, True):
            if weighted and name in unweighted:
                continue
            metric, results = getattr(keras.metrics, name)(**args), []
            for a, b in CUTS:
                pair = [np.asarray(data[key][a:b], "float32") for key in (y_true, y_pred) if key]
                weight = {"sample_weight": data["weight"][a:b].astype("float32")} if weighted else {}
                metric.update_state(*pair, **weight)
                results.append(metric.result())
            case |= {"weighted" if weighted else "results": results, "config": metric.get_config()}
        case["config"].pop("name")
        found.append(case)
    return {"data": data, "cases": found, "cuts": CUTS}


OPTIMIZERS = [
    ("AdamW", {}), ("AdamW", {"learning_rate": 0.05, "weight_decay": 0.1, "amsgrad": True, "beta_1": 0.8}),
    ("Lion", {}), ("Lion", {"learning_rate": 0.05, "beta_1": 0.5, "beta_2": 0.7, "weight_decay": 0.1}),
    ("Lamb", {}), ("Lamb", {"learning_rate": 0.05, "beta_1": 0.5, "weight_decay": 0.1, "epsilon": 1e-3}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("Adam", {"learning_rate": 0.1, "global_clipnorm": 0.5}),
    ("Adam", {"learning_rate": 0.1, "clipvalue": 0.3}),
    ("AdamW", {"learning_rate": 0.1, "clipnorm": 0.5}),
    ("Lion", {"learning_rate": 0.1, "global_clipnorm": 0.5}),
    ("Adafactor", {}), ("Adafactor", {"learning_rate": 0.9, "weight_decay": 0.1, "epsilon_2": 0.1}),
    ("Adafactor", {"learning_rate": 0.9, "relative_step": False, "beta_2_decay": -0.5,
                   "clip_threshold": 0.5}),
    ("Muon", {}), ("Muon", {"learning_rate": 0.1, "nesterov": False, "rms_rate": None, "weight_decay": None}),
    ("Muon", {"learning_rate": 0.1, "ns_steps": 3, "adam_lr_ratio": 0.1, "adam_weight_decay": 0.2}),
    ("Ftrl", {}), ("Ftrl", {"learning_rate": 0.5, "l1_regularization_strength": 0.3, "beta": 0.2,
                            "l2_regularization_strength": 0.1, "l2_shrinkage_regularization_strength": 0.1}),
    ("Ftrl", {"learning_rate": 0.5, "learning_rate_power": -0.7, "initial_accumulator_value": 0.5}),
    ("ScheduleFreeAdamW", {}), ("ScheduleFreeAdamW", {"learning_rate": 0.1, "warmup_steps": 3, "beta_1": 0.7,
                                                      "weight_decay": 0.1}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "use_ema": True, "ema_momentum": 0.6}),
    ("SGD", {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.6, "ema_overwrite_frequency": 2}),
    ("Adam", {"learning_rate": 0.1, "gradient_accumulation_steps": 2, "weight_decay": 0.1}),
    ("Adam", {"learning_rate": 0.1, "gradient_accumulation_steps": 2, "use_ema": True,
              "ema_overwrite_frequency": 1, "ema_momentum": 0.5}),
]  # fmt: skip
LATER = ("AdamW", "Lion", "Lamb", "Adafactor", "Muon", "Ftrl", "ScheduleFreeAdamW")
SCHEDULES = [
    ("ExponentialDecay", [0.5, 4, 0.7]), ("ExponentialDecay", [0.5, 4, 0.7, True]),
    ("PiecewiseConstantDecay", [[3, 7], [1.0, 0.5, 0.1]]), ("PolynomialDecay", [0.5, 5]),
    ("PolynomialDecay", [0.5, 5, 0.1, 2.0, True]), ("InverseTimeDecay", [0.5, 4, 0.7]),
    ("InverseTimeDecay", [0.5, 4, 0.7, True]), ("CosineDecay", [0.5, 8]),
    ("CosineDecay", [0.1, 6, 0.2, "warm", 0.5, 4]), ("CosineDecayRestarts", [0.5, 3]),
    ("CosineDecayRestarts", [0.5, 3, 1.0, 0.8, 0.1]),
]  # fmt: skip


def optimizers() -> Any:
    import keras

    keras.backend.clear_session()
    rng, found = np.random.RandomState(2), []
    weights = [rng.randn(3, 2).astype("float32"), rng.randn(2).astype("float32")]
    weights.append(rng.randn(2, 3, 2).astype("float32"))
    slopes = [[rng.randn(*w.shape).astype("float32") for w in weights] for _ in range(5)]
    for name, args in OPTIMIZERS:
        optimizer = getattr(keras.optimizers, name)(**args)
        cells, steps = [keras.Variable(w) for w in weights], []
        for gradients in slopes:
            optimizer.apply(gradients, cells)
            steps.append([np.array(cell) for cell in cells])
        optimizer.finalize_variable_values(cells)
        case = {"name": name, "args": args, "steps": steps, "last": [np.array(cell) for cell in cells]}
        found.append(case | ({"config": optimizer.get_config()} if name in LATER else {}))
    rates = []
    for name, args in SCHEDULES:
        schedule = getattr(keras.optimizers.schedules, name)(*args)
        values = [schedule(step) for step in range(14)]
        rates.append({"name": name, "args": args, "values": values, "config": schedule.get_config()})
    return {"weights": weights, "slopes": slopes, "cases": found, "schedules": rates}


def operations() -> Any:
    """What is not jax.numpy's: the name, the arguments, the result as a list of arrays."""
    import jax
    import keras

    rng = np.random.RandomState(4)

    def a(*shape: int) -> Any:
        return rng.rand(*shape).astype("float32").round(3)

    image, line = a(2, 6, 5, 3), a(2, 7, 3)
    cases: list[tuple[str, list[Any], dict[str, Any]]] = [
        ("conv", [image, a(3, 2, 3, 4)], {"strides": 2, "padding": "same"}),
        ("conv", [line, a(3, 3, 2)], {"dilation_rate": 2}),
        ("depthwise_conv", [image, a(2, 2, 3, 2)], {}),
        ("separable_conv", [image, a(2, 2, 3, 2), a(1, 1, 6, 2)], {"padding": "same"}),
        ("max_pool", [image, 2], {"strides": 2}),
        ("max_pool", [line, 3], {"strides": 2, "padding": "same"}),
        ("average_pool", [image, [2, 3]], {"strides": [1, 1], "padding": "same"}),
        ("adaptive_average_pool", [image, [4, 2]], {}), ("adaptive_max_pool", [line, 3], {}),
        ("batch_normalization", [image, a(3), a(3), -1], {"offset": a(3), "scale": a(3), "epsilon": 0.1}),
        ("layer_normalization", [line], {"gamma": a(3), "beta": a(3)}),
        ("rms_normalization", [line], {"scale": a(3)}),
        ("dot_product_attention", [a(2, 4, 2, 3), a(2, 5, 2, 3), a(2, 5, 2, 3)], {"bias": a(2, 2, 4, 5)}),
        ("dot_product_attention", [a(2, 4, 2, 3), a(2, 4, 2, 3), a(2, 4, 2, 3)], {"is_causal": True}),
        ("ctc_loss", [np.array([[1, 2, 0], [2, 2, 1]]), a(2, 8, 3), np.array([2, 3]), np.array([8, 7])], {}),
        ("psnr", [image, a(2, 6, 5, 3), 2.0], {}),
        ("depth_to_space", [a(1, 2, 3, 8), 2], {}), ("space_to_depth", [a(1, 4, 6, 2), 2], {}),
        ("depth_to_space", [a(1, 8, 2, 3), 2], {"data_format": "channels_first"}),
        ("space_to_depth", [a(1, 2, 4, 6), 2], {"data_format": "channels_first"}),
        ("unfold", [a(2, 3, 5, 6), 2], {"stride": 2, "padding": 1}),
        ("fold", [a(2, 12, 9), [6, 6], 2], {"stride": 2}), ("fold", [a(1, 8, 9), 4, 2], {}),
        ("fft", [[a(2, 5), a(2, 5)]], {}), ("fft2", [[a(3, 4), a(3, 4)]], {}),
        ("ifft2", [[a(3, 4), a(3, 4)]], {}),
        ("rfft", [a(2, 6)], {}), ("rfft", [a(2, 6)], {"fft_length": 8}), ("irfft", [[a(2, 4), a(2, 4)]], {}),
        ("extract_sequences", [a(2, 9), 4, 2], {}), ("stft", [a(2, 40), 8, 3, 10], {}),
        ("stft", [a(40), 8, 4, 8], {"window": "hamming", "center": False}), ("cdist", [a(4, 3), a(2, 3)], {}),
        ("divide_no_nan", [a(3), np.array([1.0, 0.0, 2.0], "float32")], {}),
        ("view", [np.array([1.0, 2.0], "float32"), "int32"], {}),
        ("saturate_cast", [np.array([-1.0, 3.5, 300.0], "float32"), "uint8"], {}),
        ("segment_min", [a(5), np.array([0, 0, 1, 1, 1])], {"num_segments": 2}),
        ("segment_prod", [a(5), np.array([0, 0, 1, 1, 1])], {"num_segments": 2}),
        ("cholesky_inverse", [np.array([[2.0, 0.0], [1.0, 3.0]], "float32")], {}),
        ("lstsq", [a(4, 2), a(4)], {}), ("unique", [np.array([3, 1, 3])], {}),
        ("image.resize", [image, [3, 8]], {}),
        ("image.resize", [image[0], [4, 4]], {"interpolation": "nearest"}),
        ("image.resize", [image, [4, 4]], {"crop_to_aspect_ratio": True, "antialias": True}),
        ("image.resize", [image, [4, 4]], {"pad_to_aspect_ratio": True, "fill_value": 0.5}),
        ("image.rgb_to_grayscale", [image], {}), ("image.rgb_to_hsv", [image], {}),
        ("image.hsv_to_rgb", [image], {}),
        ("image.crop_images", [image, 1, 0], {"target_height": 3, "target_width": 4}),
        ("image.pad_images", [image, 1, 2], {"target_height": 9, "target_width": 8}),
        ("image.extract_patches", [image, 2], {}),
        ("image.extract_patches", [image, [3, 2]], {"strides": 1, "padding": "same"}),
        ("image.map_coordinates", [a(4, 5), a(2, 6) * 4, 1], {"fill_value": 0.5}),
        ("image.map_coordinates", [a(4, 5), a(2, 6) * 8 - 2, 0], {"fill_mode": "nearest"}),
        ("image.gaussian_blur", [image, [3, 5], [1.0, 2.0]], {"data_format": "channels_last"}),
        ("image.scale_and_translate", [a(4, 4), [6, 5], a(2) + 1, a(2), [0, 1], "linear"], {}),
        ("image.rgb_to_grayscale", [(a(2, 2, 3) * 255).astype("int32")], {}),
        ("gelu", [a(3)], {}), ("hard_sigmoid", [a(5) * 8 - 4], {}), ("softmax", [a(3)], {}),
        ("log_softmax", [a(2, 3)], {"axis": 0}), ("hard_silu", [a(5) * 8 - 4], {}), ("full", [[2], 1], {}),
        ("array_split", [a(5, 2), 2], {}), ("meshgrid", [a(2), a(3)], {}),
        ("quantile", [a(6), np.array([0.1, 0.5], "float32")], {"method": "lower"}),
        ("floor", [np.array([[1, 2]])], {}), ("ceil", [a(3) * 4], {}),
    ]  # fmt: skip
    found = []
    for name, args, words in cases:
        home = keras.ops.image if name.startswith("image.") else keras.ops
        given = [tuple(x) if isinstance(x, list) else x for x in args]
        said = {key: tuple(x) if isinstance(x, list) else x for key, x in words.items()}
        result = getattr(home, name.removeprefix("image."))(*given, **said)
        arrays = [np.asarray(array) for array in jax.tree.leaves(result)]
        found.append({"name": name, "args": args, "words": words, "arrays": arrays})
    return {"cases": found}


def regularizers() -> Any:
    import keras

    x = np.random.RandomState(3).randn(4, 3).astype("float32")
    cases = [("L1", {"l1": 0.25}), ("L2", {"l2": 0.5}), ("OrthogonalRegularizer", {"factor": 0.5})]
    cases += [("OrthogonalRegularizer", {"factor": 0.5, "mode": "columns"})]
    found = []
    for name, args in cases:
        made = getattr(keras.regularizers, name)(**args)
        value = made(keras.ops.convert_to_tensor(x))
        found.append({"name": name, "args": args, "value": value, "config": made.get_config()})
    return {"x": x, "cases": found}


RECORDED = (activations, losses, metrics, optimizers, operations, regularizers)


def main(names: list[str]) -> None:
    for record in RECORDED:
        if not names or record.__name__ in names:
            text = json.dumps(plain(record()), indent=None, separators=(",", ":"))
            with lzma.open(FOLDER / f"{record.__name__}.json.xz", "wt", preset=9, encoding="utf-8") as file:
                file.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])
