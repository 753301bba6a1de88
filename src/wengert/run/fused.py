"""Loops that read what another loop has written, in the rounds in which that writes it.

The derivative of a sum runs over the same numbers as the sum, once more and from the end. Where
nothing that a round of it needs comes of a later round of the sum, both are one loop: what it reads
is there still, in registers, and nothing has to be kept in memory. For that a loop is turned round,
if only sums depend on the order of its rounds, and what stands between the two is moved.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

from wengert.program.address import CONSTANT, INPUT, OUTPUT, VALUE, Address, Lookup
from wengert.program.dependence import (
    Level,
    Site,
    in_any_rounds,
    in_one_round,
    is_sum,
    layout,
    leaves,
    same_round,
    sites_of,
)
from wengert.program.equation import solvable
from wengert.program.program import Program
from wengert.program.statements import Loop, Plain, Run, Statement, While, changed, parts
from wengert.program.storage import Storage, Storing
from wengert.run.carried import carried
from wengert.run.components import components
from wengert.run.parallel import LANES, parallel
from wengert.run.place import SPACIOUS, kept_for

STATEMENTS = 256  # of a round of both loops
MOST = 1000  # statements of a program that is looked at
NEAR = 24  # statements and loops between the two


class Touched(NamedTuple):
    """How a statement reads or writes.

    Args:
        site: the statement.
        address: through which it does.
        writes: whether it writes.
        place: the values that are kept with these, or another memory: nothing else can be meant.
    """

    site: Site
    address: Address
    writes: bool
    place: Site | str


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
    one = _with(known.program, pair, both, *sides)
    return _side_by_side(one, both, pair.touched(known.storing))


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
            self._lanes[level] = _are_lanes(level, self.kept, self.program)
        return self._lanes[level]


def _are_lanes(level: Level, kept: Storage, program: Program) -> bool:
    return parallel(level, kept, carried(level, kept), program.constants) is not None


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

    def touched(self, storing: Storing) -> list[Touched]:
        """How all statements of both read and write, in order."""
        return [*_touched((*self.first.sites(), *self.then.sites()), storing)]

    def one_loop(self, storing: Storing) -> Loop | None:
        """A loop that does both; None if a round needs what comes in a later one."""
        first, then = self.loops
        before = [*_touched(self.first.sites(), storing)]
        after = [*_touched(self.then.sites(), storing)]
        for turns in (False, True):
            if turns and not self._may_turn(after):
                return None
            again = after
            if turns:
                again = [each._replace(address=self._turned(each.address)) for each in after]
            if not any(self._too_late(one, other) for one, other in _meeting(before, again)):
                body = [changed(each, self._turned) if turns else each for each in _plain(then)]
                return replace(first, body=(*first.body, *body))
        return None

    def _turned(self, address: Address) -> Address:
        """With the rounds of the innermost loop counted from the last one."""
        far = self.count - 1
        base, strides = _turned(address.base, address.strides, far)
        lookup = address.lookup
        if lookup:
            lookup = Lookup(*_turned(lookup.start, lookup.strides, far))
        return Address(address.memory, base, strides, lookup)

    def _may_turn(self, touched: Sequence[Touched]) -> bool:
        """Whether rounds of the second loop depend on earlier ones by sums alone."""
        depth = self.then.depth
        return not any(
            a.address.lookup
            or b.address.lookup
            or leaves(a.site, a.address, b.site, b.address, depth)
            for a, b in _meeting(touched, touched)
        )

    def _too_late(self, one: Touched, other: Touched) -> bool:
        """Whether the first loop may touch a place in a later round than the second one does."""
        a, b = one.address, other.address
        if a.lookup or b.lookup:
            return True
        if not in_any_rounds(one.site, a, other.site, b, self.first.depth):
            return False
        pairs = [*zip(a.strides, b.strides, one.site.counts, strict=True)]
        (s, t, count), around = pairs.pop(), pairs
        terms = [(u - v, n - 1) for u, v, n in around]
        terms += [(s - t, count - 2), (s, count - 2)]  # rounds k + 1 + e, and k
        return solvable(terms, b.base - a.base - s)


def _turned(base: int, strides: Sequence[int], far: int) -> tuple[int, tuple[int, ...]]:
    return base + strides[-1] * far, (*strides[:-1], -strides[-1])


def _plain(loop: Loop) -> Iterator[Plain]:
    for each in loop.body:
        assert not isinstance(each, Loop | While | Run)
        yield each


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
        a.address.lookup or b.address.lookup or in_one_round(a.site, a.address, b.site, b.address)
        for a, b in _meeting([*_touched(sites, storing)], [*_touched(after, storing)])
    )


def _touched(sites: Iterable[Site], storing: Storing) -> Iterator[Touched]:
    """What is read and written of what is written at all."""
    for site in sites:
        for address in site.reads:
            if address.memory not in (INPUT, CONSTANT):
                met = storing.met.get((site, address))
                place = storing.kept_with(met[0]) if met else address.memory
                yield Touched(site, address, False, place)
        if site.target:
            is_result = site.target.memory == OUTPUT
            place = OUTPUT if is_result else storing.kept_with(site)
            yield Touched(site, site.target, True, place)


def _meeting(
    ones: Sequence[Touched], others: Sequence[Touched]
) -> Iterator[tuple[Touched, Touched]]:
    """Those of which the order would matter in which they touch one place."""
    by_place: dict[Site | str, list[Touched]] = {}
    for other in others:
        by_place.setdefault(other.place, []).append(other)
    for one in ones:
        for other in by_place.get(one.place, ()):
            if (one.writes or other.writes) and not (_adds(one) and _adds(other)):
                yield one, other


def _adds(touched: Touched) -> bool:
    """Whether a sum is read or written, to which something is added."""
    return is_sum(touched.site) and touched.address == touched.site.target


# --- the program ----------------------------------------------------------------------------------


def _with(
    program: Program, pair: _Pair, both: Loop,
    before: Sequence[Site | Level], behind: Sequence[Site | Level],
) -> Program:  # fmt: skip
    """The program with one loop instead of the two."""
    new: list[Statement] = [*map(_statement, before), both, *map(_statement, behind)]
    left_out = {id(_statement(item)) for item in (*before, *behind)} | {id(pair.loops[0])}

    def written(statements: Iterable[Statement]) -> Iterator[Statement]:
        for each in statements:
            if each is pair.loops[1]:
                yield from new
            elif isinstance(each, Loop):
                if id(each) not in left_out:
                    yield replace(each, body=tuple(written(each.body)))
            elif isinstance(each, While):
                first, test, body, last = (tuple(written(part)) for part in parts(each))
                yield replace(each, first=first, test=test, body=body, last=last)
            elif id(each) not in left_out:
                yield each

    return replace(program, statements=tuple(written(program.statements)))


def _statement(item: Site | Level) -> Statement:
    return item.loop if isinstance(item, Level) else item.statement


def _side_by_side(program: Program, both: Loop, touched: Sequence[Touched]) -> Program | None:
    """The program with the statements of a loop sorted, if its rounds can be lanes.

    Args:
        program: the program.
        both: the loop.
        touched: how its statements read and write, of which some were in another loop.
    """
    body = tuple(_sorted(_level(layout(program).tree, both), touched))
    better = replace(both, body=body)
    program = replace(program, statements=tuple(_instead(program.statements, both, better)))
    kept = kept_for(Storing(program), SPACIOUS)
    return program if _are_lanes(_level(kept.layout.tree, better), kept, program) else None


def _sorted(level: Level, touched: Sequence[Touched]) -> Iterator[Statement]:
    """The statements of a loop; what adds to a place in an earlier round stands first."""
    sites = [*level.sites()]
    now = [*_as_they_are(sites, touched)]
    edges = [
        (a.site, b.site)
        for a, b in _meeting(now, now)
        if a.site.number < b.site.number and same_round(a.address, b.address, a.site.counts)
    ]
    adding = [each for each in now if each.writes and _adds(each) and not each.address.lookup]
    edges += [
        (a.site, b.site)
        for a in adding
        for b in adding
        if a is not b
        and a.place == b.place
        and leaves(a.site, a.address, b.site, b.address, level.depth)
    ]
    parts = components(sites, edges)
    order = sites if len(parts) < len(sites) else (site for (site,) in parts)
    for site in order:
        assert not isinstance(site.statement, While)
        yield site.statement


def _as_they_are(sites: Sequence[Site], touched: Sequence[Touched]) -> Iterator[Touched]:
    """The same of statements in one loop, in the same order, whose addresses may be turned."""
    before = iter(touched)
    for site in sites:
        for address in site.reads:
            if address.memory not in (INPUT, CONSTANT):
                yield next(before)._replace(site=site, address=address)
        assert site.target
        yield next(before)._replace(site=site, address=site.target)


def _level(tree: Iterable[Site | Level], loop: Loop) -> Level:
    waiting = [item for item in tree if isinstance(item, Level)]
    for level in waiting:
        if level.loop is loop:
            return level
        waiting += [item for part in level.parts for item in part if isinstance(item, Level)]
    raise LookupError(loop)


def _instead(statements: Iterable[Statement], loop: Loop, other: Loop) -> Iterator[Statement]:
    """The statements with another loop in the place of one."""
    for each in statements:
        if each is loop:
            yield other
        elif isinstance(each, Loop):
            yield replace(each, body=tuple(_instead(each.body, loop, other)))
        elif isinstance(each, While):
            first, test, body, last = (tuple(_instead(part, loop, other)) for part in parts(each))
            yield replace(each, first=first, test=test, body=body, last=last)
        else:
            yield each
