"""A straight stretch of a program, as the search for loops looks at it.

What an item does, its kind, is its operation together with the memories it reads. All items of a
kind have their operands in the same columns. The native twins are in native/stretch.c.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.program.address import PLACE, SHIFT, Integers, distinct, grid
from wengert.program.fold import SLOT, Hashes, coefficients
from wengert.program.shapes import Shapes, shapes_of
from wengert.program.statements import Operation, Run
from wengert.value import engine

MOST_READS = 16  # the memories of so many operands fit into the signature of a kind

WEIGHTS = coefficients(SLOT, MOST_READS)  # of slots, in the hashes of items

Around = tuple[tuple[int, int], ...]  # enclosing loops: how often, and by how far it goes each time


@dataclass(frozen=True, slots=True)
class Kind:
    """What items have in common: the number of their operation, and the memories they read."""

    op: int
    memories: tuple[int, ...]


class Stretch:
    """A run, with what its items have in common and where their operands stand."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.labelled = sorted(run.labels)
        self.ops = np.ascontiguousarray(run.ops, dtype=np.int32)
        self.operands = np.ascontiguousarray(run.operands, dtype=np.int64)
        self.offsets = run.starts
        numbers, ops = self._with_lines()
        self.ids, signatures = kinds_of(numbers, self.operands, self.offsets)
        self.kinds = [
            Kind(
                op := int(ops[s >> 32]),
                tuple(s >> 2 * k & 3 for k in range(run.operations[op].reads)),
            )
            for s in signatures
        ]

    def _with_lines(self) -> tuple[Any, Any]:
        """Per item, a number for its operation and the line of a guard; and their operations.

        Guards of different lines do not become one, so that each can say where it stands.
        """
        run = self.run
        ops = np.arange(len(run.operations), dtype=np.int32)
        guards = np.array([operation.guards for operation in run.operations], bool)
        if not (guards.any() and len(run.lines) and len(run.sources) > 1):
            return self.ops, ops
        at = np.flatnonzero(guards[self.ops])
        keys = run.lines[at].astype(np.int64) * len(ops) + self.ops[at]
        found = distinct(keys)
        ranks = np.searchsorted(found, keys)
        numbers = self.ops.copy()
        numbers[at] = len(ops) + ranks
        return numbers, np.concatenate([ops, found % len(ops)])

    def __len__(self) -> int:
        return len(self.ops)

    def operation(self, item: int) -> Operation:
        """What an item does."""
        return self.run.operations[self.ops.item(item)]

    def source(self, item: int) -> str:
        """The source line of an item."""
        return self.run.sources[self.run.lines.item(item)] if len(self.run.lines) else ""

    def column(self, slot: int, items: Integers) -> Integers:
        """The coded addresses that the items' operands in a slot have."""
        return self.operands[self.offsets[items] + slot]

    def hashes(
        self, free: frozenset[tuple[int, int]] = frozenset(), starts: Sequence[int] = (0,),
        length: int | None = None,
    ) -> Hashes:  # fmt: skip
        """A linear hash of each item's addresses, but for the slots of kinds that are `free`.

        Args:
            free: the slots, by kind, that are left out.
            starts: where the pieces of the stretch start that are asked about.
            length: how many items a piece has; all, if it is not given.
        """
        weights = np.tile(WEIGHTS, (len(self.kinds), 1))
        for kind, slot in free:
            weights[kind, slot] = 0
        pieces = [(low, low + (len(self) if length is None else length)) for low in starts]
        found = [
            hashes_of(self.ids[low:high], self.operands, self.offsets[low : high + 1], weights)
            for low, high in pieces
        ]
        return found[0] if len(found) == 1 else np.concatenate(found)

    @cached_property
    def shapes(self) -> Shapes:
        """The items by their shape."""
        return shapes_of(self.ids, self.operands, self.offsets, 0, self.run.start)

    def cut(self, start: int, stop: int) -> Run:
        """A part of the run, as a run."""
        run = self.run
        here = self.labelled[bisect_left(self.labelled, start) : bisect_left(self.labelled, stop)]
        labels = {k - start: run.labels[k] for k in here}
        return Run(
            run.start + start, run.operations, self.ops[start:stop],
            self.operands[self.offsets[start] : self.offsets[stop]], run.sources,
            run.lines[start:stop], labels, run.outputs,
        )  # fmt: skip


def places(codes: Integers) -> Integers:
    """The places that coded addresses stand for."""
    return codes & PLACE


def positions(start: int, around: Around) -> Integers:
    """Where an item stands each time, as an array with one axis per enclosing loop."""
    return grid(start, [step for _, step in around], [count for count, _ in around])


# --- the plain forms of what has a native twin ----------------------------------------------------


def kinds_of_plain(
    ops: Any, operands: Integers, offsets: Integers
) -> tuple[Integers, Sequence[int]]:
    """Per item, the number of its kind in order of appearance; and the kinds' signatures."""
    signatures = ops.astype(np.int64) << 32
    reads = np.diff(offsets)
    for slot in range(int(reads.max(initial=0))):
        has = np.flatnonzero(reads > slot)
        signatures[has] |= (operands[offsets[has] + slot] >> SHIFT) << 2 * slot
    found, first, ids = np.unique(signatures, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(found), np.int32)
    rank[order] = np.arange(len(found), dtype=np.int32)
    return rank[ids].astype(np.int64), found[order].tolist()


def hashes_of_plain(
    ids: Integers, operands: Integers, offsets: Integers, weights: Hashes
) -> Hashes:
    """Per item, the sum of its operands' places, weighted by kind and slot."""
    hashes = np.zeros(len(ids), np.uint64)
    reads = np.diff(offsets)
    for slot in range(int(reads.max(initial=0))):
        has = np.flatnonzero(reads > slot)
        there = places(operands[offsets[has] + slot]).astype(np.uint64)
        hashes[has] += there * weights[ids[has], slot]
    return hashes


def changes_plain(
    ids: Integers, operands: Integers, offsets: Integers, items: Integers, kinds: int
) -> Integers:
    """Per kind and slot, how many steps from one item of the kind to the next are new ones."""
    changes = np.zeros((kinds, MOST_READS), np.int64)
    order = items[np.argsort(ids[items], kind="stable")]
    edges = np.flatnonzero(np.diff(ids[order], prepend=-1, append=-1))
    for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        here = order[start:stop]
        first = int(here[0])
        for slot in range(int(offsets[first + 1] - offsets[first])):
            steps = np.diff(operands[offsets[here] + slot], 2)
            changes[ids[first], slot] = np.count_nonzero(steps)
    return changes


if TYPE_CHECKING:
    kinds_of, hashes_of, changes_of = kinds_of_plain, hashes_of_plain, changes_plain
elif engine == "native":
    from wengert import _native

    def kinds_of(ops: Any, operands: Integers, offsets: Integers) -> tuple[Integers, Sequence[int]]:
        """See `kinds_of_plain`."""
        ids, signatures = _native.kinds_of(ops, operands, offsets)
        return np.frombuffer(ids, np.int32), np.frombuffer(signatures, np.int64).tolist()

    def hashes_of(ids: Integers, operands: Integers, offsets: Integers, weights: Hashes) -> Hashes:
        """See `hashes_of_plain`."""
        return np.frombuffer(_native.hashes_of(ids, operands, offsets, weights), np.uint64)

    def changes_of(
        ids: Integers, operands: Integers, offsets: Integers, items: Integers, kinds: int
    ) -> Integers:
        """See `changes_plain`."""
        changes = _native.changes_of(ids, operands, offsets, np.ascontiguousarray(items), kinds)
        return np.frombuffer(changes, np.int64).reshape(kinds, MOST_READS)

else:
    kinds_of, hashes_of, changes_of = kinds_of_plain, hashes_of_plain, changes_plain
