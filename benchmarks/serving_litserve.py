"""LitServe with batching around a model of Keras 3, started by serve.py with the peers' own interpreter.

python serving_litserve.py litserve NETWORK WEIGHTS PORT
"""

import sys

import litserve as ls
import numpy as np

from serving_peers import loaded

BATCH, TIMEOUT = 32, 0.002


class Api(ls.LitAPI):
    """A row comes, rows that come together are predicted together, a row goes."""

    def setup(self, device):
        self.model = loaded(*sys.argv[2:4])
        for size in range(1, BATCH + 1):  # Keras compiles for each
            self.model.predict_on_batch(np.zeros((size, *self.model.input_shape[1:])))

    def decode_request(self, request):
        return np.array(request["instances"][0], dtype="float32")

    def batch(self, inputs):
        return np.stack(inputs)

    def predict(self, x):
        return np.asarray(self.model.predict_on_batch(x))

    def unbatch(self, output):
        return list(output)

    def encode_response(self, output):
        return {"predictions": [output.tolist()]}


if __name__ == "__main__":
    server = ls.LitServer(Api(max_batch_size=BATCH, batch_timeout=TIMEOUT), accelerator="cpu")
    server.run(port=int(sys.argv[4]), log_level="warning", generate_client_file=False)
