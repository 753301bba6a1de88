"""Value numbering: what the plain engine does to small lists, and that the native one agrees."""

import math
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from wengert import primitives as p
from wengert.program import numbering
from wengert.program.address import CODES, CONSTANT, INPUT, SHIFT
from wengert.program.numbering import NEEDED, PINNED, ROOT, Numbered, numbered_plain
from wengert.program.rules import rules_for
from wengert.program.statements import Operation
from wengert.value import engine

X, Y = CODES[INPUT] << SHIFT, CODES[INPUT] << SHIFT | 1
MOVE = Operation(None)
Item = tuple[Operation, Sequence[int]]


def const(place: int) -> int:
    return CODES[CONSTANT] << SHIFT | place


def op(row: Any) -> Operation:
    return Operation(row)


def guard(row: Any) -> Operation:
    return Operation(row, guards=True)


def columns(
    items: Sequence[Item], flags: dict[int, int], constants: Sequence[float], unsafe: bool = False
) -> tuple[Any, ...]:
    rows = [o.row for o, _ in items if o.row]
    rules = rules_for(rows, unsafe)
    made = [Operation(row) for rule in rules_for(p.rows()) for row in rule.rows]
    made += [Operation(r.replacement.row) for r in rules if hasattr(r.replacement, "row")]
    operations = tuple(dict.fromkeys([*(o for o, _ in items), *made, MOVE]))
    return (
        np.array([operations.index(o) for o, _ in items], np.int32),
        np.array([code for _, reads in items for code in reads], np.int64),
        np.array([flags.get(k, 0) for k in range(len(items))], np.uint8),
        operations, rules, np.array(constants, float),
    )  # fmt: skip


def numbered(
    items: Sequence[Item], flags: dict[int, int], constants: Sequence[float] = (1.0, 2.0, 1.0)
) -> Numbered:
    return numbered_plain(*columns(items, flags, constants))


def test_equal_operations_are_one() -> None:
    items = [
        (op(p.add), (X, Y)), (op(p.add), (Y, X)), (op(p.sub), (X, Y)), (op(p.sub), (Y, X)),
        (op(p.mul), (0, 1)), (MOVE, (4,)),
    ]  # fmt: skip
    found = numbered(items, {2: NEEDED, 5: ROOT})
    assert found.value.tolist() == [0, 0, 2, 3, 4, 5]
    assert found.live.tolist() == [1, 0, 1, 0, 1, 1], "y - x is read by nobody"
    assert found.operands.tolist() == [X, Y, X, Y, 0, 0, 4]
    assert found.arity.tolist() == [2, 0, 2, 0, 2, 1]
    assert found.merged == 1


def test_constants_are_told_apart_by_their_bits() -> None:
    items = [(op(p.add), (X, const(k))) for k in range(4)]
    found = numbered(items, {}, [0.0, -0.0, 0.0, float("nan")])
    assert found.value.tolist() == [0, X, 0, 3], "x + (-0) = x"


def test_operations_on_constants_are_evaluated() -> None:
    items = [(op(p.div), (const(0), const(1))), (op(p.add), (X, 0)), (MOVE, (1,))]
    found = numbered(items, {2: ROOT}, [1.0, 0.0])
    assert found.constants.tolist() == [1.0, 0.0, np.inf]
    assert found.operands.tolist() == [X, const(2), 1]
    assert found.live.tolist() == [0, 1, 1]


def test_a_pinned_place_is_written_by_a_copy() -> None:
    items = [(op(p.add), (X, Y)), (op(p.add), (X, Y)), (op(p.mul), (1, const(0)))]
    found = numbered(items, {1: PINNED, 2: PINNED})
    operations = columns(items, {}, ())[3]
    assert [operations[k].row for k in found.ops.tolist()] == [p.add, None, None]
    assert found.operands.tolist() == [X, Y, 0, 0]
    assert found.live.all()


def test_guards() -> None:
    one, two = const(0), const(1)
    items = [
        (guard(p.less), (X, Y, one)),  # stays
        (op(p.less), (X, Y)),  # has its value
        (guard(p.less), (X, Y, const(2))),  # is one of them already
        (guard(p.less), (one, two, one)),  # must hold
        (guard(p.less), (two, one, one)),  # cannot hold: it stays, to say so
        (guard(p.less), (X, Y, two)),  # expects something else
        (op(p.add), (1, 3)),
    ]
    found = numbered(items, {6: NEEDED})
    assert found.live.tolist() == [1, 0, 0, 0, 1, 1, 1]
    assert (found.merged, found.held) == (2, 1)
    assert found.value.tolist() == [0, 0, 0, one, 4, 5, 6]
    assert found.operands.tolist()[-2:] == [0, one]


def test_rules_apply_to_what_rules_made() -> None:
    items = [
        (op(p.neg), (X,)), (op(p.neg), (0,)), (op(p.powi(2)), (1,)), (op(p.abs), (2,)),
        (op(p.mul), (X, X)), (MOVE, (3,)),
    ]  # fmt: skip
    found = numbered(items, {5: ROOT})
    assert found.value.tolist() == [0, X, 2, 2, 2, 5]
    assert found.applied == {"-(-x) = x": 1, "x² = x·x": 1, "|x·x| = x·x": 1}


def random_columns(seed: int) -> tuple[Any, ...]:
    rng = random.Random(seed)
    rows = [
        p.add, p.sub, p.mul, p.div, p.neg, p.abs, p.powi(2), p.powi(1), p.select, p.fma, p.less,
        p.not_equal, p.floor, p.rint, p.minimum, p.sin, p.hypot, p.exp,
    ]  # fmt: skip
    numbers = [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 3.0, np.nan, np.inf]
    items: list[Item] = []
    constants: list[float] = []
    flags = {}
    for k in range(rng.randint(1, 150)):
        row = rng.choice(rows)
        kind = rng.choice((op, op, op, guard)) if row is p.less else op
        operation = MOVE if rng.random() < 0.05 else kind(row)
        reads = []
        for _ in range(operation.reads):
            constants.append(rng.choice(numbers))
            places = [const(len(constants) - 1), X, Y, (len(CODES) << SHIFT) + 7]
            reads.append(rng.choice([*places, *(rng.randrange(max(k - 12, 0), k),) * 4 * (k > 0)])
                         if k else rng.choice(places))  # fmt: skip
        if operation.guards:
            reads[-1] = const(len(constants) - 1)
        items.append((operation, reads))
        flags[k] = rng.choice((0, 0, 0, NEEDED, PINNED, PINNED | NEEDED))
        if operation is MOVE and rng.random() < 0.3:
            flags[k] = ROOT
    for _, reads in items:  # nobody reads an output
        for k, code in enumerate(reads):
            if not code >> SHIFT and flags[code] == ROOT:
                reads[k] = X  # type: ignore[index]
    return columns(items, flags, constants, unsafe=bool(seed % 2))


native = pytest.mark.skipif(engine != "native", reason="no native engine")


@native
@pytest.mark.parametrize("seed", range(150))
def test_the_native_twin_gives_the_same(seed: int) -> None:
    given = random_columns(seed)
    plain, found = numbered_plain(*given), numbering.numbered(*given)
    for name in ("ops", "arity", "operands", "value", "live", "constants"):
        mine, its = getattr(plain, name), getattr(found, name)
        assert mine.dtype == its.dtype
        assert mine.tobytes() == its.tobytes(), name
    assert plain.applied == found.applied
    assert (plain.folded, plain.merged, plain.held) == (found.folded, found.merged, found.held)


@native
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({1: np.array([5], np.int64)}, "before"),  # an item reads one behind it
        ({1: np.empty(0, np.int64)}, "before"),  # an operand is missing
        ({0: np.array([99], np.int32)}, "before"),  # no such operation
        ({1: np.array([const(3)], np.int64)}, "before"),  # no such constant
        ({2: np.empty(0, np.uint8)}, "fit"),
    ],
)
def test_the_native_twin_refuses_nonsense(change: dict[int, Any], message: str) -> None:
    given = list(columns([(op(p.neg), (X,))], {}, (1.0,)))
    for k, value in change.items():
        given[k] = value
    with pytest.raises(ValueError, match=message):
        numbering.numbered(*given)


@native
def test_an_error_in_a_row_is_passed_on() -> None:
    def fails(x: float) -> float:
        raise ArithmeticError("no")

    row = p.Primitive("fails", "", fails, fails, lambda z, x: (0.0,), [(0.0, 1.0)])
    given = columns([(op(row), (const(0),))], {}, (1.0,))
    with pytest.raises(ArithmeticError, match="no"):
        numbering.numbered(*given)


def test_all_nan_are_one() -> None:
    """The NaN that an operation gives may have other bits than the one in memory."""
    items = [
        (op(p.add), (const(0), const(1))), (op(p.mul), (X, 0)), (op(p.mul), (X, const(2))),
        (op(p.sub), (1, 2)),
    ]  # fmt: skip
    given = columns(items, {3: NEEDED}, [math.inf, -math.inf, math.nan])
    for found in (numbered_plain(*given), numbering.numbered(*given)):
        assert len(found.constants) == 3
        assert found.value.tolist()[:3] == [const(2), 1, 1]
