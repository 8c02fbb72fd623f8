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
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jkeras
from jkeras import applications, layers
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


def of_layer(case: Any) -> Any:
    """A layer of the contract's table as a model; with a mask, where the table has one."""
    index = case.kind == "index"
    inputs = [layers.Input(shape, dtype="int32" if index else None) for shape in case.shapes]
    first: list[Any] = list(inputs)
    if case.mask:
        first[0] = layers.Masking()(first[0])
    return Model(inputs, case.make()(first if len(first) > 1 else first[0]))


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
    for number, case in enumerate(CASES):
        layer = case.make()
        more = " with a mask" if case.mask else ""
        yield Row(
            "Layers",
            f"{number} {type(layer).__name__}{more}",
            lambda case=case: of_layer(case),
            LAYER_FORMATS,
        )
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


def cell(result: dict[str, Any], reasons: list[str]) -> str:
    """Road and difference, or the number of the reason."""
    if "error" in result:
        reason = re.sub(r"^Model '\w+' ", "", " ".join(result["error"].split()))
        reason = re.sub(r"'([a-z_0-9]+)_\d+'", r"'\1'", reason)
        if reason not in reasons:
            reasons.append(reason)
        return f"[{reasons.index(reason) + 1}]"
    road, _, batch = result["road"].partition(", batches of ")
    text = f"{LETTERS[road]}{'¹' if batch else ''} {result['difference']:.0e}"
    return text


def table(name: str, found: list[dict[str, Any]], reasons: list[str]) -> list[str]:
    chosen = [row for row in found if row["table"] == name]
    formats = [f for f in FORMATS if any(f in row for row in chosen)]
    lines = [f"## {name}", "", f"| | {' | '.join(formats)} |", f"|---|{'---|' * len(formats)}"]
    for row in chosen:
        label = re.sub(r"^\d+ ", "", row["name"])
        lines.append(f"| {label} | {' | '.join(cell(row[f], reasons) for f in formats)} |")
    return [*lines, ""]


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
    parser.add_argument("--page", type=Path, help="Write the tables into this page.")
    parser.add_argument("--only", default="", help="Rows whose table and name have this.")
    parser.add_argument("--cpu", type=float, default=1e9, help="Seconds of processor time to stop after.")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    options.rows.touch()
    found = [json.loads(line) for line in options.rows.read_text("utf-8").splitlines()]
    wanted = {(row.table, row.name): row for row in rows()}
    if options.page:
        by_key = {(row["table"], row["name"]): row for row in found}
        page([by_key[key] for key in wanted if key in by_key], options.page)
        return
    done = {(row["table"], row["name"]) for row in found}
    for key, row in wanted.items():
        if key in done or options.only not in f"{key[0]} {key[1]}":
            continue
        if time.process_time() > options.cpu:
            break
        with tempfile.TemporaryDirectory() as folder:
            result = measured(row, Path(folder))
        with options.rows.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
        print(*key, flush=True)


if __name__ == "__main__":
    main()
