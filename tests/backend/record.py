"""Records `cases.py` from Keras 2.2.4 on TensorFlow 1.15 (Python 3.7): run it there, from this folder.

It writes `../golden/backend.npz.xz`, where the value of an expression has the number of the expression
(of its family's, then of its parts) as its name, and prints what Keras refused or did not refuse.
"""

import io
import lzma


def leaves(value):
    """The tensors of a value, from left to right."""
    if isinstance(value, (list, tuple)):
        return [leaf for part in value for leaf in leaves(part)]
    return [value]


def record():
    import cases
    import numpy as np
    from keras import backend as K

    def run(expression):
        operands = {k: K.constant(v, dtype=str(v.dtype)) for k, v in cases.INPUTS.items() if k in expression}
        tensors = leaves(eval(expression, {"K": K, "np": np, **operands}))
        return [K.get_session().run(t, {K.learning_phase(): 0}) for t in tensors]

    found = {}
    for family, expressions in cases.FAMILIES.items():
        K.clear_session()
        for number, expression in enumerate(expressions):
            try:
                values = run(expression)
            except Exception as error:
                print("FAILED", expression, error)
                continue
            for part, value in enumerate(values):
                found[f"{family}/{number}/{part}"] = value
    for expression in cases.REFUSED:
        try:
            run(expression)
        except (ValueError, TypeError):
            continue
        except Exception as error:
            print("ANOTHER ERROR", expression, type(error))
        else:
            print("NOT REFUSED", expression)
    file = io.BytesIO()
    np.savez(file, **found)
    with lzma.open("../golden/backend.npz.xz", "wb") as packed:
        packed.write(file.getvalue())


if __name__ == "__main__":
    record()
