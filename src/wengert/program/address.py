"""Where a number of a program is kept: a memory, and a place in it that moves with the loops.

An address inside loops is affine in the loops' counters: a base and one stride for each enclosing
loop, outermost first. What is not affine is looked up in the program's index table, at a place
that is affine again: `base + Σ strides·k + index[start + Σ lookup.strides·k]`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any, NamedTuple

import numpy as np

from wengert.program.quick import quick

Integers = np.ndarray[Any, np.dtype[np.int64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]

VALUE, INPUT, CONSTANT, OUTPUT = "value", "input", "constant", "output"

# An address in columns is one integer: the memory's number in the upper bits, the place below.
CODES = {VALUE: 0, INPUT: 1, CONSTANT: 2, OUTPUT: 3}
MEMORIES = {code: memory for memory, code in CODES.items()}
SHIFT = 56
PLACE = (1 << SHIFT) - 1

MANY = 1024  # more numbers than that
DENSE = 4  # within a range at most so many times as long are marked rather than sorted


@quick
@dataclass(frozen=True, slots=True)
class Lookup:
    """A place in the index table: `start + Σ strides·k`."""

    start: int
    strides: tuple[int, ...] = ()


@quick
@dataclass(frozen=True, slots=True)
class Address:
    """A place in a memory, for each setting of the counters of the enclosing loops.

    Args:
        memory: "value", "input", "constant", "output", or a memory of a `While` loop.
        base: the place where all counters are 0, without the looked-up part.
        strides: by how much each enclosing loop's counter moves it, outermost first.
        lookup: where the index table says what to add, for places that are not affine.
    """

    memory: str
    base: int
    strides: tuple[int, ...] = ()
    lookup: Lookup | None = None

    def at(self, counters: Sequence[int], index: Integers | Sequence[int]) -> int:
        """The place at one setting of the counters."""
        place = self.base + _dot(self.strides, counters)
        if self.lookup:
            place += int(index[self.lookup.start + _dot(self.lookup.strides, counters)])
        return place

    def all(self, counts: Sequence[int], index: Integers) -> Integers:
        """Every place, as an array with one axis per enclosing loop."""
        places = grid(self.base, self.strides, counts)
        if self.lookup:
            places = places + index[grid(self.lookup.start, self.lookup.strides, counts)]
        return places


def _dot(strides: Sequence[int], counters: Sequence[int]) -> int:
    return sum(stride * k for stride, k in zip(strides, counters, strict=True))


def grid(base: int, strides: Sequence[int], counts: Sequence[int]) -> Integers:
    """Every `base + Σ strides·k`, as an array with one axis per stride."""
    places: Integers = np.array(base, dtype=np.int64)
    for stride, count in zip(strides, counts, strict=True):
        places = places[..., None] + stride * np.arange(count, dtype=np.int64)
    return places


def span(base: int, strides: Sequence[int], counts: Sequence[int]) -> tuple[int, int]:
    """The lowest and the highest of `base + Σ strides·k`."""
    reach = [stride * (count - 1) for stride, count in zip(strides, counts, strict=True)]
    return base + sum(r for r in reach if r < 0), base + sum(r for r in reach if r > 0)


class Extent(NamedTuple):
    """Places `low`, `low + step`, ... up to `high`: all that an address means, and maybe more."""

    low: int
    high: int
    step: int  # 0 where there is one place

    @property
    def width(self) -> int:
        """How far apart they are at most."""
        return self.high - self.low

    def holds(self, places: Integers) -> Mask:
        """Which of some places are among these."""
        inside = (places >= self.low) & (places <= self.high)
        held: Mask = inside & ((places - self.low) % max(self.step, 1) == 0)
        return held

    def meets(self, other: "Extent") -> bool:
        """Whether the two may have a place in common."""
        if self.low > other.high or other.low > self.high:
            return False
        step = gcd(self.step, other.step)
        return (self.low - other.low) % step == 0 if step else self.low == other.low


def coded(memory: str, place: int) -> int:
    """The one integer that stands for a place of a memory in columns."""
    return CODES[memory] << SHIFT | place


def decoded(code: int) -> Address:
    """The address that an integer in a column stands for, outside all loops."""
    return Address(MEMORIES[code >> SHIFT], code & PLACE)


def in_memory(codes: Integers, memory: str) -> Mask:
    """Which of the integers in a column stand for places of a memory."""
    mask: Mask = codes >> SHIFT == CODES[memory]
    return mask


def distinct(numbers: Integers) -> Integers:
    """The numbers in ascending order, each once.

    `np.unique` does the same, but its first call imports `numpy.ma`, which takes 10 ms. Many
    numbers of a short range, as places are, need not be sorted.
    """
    if numbers.size > MANY:
        low, high = int(numbers.min()), int(numbers.max())
        if high - low < DENSE * numbers.size:
            there = np.zeros(high - low + 1, bool)
            there[numbers.ravel() - low] = True
            return np.flatnonzero(there) + low
    ordered = np.sort(numbers, axis=None)
    kept = np.ones(len(ordered), bool)
    kept[1:] = ordered[1:] != ordered[:-1]
    return ordered[kept]
