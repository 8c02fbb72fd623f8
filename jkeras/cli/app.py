"""The commands: arguments in, public calls, words on stdout (stderr with `--json`), exit codes."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from jkeras.cli import config as config_module
from jkeras.cli import data, files, run
from jkeras.cli.errors import UserError, guarded
from jkeras.version import __version__

app = typer.Typer(
    name="jkeras",
    help="Train, resume, inspect and convert Keras models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout, words on stderr.")]
Model = Annotated[Path, typer.Argument(help="A model file, or a run directory (its newest checkpoint).")]
Source = Annotated[str, typer.Option("--data", help="A data set (digits) or a .npz file.")]
Scale = Annotated[float | None, typer.Option(help="Divide the inputs by this; default: as in the run.")]
RunDir = Annotated[Path, typer.Argument(help="The directory of the run.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"jkeras {__version__}")
        raise typer.Exit()


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Options of all commands."""


@contextlib.contextmanager
def _answer(as_json: bool):
    """Collects a command's result; with `--json` everything else goes to stderr and the result to stdout."""
    result: dict[str, Any] = {}
    if not as_json:
        yield result
        return
    with contextlib.redirect_stdout(sys.stderr):
        yield result
    print(json.dumps(result.get("rows", result), default=_jsonable))


def _jsonable(value: Any) -> Any:
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else str(value)


@app.command()
@guarded
def train(
    config: Annotated[Path, typer.Argument(help="The YAML file of the run.")],
    run_dir: Annotated[Path | None, typer.Option(help="Directory for checkpoints.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Number of epochs.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of weights, shuffling and dropout.")] = None,
    devices: Annotated[int | None, typer.Option(help="Number of devices that share each batch.")] = None,
    output: Annotated[Path | None, typer.Option(help="Model file to write.")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Drop an earlier run in the directory.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train the model that a YAML file describes."""
    settings = config_module.read(config)
    changes: dict[str, dict[str, Any]] = {
        "fit": {"epochs": epochs, "seed": seed, "devices": devices},
        "output": {"run_dir": run_dir and str(run_dir), "model": output and str(output)},
    }
    for section, values in changes.items():
        settings[section].update({key: value for key, value in values.items() if value is not None})
    settings = config_module.check(settings)
    with _answer(as_json) as result:
        result.update(run.train(settings, overwrite))


@app.command()
@guarded
def resume(
    run_dir: RunDir,
    epochs: Annotated[int | None, typer.Option(help="Train up to this epoch instead.", min=1)] = None,
    as_json: Json = False,
) -> None:
    """Go on with an interrupted run, to the same bits as without the interruption."""
    with _answer(as_json) as result:
        result.update(run.resume(run_dir, epochs))


@app.command()
@guarded
def checkpoints(run_dir: RunDir, as_json: Json = False) -> None:
    """List the checkpoints of a run, oldest first."""
    with _answer(as_json) as result:
        result["rows"] = files.checkpoints(run_dir)
        for row in result["rows"]:
            where = f"epoch {row['epoch']:4d}  step {row['step']:7d}"
            print(f"{row['checkpoint']}  {where}  {row['bytes'] / 1024:9.1f} KiB  {row['time']}")


@app.command()
@guarded
def restore(
    run_dir: RunDir,
    output: Annotated[Path, typer.Option(help="Model file to write (.h5 or .msgpack).")],
    checkpoint: Annotated[str | None, typer.Option(help="Its name or epoch; default: the newest.")] = None,
    as_json: Json = False,
) -> None:
    """Write the model of a checkpoint to a model file."""
    with _answer(as_json) as result:
        source = files.chosen(run_dir, checkpoint)
        files.convert(source, output)
        result.update(checkpoint=str(source), model=str(output))
        print(f"{source} → {output}")


@app.command()
@guarded
def evaluate(model: Model, source: Source, scale: Scale = None, as_json: Json = False) -> None:
    """Loss and metrics of a model on the test part of a data set."""
    with _answer(as_json) as result:
        loaded = files.load(model)
        arrays = data.load(source, files.scale_of(model, scale))
        if arrays.x_test is None or arrays.y_test is None:
            raise UserError(f"{source} has no targets to evaluate on: x_test and y_test, or x and y.")
        result.update(run.score(loaded, arrays))
        print(" - ".join(f"{name}: {value:.4f}" for name, value in result.items()))


@app.command()
@guarded
def predict(
    model: Model,
    source: Source,
    output: Annotated[Path, typer.Option(help="File for the outputs (.npz or .npy).")],
    scale: Scale = None,
    as_json: Json = False,
) -> None:
    """Outputs of a model for the test part of a data set, or the x of a .npz file."""
    with _answer(as_json) as result:
        loaded = files.load(model, compile=False)
        x = data.load(source, files.scale_of(model, scale)).x_test
        if x is None:
            raise UserError(f"{source} has no inputs to predict from: it needs x_test or x.")
        outputs = loaded.predict(data.inputs_for(loaded, x))
        several = isinstance(outputs, list)
        named = dict(zip(loaded.output_names, outputs, strict=True)) if several else {"y": outputs}
        data.save(output, named)
        shapes = {name: list(y.shape) for name, y in named.items()}
        result.update(output=str(output), arrays=shapes)
        print(f"{output}: {shapes}")


@app.command()
@guarded
def summary(model: Model, as_json: Json = False) -> None:
    """Show the layers of a model."""
    with _answer(as_json) as result:
        result.update(files.summary(model))


@app.command()
@guarded
def inspect(
    file: Annotated[Path, typer.Argument(help="A model, weights or .npz file, a checkpoint or a run.")],
    as_json: Json = False,
) -> None:
    """Show what a file holds without building a model."""
    with _answer(as_json) as result:
        result.update(files.inspect(file))
        print(files.as_text(result))


@app.command()
@guarded
def convert(
    source: Annotated[Path, typer.Argument(help="A model file, or a run directory.")],
    target: Annotated[Path, typer.Argument(help=".h5, .msgpack, or .json / .yaml for the architecture.")],
    as_json: Json = False,
) -> None:
    """Write a model in another format."""
    with _answer(as_json) as result:
        files.convert(source, target)
        result.update(source=str(source), target=str(target))
        print(f"{source} → {target}")
