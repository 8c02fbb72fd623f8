"""Objects by name: custom objects, and Keras's way of writing functions and configured objects down."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from jkeras.core.snapshot import settled
from jkeras.core.types import AnyDict, Function
from jkeras.core.words import did_you_mean

Registered = TypeVar("Registered")

_custom_objects: dict[str, Any] = {}


def get_custom_objects() -> dict[str, Any]:
    """The live global dictionary of custom objects; changes to it are seen by everything that loads.

    Returns:
        The dictionary name → class or function.

    Example:
        >>> get_custom_objects()["triple"] = lambda x: 3 * x
        >>> deserialize_keras_object("triple", {})(2)
        6
        >>> get_custom_objects().clear()

    Keras 2.2.4: keras/utils/generic_utils.py get_custom_objects
    """
    return _custom_objects


class CustomObjectScope:
    """Context manager: inside it the given names are known; on leaving, the global names are as before.

    Args:
        *objects: dictionaries name → class or function; None counts as empty.

    Example:
        >>> with CustomObjectScope({"double": lambda x: 2 * x}):
        ...     deserialize_keras_object("double", {})(4)
        8

    Keras 2.2.4: keras/utils/generic_utils.py CustomObjectScope
    """

    def __init__(self, *objects: Mapping[str, Any] | None):
        self.custom_objects = objects
        self.backup: list[dict[str, Any]] = []

    def __enter__(self) -> CustomObjectScope:
        self.backup.append(dict(_custom_objects))
        for objects in self.custom_objects:
            _custom_objects.update(objects or {})
        return self

    def __exit__(self, *_) -> None:
        _custom_objects.clear()
        _custom_objects.update(self.backup.pop())


def custom_object_scope(*objects: Mapping[str, Any] | None) -> CustomObjectScope:
    """A `CustomObjectScope` of `objects` (Keras's function spelling).

    Args:
        *objects: dictionaries name → class or function.

    Returns:
        The context manager.

    Example:
        >>> with custom_object_scope({"half": lambda x: x / 2}):
        ...     deserialize_keras_object("half", {})(4)
        2.0

    Keras 2.2.4: keras/utils/generic_utils.py custom_object_scope
    """
    return CustomObjectScope(*objects)


def has_arg(fn: Function, name: str, accept_all: bool = False) -> bool:
    """Whether `fn` accepts a keyword argument called `name`.

    Args:
        fn: the callable.
        name: the keyword.
        accept_all: the answer when only a `**kwargs` of `fn` would take it.

    Returns:
        True or False.

    Example:
        >>> has_arg(lambda x, k=5: x, "k"), has_arg(lambda **kw: kw, "k"), has_arg(lambda **kw: kw, "k", True)
        (True, False, True)

    Keras 2.2.4: keras/utils/generic_utils.py has_arg
    """
    parameters = inspect.signature(fn).parameters
    if name in parameters:
        return parameters[name].kind in (
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            inspect.Parameter.KEYWORD_ONLY,
        )
    return accept_all and any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())


def serialize_keras_object(instance: Any) -> Any:
    """Write an object down: by class and config, or a function by its name.

    Args:
        instance: None, an object with `get_config`, or something with a `__name__`.

    Returns:
        None, `{"class_name": ..., "config": ...}`, or the name.

    Raises:
        ValueError: if it is none of these.

    Example:
        >>> serialize_keras_object(len)
        'len'

    Keras 2.2.4: keras/utils/generic_utils.py serialize_keras_object
    """
    if instance is None:
        return None
    if hasattr(instance, "get_config"):
        return {"class_name": type(instance).__name__, "config": instance.get_config()}
    if hasattr(instance, "__name__"):
        return instance.__name__
    raise ValueError(
        f"Cannot serialize {instance!r}: it has neither a `get_config` method nor a `__name__`. "
        "Use a named function, or a class with `get_config`."
    )


def deserialize_keras_object(
    identifier: Any,
    module_objects: Mapping[str, Any] | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    printable_module_name: str = "object",
) -> Any:
    """Turn a name or a `{"class_name", "config"}` dictionary back into the object.

    Names are looked up in `custom_objects`, then in the global custom objects, then in `module_objects`. A
    dictionary builds through `from_config` (which gets `custom_objects` if it takes them), or by calling the
    function of that name with the config as keyword arguments. A string gives the thing itself.

    Args:
        identifier: the name or the dictionary.
        module_objects: built-in names.
        custom_objects: names that win over the built-in ones, also for objects nested in the config.
        printable_module_name: what the thing is called in errors, as "loss function".

    Returns:
        The object.

    Raises:
        ValueError: if the name is unknown (close names are listed) or `identifier` has another form.

    Example:
        >>> deserialize_keras_object("maximum", {"maximum": max}, printable_module_name="function")(1, 2)
        2

    Keras 2.2.4: keras/utils/generic_utils.py deserialize_keras_object
    """
    if isinstance(identifier, str):
        return find(identifier, module_objects, custom_objects, printable_module_name)
    if not isinstance(identifier, AnyDict):
        raise ValueError(
            f"Could not interpret serialized {printable_module_name}: {identifier!r}. Expected a name or "
            'a dictionary {"class_name": ..., "config": ...}.'
        )
    if "class_name" not in identifier or "config" not in identifier:
        raise ValueError(
            f"Improper config format: {identifier}. A {printable_module_name} is written as "
            '{"class_name": ..., "config": ...}.'
        )
    cls = find(identifier["class_name"], module_objects, custom_objects, printable_module_name)
    given = identifier["config"]
    config: Any = dict(given) if isinstance(given, AnyDict) else given  # a list: Sequential's of old
    if hasattr(cls, "from_config") and has_arg(cls.from_config, "custom_objects"):
        return cls.from_config(config, custom_objects={**_custom_objects, **(custom_objects or {})})
    with CustomObjectScope(custom_objects):
        return cls.from_config(config) if hasattr(cls, "from_config") else cls(**config)


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[Registered], Registered]:
    """Decorator: a class or function of one's own that files may name, without `custom_objects`.

    It is known by its own name, by which jkeras and Keras 2.2.4 write it down, and by `package>name`, as in
    Keras 3.

    Args:
        package: the part before `>`.
        name: the part behind it; default: its own name.

    Returns:
        A decorator that returns the object itself.

    Raises:
        ValueError: a class without `get_config`.

    Keras 3: keras/saving/object_registration.py

    Example:
        >>> @register_keras_serializable("mine")
        ... def twice(x):
        ...     return 2 * x
        >>> get_registered_object("mine>twice") is twice, get_registered_name(twice)
        (True, 'mine>twice')
        >>> get_custom_objects().clear()
    """

    def register(thing: Registered) -> Registered:
        own_name: str = getattr(thing, "__name__", "")
        if isinstance(thing, type) and not hasattr(thing, "get_config"):
            raise ValueError(f"Cannot register the class {own_name}: it has no `get_config` method.")
        _custom_objects[f"{package}>{name or own_name}"] = _custom_objects[own_name] = thing
        return thing

    return register


def get_registered_name(thing: Any) -> str:
    """The name `package>name` under which a class or function was registered, else its own name.

    Keras 3: keras/saving/object_registration.py
    """
    names = (name for name, known in _custom_objects.items() if known is thing and ">" in name)
    return next(names, thing.__name__)


def get_registered_object(name: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The class or function that was registered under a name, or None.

    Keras 3: keras/saving/object_registration.py
    """
    return (custom_objects or {}).get(name, _custom_objects.get(name))


def find(
    name: str,
    module_objects: Mapping[str, Any] | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    kind: str = "object",
) -> Any:
    """The thing called `name`: custom objects first, then the built-in ones.

    Args:
        name: its name.
        module_objects: built-in names; the value None counts as absent.
        custom_objects: names that win over the built-in ones.
        kind: what the thing is called in errors.

    Returns:
        The class or function.

    Raises:
        ValueError: if the name is unknown.

    Example:
        >>> find("cos", {"sin": 1}, kind="function")
        Traceback (most recent call last):
        ...
        ValueError: Unknown function: cos. If it is your own, pass it itself, or, for a file that names it,
        custom_objects={'cos': cos}.
    """
    for names in (custom_objects, _custom_objects, module_objects):
        if names and names.get(name) is not None:
            return names[name]
    raise ValueError(f"Unknown {kind}: {name}.{suggest(name, module_objects or {})}{_advice(name)}")


def configured(name: str, module_objects: Mapping[str, Any], kind: str) -> Any:
    """The object that a bare name stands for where configured ones are expected (initializers, ...).

    A class is built with its defaults, a function without required arguments is a recipe (`"l2"`) and is
    called; any other function is the user's own object of this kind.

    Args:
        name: the identifier.
        module_objects: built-in names.
        kind: what the thing is called in errors.

    Returns:
        The object.

    Raises:
        ValueError: if the name is unknown.

    Example:
        >>> configured("tuple", {"tuple": tuple}, "container")
        ()
    """
    thing = find(name, module_objects, kind=kind)
    if hasattr(thing, "from_config"):
        return thing.from_config({})
    return thing if _needs_arguments(thing) else thing()


def get_configured(identifier: Any, module_objects: Mapping[str, Any], kind: str, base: type) -> Any:
    """The object that an argument means where configured ones are expected (initializers, ...).

    Args:
        identifier: a name, a config dictionary, a class of the kind, an object or a function.
        module_objects: built-in names.
        kind: what the thing is called in errors.
        base: the class of the kind.

    Raises:
        ValueError: if the name is unknown or `identifier` is something else.
    """
    if isinstance(identifier, dict):
        return deserialize_keras_object(identifier, module_objects, None, kind)
    if isinstance(identifier, str):
        return configured(identifier, module_objects, kind)
    if isinstance(identifier, type) and issubclass(identifier, base):
        return identifier()
    if callable(identifier):
        return settled(identifier)
    factor = kind == "regularizer" and isinstance(identifier, float)
    hint = f". For a factor write regularizers.l2({identifier!r})." if factor else ""
    raise ValueError(f"Could not interpret {kind} identifier: {identifier!r}{hint}")


def get_function(identifier: Any, module_objects: Mapping[str, Any], kind: str) -> Any:
    """The function that an argument means (losses, metrics).

    Args:
        identifier: a name, a config dictionary, or a function.
        module_objects: built-in names.
        kind: what the thing is called in errors.

    Raises:
        ValueError: if the name is unknown or `identifier` is something else.
    """
    if isinstance(identifier, (str, dict)):
        return deserialize_keras_object(identifier, module_objects, None, kind)
    if callable(identifier):
        return identifier
    raise ValueError(f"Could not interpret {kind} identifier: {identifier!r}")


def suggest(name: str, names: Mapping[str, Any]) -> str:
    """A sentence for an error about an unknown `name`: its spelling here if there is one, else close names.

    Args:
        name: the unknown name.
        names: the known ones.

    Returns:
        The sentence with a leading blank, or "".

    Example:
        >>> suggest("GlorotUniform", {"glorot_uniform": abs})
        " Here it is 'glorot_uniform'."
    """
    known = {n: _bare(n) for n, value in names.items() if callable(value) and not n.startswith("_")}
    same = [n for n, bare in known.items() if bare == _bare(name)]
    if same:
        return f" Here it is {same[0]!r}."
    return did_you_mean(name, known)


def _advice(name: str) -> str:
    if not name.replace(">", "").isidentifier():  # the name of nothing
        return ""
    own = f"custom_objects={{{name!r}: {name}}}"
    return f" If it is your own, pass it itself, or, for a file that names it, {own}."


def _bare(name: str) -> str:
    return name.replace("_", "").lower()


def _needs_arguments(fn: Function) -> bool:
    try:
        parameters = inspect.signature(fn).parameters.values()
    except ValueError:  # a builtin without a readable signature
        return False
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return any(p.default is p.empty and p.kind not in variadic for p in parameters)
