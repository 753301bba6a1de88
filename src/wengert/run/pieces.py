"""The pieces in which a list is computed: straight ones, and groups of equal functions.

Compilers take more than linear time on long functions, so straight pieces are of bounded size. A
function like tanh is some fifty instructions that want most of the registers: several of them which
do not need each other are one piece, a loop whose body stands once. That compiles in a fraction of
the time, and nothing is spilled.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from wengert.dispatch import Primitive
from wengert.run.unrolled import Operand, Unrolled

PART = 400  # operations of a straight piece
WINDOW = 3 * PART  # operations whose order may change, so that few values wait for each other
MANY = 4  # functions from which on they are a loop


@dataclass(frozen=True)
class Piece:
    """Operations that are computed one after the other, or by a loop over them.

    Args:
        operations: their numbers.
        row: what all of them are, if they are a group.
    """

    operations: Sequence[int]
    row: Primitive | None = None


def pieces(
    unrolled: Unrolled, live: Sequence[int], is_long: Callable[[Primitive], bool]
) -> list[Piece]:
    """The pieces of a list; in front of each group and behind it is a straight one.

    Args:
        unrolled: the list.
        live: the operations that are needed, in order.
        is_long: whether a row takes many instructions.
    """
    found: list[Piece] = []
    straight: list[int] = []

    def end() -> None:
        starts = range(0, max(len(straight), 1), PART)
        found.extend(Piece(straight[k : k + PART]) for k in starts)
        straight.clear()

    for start in range(0, len(live), WINDOW):
        for piece in _grouped(unrolled, live[start : start + WINDOW], is_long):
            if piece.row:
                end()
                found.append(piece)
            else:
                straight.extend(piece.operations)
    end()
    return found


def _grouped(
    unrolled: Unrolled, some: Sequence[int], is_long: Callable[[Primitive], bool]
) -> Iterator[Piece]:
    """Operations ordered by how many long ones come before them, equal ones together."""
    depths: dict[Operand, int] = {}
    for k in some:
        row, operands = unrolled.operations[k]
        depths[k] = max((depths.get(x, 0) for x in operands), default=0) + is_long(row)
    sizes = Counter((depths[k], row) for k in some if is_long(row := unrolled.operations[k][0]))
    groups = {kind: list[int]() for kind, size in sizes.items() if size >= MANY}
    if not groups:
        yield Piece(some)
        return
    straight: list[list[int]] = [[] for _ in range(max(depths.values()) + 1)]
    for k in some:
        kind = depths[k], unrolled.operations[k][0]
        groups.get(kind, straight[depths[k]]).append(k)
    for depth, operations in enumerate(straight):
        for (at, row), members in groups.items():
            if at == depth:
                yield Piece(members, row)
        yield Piece(operations)
