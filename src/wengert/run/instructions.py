"""Statements one after the other, as instructions for a machine.

A number that an instruction reads or writes is an *operand*: a place of the buffer that is affine
in the counters of the loops around. Each loop keeps those up to date that it moves. A place that is
looked up, wraps around in a window, or may leave its memory, is found anew each time. Variables are
places behind the rest of the buffer. native/machine.c obeys the instructions for one example, and
native/blocks.c for many at once.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert.dispatch import Primitive
from wengert.errors import ProgramError
from wengert.primitives import add
from wengert.program.address import Address, Integers
from wengert.program.dependence import Level, Site, is_sum
from wengert.program.statements import Accumulate, Guard, Loop, Run, While
from wengert.run.place import Buffer
from wengert.run.schedule import Carried, Each, Node, Sums
from wengert.run.straight import operand_places
from wengert.run.walk import DEEPEST

MOVE, LOOP, WHILE, LEAVE, GUARD, FIND, RUN = range(-1, -8, -1)
MOST_OPERANDS = 3

Operand = tuple[int, int]  # which loop keeps it up to date, and its number there
Fields = list[int]  # an instruction, as native/machine.h has it
Straights = tuple[Integers, Integers, Integers, Integers, Integers, int]


class Code(NamedTuple):
    """Instructions, as native/machine.h has them.

    Attributes:
        instructions: the operation of each, its operands, and what else belongs to it, `(n, 8)`.
        rows: what the numbers of operations stand for.
        runs: of each straight stretch the operations of its statements, as numbers; what these
            stand for; where the places begin that each reads; these places; where each result
            goes; and the number of its guard.
        operands: where each stands at first, and by how much each loop moves it.
        found: what the places are made of that are found anew, and by how much each loop moves
            them, and the entries of the index table.
        table: that table.
        depth: how many loops are inside each other at most.
        roots: how many operands no loop moves; these come first.
        size: how many places there are.
        shared: how many of these, the first ones, are the same for all examples.
    """

    instructions: Integers
    rows: tuple[Primitive, ...]
    runs: tuple[Straights, ...]
    operands: tuple[Integers, Integers]
    found: tuple[Integers, Integers, Integers]
    table: Integers
    depth: int
    roots: int
    size: int
    shared: int


def takes(site: Site) -> bool:
    """Whether there are instructions for a statement: few rows have many operands."""
    statement = site.statement
    if isinstance(statement, Run):
        return all(_knows(operation.row) for operation in statement.operations)
    return _knows(getattr(statement, "row", None))


def _knows(row: Primitive | None) -> bool:
    return row is None or 1 <= row.nin <= MOST_OPERANDS


class Coder:
    """Writes the instructions."""

    def __init__(self, buffer: Buffer) -> None:
        self.buffer, self.kept = buffer, buffer.kept
        self.instructions: list[tuple[Any, ...]] = []
        self.rows: dict[Primitive, int] = {}
        self.runs: list[Any] = []
        self.sites: list[Site] = []
        self.guards: list[Site] = []
        self.found: list[Fields] = []
        self.found_strides: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
        self.operands: list[dict[tuple[int, tuple[int, ...]], int]] = [{}]  # by loop; first, none
        self.around: list[tuple[int, int, bool]] = []  # loops: depth, number, whether counted

    # --- loops ------------------------------------------------------------------------------------

    def nodes(self, nodes: Sequence[Node]) -> None:
        """What a nest is made of."""
        for node in nodes:
            if isinstance(node, Carried):
                at = self._opened(node.depth, True)
                self.nodes(node.body)
                self._closed(at, LOOP, node.depth, count=node.count)
            elif isinstance(node, Each):
                self._over((node.site,), node.over)
            elif isinstance(node, Sums):
                self._over(node.sites, node.over)

    def _over(self, sites: Sequence[Site], depths: Sequence[int]) -> None:
        """Statements in loops, each at one of these depths."""
        opened = [(depth, self._opened(depth, True)) for depth in depths]
        for site in sites:
            self.site(site)
        for depth, at in reversed(opened):
            self._closed(at, LOOP, depth, count=sites[0].counts[depth])

    def tree(self, items: Sequence[Site | Level]) -> None:
        """Items in their order."""
        for item in items:
            if isinstance(item, Site):
                self.site(item)
            elif isinstance(item.loop, Loop):
                at = self._opened(item.depth, True)
                self.tree(item.parts[0])
                self._closed(at, LOOP, item.depth, count=item.loop.count)
            else:
                at = self._opened(item.depth, False)
                first, test, body, last = item.parts
                self.tree(first)
                tested = len(self.instructions)
                self.tree(test)
                bodied = len(self.instructions)
                self.tree(body)
                lasted = len(self.instructions)
                self.tree(last)
                self._closed(at, WHILE, item.depth, w=tested, first=bodied, count=lasted)

    def _opened(self, depth: int, known: bool) -> int:
        if depth >= DEEPEST:
            raise ProgramError(f"More than {DEEPEST} loops inside each other cannot be run.")
        self.around.append((depth, len(self.operands), known))
        self.operands.append({})
        self.instructions.append(())
        return len(self.instructions) - 1

    def _closed(
        self, at: int, op: int, depth: int, w: int = 0, first: int = 0, count: int = 0
    ) -> None:
        _, number, _ = self.around.pop()
        moved = (number, 0), (number, len(self.operands[number]))
        self.instructions[at] = (op, depth, *moved, w, first, count, len(self.instructions))

    # --- statements -------------------------------------------------------------------------------

    def site(self, site: Site) -> None:
        """One statement."""
        self.sites.append(site)
        statement = site.statement
        if isinstance(statement, Run):
            self._run(site, statement)
            return
        operands = [self._operand(site, address) for address in site.reads]
        if isinstance(statement, While):
            self._put(LEAVE, operands[0], operands)
        elif isinstance(statement, Accumulate):
            self._apply(add, self._result(site), operands)
        elif isinstance(statement, Guard):
            *operands, expected = operands
            target = self._result(site)
            self._apply(statement.row, target, operands)
            self._put(GUARD, target, operands, expected, len(self.guards))
            self.guards.append(site)
        elif statement.row is None:
            self._put(MOVE, self._result(site), operands)
        else:
            self._apply(statement.row, self._result(site), operands)

    def _apply(self, row: Primitive, target: Operand, operands: Sequence[Operand]) -> None:
        self._put(self._number(row), target, operands)

    def _number(self, row: Primitive) -> int:
        return self.rows.setdefault(row, len(self.rows))

    def _put(
        self, op: int, to: Operand, operands: Sequence[Operand], first: Operand | int = 0,
        stop: int = 0,
    ) -> None:  # fmt: skip
        """An instruction; where it takes fewer operands, the first stands for the others."""
        x, y, w = (*operands, *[operands[0]] * MOST_OPERANDS)[:MOST_OPERANDS]
        self.instructions.append((op, to, x, y, w, first, len(operands), stop))

    def _run(self, site: Site, run: Run) -> None:
        places = operand_places(site, run, self.buffer)
        operations = [
            [self._number(each.row) if each.row else MOVE, each.reads, each.guards]
            for each in run.operations
        ]
        self.instructions.append((RUN, 0, len(self.runs), 0, 0, 0, 0, 0))
        self.runs.append((
            np.ascontiguousarray(run.ops, np.int32), np.array(operations, np.int64),
            run.starts, np.ascontiguousarray(places), self.buffer.results(site, run),
            len(self.guards),
        ))  # fmt: skip
        self.guards.append(site)

    # --- operands ---------------------------------------------------------------------------------

    def _operand(self, site: Site, address: Address) -> Operand:
        """What a site reads."""
        register = self.kept.registers.get((site, address))
        return self._variable(register) if register else self._place(site, address)

    def _result(self, site: Site) -> Operand:
        """Where a site's result goes."""
        assert site.target is not None
        if self.buffer.is_kept(site):
            return self._place(site, site.target)
        return self._operand(site, site.target) if is_sum(site) else self._variable(site)

    def _variable(self, site: Site) -> Operand:
        return self._numbered(self.buffer.variables[site], ())

    def _place(self, site: Site, address: Address) -> Operand:
        place = self.buffer.place(site, address)
        lookup = address.lookup
        waiting = [depth for depth, _, known in self.around if not known]
        wanders = any(place.strides[depth] for depth in waiting)
        if not (lookup or place.window or place.checked or wanders):
            return self._numbered(place.start + place.base, place.strides)
        operand = self._numbered(place.start, (), anew=True)
        entry, strides = (lookup.start, lookup.strides) if lookup else (0, ())
        fields = [place.start, place.base, place.step, place.size, place.window, place.checked]
        self.found.append([*fields, lookup is not None, entry])
        self.found_strides.append((place.strides, strides))
        self.instructions.append((FIND, 0, operand, len(self.found) - 1, 0, 0, 0, 0))
        return operand

    def _numbered(self, base: int, strides: tuple[int, ...], anew: bool = False) -> Operand:
        """An operand, kept by the innermost loop that moves it."""
        moving = [
            number for depth, number, _ in self.around if depth < len(strides) and strides[depth]
        ]
        number = moving[-1] if moving else 0
        known = self.operands[number]
        key = (base, strides) if not anew else (-1 - len(known), ())
        return number, known.setdefault(key, len(known))

    # --- all of it --------------------------------------------------------------------------------

    def code(self, index: Integers) -> Code:
        """All that has been written, with the index table."""
        depth = max((len(site.counts) for site in self.sites), default=0) or 1
        starts = np.cumsum([0, *map(len, self.operands)]).tolist()
        listed = [key for known in self.operands for key in known]
        last = self.buffer.size - 1  # where that stands for now which is found anew
        instructions = [
            [starts[f[0]] + f[1] if isinstance(f, tuple) else int(f) for f in fields]
            for fields in self.instructions
        ]
        return Code(
            np.array(instructions, np.int64), tuple(self.rows), tuple(self.runs),
            (np.array([last if base < 0 else base for base, _ in listed], np.int64),
             _padded([strides for _, strides in listed], depth)),
            (np.array(self.found, np.int64), _padded([s for s, _ in self.found_strides], depth),
             _padded([s for _, s in self.found_strides], depth)),
            np.ascontiguousarray(index, np.int64), depth, len(self.operands[0]),
            self.buffer.size, self.buffer.shared,
        )  # fmt: skip


def _padded(strides: Sequence[tuple[int, ...]], depth: int) -> Integers:
    """Strides for as many loops as there are at most."""
    return np.array([(*each, *[0] * (depth - len(each))) for each in strides], np.int64)
