"""One evaluation of a sum: portions of examples, lanes in each, and the order they are added in.

Portions begin at the same examples whatever the data are cut into, and in each, every eighth
example is added to the same of eight sums. The eight are added in pairs, and portions with their
neighbours, as far as there are any. So a result depends on the examples and their order, and on
nothing else: neither on threads and machines nor on chunks. What a portion comes to is one row of
numbers; whoever computes portions elsewhere adds these rows by the same tree.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from wengert.program.structure import Floats, Structure
from wengert.run import pool
from wengert.run.columns import LANES, Column, Examples, Numbers, joined, zeros
from wengert.run.paths import Path, Paths
from wengert.run.tiers import Adder

PORTION = 8192  # examples in one
LARGER, FROM = 1 << 15, 1 << 18  # so many from this example on, as a portion costs some 50 µs
TOGETHER, FEWEST = 64, 8  # portions whose sums are kept at a time, and of many sums
ROOM = 1 << 21  # numbers that these are
TASK = 0.02  # seconds of work that a thread is given at a time: to wake one takes 0.2 ms
AT_ONCE = 5e-4  # seconds up to which no other thread is asked
PIECES = 4  # tasks for each thread, at least, where they are short
PIECE = 512  # examples whose results are kept before they are added


class Part(NamedTuple):
    """Examples of one portion, from one to another, and whether the portion ends with them."""

    begin: int
    end: int
    closed: bool


class Summing:
    """One evaluation of a sum.

    Args:
        paths: of the function.
        params: the numbers of the parameters, which all examples share.
        given: their structure.
    """

    def __init__(self, paths: Paths, params: Numbers, given: Structure) -> None:
        self.paths = paths
        sizes = [size for _, size in given.slots()]
        columns = np.split(joined(params), np.cumsum(sizes)[:-1]) if sizes else []
        self.shared = tuple(Column(column[None], shared=True) for column in columns)
        self.count = 0  # examples so far
        self.tree = Tree()
        self.open: Floats | None = None  # the sums of a portion that has not ended, by lane

    def total(self, blocks: Iterable[Examples]) -> tuple[Floats, Structure]:
        """The sum over all examples, and what it is a sum of."""
        for block in blocks:
            if block.count:
                self._add(Examples((*self.shared, *block.columns), block.count))
        if self.open is not None:
            self.tree.add(_across(self.open))
        results = self.paths.first(Examples((), 0)).results
        return self.tree.total(results.size), results

    def _add(self, examples: Examples) -> None:
        """Add examples behind those that have been added before."""
        path = self.paths.first(examples)
        count = examples.count
        rows = examples
        if count == 1:  # one row is as good as a column, which is another kernel's
            rows = examples.taken(np.zeros(2, np.int64))
        adder = path.tiers.adder(path.inputs(rows.columns), count)
        add = adder or partial(self._piecewise, path, examples)
        parts = portions(count, self.count)
        together = max(ROOM // (LANES * max(path.results.size, 1)), FEWEST)
        while some := [*islice(parts, min(together, TOGETHER))]:
            sums = self._each(path, some, add, examples)
            closed = sums if some[-1].closed else sums[:-1]
            for each in _across(closed):
                self.tree.add(each)
            self.open = None if some[-1].closed else sums[-1]
        self.count += count

    def _each(
        self, path: Path, parts: Sequence[Part], add: Adder, examples: Examples
    ) -> Floats:  # fmt: skip
        """The sums of each part by lane, `(parts, numbers, lanes)`.

        Args:
            path: one that examples take.
            parts: of portions that follow each other.
            add: what adds examples to sums.
            examples: all that there are, these among them.
        """
        sums = zeros((len(parts), path.results.size, LANES))
        if self.open is not None:
            sums[0] = self.open
        stop = np.zeros(1, np.int32)

        def task(numbers: Sequence[int]) -> None:
            for number in numbers:
                if not stop[0]:
                    part = parts[number]
                    add(sums[number], part.begin, part.end, stop)

        count, inputs = examples.count, path.inputs(examples.columns)
        seconds = path.tiers.predicted(count) / count
        here = parts[-1].end - parts[0].begin
        alone = seconds * count < AT_ONCE or not path.tiers.lets_others(inputs, count)
        threads = 1 if alone else self.paths.options.threads or pool.processors()
        short = alone or seconds * min(LARGER, count) < TASK
        work = max(seconds * here, TASK)
        each = max(1, min(len(parts) // threads, int(len(parts) * TASK / work)))
        if short:
            each = max(1, len(parts) // (PIECES * threads))
        tasks = [
            partial(task, range(k, min(k + each, len(parts)))) for k in range(0, len(parts), each)
        ]
        begin = perf_counter()
        if short:
            pool.share(tasks, threads, stop)
        else:
            pool.run(tasks, threads, stop)
        if path.tiers.measures(count):  # else each batch has been measured
            path.tiers.seconds += perf_counter() - begin
            path.tiers.examples += here
        return sums

    def _piecewise(
        self, path: Path, examples: Examples, sums: Floats, begin: int, end: int, stop: Any
    ) -> None:  # fmt: skip
        """Add examples to sums by lane, from the results of some at a time."""
        by_lane = np.ascontiguousarray(sums.T)
        sizes = [size for _, size in path.results.slots()]
        for start in range(begin, end, PIECE):
            if stop[0]:
                break
            piece = examples.part(start, min(start + PIECE, end))
            columns = [Column(np.empty((piece.count, size))) for size in sizes]
            self.paths.all(piece, lambda path, made=columns: made)  # type: ignore[misc]
            none = np.empty((piece.count, 0))
            results = np.concatenate([none, *(column.array for column in columns)], axis=1)
            for row in range(0, piece.count, LANES):
                some = results[row : row + LANES]
                by_lane[: len(some)] += some
        sums[...] = by_lane.T


def portions(count: int, before: int) -> Iterator[Part]:
    """So many examples, of which others come before, cut where portions end."""
    start = 0
    while start < count:
        at = before + start
        size = PORTION if at < FROM else LARGER
        end = start + size - at % size
        yield Part(start, min(end, count), end <= count)
        start = end


def _across(sums: Floats) -> Floats:
    """The sum of the lanes, `(..., lanes)` to `(...)`, in pairs."""
    lanes: Floats = np.ascontiguousarray(np.moveaxis(sums, -1, 0))
    while len(lanes) > 1:
        half = len(lanes) // 2
        lanes = lanes[:half] + lanes[half:]
    found: Floats = lanes[0]
    return found


class Tree:
    """A sum in pairs of neighbours, of terms that come one by one; few are kept."""

    def __init__(self) -> None:
        self.kept: list[tuple[int, Floats]] = []  # sums of so many terms, fewer from left to right

    def add(self, term: Floats) -> None:
        """Another term."""
        count = 1
        while self.kept and self.kept[-1][0] == count:
            term = self.kept.pop()[1] + term
            count *= 2
        self.kept.append((count, term))

    def total(self, size: int) -> Floats:
        """The sum of all terms."""
        if not self.kept:
            return np.zeros(size)
        *others, (_, found) = self.kept
        for _, term in reversed(others):
            found = term + found
        return found
