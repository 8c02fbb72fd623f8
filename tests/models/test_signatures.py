"""What a type checker says of scripts that call a model: mistakes are errors, what is right is none."""

import json
import subprocess
import sys

import pytest

MISTAKES = {
    "epohcs": "model.fit(x, y, epohcs=3)",
    "losss": "model.compile('sgd', losss='mse')",
    "number": "model.fit(3, y)",
    "text": "model.fit(x, y, epochs='3')",
    "callbacks": "model.fit(x, y, callbacks=[3])",
    "steps": "model.predict(x, stepss=3)",
    "generator": "model.fit_generator(3)",
}
RIGHT = """
model.compile(optax.sgd(0.1), loss={"a": "mse"}, metrics=["acc"], loss_weights=[1, 2])
model.compile("sgd", lambda a, b: a - b, metrics={"a": ["acc"]}, devices=2)
model.fit(x, y, validation_data=(x, y), class_weight={0: 1.0}, sample_weight=x, steps_per_epoch=3 / 2)
model.fit({"a": x}, [[1, 2]], callbacks=[jkeras.callbacks.History()], shuffle="batch")
print(model.fit_generator((x, y) for _ in range(3)).history["loss"])
print(model.predict(x).shape)
loss, accuracy = model.evaluate(x, y)
print(float(model.train_on_batch(x, y)))
"""


def test_mistakes_in_calls_of_a_model_are_errors_of_the_type_checker(tmp_path):
    pytest.importorskip("pyright")
    head = "import jkeras, optax\nimport numpy as np\nx = y = np.zeros(3)\nmodel = jkeras.models.Sequential()"
    lines = [*head.splitlines(), *MISTAKES.values(), *RIGHT.strip().splitlines()]
    script = tmp_path / "script.py"
    script.write_text("\n".join(lines) + "\n")
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson", str(script)]
    report = json.loads(subprocess.run(command, capture_output=True, text=True).stdout)
    wrong = {lines[d["range"]["start"]["line"]] for d in report["generalDiagnostics"]}
    assert wrong == set(MISTAKES.values())
