import random
from typing import Any

import numpy as np
import pytest

from scenarios import cholesky
from wengert.program import shapes
from wengert.program.record import record
from wengert.program.roll import roll
from wengert.program.statements import Assign, Loop
from wengert.value import engine

START = 100  # the place of item 0


def stretch(
    generator: random.Random, size: int, kinds: int
) -> tuple[Any, list[tuple[int, ...]], Any, Any]:
    """What items do and read: each other, what comes before them, and other memories."""
    ids = [generator.randrange(min(kinds, size)) for _ in range(size)]
    reads = []
    for k in range(size):
        choices = [START + generator.randrange(-3, k + 1), (1 << 56) + generator.randrange(200)]
        near = START + max(k - generator.randrange(1, 4), -1)
        reads.append(tuple(generator.choice([*choices, near, near]) for _ in range(1 + ids[k] % 2)))
    operands = np.array([code for each in reads for code in each], np.int64)
    offsets = np.cumsum([0, *map(len, reads)], dtype=np.int64)
    return np.array(ids, np.int32), reads, operands, offsets


@pytest.mark.parametrize("most", [0, 10**9])
def test_groups_are_in_order_and_both_twins_find_them(most: int) -> None:
    generator = random.Random(most)
    for size in [*range(40), 400]:
        ids, reads, operands, offsets = stretch(generator, size, generator.choice([1, 2, 3, 9]))
        first = generator.randrange(size + 1)
        given = ids[first:], operands, offsets, first, START
        order, edges = shapes.ordered_plain(*given, most)
        found = shapes.ordered(*given, most)
        assert (order.tolist(), edges.tolist()) == (found[0].tolist(), found[1].tolist())
        assert sorted(order.tolist()) == list(range(first, size))
        done: set[int] = set()
        for low, high in zip(edges.tolist(), edges.tolist()[1:], strict=False):
            items = order[low:high].tolist()
            assert items == sorted(items)
            assert len({ids[k] for k in items}) == 1
            for k in items:
                needed = {code - START for code in reads[k]}
                assert all(n in done for n in needed if first <= n < k)
                done.add(k)


def test_items_that_are_alone_wait_for_others() -> None:
    """Each square root is needed at once, the logarithms and their sum only in the end."""
    n = 24
    flat = record(cholesky, np.eye(n) + 1.0, passes=())
    program = roll(flat)
    assert program.expand().statements == flat.expand().statements
    counts = {
        statement.body[0].row.name: statement.count
        for statement in program.statements
        if isinstance(statement, Loop) and isinstance(statement.body[0], Assign)
        if statement.body[0].row
    }
    assert (counts["log"], counts["add"]) == (n, n - 1)
    alone = [s.row.name for s in program.statements if isinstance(s, Assign) and s.row]
    assert alone.count("sqrt") == n


def test_both_twins_see_the_same_columns() -> None:
    generator = random.Random(5)
    operands = np.array([generator.randrange(9) for _ in range(60)], np.int64)
    operands[::2] = 7 * np.arange(30)
    offsets, ids = np.arange(0, 61, 2), np.zeros(30, np.int32)
    for order, edges in (
        (np.arange(30), [0, 30]), (np.arange(30), [0, 1, 3, 6, 30]), (np.array([0, 1, 3]), [0, 3]),
        (np.arange(29, -1, -1), [0, 2, 30]), (np.arange(0), [0]),
    ):  # fmt: skip
        given = ids, operands, offsets, np.array(order, np.int64), np.array(edges, np.int64)
        columns = shapes.columns_of(*given)
        assert columns == shapes.columns_plain(*given)
    whole = np.arange(30), np.array([0, 30])
    assert shapes.columns_of(ids, operands, offsets, *whole)[0][1] == (0, 7, None)
    some = np.array([0, 1, 3]), np.array([0, 3])
    table = np.array([0, 1, 3]).tobytes()
    assert shapes.columns_of(ids, operands, offsets, *some)[0][0] == (0, 0, table)


@pytest.mark.skipif(engine == "plain", reason="it is about the native engine")
def test_the_native_twins_refuse_what_does_not_fit() -> None:
    from wengert import _native

    ids, operands, long = np.zeros(3, np.int32), np.zeros(3, np.int64), np.arange(4)
    for part, first, start in (
        (ids, 1, 0),
        (ids, -1, 0),
        (ids, 0, -1),
        (ids - 1, 0, 0),
        (ids + 3, 0, 0),
    ):
        with pytest.raises(ValueError, match="do not fit together"):
            _native.ordered(part, operands, long, first, start, 0)
    edges = [0, 3], [0, 0], [1, 0], [-1, 2], [0, 10**18]
    for order, ends in (*((np.arange(2), each) for each in edges), (np.array([-1, 3]), [0, 1])):
        with pytest.raises(ValueError, match="do not fit together"):
            _native.columns_of(ids, operands, long, order, np.array(ends, np.int64))
    uneven = np.array([0, 1, 3, 3])
    with pytest.raises(ValueError, match="do not fit together"):
        _native.columns_of(ids, operands, uneven, np.arange(2), np.array([0, 2]))
    for offsets in (long + 1, -long, np.array([0, 17, 18, 19])):
        with pytest.raises(ValueError, match="do not fit together"):
            _native.columns_of(ids, operands, offsets, np.arange(2), np.array([0, 2]))
