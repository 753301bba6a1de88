"""Fold what repeats in a sequence of items, from the inside out.

An item has an identity (what it does) and a hash of the addresses it reads. The hash is linear, so
whether p items stand there again and again, all their addresses moving by constant strides, takes
two comparisons an item: `identity[i] == identity[i-p] == identity[i-2p]`, and `h[i] - h[i-p] ==
h[i-p] - h[i-2p]`. What repeats becomes one item, a loop, whose hash is linear again; so loops
around loops are found in the same way. Equal hashes are no proof: who uses the loops checks them.

Periods worth a test are the distances between equal n-grams of identities, for n = 1, 4, 16, ...,
and small multiples of those of narrow ones. Shorter n-grams go first, and of what they find,
shorter periods. The native twin is native/fold.c; both find the same loops.
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
WIDER = 4  # so many times as wide are the n-grams that are tried next
RARE = 64  # of wide n-grams at least one in so many is looked for
FEW = 4  # from periods of twice as many items on, one item in so many is asked
NEW = 64  # it goes on where more than one item in so many was folded
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

Repeat = tuple[int, int, int]  # period, start and count of items that repeat


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
        """Fold at the shortest n-grams whose distances lead to much; whether there may be more.

        Of single items anything is enough. If none do, the best is folded, and small multiples of
        the distances may be that.
        """
        m = len(self.ids)
        grams = _mixed(self.ids.astype(np.uint64) + np.uint64(1))
        width, level, found = 1, 0, False
        best: list[Repeat] = []
        self.distances = self.asked = np.zeros(m, np.int64)
        while width <= m // 3 and self.work > 0:
            self.work -= m
            self.distances = _distances(grams, width, m)
            if not self.distances.any():
                break  # nor, most likely, does any longer n-gram repeat
            runs = self._runs(width, 1, 2)
            found = _saving(runs) > (0 if width == 1 else m // NEW)
            if found:
                best = runs
                break
            more = self._runs(width, 2, MULTIPLES + 1) if width < REACH else []
            best = max(best, runs, more, key=_saving)
            self.asked = self.distances
            grams = _widened(grams, width, level + 1)
            width, level = WIDER * width, level + 1
        self._replace(best)
        return found or _saving(best) > m // NEW  # few are not worth another search

    def _runs(self, width: int, least: int, below: int) -> list[Repeat]:
        """What is to be folded.

        An item is not asked twice about a distance that it kept since the reach was shorter.
        """
        m = len(self.ids)
        periods = np.zeros(m, np.int64)
        at = np.flatnonzero(self.distances)
        reach = REACH * width
        asked = np.where(self.asked[at] == self.distances[at], reach // WIDER, 0)
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
        runs: list[Repeat] = []
        for p in best.tolist():
            self._runs_of(p, periods == p, used, runs)
        return runs

    def _regular(self, i: Integers, p: Integers) -> Any:
        """Whether the items at i, i-p and i-2p do the same at addresses in constant strides."""
        ids, h = self.ids, self.hashes
        same = (ids[i] == ids[i - p]) & (ids[i] == ids[i - 2 * p])
        return same & (h[i] - h[i - p] == h[i - p] - h[i - 2 * p])

    def _runs_of(self, p: int, seen: Any, used: Any, runs: list[Repeat]) -> None:
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

    def _replace(self, runs: list[Repeat]) -> None:
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


def _saving(runs: list[Repeat]) -> int:
    """How many items fewer there are when these runs are folded."""
    return sum(period * count - 1 for period, _, count in runs)


def _widened(grams: Hashes, width: int, level: int) -> Hashes:
    """The hashes of n-grams that are wider, from those of a width."""
    factor = coefficients(GRAM, 1, level)
    wider = grams[(WIDER - 1) * width :]
    for k in range(1, WIDER):
        first = (WIDER - 1 - k) * width
        wider = wider * factor + grams[first : first + len(wider)]
    return wider


def _distances(grams: Hashes, width: int, size: int) -> Integers:
    """How far before each item the same n-gram ended; 0 where it did not.

    Of wide n-grams only those are looked for whose hashes say so, the same ones everywhere.
    """
    one_in = 1 if width < REACH else min(width // WIDER, RARE)
    chosen = np.flatnonzero((grams >> np.uint64(32)) & np.uint64(one_in - 1) == 0)
    order = chosen[np.argsort(grams[chosen], kind="stable")]
    same = grams[order[1:]] == grams[order[:-1]]
    distances = np.zeros(size, np.int64)
    distances[order[1:] + width - 1] = np.where(same, np.diff(order), 0)
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
