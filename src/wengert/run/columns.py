"""Where the numbers of a batch are: for each leaf of the arguments and results, a column.

The number `p` of a leaf of the example `i` is at `first + i·step + p·stride`, counted in doubles.
A leaf that is the same for all examples has no step. Where the step is 1, the numbers of lanes that
follow each other are one vector; else they are loaded and stored one by one. What all examples
share has a stride of 1. Results that are to be summed up have a sum for each number and lane.
"""

import ctypes
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from typing import Any, NamedTuple

import numpy as np

from wengert.program.structure import Structure
from wengert.run.lanes import Block, Lanes

SHARED, UNIT, STRIDED, SUM = "shared", "unit", "strided", "sum"
STOP, FAILED, CONSTANTS, INDEX, LEAVES = 0, 1, 2, 3, 4  # words of the table that a kernel is given
LEFT, AGAIN = 1, 2  # why an example failed: it takes another path; it is to be computed again
WORDS = 3  # of each leaf: first, step, stride
LINE = 8  # numbers of a line of the cache
LANES = 8  # sums that are taken beside each other


def address(array: np.ndarray[Any, Any]) -> int:
    """Where an array's first number is; a quarter of the time that `array.ctypes` takes."""
    if array.flags.writeable and array.flags.c_contiguous and array.nbytes:
        return ctypes.addressof(ctypes.c_char.from_buffer(array))  # type: ignore[arg-type]
    return array.ctypes.data


def zeros(shape: Sequence[int]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Zeros that begin where a line of the processor's cache does, as vectors want it."""
    size = prod(shape)
    room = np.zeros(size + LINE)
    shift = -address(room) // 8 % LINE
    return room[shift : size + shift].reshape(shape)


Numbers = np.ndarray[Any, np.dtype[np.float64]] | tuple[np.ndarray[Any, np.dtype[np.float64]], ...]
"""The numbers of one example, as one array or as several that follow each other."""


def joined(numbers: Numbers) -> np.ndarray[Any, np.dtype[np.float64]]:
    """They as one array."""
    if isinstance(numbers, tuple):
        return numbers[0] if len(numbers) == 1 else np.concatenate(numbers or (np.empty(0),))
    return numbers


class Column(NamedTuple):
    """The numbers of a leaf, `(examples, numbers)`; of a shared one, `(1, numbers)`, contiguous."""

    array: np.ndarray[Any, np.dtype[np.float64]]
    shared: bool = False

    @property
    def kind(self) -> str:
        """How its numbers are loaded and stored."""
        if self.shared:
            return SHARED
        return UNIT if self.array.strides[0] == 8 or len(self.array) == 1 else STRIDED

    def words(self) -> tuple[int, int, int]:
        """What a kernel is told of it; the array must live as long as the kernel runs."""
        step, stride = self.array.strides
        return address(self.array), 0 if self.shared else step // 8, stride // 8


@dataclass(frozen=True, slots=True)
class Examples:
    """The arguments of so many examples, a column for each leaf."""

    columns: tuple[Column, ...]
    count: int

    def numbers(self, example: int) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The numbers of an example, `(n,)`."""
        rows = [column.array[0 if column.shared else example] for column in self.columns]
        return np.concatenate([*rows, np.empty(0)])

    def taken(self, rows: np.ndarray[Any, np.dtype[np.int64]]) -> "Examples":
        """Some of them, copied."""
        columns = (c if c.shared else Column(c.array[rows]) for c in self.columns)
        return Examples(tuple(columns), len(rows))

    def part(self, start: int, end: int) -> "Examples":
        """Those from one to another."""
        here = slice(start, end)
        columns = (c if c.shared else Column(c.array[here]) for c in self.columns)
        return Examples(tuple(columns), end - start)


class Sums(NamedTuple):
    """A sum for each number of a leaf and each lane, `(numbers, lanes)`."""

    array: np.ndarray[Any, np.dtype[np.float64]]
    kind: str = SUM

    def words(self) -> tuple[int, int, int]:
        """What a kernel is told of it."""
        return address(self.array), 0, self.array.shape[1]


def aligned(array: np.ndarray[Any, np.dtype[np.float64]]) -> bool:
    """Whether its strides are whole doubles."""
    return array.flags.aligned and all(stride % 8 == 0 for stride in array.strides)


@dataclass(frozen=True)
class Leaves:
    """The leaves of a structure, whose numbers follow each other in a memory."""

    starts: tuple[int, ...]
    size: int

    @staticmethod
    def of(structure: Structure) -> "Leaves":
        """Those that hold numbers."""
        sizes = [size for _, size in structure.slots()]
        starts = tuple(accumulate([0, *sizes]))
        return Leaves(starts[:-1], starts[-1])

    def find(self, place: int) -> tuple[int, int]:
        """Which leaf has a place of the memory, and which of its numbers it is."""
        leaf = bisect_right(self.starts, place) - 1
        return leaf, place - self.starts[leaf]

    def common(self, low: int, high: int) -> int | None:
        """The leaf that has all places from one to another; None if several do."""
        first, last = self.find(low)[0], self.find(high)[0]
        return first if first == last else None

    def __len__(self) -> int:
        return len(self.starts)


class Words:
    """The table that a kernel is given, as its instructions read it.

    What is read once is known by name from there on: so for code with loops `read_all` comes first.
    """

    def __init__(self, block: Block, kinds: Sequence[str]) -> None:
        self.block, self.kinds = block, kinds
        self.known: dict[tuple[int, str], str] = {}

    def word(self, number: int, kind: str = "i64") -> str:
        """The name of a word."""
        found = self.known.get((number, kind))
        if found is None:
            at = self.block.put(f"getelementptr i64, ptr %table, i64 {number}")
            found = self.known[number, kind] = self.block.put(f"load {kind}, ptr {at}")
        return found

    def read_all(self) -> None:
        """All that is used of it."""
        for number in (CONSTANTS, INDEX, FAILED, STOP):
            self.word(number, "ptr")
        for leaf, kind in enumerate(self.kinds):
            first = LEAVES + WORDS * leaf
            self.word(first, "ptr")
            self.word(first + 2)
            if kind == STRIDED:
                self.word(first + 1)

    def pointer(self, leaf: int, number: int | str, lane: int | None = None) -> str:
        """Where a leaf's number is, of the example `%i` or of one in a further lane."""
        first = LEAVES + WORDS * leaf
        at = self.word(first, "ptr")
        kind, put = self.kinds[leaf], self.block.put
        if number != 0:
            moved = self._moved(kind, number, first + 2)
            at = put(f"getelementptr double, ptr {at}, i64 {moved}")
        if kind in (SHARED, SUM):
            return at
        example = put(f"add i64 %i, {lane}") if lane else "%i"
        if kind == STRIDED:
            example = put(f"mul i64 {example}, {self.word(first + 1)}")
        return put(f"getelementptr double, ptr {at}, i64 {example}")

    def _moved(self, kind: str, number: int | str, word: int) -> int | str:
        """How many doubles a leaf's number is from its first one; by a word, if nobody knows."""
        stride = self.block.lanes if kind == SUM else 1 if kind == SHARED else None
        if isinstance(number, int) and stride:
            return number * stride
        return self.block.put(f"mul i64 {number}, {stride or self.word(word)}")

    def load(self, leaf: int, number: int | str) -> Lanes:
        """A leaf's number of the examples from `%i` on, one in each lane."""
        block = self.block
        kind, put = self.kinds[leaf], block.put
        if kind == UNIT:
            return Lanes(
                block, put(f"load {block.doubles}, ptr {self.pointer(leaf, number)}, align 8")
            )
        if kind == SHARED:
            one = put(f"load double, ptr {self.pointer(leaf, number)}")
            return block.spread(one)
        result = "poison"
        for lane in range(block.lanes):
            one = put(f"load double, ptr {self.pointer(leaf, number, lane)}")
            result = block.with_lane(result, lane, one)
        return Lanes(block, result)

    def store(self, leaf: int, number: int | str, lanes: Lanes) -> None:
        """The same the other way; to sums it is added."""
        block, kind = self.block, self.kinds[leaf]
        if kind in (UNIT, SUM):
            at = self.pointer(leaf, number)
            if kind == SUM:
                lanes += Lanes(block, block.put(f"load {block.doubles}, ptr {at}, align 8"))
            block.lines.append(f"store {block.doubles} {lanes.name}, ptr {at}, align 8")
            return
        for lane in range(block.lanes):
            one = block.lane(lanes.name, lane)
            block.lines.append(f"store double {one}, ptr {self.pointer(leaf, number, lane)}")
