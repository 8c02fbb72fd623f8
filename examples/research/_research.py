"""What the scripts of this folder share: `--smoke`, and the last line, which says whether it learned."""

import sys

import numpy as np

smoke = "--smoke" in sys.argv[1:]


def tell(losses) -> None:
    """Print the means of the first and the last tenth; exit with 1 unless the loss has gone down."""
    values = np.asarray(losses, float).ravel()
    tenth = max(1, len(values) // 10)
    first, last = values[:tenth].mean(), values[-tenth:].mean()
    print(f"loss: {first:.4f} -> {last:.4f}")
    if not last < first:
        sys.exit("The loss should have gone down.")
