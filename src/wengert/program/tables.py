"""The constant memory and the index table while a program is simplified.

They are looked up and extended; in the end, packing.py cuts them down to what is used.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.program.address import Integers, grid
from wengert.program.alike import Alike
from wengert.program.draft import Axes
from wengert.program.extents import affine_extent
from wengert.program.match import bits
from wengert.program.structure import Floats

Affine = tuple[int, tuple[int, ...]]  # a base and strides


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
        found = self._alike.first(words.tobytes(), (base, strides), words.shape)
        moved = [[k for k, stride in enumerate(each) if stride] for each in (found[1], strides)]
        same = len(found[1]) == len(strides) and moved[0] == moved[1]
        return found if same else (base, strides)

    def block(self, numbers: Sequence[float]) -> int:
        """Where new numbers start, kept one after the other."""
        start = len(self)
        self._new += [number if number == number else math.nan for number in numbers]
        return start


def is_still(strides: Sequence[int], axes: Axes) -> bool:
    """Whether an affine place is one place."""
    if any(strides):
        for stride, axis in zip(strides, axes, strict=True):
            if stride and axis.rounds != 1:
                return False
    return True


def moving(strides: Sequence[int], axes: Axes) -> list[int]:
    """The loops that move an affine place."""
    return [k for k, stride in enumerate(strides) if stride and axes[k].rounds != 1]


def ranged(table: Any, base: int, strides: Sequence[int], axes: Axes) -> Any:
    """What an affine place ranges over, one axis per loop that moves it; None if that is too much.

    Too much is more than lies between its ends, for then the loops come back to the same places.
    """
    levels = moving(strides, axes)
    if len(levels) == 1:
        step, count = strides[levels[0]], axes[levels[0]].rounds
        if count and step > 0 and base >= 0 and base + step * (count - 1) < len(table):
            return table[base : base + step * (count - 1) + 1 : step]
    low, high, _ = affine_extent(base, strides, axes)
    if low < 0 or high >= len(table):
        return None
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
