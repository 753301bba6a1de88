"""In which order a program is run, and what of it as array operations.

A loop is *ordered* if its body is run as it stands in the text, one iteration after the other. The
statements of any other loop are taken apart: those that depend on each other from one iteration to
the next stay together in a loop, and each of the rest is one array operation over all iterations
(Allen and Kennedy, Automatic translation of Fortran programs to vector form, TOPLAS 9(4), 1987,
section 5). A loop that carries nothing is always made the innermost.
"""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from wengert.errors import ProgramError
from wengert.program.address import Address
from wengert.program.dependence import Level, Site, carriers, size_of
from wengert.program.program import Program
from wengert.program.statements import Accumulate, Assign, Loop
from wengert.program.storage import Storage, Storing

FEW = 32  # array operations on at most so many numbers are slower than one at a time
BUDGET = 1 << 24  # numbers kept; loops that need more are run in order, with windows
WHOLE = 1 << 20  # numbers that are kept whole, so as to save the modulo of a window
ROOM = 16  # how much longer a window is, so as to seldom end within an array operation


@dataclass(frozen=True)
class Each:
    """One statement, for all iterations of the loops in `over`."""

    site: Site
    over: tuple[int, ...]


@dataclass(frozen=True)
class Chain:
    """`s[k] = row(s[k-1], t[k])` along the loop at `depth`, for all iterations of those in `over`.

    `carried` is which operand s[k-1] is, and `function` the row's array value.
    """

    site: Site
    over: tuple[int, ...]
    depth: int
    carried: int
    function: np.ufunc


@dataclass(frozen=True)
class Carried:
    """A loop over what depends on its earlier iterations."""

    depth: int
    count: int
    body: tuple["Node", ...]


Node: TypeAlias = Each | Chain | Carried


@dataclass(frozen=True)
class Edge:
    """A site reads what another has written, in an earlier iteration of the loop at `level`.

    `level` is the number of their common loops where it was written in the same iteration.
    """

    writer: Site
    reader: Site
    address: Address
    level: int


@dataclass(frozen=True)
class Schedule:
    """How a program is run.

    Args:
        storage: where its values are kept.
        nests: what the outermost loops that are not ordered are made of.
    """

    storage: Storage
    nests: dict[Level, tuple[Node, ...]]


def schedule(program: Program, budget: int = BUDGET, few: int = FEW) -> Schedule:
    """How to run a program in at most about `budget` numbers, if that is possible."""
    return _Scheduling(program, budget, few).schedule


class _Scheduling:
    def __init__(self, program: Program, budget: int, few: int) -> None:
        self.budget, self.few = budget, few
        self.storing = Storing(program)
        self.nests: dict[Level, tuple[Node, ...]] = {}
        self.ordered: set[Level] = set()
        self._visit(self.storing.layout.tree)
        kept = self._kept()
        while kept.size > budget and self.nests:
            large = {
                level
                for site, home in kept.homes.items()
                if home.size * len(kept.arrays) >= budget
                for level in site.levels
                if level in self.nests
            }
            for level in large or set(self.nests):
                self._put_in_order(level)
            kept = self._kept()
        self.schedule = Schedule(kept, self.nests)

    def _kept(self) -> Storage:
        generous = self.budget >= BUDGET
        return self.storing.storage(
            lambda level: level in self.ordered, generous * WHOLE, ROOM if generous else 1
        )

    def _visit(self, tree: Iterable[Site | Level]) -> None:
        for level in tree:
            if isinstance(level, Level):
                if _must_be_ordered(level, self.few):
                    self._put_in_order(level)
                else:
                    self.nests[level] = self._taken_apart(level)
                    if _is_one_loop(self.nests[level], level.depth):
                        self._put_in_order(level)

    def _put_in_order(self, level: Level) -> None:
        self.nests.pop(level, None)
        self.ordered.add(level)
        for part in level.parts:
            self._visit(part)

    def _taken_apart(self, level: Level) -> tuple[Node, ...]:
        sites = list(level.sites())
        inside = set(sites)
        edges = [
            Edge(writer, site, address, carrier)
            for site in sites
            for address in dict.fromkeys(site.reads)
            for writer in self.storing.met.get((site, address), ())
            if writer in inside
            for carrier in carriers(writer, address, site, level.depth, self.storing.table)
        ]
        return tuple(_distributed(sites, edges, (), level.depth, self.few))


def _must_be_ordered(level: Level, few: int) -> bool:
    if not isinstance(level.loop, Loop):
        return True
    if any(_while_inside(item) for item in level.parts[0]):
        return True
    sites = list(level.sites())
    if any(isinstance(site.statement, Accumulate) for site in sites):
        return True
    return all(size_of(site.counts[level.depth :]) <= few for site in sites)


def _while_inside(item: Site | Level) -> bool:
    if isinstance(item, Site):
        return False
    return not isinstance(item.loop, Loop) or any(map(_while_inside, item.parts[0]))


def _is_one_loop(nodes: Sequence[Node], depth: int) -> bool:
    """Whether little was gained: most statements depend on the iteration before."""
    carried = [node for node in nodes if isinstance(node, Carried) and node.depth == depth]
    return sum(map(_size, carried)) >= 2 * sum(_size(n) for n in nodes if n not in carried)


def _size(node: Node) -> int:
    return sum(map(_size, node.body)) if isinstance(node, Carried) else 1


def _distributed(
    sites: list[Site], edges: list[Edge], inside: tuple[int, ...], base: int, few: int
) -> Iterable[Node]:
    for part in _components(sites, edges):
        members = set(part)
        inner = [e for e in edges if e.writer in members and e.reader in members]
        if not inner:
            (site,) = part
            over = [k for k in range(base, len(site.levels)) if k not in inside]
            yield Each(site, tuple(over))
            continue
        level = min(edge.level for edge in inner)
        if any(len(site.levels) <= level for site in part):
            raise ProgramError("A loop reads values before it has assigned them.")
        chain = _chain(part, inner, level, inside, base, few)
        if chain:
            yield chain
            continue
        later = [edge for edge in inner if edge.level != level]
        count = part[0].counts[level]
        body = _distributed(part, later, (*inside, level), base, few)
        yield Carried(level, count, tuple(body))


def _chain(
    part: list[Site], edges: list[Edge], level: int, inside: tuple[int, ...], base: int, few: int
) -> Chain | None:
    (site, *more), addresses = part, {edge.address for edge in edges}
    if more or len(addresses) > 1 or {edge.level for edge in edges} != {level}:
        return None
    (address,) = addresses
    statement, target = site.statement, site.target
    if not isinstance(statement, Assign) or statement.row is None or target is None:
        return None
    row = statement.row
    if row.nin != 2 or not row.facts.exact_array or not isinstance(row.array, np.ufunc):
        return None
    before = target.base - target.strides[level]
    if target.lookup or address != Address(target.memory, before, target.strides):
        return None
    if statement.operands.count(address) != 1 or site.counts[level] <= few:
        return None
    carried = statement.operands.index(address)
    if carried and not row.facts.commutative:
        return None
    over = [k for k in range(base, len(site.levels)) if k not in inside and k != level]
    return Chain(site, tuple(over), level, carried, row.array)


def _components(sites: list[Site], edges: list[Edge]) -> list[list[Site]]:
    """The strongly connected components, sorted so that what is read comes first.

    Among those that could come next, the first in the text does.
    """
    after: dict[Site, list[Site]] = {site: [] for site in sites}
    for edge in edges:
        after[edge.writer].append(edge.reader)
    component = _strongly_connected(sites, after)
    members: dict[int, list[Site]] = {}
    for site in sites:
        members.setdefault(component[site], []).append(site)
    follow: dict[int, set[int]] = {number: set() for number in members}
    waiting = dict.fromkeys(members, 0)
    for edge in edges:
        a, b = component[edge.writer], component[edge.reader]
        if a != b and b not in follow[a]:
            follow[a].add(b)
            waiting[b] += 1
    free = [(members[number][0].number, number) for number, n in waiting.items() if not n]
    heapq.heapify(free)
    order = []
    while free:
        _, number = heapq.heappop(free)
        order.append(members[number])
        for other in follow[number]:
            waiting[other] -= 1
            if not waiting[other]:
                heapq.heappush(free, (members[other][0].number, other))
    return order


def _strongly_connected(sites: list[Site], after: dict[Site, list[Site]]) -> dict[Site, int]:
    """A number for each site, the same within a component, by Tarjan's algorithm."""
    found: dict[Site, int] = {}
    lowest: dict[Site, int] = {}
    component: dict[Site, int] = {}
    path: list[Site] = []
    for root in sites:
        if root in found:
            continue
        work = [(root, iter(after[root]))]
        found[root] = lowest[root] = len(found)
        path.append(root)
        while work:
            site, rest = work[-1]
            for other in rest:
                if other not in found:
                    found[other] = lowest[other] = len(found)
                    path.append(other)
                    work.append((other, iter(after[other])))
                    break
                if other not in component:
                    lowest[site] = min(lowest[site], found[other])
            else:
                work.pop()
                if work:
                    lowest[work[-1][0]] = min(lowest[work[-1][0]], lowest[site])
                if lowest[site] == found[site]:
                    while True:
                        member = path.pop()
                        component[member] = found[site]
                        if member is site:
                            break
    return component
