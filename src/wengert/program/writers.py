"""The statements that write to one memory, filed so that few are looked at for a place."""

from bisect import bisect_right
from collections.abc import Iterator

import numpy as np

from wengert.program.address import Address, Extent, Integers, Mask
from wengert.program.draft import Line
from wengert.program.statements import Accumulate

FEW = 8  # extents that are compared one by one


class Writers:
    """The statements that write to one memory.

    What writes at affine places is filed by its step, and by where in a step it starts: a place
    can only belong to a statement that is filed where the place would be.
    """

    def __init__(self, writers: list[Line], extents: list[Extent]) -> None:
        self.lines, self._extents = writers, extents
        self.number = {line: k for k, line in enumerate(writers)}
        self._bounds: tuple[Integers, ...] = ()
        self.starting: dict[tuple[int, int], list[Line]] = {}  # those that may be read as written
        self._files: dict[int, dict[int, _File]] = {}
        for line, places in zip(writers, extents, strict=True):
            if line.kind is Accumulate:
                continue
            self.starting.setdefault(start_of(line.target), []).append(line)
            if line.target.lookup is None:
                step = places.step
                files = self._files.setdefault(step, {})
                start = places.low % step if step else places.low
                files.setdefault(start, _File()).entries.append((places.low, places.high, line))

    def around(self, read: Extent) -> Iterator[Line]:
        """The statements at affine places among which the one must be that writes all of these."""
        low, high, step = read
        for wide, files in self._files.items():
            if (step % wide if wide else step) == 0:
                file = files.get(low % wide if wide else low)
                if file is not None:
                    yield from file.around(low, high)

    def meeting(self, read: Extent) -> list[Line]:
        """The statements that may write one of these places."""
        return [self.lines[k] for k in self.numbers(read)]

    def numbers(self, read: Extent, among: Mask | None = None) -> list[int]:
        """The numbers of the statements that may write one of these places."""
        if among is None and len(self.lines) <= FEW:
            return [k for k, places in enumerate(self._extents) if places.meets(read)]
        if not self._bounds:
            columns = zip(*self._extents, strict=True)
            self._bounds = tuple([np.array(column, np.int64) for column in columns])
        lows, highs, steps = self._bounds
        mask = lows <= read.high
        mask &= highs >= read.low
        if among is not None:
            mask &= among
        near = mask.nonzero()[0]
        if len(near) > FEW:
            common = np.gcd(steps[near], read.step)
            apart = lows[near] - read.low
            near = near[np.where(common, apart % np.maximum(common, 1), apart) == 0]
            return list(near.tolist())
        return [k for k in near.tolist() if self._extents[k].meets(read)]


class _File:
    """Statements with one step whose places, but for where they end, are the same."""

    def __init__(self) -> None:
        self.entries: list[tuple[int, int, Line]] = []
        self._lows: list[int] = []
        self._tops: list[int] = []

    def around(self, low: int, high: int) -> Iterator[Line]:
        """The statements that start at or before one place, and end at or behind another."""
        if not self._lows:
            self._sort()
        at = bisect_right(self._lows, low)
        while at and self._tops[at - 1] >= high:
            at -= 1
            if self.entries[at][1] >= high:
                yield self.entries[at][2]

    def _sort(self) -> None:
        self.entries.sort(key=lambda entry: entry[0])
        self._lows = [low for low, _, _ in self.entries]
        top = self.entries[0][1]
        for _, high, _ in self.entries:
            top = max(top, high)
            self._tops.append(top)


def start_of(address: Address) -> tuple[int, int]:
    """What a target and a read of what was just written there have in common."""
    return address.base, address.lookup.start if address.lookup else -1
