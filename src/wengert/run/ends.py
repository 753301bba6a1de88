"""What a loop leaves at its end, moved to a place of its own.

Of a running sum, all but the end is often of no use behind the loop. Then the end is moved out, and
what the rounds leave to each other lives no longer than the loop: it can be a variable, and needs
no memory for each round of all loops around.
"""

from collections.abc import Iterator
from dataclasses import replace

from wengert.program.address import VALUE, Address
from wengert.program.dependence import Level, Site, is_sum
from wengert.program.program import Program
from wengert.program.rewrite import Counts, Strides, rewritten
from wengert.program.statements import Assign, Loop, Run, Statement, While
from wengert.program.storage import Storing
from wengert.run.digits import GAP, Moved, Numbered, groups, relocated

ROUNDS = 8  # of a loop for which it pays


def with_ends_apart(program: Program) -> Program:
    """The same program; itself if nothing is to be moved."""
    moving = _Moving(program)
    moving.find()
    return moving.written() if moving.ends else program


class _Moving:
    """One program.

    Attributes:
        ends: the moves that come behind loops.
        moved: by the statement that reads it, where such an end is now.
    """

    def __init__(self, program: Program) -> None:
        self.program, self.storing = program, Storing(program)
        self.ends: dict[Level, list[Assign]] = {}
        self.moved: dict[Site, Moved] = {}
        self.values = program.values

    def find(self) -> None:
        """Find the ends."""
        storing = self.storing
        writers: dict[Site, list[Site]] = {}
        for site in storing.targets.sites:
            writers.setdefault(storing.kept_with(site), []).append(site)
        readers: dict[Site, list[tuple[Site, Address]]] = {}
        for read, met in storing.met.items():
            readers.setdefault(storing.kept_with(met[0]), []).append(read)
        for leader, addresses in groups(storing).items():
            chain = _chain(writers[leader])
            if chain is None:
                continue
            level = chain.levels[-1]
            behind = [
                (reader, address) for reader, address in readers.get(leader, ())
                if not level.start <= reader.number < level.stop
            ]  # fmt: skip
            if behind and (numbered := Numbered.of(addresses, storing.table)):
                self._move(chain, behind, numbered)

    def _move(self, chain: Site, behind: list[tuple[Site, Address]], numbered: Numbered) -> None:
        """Move the ends of a chain, if they are all that is read behind it."""
        target = chain.target
        assert target is not None
        count = chain.counts[-1]
        last = replace(
            target, base=target.base + target.strides[-1] * (count - 1),
            strides=target.strides[:-1],
        )  # fmt: skip
        found, step = numbered.digits(last), numbered.digits(target)
        assert found
        assert step
        if any(step[1][-1][:-1]) or any(digits[-1] for digits in found[1]):
            return  # another digit moves with the rounds, or this one with other loops
        for reader, address in behind:
            if any(writer is not chain for writer in self.storing.met[reader, address]):
                return  # it reads on where other statements write
            reach = numbered.reach(address, reader.counts)
            assert reach
            if not reach.low[-1] == reach.high[-1] == found[0][-1]:
                return
        digits = len(numbered.counts) - 1

        def there(address: Address) -> tuple[int, Strides]:
            return numbered.moved(address, self.values, digits)

        end = Assign(Address(VALUE, *there(last)), None, (last,))
        self.ends.setdefault(chain.levels[-1], []).append(end)
        for reader, address in behind:
            moved = self.moved.setdefault(reader, {})
            moved[address.base, address.strides, reader.counts] = there(address)
        self.values += numbered.size // numbered.counts[-1] + GAP

    # --- statements -------------------------------------------------------------------------------

    def written(self) -> Program:
        """The program with the moves."""
        statements = [s for item in self.storing.layout.tree for s in self._with_ends(item, ())]
        return replace(self.program, statements=tuple(statements), values=self.values)

    def _with_ends(self, item: Site | Level, counts: Counts) -> Iterator[Statement]:
        if isinstance(item, Level) and isinstance(item.loop, Loop):
            below = (*counts, item.loop.count)
            body = (each for part in item.parts[0] for each in self._with_ends(part, below))
            yield replace(item.loop, body=tuple(body))
            yield from self.ends.get(item, ())
            return
        statement = item.loop if isinstance(item, Level) else item.statement
        assert isinstance(item, Level) or not isinstance(statement, While)
        if isinstance(statement, Run):
            yield statement
        else:
            sites = [item] if isinstance(item, Site) else [*item.sites()]
            moved: Moved = {}
            for site in sites:
                moved.update(self.moved.get(site, {}))
            yield from rewritten([statement], relocated(moved), counts)


def _chain(writers: list[Site]) -> Site | None:
    """The statement that leaves something to its own next rounds, if one of these does."""
    if any(map(is_sum, writers)):
        return None
    for site in writers:
        if site.levels and site.counts[-1] >= ROUNDS and isinstance(site.levels[-1].loop, Loop):
            level = site.levels[-1]
            if all(other is site or level not in other.levels for other in writers):
                return site
    return None
