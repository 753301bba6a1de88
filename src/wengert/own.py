"""An operation of the user's own, made the lesson's way.

    def sinc(x):
        out = Value(math.sin(x.data) / x.data, (x,), "sinc")
        def _backward():
            x.grad += (math.cos(x.data) - out.data) / x.data * out.grad
        out._backward = _backward
        return out

Such a node carries its derivative as a closure and its value as a bare number. To take part in
`forward()` and `check()` its value must be found again for other operands: the function that made
it is called once more, on stand-ins for its operands, and left as soon as it makes the node. That
is done only for a function that receives its operands as arguments and assigns `_backward`; else
the user can assign `_forward`.
"""

import dis
import functools
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from types import CellType, CodeType, FrameType, FunctionType, MethodType
from typing import Any

import numpy as np

from wengert.errors import GraphError

_RESUMABLE = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


@dataclass(frozen=True, slots=True)
class Maker:
    """The call that made a node, so that it can be made again."""

    function: FunctionType
    positional: tuple[Any, ...]
    keywords: dict[str, Any]
    place: int  # the instruction that makes the node: one function may make several

    def among(self, replacement: Mapping[int, Any]) -> "Maker":
        """The same call on other nodes, by identity."""
        positional, keywords = replaced((self.positional, self.keywords), replacement)
        return replace(self, positional=positional, keywords=keywords)

    def again(self, operands: Sequence[Any]) -> float | None:
        """The number the call gives the node of these operands, None if it makes no such node."""
        token = _AWAITED.set(_Awaited(self.function.__code__, self.place, operands))
        try:
            self.function(*self.positional, **self.keywords)
        except _MadeError as made:
            return made.number
        finally:
            _AWAITED.reset(token)
        return None


@dataclass(frozen=True, slots=True)
class _Awaited:
    """The node for which a maker is being called again."""

    code: CodeType
    place: int
    operands: Sequence[Any]


_AWAITED: ContextVar[_Awaited | None] = ContextVar("wengert_awaited", default=None)


class _MadeError(BaseException):
    """Leaves a maker's function once it has made the node: nothing after it runs twice."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = number


@dataclass(slots=True)
class Own:
    """What is known of an operation that has no row in the table."""

    op: str
    backward: Callable[[], None] | None = None
    forward: Callable[..., float] | None = None
    maker: Maker | None = None

    def among(self, replacement: Mapping[int, Any], node: Any) -> "Own":
        """The same operation on other nodes, where `node` was made by it.

        Raises:
            GraphError: the derivative would go on using the nodes that are to be replaced.
        """
        noted = _Noted(replacement)
        backward = replaced(self.backward, noted)
        if backward is not None and node._operands:
            needed = (
                {id(node)} if _asks_the_node(backward) else set(map(id, (node, *node._operands)))
            )
            if not needed & replacement.keys() <= noted.used:
                raise cannot_copy(node)
        maker = self.maker.among(replacement) if self.maker else None
        return Own(self.op, backward, self.forward, maker)


def _asks_the_node(backward: Any) -> bool:
    """Whether a derivative finds its operands by way of the result."""
    code = getattr(backward, "__code__", None)
    return code is not None and not {"operands", "_operands", "_prev"}.isdisjoint(code.co_names)


class _Noted(dict[int, Any]):
    """Replacements that remember which of them were asked for."""

    def __init__(self, replacement: Mapping[int, Any]) -> None:
        super().__init__(replacement)
        self.used: set[int] = set()

    def __getitem__(self, key: int) -> Any:
        self.used.add(key)
        return super().__getitem__(key)


def maker_of(node: Any, operands: Sequence[Any]) -> Maker | None:
    """The call in progress that is making `node`, if it can safely be repeated.

    To be called by the node's constructor.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_constructor(frame, node):
        frame = frame.f_back
    awaited = _AWAITED.get()
    if frame is None:
        return None
    code, place = frame.f_code, frame.f_lasti
    if awaited is not None:
        if (code, place) == (awaited.code, awaited.place) and _same(operands, awaited.operands):
            raise _MadeError(node._data)
        return None
    if not _is_repeatable(code):
        return None
    here = frame.f_locals
    if any(name not in here for name in code.co_freevars):
        return None
    cells = tuple(CellType(here[name]) for name in code.co_freevars)
    function = FunctionType(code, frame.f_globals, code.co_name, None, cells)
    args = inspect.getargs(code)
    plain = code.co_argcount
    try:
        positional = [here[name] for name in args.args[:plain]]
        keywords = {name: here[name] for name in args.args[plain:]}
        if args.varargs:
            positional += here[args.varargs]
        if args.varkw:
            keywords |= here[args.varkw]
    except KeyError:  # an argument that the function has deleted
        return None
    given = {id(part) for arg in (*positional, *keywords.values()) for part in (arg, *_parts(arg))}
    if any(id(operand) not in given for operand in operands):
        return None
    return Maker(function, tuple(positional), keywords, place)


def _is_constructor(frame: FrameType, node: Any) -> bool:
    code = frame.f_code
    return (
        code.co_name == "__init__"
        and code.co_argcount > 0
        and frame.f_locals.get(code.co_varnames[0]) is node
    )


def _same(operands: Sequence[Any], others: Sequence[Any]) -> bool:
    """Whether they are the same nodes; a set among `_children` may come in another order."""
    return sorted(map(id, operands)) == sorted(map(id, others))


@functools.lru_cache(maxsize=1024)
def _is_repeatable(code: CodeType) -> bool:
    """Whether it assigns `_backward`, runs as soon as it is called, and leaves nothing behind."""
    if "_backward" not in code.co_names or code.co_flags & _RESUMABLE:
        return False
    assigned = set()
    for step in dis.get_instructions(code):
        if step.opname == "STORE_ATTR":
            assigned.add(step.argval)
        elif step.opname in ("STORE_GLOBAL", "STORE_SUBSCR") or (
            step.opname == "STORE_DEREF" and step.argval in code.co_freevars
        ):
            return False
    return "_backward" in assigned and assigned <= _OF_THE_NODE


_OF_THE_NODE = {"_backward", "_forward", "label"}  # what an operation may assign, to its result


def _parts(thing: Any) -> Sequence[Any]:
    if isinstance(thing, np.ndarray):
        return thing.ravel().tolist() if thing.dtype == object else ()
    return thing if isinstance(thing, list | tuple) else ()


def replaced(thing: Any, replacement: Mapping[int, Any]) -> Any:
    """The same thing on other nodes: closures, methods and containers that refer to them.

    Args:
        thing: a function of the user's own, or an argument given to it.
        replacement: by the identity of a node, what stands in its place.

    Returns:
        A copy; or the thing itself, if it refers to none of the nodes.
    """
    return _replaced(thing, replacement, {})


def _replaced(thing: Any, replacement: Mapping[int, Any], done: dict[int, Any]) -> Any:
    for known in (replacement, done):
        if id(thing) in known:
            return known[id(thing)]
    done[id(thing)] = thing  # for what contains itself

    def swap(part: Any) -> Any:
        return _replaced(part, replacement, done)

    copy = thing
    kind = type(thing)
    if kind in (list, tuple, set):
        parts = list(thing)
        swapped = list(map(swap, parts))
        if _differ(parts, swapped):
            copy = kind(swapped)
    elif kind is dict:
        swapped = list(map(swap, thing.values()))
        if _differ(thing.values(), swapped):
            copy = dict(zip(thing, swapped, strict=True))
    elif kind is np.ndarray and thing.dtype == object:
        parts = thing.ravel().tolist()
        swapped = list(map(swap, parts))
        if _differ(parts, swapped):
            copy = thing.copy()
            copy.flat = swapped
    elif kind is FunctionType:
        copy = _function(thing, swap)
    elif kind is MethodType:
        copy = MethodType(swap(thing.__func__), swap(thing.__self__))
    elif kind is functools.partial:
        args, keywords = swap(thing.args), swap(thing.keywords)
        copy = functools.partial(swap(thing.func), *args, **keywords)
    done[id(thing)] = copy
    return copy


def _differ(parts: Any, others: Any) -> bool:
    return any(part is not other for part, other in zip(parts, others, strict=True))


def _function(function: FunctionType, swap: Callable[[Any], Any]) -> FunctionType:
    """A function over what `swap` gives for its captured variables and its defaults."""
    closure = function.__closure__ or ()
    itself = []

    def swap_cell(cell: CellType) -> CellType:
        try:
            content = cell.cell_contents
        except ValueError:  # an empty cell
            return cell
        other = CellType(swap(content))
        if content is function:
            itself.append(other)
        return cell if other.cell_contents is content and content is not function else other

    cells = tuple(map(swap_cell, closure))
    defaults, keywords = swap(function.__defaults__), swap(function.__kwdefaults__)
    if (
        not _differ(closure, cells)
        and defaults is function.__defaults__
        and keywords is function.__kwdefaults__
    ):
        return function
    copy = FunctionType(function.__code__, function.__globals__, function.__name__, defaults, cells)
    copy.__kwdefaults__ = keywords
    copy.__dict__.update(function.__dict__)
    copy.__doc__, copy.__qualname__ = function.__doc__, function.__qualname__
    for cell in itself:
        cell.cell_contents = copy
    return copy


def cannot_copy(node: Any) -> GraphError:
    """For an own operation whose derivative would go on using the nodes it was copied from."""
    return GraphError(
        f"The node {node.label or 'without a label'} was made by your own operation {node._op!r}, "
        "and cannot be copied: its _backward reaches some of its nodes through a global variable "
        "or an object's attribute, so the copy would push gradients into the original. Make it a "
        "function inside the operation, which refers to the operands and the result by name."
    )


def cannot_evaluate(node: Any) -> GraphError:
    """For an own operation whose value cannot be found again."""
    return GraphError(
        f"The node {node.label or 'without a label'} was made by your own operation {node._op!r}, "
        "and its value cannot be computed again from other operands. Make it in a function that "
        "takes its operands as arguments and assigns out._backward, or assign out._forward = "
        "lambda x: ..., from the operands' numbers to the result."
    )
