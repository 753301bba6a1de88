"""What compiled functions have in common: a function, and the paths that it takes."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import partial, update_wrapper
from threading import RLock
from types import MethodType
from typing import Any

from wengert.dispatch import describe
from wengert.errors import OperandError
from wengert.node import Node
from wengert.program.program import Program
from wengert.program.record import name_of, parameters, record
from wengert.program.structure import Structure, structure_of
from wengert.run.kernel import Kernel
from wengert.run.llvm import assembly
from wengert.run.paths import Path, Paths
from wengert.run.report import Report, report
from wengert.run.tiers import Options

LAMBDA = "<lambda>"
KEPT = 256  # structures of arguments that paths are kept for; the oldest go first


class Compiled:
    """A function and the paths that it has been seen to take.

    Args:
        function: what is compiled.
        options: how it is run.
    """

    verb = ""

    def __init__(self, function: Any, options: Options) -> None:
        if isinstance(function, Node):
            function = record(function)
        if not callable(function):
            raise OperandError(
                f"wg.{self.verb} takes a function, a Program or a Value, not {describe(function)}."
            )
        self.function, self.options = function, options
        self._paths: dict[Any, Paths] = {}
        self._names: dict[int, tuple[str, ...]] = {}  # of so many arguments
        self._lock = RLock()
        update_wrapper(self, function, updated=())  # type: ignore[arg-type]

    @property
    def name(self) -> str:
        """What it is called in messages."""
        name = name_of(self.function)
        return "the function" if name in (LAMBDA, "program") else f"{name}()"

    @property
    def programs(self) -> tuple[Program, ...]:
        """The programs of all paths that it has been seen to take."""
        return tuple(path.program for path in self._known())

    @property
    def llvm(self) -> tuple[str, ...]:
        """The text that LLVM was given of each kernel."""
        return tuple(kernel.text for kernel in self._kernels())

    @property
    def assembly(self) -> tuple[str, ...]:
        """The instructions of this CPU that each kernel comes to."""
        return tuple(assembly(kernel.text) for kernel in self._kernels())

    def _kernels(self) -> Iterator[Kernel]:
        for path in self._known():
            yield from path.tiers.kernels.values()

    def _known(self) -> list[Path]:
        return [path for paths in self._all_paths() for path in paths.known]

    def _all_paths(self) -> Iterable[Paths]:
        """Those of all structures of arguments."""
        return self._paths.values()

    def report(self) -> Report:
        """What has been compiled and how it runs: prints well, and is a table in notebooks."""
        return report(repr(self), self._known())

    def _paths_of(self, arguments: Structure, named: dict[str, Any]) -> Paths:
        key = arguments, arguments.makes(), _frozen(named)
        found = self._paths.get(key)
        if found is None:
            with self._lock:
                if len(self._paths) >= KEPT:
                    del self._paths[next(iter(self._paths))]
                found = self._paths.setdefault(
                    key, Paths(self.function, arguments, named, self.options, self.name)
                )
        return found

    def _keys(self, args: Sequence[Any], named: dict[str, Any]) -> tuple[str, ...]:
        if isinstance(self.function, Program):
            keys = tuple(map(str, self.function.arguments.keys))
            return keys if len(keys) == len(args) else tuple(f"x{k}" for k in range(len(args)))
        if named:
            return parameters(partial(self.function, **named), args)
        if len(args) not in self._names:
            self._names[len(args)] = parameters(self.function, args)
        return self._names[len(args)]

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)  # type: ignore[arg-type]

    def __repr__(self) -> str:
        return f"<{self.verb} of {name_of(self.function)}: {len(self.programs)} paths>"

    def __reduce__(self) -> Any:
        name = getattr(self, "__qualname__", "")
        found: Any = sys.modules.get(self.__module__)
        for part in name.split("."):
            found = getattr(found, part, None)
        if found is self:  # a decorated function, which is found by its name; its function is not
            return name
        return type(self), self._made_of()

    def _made_of(self) -> tuple[Any, ...]:
        return self.function, self.options


def _frozen(named: dict[str, Any]) -> Any:
    """Arguments given by name, as a key: values by their bits."""
    if not named:
        return ()
    structure = structure_of((tuple(named.values()),))
    numbers = structure.numbers((tuple(named.values()),))
    return tuple(named), structure, structure.makes(), numbers.tobytes()
