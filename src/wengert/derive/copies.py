"""The statements of a round written down once more, in front of its way back."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from wengert.derive.blocks import Blocks
from wengert.derive.space import Beside, Body
from wengert.derive.uses import Here
from wengert.program.address import OUTPUT, VALUE, Address
from wengert.program.draft import TEST, Axes, Frame, Item, Line
from wengert.program.statements import Accumulate, While


@dataclass
class Copies:
    """The rounds that the way back is in, and where it finds their values.

    The copy of the value at place p stands at `first + p`, for each depth of rounds in rounds at
    another first place. So copies move with the loops as what they are copies of.

    Args:
        blocks: the marked loops.
        here: where a value is that was kept.
        beside: the address that belongs to one, in the present row.
        take: new room for a copy of the whole value memory.
    """

    blocks: Blocks
    here: Here
    beside: Callable[[Beside, Address], Address]
    take: Callable[[], Beside]
    depths: list[int] = field(default_factory=list)
    rooms: list[Beside] = field(default_factory=list)

    def value(self, address: Address, axes: Axes, turned: int) -> Address:
        """Where a value is: in the copy of the innermost round that it stays within, or kept."""
        found = self.here(address, axes, turned)
        for depth, room in reversed([*zip(self.depths, self.rooms, strict=False)]):
            if self.blocks.within(address, axes, depth):
                return self.beside(room, found)
        return found

    @contextmanager
    def of(self, items: Sequence[Item], axes: Axes, body: Body) -> Iterator[None]:
        """Write down what a round of the innermost loop does, and let it be read meanwhile."""
        self.depths.append(len(axes) - 1)
        if len(self.rooms) < len(self.depths):
            self.rooms.append(self.take())
        _Writer(self, len(axes), {}).items(items, axes, body)
        yield
        self.depths.pop()


@dataclass
class _Writer:
    """Writes a round down.

    Args:
        copies: the rounds that this one is in, and itself.
        turned: how many loops around it run as on the way back.
        names: the new names of the memories of while loops.
    """

    copies: Copies
    turned: int
    names: dict[str, str]

    def items(self, items: Sequence[Item], axes: Axes, body: Body) -> None:
        """The same statements; guards are operations, for they have held already."""
        for item in items:
            if isinstance(item, Line):
                self._line(item, body)
            elif isinstance(item, Frame) and item.count is not None:
                inner = body.inside(item.count, item.again)
                self.items(item.parts[0], item.inside(axes), inner)
                body.close(inner)
            elif isinstance(item, Frame):
                self._while(item, axes, body)

    def _line(self, line: Line, body: Body) -> None:
        if line.target.memory == OUTPUT:
            return
        depth = self.copies.depths[-1]
        if line.target.memory == VALUE and not self.copies.blocks.within(
            line.target, line.axes, depth
        ):
            return  # one more term of a sum that is not of this round
        body.source = line.source
        target, *reads = (self._at(a, line.axes) for a in (line.target, *line.operands))
        if line.kind is Accumulate:
            body.add_to(target, reads[0])
        else:
            body.assign(target, line.row, tuple(reads))

    def _at(self, address: Address, axes: Axes) -> Address:
        if address.memory in self.names:
            found = self.copies.here(address, axes, self.turned)
            return replace(found, memory=self.names[address.memory])
        return self.copies.value(address, axes, self.turned)

    def _while(self, frame: Frame, axes: Axes, body: Body) -> None:
        assert frame.condition is not None
        self.names[frame.local] = body.space.local(frame.local)
        parts = []
        for number, part in enumerate(frame.parts):
            inner = body.inside(1)
            self.items(part, frame.inside(axes, number), inner)
            parts.append(tuple(inner.statements))
        condition = self._at(frame.condition, frame.inside(axes, TEST))
        first, test, main, last = parts
        body.statements.append(While(self.names[frame.local], first, test, condition, main, last))
