"""Fold what repeats in a sequence of items, from the inside out.

An item has an identity (what it does) and a hash of the addresses it reads. The hash is linear, so
whether p items stand there again and again, all their addresses moving by constant strides, takes
two comparisons an item: `identity[i] == identity[i-p] == identity[i-2p]`, and `h[i] - h[i-p] ==
h[i-p] - h[i-2p]`. What repeats becomes one item, a loop, whose hash is linear again; so loops
around loops are found in the same way. Equal hashes are no proof: who uses the loops checks them.

Periods worth a test are the distances between equal n-grams of identities, for n = 1, 2, 4, ...,
and small multiples of them. Shorter n-grams go first, and of what they find, shorter periods.
The native twin is native/fold.c; both find the same loops.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.program.address import Integers
from wengert.value import engine

Hashes = np.ndarray[Any, np.dtype[np.uint64]]

PERIODS = 64  # so many periods are tried in one pass
MULTIPLES = 8
REACH = 16  # an n-gram proposes periods of this many times its width: inner loops come first
FEW = 4  # from periods of twice as many items on, one item in so many is asked
NEW = 64  # it goes on where more than one item in so many is new, or was folded
WORK, WORK_MORE = 64, 1 << 20  # it gives up after looking at 64 items per item, and a million more


@dataclass(frozen=True, slots=True)
class Folded:
    """A sequence of items and loops.

    Args:
        ids: per item, its identity; of a loop, the number of plain identities plus its number.
        starts: per item, where it started in the sequence that was folded.
        loops: per loop, how often it runs, and the identities in its body.
    """

    ids: Integers
    starts: Integers
    loops: list[tuple[int, Integers]]


def _mixed(x: Hashes) -> Hashes:
    x = (x ^ (x >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    x = (x ^ (x >> np.uint64(29))) * np.uint64(0xC4CEB9FE1A85EC53)
    return x ^ (x >> np.uint64(32))


def coefficients(series: int, count: int, first: int = 0) -> Hashes:
    """Odd random numbers, for linear hashes; there are several series of them."""
    numbers = np.arange(first, first + count, dtype=np.uint64)
    seeds = (numbers << np.uint64(3)) + np.uint64(series)
    return _mixed(seeds * np.uint64(0x9E3779B97F4A7C15)) | np.uint64(1)


GRAM, ITEM, STRIDE, SLOT = range(4)  # what the series are for


def fold_plain(ids: Integers, hashes: Hashes, kinds: int) -> Folded:
    """The loops in a sequence of items.

    Args:
        ids: per item, what it does, a number below `kinds`.
        hashes: per item, a linear hash of the addresses it reads.
        kinds: how many different things items do.
    """
    folding = _Folding(ids, hashes, kinds)
    while folding.once():
        pass
    return Folded(folding.ids, folding.starts, folding.loops)


class _Folding:
    def __init__(self, ids: Integers, hashes: Hashes, kinds: int) -> None:
        self.ids, self.hashes, self.kinds = ids.astype(np.int64), hashes.copy(), kinds
        self.starts: Integers = np.arange(len(ids), dtype=np.int64)
        self.loops: list[tuple[int, Integers]] = []
        self.known: dict[int, int] = {}
        self.work = WORK * len(ids) + WORK_MORE

    def once(self) -> bool:
        """Fold at the shortest n-grams that lead to anything; whether there may be more.

        Multiples of distances are folded where the distances themselves lead to nothing.
        """
        m = len(self.ids)
        grams = _mixed(self.ids.astype(np.uint64) + np.uint64(1))
        width, level = 1, 0
        later: list[tuple[int, int, int]] = []
        self.distances = self.asked = np.zeros(m, np.int64)
        while width <= m // 3 and self.work > 0:
            self.work -= m
            many_new = self._measure(grams, width)
            if not self.distances.any():
                break  # nor does any longer n-gram repeat
            reach = REACH * width if many_new else m
            runs = self._runs(width, reach, 1, 2)
            if runs:
                self._replace(runs)
                return True
            later = later or self._runs(width, reach, 2, MULTIPLES + 1)
            if not many_new:
                break
            self.asked = self.distances
            width, level = 2 * width, level + 1
            half = width // 2
            grams = grams[:-half] * coefficients(GRAM, 1, level) + grams[half:]
        self._replace(later)
        return m - len(self.ids) > m // NEW  # few are not worth another search

    def _measure(self, grams: Hashes, width: int) -> bool:
        """Set, by where n-grams end, how far before they ended last; whether much of it is new.

        Where both halves stood at the same distance before, so did the whole.
        """
        before, self.distances = self.distances, np.zeros(len(self.ids), np.int64)
        self.distances[width - 1 :] = _distances(grams)
        half = width // 2
        new = self.distances > 0
        new[half:] &= (before[half:] != before[: len(before) - half]) | (width == 1)
        return bool(width < REACH or np.count_nonzero(new) > len(new) // NEW)

    def _runs(self, width: int, reach: int, least: int, below: int) -> list[tuple[int, int, int]]:
        """What is to be folded: period, start and count.

        An item is not asked twice about a distance that it kept since the reach was shorter.
        """
        m = len(self.ids)
        periods = np.zeros(m, np.int64)
        at = np.flatnonzero(self.distances)
        asked = np.where(self.asked[at] == self.distances[at], REACH * width // 2, 0)
        for multiple in range(least, below):
            p = self.distances[at] * multiple
            fits = (2 * p <= at) & (p <= reach) & (p > asked) & (periods[at] == 0)
            fits &= (p < 2 * FEW) | (at % FEW == 0)
            i, p = at[fits], p[fits]
            regular = self._regular(i, p)
            periods[i[regular]] = p[regular]
        found, counts = np.unique(periods[periods > 0], return_counts=True)
        best = np.sort(found[np.lexsort((found, -counts))[:PERIODS]])
        used = np.zeros(m, bool)
        runs: list[tuple[int, int, int]] = []
        for p in best.tolist():
            self._runs_of(p, periods == p, used, runs)
        return runs

    def _regular(self, i: Integers, p: Integers) -> Any:
        """Whether the items at i, i-p and i-2p do the same at addresses in constant strides."""
        ids, h = self.ids, self.hashes
        same = (ids[i] == ids[i - p]) & (ids[i] == ids[i - 2 * p])
        return same & (h[i] - h[i - p] == h[i - p] - h[i - 2 * p])

    def _runs_of(self, p: int, seen: Any, used: Any, runs: list[tuple[int, int, int]]) -> None:
        ids, h = self.ids, self.hashes
        steps = h[p:] - h[:-p]
        regular = (ids[2 * p :] == ids[p:-p]) & (ids[p:-p] == ids[: -2 * p])
        regular &= steps[p:] == steps[:-p]
        edges = np.flatnonzero(np.diff(regular.view(np.int8), prepend=0, append=0))
        before = np.concatenate(([0], np.cumsum(seen[2 * p :])))
        end = 0
        for start, stop in edges.reshape(-1, 2)[np.diff(before[edges])[::2] > 0].tolist():
            at = max(start, end)
            count = (stop - at) // p + 2
            if count < 3 or stop - at < p or used[at : at + count * p].any():
                continue
            end = at + count * p
            used[at:end] = True
            runs.append((p, at, count))

    def _replace(self, runs: list[tuple[int, int, int]]) -> None:
        keep = np.ones(len(self.ids), bool)
        for p, at, count in runs:
            body = self.ids[at : at + p]
            hashes = self.hashes[at : at + p]
            steps = self.hashes[at + p : at + 2 * p] - hashes
            total = _mixed(body.astype(np.uint64) + np.uint64(7)) * coefficients(ITEM, p)
            key = int((total + steps * coefficients(STRIDE, p)).sum(dtype=np.uint64))
            key = (key + count * 0x9E3779B97F4A7C15 + p) % (1 << 64)
            if key not in self.known:
                self.known[key] = self.kinds + len(self.loops)
                self.loops.append((count, body.copy()))
            keep[at + 1 : at + count * p] = False
            self.hashes[at] = (hashes * coefficients(ITEM, p)).sum(dtype=np.uint64)
            self.ids[at] = self.known[key]
        self.ids, self.hashes = self.ids[keep], self.hashes[keep]
        self.starts = self.starts[keep]


def _distances(grams: Hashes) -> Integers:
    """How far before each item the same n-gram ended; 0 where it did not."""
    order = np.argsort(grams, kind="stable")
    same = grams[order[1:]] == grams[order[:-1]]
    distances = np.zeros(len(grams), np.int64)
    distances[order[1:]] = np.where(same, np.diff(order), 0)
    return distances


def _loops(table: Integers) -> list[tuple[int, Integers]]:
    """The loops, from a row of counts, lengths and bodies."""
    loops = []
    at = 0
    while at < len(table):
        end = at + 2 + int(table[at + 1])
        loops.append((int(table[at]), table[at + 2 : end]))
        at = end
    return loops


if TYPE_CHECKING:
    fold = fold_plain
elif engine == "native":
    from wengert import _native

    def fold(ids: Integers, hashes: Hashes, kinds: int) -> Folded:
        """The loops in a sequence of items; see `fold_plain`."""
        ids = np.ascontiguousarray(ids, dtype=np.int32)
        folded, starts, loops = _native.fold(ids, np.ascontiguousarray(hashes), kinds)
        return Folded(
            np.frombuffer(folded, np.int32).astype(np.int64),
            np.frombuffer(starts, np.int32).astype(np.int64),
            _loops(np.frombuffer(loops, np.int64)),
        )

else:
    fold = fold_plain
