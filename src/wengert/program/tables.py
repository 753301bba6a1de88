"""The constant memory and the index table while a program is simplified.

They are looked up and extended; in the end, packing.py cuts them down to what is used.
"""

import math
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from wengert.program.address import Integers, grid
from wengert.program.draft import Axes
from wengert.program.extents import affine_extent
from wengert.program.match import bits
from wengert.program.structure import Floats

T = TypeVar("T")
Affine = tuple[int, tuple[int, ...]]  # a base and strides


class Alike(Generic[T]):
    """Stretches of numbers, of which equal ones are found to be equal."""

    def __init__(self) -> None:
        self._first: dict[tuple[int, ...], tuple[Any, T]] = {}
        self._more: dict[tuple[int, ...], dict[bytes, T]] = {}

    def first(self, words: Any, place: T) -> T:
        """Where a stretch stands that has the same bits; the given place, if it is the first.

        Most differ in their length or at an end. Only of those that do not are all bits compared.
        """
        ends = (int(words.flat[0]), int(words.flat[-1])) if words.size else ()
        key = (*words.shape, *ends)
        other, known = self._first.setdefault(key, (words, place))
        if other is words:
            return place
        alike = self._more.setdefault(key, {})
        if not alike:
            alike[other.tobytes()] = known
        return alike.setdefault(words.tobytes(), place)


class Numbers:
    """The constant memory, in which all NaN are one."""

    def __init__(self, memory: Floats) -> None:
        self._alike: Alike[Affine] = Alike()
        self._memory = memory
        self._new: list[float] = []
        self._places: dict[bytes, int] = {}

    @property
    def memory(self) -> Floats:
        """All constants, the new ones last."""
        if self._new:
            self._memory = np.concatenate([self._memory, np.array(self._new)])
            self._new = []
        return self._memory

    def __len__(self) -> int:
        return len(self._memory) + len(self._new)

    def at(self, place: int) -> float:
        """One constant."""
        known = len(self._memory)
        return float(self._memory[place]) if place < known else self._new[place - known]

    def place(self, number: float) -> int:
        """Where a number is kept; at a new place, if it was not asked for before."""
        number = number if number == number else math.nan
        place = self._places.setdefault(bits(number), len(self))
        if place == len(self):
            self._new.append(number)
        return place

    def shared(self, place: int) -> int:
        """The one place that stands for all with the same number."""
        return self._places.setdefault(bits(self.at(place)), place)

    def first_alike(self, words: Integers, base: int, strides: tuple[int, ...]) -> Affine:
        """The base and strides of the first that ranged over the same numbers, as bits.

        They serve where the same loops move them.
        """
        found = self._alike.first(words, (base, strides))
        moved = [[k for k, stride in enumerate(each) if stride] for each in (found[1], strides)]
        same = len(found[1]) == len(strides) and moved[0] == moved[1]
        return found if same else (base, strides)

    def block(self, numbers: Sequence[float]) -> int:
        """Where new numbers start, kept one after the other."""
        start = len(self)
        self._new += [number if number == number else math.nan for number in numbers]
        return start


def moving(strides: Sequence[int], axes: Axes) -> list[int]:
    """The loops that move an affine place."""
    return [k for k, a in enumerate(axes) if strides[k] and a.rounds != 1]


def ranged(table: Any, base: int, strides: Sequence[int], axes: Axes) -> Any:
    """What an affine place ranges over, one axis per loop that moves it; None if that is too much.

    Too much is more than lies between its ends, for then the loops come back to the same places.
    """
    low, high, step = affine_extent(base, strides, axes)
    if low < 0 or high >= len(table):
        return None
    levels = moving(strides, axes)
    if len(levels) == 1 and low == base and axes[levels[0]].rounds is not None:
        return table[low : high + 1 : step]
    counts = [axes[k].rounds or 0 for k in levels]
    if math.prod(counts) > high - low + 1:
        return None
    return table[grid(base, [strides[k] for k in levels], counts)]


def dense(shape: Sequence[int], strides: Sequence[int], axes: Axes) -> tuple[int, ...]:
    """The strides for a block that holds what `ranged` gave."""
    new = [0] * len(axes)
    step = 1
    for k, count in reversed(list(zip(moving(strides, axes), shape, strict=True))):
        new[k] = step
        step *= count
    return tuple(new)
