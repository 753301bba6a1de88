"""Where the rounds of a loop go that was recorded once, and the loops that do them.

What a round leaves for the next one are its last places, and the cells stand in front of the first
round, so rounds that follow each other find what is carried at one distance. Where reverse mode is
to keep little, rounds are done in segments of some length. Between segments there are cells too,
in a row of their own. A segment begins with a copy of its cells and ends with the next ones, so it
reads nothing else of the segment before: only the cells are kept, and the rounds of one segment at
a time are computed again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, sqrt
from typing import Any

from wengert.dispatch import describe
from wengert.errors import OperandError
from wengert.program.address import VALUE, Address, Lookup
from wengert.program.rewrite import Counts, Strides, deeper, rewritten
from wengert.program.statements import Assign, Loop, Statement

SQRT = "sqrt"

Checkpoint = str | int | None
"""How many rounds of a loop reverse mode keeps the values of at a time."""


def rounds_kept(checkpoint: Any, count: int, others: str = "") -> int | None:
    """How many rounds a segment has, by what the user said; None for no segments.

    Args:
        checkpoint: what they said.
        count: how many rounds there are.
        others: what else they might have said, for the message.

    Raises:
        OperandError: it is neither "sqrt" nor a number of rounds.
    """
    if checkpoint is None:
        return None
    if checkpoint == SQRT and isinstance(checkpoint, str):
        return ceil(sqrt(count)) or 1
    if isinstance(checkpoint, int) and not isinstance(checkpoint, bool) and checkpoint > 0:
        return checkpoint
    raise OperandError(
        f'checkpoint= is {others}"sqrt", a positive number of rounds to be kept at a time, or '
        f"None, not {describe(checkpoint)}."
    )


@dataclass(frozen=True)
class Rounds:
    """The rounds of a recorded body.

    Args:
        low: the place of the first cell.
        cells: how many there are.
        width: how many places a round takes.
        count: how many rounds there are.
        length: how many there are in a segment; None where there are no segments.
    """

    low: int
    cells: int
    width: int
    count: int
    length: int | None = None

    @property
    def segments(self) -> int:
        """How many whole segments there are."""
        return self.count // self.length if self.length else 0

    @property
    def left(self) -> int:
        """How many rounds there are behind the segments."""
        return self.count - self.segments * (self.length or 0)

    @property
    def places(self) -> int:
        """How many places there are in all, but for the first cells."""
        return self._shift(self.segments) + self.width * self.left

    def place(self, place: int, k: int) -> int:
        """What a place of the first round, as it was recorded, is in round number k."""
        segment, within = self.segments, k - (self.count - self.left)
        if within < 0 and self.length:
            segment, within = divmod(k, self.length)
        return place + self._shift(segment) + self.width * within

    @property
    def last(self) -> int:
        """The place of the first of the last cells."""
        if self.left or not self.segments:
            return self.place(self.low, self.count)
        return self.low + self.cells * self.segments

    def _shift(self, segment: int) -> int:
        """By how much the rounds of a segment are moved; of that behind the last, those left."""
        if not self.segments:
            return 0
        row = self.cells * (self.segments + 1)
        return row + (self.cells + self.width * (self.length or 0)) * segment

    def loops(self, body: Sequence[Statement], elements: Sequence[Address]) -> Iterator[Loop]:
        """The loops.

        Args:
            body: the first round as it was recorded, which begins with a move for each element.
            elements: where these come from, with one counter for all rounds.
        """
        if self.segments:
            yield self._segmented(body, elements)
        if self.left:
            done, shift = self.count - self.left, self._shift(self.segments)
            if done and self.cells:
                yield self._copied(shift, self.cells * self.segments, ())
            found = self._moved(body, shift, (self.width,))
            yield Loop(self.left, _fed(found, [_later(each, done) for each in elements]))

    def _segmented(self, body: Sequence[Statement], elements: Sequence[Address]) -> Loop:
        assert self.length
        shift, step = self._shift(0), self._shift(1) - self._shift(0)
        found = self._moved(body, shift, (step, self.width))
        rounds = Loop(self.length, _fed(found, [_nested(each, self.length) for each in elements]))
        if not self.cells:
            return Loop(self.segments, (rounds,), again=True)
        first = self._copied(shift, 0, ((step, self.cells),))
        end = shift + self.width * self.length
        last = self._copied(self.cells, end, ((self.cells, step),))
        return Loop(self.segments, (first, rounds, last), again=True)

    def _copied(self, target: int, source: int, steps: Sequence[tuple[int, int]]) -> Loop:
        """The loop that copies all cells, in loops that move targets and sources by these steps."""
        to, of = (tuple(each) for each in zip(*steps, (1, 1), strict=True))
        read = Address(VALUE, self.low + source, of)
        return Loop(self.cells, (Assign(Address(VALUE, self.low + target, to), None, (read,)),))

    def _moved(
        self, body: Sequence[Statement], shift: int, strides: Sequence[int]
    ) -> list[Statement]:
        """The body in further loops, which move its own places and the cells."""

        def inside(
            memory: str, base: int, own: Strides, lookup: Lookup | None, _: Counts
        ) -> Address:
            moving = memory == VALUE and base >= self.low
            found = Address(memory, base + shift * moving, own, lookup)
            for stride in reversed(strides):
                found = deeper(
                    memory, found.base, found.strides, found.lookup, stride if moving else 0
                )
            return found

        return list(rewritten(body, inside))


def _fed(body: list[Statement], elements: Sequence[Address]) -> tuple[Statement, ...]:
    """The body with other addresses that its first moves read."""
    moves = body[: len(elements)]
    fed = [
        replace(move, operands=(source,))
        for move, source in zip(moves, elements, strict=True) if isinstance(move, Assign)
    ]  # fmt: skip
    return (*fed, *body[len(elements) :])


def _nested(address: Address, length: int) -> Address:
    """An address with one counter as one with two, of which the inner one ends at a length."""
    lookup = address.lookup
    if lookup:
        lookup = Lookup(lookup.start, (lookup.strides[0] * length, *lookup.strides))
    return replace(
        address, strides=(address.strides[0] * length, *address.strides), lookup=lookup
    )  # fmt: skip


def _later(address: Address, rounds: int) -> Address:
    """An address as it is so many rounds later."""
    lookup = address.lookup
    if lookup:
        lookup = replace(lookup, start=lookup.start + lookup.strides[0] * rounds)
    return replace(address, base=address.base + address.strides[0] * rounds, lookup=lookup)
