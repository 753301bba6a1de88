"""The printed form read back: see docs/program-format.md for its grammar.

Reading goes in three steps: lines into a tree (`outline.py`); what record order leaves out
(`places.py`); names into addresses. Nothing in a text is ever evaluated as code.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.errors import ProgramError
from wengert.program.address import CONSTANT, INPUT, OUTPUT, VALUE, Address, Lookup
from wengert.program.invariants import checked, reach
from wengert.program.lines import Line, Nest, Operand, Part, Sum
from wengert.program.outline import Reader
from wengert.program.places import Block, Place, Placed, settle
from wengert.program.program import Program
from wengert.program.spelling import Leaf, leaves
from wengert.program.statements import Accumulate, Assign, Guard, Loop, Statement, While

MOST_CONSTANTS = 1 << 25  # that a text may stand for; it can tell many in one line


def parsed(text: str) -> Program:
    """The program that was printed as `text`.

    Raises:
        ProgramError: the text is not that of a program; the message names line and column.
    """
    return checked(_Resolver(Reader(text)).program())


class _Resolver:
    """Makes a program of what was read."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.leaves = {
            INPUT: {leaf.name: leaf for leaf in leaves(reader.arguments)},
            OUTPUT: {leaf.name: leaf for leaf in leaves(reader.results, "out")},
        }
        self.starts = [0]
        for table in reader.tables:
            self.starts.append(self.starts[-1] + len(table))
        self.index = np.array([n for table in reader.tables for n in table], np.int64)
        self.fills: list[tuple[Address, list[int], float, int]] = []
        self.first: dict[bytes, int] = {}

    def program(self) -> Program:
        """The program."""
        reader = self.reader
        ends = settle(self._places(reader.tree))
        for line in reader.named.values():
            line.address = self._own(line)
        size = ends.get(CONSTANT, 0) if reader.size is None else reader.size
        if size > MOST_CONSTANTS:
            raise ProgramError(f"A text can stand for at most {MOST_CONSTANTS} constants.")
        for start, numbers in reader.told if reader.shared else ():
            for k, number in enumerate(numbers):
                self.first.setdefault(np.float64(number).tobytes(), start + k)
        statements = self._statements(reader.tree)
        values = ends.get(VALUE, 0) if reader.values is None else reader.values
        return Program(
            statements, values, self._constants(size), self.index, reader.arguments,
            reader.results, reader.name,
        )  # fmt: skip

    # --- what record order tells ------------------------------------------------------------------

    def _places(self, parts: Sequence[Part]) -> list[Placed]:
        found: list[Placed] = []
        for part in parts:
            if isinstance(part, Line):
                found += self._of_constants(part.operands)
                if part.kind != "+=" and part.target is None:
                    base = part.at.constant if part.at else None
                    moves = not (part.at and part.at.table)
                    part.place = Place(part.memory, base, moves)
                    found.append(part.place)
                continue
            inside: list[Placed] = []
            for name in ("first", "test", "body", "last"):
                if name == "body" and part.condition:
                    inside += self._of_constants([part.condition])
                inside += self._places(part.bodies.get(name, ()))
            count = 1 if part.local else part.count
            part.block = Block(count, inside, part.by, part.local)
            found.append(part.block)
        return found

    def _of_constants(self, operands: Sequence[Operand]) -> list[Placed]:
        found: list[Placed] = []
        for operand in operands:
            stated = operand.at
            if operand.raw and operand.name == CONSTANT and operand.indices:
                stated = operand.indices[0]
            elif operand.number is None:
                continue
            operand.place = Place(CONSTANT, stated.constant if stated else None,
                                  not (stated and stated.table))  # fmt: skip
            found.append(operand.place)
        return found

    # --- addresses --------------------------------------------------------------------------------

    def _own(self, line: Line) -> Address:
        """Where a statement that defines a value writes."""
        assert line.place is not None
        if line.at:
            return self._address(line.memory, 0, line.at, line.line)
        return Address(line.memory, line.place.expected, line.place.strides)

    def _address(self, memory: str, start: int, at: Sum, line: int) -> Address:
        lookup = None
        if at.inner:
            if not 0 < at.table < len(self.starts):
                raise ProgramError(f"line {line}: there is no table of that number.")
            lookup = Lookup(self.starts[at.table - 1] + at.inner.constant, at.inner.strides)
        return Address(memory, start + at.constant, at.strides, lookup)

    def _operand(self, operand: Operand, around: tuple[Nest, ...]) -> Address:
        if operand.number is not None:
            return self._number(operand, operand.number, around)
        if operand.raw:
            assert operand.indices is not None
            return self._address(operand.name, 0, operand.indices[0], operand.line)
        if line := self.reader.named.get(operand.name):
            return self._of_value(operand, line, around)
        for memory, found in self.leaves.items():
            if leaf := found.get(operand.name):
                return self._of_leaf(operand, memory, leaf, around)
        raise self._error(operand, f"there is nothing called {operand.name[:80]!r}")

    def _error(self, operand: Operand, what: str) -> ProgramError:
        return ProgramError(f"line {operand.line}, column {operand.column}: {what}.")

    def _number(self, operand: Operand, number: float, around: tuple[Nest, ...]) -> Address:
        still = (0,) * len(around)
        if self.reader.shared and operand.at is None:
            place = self.first.get(np.float64(number).tobytes())
            if place is None:
                raise self._error(operand, f"{number!r} is not among the constants")
            return Address(CONSTANT, place, still)
        if operand.at:
            address = self._address(CONSTANT, 0, operand.at, operand.line)
        else:
            assert operand.place is not None
            address = Address(CONSTANT, operand.place.expected, operand.place.strides)
        counts = [1 if nest.local else nest.count for nest in around]
        self.fills.append((address, counts, number, operand.line))
        return address

    def _of_value(self, operand: Operand, line: Line, around: tuple[Nest, ...]) -> Address:
        target, given = line.address, operand.indices or []
        assert target is not None
        if len(given) == 1 and given[0].inner and target.strides == (1,) and not target.lookup:
            return self._address(target.memory, target.base, given[0], operand.line)
        lead = len(line.around) - len(given)
        if lead < 0 or line.around[:lead] != around[:lead]:
            raise self._error(operand, f"{operand.name} takes {len(line.around)} indices here")
        if any(index.inner for index in given):
            raise self._error(operand, "a value has no index out of a table")
        own = [Sum(0, tuple(int(d == k) for k in range(len(around)))) for d in range(lead)]
        indices = [*own, *given]
        base, strides = _moved(target.base, target.strides, indices, len(around))
        lookup = None
        if target.lookup:
            start, moved = target.lookup.start, target.lookup.strides
            lookup = Lookup(*_moved(start, moved, indices, len(around)))
        return Address(target.memory, base, strides, lookup)

    def _of_leaf(
        self, operand: Operand, memory: str, leaf: Leaf, around: tuple[Nest, ...]
    ) -> Address:
        given = operand.indices
        if leaf.shape is None and given is None:
            return Address(memory, leaf.start, (0,) * len(around))
        if leaf.shape is not None and given and len(given) == 1:
            return self._address(memory, leaf.start, given[0], operand.line)
        if leaf.shape is None or given is None or len(given) != len(leaf.shape):
            raise self._error(operand, f"{operand.name} has {len(leaf.shape or ())} dimensions")
        if any(index.inner for index in given):
            raise self._error(operand, "a table stands for all indices together")
        radices = [math.prod(leaf.shape[d + 1 :]) for d in range(len(leaf.shape))]
        base, strides = _moved(leaf.start, radices, given, len(around))
        return Address(memory, base, strides)

    # --- the program ------------------------------------------------------------------------------

    def _statements(self, parts: Sequence[Part]) -> tuple[Statement, ...]:
        return tuple(map(self._statement, parts))

    def _statement(self, part: Part) -> Statement:
        if isinstance(part, Nest):
            bodies = {name: self._statements(body) for name, body in part.bodies.items()}
            if not part.local:
                return Loop(part.count, bodies["body"], part.again)
            return self._while(part, bodies)
        operands = tuple(self._operand(operand, part.around) for operand in part.operands)
        if part.target:
            target = self._operand(part.target, part.around)
        else:
            target = part.address or self._own(part)
            for alias in part.aliases:
                if not part.name and alias.name in self.reader.named:
                    part.label = self.reader.named[alias.name].label
                if self._operand(alias, part.around) != target:
                    raise self._error(alias, f"this is not what {alias.name} means there")
        if part.kind == "+=":
            return Accumulate(target, operands[0], part.label, part.source)
        if part.kind == "=":
            return Assign(target, part.row, operands, part.label, part.source)
        if part.row is None:
            raise ProgramError(f"line {part.line}: a guard is on an operation.")
        *read, expected = operands
        return Guard(target, part.row, tuple(read), expected, part.label, part.source)

    def _while(self, nest: Nest, bodies: dict[str, tuple[Statement, ...]]) -> While:
        assert nest.condition is not None
        condition = self._operand(nest.condition, (*nest.around, nest))
        first, test, body, last = (bodies.get(n, ()) for n in ("first", "test", "body", "last"))
        return While(nest.local, first, test, condition, body, last)

    def _constants(self, size: int) -> Any:
        """The constant memory: what is told at the end, and what the statements tell."""
        room = sum(len(numbers) for _, numbers in self.reader.told)
        room += sum(_fill_size(address, counts) for address, counts, _, _ in self.fills)
        if size < 0 or size > room:
            raise ProgramError(f"constants: {size} are meant, and {room} at most are told.")
        constants = np.zeros(size)
        told = np.zeros(size, bool)
        for start, numbers in self.reader.told:
            if start + len(numbers) > size:
                raise ProgramError(f"constants: there are only {size}.")
            constants[start : start + len(numbers)] = numbers
            told[start : start + len(numbers)] = True
        bits = constants.view(np.int64)
        for address, counts, number, line in self.fills:
            low, high = reach(address, counts, self.index)
            if low < 0 or high >= size:
                raise ProgramError(f"line {line}: there are only {size} constants.")
            if math.prod(_moving(address, counts)) > 4 * size:
                raise ProgramError(f"line {line}: this is more often than there are constants.")
            places = address.all(_moving(address, counts), self.index)
            meant = np.float64(number).view(np.int64)
            if (told[places] & (bits[places] != meant)).any():
                raise ProgramError(f"line {line}: another number is told for this constant.")
            bits[places] = meant
            told[places] = True
        if not told.all():
            raise ProgramError(f"constants: number {int(np.argmin(told))} is not told.")
        return constants


def _moved(
    base: int, strides: Sequence[int], indices: Sequence[Sum], width: int
) -> tuple[int, tuple[int, ...]]:
    """Where indices that are affine in counters lead, and how that moves with the counters."""
    moved = [0] * width
    for stride, index in zip(strides, indices, strict=True):
        base += stride * index.constant
        for k in range(width):
            moved[k] += stride * index.strides[k]
    return base, tuple(moved)


def _moving(address: Address, counts: Sequence[int]) -> list[int]:
    """The counts of those loops alone in which an address moves."""
    lookup = address.lookup.strides if address.lookup else (0,) * len(counts)
    return [n if s or t or not n else 1
            for n, s, t in zip(counts, address.strides, lookup, strict=True)]  # fmt: skip


def _fill_size(address: Address, counts: Sequence[int]) -> int:
    return min(math.prod(_moving(address, counts)), MOST_CONSTANTS)
