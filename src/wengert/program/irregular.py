"""How a straight stretch is folded: strictly, or with operands that may be looked up.

Strictly, all addresses move by constant strides. Where that leaves much, the operands that move
irregularly from one item to the next may be looked up instead. Of a long stretch, some pieces are
folded both ways first, and show which of them is worth the time.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from wengert.program.address import CODES, VALUE, Integers, distinct
from wengert.program.fold import Folded, Hashes, fold
from wengert.program.nest import Sizes
from wengert.program.stretch import Stretch, changes_of

SMALL = 200  # statements: nothing else is tried
WORTH = 200  # operations per statement: nothing else is tried
BETTER = 4  # times smaller: then something else is taken
IRREGULAR = 0.25  # of the steps of an operand: then it may be looked up
SPREAD = 64  # distances are sorted only if they spread over more than so many times the items
DISTANCES = 0.125  # as many distances as items: below, it is part of a pattern after all
LONG = 1 << 14  # items: of so many, some pieces show what to try with all of them
PIECES, PART = 4, 8  # so many pieces, which are one of so many parts of the items

Free = frozenset[tuple[int, int]]  # operands that may be looked up, by kind and slot
STRICT: Free = frozenset()


def folding_of(stretch: Stretch) -> Folded:
    """The folding of a stretch that leaves less."""
    hashed = lru_cache(maxsize=2)(stretch.hashes)  # the pieces and the whole are hashed alike
    shown = _shown(stretch, hashed) if len(stretch) >= LONG else None
    if shown and shown.free:
        loosely = _folded(stretch, hashed(shown.free))
        if _size(stretch, loosely) * BETTER <= shown.size * PART:
            return loosely
    strictly = _folded(stretch, hashed(STRICT))
    size = _size(stretch, strictly)
    if (shown and not shown.free) or not _is_much(size, len(stretch)):
        return strictly
    free = _irregular(stretch, strictly)
    loosely = _folded(stretch, hashed(free)) if free else strictly
    return loosely if _size(stretch, loosely) * BETTER <= size else strictly


class _Shown(NamedTuple):
    """What pieces of a stretch show.

    Args:
        free: the operands that had better be looked up; none if that does not help.
        size: how many statements strict folding leaves of them.
    """

    free: Free
    size: int


def _shown(stretch: Stretch, hashed: Callable[[Free], Hashes]) -> _Shown | None:
    """What some pieces of a stretch show; None where strict folding leaves little of them."""
    length = len(stretch) // (PIECES * PART)
    starts = np.arange(PIECES) * (len(stretch) // PIECES) + (len(stretch) // PIECES - length) // 2
    items: Integers = (starts[:, None] + np.arange(length)).ravel()
    strictly = _folded(stretch, hashed(STRICT), items)
    size = _size(stretch, strictly)
    if not _is_much(size, len(items)):
        return None
    free = _irregular(stretch, strictly, items)
    if free and _size(stretch, _folded(stretch, hashed(free), items)) * BETTER <= size:
        return _Shown(free, size)
    return _Shown(STRICT, size)


def _folded(stretch: Stretch, hashes: Hashes, items: Integers | None = None) -> Folded:
    """The folding of a stretch, or of some of its items as if they followed each other."""
    chosen = slice(None) if items is None else items
    return fold(stretch.ids[chosen], hashes[chosen], len(stretch.kinds))


def _size(stretch: Stretch, folded: Folded) -> int:
    statements = np.array(Sizes.of(folded, len(stretch.kinds)).statements, np.int64)
    return int(statements[folded.ids].sum())


def _is_much(size: int, length: int) -> bool:
    """Whether so many statements are left of so many items that something else is tried."""
    return size > SMALL and size * WORTH > length


def _irregular(stretch: Stretch, folded: Folded, items: Integers | None = None) -> Free:
    """The operands, by kind and slot, that move irregularly from one item to the next."""
    kinds = len(stretch.kinds)
    once = _once(folded, kinds)
    flat = once if items is None else items[once]
    ids = stretch.ids[flat]
    changes = changes_of(stretch.ids, stretch.operands, stretch.offsets, flat, kinds)
    steps = np.bincount(ids, minlength=kinds) - 2
    found = set()
    for kind, slot in np.argwhere(changes > IRREGULAR * np.maximum(steps, 0)[:, None]).tolist():
        if stretch.kinds[kind].memories[slot] == CODES[VALUE]:
            own = flat[ids == kind]
            if _local(stretch.column(slot, own), own):
                continue
        found.add((kind, slot))
    return frozenset(found)


def _once(folded: Folded, kinds: int) -> Integers:
    """The items in order, those in loops for the first time each only."""
    sizes = Sizes.of(folded, kinds).items
    first: list[Integers] = [np.zeros(1, np.int64)] * kinds
    for _, body in folded.loops:
        starts = np.cumsum([0, *(sizes[i] for i in body.tolist())])
        below = [start + first[i] for start, i in zip(starts.tolist(), body.tolist(), strict=False)]
        first.append(np.concatenate(below))
    counts = np.array([len(items) for items in first], np.int64)
    lengths = counts[folded.ids]
    shifts = (np.cumsum(counts) - counts)[folded.ids] - (np.cumsum(lengths) - lengths)
    within = np.arange(int(lengths.sum())) + np.repeat(shifts, lengths)
    items: Integers = np.repeat(folded.starts, lengths) + np.concatenate(first)[within]
    return items


def _local(codes: Integers, items: Integers) -> bool:
    """Whether the operands mostly stand before the items at one of a few distances."""
    distances = items - codes
    low, high = int(distances.min()), int(distances.max())
    if high - low > SPREAD * len(items):
        return len(distinct(distances)) < DISTANCES * len(items)
    seen = np.zeros(high - low + 1, bool)
    seen[distances - low] = True
    return bool(np.count_nonzero(seen) < DISTANCES * len(items))
