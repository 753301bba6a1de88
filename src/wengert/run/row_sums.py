"""Sums of functions of many parameters: some rows of examples at a time.

The program that is run has a loop over a row of examples (`run/row.py`), and what is derived of it
has one sum for each parameter. A row that is not full repeats its last example, which is not
counted. Rows begin at the same examples whatever the data are cut into, and are added by the same
tree as portions are: a result depends on the examples and their order alone.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, islice
from typing import Any

import numpy as np

from wengert.derive.calling import Transform, Transformed, prepared
from wengert.errors import WengertError
from wengert.program.record import record
from wengert.program.structure import Floats, Structure
from wengert.run import llvm, pool
from wengert.run.columns import Examples, Numbers
from wengert.run.jam import jammed
from wengert.run.paths import Paths
from wengert.run.row import summed
from wengert.run.summing import Tree
from wengert.run.tiers import INTERPRETER, Options

FEW, ROWS = 16, 64  # examples of a row: where there are no more than that, and else
MANY = 1000  # parameters from which on it pays
WAITING = 8  # rows for each thread whose sums are kept at a time

Row = tuple[list[Floats], int]  # the numbers of its examples by leaf, and how many count


class RowSums:
    """A sum, some rows at a time.

    Args:
        paths: of the sum over a row, by how many examples a row has.
        threads: at most so many.
    """

    def __init__(self, paths: dict[int, Paths], threads: int | None) -> None:
        self.paths = paths
        self.threads = threads or pool.processors()

    def total(
        self, params: Sequence[Floats], blocks: Iterable[Examples]
    ) -> tuple[Floats, Structure, int]:
        """The sum over all examples, of which there are some.

        Returns:
            It, what it is a sum of, and how many examples there are.
        """
        tree, count = Tree(), 0
        rows = _rows(blocks)
        some = [*islice(rows, 2)]
        size = FEW if len(some) == 1 and some[0][1] <= FEW else ROWS
        paths = self.paths[size]
        rows = chain(some, rows)
        while some := [*islice(rows, WAITING * self.threads)]:
            for sums in self._each(paths, [_numbers(params, row, size) for row in some]):
                tree.add(sums)
            count += sum(counted for _, counted in some)
        results = paths.known[0].results
        return tree.total(results.size), results, count

    def _each(self, paths: Paths, rows: Sequence[Numbers]) -> list[Floats]:
        """What each row comes to."""
        found: list[Floats] = [np.empty(0)] * len(rows)
        stop = np.zeros(1, np.int32)

        def task(numbers: Iterable[int]) -> None:
            for number in numbers:
                if not stop[0]:
                    found[number] = paths.one(rows[number])[1]

        task([0])  # which records and compiles
        threads = min(self.threads, len(rows) - 1)
        if threads > 1:
            tasks: list[Callable[[], None]] = [
                partial(task, range(1 + k, len(rows), threads)) for k in range(threads)
            ]
            pool.run(tasks, threads, stop)
        else:
            task(range(1, len(rows)))
        return found


def row_sums(
    function: Callable[..., Any], transforms: Sequence[Transform[Any]], args: Sequence[Any],
    held: int, options: Options, name: str,
) -> RowSums | None:  # fmt: skip
    """A sum some rows at a time; None where that is not faster, or cannot be.

    Args:
        function: of parameters and an example, before it was transformed.
        transforms: what is made of the sum, by the parameters.
        args: parameters and an example.
        held: how many of these are the example's.
        options: how it is run.
        name: of the sum, for messages.
    """
    if options.exact or options.tier == INTERPRETER or not llvm.is_there():
        return None
    try:
        program = prepared(record(function, *args, passes=()))
    except WengertError:  # also if these are not the parameters of the function itself
        return None
    few, many = (summed(program, held, rows) for rows in (FEW, ROWS))
    if few is None or many is None or jammed(many) is many:
        return None
    paths: dict[int, Paths] = {}
    for rows, total in ((FEW, few), (ROWS, many)):
        made: Any = total
        for transform in transforms:
            made = Transformed(made, transform)
        paths[rows] = Paths(made, total.arguments, {}, options, name)
    return RowSums(paths, options.threads)


def _rows(blocks: Iterable[Examples]) -> Iterator[Row]:
    """Rows of examples; the last one may have fewer."""
    left: list[Floats] = []
    count = 0
    for block in blocks:
        arrays = [column.array for column in block.columns]
        if count:
            arrays = [np.concatenate(pair) for pair in zip(left, arrays, strict=True)]
        count += block.count
        whole = count - count % ROWS
        for start in range(0, whole, ROWS):
            yield [array[start : start + ROWS] for array in arrays], ROWS
        left, count = [array[whole:].copy() for array in arrays], count - whole
    if count:
        yield left, count


def _numbers(params: Sequence[Floats], row: Row, size: int) -> Numbers:
    """What the program of so many rows takes."""
    arrays, count = row
    if count < size:
        arrays = [np.concatenate([a, np.repeat(a[-1:], size - count, 0)]) for a in arrays]
    counted = np.zeros(size)
    counted[:count] = 1.0
    return *params, *(array.ravel() for array in arrays), counted
