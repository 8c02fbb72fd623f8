"""Feed-forward layers against the recordings of Keras 2.2.4."""

import pytest

from jkeras.layers.serialization import deserialize
from tests.layers import golden_runner

CORE = ["Activation", "ActivityRegularization", "Dense", "Dropout", "Flatten", "Masking", "Permute"]
CORE += ["RepeatVector", "Reshape", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"]
ACTIVATIONS = ["ELU", "LeakyReLU", "PReLU", "ReLU", "Softmax", "ThresholdedReLU"]
NOISE = ["AlphaDropout", "GaussianDropout", "GaussianNoise"]
MERGE = ["Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract"]
CONVOLUTION = ["Conv1D", "Conv2D", "Conv2DTranspose", "Conv3D", "Conv3DTranspose", "DepthwiseConv2D"]
CONVOLUTION += ["SeparableConv1D", "SeparableConv2D", "LocallyConnected1D", "LocallyConnected2D"]
RESIZE = [f"{kind}{n}D" for kind in ("Cropping", "UpSampling", "ZeroPadding") for n in (1, 2, 3)]
POOLING = [f"{kind}{n}D" for kind in ("MaxPooling", "AveragePooling") for n in (1, 2, 3)]
POOLING += [f"Global{kind}{n}D" for kind in ("MaxPooling", "AveragePooling") for n in (1, 2, 3)]
ALL = [*CORE, *ACTIVATIONS, *NOISE, *MERGE, "BatchNormalization", *CONVOLUTION, *RESIZE, *POOLING]


@pytest.mark.parametrize("case", golden_runner.cases(*ALL), ids=str)
def test_recorded(case):
    golden_runner.check(case)


@pytest.mark.parametrize("case", golden_runner.refused(*ALL), ids=lambda case: case["case"])
def test_refused(case):
    shapes = [(None, *s) for s in case["input_shapes"]]
    with pytest.raises((ValueError, TypeError)):
        layer = deserialize({"class_name": case["class_name"], "config": case["config"]})
        layer.compute_output_shape(shapes if len(shapes) > 1 else shapes[0])
