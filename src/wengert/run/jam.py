"""Unroll and jam: some rounds of an outer loop go through its inner loops together.

A loop of a matrix product reads a row that the next round of the loop around it reads again. Where
those rounds do not wait for each other, several of them go through the inner loop side by side, and
what they have in common is read once, as in the kernels of a BLAS. What else stands in the outer
loop is done for one of these rounds after the other. Sums may be added to in another order.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from wengert.program.address import OUTPUT, Address, Lookup
from wengert.program.dependence import Level, Site, carriers, is_sum, sites_of, size_of
from wengert.program.program import Program
from wengert.program.rewrite import Change, Counts, Strides, rewritten
from wengert.program.statements import Loop, Statement, While
from wengert.program.storage import Storing

LONG = 16  # rounds of an inner loop that is worth it
WORTH = 10_000  # and rounds of it, in all rounds of the loops around
ROUNDS = 4, 3, 2  # of one loop that can be one
MOST = 8  # rounds of all loops around that are in a round of an inner loop
STATEMENTS = 32  # of a round of an inner loop then
WRITTEN = 64  # statements that are written out rather than in a loop


def jammed(program: Program) -> Program:
    """The same program; itself if there is nothing to be gained."""
    storing = Storing(program)
    jamming = _Jamming(storing)
    for item in storing.layout.tree:
        jamming.decide(item, MOST)
    if not jamming.rounds:
        return program
    statements = [s for item in storing.layout.tree for s in jamming.written(item)]
    return replace(program, statements=tuple(statements))


class _Jamming:
    """One program.

    Attributes:
        rounds: of each loop of which several rounds become one, how many.
        hot: the loops that they go through together.
    """

    def __init__(self, storing: Storing) -> None:
        self.storing = storing
        self.rounds: dict[Level, int] = {}
        self.hot: set[Level] = set()

    # --- which loops ------------------------------------------------------------------------------

    def decide(self, item: Site | Level, room: int) -> None:
        """Find the loops of which up to so many rounds are to be one."""
        if isinstance(item, Site) or isinstance(item.loop, While):
            return
        below = [each for each in item.parts[0] if isinstance(each, Level)]
        hot = [each for each in below if _gains(each, item.depth)]
        if hot and not any(isinstance(each.loop, While) for each in _levels(item)):
            statements = max(_size(each) for level in hot for each in _innermost(level))
            rounds = _rounds(item.loop.count, min(room, STATEMENTS // statements))
            if rounds > 1 and self._may_be_one(item, hot):
                self.rounds[item] = rounds
                self.hot.update(hot)
                room //= rounds
        for each in below:
            self.decide(each, room)

    def _may_be_one(self, level: Level, hot: Sequence[Level]) -> bool:
        """Whether rounds of a loop can be done together: in order but for the hot loops in it."""
        group = {
            site: number
            for number, (_, items) in enumerate(_groups(level.parts[0], hot))
            for site in sites_of(items)
        }
        together = {site for each in hot for site in each.sites()}
        if any(address.memory == OUTPUT for site in group for address in site.reads):
            return False
        for (reader, address), met in self.storing.met.items():
            if reader not in group:
                continue
            for writer in met:
                if writer not in group or group[writer] < group[reader]:
                    continue
                if group[writer] == group[reader] and reader not in together:
                    continue
                if is_sum(writer) and is_sum(reader) and address == reader.target:
                    continue
                found = carriers(writer, address, reader, level.depth, self.storing.table)
                if level.depth in found:
                    return False
        return True

    # --- statements -------------------------------------------------------------------------------

    def written(self, item: Site | Level) -> Iterator[Statement]:
        """What a statement or a loop becomes."""
        if isinstance(item, Site):
            assert not isinstance(item.statement, While)
            yield item.statement
        elif isinstance(item.loop, While):
            yield item.loop
        elif item not in self.rounds:
            body = (statement for each in item.parts[0] for statement in self.written(each))
            yield replace(item.loop, body=tuple(body))
        else:
            yield from self._together(item, item.loop, _Rounds(item.depth, self.rounds[item]))

    def _together(self, level: Level, loop: Loop, rounds: "_Rounds") -> Iterator[Statement]:
        body: list[Statement] = []
        each: list[Statement] = []
        for is_hot, items in _groups(level.parts[0], self.hot):
            statements = [statement for item in items for statement in self.written(item)]
            each += statements
            if is_hot:
                body += [together for s in statements for together in rounds.together(s)]
            else:
                body += rounds.in_turn(statements)
        whole, rest = divmod(loop.count, rounds.count)
        yield Loop(whole, tuple(body))
        if rest:
            yield Loop(rest, tuple(rounds.from_on(whole * rounds.count, each)))


def _gains(level: Level, depth: int) -> bool:
    """Whether loops in a loop, or itself, read the same in all rounds of the loop at a depth."""
    return any(
        site.counts[-1] >= LONG
        and size_of(site.counts) >= WORTH
        and any(
            not address.lookup and not address.strides[depth] and address.strides[-1]
            for address in site.reads
        )
        for inner in _innermost(level)
        for site in inner.sites()
    )


def _innermost(level: Level) -> Iterator[Level]:
    """The loops in a loop that have none in them; itself if it is one."""
    return (each for each in _levels(level) if _size(each) == len([*each.sites()]))


def _rounds(count: int, room: int) -> int:
    """How many rounds of a loop are to be one."""
    possible = [k for k in ROUNDS if k <= min(room, count)]
    return next((k for k in possible if count % k == 0), max(possible, default=1))


def _levels(level: Level) -> Iterator[Level]:
    """A loop and all loops in it."""
    yield level
    for part in level.parts:
        for item in part:
            if isinstance(item, Level):
                yield from _levels(item)


def _size(level: Level) -> int:
    """How many statements stand in a loop itself."""
    return sum(isinstance(item, Site) for part in level.parts for item in part)


def _groups(
    items: Iterable[Site | Level], hot: Iterable[Level]
) -> Iterator[tuple[bool, list[Site | Level]]]:
    """What stands in a loop: hot loops one by one, and what stands between them, together."""
    hot = set(hot)
    for is_hot, together in groupby(items, key=hot.__contains__):
        if is_hot:
            yield from ((True, [item]) for item in together)
        else:
            yield False, [*together]


@dataclass(frozen=True)
class _Rounds:
    """So many rounds of the loop at a depth that become one, and how addresses move then."""

    depth: int
    count: int

    def together(self, statement: Statement) -> Iterator[Statement]:
        """Rounds side by side: each statement for all of them, in the loops in which it stands."""
        if isinstance(statement, Loop):
            body = [each for inner in statement.body for each in self.together(inner)]
            yield replace(statement, body=tuple(body))
        else:
            for k in range(self.count):
                yield from self._round(k, [statement])

    def in_turn(self, statements: Sequence[Statement]) -> Iterator[Statement]:
        """One round after the other."""
        plain = not any(isinstance(each, Loop) for each in statements)
        if plain and len(statements) * self.count <= WRITTEN:
            for k in range(self.count):
                yield from self._round(k, statements)
        else:
            split = self._moved(lambda stride: (0, (stride * self.count, stride)))
            yield Loop(self.count, tuple(rewritten(statements, split)))

    def from_on(self, first: int, statements: Sequence[Statement]) -> Iterator[Statement]:
        """Statements in a loop that begins with a later round."""
        return rewritten(statements, self._moved(lambda stride: (stride * first, (stride,))))

    def _round(self, k: int, statements: Sequence[Statement]) -> Iterator[Statement]:
        """Statements in one of the rounds."""
        this = self._moved(lambda stride: (stride * k, (stride * self.count,)))
        return rewritten(statements, this)

    def _moved(self, split: Callable[[int], tuple[int, Strides]]) -> Change:
        """How an address moves whose stride at this depth is split into others, and a start."""

        def there(base: int, strides: Strides) -> tuple[int, Strides]:
            start, instead = split(strides[self.depth])
            return base + start, (*strides[: self.depth], *instead, *strides[self.depth + 1 :])

        def change(
            memory: str, base: int, strides: Strides, lookup: Lookup | None, counts: Counts
        ) -> Address:
            lookup = lookup and Lookup(*there(lookup.start, lookup.strides))
            return Address(memory, *there(base, strides), lookup)

        return change
