"""Write the loops that were found as statements.

Every address is checked against the list it comes from, item by item: what moves by constant
strides becomes an affine address, and the rest goes to the index table.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wengert.program.address import MEMORIES, OUTPUT, VALUE, Address, Integers, Lookup
from wengert.program.alike import Alike
from wengert.program.fold import Folded
from wengert.program.moves import strides_of
from wengert.program.statements import Assign, Guard, Loop, Statement
from wengert.program.stretch import Around, Stretch, places, positions


class NotLoops(Exception):  # noqa: N818 - for the roller alone
    """What looked like a loop is none: two hashes were equal by chance."""


class Tables:
    """The index table while it is being written."""

    def __init__(self, index: Integers) -> None:
        self.size = len(index)
        self._given = index
        self._new: list[bytes] = []
        self._alike: Alike[int] = Alike()

    def start_of(self, table: bytes) -> int:
        """Where a stretch of the index table with these contents starts."""
        start = self._alike.first(table, self.size)
        if start == self.size:
            self._new.append(table)
            self.size += len(table) // 8
        return start

    @property
    def index(self) -> Integers:
        """The index table so far."""
        return np.frombuffer(b"".join((self._given.tobytes(), *self._new)), np.int64)

    def address(self, memory: str, grid: Integers) -> Address:
        """The address that gives these places, an array with one axis per enclosing loop.

        An axis along which all moves by the same stride is left out of the index table.
        """
        base = int(grid.flat[0])
        strides = [0] * grid.ndim
        rest = grid
        for axis, count in enumerate(grid.shape):
            steps = np.diff(rest, axis=axis)
            if not steps.size or (steps == steps.flat[0]).all():
                strides[axis] = int(steps.flat[0]) if count > 1 else 0
                rest = rest.take([0], axis)
        if rest.size == 1:
            return Address(memory, base, tuple(strides))
        within = np.array(rest.strides) // rest.itemsize * (np.array(rest.shape) > 1)
        start = self.start_of((rest - base).tobytes())
        return Address(memory, base, tuple(strides), Lookup(start, tuple(within.tolist())))

    def column(
        self, memory: str, base: int, strides: tuple[int, ...], table: bytes | None
    ) -> Address:
        """The same where it is known how the loops move it; by a table, the last one."""
        if table is None:
            return Address(memory, base, strides)
        lookup = Lookup(self.start_of(table), (0,) * (len(strides) - 1) + (1,))
        return Address(memory, base, strides, lookup)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large what an identity stands for is: items in all, and statements."""

    items: tuple[int, ...]
    statements: tuple[int, ...]

    @staticmethod
    def of(folded: Folded, kinds: int) -> "Sizes":
        """The sizes of all identities."""
        items, statements = [1] * kinds, [1] * kinds
        for count, body in folded.loops:
            below = body.tolist()
            items.append(count * sum(items[i] for i in below))
            statements.append(1 + sum(statements[i] for i in below))
        return Sizes(tuple(items), tuple(statements))


class Nest:
    """Writes the loops in a stretch as statements."""

    def __init__(self, stretch: Stretch, folded: Folded, tables: Tables) -> None:
        self.stretch, self.folded, self.tables = stretch, folded, tables
        self.kinds = len(stretch.kinds)
        self.sizes = Sizes.of(folded, self.kinds)
        self.memory = OUTPUT if stretch.run.outputs else VALUE
        self.around: Around = ()

    def is_loop(self, identity: int) -> bool:
        """Whether an identity is that of a loop."""
        return identity >= self.kinds

    def loop(self, identity: int) -> tuple[int, int, list[int]]:
        """How often a loop runs, how many items it does each time, and its body."""
        count, body = self.folded.loops[identity - self.kinds]
        return count, self.sizes.items[identity] // count, body.tolist()

    def sequence(self, ids: Sequence[int], start: int, around: Around) -> list[Statement]:
        """The statements for items and loops that follow each other."""
        out: list[Statement] = []
        for identity in ids:
            if self.is_loop(identity):
                count, step, body = self.loop(identity)
                out.append(Loop(count, tuple(self.body(body, start, (*around, (count, step))))))
            else:
                out.append(self.statement(start, around))
            start += self.sizes.items[identity]
        return out

    body = sequence  # what is in a loop; another way of writing it may be better

    def statement(self, item: int, around: Around) -> Assign | Guard:
        """An item, as it is done in the loops around it."""
        stretch = self.stretch
        found = strides_of(stretch.ids, stretch.operands, stretch.offsets, item, around)
        memories = stretch.kinds[stretch.ids[item]].memories
        if len(found) != len(memories):
            raise NotLoops
        reads = []
        for slot, (code, strides) in enumerate(zip(memories, found, strict=True)):
            memory = MEMORIES[code]
            if strides is None:
                grid = stretch.column(slot, positions(item, around))
                reads.append(self.tables.address(memory, places(grid)))
            else:
                first = int(stretch.operands[stretch.offsets[item] + slot])
                reads.append(Address(memory, first - (code << 56), strides))
        target = Address(self.memory, stretch.run.start + item, tuple(step for _, step in around))
        return self.made(item, target, tuple(reads))

    def made(self, item: int, target: Address, reads: tuple[Address, ...]) -> Assign | Guard:
        """A statement that does what an item does."""
        operation = self.stretch.operation(item)
        label = self.stretch.run.labels.get(item, "")
        source = self.stretch.source(item)
        if operation.guards and operation.row:
            return Guard(target, operation.row, reads[:-1], reads[-1], label, source)
        return Assign(target, operation.row, reads, label, source)
