"""The commands: arguments in, public calls, words on stdout (stderr with `--json`), exit codes."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import contextlib
import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jkeras.cli.errors import UserError, reports_errors
from jkeras.core import atomic
from jkeras.core.late import late
from jkeras.version import __version__

if TYPE_CHECKING:
    from jkeras.cli import compare, data, docs, files, history, overrides, run, text
    from jkeras.cli import config as config_module
    from jkeras.cli import plan as planning
    from jkeras.cli import processes as several
    from jkeras.cli import serve as serve_module
    from jkeras.cli import sweep as sweeping
else:  # only commands that compute wait for jax
    compare, data, files, history = map(late, ("cli.compare", "cli.data", "cli.files", "cli.history"))
    docs, overrides, run, text = map(late, ("cli.docs", "cli.overrides", "cli.run", "cli.text"))
    config_module, several, serve_module = map(late, ("cli.config", "cli.processes", "cli.serve"))
    planning, sweeping = map(late, ("cli.plan", "cli.sweep"))

app = typer.Typer(
    name="jkeras",
    help="Train, resume, inspect and convert Keras models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout, words on stderr.")]
Model = Annotated[Path, typer.Argument(help="A model file, or a run directory (its newest checkpoint).")]
Source = Annotated[
    str,
    typer.Option("--data", help="A data set, .npz, .csv or .parquet, a folder of images, module:function."),
]
Scale = Annotated[float | None, typer.Option(help="Divide the inputs by this; default: as in the run.")]
Target = Annotated[str | None, typer.Option(help="Of a table: the column of the targets.")]
Columns = Annotated[str | None, typer.Option(help="Of a table: the columns of the inputs, as a,b,c.")]
Size = Annotated[str | None, typer.Option(help="Of images: height,width that all get.")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change a value: compile.optimizer.Adam.lr=1e-4. Can be repeated."),
]
Changed = Annotated[
    bool, typer.Option("--accept-changed", help="Read a file that was changed after it had been sealed.")
]
Processes = Annotated[
    str | None,
    typer.Option(help="How many processes train on this machine; auto: those that a cluster has started."),
]
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
    print(text.as_json(result.get("rows", result)))


@app.command()
@reports_errors
def train(
    config: Annotated[Path | None, typer.Argument(help="The YAML file of the run.")] = None,
    data: Annotated[str | None, typer.Option(help="The data; also module:function.")] = None,
    model: Annotated[
        str | None,
        typer.Option(help="A .json architecture, file.py or module:function."),
    ] = None,
    changes: Sets = None,
    run_dir: Annotated[Path | None, typer.Option(help="Directory for checkpoints.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Number of epochs.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of weights, shuffling and dropout.")] = None,
    devices: Annotated[int | None, typer.Option(help="Number of devices that share each batch.")] = None,
    output: Annotated[Path | None, typer.Option(help="Model file to write.")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Drop an earlier run in the directory.")
    ] = False,
    resume: Annotated[
        str, typer.Option(help="auto: go on with an earlier run in the directory, if there is one.")
    ] = "never",
    processes: Processes = None,
    as_json: Json = False,
) -> None:
    """Train the model that a YAML file, or the options, describe."""
    if resume not in ("never", "auto"):
        raise UserError(f"--resume should be never or auto; got {resume!r}.")
    if config is None and model is None:
        raise UserError("Name the YAML file of the run, or a model with --model and data with --data.")
    raw = config_module.raw(config) if config else {}
    overrides.apply(raw, changes or [])
    config_module.refuse_code(raw, "--set")
    named: dict[str, dict[str, Any]] = {
        "data": {"source": data},
        "fit": {"epochs": epochs, "seed": seed, "devices": devices},
        "output": {"run_dir": run_dir and str(run_dir), "model": output and str(output)},
    }
    overrides.name(raw, named)
    raw |= {"model": model} if model else {}
    settings = config_module.checked(raw, str(config) if config else "The command line")
    with several.joined(processes), _answer(as_json and several.speaks()) as result:
        result.update(run.train(settings, overwrite, go_on=resume == "auto"))


@app.command()
@reports_errors
def sweep(
    config: Annotated[Path, typer.Argument(help="The YAML file of the run.")],
    seeds: Annotated[str, typer.Option(help="How many seeds, or which: 8, or 1,5,7.")] = "1",
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="Values to try: compile.optimizer.Adam.lr=1e-3,1e-2. Can be repeated."),
    ] = None,
    table: Annotated[Path | None, typer.Option("--csv", help="Table to write.")] = None,
    folds: Annotated[
        int | None, typer.Option(help="Parts of the rows, for a cross-validation.", min=2)
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a run from several seeds and with several values, in as few programs as can be."""
    if not all(part.strip().isdecimal() for part in seeds.split(",")):
        raise UserError(f"--seeds should be a number, or numbers with commas between; got {seeds!r}.")
    numbers = [int(part) for part in seeds.split(",")]
    with _answer(as_json) as result:
        chosen = numbers if "," in seeds else list(range(numbers[0]))
        settings = config_module.raw(config), str(config)
        result["rows"] = sweeping.sweep(*settings, chosen, changes or [], table, folds)
        print(text.table(result["rows"]))


@app.command()
@reports_errors
def plan(
    model: Annotated[str, typer.Argument(help="A model file, a run, file.py or module:function.")],
    batch: Annotated[int, typer.Option(help="Rows of a batch.", min=1)] = 32,
    as_json: Json = False,
) -> None:
    """Say what a step costs here: operations, memory, the largest batch, seconds."""
    with _answer(as_json) as result:
        found = planning.plan(model, batch)
        result.update(found._asdict())
        print(found)


@app.command()
@reports_errors
def resume(
    run_dir: RunDir,
    epochs: Annotated[int | None, typer.Option(help="Train up to this epoch instead.", min=1)] = None,
    data: Annotated[str | None, typer.Option(help="The code of the data, if the run has such.")] = None,
    model: Annotated[str | None, typer.Option(help="The code of the model, if the run has such.")] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="First prove it, from the last checkpoint but one to the newest.")
    ] = False,
    processes: Processes = None,
    as_json: Json = False,
) -> None:
    """Go on with an interrupted run, to the same bits as without the interruption."""
    with several.joined(processes), _answer(as_json and several.speaks()) as result:
        result.update(run.resume(run_dir, epochs, {"data": data, "model": model}, verify))


@app.command()
@reports_errors
def runs(
    folder: Annotated[Path, typer.Argument(help="Where the directories of the runs are.")] = Path("runs"),
    sort: Annotated[str | None, typer.Option(help="Order the rows by the best: val_loss.")] = None,
    as_json: Json = False,
) -> None:
    """List the runs below a folder with their last numbers."""
    with _answer(as_json) as result:
        result["rows"] = history.runs(folder, sort)
        print(text.table(result["rows"]))


@app.command()
@reports_errors
def plot(
    run_dir: RunDir,
    output: Annotated[
        Path | None, typer.Option(help="A picture (.png, .svg); default: the terminal.")
    ] = None,
    metric: Annotated[list[str] | None, typer.Option(help="What to draw; default: all.")] = None,
) -> None:
    """Draw the history of a run."""
    history.plot(run_dir, output, metric or [])
    if output is not None:
        print(output)


@app.command()
@reports_errors
def diff(a: Model, b: Model, as_json: Json = False) -> None:
    """Compare two model files, checkpoints or runs; exit code 1 if they differ."""
    with _answer(as_json) as result:
        result.update(compare.difference(a, b))
        print(text.differences(result))
    if any(result[key] for key in result if key != "same"):
        raise typer.Exit(1)


@app.command()
@reports_errors
def average(
    models: Annotated[list[Path], typer.Argument(help="Model files or runs of one architecture.")],
    output: Annotated[Path, typer.Option(help="Model file to write (.h5 or .msgpack).")],
) -> None:
    """Write the model whose weights are the mean of those of several."""
    compare.average(models, output)
    print(output)


@app.command()
@reports_errors
def checkpoints(run_dir: RunDir, as_json: Json = False) -> None:
    """List and verify the checkpoints of a run, oldest first; exit code 1 if one is damaged."""
    with _answer(as_json) as result:
        result["rows"] = files.checkpoints(run_dir)
        for row in result["rows"]:
            where = f"epoch {row['epoch']:4d}  step {row['step']:7d}"
            damage = f"  DAMAGED: {row['damage']}" if row["damage"] else ""
            print(f"{row['checkpoint']}  {where}  {row['bytes'] / 1024:9.1f} KiB  {row['time']}{damage}")
    if any(row["damage"] for row in result["rows"]):
        raise typer.Exit(1)


@app.command()
@reports_errors
def restore(
    run_dir: RunDir,
    output: Annotated[Path, typer.Option(help="Model file to write (.h5 or .msgpack).")],
    checkpoint: Annotated[
        str | None, typer.Option(help="Its name or epoch, or best; default: the newest.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the model of a checkpoint to a model file."""
    with _answer(as_json) as result:
        source = files.chosen(run_dir, checkpoint)
        files.convert(source, output)
        result.update(checkpoint=str(source), model=str(output))
        print(f"{source} → {output}")


@app.command()
@reports_errors
def evaluate(
    model: Model,
    source: Source,
    scale: Scale = None,
    target: Target = None,
    columns: Columns = None,
    size: Size = None,
    accept_changed: Changed = False,
    as_json: Json = False,
) -> None:
    """Loss and metrics of a model on the test part of a data set."""
    with _answer(as_json) as result:
        loaded = files.load(model, accept_changed=accept_changed)
        arrays = _arrays(model, source, scale, target, columns, size)
        if not run.testable(arrays):
            raise UserError(
                f"{source} has no targets to evaluate on: x_test and y_test, x and y, or --target."
            )
        result.update(run.score(loaded, arrays))
        print(" - ".join(f"{name}: {value:.4f}" for name, value in result.items()))


@app.command()
@reports_errors
def predict(
    model: Model,
    source: Source,
    output: Annotated[Path, typer.Option(help="File for the outputs (.npz, .npy or .csv).")],
    scale: Scale = None,
    target: Target = None,
    columns: Columns = None,
    size: Size = None,
    accept_changed: Changed = False,
    as_json: Json = False,
) -> None:
    """Outputs of a model for the test part of a data set, or the x of a .npz file."""
    with _answer(as_json) as result:
        data.check_output(output)
        loaded = files.load(model, compile=False, accept_changed=accept_changed)
        arrays = _arrays(model, source, scale, target, columns, size)
        if arrays.x_test is None:
            raise UserError(f"{source} has no inputs to predict from: it needs x_test or x.")
        outputs = loaded.predict(data.inputs_for(loaded, arrays.x_test))
        several = len(loaded.output_names) > 1
        named = dict(zip(loaded.output_names, outputs, strict=True)) if several else {"y": outputs}
        data.save(output, named, arrays.classes)
        shapes = {name: list(y.shape) for name, y in named.items()}
        result.update(output=str(output), arrays=shapes)
        print(f"{output}: {shapes}")


def _arrays(
    model: Path, source: str, scale: Any, target: Any, columns: str | None, size: str | None
) -> data.Data:
    """The data of a command: as its options say, else as the run did."""
    pixels = None if size is None else [int(n) for n in size.split(",") if n.strip().isdecimal()]
    if pixels is not None and len(pixels) != 2:
        raise UserError(f"--size should be height,width; got {size!r}.")
    given = {"scale": scale, "target": target, "columns": columns and columns.split(","), "size": pixels}
    return data.load(source, **files.reading_of(model, source, given))


@app.command()
@reports_errors
def summary(
    model: Model,
    wide: Annotated[bool, typer.Option("--wide", help="Show shapes, FLOPs and bytes by layer.")] = False,
    accept_changed: Changed = False,
    as_json: Json = False,
) -> None:
    """Show the layers of a model."""
    with _answer(as_json) as result:
        result.update(files.summary(model, accept_changed, wide))


@app.command()
@reports_errors
def inspect(
    file: Annotated[Path, typer.Argument(help="A model, weights or .npz file, a checkpoint or a run.")],
    as_json: Json = False,
) -> None:
    """Show what a file holds without building a model."""
    with _answer(as_json) as result:
        result.update(files.inspect(file))
        print(files.as_text(result))


@app.command()
@reports_errors
def export(
    model: Model,
    target: Annotated[
        Path, typer.Argument(help="A file (.stablehlo, .onnx, .tflite, .pb), or a folder for saved_model.")
    ],
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="stablehlo, saved_model, frozen_pb, tflite, tflite_int8, onnx; else by ending.",
        ),
    ] = None,
    inputs: Annotated[str | None, typer.Option(help="Names of the inputs, as a,b; default: layers'.")] = None,
    outputs: Annotated[str | None, typer.Option(help="Names of the outputs, likewise.")] = None,
    signature: Annotated[
        str, typer.Option(help="Name of the computation, for clients of TensorFlow Serving.")
    ] = "serving_default",
    source: Annotated[
        str | None,
        typer.Option("--data", help="Rows to compare file and model on; default: random."),
    ] = None,
    accept_changed: Changed = False,
    as_json: Json = False,
) -> None:
    """Write a model for inference elsewhere: TensorFlow Serving, phones, ONNX, a program of jax."""
    with _answer(as_json) as result:
        if format != "saved_model":
            atomic.check_target(target)
        loaded = files.load(model, compile=False, accept_changed=accept_changed)
        sample = None
        if source is not None:
            sample = data.inputs_for(loaded, _arrays(model, source, None, None, None, None).x_test)
        named = [names and names.split(",") for names in (inputs, outputs)]
        report = loaded.export(target, format, *named, signature=signature, sample=sample)
        result.update(report.as_dict())
        print(report)


@app.command()
@reports_errors
def convert(
    source: Annotated[Path, typer.Argument(help="A model file, or a run directory.")],
    target: Annotated[
        Path, typer.Argument(help=".h5, .msgpack, .safetensors, .keras, .weights.h5 (Keras 3), .json, .yaml.")
    ],
    into: Annotated[
        str | None,
        typer.Option(help="Of a file of weights: their model, a file, .json, file.py or module:function."),
    ] = None,
    accept_changed: Changed = False,
    report: Annotated[bool, typer.Option("--report", help="Say what was loaded, missing, unused.")] = False,
    as_json: Json = False,
) -> None:
    """Write a model in another format."""
    with _answer(as_json) as result:
        loaded = files.convert(source, target, accept_changed, into)
        said = dataclasses.asdict(loaded) if report and loaded else {}
        result.update(source=str(source), target=str(target), **said)
        if report:
            print(loaded)
        print(f"{source} → {target}")


@app.command()
@reports_errors
def serve(
    path: Annotated[Path, typer.Argument(help="A model file, an export, a run, or a folder of versions.")],
    name: Annotated[str, typer.Option(help="Of the model, in addresses and requests.")] = "model",
    host: Annotated[str, typer.Option(help="Where to listen; 0.0.0.0: on all networks.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Of REST; 0: a free one.", min=0)] = 8501,
    grpc_port: Annotated[int, typer.Option(help="Of gRPC; 0: a free one, -1: none.", min=-1)] = 8500,
    signature: Annotated[str | None, typer.Option(help="Name of the signature.")] = None,
    inputs: Annotated[str | None, typer.Option(help="Names of the inputs, as a,b.")] = None,
    outputs: Annotated[str | None, typer.Option(help="Names of the outputs, as a,b.")] = None,
    max_batch: Annotated[int, typer.Option(help="Rows that are computed at once.")] = 32,
    max_delay_ms: Annotated[float, typer.Option(help="How long a row waits for others.", min=0)] = 0.0,
    max_waiting: Annotated[int, typer.Option(help="Rows that may wait; then 503.")] = 4096,
    deadline_ms: Annotated[float, typer.Option(help="How long a request may take.")] = 30_000.0,
    max_body_mb: Annotated[float, typer.Option(help="Size of a request.")] = 16.0,
    max_rows: Annotated[int, typer.Option(help="Rows of a request.")] = 1024,
    read_seconds: Annotated[float, typer.Option(help="For a client to send, or to take.")] = 30.0,
    poll_seconds: Annotated[float, typer.Option(help="How often to look for new versions.")] = 1.0,
    drain_seconds: Annotated[float, typer.Option(help="For what has come before SIGTERM.", min=0)] = 30.0,
    log: Annotated[str, typer.Option(help="A line for each request: text, json or none.")] = "text",
    accept_changed: Changed = False,
) -> None:
    """Serve a model over REST and gRPC, with the contract of TensorFlow Serving."""
    serve_module.serve(**locals())


@app.command("docs")
@reports_errors
def open_docs(
    output: Annotated[
        Path | None, typer.Option(help="Folder for the site; default: build/docs in the repository.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="A warning is an error.")] = False,
    show: Annotated[bool, typer.Option("--open/--no-open", help="Show it in the browser.")] = True,
) -> None:
    """Build the guides as a site and open it."""
    page = docs.build(output, strict)
    print(page)
    if show:
        typer.launch(page.as_uri())
