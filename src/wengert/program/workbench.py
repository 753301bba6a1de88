"""A program on the workbench: taken apart, with its tables, and who writes what.

The passes that `simplify.py` lists work on it. What was asked is remembered for as long as it stays
true, and `version` tells whether anything has changed since a pass looked.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from wengert.program.address import VALUE, Extent, distinct
from wengert.program.draft import Axes, Frame, Item, Line, drafted, frames, stated
from wengert.program.packing import packed
from wengert.program.producers import Producers
from wengert.program.program import Program
from wengert.program.statements import Run
from wengert.program.tables import Numbers


class Draft:
    """A program taken apart, its tables, and who writes what."""

    def __init__(self, program: Program, unsafe: bool) -> None:
        self.items: list[Item] = drafted(program.statements)
        self.numbers = Numbers(program.constants)
        self.index = program.index
        self.unsafe = unsafe
        self.version = 0
        self._producers: Producers | None = None
        self._frames: list[tuple[Frame, Axes]] | None = None
        self._outside: list[int] | None = None

    @property
    def producers(self) -> Producers:
        """Who writes what."""
        if self._producers is None:
            self._producers = Producers(self.items, self.index)
        return self._producers

    @property
    def lines(self) -> list[Line]:
        """Every line, in the order of the text."""
        return self.producers.lines

    @property
    def frames(self) -> list[tuple[Frame, Axes]]:
        """Every loop and the loops around it, inner ones first."""
        if self._frames is None:
            self._frames = frames(self.items)
        return self._frames

    def bodies(self) -> Iterator[list[Item]]:
        """Every list of items that stand in one body, inner ones first."""
        for frame, _ in self.frames:
            yield from frame.parts
        yield self.items

    def touch(self) -> None:
        """A line reads or does something else now."""
        self.version += 1

    def moved(self, found: set[Line]) -> None:
        """Lines were taken out of loops."""
        self.version += 1
        self._frames = self._outside = None
        self.producers.move(self.items, found)

    def dropped(self, gone: set[Line]) -> None:
        """Forget lines that were taken out, and loops."""
        self.version += 1
        self._frames = self._outside = None
        self.producers.drop(gone)

    def pack(self) -> bool:
        """Cut the tables down to what is used; whether what was not equal may be now."""
        found = packed(self.items, self.numbers.memory, self.index)
        if found.smaller:
            self.items, self.index = found.items, found.index
            self.numbers = Numbers(found.constants)
            self.producers.look_up(found.index)
            self.version += 1
        return found.merged

    def fields(self) -> dict[str, Any]:
        """What the program is made of now."""
        return {
            "statements": stated(self.items), "constants": self.numbers.memory, "index": self.index
        }  # fmt: skip

    def outside(self) -> list[int]:
        """The places that columns read and that not columns alone write."""
        if self._outside is None:
            runs = [item for item in self.items if isinstance(item, Run)]
            found: list[int] = []
            for run in runs:
                places = distinct(run.places_in(VALUE))
                found += places[self._elsewhere(places, runs)].tolist()
            self._outside = sorted(set(found))
        return self._outside

    def in_columns(self, memory: str, reach: Extent) -> bool:
        """Whether columns may write one of these places."""
        runs = [item for item in self.items if isinstance(item, Run) and not item.outputs]
        return memory == VALUE and any(
            Extent(run.start, run.start + len(run) - 1, 1).meets(reach) for run in runs
        )

    def _elsewhere(self, places: Any, runs: list[Run]) -> Any:
        own = np.zeros(len(places), bool)
        for run in runs:
            if not run.outputs:
                own |= (places >= run.start) & (places < run.start + len(run))
        for sums in self.producers.sums(VALUE):
            first, last = np.searchsorted(places, (sums.low, sums.high + 1))
            own[first:last] &= (places[first:last] - sums.low) % max(sums.step, 1) != 0
        return ~own

    def substitute(self, places: dict[int, int]) -> None:
        """Let columns read other places; both are coded."""
        if not places:
            return
        old = np.array(sorted(places), np.int64)
        new = np.array([places[p] for p in sorted(places)], np.int64)
        for k, item in enumerate(self.items):
            if isinstance(item, Run):
                at = np.minimum(np.searchsorted(old, item.operands), len(old) - 1)
                operands = np.where(old[at] == item.operands, new[at], item.operands)
                self.items[k] = replace(item, operands=operands)
        self._outside = None
        self.touch()
