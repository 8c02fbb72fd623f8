"""Draw the networks of the examples into the gallery: `python examples/guides/draw.py`.

Each script runs up to the first training of a network, which is drawn in its place.
"""

import contextlib
import io
import runpy
import sys
from pathlib import Path

from jkeras import backend
from jkeras.models import Model
from jkeras.utils import plot_model

EXAMPLES = Path(__file__).parents[1]
PICTURES = EXAMPLES / "guides" / "en" / "pictures"


class Trained(Exception):
    """A script has begun to train this model."""


def stop(model, *_, **__):
    """Stand in for `fit` and its like."""
    raise Trained(model)


def main() -> None:
    """Draw all; scripts that train by a loop of their own have no picture."""
    sys.path.insert(0, str(EXAMPLES))
    for name in ("fit", "fit_generator", "train_on_batch", "step"):
        setattr(Model, name, stop)
    PICTURES.mkdir(exist_ok=True)
    for path in sorted(set(EXAMPLES.glob("[!_]*.py")) - {EXAMPLES / "digits.py"}):
        backend.clear_session()
        sys.argv = [str(path), "--smoke"]
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                runpy.run_path(str(path), run_name="__main__")
        except Trained as begun:
            with contextlib.suppress(ValueError):  # a subclass has no graph to draw
                plot_model(begun.args[0], str(PICTURES / f"{path.stem}.svg"), show_shapes=True)
        except Exception as error:
            print(f"{path.name}: no picture: {error!r}")


if __name__ == "__main__":
    main()
