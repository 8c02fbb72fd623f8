"""An exported model on Ray Serve, with two replicas; requests that come together are computed together.

    python -c "import jkeras; jkeras.models.load_model('digits.h5').export('digits.stablehlo')"
    pip install "ray[serve]"
    python examples/serving/ray_serve.py digits.stablehlo            # serves until Ctrl-C
    python examples/serving/ray_serve.py digits.stablehlo --once     # answers some requests and ends

The export needs no code of its model; a replica needs jax and jkeras, and one processor here.
"""

import argparse
import json
import os
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import ray
from ray import serve
from starlette.requests import Request

BATCH = 32


@serve.deployment(num_replicas=2, max_ongoing_requests=2 * BATCH, ray_actor_options={"num_cpus": 1})
class Predictor:
    """A replica: it takes the rows of TensorFlow Serving's contract."""

    def __init__(self, path: str):
        from jkeras import export

        self.run = export.load(path)
        self.sizes = [2**n for n in range(BATCH.bit_length())]
        ((shape, dtype),) = self.run.inputs.values()
        for size in self.sizes:  # compiled before the first request
            self.run(np.zeros((size, *shape[1:]), dtype))

    @serve.batch(max_batch_size=BATCH, batch_wait_timeout_s=0.002)
    async def predict(self, rows: list[np.ndarray]) -> list[list[float]]:
        size = next(size for size in self.sizes if size >= len(rows))
        filled = np.zeros((size, *rows[0].shape), rows[0].dtype)
        filled[: len(rows)] = rows
        return self.run(filled)[: len(rows)].tolist()

    async def __call__(self, request: Request) -> dict:
        rows = np.array((await request.json())["instances"], "float32")
        return {"predictions": [await self.predict(row) for row in rows], "process": os.getpid()}


def ask(rows: np.ndarray, port: int) -> dict:
    """One request."""
    body = json.dumps({"instances": rows.tolist()}).encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", body, timeout=60) as answer:
        return json.loads(answer.read())


def once(path: str, port: int) -> None:
    """Some requests at once; their answers are those of the export in this process."""
    from jkeras import export

    run = export.load(path)
    ((shape, dtype),) = run.inputs.values()
    rows = np.random.RandomState(0).rand(64, *shape[1:]).astype(dtype)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda row: ask(row[None], port), rows))
    made = np.array([answer["predictions"][0] for answer in answers])
    np.testing.assert_allclose(made, run(rows), rtol=1e-4, atol=1e-6)
    processes = {answer["process"] for answer in answers}
    print(f"{len(rows)} requests, {len(processes)} replicas, the same as in one process")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("export", help="a file that model.export has written")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--once", action="store_true", help="answer some requests and end")
    arguments = parser.parse_args()
    ray.init(num_cpus=2, include_dashboard=False)
    serve.start(http_options={"host": "127.0.0.1", "port": arguments.port})
    serve.run(Predictor.bind(os.path.abspath(arguments.export)))
    try:
        if arguments.once:
            once(arguments.export, arguments.port)
        while not arguments.once:
            time.sleep(1)
    finally:
        serve.shutdown()
        ray.shutdown()


if __name__ == "__main__":
    main()
