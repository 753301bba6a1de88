"""One step of the chain rule: from a node's gradient to those of its operands."""

from collections.abc import Callable
from math import isfinite
from typing import TYPE_CHECKING

from wengert.errors import GraphError, NonFiniteError
from wengert.graph import names, topological_order
from wengert.operand import PYTHON_RAISES, ieee_partials, local_partials
from wengert.special import strong_product

if TYPE_CHECKING:
    from wengert.node import Node


def push(node: "Node") -> None:
    """Add this node's gradient, times the partials, to its operands' gradients."""
    upstream = node._grad
    if upstream == 0.0:
        return
    row = node._row
    if row is None:
        if node._operands:
            _own_backward(node)()
        return
    operands = node._operands
    if len(operands) == 2:  # spelled out: a general loop takes twice as long
        x, y = operands
        try:
            dx, dy = row.partials(node._data, x._data, y._data)
        except PYTHON_RAISES:
            dx, dy = ieee_partials(row, node._data, (x._data, y._data))
        if dx:  # a zero absorbs, see docs/decisions/zero-adjoints.md
            x._grad += dx * upstream
        if dy:
            y._grad += dy * upstream
        return
    partials = local_partials(row, node._data, [operand._data for operand in operands])
    for operand, partial in zip(operands, partials, strict=True):
        if partial:
            operand._grad += partial * upstream


def push_finite(node: "Node") -> None:
    """The same, raising where a gradient stops being finite."""
    before = [operand._grad for operand in node._operands]
    push(node)
    for operand, grad in zip(node._operands, before, strict=True):
        if isfinite(grad) and not isfinite(operand._grad):
            known = names(topological_order(node))
            source = node._notes.source if node._notes else None
            made = f", made at {source}" if source else ""
            raise NonFiniteError(
                f"The gradient of {known[operand]} became {operand._grad!r} in the backward step "
                f"of {_call(node, known)}{made}: upstream gradient {node._grad!r}, "
                f"{_operand_data(node, known)}."
            )


def contributions(node: "Node", upstream: float) -> list[float]:
    """What a gradient `upstream` at a node adds to the gradient of each of its operands."""
    operands = node._operands
    if upstream == 0.0 or not operands:
        return [0.0] * len(operands)
    row = node._row
    if row is None:
        return _own_contributions(node, upstream)
    partials = local_partials(row, node._data, [operand._data for operand in operands])
    return [strong_product(partial, upstream) for partial in partials]


def _own_backward(node: "Node") -> Callable[[], None]:
    own = node._own
    if own is None or own.backward is None:
        raise GraphError(
            f"The node {node.label or 'without a label'} was made by your own operation "
            f"{node._op!r}, which has no derivative yet. Assign a function to its _backward that "
            "adds to the gradients of its operands, as in x.grad += ... * out.grad."
        )
    return own.backward


def _own_contributions(node: "Node", upstream: float) -> list[float]:
    """Run the user's closure on cleared gradients, read what it adds, and put everything back."""
    backward = _own_backward(node)
    before = {each: each._grad for each in (node, *node._operands)}
    try:
        for operand in node._operands:
            operand._grad = 0.0
        node._grad = upstream
        backward()
        added = {operand: operand._grad for operand in node._operands}
    finally:
        for each, grad in before.items():
            each._grad = grad
    # An operand that stands twice has one gradient, which is all credited to its first place.
    return [added.pop(operand, 0.0) for operand in node._operands]


def made_non_finite(node: "Node") -> NonFiniteError:
    """For a node whose value is the first NaN or infinity."""
    known = names((*node._operands, node))
    source = node._notes.source if node._notes else None
    at = f" ({source})" if source else ""
    return NonFiniteError(
        f"{_call(node, known)} made {node._data!r} from {_operand_data(node, known)}{at}."
    )


def _call(node: "Node", known: dict["Node", str]) -> str:
    what = node._row.name if node._row else node._op
    return f"{what}({', '.join(known[operand] for operand in node._operands)})"


def _operand_data(node: "Node", known: dict["Node", str]) -> str:
    operands = dict.fromkeys(node._operands)
    return ", ".join(f"{known[operand]} = {operand._data!r}" for operand in operands)
