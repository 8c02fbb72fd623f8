"""The usual way to serve a model of Keras 3, started by serve.py with the peers' own interpreter.

    python serving_fastapi.py fastapi|fastapi-direct NETWORK WEIGHTS PORT

The first calls `predict`, the second `predict_on_batch`, which does less around the model.
"""

import sys

import numpy as np
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from serving_peers import loaded


class Request(BaseModel):
    """The body."""

    instances: list


def main() -> None:
    kind, name, weights, port = sys.argv[1:]
    model, app = loaded(name, weights), FastAPI()

    @app.post("/predict")
    async def predict(request: Request):  # in threads `predict` of Keras 3 fails: its state is shared
        x = np.array(request.instances, dtype="float32")
        y = model.predict(x, verbose=0) if kind == "fastapi" else model.predict_on_batch(x)
        return {"predictions": np.asarray(y).tolist()}

    uvicorn.run(app, port=int(port), log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
