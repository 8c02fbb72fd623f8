"""What all examples share: `--smoke`, the seed, the digits as the networks like them, the last line."""

import argparse
import sys

import numpy as np

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

    def finish(self, what: str, value: float, losses, *, at_least=-np.inf, at_most=np.inf) -> None:
        """Print the figure that proves learning; exit with 1 if it is not good enough."""
        print(f"loss: {losses[0]:.4f} -> {losses[-1]:.4f}")
        print(f"{what}: {value:.4f}")
        if not losses[-1] < losses[0]:
            sys.exit("The loss should have gone down.")
        if not self.smoke and not at_least <= value <= at_most:
            sys.exit(f"The {what} should be " + (f">= {at_least}." if value < at_least else f"<= {at_most}."))


def digits():
    """The handwritten digits: `(x_train, y_train), (x_test, y_test)`, images (rows, 8, 8) from 0 to 1."""
    (x_train, y_train), (x_test, y_test) = data.load_data()
    return (x_train / np.float32(16), y_train), (x_test / np.float32(16), y_test)
