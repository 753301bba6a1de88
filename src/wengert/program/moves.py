"""How the loops around them move the operands of items. The native twins are in native/moves.c."""

from typing import TYPE_CHECKING

import numpy as np

from wengert.program.address import VALUE, Integers, in_memory
from wengert.program.stretch import Around, positions
from wengert.value import engine


def strides_plain(
    ids: Integers, operands: Integers, offsets: Integers, item: int, around: Around
) -> list[tuple[int, ...] | None]:
    """Per slot, how far each enclosing loop moves the operand; None where that varies.

    An empty list where not all items that the loops lead to are of one kind.
    """
    grid = positions(item, around)
    if not (ids[grid] == ids[item]).all():
        return []
    found: list[tuple[int, ...] | None] = []
    for slot in range(int(offsets[item + 1] - offsets[item])):
        codes = operands[offsets[grid] + slot]
        first = int(operands[offsets[item] + slot])
        strides = tuple(int(operands[offsets[item + step] + slot]) - first for _, step in around)
        affine = positions(first, tuple((n, s) for (n, _), s in zip(around, strides, strict=True)))
        found.append(strides if (codes == affine).all() else None)
    return found


def moves_plain(
    ids: Integers, operands: Integers, offsets: Integers, low: int, high: int, start: int,
    around: Around,
) -> Integers | None:  # fmt: skip
    """Per item, a number for its kind and for how the loops move its operands.

    Args:
        ids: what the items do.
        operands: of the whole stretch.
        offsets: where the operands of each item start.
        low: the first item that is asked about, in the first round of all loops.
        high: the first behind them.
        start: the place of item 0 in the value memory.
        around: the loops.

    Returns:
        Nothing where not all rounds do the same. None where an operand is one of these items in
        some rounds only, or is several of them: then there is no order that holds for all rounds.
    """
    items = np.arange(low, high, dtype=np.int64)
    rounds = positions(0, around).reshape(-1, 1)
    if not (ids[rounds + items] == ids[items]).all():
        return np.empty(0, np.int64)
    counters = np.indices([count for count, _ in around])
    reads = offsets[items + 1] - offsets[items]
    rows = [ids[items].astype(np.int64)]
    for slot in range(int(reads.max(initial=0))):
        has = np.flatnonzero(reads > slot)
        codes = operands[offsets[rounds + items[has]] + slot]
        within = codes - rounds - (start + low)  # which of these items is read each time
        varies = (within != within[0]).any(axis=0)
        if (varies & in_memory(codes[0], VALUE) & (within >= 0).any(axis=0)).any():
            return None
        strides = [operands[offsets[items[has] + step] + slot] - codes[0] for _, step in around]
        affine = codes[0] + sum(
            stride * k.reshape(-1, 1) for stride, k in zip(strides, counters, strict=True)
        )
        steady = (codes == affine).all(axis=0)
        for each in (np.ones(len(has), np.int64), *strides):
            row = np.zeros(len(items), np.int64)
            row[has] = np.where(steady, each, 0)
            rows.append(row)
    return _ranked(np.array(rows).T)


def _ranked(rows: Integers) -> Integers:
    """For each row, the number of those like it, in order of appearance."""
    numbers: dict[bytes, int] = {}
    return np.array([numbers.setdefault(row.tobytes(), len(numbers)) for row in rows], np.int64)


if TYPE_CHECKING:
    strides_of, moves_of = strides_plain, moves_plain
elif engine == "native":
    from wengert import _native

    strides_of = _native.strides_of

    def moves_of(
        ids: Integers, operands: Integers, offsets: Integers, low: int, high: int, start: int,
        around: Around,
    ) -> Integers | None:  # fmt: skip
        """See `moves_plain`."""
        numbers = _native.moves_of(ids, operands, offsets, low, high, start, around)
        return None if numbers is None else np.frombuffer(numbers, np.int32)

else:
    strides_of, moves_of = strides_plain, moves_plain
