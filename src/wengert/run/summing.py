"""One evaluation of a sum: portions of examples, lanes in each, and the order they are added in.

Portions begin at the same examples whatever the data are cut into, and in each, every eighth
example is added to the same of eight sums. The eight are added in pairs, and portions with their
neighbours, as far as there are any. So a result depends on the examples and their order, and on
nothing else: neither on threads and machines nor on chunks. What a portion comes to is one row of
numbers; whoever computes portions elsewhere adds these rows by the same tree.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import accumulate, islice, pairwise
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from wengert.program.structure import Floats, Structure
from wengert.run import pool
from wengert.run.columns import Column, Examples, Sums
from wengert.run.data import LANES
from wengert.run.paths import Path, Paths

PORTION = 8192  # examples in one
LARGER, FROM = 1 << 15, 1 << 18  # so many from this example on, as a portion costs some 50 µs
TOGETHER = 64  # portions whose sums are kept at a time
TASK = 0.02  # seconds of work that a thread is given at a time: to wake one takes 0.2 ms
ALONE, AT_ONCE = 5e-3, 5e-4  # seconds up to which one task, several, are done where the call is
PIECE = 512  # examples whose results are kept before they are added


class Part(NamedTuple):
    """Examples of one portion, and whether the portion ends with them."""

    examples: Examples
    closed: bool


class Summing:
    """One evaluation of a sum.

    Args:
        paths: of the function.
        params: the numbers of the parameters, which all examples share.
        given: their structure.
    """

    def __init__(self, paths: Paths, params: Floats, given: Structure) -> None:
        self.paths = paths
        sizes = [size for _, size in given.slots()]
        columns = np.split(params, np.cumsum(sizes)[:-1]) if sizes else []
        self.shared = tuple(Column(column[None], shared=True) for column in columns)
        self.count = 0  # examples so far
        self.tree = Tree()
        self.leaves: list[slice] = []  # where the numbers of each leaf of the results are
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
        ends = [*accumulate((size for _, size in path.results.slots()), initial=0)]
        self.leaves = [slice(start, end) for start, end in pairwise(ends)]
        seconds = path.tiers.predicted(examples.count) / examples.count
        parts = portions(examples, self.count)
        while some := [*islice(parts, TOGETHER)]:
            *closed, last = self._each(path, some, examples.count, seconds)
            for sums in closed:
                self.tree.add(sums)
            if some[-1].closed:
                self.tree.add(last)
            else:
                self.open = last
        self.count += examples.count

    def _each(self, path: Path, parts: Sequence[Part], count: int, seconds: float) -> list[Floats]:
        """What each of some parts comes to.

        Args:
            path: one that examples take.
            parts: of portions that follow each other.
            count: how many examples there are, these among them.
            seconds: that one of them is predicted to take.
        """
        opened, self.open = self.open, None
        found: list[Floats] = [np.empty(0)] * len(parts)
        stop = np.zeros(1, np.int32)
        inputs = path.inputs(parts[0].examples.columns)
        native, adder = path.tiers.is_native(count), path.tiers.adder(inputs, count)
        add = partial(self._at_once, adder) if adder else self._piecewise

        def task(numbers: Sequence[int]) -> None:
            for number in numbers:
                if not stop[0]:
                    sums = np.zeros((path.results.size, LANES))
                    if not number and opened is not None:
                        sums = opened
                    add(path, parts[number].examples, sums, stop)
                    found[number] = _across(sums) if parts[number].closed else sums

        here = sum(part.examples.count for part in parts)
        threads = self.paths.options.threads or pool.processors()
        work = max(seconds * here, TASK)
        each = max(1, min(len(parts) // threads, int(len(parts) * TASK / work)))
        tasks = [
            partial(task, range(k, min(k + each, len(parts)))) for k in range(0, len(parts), each)
        ]
        little = seconds * count < (ALONE if len(tasks) == 1 else AT_ONCE)
        begin = perf_counter()
        if little or not path.tiers.lets_others(inputs, count):
            for some in tasks:
                some()
        else:
            pool.run(tasks, threads, stop)
        if native and adder:  # else each batch has been measured
            path.tiers.seconds += perf_counter() - begin
            path.tiers.examples += here
        return found

    def _at_once(
        self, adder: Callable[..., None], path: Path, examples: Examples, sums: Floats, stop: Any
    ) -> None:
        """Add examples to sums by lane, where they are computed."""
        last = examples.count % LANES
        rest = np.zeros_like(sums) if last else sums
        main, others = ([Sums(each[leaf]) for leaf in self.leaves] for each in (sums, rest))
        rows = examples
        if examples.count == 1:  # one row is as good as a column, which is another kernel's
            rows = examples.taken(np.zeros(2, np.int64))
        adder(path.inputs(rows.columns), main, others, examples.count, stop)
        if last:
            sums[:, :last] += rest[:, :last]

    def _piecewise(self, path: Path, examples: Examples, sums: Floats, stop: Any) -> None:
        """Add examples to sums by lane, from the results of some at a time."""
        by_lane = np.ascontiguousarray(sums.T)
        sizes = [leaf.stop - leaf.start for leaf in self.leaves]
        for start in range(0, examples.count, PIECE):
            if stop[0]:
                break
            piece = examples.part(start, min(start + PIECE, examples.count))
            columns = [Column(np.empty((piece.count, size))) for size in sizes]
            self.paths.all(piece, lambda path, made=columns: made)  # type: ignore[misc]
            none = np.empty((piece.count, 0))
            results = np.concatenate([none, *(column.array for column in columns)], axis=1)
            for row in range(0, piece.count, LANES):
                some = results[row : row + LANES]
                by_lane[: len(some)] += some
        sums[...] = by_lane.T


def portions(examples: Examples, before: int) -> Iterator[Part]:
    """Examples, of which so many come before, cut where portions end."""
    start = 0
    while start < examples.count:
        at = before + start
        size = PORTION if at < FROM else LARGER
        end = start + size - at % size
        yield Part(examples.part(start, min(end, examples.count)), end <= examples.count)
        start = end


def _across(sums: Floats) -> Floats:
    """The sum of the lanes, `(n, lanes)` to `(n,)`, in pairs."""
    while sums.shape[1] > 1:
        half = sums.shape[1] // 2
        sums = sums[:, :half] + sums[:, half:]
    return sums[:, 0]


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
