"""Where the places of an address are in the one buffer that a program runs in.

It holds the constants, the inputs, the outputs, and behind them the arrays of the storage.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.errors import ProgramError
from wengert.program.address import CONSTANT, INPUT, OUTPUT, Address, Integers, grid, span
from wengert.program.dependence import Level, Site, Table, bounded, extent, is_sum
from wengert.program.program import Program
from wengert.program.statements import Run
from wengert.program.storage import Array, Storage, Storing
from wengert.program.structure import Floats

FAR = 1 << 59  # no place that is meant is so far down
SPACIOUS = 1 << 20  # values that one example keeps rather than using their places again
SMALL = 1024  # values that are kept rather than computing where a window has them


class Buffer:
    """How the buffer is divided up."""

    def __init__(self, program: Program, kept: Storage) -> None:
        self.program, self.kept = program, kept
        self.sizes = sizes = program.sizes
        self.starts: dict[str, int] = {}
        self.size = self.shared = 0  # places, and how many are the same for all examples
        for memory in (CONSTANT, INPUT, OUTPUT):
            self.starts[memory] = self.size
            self.size += sizes[memory]
        self.arrays = self.size  # where those of the storage start
        self.size += kept.size
        self.variables: dict[Site, int] = {}

    def keep_variables(self) -> None:
        """Keep what is otherwise a variable, too, behind all the rest."""
        for site in self.kept.layout.sites:
            if site.target and not (self.is_kept(site) or is_sum(site)):
                self.variables[site] = self.size
                self.size += 1

    def is_kept(self, site: Site) -> bool:
        """Whether a site's result goes to a memory; else it is a variable, or never read."""
        assert site.target is not None
        return site in self.kept.homes or site.target.memory in self.starts

    def filled(self, inputs: Floats) -> Floats:
        """A new buffer: what nothing has been assigned to yet is nan."""
        memory = np.full(self.size, np.nan)
        memory[: len(self.program.constants)] = self.program.constants
        start = self.starts[INPUT]
        memory[start : start + len(inputs)] = inputs
        return memory

    def outputs(self, memory: Floats) -> Floats:
        """The outputs in a buffer."""
        start = self.starts[OUTPUT]
        return memory[start : start + self.sizes[OUTPUT]].copy()

    def start_of(self, array: Array) -> int:
        """Where an array of the storage starts."""
        return self.arrays + array.start

    def kept_at(self, array: Array, places: Integers) -> Integers:
        """Where an array of the storage has places of the value memory."""
        return self.start_of(array) + array.offset(places)

    def given_at(self, memory: str, places: Integers) -> Integers:
        """Where places of the inputs, constants or outputs are."""
        return self.starts[memory] + places

    def first_result(self, site: Site, run: Run) -> int:
        """Where the results of a straight stretch begin, which follow each other."""
        if run.outputs:
            return self.starts[OUTPUT] + run.start
        home = self.kept.homes[site]
        return self.start_of(home) + run.start - home.first

    def results(self, site: Site, run: Run) -> Integers:
        """Where all of them are."""
        first = self.first_result(site, run)
        return np.arange(first, first + len(run), dtype=np.int64)

    def place(self, site: Site, address: Address) -> "Place":
        """Where a site finds an address."""
        array = self.kept.sources.get((site, address))
        if array is None and address.memory in self.starts:
            size = self.sizes[address.memory]
            array = Array(address.memory, address.memory, 0, 1, size, False)
            start = self.starts[address.memory]
        else:
            array = array or self.kept.homes[site]
            start = self.start_of(array)
        base, strides, step = address.base - array.first, address.strides, array.step
        if not address.lookup:
            base, strides, step = base // step, tuple(s // step for s in strides), 1
        return Place(
            start, base, strides, step, array.size, array.window,
            not bounded(address, site.counts), address, array.row, array.rows,
        )  # fmt: skip


def kept_for(storing: Storing, spare: int, line: int = 1) -> Storage:
    """Where kernels keep values: windows are of whole rows, and numbers of a loop side by side.

    Args:
        storing: what is read of what.
        spare: up to how many values are kept as they are rather than in windows.
        line: at whose multiples arrays and rows start.
    """
    return storing.storage(_always, spare, apart=True, line=line, by_rows=True)


def _always(level: Level) -> bool:
    return True


class Memories(Buffer):
    """Inputs, outputs and workspace, each counted from its own start.

    Args:
        program: the program.
        spare: up to how many values are kept as they are rather than in windows.
        line: at whose multiples arrays start.
        by_rows: whether it is kept as kernels want it: see `kept_for`.
    """

    def __init__(
        self, program: Program, spare: int = SMALL, line: int = 1, by_rows: bool = False
    ) -> None:
        storing = Storing(program)
        kept = kept_for(storing, spare, line) if by_rows else storing.storage(_always, spare)
        super().__init__(program, kept)
        self.starts = dict.fromkeys(self.starts, 0)
        self.arrays = 0


@dataclass(frozen=True)
class Place:
    """`start + (base + Σ strides·k + index entry) // step`, modulo `size` in a window.

    In a window of `rows`, those loops move from row to row whose strides are multiples of `row`.

    Where a while loop moves it, `checked` asks for a look at the bounds while it is run.
    """

    start: int
    base: int
    strides: tuple[int, ...]
    step: int
    size: int
    window: bool
    checked: bool
    address: Address
    row: int = 0
    rows: int = 0

    def lowest(self, counts: Sequence[int], table: Table) -> int:
        """The lowest place in its memory that is meant, before it wraps around in a window."""
        low, _ = span(self.base, self.strides, counts)
        if self.address.lookup:
            low = (low + table.entries(self.address.lookup, counts)[1]) // self.step
        return low

    def expression(self) -> str:
        """Python source for it, with counters k0, k1, ..."""
        text = affine(self.base, self.strides)
        lookup = self.address.lookup
        if lookup:
            entry = affine(lookup.start, lookup.strides)
            if self.checked:
                entry = f"at({entry}, len(index), 0)"
            text = f"({text} + index[{entry}]) // {self.step}"
        if self.window:
            return f"{self.start} + ({text}) % {self.size}"
        if self.checked:
            return f"at({text}, {self.size}, {self.start})"
        return (
            affine(self.base + self.start, self.strides) if not lookup else f"{self.start} + {text}"
        )


def one_number(
    program: Program, address: Address, counts: Sequence[int], table: Table
) -> float | None:
    """The one number that a constant is at all counters, if it is one."""
    low, high, step = 0, len(program.constants) - 1, 1
    if bounded(address, counts):
        low, high, step = extent(address, counts, table)
    bits = program.constants[low : high + 1 : step or 1].view(np.int64)
    return float(program.constants[low]) if (bits == bits[0]).all() else None


def affine(base: int, strides: Sequence[int]) -> str:
    """Source for `base + Σ strides·k`, in any language with these signs."""
    terms = [(s, f"k{k}" if abs(s) == 1 else f"{abs(s)}*k{k}") for k, s in enumerate(strides) if s]
    if base or not terms:
        terms.append((base, str(abs(base))))
    terms.sort(key=lambda term: term[0] < 0)
    text = "".join(f" {'-' if sign < 0 else '+'} {term}" for sign, term in terms)
    return text.removeprefix(" + ") if terms[0][0] >= 0 else f"-{text.removeprefix(' - ')}"


def at(place: int, size: int, start: int) -> int:
    """A place that a while loop moves, if it is in its memory."""
    if not 0 <= place < size:
        raise ProgramError(f"A while loop reaches place {place} of a memory of {size}.")
    return start + place


class View:
    """The numbers at a place, for all iterations of some of the loops around."""

    def __init__(self, place: Place, counts: Sequence[int], over: Sequence[int]) -> None:
        self.place = place
        self.shape = tuple(counts[k] for k in over)
        self.moving = [place.strides[k] for k in over]
        self.fixed = [(k, s) for k, s in enumerate(place.strides) if s and k not in over]
        self.bytes = tuple(8 * stride for stride in self.moving)
        self.low, self.high = span(0, self.moving, self.shape)
        self.offset = 8 * place.start
        self.simple = not (place.window or place.checked or place.address.lookup)
        self.over = tuple(over)

    @property
    def distinct(self) -> bool:
        """Whether it is known that no number is meant twice."""
        covered = 0
        for stride, count in sorted(zip(map(abs, self.moving), self.shape, strict=True)):
            if count > 1 and stride <= covered:
                return False
            covered += stride * (count - 1)
        return not (self.place.address.lookup or self.place.window)

    def of(self, memory: Floats, counters: Sequence[int], index: Integers) -> Floats:
        """They themselves, or a copy."""
        at = self._strided(counters)
        if at is not None:
            return np.ndarray(self.shape, np.float64, memory, at, self.bytes)
        numbers: Floats = memory[self.places(counters, index)]
        return numbers

    def put(
        self, memory: Floats, counters: Sequence[int], index: Integers, numbers: Floats
    ) -> None:
        """Assign numbers to them."""
        at = self._strided(counters)
        if at is not None:
            np.ndarray(self.shape, np.float64, memory, at, self.bytes)[...] = numbers
        else:
            memory[self.places(counters, index)] = numbers

    def _strided(self, counters: Sequence[int]) -> int | None:
        """The offset of the first in bytes, if they stand at regular distances."""
        place = self.place.base
        for k, stride in self.fixed:
            place += stride * counters[k]
        if self.simple:
            return self.offset + 8 * place
        if self.place.address.lookup:
            return None
        if self.place.window:
            place %= self.place.size
        if place + self.low < 0 or place + self.high >= self.place.size:
            return None
        return self.offset + 8 * place

    def places(self, counters: Sequence[int], index: Integers) -> Integers:
        """Where they are in the buffer."""
        here = self.place
        places = self._grid(here.base, here.strides, counters)
        if here.address.lookup:
            lookup = here.address.lookup
            entries = self._grid(lookup.start, lookup.strides, counters)
            if here.checked:
                _check(entries, len(index))
            places = (places + index[entries]) // here.step
        if here.window:
            places = places % here.size
        elif here.checked:
            _check(places, here.size)
        return places + here.start

    def _grid(self, base: int, strides: Sequence[int], counters: Sequence[int]) -> Integers:
        start = base + sum(s * counters[k] for k, s in enumerate(strides) if k not in self.over)
        return grid(start, [strides[k] for k in self.over], self.shape)


def _check(places: Any, size: int) -> None:
    for place in (int(places.min()), int(places.max())):
        at(place, size, 0)
