"""What the command line works on: a Value or a function in a Python file, or an expression."""

import ast
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from wengert.errors import ExpressionError, WengertError
from wengert.expression import build, shortened
from wengert.expression import variables as names_in
from wengert.graph import topological_order
from wengert.learn.typed import typed
from wengert.program.program import Program
from wengert.program.record import record
from wengert.value import Value

_IN_FILE = re.compile(r"(?P<path>.+\.py):(?P<name>[A-Za-z_]\w*)")
_LIKE_A_FILE = re.compile(r".+\.py(:.*)?|[\w./\\-]+:[A-Za-z_]\w*", re.DOTALL)
_CATCH_ALL = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def parse_at(text: str) -> dict[str, float]:
    """The numbers in "x=2,y=-3".

    Raises:
        ExpressionError: naming the piece that is not NAME=NUMBER, or the name given twice.

    Examples:
        >>> parse_at("x=2, y=-1/4")
        {'x': 2.0, 'y': -0.25}
    """
    numbers: dict[str, float] = {}
    for piece in filter(None, (piece.strip() for piece in text.split(","))):
        name, equals, number = (part.strip() for part in piece.partition("="))
        try:
            if not (equals and name.isidentifier()):
                raise ValueError
            value = _number(number)
        except ValueError:
            shown = shortened(piece)
            raise ExpressionError(f"--at takes NAME=NUMBER,..., not {shown!r}.") from None
        if name in numbers:
            raise ExpressionError(f"--at gives {name} two numbers. Give it one.")
        numbers[name] = value
    return numbers


def _number(text: str) -> float:
    try:
        return float(text)  # inf and nan, too
    except ValueError:
        return typed(text).number


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


def example(text: str) -> dict[str, Any]:
    """The arguments in "x=2, w=[1, 2.5], m=ones(3, 4)": numbers, lists, and arrays by their shape.

    Raises:
        ExpressionError: naming the piece that is none of these, or the name given twice.

    Examples:
        >>> example("x=-2, w=[1, 2.5]")
        {'x': -2.0, 'w': array([1. , 2.5])}
    """
    try:
        call = ast.parse(f"f({text})", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        call = None
    if not isinstance(call, ast.Call) or call.args:
        raise ExpressionError(f"--at takes NAME=ARGUMENT,..., not {shortened(text)!r}.")
    arguments: dict[str, Any] = {}
    for keyword in call.keywords:
        if keyword.arg is None or keyword.arg in arguments:
            raise ExpressionError(f"--at gives {keyword.arg or '**'} two values. Give it one.")
        arguments[keyword.arg] = _argument(keyword.value)
    return arguments


def _argument(node: ast.expr) -> Any:
    shown = shortened(ast.unparse(node))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ARRAYS:
        sizes = [_argument(argument) for argument in node.args]
        try:
            return ARRAYS[node.func.id](*sizes)
        except (TypeError, ValueError, MemoryError) as error:
            raise ExpressionError(f"{shown}: {error}.") from None
    try:
        if isinstance(node, ast.List | ast.Tuple):
            return np.array([_argument(element) for element in node.elts], dtype=float)
        return _number(ast.unparse(node))
    except (ValueError, RecursionError):
        raise ExpressionError(
            f"--at takes numbers, lists of them, and {', '.join(ARRAYS)}(SIZE, ...), not {shown!r}."
        ) from None


def _shape(*sizes: float) -> tuple[int, ...]:
    if not all(size == int(size) and size >= 0 for size in sizes):
        raise ValueError("sizes are integers")
    return tuple(int(size) for size in sizes)


ARRAYS: dict[str, Callable[..., Any]] = {
    "zeros": lambda *sizes: np.zeros(_shape(*sizes)),
    "ones": lambda *sizes: np.ones(_shape(*sizes)),
    "random": lambda *sizes: np.random.default_rng(0).uniform(-1.0, 1.0, _shape(*sizes)),
    "linspace": lambda low, high, size: np.linspace(low, high, _shape(size)[0]),
}


def recorded(target: str, text: str, **how: Any) -> Program:
    """The Program that a target stands for.

    Args:
        target: FILE.py:NAME or an expression.
        text: its arguments, as `example` reads them.
        how: further arguments of `wengert.record`.

    Raises:
        ExpressionError: with what is wrong with the target or its arguments.
    """
    found = called(target, text)
    if found is None:
        return record(root(target, parse_at(text))[0], **how)
    function, arguments = found
    with user_code(f"Calling {target}"):
        return record(function, *arguments, **how)


def called(target: str, text: str) -> tuple[Callable[..., Any], list[Any]] | None:
    """The function that a target names, and its arguments; None for a Value or an expression.

    Args:
        target: FILE.py:NAME or an expression.
        text: the arguments, as `example` reads them.

    Raises:
        ExpressionError: with what is wrong with the target or its arguments.
    """
    found = _find(target)
    if not callable(found) or isinstance(found, Value):
        return None
    arguments = example(text)
    parameters = _parameters(found, target)
    needed = [
        name for name, each in parameters.items()
        if each.default is each.empty and each.kind not in _CATCH_ALL
    ]  # fmt: skip
    missing = [name for name in needed if name not in arguments]
    if missing:
        raise _missing(target, missing)
    _refuse_unknown(arguments, parameters, target)
    return found, [arguments[name] for name in parameters if name in arguments]


@contextmanager
def user_code(doing: str) -> Iterator[None]:
    """Whatever the user's code raises in here becomes an error that says where.

    Raises:
        ExpressionError: in place of an error that is not the library's own.
    """
    try:
        yield
    except WengertError:
        raise
    except (Exception, SystemExit) as error:
        raise _in_user_code(doing, error) from error


def function(
    target: str, at: Mapping[str, float], variable: str = ""
) -> tuple[str, Callable[[Any], Any]]:
    """The function of one variable that a target stands for, the others held at `at`.

    Args:
        target: FILE.py:NAME or an expression.
        at: numbers for its variables.
        variable: the one that stays free; by default the one that needs a number and has none,
            else the only one.

    Returns:
        The variable's name, and the function.

    Raises:
        ExpressionError: with what is wrong with the target, or the variables to choose from.
    """
    found = _find(target)
    if isinstance(found, Value):
        raise ExpressionError(f"{target} is a Value. To plot, name a function or an expression.")
    if found is None:
        every = needed = names_in(target, {*at, variable})
    else:
        parameters = _parameters(found, target)
        every = [name for name, each in parameters.items() if each.kind not in _CATCH_ALL]
        needed = [name for name in every if parameters[name].default is inspect.Parameter.empty]
    shown = shortened(target)
    if not every:
        raise ExpressionError(f"{shown} has no variable to plot it over.")
    if variable and variable not in every:
        raise ExpressionError(f"{shown} has no variable {variable}. It has: {', '.join(every)}.")
    variable = variable or _along_the_axis(every, needed, at)
    others = {name: number for name, number in at.items() if name != variable}
    missing = [name for name in needed if name != variable and name not in at]
    if missing:
        raise _missing(shown, missing)
    if found is None:
        return variable, lambda x: build(target, {**others, variable: x})
    _refuse_unknown(others, every, target)
    return variable, lambda x: _run(found, {**others, variable: x}, target)


def _along_the_axis(every: list[str], needed: list[str], at: Mapping[str, float]) -> str:
    open_ = [name for name in every if name not in at]
    for names in ([name for name in needed if name in open_], needed, open_, every):
        if len(names) == 1:
            return names[0]
        if names:
            break
    raise ExpressionError(
        f"Which variable runs along the axis: {', '.join(names)}? Give the others a number, as in "
        f"--at {names[-1]}=1.0, or name it: --variable {names[0]}"
    )


def _run(found: Callable[..., Any], numbers: Mapping[str, Any], target: str) -> Any:
    """The function's result at a point of its plot, which sees to gaps in its domain itself."""
    try:
        return found(**numbers)
    except (ArithmeticError, ValueError):
        raise
    except (Exception, SystemExit) as error:
        raise _in_user_code(f"Calling {target}", error) from error


def _find(target: str) -> Any:
    """What FILE.py:NAME names; None for an expression."""
    match = _IN_FILE.fullmatch(target)
    if match is None:
        if _LIKE_A_FILE.fullmatch(target):
            raise ExpressionError(f"A target in a file is FILE.py:NAME, not {shortened(target)!r}.")
        return None
    path, name = Path(match["path"]), match["name"]
    module = _module(path)
    if name not in module:
        public = sorted(
            key for key, value in module.items()
            if not key.startswith("_") and not inspect.isclass(value)
            and (isinstance(value, Value) or callable(value))
        )  # fmt: skip
        raise ExpressionError(f"{path} has no {name}. It has: {', '.join(public) or 'nothing'}.")
    found = module[name]
    if inspect.isclass(found):
        raise ExpressionError(f"{target} is a class; a target is a Value or a function.")
    if not isinstance(found, Value) and not callable(found):
        raise ExpressionError(
            f"{target} is a {type(found).__name__}; a target is a Value or a function."
        )
    return found


def _module(path: Path) -> dict[str, Any]:
    """The names that a Python file defines when it is run."""
    if not path.is_file():
        raise ExpressionError(f"There is no file {path}.")
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    sys.modules[path.stem], before = module, sys.modules.get(path.stem)
    sys.path.insert(0, str(path.parent.resolve()))
    try:  # compiled here, since Python's own cache can miss a change within the same second
        exec(compile(path.read_bytes(), str(path), "exec"), vars(module))
    except (Exception, SystemExit) as error:
        raise _in_user_code(f"Running {path}", error) from error
    finally:
        sys.path.pop(0)
        if before is not None:
            sys.modules[path.stem] = before
    return vars(module)


def _called(found: Callable[..., Any], at: Mapping[str, float], target: str) -> Value:
    """The function's result on Values labelled with its parameters' names."""
    parameters = _parameters(found, target)
    missing = [
        name for name, parameter in parameters.items()
        if parameter.default is parameter.empty and name not in at
        and parameter.kind not in _CATCH_ALL
    ]  # fmt: skip
    if missing:
        raise _missing(target, missing)
    _refuse_unknown(at, parameters, target)
    try:
        result = found(**{name: Value(number, label=name) for name, number in at.items()})
    except (Exception, SystemExit) as error:
        raise _in_user_code(f"Calling {target}", error) from error
    if not isinstance(result, Value):
        raise ExpressionError(
            f"{target} gave {result!r}, where a Value was expected. Does it return a result that "
            "depends on its arguments?"
        )
    if not result.label:
        result.label = getattr(found, "__name__", "f")
    return result


def _parameters(found: Callable[..., Any], target: str) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(found).parameters
    except ValueError:
        raise ExpressionError(f"{target} does not say what it takes. Wrap it in a def.") from None


def _missing(target: str, names: list[str]) -> ExpressionError:
    example = ",".join(f"{name}=1.0" for name in names)
    return ExpressionError(f"{target} needs {', '.join(names)}: --at {example}")


def _refuse_unknown(at: Iterable[str], known: Collection[str], target: str) -> None:
    unknown = [name for name in at if name not in known]
    if unknown:
        raise ExpressionError(
            f"{target} has no {', '.join(unknown)}. It takes: {', '.join(known) or 'nothing'}."
        )


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


def _in_user_code(doing: str, error: Exception | SystemExit) -> ExpressionError:
    """An error of the user's code, with the line it came from."""
    if isinstance(error, SyntaxError) and error.filename:
        place = f"{Path(error.filename).name}:{error.lineno}"
        return ExpressionError(f"{doing} raised {type(error).__name__}: {error.msg} ({place})")
    frames = traceback.extract_tb(error.__traceback__)
    inside = [
        frame for frame in frames if not frame.filename.startswith(str(Path(__file__).parent))
    ]
    at = f" ({Path(inside[-1].filename).name}:{inside[-1].lineno})" if inside else ""
    return ExpressionError(f"{doing} raised {type(error).__name__}: {error}{at}")
