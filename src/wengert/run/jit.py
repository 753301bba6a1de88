"""`jit`: a function that is compiled and keeps its call."""

from typing import Any

import numpy as np

from wengert.program.program import Program
from wengert.program.structure import structure_of
from wengert.run import pool
from wengert.run.columns import Numbers
from wengert.run.compiled import Compiled
from wengert.run.over import Over
from wengert.run.paths import Paths
from wengert.run.short_call import ShortCall
from wengert.run.tiers import AUTO, Options


def jit(
    function: Any = None, *, exact: bool = False, tier: str = AUTO, threads: int | None = None
) -> Any:
    """Compile a function; its call stays as it is.

    The function is recorded for the arguments that it is called with. As long as no comparison in
    it comes out otherwise, later calls run what was recorded; else the path that they take is
    recorded and compiled, too. So branches and loops that depend on data are right.

    Args:
        function: a function, a Program, or a function that a transform has made; without it, what
            is returned is a decorator.
        exact: give the bits that the function gives without `jit`. Otherwise products may be fused
            with sums, and functions like exp are those of `docs/accuracy.md`, within its bounds.
        tier: "native" compiles at once, "interpreter" never does, and "auto" as soon as that pays.
        threads: at most so many; None for all CPUs. One call runs on one.

    Returns:
        A function with the same arguments and results. Arguments given by name are held fixed:
        another value is another recording.

    Raises:
        OperandError: `function` cannot be called, or an option is none; when called, if arguments
            or results are not made of numbers.
        PathChanged: when called, if a Program takes another path: it cannot be recorded again.
        MissingExtraError: with tier="native", when called, if llvmlite is not installed.

    Source:
        The call is that of jax.jit.

    Examples:
        >>> import wengert as wg
        >>> @wg.jit
        ... def f(x):
        ...     return wg.sqrt(x) if x > 0.0 else 0.0 * x
        >>> f(9.0), f(-9.0)
        (3.0, -0.0)
    """
    options = Options(bool(exact), tier, pool.checked_threads(threads))
    if function is None:
        return lambda given: jit(given, exact=exact, tier=tier, threads=threads)
    if isinstance(function, Over):
        return function.compiled(options)
    return Jitted(function, options)


class Jitted(Compiled):
    """A compiled function, called as the function is."""

    verb = "jit"

    def __init__(self, function: Any, options: Options) -> None:
        super().__init__(function, options)
        # Calls like others before: of so many arguments, of so many floats, and the last one.
        self._short: dict[int, ShortCall | None] = {}
        self._of_floats: dict[int, Paths] = {}
        self._last: Paths | None = None

    def __call__(self, *args: Any, **named: Any) -> Any:
        """What the function gives."""
        if not named:
            short = self._short.get(len(args))
            if short and (found := short(args)) is not None:
                return found
            if set(map(type, args)) == {float} and len(args) in self._of_floats:
                return self._result(self._of_floats[len(args)], np.array(args), len(args))
            last = self._last
            if last and (numbers := last.arguments.plain_leaves(args)) is not None:
                return self._result(last, numbers, len(args))
        if isinstance(self.function, Program):
            args, named = self.function.bound(args, named), {}
            arguments = self.function.arguments
        else:
            keys = self._keys(args, named)
            arguments = structure_of(args, keys, f"the argument of {self.name}")
        given = arguments.given(args, f"{self.name}")
        if not isinstance(given, np.ndarray) or _has_operands(named):
            return self.function(*args, **named)  # it is part of what is recorded, or Values
        paths = self._paths_of(arguments, named)
        if not named:
            self._last = paths
            if set(map(type, args)) == {float}:
                self._of_floats[len(args)] = paths
        return self._result(paths, given, None if named else len(args))

    def _result(self, paths: Paths, given: Numbers, count: int | None) -> Any:
        """What numbers come to; of so many arguments by position, the next call may be short."""
        path, outputs = paths.one(given)
        if path.finish:
            return path.finish(outputs)
        if count and path.tiers.is_native(1) and not len(path.extra):
            self._short[count] = path.tiers.short_call
        return path.results.tree(outputs, own=True)


def _has_operands(named: dict[str, Any]) -> bool:
    if not named:
        return False
    values = (tuple(named.values()),)
    return not isinstance(structure_of(values).given(values), np.ndarray)
