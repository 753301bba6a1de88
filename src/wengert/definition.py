"""What a Python function is made of, as a digest: whether two definitions are the same.

A cell of a notebook that is run again defines the same function anew. So what is compared is its
code, with the numbers, functions and arrays that it finds in its closure, its defaults and its
module. What cannot be looked into counts as itself: two of those are never the same.
"""

import hashlib
from collections.abc import Iterable
from functools import partial
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from wengert.dispatch import Family, Primitive

_PLAIN = (type(None), bool, int, float, complex, str, bytes)


def definition(name: str, parts: Iterable[Any]) -> str:
    """A digest of what defines something.

    Args:
        name: of what is defined; where its parts name it themselves, the name stands for it.
        parts: functions, numbers, texts, arrays, and tuples of those.
    """
    reader = _Reader(name)
    return hashlib.sha256(repr([reader.read(part) for part in parts]).encode()).hexdigest()


class _Reader:
    """Turns objects into nested tuples of texts that are equal for equal definitions."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: dict[int, tuple[int, Any]] = {}  # functions call each other; kept, as ids are

    def read(self, thing: Any) -> Any:
        """What stands for an object."""
        if isinstance(thing, _PLAIN):
            return type(thing).__name__, repr(thing)
        if isinstance(thing, Primitive):
            return "row", thing.name if thing.name == self.name else thing.content
        if isinstance(thing, Family | ModuleType):
            return type(thing).__name__, getattr(thing, "name", getattr(thing, "__name__", ""))
        if isinstance(thing, np.ndarray) and thing.dtype != object:
            return "array", str(thing.dtype), thing.shape, thing.tobytes()
        if isinstance(thing, type | BuiltinFunctionType | np.ufunc):
            return "named", getattr(thing, "__module__", ""), thing.__name__
        if id(thing) in self.seen:
            return "above", self.seen[id(thing)][0]
        self.seen[id(thing)] = len(self.seen), thing
        return self._parts(thing)

    def _parts(self, thing: Any) -> Any:
        if isinstance(thing, tuple | list):
            return type(thing).__name__, [self.read(part) for part in thing]
        if isinstance(thing, dict):
            return "dict", [(self.read(key), self.read(part)) for key, part in thing.items()]
        if isinstance(thing, CodeType):
            return self._code(thing)
        if isinstance(thing, FunctionType):
            return self._function(thing)
        if isinstance(thing, partial):
            return "partial", *map(self.read, (thing.func, thing.args, thing.keywords))
        return type(thing).__qualname__, id(thing)

    def _function(self, function: FunctionType) -> Any:
        names = sorted(_names(function.__code__) & function.__globals__.keys())
        found = {name: function.__globals__[name] for name in names if name != self.name}
        cells = [_content(cell) for cell in function.__closure__ or ()]
        parts = (function.__code__, function.__defaults__, function.__kwdefaults__, cells, found)
        return "function", *map(self.read, parts)

    def _code(self, code: CodeType) -> Any:
        constants = [self.read(each) for each in code.co_consts]
        return "code", code.co_code, code.co_names, code.co_varnames, code.co_freevars, constants


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None


def _names(code: CodeType) -> set[str]:
    """The names that a code uses, those of functions inside it too."""
    inner = [_names(each) for each in code.co_consts if isinstance(each, CodeType)]
    return set(code.co_names).union(*inner)
