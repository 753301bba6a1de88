"""Sums of products over examples, in tiles.

A derivative by a weight is a product of two numbers, each of which is a factor of others too. So
what is kept of an example are the factors, and sums are added for some examples at a time: those of
a few factors with a few others, a tile, stay in registers meanwhile.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from wengert.primitives import mul
from wengert.run.unrolled import Operand, Unrolled, is_input, number_of

FEW = 8  # sums up to which they are added as they come
SHAPES = {8: (4, 20), 4: (2, 4), 2: (1, 2)}  # rows and sums of a tile, by doubles in a register


class Term(NamedTuple):
    """What is added to a sum: a number, or the product of two."""

    place: int
    factor: Operand
    other: Operand | None = None


@dataclass(frozen=True)
class Tile:
    """Sums of the products of each row with each column.

    Args:
        rows: factors; None stands for 1.
        columns: the others.
        places: of the sums, by row and column; of a pair that is no term, none.
    """

    rows: tuple[Operand | None, ...]
    columns: tuple[Operand | None, ...]
    places: dict[tuple[int, int], int]


def terms(unrolled: Unrolled, plain: set[int], shared: set[int]) -> list[Term]:
    """What each output adds to its sum.

    Products stay products of their factors if these are fewer numbers than they are.

    Args:
        unrolled: the list.
        plain: strong products that are plain ones.
        shared: the inputs that all examples share.
    """

    def is_own(operand: Operand) -> bool:
        return operand >= 0 or (is_input(operand) and number_of(operand) not in shared)

    products: dict[Operand, tuple[Operand, Operand]] = {}
    for operand in set(unrolled.outputs):
        if operand >= 0:
            row, operands = unrolled.operations[operand]
            if (row is mul or operand in plain) and all(map(is_own, operands)):
                products[operand] = operands[0], operands[1]
    uses = Counter(factor for pair in products.values() for factor in pair)
    uses.update(operand for operand in unrolled.outputs if operand in uses)
    found = []
    for place, operand in enumerate(unrolled.outputs):
        pair = products.get(operand)
        if pair and sum(1 / uses[factor] for factor in pair) <= 1:
            found.append(Term(place, *pair))
        else:
            found.append(Term(place, operand))
    return found


def factors(of: Iterable[Term]) -> list[Operand]:
    """The numbers that terms are made of, each once."""
    both = (each for term in of for each in (term.factor, term.other))
    return list(dict.fromkeys(each for each in both if each is not None))


def tiles(of: Iterable[Term], lanes: int) -> list[Tile]:
    """Terms as tiles that registers of so many doubles hold."""
    high, most = SHAPES[lanes]
    found: list[Tile] = []
    left = list(of)
    while left:
        near: dict[Operand | None, dict[Operand | None, int]] = {}
        again: list[Term] = []  # the same product in a further sum
        for term in left:
            if term.other in near.get(term.factor, ()):
                again.append(term)
            else:
                near.setdefault(term.factor, {})[term.other] = term.place
                near.setdefault(term.other, {})[term.factor] = term.place
        found += _tiles(near, high, most)
        left = again
    return found


def _tiles(
    near: dict[Operand | None, dict[Operand | None, int]], high: int, most: int
) -> Iterable[Tile]:
    """Tiles of a graph whose edges are sums: beginning with the factor that has most of them."""
    ones = near.get(None, {})
    for first in sorted(near, key=lambda each: -len(near[each])):
        while first is not None and any(other is not None for other in near[first]):
            shared = Counter(
                row for other in near[first] if other is not None for row in near[other]
            )
            del shared[first], shared[None]
            rows: list[Operand | None] = [first]
            columns = [*near[first]]
            for row, _ in shared.most_common(high - 1):
                both = [column for column in columns if column in near[row]]
                if 2 * len(both) > len(columns) > 1:
                    rows.append(row)
                    columns = both
            yield from _cut(rows, columns, near, most)
    yield from _cut([None], [*ones], near, most)


def _cut(
    rows: Sequence[Operand | None], columns: Sequence[Operand | None],
    near: dict[Operand | None, dict[Operand | None, int]], most: int,
) -> Iterable[Tile]:  # fmt: skip
    """Tiles of some columns each, whose sums are taken out of the graph."""
    parts = -(-len(columns) * len(rows) // most)
    ends = [len(columns) * k // parts for k in range(parts + 1)] if parts else []
    for start, end in pairwise(ends):
        places = {}
        for r, row in enumerate(rows):
            for c, column in enumerate(columns[start:end]):
                place = near[row].pop(column, None)
                near[column].pop(row, None)
                if place is not None:
                    places[r, c] = place
        yield Tile(tuple(rows), tuple(columns[start:end]), places)
