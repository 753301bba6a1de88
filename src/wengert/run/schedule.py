"""In which order a program is run, and what of it as array operations.

A loop is *ordered* if its body is run as it stands in the text, one iteration after the other. The
statements of any other loop are taken apart: those that depend on each other from one iteration to
the next stay together in a loop, and each of the rest is one array operation over all iterations
(Allen and Kennedy, Automatic translation of Fortran programs to vector form, TOPLAS 9(4), 1987,
section 5). A loop that carries nothing is always made the innermost. A loop with rounds that are
computed again is ordered: all rounds at once would need the memory that this is to save.

An accumulation depends on the earlier ones into the same place, for rounding tells in which order
they come. Where nothing else holds them together, they are one array operation all the same, which
adds one term after the other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from wengert import primitives
from wengert.dispatch import Primitive
from wengert.errors import ProgramError
from wengert.program.address import OUTPUT, Address
from wengert.program.dependence import Level, Site, carriers, is_sum, size_of
from wengert.program.program import Program
from wengert.program.statements import Guard, Loop
from wengert.program.storage import Storage, Storing
from wengert.run.components import components

FEW = 32  # array operations on at most so many numbers are slower than one at a time
FEW_BY_MACHINE = 512  # the same where the native engine does that
LITTLE = 4096  # operations a statement: so many it has done before array operations are found
BUDGET = 1 << 24  # numbers kept; loops that need more are run in order, with windows
SAVING = 4  # but only if at least so many times less is kept then, for it is slow
MOST = 8  # or if it would be more than so many times the budget
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
class Sums:
    """Accumulations whose places meet, for all iterations of the loops in `over`, in their order.

    They stand in the same loops, and their terms do not depend on these sums.
    """

    sites: tuple[Site, ...]
    over: tuple[int, ...]


@dataclass(frozen=True)
class Carried:
    """A loop over what depends on its earlier iterations."""

    depth: int
    count: int
    body: tuple["Node", ...]


Node: TypeAlias = Each | Chain | Sums | Carried


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


def schedule(program: Program, budget: int = BUDGET, few: int = FEW, little: int = 0) -> Schedule:
    """How to run a program in at most about `budget` numbers, if that is possible.

    Array operations are on more than `few` numbers, in loops where statements are done more than
    `little` times on an average.
    """
    return _Scheduling(program, budget, few, little).schedule


class _Scheduling:
    def __init__(self, program: Program, budget: int, few: int, little: int) -> None:
        self.budget, self.few, self.little = budget, few, little
        self.storing = Storing(program)
        self.nests: dict[Level, tuple[Node, ...]] = {}
        self.ordered: set[Level] = set()
        self.sparing = any(map(_is_sparing, self.storing.layout.tree))
        self._visit(self.storing.layout.tree)
        kept = self._kept()
        self.schedule = Schedule(self._smaller(kept) if kept.size > budget else kept, self.nests)

    def _smaller(self, whole: Storage) -> Storage:
        """What is kept if loops that need much are run in order; `whole` if that saves little."""
        kept, nests, ordered = whole, self.nests.copy(), self.ordered.copy()
        while kept.size > self.budget and self.nests:
            large = {
                level
                for site, home in kept.homes.items()
                if home.size * len(kept.arrays) >= self.budget
                for level in site.levels
                if level in self.nests
            }
            for level in large or set(self.nests):
                self._put_in_order(level)
            kept = self._kept()
        if SAVING * kept.size > whole.size and whole.size <= MOST * self.budget:
            self.nests, self.ordered = nests, ordered
            return whole
        return kept

    def _kept(self) -> Storage:
        generous = self.budget >= BUDGET and not self.sparing
        return self.storing.storage(
            lambda level: level in self.ordered, generous * WHOLE, ROOM if generous else 1
        )

    def _visit(self, tree: Iterable[Site | Level]) -> None:
        for level in tree:
            if isinstance(level, Level):
                if _must_be_ordered(level, self.few) or self._is_little(level):
                    self._put_in_order(level)
                else:
                    self.nests[level] = self._taken_apart(level)
                    if _is_one_loop(self.nests[level], level.depth):
                        self._put_in_order(level)

    def _is_little(self, level: Level) -> bool:
        sizes = [size_of(site.counts) for site in level.sites()]
        return sum(sizes) <= self.little * len(sizes)

    def _put_in_order(self, level: Level) -> None:
        self.nests.pop(level, None)
        self.ordered.add(level)
        for part in level.parts:
            self._visit(part)

    def _taken_apart(self, level: Level) -> tuple[Node, ...]:
        sites = list(level.sites())
        edges = _edges(sites, level.depth, self.storing)
        return tuple(_distributed(sites, edges, (), level.depth, self.few))


def _edges(sites: list[Site], depth: int, storing: Storing) -> list[Edge]:
    """What the sites of a loop at `depth` read of each other."""
    inside = set(sites)
    adding: dict[Site, list[Site]] = {}  # accumulations, by what they are kept with
    outputs = [site for site in sites if site.target and site.target.memory == OUTPUT]
    for site in filter(is_sum, sites):
        if site not in outputs:
            adding.setdefault(storing.kept_with(site), []).append(site)

    def writers(reader: Site, address: Address) -> list[Site]:
        if address.memory == OUTPUT:
            return outputs
        met = storing.met.get((reader, address), [])
        sums = adding.get(storing.kept_with(met[0]), []) if met else []
        return [*(site for site in met if site in inside), *sums]

    known: dict[tuple[Any, ...], set[int]] = {}
    edges = []
    for reader in sites:
        for address in dict.fromkeys(reader.reads):
            for writer in writers(reader, address):
                before = writer.number < reader.number
                key = _apart(writer, address), writer.levels, reader.levels, before
                if key not in known:
                    known[key] = carriers(writer, address, reader, depth, storing.table)
                edges += [Edge(writer, reader, address, carrier) for carrier in known[key]]
    return edges


def _apart(writer: Site, address: Address) -> tuple[Any, ...]:
    """All that it depends on when a writer's place is that of an address."""
    target = writer.target
    assert target is not None
    between = address.base - target.base
    return between, target.strides, address.strides, target.lookup, address.lookup, target.memory


def _must_be_ordered(level: Level, few: int) -> bool:
    if not isinstance(level.loop, Loop):
        return True
    if _is_sparing(level) or any(_while_inside(item) for item in level.parts[0]):
        return True
    return all(size_of(site.counts[level.depth :]) <= few for site in level.sites())


def _is_sparing(item: Site | Level) -> bool:
    """Whether rounds are computed again, here or in a loop inside, so as to need less memory."""
    if isinstance(item, Site):
        return False
    marked = isinstance(item.loop, Loop) and item.loop.again
    return marked or any(_is_sparing(inner) for part in item.parts for inner in part)


def _while_inside(item: Site | Level) -> bool:
    if isinstance(item, Site):
        return False
    return not isinstance(item.loop, Loop) or any(map(_while_inside, item.parts[0]))


def _is_one_loop(nodes: Sequence[Node], depth: int) -> bool:
    """Whether little was gained: most statements depend on the iteration before."""
    carried = [node for node in nodes if isinstance(node, Carried) and node.depth == depth]
    return sum(map(_size, carried)) >= 2 * sum(_size(n) for n in nodes if n not in carried)


def _size(node: Node) -> int:
    if isinstance(node, Carried):
        return sum(map(_size, node.body))
    return len(node.sites) if isinstance(node, Sums) else 1


def _distributed(
    sites: list[Site], edges: list[Edge], inside: tuple[int, ...], base: int, few: int
) -> Iterable[Node]:
    for part in components(sites, [(edge.writer, edge.reader) for edge in edges]):
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
        together = _chain(part, inner, level, inside, base, few) or _sums(part, inner, inside, base)
        if together:
            yield together
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
    row, target = row_of(site), site.target
    if row is None or target is None or isinstance(site.statement, Guard):
        return None
    if row.nin != 2 or not row.facts.exact_array or not isinstance(row.array, np.ufunc):
        return None
    step = target.strides[level]
    if target.lookup or not step:
        return None
    if address != Address(target.memory, target.base - step, target.strides):
        return None
    if site.reads.count(address) != 1 or site.counts[level] <= few:
        return None
    carried = site.reads.index(address)
    if carried and not row.facts.commutative:
        return None
    over = [k for k in range(base, len(site.levels)) if k not in inside and k != level]
    return Chain(site, tuple(over), level, carried, row.array)


def _sums(part: list[Site], edges: list[Edge], inside: tuple[int, ...], base: int) -> Sums | None:
    (first, *more) = part
    if not all(map(is_sum, part)) or any(site.levels != first.levels for site in more):
        return None
    if any(site.reads[0] == site.reads[1] for site in part):
        return None
    if any(edge.address != edge.reader.target for edge in edges):
        return None
    over = [k for k in range(base, len(first.levels)) if k not in inside]
    return Sums(tuple(part), tuple(over))


def row_of(site: Site) -> Primitive | None:
    """The operation of a site, on what it reads; None for a move, and what is no operation."""
    if is_sum(site):
        return primitives.add
    return getattr(site.statement, "row", None)
