"""An operation of the user's own, made the lesson's way.

    def sinc(x):
        out = Value(math.sin(x.data) / x.data, (x,), "sinc")
        def _backward():
            x.grad += (math.cos(x.data) - out.data) / x.data * out.grad
        out._backward = _backward
        return out

Such a node carries its derivative as a closure and its value as a bare number. To take part in
`forward()` and `check()` its value must be found again for other operands: the function that made
it is called once more, on stand-ins for its operands. That is done only for a function that
receives its operands as arguments and assigns `_backward`; else the user can assign `_forward`.
"""

import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import CellType, FrameType, FunctionType
from typing import Any

from wengert.errors import GraphError


@dataclass(frozen=True, slots=True)
class Maker:
    """The call that made a node, so that it can be made again."""

    function: FunctionType
    positional: tuple[Any, ...]
    keywords: dict[str, Any]

    def among(self, replacement: dict[int, Any]) -> "Maker":
        """The same call on other nodes, by identity, also within lists and tuples."""

        def swap(arg: Any) -> Any:
            if type(arg) in (list, tuple):
                return type(arg)(replacement.get(id(item), item) for item in arg)
            return replacement.get(id(arg), arg)

        keywords = {name: swap(arg) for name, arg in self.keywords.items()}
        return Maker(self.function, tuple(map(swap, self.positional)), keywords)

    def call(self) -> Any:
        """What the function returns."""
        return self.function(*self.positional, **self.keywords)


@dataclass(slots=True)
class Own:
    """What is known of an operation that has no row in the table."""

    op: str
    backward: Callable[[], None] | None = None
    forward: Callable[..., float] | None = None
    maker: Maker | None = None

    def among(self, replacement: dict[int, Any]) -> "Own":
        """The same operation on other nodes."""
        maker = self.maker.among(replacement) if self.maker else None
        return Own(self.op, rebound(self.backward, replacement), self.forward, maker)


def maker_of(node: Any, operands: Sequence[Any]) -> Maker | None:
    """The call in progress that is making `node`, if it can safely be repeated."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and _is_constructor(frame, node):
        frame = frame.f_back
    if frame is None or "_backward" not in frame.f_code.co_names:
        return None
    code = frame.f_code
    if code.co_flags & (inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
        return None
    here = frame.f_locals
    if not code.co_flags & inspect.CO_OPTIMIZED or any(
        name not in here for name in code.co_freevars
    ):
        return None
    cells = tuple(CellType(here[name]) for name in code.co_freevars)
    function = FunctionType(code, frame.f_globals, code.co_name, None, cells)
    args = inspect.getargs(code)
    plain = code.co_argcount
    positional = [here[name] for name in args.args[:plain]]
    keywords = {name: here[name] for name in args.args[plain:]}
    if args.varargs:
        positional += here[args.varargs]
    if args.varkw:
        keywords |= here[args.varkw]
    maker = Maker(function, tuple(positional), keywords)
    given = {id(item) for arg in (*positional, *keywords.values())
             for item in (arg if isinstance(arg, list | tuple) else (arg,))}  # fmt: skip
    return maker if all(id(operand) in given for operand in operands) else None


def _is_constructor(frame: FrameType, node: Any) -> bool:
    code = frame.f_code
    return (
        code.co_name == "__init__"
        and code.co_argcount > 0
        and frame.f_locals.get(code.co_varnames[0]) is node
    )


def rebound(function: Any, copies: dict[int, Any]) -> Any:
    """A closure over copies: the same function, its captured nodes replaced by their copies."""
    if not isinstance(function, FunctionType) or not function.__closure__:
        return function

    def swap(cell: CellType) -> CellType:
        try:
            return CellType(copies.get(id(cell.cell_contents), cell.cell_contents))
        except ValueError:  # an empty cell
            return cell

    closure = tuple(map(swap, function.__closure__))
    twin = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, closure
    )
    twin.__kwdefaults__ = function.__kwdefaults__
    return twin


def cannot_evaluate(node: Any) -> GraphError:
    """For an own operation whose value cannot be found again."""
    return GraphError(
        f"The node {node.label or 'without a label'} was made by your own operation {node._op!r}, "
        "and its value cannot be computed again from other operands. Make it in a function that "
        "takes its operands as arguments and assigns out._backward, or assign out._forward = "
        "lambda x: ..., from the operands' numbers to the result."
    )
