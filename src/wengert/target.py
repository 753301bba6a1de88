"""What the command line works on: a Value or a function in a Python file, or an expression."""

import importlib.util
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from wengert.errors import ExpressionError
from wengert.expression import build
from wengert.graph import topological_order
from wengert.value import Value

_IN_FILE = re.compile(r"(?P<path>.+\.py):(?P<name>[A-Za-z_]\w*)")


def parse_at(text: str) -> dict[str, float]:
    """The numbers in "x=2,y=-3".

    Raises:
        ExpressionError: naming the piece that is not NAME=NUMBER.

    Examples:
        >>> parse_at("x=2, y=-3")
        {'x': 2.0, 'y': -3.0}
    """
    numbers = {}
    for piece in filter(None, (piece.strip() for piece in text.split(","))):
        name, equals, number = (part.strip() for part in piece.partition("="))
        try:
            if not (equals and name.isidentifier()):
                raise ValueError
            numbers[name] = float(number)
        except ValueError:
            raise ExpressionError(f"--at takes NAME=NUMBER,..., not {piece!r}.") from None
    return numbers


def root(target: str, at: Mapping[str, float]) -> tuple[Value, bool]:
    """The Value that a target stands for, and whether it was made just now.

    Args:
        target: FILE.py:NAME or an expression.
        at: numbers for its variables; for a Value in a file, for its leaves by label.

    Returns:
        The root; True if it was built from an expression or by calling a function, so that its
        gradients have not been filled yet.

    Raises:
        ExpressionError: with what is wrong with the target.
    """
    found = _find(target)
    if found is None:
        value = build(target, at)
        if not value.label and "f" not in at:
            value.label = "f"
        return value, True
    if isinstance(found, Value):
        _move_leaves(found, at, target)
        return found, False
    return _called(found, at, target), True


def function(target: str, at: Mapping[str, float], variable: str) -> Callable[[Any], Any]:
    """The function of one variable that a target stands for, the others held at `at`."""
    found = _find(target)
    others = {name: number for name, number in at.items() if name != variable}
    if found is None:
        return lambda x: build(target, {**others, variable: x})
    if isinstance(found, Value):
        raise ExpressionError(f"{target} is a Value. To plot, name a function or an expression.")
    return lambda x: found(**others, **{variable: x})


def variables(target: str, at: Mapping[str, float]) -> list[str]:
    """The names of a target's variables, those given in `at` first."""
    found = _find(target)
    if callable(found):
        return list(inspect.signature(found).parameters)
    return list(at)


def _find(target: str) -> Any:
    """What FILE.py:NAME names; None for an expression."""
    match = _IN_FILE.fullmatch(target)
    if match is None:
        if target.endswith(".py") or ".py:" in target:
            raise ExpressionError(f"A target in a file is FILE.py:NAME, not {target!r}.")
        return None
    path, name = Path(match["path"]), match["name"]
    module = _module(path)
    if name not in module:
        public = sorted(
            key for key, value in module.items()
            if not key.startswith("_") and (isinstance(value, Value) or inspect.isfunction(value))
        )  # fmt: skip
        raise ExpressionError(f"{path} has no {name}. It has: {', '.join(public) or 'nothing'}.")
    found = module[name]
    if not isinstance(found, Value) and not callable(found):
        raise ExpressionError(
            f"{target} is a {type(found).__name__}; a target is a Value or a function."
        )
    return found


def _module(path: Path) -> dict[str, Any]:
    """The names that a Python file defines when it is run."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise ExpressionError(f"There is no file {path}.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem], before = module, sys.modules.get(path.stem)
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise _in_user_code(f"Running {path}", error) from error
    finally:
        sys.path.pop(0)
        if before is not None:
            sys.modules[path.stem] = before
    return vars(module)


def _called(found: Callable[..., Any], at: Mapping[str, float], target: str) -> Value:
    """The function's result on Values labelled with its parameters' names."""
    parameters = inspect.signature(found).parameters
    missing = [
        name for name, parameter in parameters.items()
        if parameter.default is parameter.empty and name not in at
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]  # fmt: skip
    if missing:
        example = ",".join(f"{name}=1.0" for name in missing)
        raise ExpressionError(f"{target} needs {', '.join(missing)}: --at {example}")
    unknown = [name for name in at if name not in parameters]
    if unknown:
        raise ExpressionError(
            f"{target} has no {', '.join(unknown)}. It takes: {', '.join(parameters)}."
        )
    try:
        result = found(**{name: Value(number, label=name) for name, number in at.items()})
    except Exception as error:
        raise _in_user_code(f"Calling {target}", error) from error
    if not isinstance(result, Value):
        raise ExpressionError(
            f"{target} gave {result!r}, where a Value was expected. Does it return a result that "
            "depends on its arguments?"
        )
    if not result.label:
        result.label = getattr(found, "__name__", "f")
    return result


def _move_leaves(value: Value, at: Mapping[str, float], target: str) -> None:
    if not at:
        return
    leaves = {node.label: node for node in topological_order(value) if not node.operands}
    for name, number in at.items():
        if name not in leaves:
            known = ", ".join(sorted(filter(None, leaves))) or "none"
            raise ExpressionError(f"{target} has no leaf labelled {name!r}. Labelled: {known}.")
        leaves[name].data = number
    value.forward()


def _in_user_code(doing: str, error: Exception) -> ExpressionError:
    """An error of the user's code, with the line it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [
        frame for frame in frames if not frame.filename.startswith(str(Path(__file__).parent))
    ]
    at = f" ({Path(inside[-1].filename).name}:{inside[-1].lineno})" if inside else ""
    return ExpressionError(f"{doing} raised {type(error).__name__}: {error}{at}")
