"""Sums over data: the loop over examples that lanes and threads share.

Examples come in portions whose size depends on their number alone, and in each portion each of
eight lanes has a sum of its own. These are added up in a fixed order. So the result does not depend
on how many threads there are, nor on how many lanes the machine has.
"""

import inspect
from collections.abc import Sequence
from functools import partial, update_wrapper
from typing import Any

import numpy as np

from wengert.derive.calling import Transform, Transformed
from wengert.dispatch import describe
from wengert.errors import OperandError
from wengert.program.record import name_of, parameters
from wengert.program.structure import TUPLE, Floats, Structure, structure_of
from wengert.run import pool
from wengert.run.batch import Batch, batch_of
from wengert.run.columns import Column, Examples, Sums
from wengert.run.paths import Path, Paths
from wengert.run.tiers import AUTO, Options

POSITIONAL = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
LANES = 8  # sums in a portion
PORTION = 4096  # examples in one, at least
PORTIONS = 64  # at most
TASK = 0.02  # seconds of work that a thread is given at a time: to wake one takes 0.2 ms
ALONE = 5e-3  # seconds up to which all is computed where the call is
PIECE = 512  # examples whose results are kept before they are added


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
            dicts, dataclasses and named tuples of such arrays.
        exact: compute each example with the bits of the eager engine.
        tier: "native" compiles at once, "interpreter" never does, and "auto" as soon as that pays.
        threads: at most so many; None for all CPUs.

    Returns:
        A function of the parameters, that gives what `function` gives, summed. Transforms like
        `wg.grad` and `wg.hessian` make a sum of it again. With `batch=`, a slice or an array of row
        numbers, it sums over those examples alone. The order in which terms are added depends on
        their number, not on threads or the machine.

    Raises:
        OperandError: the data are no arrays, or of different lengths.

    Examples:
        >>> import numpy as np
        >>> import wengert as wg
        >>> X, y = np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([1.0, 3.0])
        >>> loss = wg.sum_over(lambda w, x, target: (w @ x - target) ** 2, X, y)
        >>> wg.value_and_grad(loss)(np.array([1.0, 1.0]))
        (1.0, array([ 0., -4.]))
    """
    return Over(function, data, Options(bool(exact), tier, pool.checked_threads(threads)), False)


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
    return Over(function, data, Options(bool(exact), tier, pool.checked_threads(threads)), True)


class Over:
    """A sum or a mean over data, as a function of parameters.

    Args:
        function: of the parameters and one example.
        data: all examples.
        options: how it is run.
        average: whether the sum is divided by the number of examples.
    """

    def __init__(self, function: Any, data: Sequence[Any], options: Options, average: bool) -> None:
        self.verb = "mean_over" if average else "sum_over"
        if not callable(function):
            raise OperandError(f"wg.{self.verb} takes a function, not {describe(function)}.")
        if not data:
            raise OperandError(f"wg.{self.verb} takes data to sum over, and there are none.")
        self.function, self.data = function, tuple(data)
        self.options, self.average = options, average
        self._take_after(function)
        self.batch = self._examples(data)
        if average and not self.batch.examples.count:
            raise OperandError("There is no mean of no examples.")
        self._paths: dict[Any, Paths] = {}

    def _take_after(self, function: Any) -> None:
        """Be called as a function is, without the parameters that the data are."""
        update_wrapper(self, function, updated=())
        vars(self).pop("__wrapped__", None)  # which would tell of all parameters
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError):  # a builtin that does not tell
            return
        known = [p for p in signature.parameters.values() if p.kind in POSITIONAL]
        if len(known) >= len(self.data):
            self.__signature__ = signature.replace(parameters=known[: len(known) - len(self.data)])

    def _examples(self, data: Sequence[Any]) -> Batch:
        """The data as a batch along their first axes."""
        keys = tuple(f"data{k}" for k in range(len(data)))
        batch = batch_of(data, keys, None, self.name, rows=True)
        if batch.operands:
            raise OperandError(
                f"{self.name}: the data are plain numbers. Make what is recorded, or Values, a "
                "parameter of the function."
            )
        return batch

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return f"{self.verb} of {name_of(self.function)}"

    def transformed(self, transform: Transform[Any]) -> "Over":
        """The sum of what a transform makes of the function."""
        through = _Through(self.function, transform, len(self.data))
        made = Over.__new__(Over)
        vars(made).update(vars(self), function=through, _paths={})
        made._take_after(through)
        return made

    def compiled(self, options: Options) -> "Over":
        """The same, run in another way."""
        made = Over.__new__(Over)
        vars(made).update(vars(self), options=options, _paths={})
        return made

    def __call__(self, *params: Any, batch: Any = None) -> Any:
        """The sum at these parameters.

        Args:
            params: what the function takes in front of an example.
            batch: which examples, a slice or row numbers; by default all.
        """
        given = structure_of(params, where=f"the argument of {self.name}")
        numbers = given.given(params, self.name)
        data = self.batch.examples
        if batch is not None:
            data = data.taken(self._rows(batch))
        if not isinstance(numbers, np.ndarray):
            return self._recorded(params, data)
        arguments = Structure(
            TUPLE, keys=self._keys(params), parts=(*given.parts, *self.batch.arguments.parts)
        )
        paths = self._paths.get(arguments)
        if paths is None:
            paths = Paths(self.function, arguments, {}, self.options, self.name)
            self._paths[arguments] = paths
        total, results = _Summing(paths, numbers, given, data).total()
        return results.tree(total / data.count if self.average else total)

    def _keys(self, params: Sequence[Any]) -> tuple[str, ...]:
        return parameters(self.function, (*params, *self.data))

    def _rows(self, batch: Any) -> Any:
        """Row numbers."""
        try:
            rows = np.arange(self.batch.examples.count)[batch]
        except (IndexError, TypeError) as error:
            raise OperandError(
                f"batch is a slice or an array of row numbers below {self.batch.examples.count}, "
                f"not {describe(batch)}."
            ) from error
        if rows.ndim != 1 or (self.average and not len(rows)):
            raise OperandError("batch names rows along one axis, at least one for a mean.")
        return rows

    def _recorded(self, params: Sequence[Any], data: Examples) -> Any:
        """The same in plain Python, example by example: for what is recorded, and for Values."""
        total: list[Any] = []
        structure = structure_of(0.0)
        for k in range(data.count):
            example = self.batch.arguments.tree(data.numbers(k))
            result = self.function(*params, *example)
            structure = structure_of(result, where=f"the result of {self.name}")
            elements = structure.elements(result)
            total = [a + b for a, b in zip(total, elements, strict=True)] if k else elements
        if not data.count:
            raise OperandError(f"{self.name} has no examples to record.")
        return structure.tree([each / data.count for each in total] if self.average else total)

    def __reduce__(self) -> Any:
        return type(self), (self.function, self.data, self.options, self.average)

    def __repr__(self) -> str:
        return f"<{self.name}: {self.batch.examples.count:,} examples>"


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


class _Summing:
    """One evaluation of a sum: the parameters are columns that all examples share."""

    def __init__(self, paths: Paths, params: Floats, given: Structure, data: Examples) -> None:
        self.paths = paths
        sizes = [size for _, size in given.slots()]
        parts = np.split(params, np.cumsum(sizes)[:-1]) if sizes else []
        shared = (Column(part[None], shared=True) for part in parts)
        self.examples = Examples((*shared, *data.columns), data.count)

    def total(self) -> tuple[Floats, Structure]:
        """The sum, and what it is a sum of."""
        path, count = self.paths.first(self.examples), self.examples.count
        size = max(PORTION, -(-count // (PORTIONS * LANES)) * LANES)
        portions = [
            self.examples.part(start, min(start + size, count)) for start in range(0, count, size)
        ]
        found = [np.zeros(path.results.size)] * max(len(portions), 1)
        stop = np.zeros(1, np.int32)
        add = self._native if path.tiers.sums(count) else self._piecewise

        def task(numbers: Sequence[int]) -> None:
            for number in numbers:
                if not stop[0]:
                    found[number] = add(path, portions[number], stop)

        threads = self.paths.options.threads or pool.processors()
        seconds = path.tiers.predicted(count)
        each = max(1, min(len(portions) // threads, int(len(portions) * TASK / max(seconds, TASK))))
        starts = range(0, len(portions), each)
        tasks = [partial(task, range(k, min(k + each, len(portions)))) for k in starts]
        little = len(tasks) == 1 and seconds < ALONE
        if little or not path.tiers.is_native(count):  # the interpreter lets nobody beside it
            for some in tasks:
                some()
        else:
            pool.run(tasks, threads, stop)
        return _tree(found), path.results

    def _native(self, path: Path, portion: Examples, stop: Any) -> Floats:
        """The sum of a portion, taken in the kernel."""
        sums = [Sums(np.zeros((size, LANES))) for _, size in path.results.slots()]
        rest = [Sums(np.zeros_like(each.array)) for each in sums]
        path.tiers.add(path.inputs(portion.columns), sums, rest, portion.count, stop)
        last = portion.count % LANES
        for each, left in zip(sums, rest, strict=True):
            each.array[:, :last] += left.array[:, :last]
        return _across(np.concatenate([np.empty((0, LANES)), *(each.array for each in sums)]))

    def _piecewise(self, path: Path, portion: Examples, stop: Any) -> Floats:
        """The sum of a portion, from the results of some examples at a time."""
        sums = np.zeros((LANES, path.results.size))
        sizes = [size for _, size in path.results.slots()]
        for start in range(0, portion.count, PIECE):
            if stop[0]:
                break
            piece = portion.part(start, min(start + PIECE, portion.count))
            columns = [Column(np.empty((piece.count, size))) for size in sizes]
            self.paths.all(piece, lambda path, made=columns: made)  # type: ignore[misc]
            none = np.empty((piece.count, 0))
            results = np.concatenate([none, *(column.array for column in columns)], axis=1)
            for row in range(0, piece.count, LANES):
                some = results[row : row + LANES]
                sums[: len(some)] += some
        return _across(sums.T)


def _across(sums: Floats) -> Floats:
    """The sum of the lanes, `(n, lanes)` to `(n,)`, in pairs."""
    while sums.shape[1] > 1:
        half = sums.shape[1] // 2
        sums = sums[:, :half] + sums[:, half:]
    return sums[:, 0]


def _tree(found: Sequence[Floats]) -> Floats:
    """The sum of the portions, in pairs of neighbours."""
    while len(found) > 1:
        pairs = [a + b for a, b in zip(found[::2], found[1::2], strict=False)]
        found = [*pairs, *found[2 * len(pairs) :]]
    return found[0]
