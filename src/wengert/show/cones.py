"""Folding by expression: the top of a graph is open, and what hangs below is closed.

A cone is a node with all it dominates. Opening a cone shows its node, and its parts as smaller
cones; from the roots downwards, cones open while the picture stays under its limit. Two shapes
have a form of their own: many parts that are alike become one cell, and of a long chain only both
ends are shown, and the parts that several stretches of it share. Every cell is used through its
heads alone, which stand at one rank, and edges ascend in rank, so the folded graph has no cycles.
"""

from collections import Counter, deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from wengert.show.dominators import Dominators

FEW = 8  # up to this many parts that are alike are shown each
LONG = 24  # chains of more than this many steps are cut
ENDS = 3  # how many steps stay at either end of a chain without a pattern
PERIODS = 12  # the longest pattern looked for in a chain


@dataclass(frozen=True, slots=True)
class Cone:
    """Nodes shown as one cell: `heads` with all they dominate, down to where others begin."""

    heads: tuple[int, ...]
    chain: tuple[int, ...] | None = None  # of a cut chain: the heads of one round of its pattern
    rounds: int = 0


@dataclass(slots=True)
class Cut:
    """Where the graph is cut: nodes shown by themselves, and cones."""

    single: set[int] = field(default_factory=set)
    cones: dict[int, Cone] = field(default_factory=dict)  # by the first of the heads

    def __len__(self) -> int:
        return len(self.single) + len(self.cones)

    def closed(self, heads: Sequence[int], cone: Cone | None = None) -> None:
        """Show these and all below as one."""
        self.cones[heads[0]] = cone or Cone(tuple(heads))


class Cutting:
    """The search for a cut of at most `limit` cells."""

    def __init__(
        self,
        operands: Sequence[Sequence[int]],
        kinds: Sequence[int],
        roots: Collection[int],
        pinned: Collection[int] = (),
    ) -> None:
        self.pinned = pinned
        self.operands = operands
        self.kinds = kinds
        self.tree = Dominators(operands, {*roots, *pinned})
        self.sizes = self.tree.sizes()
        self.first, self.following = self.tree.children()
        self.shapes = self.tree.shapes(operands, kinds)
        self.rank = [0] * len(operands)
        for v, own in enumerate(operands):
            self.rank[v] = max([self.rank[u] for u in own], default=-1) + 1

    def cut(self, limit: int) -> Cut:
        """The cut; one with no cells at all where even the roots are too many."""
        cut = Cut()
        waiting = deque(self._open_below(cut, [self.tree.root, *self.pinned], limit + 1) or ())
        cut.single.discard(self.tree.root)
        while waiting:
            head = waiting.popleft()
            like = [v for v in waiting if self.shapes[v] == self.shapes[head]]
            share = len(cut) + (limit - len(cut)) // (1 + len(like))  # like cones open together
            if self._reopen(cut, head, share, waiting):
                for v in like:
                    waiting.remove(v)
                    self._reopen(cut, v, limit, waiting)
            else:
                waiting = deque(v for v in waiting if v not in like)
        for head in [head for head, cone in cut.cones.items() if self._is_single(cone)]:
            del cut.cones[head]
            cut.single.add(head)
        return cut

    def _reopen(self, cut: Cut, head: int, limit: int, waiting: deque[int]) -> bool:
        """Open a closed cone if its parts fit, and let them wait for their turn."""
        cone = cut.cones.pop(head)
        opened = self._open(cut, head, limit) if self.sizes[head] > 1 else None
        if opened is None:
            cut.cones[head] = cone
            return False
        waiting.extend(opened)
        return True

    def _is_single(self, cone: Cone) -> bool:
        return len(cone.heads) == 1 and cone.chain is None and self.sizes[cone.heads[0]] == 1

    def alike(self, cut: Cut) -> Counter[int]:
        """How many cones of the cut have each shape."""
        return Counter(
            self.shapes[cone.heads[0]]
            for cone in cut.cones.values()
            if len(cone.heads) == 1 and cone.chain is None
        )

    def largest(self, cut: Cut) -> int:
        """The most nodes that stayed closed in one plain cone."""
        plain = [cone.heads[0] for cone in cut.cones.values() if cone.chain is None]
        return max([self.sizes[head] for head in plain], default=0)

    def part(self, cut: Cut) -> list[int]:
        """Per node, the node that its cell is known by."""
        part = [-1] * (self.tree.root + 1)
        for v in cut.single:
            part[v] = v
        for head, cone in cut.cones.items():
            for v in cone.heads:
                part[v] = head
        for v in range(self.tree.root - 1, -1, -1):
            if part[v] < 0:
                part[v] = part[self.tree.above[v]]
        return part[:-1]

    def _open(self, cut: Cut, head: int, limit: int) -> list[int] | None:
        """Open a cone, or the whole chain that it begins; None if that takes too many cells."""
        spine = self._spine(head)
        if len(spine) > LONG:
            shared = self._shared(spine)
            for shown, folded in self._ways_to_cut(spine):
                apart = self._apart(spine, shown, folded, shared)
                opened = self._open_below(cut, shown, limit, dict(folded), apart)
                if opened is not None:
                    return opened
            return None
        return self._open_below(cut, [head], limit)

    def _open_below(
        self,
        cut: Cut,
        shown: Sequence[int],
        limit: int,
        folded: dict[int, Cone] | None = None,
        apart: Sequence[int] = (),
    ) -> list[int] | None:
        """Show these nodes and their parts; the new cones that may open, or None if too many."""
        folded = folded or {}
        fresh: dict[tuple[int, int, int], list[int]] = {}
        cost = len(shown) + len(folded)
        taken = {*shown, *folded}
        for part in [*apart, *(child for v in shown for child in self._children(v))]:
            if part not in taken:
                key = (self.rank[part], self.shapes[part], self.sizes[part])
                fresh.setdefault(key, []).append(part)
        cost += sum(len(heads) if len(heads) <= FEW else 1 for heads in fresh.values())
        if len(cut) + cost > limit:
            return None
        cut.single.update(shown)
        cut.cones.update(folded)
        opened: list[int] = []
        for heads in fresh.values():
            if len(heads) > FEW:
                cut.closed(sorted(heads))
            else:
                for v in sorted(heads):
                    cut.closed([v])
                    opened.append(v)
        return sorted(opened, reverse=True)

    def _spine(self, head: int) -> list[int]:
        """From the head down through the largest part each time."""
        spine = [head]
        while self.first[spine[-1]] >= 0:
            spine.append(max(self._children(spine[-1]), key=self.sizes.__getitem__))
        return spine

    def _children(self, v: int) -> Iterator[int]:
        child = self.first[v]
        while child >= 0:
            yield child
            child = self.following[child]

    def _shared(self, spine: list[int]) -> list[tuple[int, int, int, int]]:
        """Parts of a chain that are used from elsewhere, too, than the step they hang from.

        For each use: the part, the step from which it hangs, and the step at which it is used, be
        it there (-1) or in another part that hangs there.
        """
        order, place = self._preorder
        begin = place[spine[0]]
        step = {v: k for k, v in enumerate(spine)}
        at: dict[int, tuple[int, int]] = {}  # the step below which a node hangs, and in which part
        for v in order[begin : begin + self.sizes[spine[0]]]:
            above = self.tree.above[v]
            if v in step:
                at[v] = (step[v], -1)
            else:
                below, part = at[above]
                at[v] = (below, v if part < 0 else part)
        uses = {
            (u, at[u][0], *at[v])
            for v in at
            for u in self.operands[v]
            if u in at and at[u][1] == u and at[v][1] != u
        }
        return sorted(uses)

    @cached_property
    def _preorder(self) -> tuple[list[int], list[int]]:
        return self.tree.preorder(self.sizes)

    @staticmethod
    def _apart(
        spine: list[int],
        shown: list[int],
        folded: list[tuple[int, Cone]],
        shared: list[tuple[int, int, int, int]],
    ) -> list[int]:
        """The parts that a folded stretch would hide from the steps below it, or from each other.

        A part that stands by itself makes those that it uses do so too.
        """
        visible = set(shown)
        heads = {head for head, _ in folded}
        cells: list[int] = []  # per step of the chain, the number of its cell
        for v in spine:
            cells.append((cells[-1] if cells else 0) + (v in visible or v in heads))
        hidden = [use for use in shared if spine[use[1]] not in visible]
        apart = {u for u, hangs, used, _ in hidden if cells[hangs] != cells[used]}
        used_by: dict[int, list[int]] = {}
        for u, _, _, part in hidden:
            used_by.setdefault(part, []).append(u)
        waiting = list(apart)
        while waiting:
            for u in used_by.get(waiting.pop(), ()):
                if u not in apart:
                    apart.add(u)
                    waiting.append(u)
        return sorted(apart)

    def _ways_to_cut(self, spine: list[int]) -> Iterator[tuple[list[int], list[tuple[int, Cone]]]]:
        """Cuts of a chain, the most telling first: the nodes shown and the stretches folded."""
        runs = self._runs(spine)
        yield self._cut_at(spine, runs)
        longest = max(runs, key=lambda run: run[1] - run[0], default=(0, 0, 0))
        if longest[1] - longest[0] > len(spine) // 2:
            yield self._cut_at(spine, [longest])
        yield self._cut_at(spine, [(0, len(spine), 0)])

    def _cut_at(
        self, spine: list[int], runs: list[tuple[int, int, int]]
    ) -> tuple[list[int], list[tuple[int, Cone]]]:
        shown: list[int] = []
        folded: list[tuple[int, Cone]] = []
        done = 0
        for begin, end, period in [*runs, (len(spine), len(spine), 0)]:
            if begin - done > LONG:
                self._fold(spine, done, begin, 0, shown, folded)
            else:
                shown += spine[done:begin]
            if end > begin:
                self._fold(spine, begin, end, period, shown, folded)
            done = end
        return shown, folded

    def _fold(
        self,
        spine: list[int],
        begin: int,
        end: int,
        period: int,
        shown: list[int],
        folded: list[tuple[int, Cone]],
    ) -> None:
        """Show both ends of a stretch of the chain, and fold what is between."""
        ends = period * max(1, round(ENDS / period)) if period else ENDS
        rounds = (end - begin - 2 * ends) // period if period else 0
        stop = begin + ends + rounds * period if period else end - ends
        pattern = tuple(reversed(spine[begin + ends : begin + ends + period]))
        shown += spine[begin : begin + ends] + spine[stop:end]
        folded.append((spine[begin + ends], Cone((spine[begin + ends],), pattern, rounds)))

    def _runs(self, spine: list[int]) -> list[tuple[int, int, int]]:
        """The stretches that repeat a pattern: where each begins and ends, and its period."""
        steps = [
            hash((self.kinds[v], *(self._role(u, v, below) for u in self.operands[v])))
            for v, below in zip(spine, [*spine[1:], -1], strict=True)
        ]
        runs: list[tuple[int, int, int]] = []
        k = 0
        while k < len(steps):
            for period in range(1, PERIODS + 1):
                end = k
                while end + period < len(steps) and steps[end] == steps[end + period]:
                    end += 1
                if end - k >= max(4 * period, 2 * LONG // 3):
                    runs.append((k, end + period, period))
                    k = end + period
                    break
            else:
                k += 1
        return runs

    def _role(self, operand: int, v: int, below: int) -> int:
        """What an operand is to a step of a chain: the chain itself, a part alike, or given."""
        if operand == below:
            return -1
        return self.shapes[operand] if self.tree.above[operand] == v else 0
