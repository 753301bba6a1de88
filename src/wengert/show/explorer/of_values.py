"""The tape of a graph of Values, as it stands, numbers and gradients included."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.chain_rule import contributions
from wengert.errors import GraphError
from wengert.show.explorer.groups import Groups, folded_scopes
from wengert.show.explorer.tape import Kind, Tape
from wengert.value import Value


def of_values(order: Sequence[Value], roots: Sequence[Value], limit: int) -> Tape:
    """The tape of a graph of Values.

    Args:
        order: all its Values, in topological order.
        roots: those that can be differentiated.
        limit: how many cells a group may show before it is folded into smaller ones.
    """
    index = {node: k for k, node in enumerate(order)}
    numbers: dict[Kind, int] = {}
    by_row: dict[tuple[Any, int], int] = {}
    ops = np.full(len(order), -1, np.int64)
    operands: list[int] = []
    labels: dict[int, str] = {}
    scopes: list[str] = []
    local: dict[int, list[float]] = {}
    for k, node in enumerate(order):
        own = node.operands
        if own:
            key = node._row or node._op, len(own)
            if key not in by_row:
                kind = Kind(node._row, node._op or "?", len(own))
                by_row[key] = numbers.setdefault(kind, len(numbers))
            ops[k] = by_row[key]
            operands += [index[operand] for operand in own]
            if node._row is None or not (node._row.c or node._row.c_near):
                local[k] = _local(node)
        if node.label:
            labels[k] = node.label
        scopes.append(node.scope)
    column = np.array(operands, np.int64)
    data = np.array([node.data for node in order])
    grad = np.array([node.grad for node in order])
    taken = [index[root] for root in roots]
    tape = Tape(list(numbers), ops, column, data, grad, labels, Groups(), ops, taken, local)
    tape.groups, tape.group = folded_scopes(scopes)
    tape.gather_leaves()
    tape.fold(limit)
    return tape


def _local(node: Value) -> list[float]:
    """The partials of an operation that has no spelling in JavaScript; zeros where unknown."""
    try:
        return contributions(node, 1.0)
    except GraphError:
        return [0.0] * len(node.operands)
