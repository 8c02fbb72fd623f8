"""`train` and `resume`: one run of training, in its directory."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from jkeras.callbacks import RunCheckpoint
from jkeras.cli import build, data, history
from jkeras.cli.config import check
from jkeras.cli.errors import UserError, say
from jkeras.cli.files import check_model
from jkeras.cli.sources import TABLES
from jkeras.cli.user_code import is_code
from jkeras.core import processes
from jkeras.core.sequence import Sequence
from jkeras.saving import checkpoint
from jkeras.utils import set_random_seed


def train(config: dict[str, Any], overwrite: bool = False, go_on: bool = False) -> dict[str, Any]:
    """Start a run; returns what `--json` prints.

    Args:
        config: what `config.check` returned.
        overwrite: drop an earlier run in the directory.
        go_on: go on with an earlier run in the directory, if there is one of this very configuration.

    Raises:
        UserError: the directory holds the checkpoints of another run, or the configuration does not fit the
            data.
    """
    run_dir = Path(config["output"]["run_dir"])
    earlier = checkpoint.list_checkpoints(run_dir)
    _anchor(config)
    processes.meet()  # all have looked before the first one writes
    if earlier and go_on and not overwrite:
        _check_same(run_dir, config)
        _note(run_dir, config)
        return _resumed(run_dir, config)
    if earlier and not overwrite:
        raise UserError(
            f"{run_dir} holds {len(earlier)} checkpoints of an earlier run. "
            f"Go on with `jkeras resume {run_dir}`, choose another directory with --run-dir, "
            "or start anew with --overwrite."
        )
    prepared = prepare(config)  # complains before anything is written or dropped
    _note(run_dir, config, anew=True)
    return _go(config, *prepared, resume=False)


def _note(run_dir: Path, config: dict[str, Any], anew: bool = False) -> None:
    """Write the configuration of a run into its directory; `anew`: drop what an earlier run left there."""
    if processes.is_first():
        with checkpoint.hold(run_dir):
            if anew and (run_dir / "checkpoints").exists():
                shutil.rmtree(run_dir / "checkpoints")
            if anew:
                (run_dir / history.RESULT).unlink(missing_ok=True)
            checkpoint.write_run(run_dir, config)
    processes.meet()  # the others go on when it is there


def _anchor(config: dict[str, Any]) -> None:
    """Paths that a later command must find from wherever it is called."""
    data_, output = config["data"], config["output"]
    for section, key in ((data_, "source"), (data_, "test"), (output, "model"), (config, "model")):
        value = section[key]
        is_path = (
            isinstance(value, str) and not is_code(value) and (section is output or os.path.exists(value))
        )
        if is_path and not (section is data_ and value in data.SETS):
            section[key] = os.path.abspath(value)


def _check_same(run_dir: Path, config: dict[str, Any]) -> None:
    """Refuse to go on with a run of another configuration; its length and where it writes may change."""
    then = check(checkpoint.read_run(run_dir))
    config["data"]["classes"] = config["data"]["classes"] or then["data"]["classes"]  # as the run found them
    then["fit"]["epochs"] = config["fit"]["epochs"]
    for section in ("data", "model", "compile", "fit", "callbacks"):
        a, b = then[section], config[section]
        if a != b:
            raise UserError(
                f"{run_dir} holds a run of another configuration: {section} was {a}, now it is {b}. "
                "Choose another directory with --run-dir, or start anew with --overwrite."
            )


def resume(
    run_dir: Path,
    epochs: int | None = None,
    named: dict[str, str | None] | None = None,
    verify: bool = False,
) -> dict[str, Any]:
    """Go on with an interrupted run, from its newest whole checkpoint.

    Args:
        run_dir: the directory of the run.
        epochs: train up to this epoch instead of the run's own last one.
        named: the user's code, `{"data": "module:function", "model": "file.py:function"}`, where the run has
            such: a file alone never makes it run.
        verify: train from the last checkpoint but one first, and compare the bits at the newest.

    Raises:
        RuntimeError: they differ.
        UserError: the run was started with code that is not named now.
        ValueError: there is no such run, or it has no checkpoint.
    """
    config = check(checkpoint.read_run(run_dir))
    config["output"]["run_dir"] = str(run_dir)
    for option, place, key in (("data", config["data"], "source"), ("model", config, "model")):
        value = (named or {}).get(option)
        if is_code(place[key]) and value is None:
            command = f"jkeras resume {run_dir} --{option} {place[key]}"
            raise UserError(f"{run_dir} was started with code of your own; name it again: {command}")
        place[key] = value or place[key]
    if epochs is not None:
        config["fit"]["epochs"] = epochs
        _note(run_dir, config)
    return _resumed(run_dir, config, verify)


def _resumed(run_dir: Path, config: dict[str, Any], verify: bool = False) -> dict[str, Any]:
    newest = checkpoint.latest(run_dir)
    prepared = prepare(config)
    say(f"Going on from {newest.path} (epoch {newest.epoch}, step {newest.step}).")
    return _go(config, *prepared, resume=True, verify=verify)


def prepare(config: dict[str, Any]):
    """The compiled model with its first weights, the data, and the callbacks."""
    check_model(_model_file(config["output"]))
    arrays = data.load(**config["data"])
    batches = isinstance(arrays.x_train, Sequence)
    if arrays.x_train is None or (arrays.y_train is None and not batches):
        missing = (
            "name the column data.target"
            if Path(config["data"]["source"]).suffix in TABLES
            else "x_train and y_train, or x and y"
        )
        raise UserError(f"{config['data']['source']} holds no training data: {missing}.")
    config["data"]["classes"] = arrays.classes
    set_random_seed(config["fit"]["seed"])
    model = build.model_from(config, None if batches else np.shape(arrays.x_train)[1:])
    return model, arrays, build.callbacks_from(config)


def _model_file(output: dict[str, Any]) -> Path:
    """The file of the trained model."""
    return Path(output["model"]) if output["model"] else Path(output["run_dir"]) / "model.h5"


def _go(
    config: dict[str, Any],
    model: Any,
    arrays: data.Data,
    callbacks: list[Any],
    resume: bool,
    verify: bool = False,
) -> dict[str, Any]:
    run_dir, output, options = Path(config["output"]["run_dir"]), config["output"], config["fit"]
    model.summary()
    keeper = RunCheckpoint(
        run_dir,
        every_epochs=output["every_epochs"],
        every_steps=output["every_steps"],
        every_seconds=output["every_seconds"],
        keep=output["keep"],
        resume=resume,
        verify=verify,
        best=output["best"],
        keep_best=output["keep_best"],
    )
    x, y = data.inputs_for(model, arrays.x_train), data.targets_for(model, arrays.y_train)
    with _advice(run_dir):
        trained = model.fit(
            x,
            y,
            batch_size=None if isinstance(x, Sequence) else options["batch_size"],
            epochs=options["epochs"],
            shuffle=options["shuffle"],
            callbacks=[*callbacks, history.HistoryFile(run_dir / history.HISTORY), keeper],
            **_validation(options["validation"], model, arrays),
        )
    path = _model_file(output)
    if processes.is_first():
        path.parent.mkdir(parents=True, exist_ok=True)
        model.save(str(path))
    result: dict[str, Any] = {"run_dir": str(run_dir), "model": str(path), "history": trained.history}
    print(f"Model: {path}  Checkpoints: {run_dir / 'checkpoints'}")
    if testable(arrays):
        result["test"] = score(model, arrays)
        print("Test " + " - ".join(f"{name}: {value:.4f}" for name, value in result["test"].items()))
    if processes.is_first():
        history.write_result(run_dir, {key: value for key, value in result.items() if key != "history"})
    return result


def training_arrays(config: dict[str, Any], model: Any, arrays: data.Data) -> tuple[Any, Any, dict[str, Any]]:
    """Inputs, targets, and the arguments of `fit` that say what to validate on."""
    if isinstance(arrays.x_train, Sequence):
        raise UserError(f"{config['data']['source']} makes batches one by one; a sweep takes arrays.")
    x, y = data.inputs_for(model, arrays.x_train), data.targets_for(model, arrays.y_train)
    return x, y, _validation(config["fit"]["validation"], model, arrays)


def testable(arrays: data.Data) -> bool:
    """Whether the data have a test part with targets."""
    return arrays.x_test is not None and (arrays.y_test is not None or isinstance(arrays.x_test, Sequence))


def _validation(wish: Any, model: Any, arrays: data.Data) -> dict[str, Any]:
    if wish == "test":
        if not testable(arrays):
            raise UserError("fit.validation is 'test', but the data have no x_test and y_test.")
        test = (data.inputs_for(model, arrays.x_test), data.targets_for(model, arrays.y_test))
        return {"validation_data": arrays.x_test if isinstance(arrays.x_test, Sequence) else test}
    if wish and isinstance(arrays.x_train, Sequence):
        raise UserError("fit.validation cannot be a share of batches that a function makes; take 'test'.")
    return {"validation_split": float(wish)} if wish else {}


def score(model: Any, arrays: data.Data) -> dict[str, float]:
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
