"""Exact sparsity: which entries of a Jacobian or Hessian can be other than zero, by structure.

An operand counts if its partial is not constantly zero, which the traced rows say (`partials.py`,
`curvature.py`). Values play no role: `x - x` depends on x, and `0.0 * x` does too.
docs/decisions/sparsity.md has the reasons and the cost.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.derive.pattern import Pattern
from wengert.derive.places import Cells, Places, places_of
from wengert.derive.reach import dependences, interactions
from wengert.errors import ProgramError
from wengert.program.address import INPUT, OUTPUT
from wengert.program.program import Program

Chosen = Sequence[int] | np.ndarray[Any, Any] | None  # places, or a mask; None for all


def jacobian_pattern(program: Program, outputs: Chosen = None, inputs: Chosen = None) -> Pattern:
    r"""Which inputs each output depends on.

    $$\{(i, j) : \partial y_i / \partial x_j \not\equiv 0\}$$

    Exact by structure: an entry is there if and only if operations lead from the input to the
    output whose partials are not constantly zero. Of a while loop, any number of rounds counts.

    Args:
        program: any program.
        outputs: the outputs that are rows, as places of the output memory or as a mask of it.
        inputs: the inputs that are columns, as places or as a mask; others count as constants.

    Returns:
        The pattern, `(m, n)`.

    Raises:
        ProgramError: a place is none, or there are more than 2²⁸ operations.

    Examples:
        >>> import wengert as wg
        >>> program = wg.record(lambda x, y, z: (x * y, wg.sin(z)), 1.0, 2.0, 3.0)
        >>> [jacobian_pattern(program).row(i).tolist() for i in range(2)]
        [[0, 1], [2]]
    """
    graph = places_of(program)
    columns, width = _columns(graph, inputs)
    roots = _roots(graph, outputs)
    rows = dependences(graph.count, columns, graph.edges, roots, width)
    return Pattern(*rows, (len(roots), width))


def hessian_pattern(program: Program, inputs: Chosen = None, outputs: Chosen = None) -> Pattern:
    r"""Which pairs of inputs interact in the sum of the outputs.

    $$\{(i, j) : \partial^2 \textstyle\sum_k y_k / \partial x_i \partial x_j \not\equiv 0\}$$

    Each operation on which an output depends joins what its operands depend on, wherever its own
    second partial is not constantly zero. That is exact by structure but for two things that
    structure cannot tell: terms that cancel, as in `(x + y)**2 - (x - y)**2`; and in a while loop,
    operands of different rounds, which count as if they met.

    Args:
        program: any program; with several outputs, their sum is meant.
        inputs: the inputs that are rows and columns, as places of the input memory or as a mask.
        outputs: the outputs that are summed, as places or as a mask.

    Returns:
        The pattern, `(n, n)`, symmetric.

    Raises:
        ProgramError: a place is none, or there are more than 2²⁸ operations.

    Examples:
        >>> import wengert as wg
        >>> program = wg.record(lambda x, y, z: x * y + wg.sin(y) + 3.0 * z, 1.0, 2.0, 3.0)
        >>> list(hessian_pattern(program))
        [(0, 1), (1, 0), (1, 1)]
    """
    graph = places_of(program, second=True)
    columns, width = _columns(graph, inputs)
    roots = _roots(graph, outputs)
    rows = interactions(graph.count, columns, graph.edges, roots, width, graph.meetings)
    return Pattern(*rows, (width, width))


def _columns(graph: Places, inputs: Chosen) -> tuple[Cells, int]:
    """Per input, its column, or -1; and how many columns there are."""
    chosen = _chosen(inputs, graph.inputs, INPUT)
    columns = np.full(graph.inputs, -1, np.int32)
    columns[chosen] = np.arange(len(chosen), dtype=np.int32)
    return columns, len(chosen)


def _roots(graph: Places, outputs: Chosen) -> Cells:
    chosen = _chosen(outputs, len(graph.outputs), OUTPUT)
    return (graph.outputs.start + chosen).astype(np.int32)


def _chosen(which: Chosen, size: int, memory: str) -> Cells:
    """The places that are meant, each once."""
    if which is None:
        return np.arange(size, dtype=np.int32)
    places = np.asarray(which)
    if places.dtype == bool and places.shape == (size,):
        return np.flatnonzero(places).astype(np.int32)
    if not places.size:
        return np.empty(0, np.int32)
    if places.dtype.kind not in "iu" or places.ndim != 1:
        raise ProgramError(
            f"Places of the {memory} memory are integers in a row, or a mask of {size} truth "
            f"values, not an array of {places.dtype} with shape {places.shape}."
        )
    if places.min() < 0 or places.max() >= size:
        wrong = places.min() if places.min() < 0 else places.max()
        raise ProgramError(f"There is no place {wrong} in the {memory} memory, which has {size}.")
    if len(set(places.tolist())) < len(places):
        raise ProgramError(f"The places of the {memory} memory are wanted once each.")
    return places.astype(np.int32)
