"""Names of Keras 3 that have no counterpart here, and what to write instead."""

from __future__ import annotations

_AUGMENT = "RandomFlip, RandomRotation, RandomZoom, RandomContrast, or a `call` with jkeras.random"
_OTHER_MODEL = "jkeras.layers.Pure(init, apply), which takes a module of flax too"
_GRAPH = "a layer's `call` and jax's own transformations take its place"
_PLACES = "compile(devices=, mesh=, shard=) says where batches and weights are"
_DTYPES = "a policy is its name here: jkeras.config.set_dtype_policy(name), Dense(..., dtype=name)"
_NARROW = "weights have no integer dtypes here; quantize the arrays of model.get_weights()"
_SHAPED = "jkeras.applications has the models of Keras 2.2.4; others are built from layers"
_PICTURES = "use matplotlib; jkeras.visualization.plot_model draws models"
_VERBOSE = "the argument verbose= of fit, evaluate and predict"
_DISTILL = "add the teacher's loss with `add_loss` in a model that holds both"

# module → {names: what to write}
_TABLE: dict[str, dict[str, str]] = {
    "layers": {
        "AugMix AutoContrast ContrastLimitedAdaptiveHistogramEqualization CutMix Equalization MixUp "
        "RandAugment RandomColorDegeneration RandomColorJitter RandomElasticTransform "
        "RandomGaussianBlur RandomHue RandomPerspective RandomPosterization RandomSaturation RandomSharpness "
        "RandomShear": _AUGMENT,
        "FlaxLayer JaxLayer": _OTHER_MODEL,
        "TFSMLayer TorchModuleWrapper": "there is no TensorFlow and no torch in a compiled step; export the "
        "model to StableHLO, or port it",
        "MelSpectrogram STFTSpectrogram": "jkeras.ops.stft on the data, or in a Lambda",
        "MaxNumBoundingBoxes": "pad the boxes with numpy before they enter the model",
        "Pipeline": "jkeras.Sequential of the layers",
    },
    "optimizers": {
        "LossScaleOptimizer": "compile(optimizer, loss_scale='dynamic')",
        "MultiOptimizer OptimizerMap": "compile({'encoder/*': 'adam', '*': 'sgd'})",
        "legacy": "the optimizers of this module are those of Keras 2",
    },
    "callbacks": {"OrbaxCheckpoint": "jkeras.callbacks.BackupAndRestore or ModelCheckpoint"},
    "saving": {"KerasFileEditor": "read the file with h5py, or the model's weights with get_weights"},
    "initializers": {"STFT STFTInitializer stft": "pass the matrix as Constant(matrix)"},
    "utils": {
        "FeatureSpace": "Normalization, StringLookup, IntegerLookup, Hashing and CategoryEncoding by column "
        "(examples/structured_data.py)",
        "Config": "a dict, or types.SimpleNamespace",
        "audio_dataset_from_directory": "read the files with scipy.io.wavfile into a PyDataset",
        "bounding_boxes": "compute with numpy on the boxes",
        "legacy": "the names of Keras 2.2.4 are in this module",
        "enable_interactive_logging disable_interactive_logging is_interactive_logging_enabled": _VERBOSE,
    },
    "config": {
        "set_max_epochs max_epochs set_max_steps_per_epoch max_steps_per_epoch": "fit(epochs=...)",
        "enable_unsafe_deserialization": "load_model(path, safe_mode=False), for one file",
        "set_backend": "the backend is jax",
        "is_nnx_enabled": "there is no nnx here",
        "enable_flash_attention disable_flash_attention is_flash_attention_enabled": "the "
        "argument flash_attention=True of MultiHeadAttention",
        "enable_interactive_logging disable_interactive_logging is_interactive_logging_enabled": _VERBOSE,
    },
    "ops": {
        "istft": "jax.scipy.signal.istft",
        "rearrange": "einops.rearrange, which works on arrays of jax",
        "ctc_decode": "jkeras.backend.ctc_decode",
        "conv_transpose": "a layer, Conv2DTranspose, or jkeras.backend.conv2d_transpose",
    },
    "ops.image": {
        "affine_transform perspective_transform elastic_transform": "map_coordinates of this module",
        "extract_patches_3d": "jkeras.ops.conv with a kernel that picks each place",
        "sobel_edges": "jkeras.ops.depthwise_conv with the two kernels",
        "ssim": "the metric from jkeras.ops.average_pool of products",
    },
    "export": {"ExportArchive": "model.export(path)"},
    "preprocessing.image": {
        "smart_resize": "jkeras.layers.Resizing(height, width, crop_to_aspect_ratio=True)"
    },
    "applications": {
        "ConvNeXtBase ConvNeXtLarge ConvNeXtSmall ConvNeXtTiny ConvNeXtXLarge EfficientNetB0 EfficientNetB1 "
        "EfficientNetB2 EfficientNetB3 EfficientNetB4 EfficientNetB5 EfficientNetB6 EfficientNetB7 "
        "EfficientNetV2B0 EfficientNetV2B1 EfficientNetV2B2 EfficientNetV2B3 EfficientNetV2L EfficientNetV2M "
        "EfficientNetV2S MobileNetV3Large MobileNetV3Small ResNet101 ResNet101V2 ResNet152 ResNet152V2 "
        "ResNet50V2 convnext efficientnet efficientnet_v2 mobilenet_v3 resnet resnet_v2": _SHAPED,
    },
    "datasets": {"california_housing": "sklearn.datasets.fetch_california_housing, or boston_housing here"},
    "mixed_precision": {
        "DTypePolicy Policy": _DTYPES,
        "LossScaleOptimizer": "compile(optimizer, loss_scale='dynamic')",
    },
    "visualization": {
        "draw_bounding_boxes draw_segmentation_masks plot_bounding_box_gallery plot_image_gallery "
        "plot_segmentation_mask_gallery": _PICTURES,
    },
    "wrappers": {
        "SKLearnClassifier SKLearnRegressor SKLearnTransformer": "KerasClassifier and "
        "KerasRegressor of jkeras.wrappers.scikit_learn",
    },
    "legacy": {"saving": "jkeras.models.load_model and save_model read and write those files"},
    "": {
        "src api _tf_keras": "write the public path, as in `from keras.layers import Dense`",
        "DTypePolicy FloatDTypePolicy dtype_policies": _DTYPES,
        "Quantizer quantizers": _NARROW,
        "distribution": _PLACES,
        "distillation": _DISTILL,
        "Operation StatelessScope SymbolicScope": _GRAPH,
        "RematScope remat": "compile(remat=['block_*']), or jax.checkpoint around a function",
        "Function": "jkeras.Model(inputs, outputs)",
        "tree": "jax.tree, with is_leaf=lambda x: x is None where None is a value",
        "device": "jax.default_device(device), or compile(devices=)",
    },
}


MODULES = frozenset(_TABLE) - {"", "ops"}  # those that have it said by `module_aliases`


def instead(module: str, name: str) -> str | None:
    """The advice in the place of a name of Keras 3; None for other names.

    Args:
        module: below the package; "" for the package itself.
        name: what was asked for.

    Example:
        >>> instead("callbacks", "OrbaxCheckpoint")
        'jkeras.callbacks.BackupAndRestore or ModelCheckpoint'
    """
    found = (advice for names, advice in _TABLE.get(module, {}).items() if name in names.split())
    return next(found, None)
