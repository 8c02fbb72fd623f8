"""Images, as recorded from Keras 2.2.4: transformations, normalizations, the order of batches, seeds."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

from jkeras.preprocessing import image
from tests import golden

with h5py.File(golden.path("preprocessing.h5")) as file:
    X, Y = file["images/x"][()], file["images/y"][()]
    NAMES = list(file["ImageDataGenerator"])
    AFFINE, APPLY = len(file["affine"]), len(file["apply_transform"])


def recorded(path):
    """(arguments, arrays) of a group or data set; data sets by path."""
    found = {}
    with h5py.File(golden.path("preprocessing.h5")) as file:
        group = file[path]
        if isinstance(group, h5py.Dataset):
            return dict(group.attrs), group[()]
        group.visititems(lambda n, o: found.update({n: o[()]} if isinstance(o, h5py.Dataset) else {}))
        return dict(group.attrs), found


def close(here, there, atol=1e-5):
    np.testing.assert_allclose(here, there, rtol=1e-5, atol=atol)


# So few images have fewer directions than pixels. What whitening does beside them is made of rounding errors,
# in Keras too, divided by the root of epsilon: the recorded values are that far from those of float64.
WHITENED = 5e-3


@pytest.mark.parametrize("name", NAMES)
def test_generator(name):
    attrs, arrays = recorded(f"ImageDataGenerator/{name}")
    args, flow_args = json.loads(attrs["args"]), json.loads(attrs.get("flow_args", "{}"))
    implied = args.get("zca_whitening") and not args.get("featurewise_center")
    if implied:
        with pytest.warns(UserWarning, match="overrides setting of `featurewise_center`"):
            generator = image.ImageDataGenerator(**args)
    else:
        generator = image.ImageDataGenerator(**args)
    if "error" in attrs:
        kind, _, message = attrs["error"].partition(": ")
        with pytest.raises(ValueError) as caught:
            generator.flow(X, Y, **flow_args)
        assert (type(caught.value).__name__, str(caught.value)) == (kind, message)
        return
    if "standardized" in arrays:
        generator.fit(X)
    atol = WHITENED if args.get("zca_whitening") else 1e-5
    for x, there in zip(X, arrays.get("standardized", ()), strict=False):
        close(generator.standardize(np.copy(x)), there, atol)
    for found in ("mean", "std"):
        if found in arrays:
            close(getattr(generator, found), arrays[found])
    if "principal_components" in arrays:
        assert generator.principal_components.shape == arrays["principal_components"].shape
    by_number = generator.flow(X, Y, batch_size=3, shuffle=False)
    by_turns = generator.flow(X, Y, **flow_args)
    assert "len" not in attrs or len(by_turns) == int(attrs["len"])
    for i in range(len([n for n in arrays if n.startswith("flow/") and n.endswith("/x")])):
        x, y = by_number[i]
        close(x, arrays[f"flow/{i}/x"], atol)
        assert y.tolist() == arrays[f"flow/{i}/y"].tolist()
    for i in range(len([n for n in arrays if n.startswith("next/") and n.endswith("/x")])):
        x, y = next(by_turns)
        close(x, arrays[f"next/{i}/x"])
        assert y.tolist() == arrays[f"next/{i}/y"].tolist()


@pytest.mark.parametrize("i", range(AFFINE))
def test_apply_affine_transform(i):
    attrs, there = recorded(f"affine/{i}")
    close(image.apply_affine_transform(X[0], **json.loads(attrs["args"])), there)


@pytest.mark.parametrize("i", range(APPLY))
def test_apply_transform(i):
    attrs, there = recorded(f"apply_transform/{i}")
    close(image.ImageDataGenerator().apply_transform(X[1], json.loads(attrs["args"])), there)


def test_get_random_transform():
    case = golden.json("preprocessing")["get_random_transform"]
    generator = image.ImageDataGenerator(**eval(f"dict({case['args']})"))
    for seed, there in zip(case["seeds"], case["results"], strict=True):
        here = generator.get_random_transform(tuple(case["img_shape"]), seed)
        assert here.pop("brightness") is there.pop("brightness") is None
        assert here == pytest.approx(there, rel=1e-12)
