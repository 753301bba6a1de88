"""Where statements write, and which constants they read, when the printed form does not say it.

Record order: each writes one place behind the one before, and an iteration of a loop writes behind
the iteration before. The printer leaves out what follows from that, and the parser fills it in.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from wengert.program.address import VALUE


@dataclass(slots=True, eq=False)
class Place:
    """A place that a statement uses: where record order has it, and where it is said to be."""

    memory: str
    base: int | None = None  # as stated
    moves: bool = True  # whether record order goes on behind it; not where it is looked up
    expected: int = 0  # as record order has it
    strides: tuple[int, ...] = ()  # the same


@dataclass(slots=True, eq=False)
class Stretch:
    """Places one behind the other."""

    memory: str
    base: int
    end: int
    expected: int = 0


@dataclass(slots=True, eq=False)
class Block:
    """A loop around places.

    Args:
        count: how often it runs.
        inside: what stands in it.
        by: how many values apart its iterations are, as stated.
        local: the memory of a loop that has its own.
    """

    count: int
    inside: list["Place | Stretch | Block"]
    by: int | None = None
    local: str = ""
    steps: dict[str, int] = field(default_factory=dict)  # as it is, by memory


Placed = Place | Stretch | Block


def settle(places: Sequence[Placed]) -> dict[str, int]:
    """Find out where record order has every place; per memory, where it ends."""
    order = _Order()
    order.run(places)
    _strides(places, ())
    return order.next


class _Order:
    def __init__(self) -> None:
        self.next: dict[str, int] = {}
        self.first: dict[str, int] = {}  # in the innermost loop

    def run(self, places: Iterable[Placed]) -> None:
        for place in places:
            if isinstance(place, Block):
                self._block(place)
                continue
            place.expected = self.next.get(place.memory, 0)
            base = place.expected if place.base is None else place.base
            if isinstance(place, Stretch) or place.moves:
                self.first.setdefault(place.memory, base)
                self.next[place.memory] = place.end if isinstance(place, Stretch) else base + 1

    def _block(self, block: Block) -> None:
        outside, self.first = self.first, {}
        self.run(block.inside)
        steps = {memory: self.next[memory] - at for memory, at in self.first.items()}
        stated = block.local or VALUE
        if block.by is not None:
            steps[stated] = block.by
        if block.local:
            block.steps = {m: step for m, step in steps.items() if m == block.local}
            self.next.pop(block.local, None)
            self.first.pop(block.local, None)
        else:
            block.steps = steps
            for memory, at in self.first.items():
                self.next[memory] = at + block.count * steps[memory]
        self.first = self.first | outside


def _strides(places: Iterable[Placed], around: tuple[Block, ...]) -> None:
    for place in places:
        if isinstance(place, Block):
            _strides(place.inside, (*around, place))
        elif isinstance(place, Place):
            place.strides = tuple(block.steps.get(place.memory, 0) for block in around)
