"""A function's programs, kept for as long as the path holds that they were recorded on.

A solver asks for a function and its derivatives at hundreds of points, and at nearly all of them
the function takes the same branches. It is recorded where it first takes a path, and differentiated
once for that; every other evaluation runs a program. A point on another path fails a guard there,
and the function is recorded anew at that point.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from wengert.derive.calling import Transform, made, recorded
from wengert.derive.sparse import Compressed
from wengert.dispatch import describe
from wengert.errors import OperandError, PathChanged
from wengert.interop.unknowns import Unknowns
from wengert.program.program import Program
from wengert.program.record import name_of
from wengert.program.structure import ARRAY, TUPLE, Floats, Structure

KEPT = 4  # paths; the least recently used goes first


class Paths:
    """A function of some unknowns, as programs that take these as one vector.

    Args:
        function: a function of the unknowns and of what is fixed.
        unknowns: what it is a function of.
        args: what is fixed: further arguments of any kind, a tuple of them or one.
        flat: whether the programs give one vector, whatever the function gives.

    Raises:
        OperandError: the function is none.
    """

    def __init__(
        self, function: Any, unknowns: Unknowns, args: Any = (), flat: bool = True
    ) -> None:
        if not callable(function):
            raise OperandError(f"A solver takes a function, not {describe(function)}.")
        self.function, self.unknowns, self.flat = function, unknowns, flat
        self.args = fixed(args)
        self._known: list[Path] = []  # the latest first

    def __call__(self, transform: Transform[Any] | None, x: Floats, *further: Any) -> Any:
        """What the function, or a derivative of it, gives at a point.

        Args:
            transform: one that makes a program or a sparse matrix; None for the function itself.
            x: the unknowns, `(n,)`.
            further: what that takes behind them.
        """
        x = np.array(x, dtype=float)
        for k, path in enumerate(self._known):
            try:
                result = path(transform, x, *further)
            except PathChanged:
                continue
            self._known.insert(0, self._known.pop(k))
            return result
        path = Path(self.recorded(x))
        self._known = [path, *self._known[: KEPT - 1]]
        return path(transform, x, *further)

    def recorded(self, x: Floats) -> Program:
        """The program of the path that the function takes at a point.

        Raises:
            OperandError: the function meets operands of a recording that is going on.
        """
        program, captured = recorded(self._with_args, (self.unknowns.tree(x),))
        if captured:
            raise OperandError(
                f"{name_of(self.function)}() meets operands of the recording around it, and a "
                "solution is not differentiated by these. Solve outside of the recorded function."
            )
        takes = Structure(TUPLE, keys=("x",), parts=(Structure(ARRAY, (len(x),)),))
        gives = Structure(ARRAY, (program.results.size,)) if self.flat else program.results
        return replace(program, arguments=takes, results=gives, name=name_of(self.function))

    @property
    def _with_args(self) -> Callable[[Any], Any]:
        def function(x: Any) -> Any:
            return self.function(x, *self.args)

        function.__name__ = name_of(self.function)
        return function


def fixed(args: Any) -> tuple[Any, ...]:
    """Further arguments as a tuple; SciPy takes a single one as it is."""
    return args if isinstance(args, tuple) else (args,)


class Path:
    """One path, and what has been derived from its program.

    Args:
        program: of the function on this path.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self._made: dict[Transform[Any], Any] = {}

    def __call__(self, transform: Transform[Any] | None, x: Floats, *further: Any) -> Any:
        """What is derived from the program gives at a point.

        Raises:
            PathChanged: the function takes another path there.
        """
        if transform is None:
            return self.program(x)
        if transform not in self._made:
            self._made[transform] = made(transform, self.program, 0)
        derivative = self._made[transform]
        call = derivative.matrix if isinstance(derivative, Compressed) else derivative
        return call(x, *further)
