"""One statement, for all iterations of some loops at once, with the bits of one at a time."""

from collections.abc import Sequence

import numpy as np

from wengert.dispatch import Primitive
from wengert.program.address import Integers
from wengert.program.dependence import size_of
from wengert.program.statements import Guard
from wengert.program.structure import Floats
from wengert.run.path import Path
from wengert.run.place import Buffer, View
from wengert.run.schedule import Chain, Each, Sums, row_of

ROW = 64  # at least so many sums are worth an addition of arrays for each term


def evaluated(row: Primitive | None, operands: Sequence[Floats]) -> Floats:
    """A row on arrays of one shape, with the bits of `row.scalar`; without a row, the operand."""
    if row is None:
        return operands[0]
    if row.facts.exact_array:
        result: Floats = row.array(*operands)
        return result
    flat = [operand.ravel().tolist() for operand in operands]
    numbers = np.fromiter(map(row.scalar, *flat), np.float64, operands[0].size)
    return numbers.reshape(operands[0].shape)


class Together:
    """A statement in loops that carry nothing, as one array operation."""

    def __init__(self, node: Each, buffer: Buffer, index: Integers) -> None:
        self.site, self.over, self.index = node.site, node.over, index
        site = node.site
        self.row = row_of(site)
        self.views = [View(buffer.place(site, a), site.counts, node.over) for a in site.reads]
        self.guards = isinstance(site.statement, Guard)
        self.target: View | None = None
        if site.target and buffer.is_kept(site):
            self.target = View(buffer.place(site, site.target), site.counts, node.over)

    def __call__(self, memory: Floats, counters: tuple[int, ...], path: Path) -> None:
        """Do it, at these counters of the other loops."""
        numbers = [view.of(memory, counters, self.index) for view in self.views]
        operands = numbers[:-1] if self.guards else numbers
        result = evaluated(self.row, operands)
        if self.target:
            self.target.put(memory, counters, self.index, result)
        if self.guards and not (held := result == numbers[-1]).all():
            where = np.unravel_index(int(held.argmin()), held.shape)
            at = list(counters)
            for k, place in zip(self.over, where, strict=True):
                at[k] = int(place)
            given = [float(operand[where]) for operand in operands]
            path.failed(self.site, at, given, float(result[where]), float(numbers[-1][where]))


class Accumulated:
    """A chain `s[k] = row(s[k-1], t[k])`, by the sequential `accumulate` of a NumPy function."""

    def __init__(self, node: Chain, buffer: Buffer, index: Integers) -> None:
        site, self.index = node.site, index
        over = tuple(sorted((*node.over, node.depth)))
        self.axis = over.index(node.depth)
        self.function = node.function
        before, terms = site.reads[node.carried], site.reads[1 - node.carried]
        self.first = View(buffer.place(site, before), site.counts, node.over)
        self.terms = View(buffer.place(site, terms), site.counts, over)
        self.target: View | None = None
        if site.target and buffer.is_kept(site):
            self.target = View(buffer.place(site, site.target), site.counts, over)

    def __call__(self, memory: Floats, counters: tuple[int, ...], path: Path) -> None:
        """Do it, at these counters of the other loops."""
        first = np.expand_dims(self.first.of(memory, counters, self.index), self.axis)
        terms = self.terms.of(memory, counters, self.index)
        sums = self.function.accumulate(np.concatenate((first, terms), self.axis), self.axis)
        if self.target:
            kept = sums[(*[slice(None)] * self.axis, slice(1, None))]
            self.target.put(memory, counters, self.index, kept)


class Added:
    """Accumulations whose places meet, one term after the other.

    Where the same many sums get a term each, again and again, those are added to all of them at
    once; else `np.add.at` goes from place to place.
    """

    def __init__(self, node: Sums, buffer: Buffer, index: Integers) -> None:
        first, over = node.sites[0], node.over
        counts, self.index = first.counts, index
        places = [buffer.place(site, site.reads[0]) for site in node.sites]
        self.targets = [View(place, counts, over) for place in places]
        self.terms = [View(buffer.place(s, s.reads[1]), counts, over) for s in node.sites]
        moves = [k for k in over if places[0].strides[k]]
        still = [k for k in over if k not in moves]
        self.axes = [over.index(k) for k in (*still, *moves)]
        self.rounds = tuple(counts[k] for k in still)
        sums = View(places[0], counts, moves)
        alike = all(place == places[0] for place in places)
        many = size_of(sums.shape) >= ROW
        self.sums = sums if alike and many and sums.distinct else None

    def __call__(self, memory: Floats, counters: tuple[int, ...], path: Path) -> None:
        """Do it, at these counters of the other loops."""
        terms = [view.of(memory, counters, self.index) for view in self.terms]
        if self.sums is None:
            places = [view.places(counters, self.index) for view in self.targets]
            order = np.stack(places, axis=-1).ravel(), np.stack(terms, axis=-1).ravel()
            np.add.at(memory, *order)
            return
        sums = self.sums.of(memory, counters, self.index).copy()
        terms = [numbers.transpose(self.axes) for numbers in terms]
        for at in np.ndindex(self.rounds):
            for numbers in terms:
                sums += numbers[at]
        self.sums.put(memory, counters, self.index, sums)


def suits_arrays(node: Each | Sums, buffer: Buffer) -> bool:
    """Whether array operations are faster, on many numbers, than C is on one after the other.

    They are not where a row's own function is called for each number, for its bits. Sums are,
    where many get a term at once.
    """
    if isinstance(node, Sums):
        return Added(node, buffer, np.empty(0, np.int64)).sums is not None
    row = row_of(node.site)
    return row is None or row.facts.exact_array
