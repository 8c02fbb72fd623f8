"""`train` and `resume`: one run of training, in its directory."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from jkeras.callbacks import RunCheckpoint
from jkeras.cli import build, data
from jkeras.cli.config import check
from jkeras.cli.errors import UserError, say
from jkeras.saving import checkpoint
from jkeras.utils import set_random_seed


def train(config: dict[str, Any], overwrite: bool) -> dict[str, Any]:
    """Start a run; returns what `--json` prints.

    Raises:
        UserError: the directory holds the checkpoints of another run and `overwrite` is false, or the
            configuration does not fit the data.
    """
    run_dir = Path(config["output"]["run_dir"])
    found = checkpoint.list_checkpoints(run_dir)
    if found and not overwrite:
        raise UserError(
            f"{run_dir} holds {len(found)} checkpoints of an earlier run. "
            f"Go on with `jkeras resume {run_dir}`, choose another directory with --run-dir, "
            "or start anew with --overwrite."
        )
    if Path(config["data"]["source"]).suffix:
        config["data"]["source"] = os.path.abspath(config["data"]["source"])
    if config["output"]["model"]:
        config["output"]["model"] = os.path.abspath(config["output"]["model"])
    prepared = _prepare(config)  # complains before anything is written or dropped
    if found:
        shutil.rmtree(run_dir / "checkpoints")
    checkpoint.write_run(run_dir, config)
    return _go(config, *prepared, resume=False)


def resume(run_dir: Path, epochs: int | None) -> dict[str, Any]:
    """Go on with an interrupted run, from its newest whole checkpoint.

    Args:
        run_dir: the directory of the run.
        epochs: train up to this epoch instead of the run's own last one.

    Raises:
        ValueError: there is no such run, or it has no checkpoint.
    """
    config = check(checkpoint.read_run(run_dir))
    newest = checkpoint.latest(run_dir)
    config["output"]["run_dir"] = str(run_dir)
    if epochs is not None:
        config["fit"]["epochs"] = epochs
        checkpoint.write_run(run_dir, config)
    prepared = _prepare(config)
    say(f"Going on from {newest.path} (epoch {newest.epoch}, step {newest.step}).")
    return _go(config, *prepared, resume=True)


def _prepare(config: dict[str, Any]):
    """The compiled model with its first weights, the data, and the callbacks."""
    arrays = data.load(config["data"]["source"], config["data"]["scale"])
    if arrays.x_train is None or arrays.y_train is None:
        raise UserError(
            f"{config['data']['source']} holds no training data: x_train and y_train, or x and y."
        )
    set_random_seed(config["fit"]["seed"])
    model = build.model_from(config, arrays.x_train.shape[1:])
    return model, arrays, build.callbacks_from(config)


def _go(config: dict[str, Any], model, arrays: data.Data, callbacks: list, resume: bool) -> dict[str, Any]:
    run_dir, output, options = Path(config["output"]["run_dir"]), config["output"], config["fit"]
    model.summary()
    keeper = RunCheckpoint(
        run_dir,
        every_epochs=output["every_epochs"],
        every_steps=output["every_steps"],
        every_seconds=output["every_seconds"],
        keep=output["keep"],
        resume=resume,
    )
    x, y = data.inputs_for(model, arrays.x_train), data.targets_for(model, arrays.y_train)
    with _advice(run_dir):
        history = model.fit(
            x,
            y,
            batch_size=options["batch_size"],
            epochs=options["epochs"],
            shuffle=options["shuffle"],
            callbacks=[*callbacks, keeper],
            **_validation(options["validation"], model, arrays),
        )
    path = Path(output["model"]) if output["model"] else run_dir / "model.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    model.save(str(path))
    result: dict[str, Any] = {"run_dir": str(run_dir), "model": str(path), "history": history.history}
    print(f"Model: {path}  Checkpoints: {run_dir / 'checkpoints'}")
    if arrays.x_test is not None and arrays.y_test is not None:
        result["test"] = score(model, arrays)
        print("Test " + " - ".join(f"{name}: {value:.4f}" for name, value in result["test"].items()))
    return result


def _validation(wish, model, arrays: data.Data) -> dict[str, Any]:
    if wish == "test":
        if arrays.x_test is None or arrays.y_test is None:
            raise UserError("fit.validation is 'test', but the data have no x_test and y_test.")
        test = (data.inputs_for(model, arrays.x_test), data.targets_for(model, arrays.y_test))
        return {"validation_data": test}
    return {"validation_split": float(wish)} if wish else {}


def score(model, arrays: data.Data) -> dict[str, float]:
    """Loss and metrics of the model on the test data, by name."""
    x, y = data.inputs_for(model, arrays.x_test), data.targets_for(model, arrays.y_test)
    values = np.ravel(model.evaluate(x, y, verbose=0))
    return {name: float(value) for name, value in zip(model.metrics_names, values, strict=True)}


@contextlib.contextmanager
def _advice(run_dir: Path):
    """An interrupted `fit` says how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        print(flush=True)
        if not checkpoint.list_checkpoints(run_dir):
            raise KeyboardInterrupt("Interrupted before the first checkpoint.") from None
        raise KeyboardInterrupt(
            f"Interrupted; a checkpoint is saved. Go on with: jkeras resume {run_dir}"
        ) from None
