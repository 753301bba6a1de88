"""Derivatives of a straight stretch, in columns: reverse mode and forward mode.

Outside loops every adjoint and every tangent has a place of its own, so a derivative is a stretch
of assignments again. Reverse mode goes back over the statements and hands each adjoint, times the
partials, to the operands; forward mode goes along with them (`sweep.py`, or native/derive.c).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.derive.encoded import MOST_OPERANDS, encoded
from wengert.derive.sweep import Written, operations_of, reversed_plain, tangents_plain
from wengert.errors import ProgramError
from wengert.program.address import VALUE, Integers, Mask, coded
from wengert.program.statements import Run
from wengert.program.structure import Floats
from wengert.value import engine


@dataclass(frozen=True, slots=True, eq=False)
class Reversed:
    """Reverse mode of a stretch.

    Args:
        run: the assignments; None if there are none.
        constants: new constants, each once, in the order of first use.
        operands: the operands outside the stretch that got an adjoint, coded, in order.
        adjoints: for each of them, the coded address of what the stretch adds to its adjoint.
    """

    run: Run | None
    constants: Floats
    operands: Integers
    adjoints: Integers


@dataclass(frozen=True, slots=True, eq=False)
class Tangents:
    """Forward mode of a stretch.

    Args:
        run: the assignments; None if there are none.
        constants: new constants, each once, in the order of first use.
        tangents: per statement, the coded address of its tangent; -1 where that is zero by
            structure.
    """

    run: Run | None
    constants: Floats
    tangents: Integers


def reversed_run(
    run: Run, start: int, constants_start: int, seeds: tuple[Integers, Integers],
    wanted: tuple[Mask, Mask],
) -> Reversed:  # fmt: skip
    """The adjoints of what a stretch reads.

    The adjoint of a value is the sum of contributions: its seeds, then those of its uses, the last
    use first; each is the adjoint of the use times the partial, `x̄ += z̄·∂z/∂x`.

    Args:
        run: a stretch into the value memory.
        start: the place of the first result of the adjoint stretch.
        constants_start: the place of its first constant.
        seeds: statements of the stretch, counted from its start, and for each the coded address of
            an adjoint that arrives for its result; several for one are added in this order.
        wanted: which places of the input memory and which of the value memory, outside the
            stretch, adjoints are wanted for.

    Returns:
        The assignments, and where the adjoints of what is wanted are.

    Raises:
        ProgramError: the stretch writes to the output memory.
        IndexError: a statement reads what neither stands before it nor lies in a memory, or a
            seed is for no statement.

    Source:
        Griewank and Walther, Evaluating Derivatives, 2nd edition, section 3.2.

    Examples:
        >>> from wengert.primitives import mul
        >>> from wengert.program.statements import Assign, straight
        >>> from wengert.program.address import Address
        >>> x, y, z = Address("input", 0), Address("input", 1), Address("value", 0)
        >>> run = straight([Assign(z, mul, (x, y))])
        >>> seed = np.array([0]), np.array([coded("constant", 0)])
        >>> found = reversed_run(run, 1, 1, seed, (np.array([True, True]), np.array([False])))
        >>> [(assign.row.name, assign.operands[1] == x) for assign in found.run]
        [('strong_mul', False), ('strong_mul', True)]
    """
    _refuse_outputs(run)
    labelled = np.array(sorted(run.labels, reverse=True), np.int64)
    written, found, reached = reversed_columns(run, start, constants_start, seeds, wanted, labelled)
    labels = dict(zip(found.tolist(), labelled.tolist(), strict=True))
    order = np.argsort(reached[:, 0], kind="stable")  # quick where it is sorted already, backwards
    return Reversed(
        _made(run, start, written, labels, "bar"), written.constants,
        reached[order, 0], reached[order, 1],
    )  # fmt: skip


def tangents_of_run(
    run: Run, start: int, constants_start: int, tangents: tuple[Integers, Integers]
) -> Tangents:
    """The tangents of what a stretch computes: `ż = Σ ẋ·∂z/∂x`, operand by operand.

    Args:
        run: a stretch into the value memory.
        start: the place of the first result of the tangent stretch.
        constants_start: the place of its first constant.
        tangents: per place of the input memory and per place of the value memory, outside the
            stretch, the coded address of its tangent; -1 for none.

    Returns:
        The assignments, and where the tangent of each statement's result is.

    Raises:
        ProgramError: the stretch writes to the output memory.
        IndexError: a statement reads what neither stands before it nor lies in a memory.

    Source:
        Griewank and Walther, Evaluating Derivatives, 2nd edition, section 3.1.
    """
    _refuse_outputs(run)
    written, found = tangents_of_columns(run, start, constants_start, tangents)
    labels = {int(found[item]): item for item in sorted(run.labels, reverse=True)}
    return Tangents(_made(run, start, written, labels, "dot"), written.constants, found)


def _refuse_outputs(run: Run) -> None:
    if run.outputs:
        raise ProgramError(
            "Derivatives of a stretch need its results, and those of this one go to the output "
            "memory. Differentiate the stretch that writes what the outputs are moved from."
        )


def _made(run: Run, start: int, written: Written, labels: dict[int, int], kind: str) -> Run | None:
    """The columns as a run; `labels` says whose adjoint or tangent a place is."""
    count = len(written.ops)
    if not count:
        return None
    first = coded(VALUE, start)
    named = {
        code - first: f"{run.labels[item]}_{kind}"
        for code, item in labels.items() if first <= code < first + count
    }  # fmt: skip
    return Run(
        start,
        operations_of(run.operations),
        written.ops,
        written.operands,
        run.sources,
        written.lines,
        named,
    )


# --- the twins ------------------------------------------------------------------------------------

if TYPE_CHECKING:
    reversed_columns, tangents_of_columns = reversed_plain, tangents_plain
elif engine == "native":
    from wengert import _native

    def _too_wide(run: Run) -> bool:
        """Whether there is an operation on more operands than C has bits for."""
        return any(operation.reads > MOST_OPERANDS for operation in run.operations)

    def _columns(run: Run) -> tuple[Any, ...]:
        table = encoded(run.operations)
        return (
            np.ascontiguousarray(run.ops, np.int32), np.ascontiguousarray(run.operands, np.int64),
            np.ascontiguousarray(run.lines, np.int32), table.integers, table.constants,
        )  # fmt: skip

    def _written(arrays: Sequence[Any]) -> Written:
        return Written(*map(np.frombuffer, arrays, (np.int32, np.int64, np.int32, np.float64)))

    def reversed_columns(
        run: Run, start: int, constants_start: int, seeds: tuple[Integers, Integers],
        wanted: tuple[Mask, Mask], labelled: Integers,
    ) -> tuple[Written, Integers, Integers]:  # fmt: skip
        """See `reversed_plain`."""
        if _too_wide(run):
            return reversed_plain(run, start, constants_start, seeds, wanted, labelled)
        masks = [np.ascontiguousarray(mask, bool) for mask in wanted]
        arrays = [np.ascontiguousarray(each, np.int64) for each in (*seeds, labelled)]
        *written, found, reached = _native.reversed_columns(
            *_columns(run), *masks, *arrays, run.start, start, constants_start
        )
        pairs = np.frombuffer(reached, np.int64).reshape(-1, 2)
        return _written(written), np.frombuffer(found, np.int64), pairs

    def tangents_of_columns(
        run: Run, start: int, constants_start: int, tangents: tuple[Integers, Integers]
    ) -> tuple[Written, Integers]:
        """See `tangents_plain`."""
        if _too_wide(run):
            return tangents_plain(run, start, constants_start, tangents)
        codes = [np.ascontiguousarray(each, np.int64) for each in tangents]
        *written, found, _ = _native.tangents_of_columns(
            *_columns(run), *codes, run.start, start, constants_start
        )
        return _written(written), np.frombuffer(found, np.int64)

else:
    reversed_columns, tangents_of_columns = reversed_plain, tangents_plain
