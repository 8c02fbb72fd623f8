"""Symbolic tensors and the nodes that make them: one kind of node for layers and for functions."""

# pyright: reportUnknownMemberType=false, reportPrivateUsage=false
from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, TypeGuard

import jax
import numpy as np
from jax.tree_util import PyTreeDef
from jax.typing import DTypeLike

from jkeras.core import bits, phase, types
from jkeras.core.dispatch import is_symbol, is_symbolic, set_recorder
from jkeras.core.memory import refuse_larger
from jkeras.core.names import unique_name
from jkeras.core.types import Function, Tree, is_traced
from jkeras.engine.tensors.frame import Frame
from jkeras.engine.tensors.node_words import NodeWords
from jkeras.engine.tensors.operators import Operators, no_value, of_numpy
from jkeras.engine.tensors.scope import asks_tensors, current_scope, meaning_around
from jkeras.engine.tensors.shapes import Concrete, Given, Shape, Spec, Worth, infer, is_spec, known
from jkeras.engine.tensors.sizes import joined_sizes
from jkeras.engine.tensors.variable import Constant, Numpy, Variable, asked_by_operator, current_frame

if TYPE_CHECKING:
    from jkeras.engine.base_layer import Layer

Arguments: TypeAlias = tuple[Any, ...]  # by position; trees with tensors and variables as leaves
Words: TypeAlias = dict[str, Any]  # by keyword, likewise
Made: TypeAlias = "dict[Node, Any]"  # what nodes gave, each run once


class Tensor(Operators):
    """A value that a graph will compute: name, static shape (None = unknown) and dtype.

    Args:
        shape: tuple with the batch axis first.
        dtype: numpy name.
        node: the node that makes it.
        index: its position among the node's outputs.
        mask: `Spec` of the mask that travels with it, or None.
    """

    def __init__(
        self,
        shape: Iterable[int | None],
        dtype: DTypeLike,
        node: Node | None = None,
        index: int = 0,
        mask: Spec | None = None,
        name: str | None = None,
    ):
        self.shape, self.dtype = Shape(shape), np.dtype(dtype).name
        refuse_larger(self.shape, self.dtype, "A tensor")
        self.node: Any = node  # None for a mere description of what a model takes or makes
        self.index, self.mask_spec = index, mask
        self.worth: Worth | None = None  # of what is computed from shapes, see `Spec`
        self.mask: Tensor | None = None  # the same as a tensor, once somebody asks for it
        self.name = name or unique_name("tensor")

    @property
    def _keras_shape(self) -> types.Shape:
        return tuple(self.shape)

    @_keras_shape.setter
    def _keras_shape(self, shape: Given) -> None:
        self.set_shape(shape)

    @_keras_shape.deleter
    def _keras_shape(self) -> None:
        """Nothing: it is the static shape."""

    def set_shape(self, shape: Given) -> None:
        """Say what the static shape leaves open.

        Raises:
            ValueError: another rank, or another size of an axis that is known.
        """
        axes = list(zip(self.shape, shape, strict=False))
        if len(self.shape) != len(shape) or any(None not in (a, b) and a != b for a, b in axes):
            raise ValueError(f"{self!r} cannot have the shape {tuple(shape)}.")
        self.shape = Shape(b if a is None else a for a, b in axes)

    @property
    def _keras_history(self) -> tuple[Layer | None, int, int]:
        """(layer, node index, tensor index), as Keras keeps it."""
        return self.node.owner, self.node.position, self.index

    @property
    def _uses_learning_phase(self) -> bool:
        """Whether training and inference may give different values."""
        return self.node is not None and self.node.uses_learning_phase

    @_uses_learning_phase.setter
    def _uses_learning_phase(self, value: bool) -> None:
        if self.node is not None:
            self.node.differs = bool(value)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def get_shape(self) -> Shape:
        """The static shape."""
        return self.shape

    @property
    def numpy(self) -> NoReturn:
        """Refused: an array can say what it holds, a tensor only where it comes from."""
        raise AttributeError(
            f"{self!r} is symbolic and has no numbers: model.predict(x) computes those of data."
        )

    def spec(self) -> Spec:
        """Shape and dtype, as formulas take them."""
        return Spec(self.shape, self.dtype, self.worth)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Numpy:
        return np.array(_now(self), dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        equal = ufunc in (np.equal, np.not_equal)  # `array == tensor`: tensors equal themselves alone
        return ufunc is np.not_equal if equal else of_numpy(ufunc, method, inputs, kwargs)

    @property
    def __jax_array__(self) -> Callable[[], Any]:
        # jax asks whether it is there before it takes the value: the place to say what takes tensors.
        if current_frame() is None and asked_by_operator():
            return lambda: self
        if current_frame() is None and not _needs_no_input(self):
            raise ValueError(no_value(self))  # jax has words of its own for a TypeError
        return lambda: _now(self)

    def __repr__(self) -> str:
        return f"<Tensor {self.name!r} shape={self.shape} dtype={self.dtype}>"


_order = itertools.count()


class Node(NodeWords):
    """One recorded computation.

    Args:
        owner: the layer that was called, or None for a function.
        fn: the function, when there is no owner.
        args: positional arguments, any tree with tensors and variables as leaves; for a layer `(inputs,)`.
        kwargs: keyword arguments, likewise.
    """

    def __init__(self, owner: Layer | None, fn: Function | None, args: Arguments, kwargs: Words):
        args, kwargs = jax.tree.map(_as_now, (args, kwargs), is_leaf=_is_symbol)  # lists of our own
        self.owner: Any = owner  # of the two, one is None
        self.fn: Any = fn
        self.args: Arguments = args
        self.kwargs: Words = kwargs
        self.stamp()
        self.position = 0  # among the nodes of its owner
        self.differs = False  # between training and inference, by itself
        self.runs = 0  # of a node that draws from its own seed: how often `K.function` has computed it
        self.inputs = [
            x for x in jax.tree.leaves((args, kwargs), is_leaf=_is_symbol) if isinstance(x, Tensor)
        ]
        self.variables = [
            x
            for x in jax.tree.leaves((args, kwargs), is_leaf=_is_symbol)
            if isinstance(x, Variable) and not _is_whole(x)
        ]
        self.outputs: list[Tensor] = []
        self.captured: dict[Tensor, Tensor] = {}  # what the code closes over, and what that is in this graph
        self.code: dict[Layer, Function] = {}  # layer → its `call` as it was, for user's layers
        self.as_tensors = False  # whether the code asks its arguments for what only a tensor has
        self.starts: dict[tuple[object, str], Tensor] = {}  # by (layer, attribute): what earlier calls left
        self.answers: list[Any] = []  # what `K.gradients` and `K.get_value` give in the code
        self.kept: dict[
            tuple[object, str], list[Tensor]
        ] = {}  # (layer, attribute) → what the code leaves there
        self.loss: Tensor | None = None  # what the call adds to the loss, once somebody asks for it
        self.adds_loss = False
        self.treedef: PyTreeDef | None = None
        self.phase = phase.fixed()
        self.effects: dict[
            Any, list[Any]
        ] = {}  # losses, updates, gradients: made once somebody asks for them

    def stamp(self) -> None:
        """Take the next place in the order in which nodes are run."""
        self.order = next(_order)

    def set_outputs(
        self, specs: Tree, masks: Sequence[Spec | None] | None = None, name: str | None = None
    ) -> Tree:
        """Make the output tensors from a tree of `Spec` (and of mask specs); returns that tree of tensors."""
        leaves, self.treedef = jax.tree.flatten(specs, is_leaf=is_spec)
        masks = masks if masks is not None else [None] * len(leaves)
        names = [name and (name if i == 0 else f"{name}_{i}") for i in range(len(leaves))]
        self.outputs = [
            Tensor(s.shape, s.dtype, self, i, mask, n)
            for i, (s, mask, n) in enumerate(zip(leaves, masks, names, strict=True))
        ]
        return jax.tree.unflatten(self.treedef, self.outputs)

    def beside(self, spec: Spec, name: str) -> Tensor:
        """A tensor for something that the call makes beside its outputs."""
        return Tensor(spec.shape, spec.dtype, self, len(self.outputs), name=unique_name(name))

    @property
    def uses_learning_phase(self) -> bool:
        """Whether training and inference may differ here or further up."""
        waiting: list[Node] = [self]
        seen: set[Any] = set()
        while waiting:
            node = waiting.pop()
            seen.add(node)
            is_free = node.phase is None and node.kwargs.get("training") is None
            if is_free and (node.differs or getattr(node.owner, "uses_learning_phase", False)):
                return True
            waiting += [t.node for t in node.inputs if t.node is not None and t.node not in seen]
        return False

    @property
    def input_masks(self) -> list[Tensor | None]:
        """The masks that travel with the inputs."""
        return [mask_tensor(t) for t in self.input_tensors]

    @property
    def output_masks(self) -> list[Tensor | None]:
        """The masks that travel with the outputs."""
        return [mask_tensor(t) for t in self.outputs]

    def __repr__(self) -> str:
        what = self.owner.name if self.owner is not None else getattr(self.fn, "__name__", "function")
        return f"<Node {what}>"


def _is_symbol(x: object) -> TypeGuard[Tensor | Variable]:
    return isinstance(x, Operators)


def _as_now(x: Any) -> Any:
    """A constant as it is now, whatever happens to the caller's array later."""
    return np.array(x) if type(x) is np.ndarray else x


class MaskOf:
    """Marks a node whose value is the mask that travels with its input."""

    def __init__(self):
        self.__name__ = "mask"

    def __call__(self, x: Any) -> Any:
        raise AssertionError("evaluated by the graph, which knows the masks")


def mask_tensor(tensor: Tensor) -> Tensor | None:
    """The mask of a tensor as a tensor, or None."""
    if tensor.mask_spec is None:
        return None
    if tensor.mask is None:
        node = Node(None, MaskOf(), (tensor,), {})
        tensor.mask = node.set_outputs(tensor.mask_spec, name=f"{tensor.name}/mask")
    return tensor.mask


def substitute(tree: Tree, value_of: Callable[[Any], Any]) -> Tree:
    """Replace every tensor and variable in a tree of arguments by `value_of(symbol)`."""

    def value(x: Any) -> Any:
        return value_of(x) if _is_symbol(x) else x

    return jax.tree.map(value, tree, is_leaf=_is_symbol)


def specs_of(tree: Tree) -> Tree:
    """Every tensor and variable in a tree becomes its `Spec`, in a dtype that there is; what may be a part of
    a shape stays known.

    Raises:
        ValueError: 64-bit floats in jax's 32-bit mode.
    """

    def spec(symbol: Tensor | Variable) -> Any:
        if _is_whole(symbol):
            return symbol.value
        dtype = bits.supported(symbol.dtype, repr(symbol))
        return Spec(symbol.shape, dtype, getattr(symbol, "worth", None))

    return substitute(tree, spec)


def _is_whole(symbol: Tensor | Variable) -> TypeGuard[Constant]:
    """Whether a symbol is a constant of whole numbers."""
    return isinstance(symbol, Constant) and np.issubdtype(symbol.dtype, np.integer)


def _record(fn: Function, args: Arguments, kwargs: Words) -> Any:
    """The dispatch hook: unwrap variables inside a frame, else add a node to the graph."""
    args, kwargs = _with_operands(fn, args, kwargs)
    frame = current_frame()
    args, kwargs = joined_sizes((args, kwargs))
    if frame is not None:
        args, kwargs = substitute((args, kwargs), functools.partial(value_in, frame))
        return as_asked(fn(*args, **kwargs))
    if any(is_traced(x) for x in jax.tree.leaves((args, kwargs), is_leaf=_is_symbol)):
        with Frame({}):  # in a transformation of jax, where variables are what they are now
            return _record(fn, args, kwargs)
    if not args:  # all by name: a node without positional arguments would be an input of its graph
        bound = inspect.signature(fn).bind(**kwargs)
        args, kwargs = bound.args, bound.kwargs
    node = Node(None, fn, args, kwargs)

    def run(args: Arguments, kwargs: Words) -> Any:
        with Frame({}):
            return fn(*args, **kwargs)

    specs = infer(run, specs_of(args), specs_of(kwargs))
    outputs = node.set_outputs(specs, name=unique_name(getattr(fn, "__name__", "function")))
    if _is_worth_something(node):
        node.outputs[0].worth = functools.partial(_worth, node)
    return outputs


def _is_worth_something(node: Node) -> bool:
    """Whether the output follows from shapes alone."""
    if getattr(node.fn, "of_shapes", False):
        return True
    known = all(t.worth is not None for t in node.inputs) and not node.variables
    return getattr(node.fn, "of_sizes", False) and bool(node.inputs) and known


def _worth(node: Node, concrete: Concrete, made: Made | None = None) -> Any:
    """The output of such a node for a way to fill in shapes; `made` is what nodes gave, each run once."""
    made = {} if made is None else made
    if node in made:
        return made[node]

    def value_of(tensor: Tensor | Variable) -> Any:
        if isinstance(tensor, Tensor) and tensor.worth is not None:
            return tensor.worth(concrete, made)
        if isinstance(tensor, Variable):
            return tensor.value
        return jax.ShapeDtypeStruct(concrete(tensor.shape), tensor.dtype)

    args, kwargs = substitute((node.args, node.kwargs), value_of)
    with Frame({}):
        made[node] = node.fn(*args, **kwargs)
    return made[node]


def _with_operands(fn: Function, args: Arguments, kwargs: Words) -> tuple[Arguments, Words]:
    """The arguments with their constants in numbers that jax can compute with."""
    leaves, treedef = jax.tree.flatten((args, kwargs), is_leaf=_is_symbol)
    floating = any(_is_symbol(x) and np.dtype(x.dtype).kind == "f" for x in leaves)
    what = f"An argument of {getattr(fn, '__name__', 'a function')}"
    return treedef.unflatten([x if _is_symbol(x) else bits.operand(x, floating, what) for x in leaves])


class StandIn(Tensor):
    """An array of code that runs, for what code asks of tensors."""

    def __init__(self, array: jax.Array):
        super().__init__(known(array.shape), array.dtype, name="value")
        self.array = array


def as_asked(x: Tree) -> Tree:
    """Arrays, as tensors that stand for them where the code asks for what only tensors have."""

    def stand_in(value: Any) -> Any:
        symbol = meaning_around(value)
        return StandIn(symbol) if isinstance(symbol, jax.Array) else symbol

    return jax.tree.map(stand_in, x, is_leaf=is_symbol) if asks_tensors() else x


def as_values(x: Tree) -> Tree:
    """The opposite of `as_asked`."""
    frame = current_frame()
    if frame is None or not asks_tensors():
        return x
    return substitute(x, functools.partial(value_in, frame))


def value_in(frame: Frame, symbol: Tensor | Variable, made: Made | None = None) -> Any:
    """The array that a symbol stands for in a frame.

    A tensor made of variables alone, as cells keep in `build` (`self.kernel_i = self.kernel[:, :units]`), is
    computed there and then from what the variables are; `made` holds what its nodes gave, each run once.
    """
    if not isinstance(symbol, Tensor):
        return frame.read(symbol)
    if isinstance(symbol, StandIn):
        return symbol.array
    if frame.knows(symbol) or not _needs_no_input(symbol):
        return frame.tensor(symbol)
    node = symbol.node
    if hasattr(node.fn, "seed") and current_scope() is not None:
        return frame.tensor(symbol)  # what is random is drawn once in a run
    made = {} if made is None else made
    if node not in made:
        value_of = functools.partial(value_in, frame, made=made)
        args, kwargs = substitute((node.args, node.kwargs), value_of)
        made[node] = jax.tree.leaves(node.fn(*args, **kwargs))
    return made[node][symbol.index]


def _now(tensor: Tensor) -> Any:
    """The value of a tensor that is made of variables and constants, or that the code around knows.

    Raises:
        TypeError: it depends on inputs.
    """
    frame = current_frame()
    if frame is not None:
        return value_in(frame, tensor)
    if not _needs_no_input(tensor):
        raise TypeError(no_value(tensor))
    with Frame({}) as frame:
        return value_in(frame, tensor)


def _needs_no_input(tensor: Tensor) -> bool:
    waiting: list[Any] = [tensor.node]
    seen: set[Any] = set()
    while waiting:
        node = waiting.pop()
        if node is None or node.owner is not None or isinstance(node.fn, MaskOf):
            return False
        if not (node.args or node.variables):
            return False
        seen.add(node)
        waiting += {t.node for t in node.inputs if t.node not in seen}
    return True


set_recorder(_record)

__all__ = ["Node", "Tensor", "is_symbolic", "specs_of", "substitute"]


KerasTensor = Tensor  # Keras 3's name
