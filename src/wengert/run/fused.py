"""Loops that read what another loop has written, in the rounds in which that writes it.

The derivative of a sum runs over the same numbers as the sum, once more and from the end. Where
nothing that a round of it needs comes of a later round of the sum, both are one loop: what it reads
is there still, in registers, and nothing has to be kept in memory. For that a loop is turned round,
if only sums depend on the order of its rounds, and what stands between the two is moved.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import permutations

from wengert.program.address import VALUE, Address, Lookup
from wengert.program.dependence import Level, Site, layout, leaves, same_round, sites_of
from wengert.program.program import Program
from wengert.program.rewrite import with_instead
from wengert.program.statements import Loop, Plain, Run, Statement, While, changed
from wengert.program.storage import Storage, Storing
from wengert.run.carried import carried
from wengert.run.components import components
from wengert.run.parallel import LANES, parallel
from wengert.run.place import SPACIOUS, kept_for
from wengert.run.touched import Touched, in_one_round, meeting, touched

STATEMENTS = 256  # of a round of both loops
MOST = 1000  # statements of a program that is looked at
NEAR = 24  # statements and loops between the two

Change = Callable[[Address], Address]


def fused(program: Program) -> Program:
    """The same program; itself if no loops are to be one.

    Sums may be added to in another order.
    """
    if program.size > MOST:
        return program
    refused: set[tuple[Loop, Loop]] = set()
    while found := _once(program, refused):
        program = found
    return program


def _once(program: Program, refused: set[tuple[Loop, Loop]]) -> Program | None:
    """A program with two loops less and one more; None if there are no more to be found."""
    known = _Known(program)
    for siblings in _siblings(known.layout.tree):
        for last, then in enumerate(siblings):
            for first in range(last - 1, max(last - NEAR, 0) - 1, -1):
                pair = _Pair.of(siblings[first], then)
                if pair is None or pair.loops in refused:
                    continue
                found = _joined(known, pair, siblings[first + 1 : last])
                if found:
                    return found
                refused.add(pair.loops)
    return None


def _joined(known: "_Known", pair: "_Pair", between: Sequence[Site | Level]) -> Program | None:
    """The program with one loop instead of a pair; None if that cannot be, or is no gain."""
    if not (known.are_lanes(pair.first) and known.are_lanes(pair.then)):
        return None
    both = pair.one_loop(known.storing)
    sides = both and _aside(pair, between, known.storing)
    if not (both and sides):
        return None
    before, behind = ([*map(_statement, items)] for items in sides)
    instead: dict[int, Sequence[Statement]] = {id(each): () for each in (*before, *behind)}
    instead |= {id(pair.loops[0]): (), id(pair.loops[1]): [*before, both, *behind]}
    statements = tuple(with_instead(known.program.statements, instead))
    found = _Known(replace(known.program, statements=statements))
    return found.program if found.are_lanes(_level(found.layout.tree, both)) else None


class _Known:
    """What is known of a program, as far as it was asked for."""

    def __init__(self, program: Program) -> None:
        self.program, self.layout = program, layout(program)
        self._lanes: dict[Level, bool] = {}

    @cached_property
    def storing(self) -> Storing:
        """What is read of what."""
        return Storing(self.program, self.layout)

    @cached_property
    def kept(self) -> Storage:
        """Where values are kept, as kernels of one example keep them."""
        return kept_for(self.storing, SPACIOUS)

    def are_lanes(self, level: Level) -> bool:
        """Whether the rounds of a loop can be lanes."""
        if level not in self._lanes:
            followed = carried(level, self.kept)
            found = parallel(level, self.kept, followed, self.program.constants)
            self._lanes[level] = found is not None
        return self._lanes[level]


def _level(tree: Sequence[Site | Level], loop: Loop) -> Level:
    """A loop where it stands."""
    items = (item for siblings in _siblings(tree) for item in siblings)
    return next(item for item in items if isinstance(item, Level) and item.loop is loop)


def _siblings(tree: Sequence[Site | Level]) -> Iterator[Sequence[Site | Level]]:
    yield tree
    for item in tree:
        if isinstance(item, Level):
            for part in item.parts:
                yield from _siblings(part)


# --- two loops ------------------------------------------------------------------------------------


class _Pair:
    """Two loops of as many rounds, with no loops in them."""

    def __init__(self, first: Level, then: Level) -> None:
        assert isinstance(first.loop, Loop)
        assert isinstance(then.loop, Loop)
        self.first, self.then = first, then
        self.loops = first.loop, then.loop
        self.count = first.loop.count

    @staticmethod
    def of(first: Site | Level, then: Site | Level) -> "_Pair | None":
        """The two, if they may be one loop as far as can be seen at once."""
        if isinstance(first, Site) or isinstance(then, Site):
            return None
        a, b = first.loop, then.loop
        if not (isinstance(a, Loop) and isinstance(b, Loop)) or a.count != b.count:
            return None
        if a.count < LANES or len(a.body) + len(b.body) > STATEMENTS:
            return None
        plain = not any(isinstance(each, Loop | While | Run) for each in (*a.body, *b.body))
        return _Pair(first, then) if plain and _reads(first, then) else None

    def one_loop(self, storing: Storing) -> Loop | None:
        """A loop that does both; None if a round needs what comes in a later one."""
        before = [*touched(self.first.sites(), storing)]
        after = [*touched(self.then.sites(), storing)]
        if not self._too_late(before, after):
            return self._with(before, after, _as_it_is)
        if self._may_turn(after):
            turned = [each._replace(address=self._turned(each.address)) for each in after]
            if not self._too_late(before, turned):
                return self._with(before, turned, self._turned)
        return None

    def _with(self, before: Sequence[Touched], after: Sequence[Touched], change: Change) -> Loop:
        """The loop of both; what adds to a place in an earlier round stands first."""
        sites = [*self.first.sites(), *self.then.sites()]
        both = [*before, *after]
        edges = [
            (a.site, b.site)
            for a, b in meeting(both, both)
            if a.site.number < b.site.number and same_round(a.address, b.address, a.site.counts)
        ]
        adding = [each for each in both if each.writes and each.adds]
        edges += [
            (a.site, b.site)
            for a, b in permutations(adding, 2)
            if a.place == b.place and self._later(a, b)
        ]
        parts = components(sites, edges)
        order = sites if len(parts) < len(sites) else [site for (site,) in parts]
        behind = {*self.then.sites()}
        body = (changed(_plain(s), change if s in behind else _as_it_is) for s in order)
        return replace(self.loops[0], body=tuple(body))

    def _turned(self, address: Address) -> Address:
        """With the rounds of the innermost loop counted from the last one."""
        far = self.count - 1
        base, strides = _turned(address.base, address.strides, far)
        lookup = address.lookup
        if lookup:
            lookup = Lookup(*_turned(lookup.start, lookup.strides, far))
        return Address(address.memory, base, strides, lookup)

    def _may_turn(self, ones: Sequence[Touched]) -> bool:
        """Whether rounds of the second loop depend on earlier ones by sums alone."""
        return not any(self._later(a, b) for a, b in meeting(ones, ones))

    def _too_late(self, before: Sequence[Touched], after: Sequence[Touched]) -> bool:
        """Whether the first loop may touch a place in a later round than the second one does."""
        return any(self._later(b, a) for a, b in meeting(before, after))

    def _later(self, a: Touched, b: Touched) -> bool:
        """Whether `b` may touch a place in a later round than `a`, all being one loop."""
        if a.address.lookup or b.address.lookup:
            return True
        return leaves(a.site, a.address, b.site, b.address, self.first.depth, as_one=True)


def _turned(base: int, strides: Sequence[int], far: int) -> tuple[int, tuple[int, ...]]:
    return base + strides[-1] * far, (*strides[:-1], -strides[-1])


def _plain(site: Site) -> Plain:
    assert not isinstance(site.statement, Run | While)
    return site.statement


def _as_it_is(address: Address) -> Address:
    return address


def _reads(first: Level, then: Level) -> bool:
    """Whether a loop may read what another one has written."""
    written = {(s.target.memory, abs(s.target.strides[-1])) for s in first.sites() if s.target}
    return any(
        address.memory == VALUE and (VALUE, abs(address.strides[-1])) in written
        for site in then.sites()
        for address in site.reads
    )


# --- what stands between --------------------------------------------------------------------------


def _aside(
    pair: _Pair, between: Sequence[Site | Level], storing: Storing
) -> tuple[list[Site | Level], list[Site | Level]] | None:
    """What stands between two loops, moved before or behind both; None if it has to stay."""
    before: list[Site | Level] = []
    behind: list[Site | Level] = []
    for item in between:
        if _is_free([pair.first, *behind], item, storing):
            before.append(item)
        elif _is_free([item], pair.then, storing):
            behind.append(item)
        else:
            return None
    return before, behind


def _is_free(firsts: Iterable[Site | Level], then: Site | Level, storing: Storing) -> bool:
    """Whether something may be done before all that stands before it."""
    after = [*sites_of([then])]
    sites = [*sites_of(firsts)]
    if any(site.target is None for site in (*sites, *after)):
        return False  # a straight stretch, or the condition of a while loop
    return not any(
        in_one_round(a, b)
        for a, b in meeting([*touched(sites, storing)], [*touched(after, storing)])
    )


def _statement(item: Site | Level) -> Statement:
    return item.loop if isinstance(item, Level) else item.statement
