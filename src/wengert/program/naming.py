"""Whom an address means: the statement that writes there, at an affine choice of its counters.

A value is called by the name of the statement that computes it. Where a statement reads `s[i - 1]`,
the first of these, `s[-1]`, was computed elsewhere; that other statement is then called so.
"""

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from wengert.program.address import (
    CONSTANT,
    INPUT,
    OUTPUT,
    VALUE,
    Address,
    Integers,
    Lookup,
    distinct,
    span,
)
from wengert.program.indices import Affine, Match, match
from wengert.program.program import Program
from wengert.program.spelling import NUMBERED, is_free, quoted, spelled_key
from wengert.program.statements import (
    Accumulate,
    Assign,
    Guard,
    Loop,
    Run,
    Statement,
    While,
    parts,
    reads,
)

ENDLESS = 1 << 20  # how often a loop without a count is taken to run
TRIES = 16


@dataclass(frozen=True, slots=True)
class Scope:
    """The loops around a statement: which ones, and how often they run."""

    path: tuple[int, ...] = ()
    counts: tuple[int, ...] = ()

    def inside(self, loop: int, count: int) -> "Scope":
        """The scope in a loop that stands here."""
        return Scope((*self.path, loop), (*self.counts, count))

    def common(self, other: "Scope") -> int:
        """How many loops, from the outermost on, are around both."""
        same = 0
        for a, b in zip(self.path, other.path, strict=False):
            if a != b:
                break
            same += 1
        return same


@dataclass(slots=True, eq=False)
class Item:
    """A statement that writes a value, and what it is called."""

    target: Address
    scope: Scope
    label: str = ""
    is_guard: bool = False
    name: str = ""
    title: str = ""  # the name, and the label where the name does not tell it
    alias: "Reference | None" = None
    is_read: bool = False
    is_base: bool = False  # others are called after it
    is_placed: bool = False  # a reader needs to know where it writes


@dataclass(frozen=True, slots=True)
class Reference:
    """A value: a statement, and the counters at which it computes it.

    With a lookup, there is one counter, and what is looked up is added to it.
    """

    item: Item
    indices: tuple[Affine, ...]
    lookup: Lookup | None = None


@dataclass(slots=True, eq=False)
class Node:
    """A statement where it stands."""

    statement: Statement
    scope: Scope
    parts: tuple[list["Node"], ...] = ()
    inner: Scope = Scope()  # of a loop: the scope in its body
    item: Item | None = None
    run: int = -1  # which of the runs of values it is


class Names:
    """What every value of a program is called."""

    def __init__(self, program: Program) -> None:
        self.index = program.index
        self.runs: list[Run] = []
        self._numbers: list[Integers] = []  # per run, the number in each item's name
        self._run_items: dict[int, Item] = {}  # those about which something is special
        self._flat: dict[tuple[str, int], Item] = {}
        self._looked_up: dict[Address, list[Item]] = defaultdict(list)
        self._classes: dict[tuple[str, Scope, tuple[int, ...]], _Class] = {}
        self._cache: dict[tuple[Address, Scope], Reference | None] = {}
        self._unexplained: list[tuple[Item, Item]] = []
        self._loops = 0
        self.nodes = self._nodes(program.statements, Scope())
        self._order = sorted(range(len(self.runs)), key=lambda k: self.runs[k].start)
        self._starts = [self.runs[k].start for k in self._order]
        addresses = list(self._addresses(self.nodes))
        for address, scope in addresses:
            self.reference(address, scope)
        for address, scope in addresses:
            self._explain(address, scope, self.reference(address, scope))
        for item, base in self._unexplained:
            item.is_placed = base.is_placed = True
        self._taken = {spelled_key(key) for key in program.arguments.keys}
        self._used: dict[str, int] = defaultdict(int)
        self._last = 0
        self._guards_read = self._find_guards_read(program.statements)
        self._name_all(self.nodes)

    # --- who is there -----------------------------------------------------------------------------

    def _nodes(self, statements: Iterable[Statement], scope: Scope) -> list[Node]:
        return [self._node(statement, scope) for statement in statements]

    def _node(self, statement: Statement, scope: Scope) -> Node:
        node = Node(statement, scope)
        if isinstance(statement, Run):
            if not statement.outputs:
                node.run = len(self.runs)
                self.runs.append(statement)
        elif isinstance(statement, Loop):
            self._loops += 1
            node.inner = scope.inside(self._loops, statement.count)
            node.parts = (self._nodes(statement.body, node.inner),)
        elif isinstance(statement, While):
            self._loops += 1
            node.inner = scope.inside(self._loops, ENDLESS)
            once = scope.inside(self._loops, 1)
            node.parts = tuple(
                self._nodes(part, once if k == 0 else node.inner)
                for k, part in enumerate(parts(statement))
            )
        elif not isinstance(statement, Accumulate) and is_value(statement.target):
            node.item = self._item(statement, scope)
        return node

    def _item(self, statement: Assign | Guard, scope: Scope) -> Item:
        target = statement.target
        item = Item(target, scope, statement.label, isinstance(statement, Guard))
        if target.lookup:
            item.is_placed = True
            self._looked_up[target].append(item)
        elif not scope.path:
            self._flat[target.memory, target.base] = item
        else:
            key = target.memory, scope, target.strides
            self._classes.setdefault(key, _Class(target.memory, scope, target.strides)).add(item)
        return item

    def at(self, memory: str, place: int) -> Item | None:
        """The statement that writes to a place."""
        if item := self._flat.get((memory, place)):
            return item
        if memory == VALUE and self._run_of(place) >= 0:
            return self._run_item(place)
        for one in self._classes.values():
            if one.memory == memory and (item := one.at(place)):
                return item
        return None

    def _run_of(self, place: int) -> int:
        below = bisect_right(self._starts, place) - 1
        if below < 0 or place >= self._starts[below] + len(self.runs[self._order[below]]):
            return -1
        return self._order[below]

    def _run_item(self, place: int) -> Item:
        if place not in self._run_items:
            run = self.runs[self._run_of(place)]
            k = place - run.start
            guards = run.operations[run.ops[k]].guards
            label = run.labels.get(k, "")
            self._run_items[place] = Item(Address(VALUE, place), Scope(), label, guards)
        return self._run_items[place]

    # --- who is meant -----------------------------------------------------------------------------

    def reference(self, address: Address, scope: Scope) -> Reference | None:
        """The statement that computes most of what an address means, if there is one."""
        key = address, scope
        if key not in self._cache:
            found = self._same(address, scope) if address.lookup else self._most(address, scope)
            self._cache[key] = found
            if found:
                found.item.is_read = True
        return self._cache[key]

    def _most(self, address: Address, scope: Scope) -> Reference | None:
        points = [_point(address, scope, at) for at in (1, 0, 2)]
        best, found = (0.5, -ENDLESS), None  # else a name would mislead
        for item in dict.fromkeys(self.at(address.memory, point) for point in points):
            if item and (matched := _match(address, scope, item, True)) and matched[0] > best:
                best, found = matched[0], Reference(item, matched[1])
        if found and best[0] < 1.0:
            found.item.is_base = True
        return found

    def _same(self, address: Address, scope: Scope) -> Reference | None:
        for item in self._looked_up.get(address, ()):
            around = item.scope.path
            if scope.path[: len(around)] == around:
                return Reference(item, _identity(len(around), len(scope.path)))
        return self._looked_up_in(address, scope)

    def _looked_up_in(self, address: Address, scope: Scope) -> Reference | None:
        """The loop that writes all that an address may look up, one place after the other."""
        lookup = address.lookup
        if lookup is None or 0 in scope.counts or ENDLESS in scope.counts:
            return None
        first, last = span(lookup.start, lookup.strides, scope.counts)
        low, high = span(address.base, address.strides, scope.counts)
        entries = self.index[max(first, 0) : last + 1]
        item = self.at(address.memory, low + int(entries.min())) if len(entries) else None
        if item is None or item.target.lookup or item.target.strides != (1,):
            return None
        start = item.target.base
        if high + int(entries.max()) >= start + item.scope.counts[0]:
            return None
        return Reference(item, ((address.base - start, address.strides),), lookup)

    def _addresses(self, nodes: Iterable[Node]) -> Iterator[tuple[Address, Scope]]:
        """Every address of a value that is read, or added to."""
        for node in nodes:
            statement, scope = node.statement, node.scope
            if isinstance(statement, Run):
                yield from self._beside(statement)
                continue
            for part in node.parts:
                yield from self._addresses(part)
            if isinstance(statement, While):
                scope, found = node.inner, [statement.condition]
            elif isinstance(statement, Loop):
                continue
            elif isinstance(statement, Accumulate):
                found = [statement.target, statement.operand]
            else:
                found = list(reads(statement))
            yield from ((address, scope) for address in found if is_value(address))

    def _beside(self, run: Run) -> Iterator[tuple[Address, Scope]]:
        """What a run reads that no run writes."""
        if self._classes or self._flat or self._looked_up:
            places = run.places_in(VALUE)
            beside = (places < run.start) | (places >= run.start + len(run))
            for place in distinct(places[beside]).tolist():
                if self._run_of(place) < 0:
                    yield Address(VALUE, place), Scope()

    def _explain(self, address: Address, scope: Scope, reference: Reference | None) -> None:
        """Call those who compute the edges of what is read after the statement it is named for.

        Where that is no name for all they compute, the places are shown.
        """
        if reference and not reference.item.is_base:
            return
        for place in _edges(address, scope):
            item = self.at(address.memory, place)
            if item is None or (reference and item is reference.item):
                continue
            matched = _match(item.target, item.scope, reference.item, True) if reference else None
            if reference and matched and not item.is_base and not item.alias:
                item.alias = Reference(reference.item, matched[1])
            if reference is None or item.alias is None or item.alias.item is not reference.item:
                self._unexplained.append((item, reference.item if reference else item))

    # --- names ------------------------------------------------------------------------------------

    def _find_guards_read(self, statements: Iterable[Statement]) -> set[int]:
        """Places of guards in runs whose values are read."""
        found = {place for place, item in self._run_items.items() if item.is_read}
        operands = [s.operands for s in statements if isinstance(s, Run)]
        for run in self.runs:
            is_read = np.zeros(len(run), bool)
            for codes in operands:  # those of the value memory are its places
                inside = (codes >= run.start) & (codes < run.start + len(run))
                is_read[codes[inside] - run.start] = True
            places = _guard_places(run)
            found |= set(places[is_read[places - run.start]].tolist())
        return found

    def _name_all(self, nodes: Iterable[Node]) -> None:
        for node in nodes:
            if node.item:
                self._last += _is_numbered(node.item)
                self._name(node.item, self._last)
            elif isinstance(node.statement, Run) and not node.statement.outputs:
                self._name_run(node.statement)
            for part in node.parts:
                self._name_all(part)

    def _name(self, item: Item, number: int) -> None:
        if _is_numbered(item):
            item.name = item.title = f"t{number}"
            if item.label:
                item.title = f"{item.name} {quoted(item.label)}"
            return
        if not item.label or _shares_label(item):
            return
        self._used[item.label] += 1
        count = self._used[item.label]
        special = count > 1 or item.label in self._taken or NUMBERED.fullmatch(item.label)
        item.name = item.title = f"{item.label}~{count}" if special else item.label

    def _name_run(self, run: Run) -> None:
        """The same for the items of a run, without touching those that are like all others."""
        end = run.start + len(run)
        places = {run.start + k for k in run.labels}
        places |= {p for p in (*self._run_items, *self._guards_read) if run.start <= p < end}
        counted = np.ones(len(run), np.int64)
        counted[_guard_places(run) - run.start] = 0
        for place in places:
            item = self._run_item(place)
            item.is_read |= place in self._guards_read
            counted[place - run.start] = _is_numbered(item)
        numbers = self._last + np.cumsum(counted)
        for place in sorted(places):
            self._name(self._run_items[place], int(numbers[place - run.start]))
        self._numbers.append(numbers)
        self._last = int(numbers[-1])

    def special(self, place: int) -> Item | None:
        """What is special about an item of a run, if anything is."""
        return self._run_items.get(place)

    def in_run(self, place: int) -> str:
        """The name of what a run writes to a place, where nothing is special about it; else ""."""
        k = self._run_of(place)
        if k < 0 or place in self._run_items:
            return ""
        return f"t{self._numbers[k][place - self.runs[k].start]}"


@dataclass(slots=True)
class _Class:
    """Statements in the same loops that move with the same strides."""

    memory: str
    scope: Scope
    strides: tuple[int, ...]
    lowest: int = 1 << 62
    highest: int = -1
    items: dict[int, list[Item]] = field(default_factory=dict)  # by remainder

    def add(self, item: Item) -> None:
        if 0 in self.scope.counts:
            return
        low, high = span(item.target.base, self.strides, self.scope.counts)
        self.lowest, self.highest = min(self.lowest, low), max(self.highest, high)
        self.items.setdefault(self._remainder(item.target.base), []).append(item)

    def _remainder(self, place: int) -> int:
        gcd = math.gcd(*self.strides)
        return place % gcd if gcd else place

    def at(self, place: int) -> Item | None:
        if not self.lowest <= place <= self.highest:
            return None
        for item in self.items.get(self._remainder(place), [])[:TRIES]:
            low, high = span(item.target.base, self.strides, self.scope.counts)
            if low <= place <= high:
                match = _match(Address(item.target.memory, place), Scope(), item)
                if match and match[0][0] == 1.0:
                    return item
        return None


def _is_numbered(item: Item) -> bool:
    if _shares_label(item):
        return False
    if item.label or item.alias:
        return not is_free(item.label)
    return item.is_read or not item.is_guard


def _shares_label(item: Item) -> bool:
    """Whether it is called after another, label included."""
    return item.alias is not None and item.alias.item.label == item.label


def is_value(address: Address) -> bool:
    """Whether it is one of a value, in the memory that all share or in that of a loop."""
    return address.memory not in (INPUT, CONSTANT, OUTPUT)


def _guard_places(run: Run) -> Integers:
    kinds = [k for k, operation in enumerate(run.operations) if operation.guards]
    if not kinds:
        return np.empty(0, np.int64)
    return run.start + np.flatnonzero(np.isin(run.ops, kinds))


def _point(address: Address, scope: Scope, at: int) -> int:
    """The place in the first (0), a middle (1) or the last (2) of the iterations."""
    counters = [(0, n // 2, n - 1)[at] if n else 0 for n in scope.counts]
    return address.base + sum(s * k for s, k in zip(address.strides, counters, strict=True))


def _edges(address: Address, scope: Scope) -> list[int]:
    """Places in the first, a middle and the last iterations of every loop, in any combination."""
    if address.lookup or 0 in scope.counts:
        return []
    choices = [sorted({0, n // 2, n - 1}) if s else [0]
               for s, n in zip(address.strides, scope.counts, strict=True)]  # fmt: skip
    if math.prod(map(len, choices)) > 81:
        choices = [c[:1] for c in choices[:-2]] + choices[-2:]
    places = [address.base + sum(s * k for s, k in zip(address.strides, at, strict=True))
              for at in product(*choices)]  # fmt: skip
    return list(dict.fromkeys(places))


def _identity(dimensions: int, counters: int) -> tuple[Affine, ...]:
    return tuple(
        (0, tuple(int(d == k) for k in range(counters))) for d in range(dimensions)
    )  # fmt: skip


def _match(address: Address, scope: Scope, item: Item, beyond: bool = False) -> Match | None:
    """At which counters a statement writes what an address means; how much of it, how far off."""
    target = item.target
    if target.memory != address.memory or target.lookup or address.lookup:
        return None
    return match(
        address.base - target.base, address.strides, scope.counts,
        target.strides, item.scope.counts, scope.common(item.scope), beyond,
    )  # fmt: skip
