"""What goes through which format of `model.export`, by which road, and how far from the model.

    PYTHONPATH=. python benchmarks/exports.py rows.jsonl               # goes on where it was
    PYTHONPATH=. python benchmarks/exports.py rows.jsonl --page examples/guides/en/export.md

Needs the extras tensorflow, tflite and onnx. Every file is run by its real runtime on batches of one and of
three rows; the weights are random, the models of Keras 2.2.4 have their recorded ones.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax

import jkeras
from jkeras import applications, layers
from jkeras.export import proof
from jkeras.export.signature import plain, signature_of
from jkeras.export.tensorflow import by_keras
from jkeras.models import Model, Sequential, load_model
from tests import golden
from tests.contract.cases import CASES
from tests.golden.models import MODELS

FORMATS = ("stablehlo", "saved_model", "frozen_pb", "tflite", "tflite_int8", "onnx")
LAYER_FORMATS = ("stablehlo", "saved_model", "tflite", "onnx")  # a frozen graph is the SavedModel's
SIZES = {"InceptionV3": 75, "InceptionResNetV2": 75, "Xception": 71}
APPLICATIONS = """MobileNet MobileNetV2 VGG16 VGG19 ResNet50 Xception InceptionV3 DenseNet121 NASNetMobile
    InceptionResNetV2"""
BEGIN, END = "<!-- rows -->", "<!-- end of rows -->"


class Row(NamedTuple):
    """One model of the tables."""

    table: str
    name: str
    make: Callable[[], Any]
    formats: tuple[str, ...]


def called(case: Any) -> tuple[list[Any], Any]:
    """Inputs and output of a layer of the contract's table; with a mask, where the table has one."""
    index = case.kind == "index"
    inputs = [layers.Input(shape, dtype="int32" if index else None) for shape in case.shapes]
    first: list[Any] = list(inputs)
    if case.mask:
        first[0] = layers.Masking()(first[0])
    made = case.make()(first if len(first) > 1 else first[0])
    return inputs, made[0] if isinstance(made, list) else made


def side_by_side(cases: list[Any]) -> Any:
    """One model of many layers: an output for each, `y0`, `y1`, ..."""
    pairs = [called(case) for case in cases]
    return Model([x for inputs, _ in pairs for x in inputs], [y for _, y in pairs])


class Sort(NamedTuple):
    """What decides the roads of a layer: whether tf-keras makes it, and whether it makes a loop of it."""

    kept: bool
    loops: bool


def sort_of(case: Any) -> Sort:
    model = side_by_side([case])
    signature = plain(signature_of(model), signature_of(model))
    try:
        function = by_keras(model, signature).function
        found = proof.measure(
            lambda xs: [function(*xs)[e.name].numpy() for e in signature.outputs],
            proof.batches(model, signature),
        )
    except Exception:  # what the table is about
        return Sort(False, False)
    graph = function.get_concrete_function().graph.as_graph_def().SerializeToString()
    return Sort(found.is_close, b"TensorListReserve" in graph)


def of_layers(cases: dict[str, Any], format: str, folder: Path, sort: Sort) -> dict[str, dict[str, Any]]:
    """What a format makes of each layer: of all together, of halves where they do not go together."""
    if len(cases) == 1 or not (sort.loops and format == "tflite"):
        try:
            model = side_by_side(list(cases.values()))
            outputs = [f"y{n}" for n in range(len(cases))]
            inputs = [f"x{n}" for n in range(len(model.inputs))]
            report = model.export(folder / format, format, inputs=inputs, outputs=outputs)
            if len(cases) == 1 or not (sort.kept and report.refused):
                return {
                    name: {
                        "road": report.road,
                        "difference": report.differences[y],
                        "remarks": report.remarks,
                    }
                    for name, y in zip(cases, outputs, strict=True)
                }
        except Exception as error:  # what the table is about
            if len(cases) == 1:
                return dict.fromkeys(cases, {"error": str(error)})
    entries = list(cases.items())
    halves = entries[: len(entries) // 2], entries[len(entries) // 2 :]
    return {n: r for half in halves for n, r in of_layers(dict(half), format, folder, sort).items()}


def layer_rows(found: list[dict[str, Any]], folder: Path) -> Iterator[dict[str, Any]]:
    """The rows of layers that are not there yet; layers of one sort go together, twelve at a time."""
    done = {row["name"] for row in found if row["table"] == "Layers"}
    groups: dict[Sort, list[tuple[str, Any]]] = {}
    for name, case in layer_cases().items():
        if name not in done:
            groups.setdefault(sort_of(case), []).append((name, case))
    for sort, group in groups.items():
        print(sort, [name for name, _ in group], flush=True)
        for first in range(0, len(group), 12):
            part = dict(group[first : first + 12])
            results = {format: of_layers(part, format, folder, sort) for format in LAYER_FORMATS}
            for name in part:
                yield {"table": "Layers", "name": name, **{f: results[f][name] for f in LAYER_FORMATS}}


def layer_cases() -> dict[str, Any]:
    """The contract's table by numbered names."""
    return {
        f"{n} {type(case.make()).__name__}{' with a mask' if case.mask else ''}": case
        for n, case in enumerate(CASES)
    }


def any_length() -> Any:
    x = layers.Input((None,))
    both = layers.Bidirectional(layers.LSTM(3))(layers.Embedding(9, 4, mask_zero=True)(x))
    return Model(x, layers.Dense(2)(both))


def any_image() -> Any:
    return Sequential(
        [
            layers.Input((None, None, 3)),
            layers.Conv2D(4, 3, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2),
        ]
    )


def shared_and_nested() -> Any:
    a, b = layers.Input((4,)), layers.Input((4,))
    dense, inner = layers.Dense(3), Sequential([layers.Input((3,)), layers.Dense(2)])
    total = layers.add([dense(a), dense(b)])
    return Model([a, b], [inner(total), layers.Lambda(lambda x: jkeras.backend.exp(-x))(inner(dense(a)))])


class Subclassed(Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, x):
        return self.dense(x) * 2


def subclassed() -> Any:
    model = Subclassed()
    model.build((None, 4))
    return model


OWN = {
    "words of any number: Embedding, masks, both directions": any_length,
    "images of any size": any_image,
    "two inputs and outputs, shared layers, nested models, Lambda of K functions": shared_and_nested,
    "a subclass of Model": subclassed,
}


def application(name: str) -> Any:
    size = SIZES.get(name, 32)
    build = getattr(applications, name)
    return build(weights=None, include_top=False, input_shape=(size, size, 3), pooling="avg")


def recorded(name: str) -> Any:
    return load_model(golden.path(f"models/{name}.h5"), compile=False)


def rows() -> Iterator[Row]:
    for name, make in OWN.items():
        yield Row("Models", name, make, FORMATS)
    for name in MODELS:
        yield Row("Models", name, lambda name=name: recorded(name), FORMATS)
    for name in APPLICATIONS.split():
        yield Row("Applications", name, lambda name=name: application(name), FORMATS)


def measured(row: Row, folder: Path) -> dict[str, Any]:
    """What each format makes of a model."""
    found: dict[str, Any] = {"table": row.table, "name": row.name}
    try:
        model = row.make()
    except Exception as error:
        return {**found, **{f: {"error": str(error)} for f in row.formats}}
    for format in row.formats:
        try:
            report = model.export(folder / format, format)
        except Exception as error:  # what the table is about
            found[format] = {"error": str(error)}
        else:
            found[format] = {
                "road": report.road,
                "difference": report.difference,
                "agreement": report.agreement,
                "remarks": report.remarks,
            }
    return found


LETTERS = {"jax.export": "J", "jax2tf": "J", "jax2onnx": "J", "tf-keras": "K", "tf-keras, tf2onnx": "K"}


def cell(result: Any, reasons: list[str]) -> str:
    """Road and difference, or the number of the reason; what a page says already stays."""
    if isinstance(result, str):
        return result
    if result is None:
        return "?"
    if "reason" in result:
        reason = result["reason"]
    elif "error" in result:
        reason = re.sub(r"^Model '\w+' ", "", " ".join(result["error"].split()))
        reason = re.sub(r"'([a-z_0-9]+)_\d+'", r"'\1'", reason)
        reason = re.sub(r"\S*/(jkeras/\S+)", r"\1", reason)  # no folders of this machine
        reason = f"{reason[:240]}…" if len(reason) > 240 else reason
    if "reason" in result or "error" in result:
        if reason not in reasons:
            reasons.append(reason)
        return f"[{reasons.index(reason) + 1}]"
    road, _, batch = result["road"].partition(", batches of ")
    text = f"{LETTERS[road]}{'¹' if batch else ''} {result['difference']:.0e}"
    return text


def table(name: str, found: list[dict[str, Any]], reasons: list[str]) -> list[str]:
    chosen = [row for row in found if row["table"] == name]
    formats = LAYER_FORMATS if name == "Layers" else FORMATS
    lines = [f"## {name}", "", f"| | {' | '.join(formats)} |", f"|---|{'---|' * len(formats)}"]
    for row in chosen:
        label = re.sub(r"^\d+ ", "", row["name"])
        lines.append(f"| {label} | {' | '.join(cell(row.get(f), reasons) for f in formats)} |")
    return [*lines, ""]


def standing(keys: list[tuple[str, str]], text: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The rows of a page, as `cell` takes them; those of equal labels are in the order of `keys`."""
    written = text.split(BEGIN)[1].split(END)[0]
    reasons = dict(re.findall(r"^(\d+)\. (.*)$", written, re.MULTILINE))
    named = re.compile(r"\[(\d+)\]")
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for part in re.split(r"^## ", written, flags=re.MULTILINE)[1:]:
        name, _, lines = part.partition("\n")
        head, _, *body = [
            line.strip("| ").split(" | ") for line in lines.splitlines() if line.startswith("|")
        ]
        for label, *cells in body:
            row = {
                format: {"reason": reasons[found[1]]} if (found := named.fullmatch(one)) else one
                for format, one in zip(head, cells, strict=True)
            }
            rows.setdefault((name, label), []).append(row)
    found = {}
    for table, name in keys:
        same = rows.get((table, re.sub(r"^\d+ ", "", name)))
        if same:
            found[table, name] = {"table": table, "name": name, **same.pop(0)}
    return found


def page(found: list[dict[str, Any]], path: Path) -> None:
    """Put the tables between the two marks of a page."""
    reasons: list[str] = []
    lines = [line for name in ("Models", "Applications", "Layers") for line in table(name, found, reasons)]
    lines += [f"{number}. {reason}" for number, reason in enumerate(reasons, 1)]
    text = path.read_text("utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    path.write_text(f"{before}{BEGIN}\n\n" + "\n".join(lines) + f"\n\n{END}{after}", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("rows", type=Path, help="A line for each model; those that are there are kept.")
    parser.add_argument("--page", type=Path, help="Write the rows into this page, whose others stay.")
    parser.add_argument("--only", default="", help="Rows whose table and name have this.")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    jax.config.update("jax_compilation_cache_dir", tempfile.mkdtemp())  # one model, many formats
    options.rows.touch()
    found = [json.loads(line) for line in options.rows.read_text("utf-8").splitlines()]
    wanted = {(row.table, row.name): row for row in rows()}
    if options.page:
        keys = [*wanted, *(("Layers", name) for name in layer_cases())]
        by_key = standing(keys, options.page.read_text("utf-8"))
        by_key |= {(row["table"], row["name"]): row for row in found}
        page([by_key.get(key, {"table": key[0], "name": key[1]}) for key in keys], options.page)
        return
    done = {(row["table"], row["name"]) for row in found}
    for key, row in wanted.items():
        if key not in done and options.only in f"{key[0]} {key[1]}":
            with tempfile.TemporaryDirectory() as folder:
                add(options.rows, measured(row, Path(folder)))
    if options.only in "Layers":
        with tempfile.TemporaryDirectory() as folder:
            for result in layer_rows(found, Path(folder)):
                add(options.rows, result)


def add(path: Path, result: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(result) + "\n")
    print(result["table"], result["name"], flush=True)


if __name__ == "__main__":
    main()
