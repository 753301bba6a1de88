"""How a straight stretch is folded: strictly, with operands that may be looked up, or not.

Strictly, all addresses move by constant strides. Where that leaves much, the operands that move
irregularly from one item to the next may be looked up instead. Of a long stretch, some pieces are
folded both ways first, and show which of them is worth the time. Where neither helps much and the
items are few groups, it is left to `group`.
"""

from typing import NamedTuple

import numpy as np

from wengert.program.address import CODES, VALUE, Integers, distinct
from wengert.program.fold import Folded, Hashes, fold
from wengert.program.nest import Sizes
from wengert.program.shapes import BETTER, is_poor
from wengert.program.stretch import Stretch, changes_of

IRREGULAR = 0.25  # of the steps of an operand: then it may be looked up
SPREAD = 64  # distances are sorted only if they spread over more than so many times the items
DISTANCES = 0.125  # as many distances as items: below, it is part of a pattern after all
LONG = 1 << 14  # items: of so many, some pieces show what to try with all of them
PIECES, PART = 4, 8  # so many pieces, which are one of so many parts of the items

Free = frozenset[tuple[int, int]]  # operands that may be looked up, by kind and slot
STRICT: Free = frozenset()


def folding_of(stretch: Stretch) -> Folded:
    """The folding of a stretch that leaves less."""
    shown = _shown(stretch) if len(stretch) >= LONG else None
    if shown and _is_for_groups(stretch, shown):
        return Folded(stretch.ids, np.arange(len(stretch), dtype=np.int64), [])
    if shown and shown.free:
        loosely = _folded(stretch, stretch.hashes(shown.free))
        if _size(stretch, loosely) * BETTER <= shown.strictly * PART:
            return loosely
    strictly = _folded(stretch, stretch.hashes())
    size = _size(stretch, strictly)
    if (shown and not shown.free) or not is_poor(size, len(stretch)):
        return strictly
    free = _irregular(stretch, strictly)
    loosely = _folded(stretch, stretch.hashes(free)) if free else strictly
    return loosely if _size(stretch, loosely) * BETTER <= size else strictly


class _Shown(NamedTuple):
    """What pieces of a stretch show.

    Args:
        free: the operands that had better be looked up; none if that does not help.
        strictly: how many statements strict folding leaves of them.
        size: how many the better folding leaves.
        length: how many items they are.
    """

    free: Free
    strictly: int
    size: int
    length: int


def _shown(stretch: Stretch) -> _Shown | None:
    """What some pieces of a stretch show; None where strict folding leaves little of them."""
    length = len(stretch) // (PIECES * PART)
    starts = np.arange(PIECES) * (len(stretch) // PIECES) + (len(stretch) // PIECES - length) // 2
    items: Integers = (starts[:, None] + np.arange(length)).ravel()

    def folded(free: Free) -> Folded:
        return _folded(stretch, stretch.hashes(free, starts.tolist(), length), items)

    strictly = folded(STRICT)
    size = _size(stretch, strictly)
    if not is_poor(size, len(items)):
        return None
    free = _irregular(stretch, strictly, items)
    loose = _size(stretch, folded(free)) if free else size
    if loose * BETTER <= size:
        return _Shown(free, size, loose, len(items))
    return _Shown(STRICT, size, size, len(items))


def _is_for_groups(stretch: Stretch, shown: _Shown) -> bool:
    """Whether the stretch is left to be grouped.

    Strict folding finds strides, which groups look up: so they must do without much of it.
    """
    if not is_poor(shown.size, shown.length):
        return False
    if shown.free:
        return stretch.shapes.size * BETTER <= shown.size * PART
    return 2 * shown.size > shown.length and not is_poor(stretch.shapes.size, len(stretch))


def _folded(stretch: Stretch, hashes: Hashes, items: Integers | None = None) -> Folded:
    """The folding of a stretch, or of some of its items as if they followed each other."""
    ids = stretch.ids if items is None else stretch.ids[items]
    return fold(ids, hashes, len(stretch.kinds))


def _size(stretch: Stretch, folded: Folded) -> int:
    statements = np.array(Sizes.of(folded, len(stretch.kinds)).statements, np.int64)
    return int(statements[folded.ids].sum())


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
