"""What folds in the explorer: groups in groups, so that each shows few enough cells when open.

Scopes and loops are groups by themselves. A group that would still show too much gets further ones:
many rounds of a loop are gathered into ranges, and many values into the parts that the pictures
fold, or, in graphs too large for that, into stretches of their order.
"""

from collections.abc import Sequence

import numpy as np

from wengert.program.address import Integers
from wengert.show.fold import Graph, fold
from wengert.show.text import clean, shorten

TITLE = 40  # the most columns a title takes
WIDEST = 50  # rounds of a loop, or parts of a range, side by side
LARGEST = 60_000  # values that are folded by their shape; more are by their order
ALL = 250_000  # of all groups together, which takes some 15 µs a value
PARTS = 60  # cells to fold into


class Groups:
    """A forest: of each group, the one around it, its title, and a number for the title."""

    def __init__(self) -> None:
        self.parents: list[Integers] = []
        self.titles: list[str] = []
        self.kinds: list[Integers] = []
        self.numbers: list[Integers] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def parent(self) -> Integers:
        """Per group, the group around it; -1 for none."""
        return _joined(self.parents)

    @property
    def kind(self) -> Integers:
        """Per group, which of the titles it has."""
        return _joined(self.kinds)

    @property
    def number(self) -> Integers:
        """Per group, what stands for {} in its title."""
        return _joined(self.numbers)

    def add(
        self, parents: Integers | Sequence[int], title: str, numbers: Integers | None = None
    ) -> Integers:
        """A group in each of the parents; where they are."""
        made = np.arange(self._count, self._count + len(parents))
        self.parents.append(np.asarray(parents, np.int64))
        self.kinds.append(np.full(len(parents), len(self.titles), np.int64))
        self.numbers.append(np.zeros(len(parents), np.int64) if numbers is None else numbers)
        self.titles.append(title)
        self._count += len(parents)
        return made

    def add_rounds(self, loops: Integers, count: int, letter: str, limit: int) -> Integers:
        """The rounds of each loop, in the order of loops and rounds; many stand in ranges."""
        around = np.repeat(loops, count)
        numbers = np.tile(np.arange(count), len(loops))
        size = 1
        while count / size > WIDEST:
            size *= WIDEST
        while size > 1:
            pieces = -(-count // size)
            outer = around.reshape(len(loops), count)[:, ::size].ravel()
            starts = np.tile(np.arange(pieces) * size, len(loops))
            made = self.add(outer, f"{letter} from {{}}, {size:,} rounds", starts)
            around = np.repeat(made.reshape(len(loops), pieces), size, axis=1)
            around = around[:, :count].ravel()
            size //= WIDEST
        return self.add(around, f"{letter} = {{}}", numbers)


def _joined(columns: list[Integers]) -> Integers:
    return np.concatenate(columns) if columns else np.zeros(0, np.int64)


def folded_scopes(scopes: Sequence[str]) -> tuple[Groups, Integers]:
    """A group for each scope, and per value the group that it is in."""
    groups = Groups()
    at: dict[str, int] = {"": -1}
    for scope in dict.fromkeys(scopes):
        outer = ""
        for name in scope.split("/") if scope else ():
            inner = f"{outer}/{name}" if outer else name
            if inner not in at:
                title = shorten(clean(name), TITLE).replace("{}", "{ }")
                at[inner] = int(groups.add([at[outer]], title)[0])
            outer = inner
    return groups, np.array([at[scope] for scope in scopes], np.int64)


def split(
    groups: Groups, group: Integers, ops: Integers, symbols: Sequence[str], starts: Integers,
    operands: Integers, roots: Sequence[int], limit: int,
) -> None:  # fmt: skip
    """Divide groups of more than `limit` values of their own into smaller ones, in place."""
    shaping = _Shapes(ops, ["", *symbols], starts, operands, roots)
    order = np.argsort(group, kind="stable")
    ends = np.cumsum(np.bincount(group + 1, minlength=len(groups) + 1))
    held = np.diff(ends, prepend=0)
    waiting = [
        (int(k) - 1, order[ends[k] - held[k] : ends[k]]) for k in np.flatnonzero(held > limit)
    ]
    largest = LARGEST if sum(len(members) for _, members in waiting) <= ALL else 0
    while waiting:
        outer, members = waiting.pop()
        found = shaping.parts(members) if len(members) <= largest else []
        if not found or max(len(part) for _, part in found) > 0.9 * len(members):
            found = _stretches(members)
        for title, part in found:
            if len(part) > 1:
                made = int(groups.add([outer], title)[0])
                group[part] = made
                if len(part) > limit:
                    waiting.append((made, part))


def _stretches(members: Integers) -> list[tuple[str, Integers]]:
    """Members one after the other, in about as many pieces as a picture can show."""
    size = -(-len(members) // WIDEST)
    return [
        (f"values {int(part[0]) + 1:,} to {int(part[-1]) + 1:,}", part)
        for part in (members[k : k + size] for k in range(0, len(members), size))
    ]


class _Shapes:
    """Members by the expressions that they make up, as pictures fold them."""

    def __init__(
        self, ops: Integers, symbols: Sequence[str], starts: Integers, operands: Integers,
        roots: Sequence[int],
    ) -> None:  # fmt: skip
        self.ops, self.symbols, self.starts, self.operands = ops, symbols, starts, operands
        self.roots = np.array(roots, np.int64)
        self.place = np.full(len(ops), -1, np.int64)  # among the members; -1 for all others

    def parts(self, members: Integers) -> list[tuple[str, Integers]]:
        """A title and the values of each part; none where members are all alike."""
        self.place[members] = np.arange(len(members))
        inside = self._inside(members)
        ends = {int(k) for k in self.place[self.roots] if k >= 0} or {len(members) - 1}
        self.place[members] = -1
        kinds = self.ops[members]
        if not any(inside) and (kinds == kinds[0]).all():
            return []
        named = [self.symbols[op + 1] for op in kinds.tolist()]
        folded = fold(Graph(inside, named, [""] * len(members), ends), {""}, (), PARTS)
        found: dict[int, list[int]] = {}
        for v, part in zip(members.tolist(), folded.part_of, strict=True):
            found.setdefault(part, []).append(v)
        return [
            (shorten(clean(folded.parts[k].title), TITLE).replace("{}", "{ }"), np.array(part))
            for k, part in found.items()
        ]

    def _inside(self, members: Integers) -> list[list[int]]:
        """Per member, which members are its operands."""
        first = self.starts[members]
        many = self.starts[members + 1] - first
        ends = np.cumsum(many)
        at = np.repeat(first - (ends - many), many) + np.arange(int(many.sum()))
        places = self.place[self.operands[at]]
        owners = np.repeat(np.arange(len(members)), many)[places >= 0]
        inside: list[list[int]] = [[] for _ in range(len(members))]
        for owner, place in zip(owners.tolist(), places[places >= 0].tolist(), strict=True):
            inside[owner].append(place)
        return inside
