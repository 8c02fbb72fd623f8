"""One framework's `predict` in a process of its own, started by applications.py: takes turns on stdin.

    python predicting.py jkeras|keras APPLICATION

Each line of stdin is a batch size and a number of calls; the answer is the seconds that they took, and the
sum of the last outputs. It needs nothing but the framework, so that the interpreter of a peer can run it.
"""

import os
import sys
import time

import numpy as np


def builder(framework: str, name: str):
    """A builder of the framework, and the versions that count."""
    if framework == "jkeras":
        import jkeras
        import jkeras.applications as applications
    else:
        os.environ["KERAS_BACKEND"] = "jax"
        import keras as jkeras
        import keras.applications as applications

        if jkeras.backend.backend() != "jax":
            raise ImportError(f"Keras {jkeras.__version__} runs on {jkeras.backend.backend()}, not on JAX")
    import jax

    return getattr(applications, name), f"{framework} {jkeras.__version__} on jax {jax.__version__}"


def main() -> None:
    framework, name = sys.argv[1:]
    build, about = builder(framework, name)
    model = build(weights=None)
    x = np.random.RandomState(0).rand(32, *model.input_shape[1:]).astype("float32")
    print(about, flush=True)
    for line in sys.stdin:
        batch, calls = map(int, line.split())
        start = time.perf_counter()
        ys = [model.predict(x[:batch], batch_size=batch, verbose=0) for _ in range(calls)]
        print(time.perf_counter() - start, ys[-1].sum(), flush=True)


if __name__ == "__main__":
    main()
