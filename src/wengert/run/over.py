"""Sums over data, as functions of what is not data: `sum_over` and `mean_over`."""

import inspect
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np

from wengert.derive.calling import Transform, Transformed
from wengert.errors import OperandError
from wengert.program.record import name_of
from wengert.program.structure import TUPLE, Structure, structure_of
from wengert.run import pool
from wengert.run.columns import Examples
from wengert.run.compiled import KEPT, Compiled
from wengert.run.data import Data, data_of
from wengert.run.paths import Paths
from wengert.run.row_sums import MANY, RowSums, row_sums
from wengert.run.summing import Summing
from wengert.run.tiers import AUTO, Options

POSITIONAL = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD


def sum_over(
    function: Any, *data: Any, exact: bool = False, tier: str = AUTO, threads: int | None = None
) -> "Over":
    r"""The sum of a function over data, as a function of its other arguments.

    $$p \mapsto \sum_i f(p, x_i, y_i)$$

    The sum is taken where the examples are computed: lane by lane, thread by thread, and no
    example's result is kept. So are its derivatives: the gradient of the sum is the sum of the
    gradients, none of which is kept either.

    Args:
        function: a function of parameters and, behind them, one example.
        data: for each of the example's arguments all examples, along the first axis of an array; or
            dicts, dataclasses and named tuples of such arrays. Mapped files (`numpy.memmap`) are
            read where they are needed. Or what gives chunks of such data, one after the other: a
            function that makes an iterator, as a generator does, or what can be iterated over. A
            chunk is a tuple, with one of these for each argument of the example, or just one.
        exact: compute each example with the bits of the eager engine.
        tier: "native" compiles at once, "interpreter" never does, and "auto" as soon as that pays.
        threads: at most so many; None for all CPUs.

    Returns:
        A function of the parameters, that gives what `function` gives, summed. Transforms like
        `wg.grad` and `wg.hessian` make a sum of it again. With `batch=`, a slice or an array of row
        numbers, it sums over those examples alone. The order in which terms are added depends on
        their number, not on threads, chunks or the machine.

    Raises:
        OperandError: the data are no arrays, or of different lengths; when called, if chunks differ
            in what an example is, or can be read only once.

    Examples:
        >>> import numpy as np
        >>> import wengert as wg
        >>> X, y = np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([1.0, 3.0])
        >>> loss = wg.sum_over(lambda w, x, target: (w @ x - target) ** 2, X, y)
        >>> wg.value_and_grad(loss)(np.array([1.0, 1.0]))
        (1.0, array([ 0., -4.]))
        >>> def chunks():
        ...     for k in range(2):
        ...         yield X[k : k + 1], y[k : k + 1]
        >>> wg.sum_over(lambda w, x, target: (w @ x - target) ** 2, chunks)(np.array([1.0, 1.0]))
        1.0
    """
    return Sum(function, data, Options(bool(exact), tier, pool.checked_threads(threads)))


def mean_over(
    function: Any, *data: Any, exact: bool = False, tier: str = AUTO, threads: int | None = None
) -> "Over":
    r"""The mean of a function over data, as a function of its other arguments.

    $$p \mapsto \frac{1}{n} \sum_i f(p, x_i, y_i)$$

    Args:
        function: a function of parameters and, behind them, one example.
        data: for each of the example's arguments all examples, as for `wg.sum_over`.
        exact: compute each example with the bits of the eager engine.
        tier: as for `wg.sum_over`.
        threads: at most so many; None for all CPUs.

    Returns:
        A function of the parameters, as that of `wg.sum_over`.

    Raises:
        OperandError: the data are no arrays, or of different lengths, or there are none.

    Examples:
        >>> import numpy as np
        >>> import wengert as wg
        >>> wg.mean_over(lambda m, x: (x - m) ** 2, np.array([1.0, 3.0]))(2.0)
        1.0
    """
    return Mean(function, data, Options(bool(exact), tier, pool.checked_threads(threads)))


class Over(Compiled):
    """A sum or a mean over data, as a function of parameters.

    Args:
        function: of the parameters and one example.
        given: all examples, as the user gives them.
        options: how it is run.
    """

    def __init__(self, function: Any, given: Sequence[Any], options: Options) -> None:
        super().__init__(function, options)
        if not given:
            raise OperandError(f"wg.{self.verb} takes data to sum over, and there are none.")
        self._begin(tuple(given), data_of(given, self.name))

    def _begin(self, given: Sequence[Any], data: Data) -> None:
        self.given, self.data = given, data
        self._in_rows: dict[Paths, RowSums | None] = {}  # where that is faster
        self._last: tuple[Structure, Paths] | None = None  # of the last call's parameters
        self._take_after()

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return f"{self.verb} of {name_of(self.function)}"

    def _take_after(self) -> None:
        """Be called as the function is, without the parameters that the data are."""
        vars(self).pop("__wrapped__", None)  # which would tell of all parameters
        vars(self).pop("__signature__", None)
        try:
            signature = inspect.signature(self.function)
        except (TypeError, ValueError):  # a builtin that does not tell
            return
        known = [p for p in signature.parameters.values() if p.kind in POSITIONAL]
        held = len(self.data.arguments.parts)
        if len(known) >= held:
            self.__signature__ = signature.replace(parameters=known[: len(known) - held])

    def transformed(self, transform: Transform[Any]) -> "Over":
        """The sum of what a transform makes of the function."""
        held = len(self.data.arguments.parts)
        return self._with(_Through(self.function, transform, held), self.options)

    def of(self, function: Any) -> "Over":
        """The same of another function of parameters and an example."""
        return self._with(function, self.options)

    def compiled(self, options: Options) -> "Over":
        """The same, run in another way."""
        return self._with(self.function, options)

    def _with(self, function: Any, options: Options) -> "Over":
        """The same data, which are not looked at again."""
        made = type(self).__new__(type(self))
        Compiled.__init__(made, function, options)
        made._begin(self.given, self.data)
        return made

    def __call__(self, *params: Any, batch: Any = None) -> Any:
        """The sum at these parameters.

        Args:
            params: what the function takes in front of an example.
            batch: which examples, a slice or row numbers; by default all.
        """
        blocks = self.data.blocks() if batch is None else iter([self.data.chosen(batch)])
        given, paths = self._last or (None, None)
        numbers: Any = given and given.plain_leaves(params)
        if given is None or paths is None or numbers is None:
            given = structure_of(params, where=f"the argument of {self.name}")
            numbers = given.given(params, self.name)
            if not isinstance(numbers, np.ndarray):
                return self._recorded(params, blocks)
            numbers = (numbers,)
            example = self.data.arguments.parts
            keys = self._keys((*params, *example), {})
            paths = self._paths_of(Structure(TUPLE, keys=keys, parts=(*given.parts, *example)), {})
            self._last = given, paths
        if given.size >= MANY and (first := next(blocks, None)):
            blocks = chain([first], blocks)
            if first.count and (rows := self._rows_of(paths, params, first)):
                total, results, count = rows.total(numbers, blocks)
                return results.tree(self._of(total, count), own=True)
        summing = Summing(paths, numbers, given)
        total, results = summing.total(blocks)
        return results.tree(self._of(total, summing.count), own=True)

    def _rows_of(self, paths: Paths, params: Sequence[Any], examples: Examples) -> RowSums | None:
        """The same sum some rows at a time, if that is faster."""
        if paths not in self._in_rows:
            function, transforms = self.function, list[Transform[Any]]()
            while isinstance(function, _Through):
                function, transforms = function.function, [function.transform, *transforms]
            example = self.data.arguments.tree(examples.numbers(0))
            if len(self._in_rows) >= KEPT:
                del self._in_rows[next(iter(self._in_rows))]
            self._in_rows[paths] = row_sums(
                function, transforms, (*params, *example), len(example), self.options, self.name
            )
        return self._in_rows[paths]

    def _all_paths(self) -> Iterable[Paths]:
        rows = filter(None, self._in_rows.values())
        return chain(super()._all_paths(), *(each.paths.values() for each in rows))

    def _of(self, total: Any, count: int) -> Any:
        """What is made of a sum over so many examples."""
        return total

    def _recorded(self, params: Sequence[Any], blocks: Iterable[Examples]) -> Any:
        """The same in plain Python, example by example: for what is recorded, and for Values."""
        total: list[Any] = []
        structure = structure_of(0.0)
        count = 0
        for block in blocks:
            for k in range(block.count):
                example = self.data.arguments.tree(block.numbers(k))
                result = self.function(*params, *example)
                structure = structure_of(result, where=f"the result of {self.name}")
                elements = structure.elements(result)
                both = zip(total, elements, strict=True)
                total = [a + b for a, b in both] if count else elements
                count += 1
        if not count:
            raise OperandError(f"{self.name} has no examples to record.")
        return structure.tree([self._of(each, count) for each in total])

    def _made_of(self) -> tuple[Any, ...]:
        return self.function, self.given, self.options

    def __repr__(self) -> str:
        return f"<{self.name}: {self.data!r}, {len(self.programs)} paths>"


class Sum(Over):
    """A sum over data."""

    verb = "sum_over"


class Mean(Over):
    """A mean over data."""

    verb = "mean_over"

    def _of(self, total: Any, count: int) -> Any:
        if not count:
            raise OperandError(f"{self.name}: there is no mean of no examples.")
        return total / count


class _Through:
    """What a transform makes of a function of parameters and an example, by the parameters."""

    def __init__(self, function: Any, transform: Transform[Any], held: int) -> None:
        self.function, self.transform, self.held = function, transform, held
        self.__wrapped__ = function
        self.__name__ = f"{transform.name} of {name_of(function)}"

    def __call__(self, *args: Any) -> Any:
        params, example = args[: -self.held], args[-self.held :]
        own = self.function

        def of_parameters(*params: Any) -> Any:
            return own(*params, *example)

        of_parameters.__name__ = name_of(own)
        return Transformed(of_parameters, self.transform)(*params)
