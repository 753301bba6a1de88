"""Copying and pickling graphs without recursion.

A pickler visits an object's parts before the object is finished, so a long chain of nodes would
overflow its stack. Here a root is pickled as the list of its nodes in topological order: when a
node's turn comes, its operands have been written already and are referred to. Nodes that several
pickled objects share stay shared, as they are for any Python object.
"""

from collections.abc import Iterator
from copy import deepcopy
from threading import local
from typing import TYPE_CHECKING, Any

from wengert.graph import topological_order
from wengert.own import Own

if TYPE_CHECKING:
    from wengert.node import Node


def blank(cls: type, data: float, grad: float, row: Any, *operands: "Node") -> Any:
    """A node without notes."""
    node: Any = cls._blank()  # type: ignore[attr-defined]
    node._data = data
    node._grad = grad
    node._row = row
    node._operands = operands
    node._notes = None
    return node


def stand_in(node: Any, data: float) -> Any:
    """A leaf in a node's place, with other data."""
    leaf = blank(type(node), data, 0.0, None)
    _set_attributes(leaf, _attributes(node))
    return leaf


def copied(node: Any) -> Any:
    """A node of its own with the same operands."""
    copy = blank(type(node), node._data, node._grad, node._row, *node._operands)
    _set_attributes(copy, _attributes(node))
    _copy_notes(node, copy, {id(node): copy})
    return copy


def deepcopied(node: Any, memo: dict[int, Any]) -> Any:
    """A copy of the whole graph below a node; `memo` is that of the copy module."""
    fresh = []
    stack = [node]
    while stack:
        each = stack[-1]
        missing = [operand for operand in each._operands if id(operand) not in memo]
        if missing:
            stack += missing
            continue
        stack.pop()
        if id(each) not in memo:
            operands = [memo[id(operand)] for operand in each._operands]
            copy = blank(type(each), each._data, each._grad, each._row, *operands)
            if each._own is not None:  # for now: the native engine wants to know before its users
                copy._notes = each._notes
            memo[id(each)] = copy
            fresh.append(each)
    for each in fresh:  # once all nodes have copies: attributes and closures may refer to any
        copy = memo[id(each)]
        attributes = _attributes(each)
        if attributes:
            _set_attributes(copy, deepcopy(attributes, memo))
        _copy_notes(each, copy, memo)
    return memo[id(node)]


def _copy_notes(node: Any, copy: Any, replacement: dict[int, Any]) -> None:
    """The closures of the user's own operations capture nodes; a copy's capture the copies."""
    notes = node._notes
    if notes is not None:
        own = notes.own.among(replacement, node) if notes.own else None
        copy._notes = type(notes)(notes.label, notes.scope, notes.source, own)


def _attributes(node: Any) -> dict[str, Any] | None:
    """What a subclass keeps in its instances beside the node's own contents."""
    attributes: dict[str, Any] | None = getattr(node, "__dict__", None)
    if node._slots:
        kept = {name: getattr(node, name) for name in node._slots if hasattr(node, name)}
        return {**(attributes or {}), **kept}
    return attributes


def _set_attributes(node: Any, attributes: dict[str, Any] | None) -> None:
    for name, attribute in (attributes or {}).items():
        object.__setattr__(node, name, attribute)


def reduced(node: "Node") -> tuple[Any, ...]:
    """How pickle is to write a node: by itself after its operands, else as its graph's list."""
    if node._operands and id(node) not in _PROGRESS.listed and not _continues(node):
        return (_root, (_Nodes(topological_order(node)),))
    parts = (type(node), node._data, node._grad, node._row, *node._operands)
    state = _state(node)
    return (blank, parts) if state is None else (blank, parts, state)


def _continues(node: "Node") -> bool:
    """Whether the pickler can refer to all operands, so that no list is needed.

    Without this, a list of all nodes of a chain would take quadratic time. A pickler asks for a
    node once: one that asks again is another, of which nothing is known.
    """
    written = _PROGRESS.written
    if id(node) in written:
        written.clear()
        return False
    if written and all(id(each) in written for each in node._operands if each._operands):
        written.add(id(node))
        return True
    return False


def restore(node: Any, state: tuple[Any, ...]) -> None:
    """The contents of a node that may refer back to it, from what `reduced` wrote."""
    notes, attributes = state
    if notes is not None:
        label, scope, source, op, backward, forward = notes
        own = Own(op, backward, forward) if op is not None else None
        node._notes = type(node)._make_notes(label, scope, source, own)
    _set_attributes(node, attributes)


def _state(node: "Node") -> tuple[Any, ...] | None:
    attributes = _attributes(node)
    notes = node._notes
    if notes is None:
        return (None, attributes) if attributes else None
    own = notes.own
    what = (own.op, own.backward, own.forward) if own else (None, None, None)
    return ((notes.label, notes.scope, notes.source, *what), attributes)


class _Progress(local):
    """What the picklers of a thread are at, as identities of nodes."""

    def __init__(self) -> None:
        self.listed: set[int] = set()  # in a list that is being written
        self.written: set[int] = set()  # in a list that a pickler still remembers


_PROGRESS = _Progress()


class _Nodes(list[Any]):
    """A graph's nodes, operands first, followed by None."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        return (list, (), None, self._written())

    def _written(self) -> Iterator[Any]:
        end = _End(set(map(id, self)) - _PROGRESS.listed)
        _PROGRESS.listed |= end.ids
        try:
            yield from self
            yield end
        except GeneratorExit:  # the pickler gave up
            _PROGRESS.listed -= end.ids
            raise


class _End:
    """Marks the end of a list of nodes: it is written when they have all been written.

    The pickler keeps what it has written, this mark included, for as long as it remembers it.
    """

    def __init__(self, ids: set[int]) -> None:
        self.ids = ids
        self.written = _PROGRESS.written

    def __reduce__(self) -> Any:
        _PROGRESS.listed -= self.ids
        self.written |= self.ids
        return (_nothing, ())

    def __del__(self) -> None:
        self.written.clear()


def _nothing() -> None:
    return None


def _root(nodes: list[Any]) -> Any:
    return nodes[-2]
