"""Value: one scalar, how it was made, and its gradient.

Ordinary arithmetic on Values builds a graph: each result remembers its operands and the row of
the table that made it. `backward()` walks that graph from the result to the leaves and applies the
chain rule, with each row's partials taken at the operands' data as it stands then.
"""

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from math import isfinite
from typing import Any, ClassVar, Self

import numpy as np

from wengert import copies
from wengert.ambient import AMBIENT
from wengert.chain_rule import made_non_finite, push, push_finite
from wengert.dispatch import Primitive, describe, remedy, to_float
from wengert.errors import LostDerivativeError, OperandError
from wengert.graph import topological_order
from wengert.operand import Operand
from wengert.own import Maker, Own, cannot_evaluate, maker_of
from wengert.source import Source, user_source

_NONE: tuple[()] = ()


@dataclass(slots=True)
class Notes:
    """What only some nodes have; kept apart so that the others stay small."""

    label: str = ""
    scope: str = ""
    source: Source | None = None
    own: Own | None = None


class Value(Operand):
    r"""A scalar that remembers how it was computed.

    $$\bar v = \sum_{u \text{ uses } v} \bar u\,\frac{\partial u}{\partial v}$$

    where v-bar, the attribute `grad`, is the derivative of the root with respect to v.

    Args:
        data: a real number.
        _children: for an operation of your own, the operands.
        _op: for an operation of your own, its name.
        label: a name for pictures and messages.

    Attributes:
        data: the number; assignable.
        grad: the derivative of the last root with respect to this node; assignable.
        label: the name; assignable.
        operands: the Values this one was computed from, in order.
        scope: the group it belongs to, see `wengert.scope`.

    Raises:
        OperandError: `data` is not a real number, or `_children` are not Values.

    Source: Griewank & Walther, Evaluating Derivatives, 2nd ed., section 3.2 (reverse mode).

    Examples:
        >>> from wengert import Value
        >>> a = Value(2.0, label="a")
        >>> b = Value(-3.0, label="b")
        >>> L = a * b + a
        >>> L
        Value(data=-4.0)
        >>> L.backward()
        >>> a.grad, b.grad
        (-2.0, 2.0)
    """

    __slots__ = ("__weakref__", "_data", "_grad", "_notes", "_operands", "_row")

    _data: float
    _grad: float
    _operands: tuple["Value", ...]
    _row: Primitive | None  # None for a leaf and for an operation of the user's own
    _notes: Notes | None
    _slots: ClassVar[tuple[str, ...]] = ()  # those that subclasses add

    def __init__(
        self, data: Any, _children: Iterable["Value"] = _NONE, _op: str = "", label: str = ""
    ) -> None:
        self._data = data if type(data) is float else _number(data, "Value()")
        self._grad = 0.0
        self._operands = ()
        self._row = None
        self._notes = None
        if _children is not _NONE or _op:
            self._operands = _nodes(_children)
            if not isinstance(_op, str):
                raise OperandError(f"_op is the operation's name, a string, not {describe(_op)}.")
            if self._operands:
                self._note().own = Own(_op, maker=maker_of(self, self._operands))
            elif _op:
                self._note().own = Own(_op)
        if label:
            self.label = label
        if AMBIENT.get() is not None:
            _surround(self)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        slots = cls.__dict__.get("__slots__", ())
        names = (slots,) if isinstance(slots, str) else tuple(slots)
        cls._slots += tuple(
            f"_{cls.__name__.lstrip('_')}{name}" if name[:2] == "__" != name[-2:] else name
            for name in names
            if name not in ("__dict__", "__weakref__")
        )

    def _apply(self, row: Primitive, args: tuple[Any, ...]) -> Any:
        cls: type = Value
        for arg in args:
            if type(arg) is not Value:
                args, cls = _lift(row, args)
                break
        out = _new(cls)
        if len(args) == 2:
            out._data = row.scalar(args[0]._data, args[1]._data)
        else:
            out._data = row.scalar(*[arg._data for arg in args])
        out._grad = 0.0
        out._operands = args
        out._row = row
        out._notes = None
        if AMBIENT.get() is not None:
            _surround(out)
        return out

    def _binary(self, row: Primitive, x: Any, y: Any) -> Any:
        if type(x) is not Value or type(y) is not Value:
            return Operand._binary(self, row, x, y)
        out: Value = _new(Value)  # `_apply` spelled out for the commonest case
        out._data = row.scalar(x._data, y._data)
        out._grad = 0.0
        out._operands = (x, y)
        out._row = row
        out._notes = None
        if AMBIENT.get() is not None:
            _surround(out)
        return out

    # --- what a node holds ------------------------------------------------------------------------

    @property
    def data(self) -> float:
        """The number."""
        return self._data

    @data.setter
    def data(self, number: Any) -> None:
        self._data = _number(number, "data")

    @property
    def grad(self) -> float:
        """The derivative of the last root with respect to this node."""
        return self._grad

    @grad.setter
    def grad(self, number: Any) -> None:
        self._grad = _number(number, "grad")

    @property
    def label(self) -> str:
        """A name for pictures and messages."""
        return self._notes.label if self._notes else ""

    @label.setter
    def label(self, label: str) -> None:
        if not isinstance(label, str):
            raise OperandError(f"A label is a string, not {describe(label)}.")
        self._note().label = label

    @property
    def scope(self) -> str:
        """The group it was made in, see `wengert.scope`."""
        return self._notes.scope if self._notes else ""

    @property
    def operands(self) -> tuple["Value", ...]:
        """The Values this one was computed from, in order; `a * a` has a twice."""
        return self._operands

    @property
    def _prev(self) -> set["Value"]:
        """The operands as a set, the lesson's name for them."""
        return set(self._operands)

    @property
    def _op(self) -> str:
        """The operation's symbol, "" for a leaf."""
        if self._row:
            return self._row.symbol
        own = self._own
        return own.op if own else ""

    @property
    def _own(self) -> Own | None:
        return self._notes.own if self._notes else None

    @property
    def _backward(self) -> Callable[[], None]:
        """Pushes this node's gradient one step, into its operands."""
        own = self._own
        return own.backward if own and own.backward else partial(push, self)

    @_backward.setter
    def _backward(self, closure: Callable[[], None]) -> None:
        self._become_own("_backward", closure).backward = closure

    @property
    def _forward(self) -> Callable[..., float]:
        """From the operands' numbers to this node's."""
        if self._row:
            return self._row.scalar
        own = self._own
        if own and own.forward:
            return own.forward
        if own and own.maker:
            return partial(_made_again, self, own.maker)
        raise cannot_evaluate(self)

    @_forward.setter
    def _forward(self, function: Callable[..., float]) -> None:
        self._become_own("_forward", function).forward = function

    def _become_own(self, attribute: str, function: Any) -> Own:
        """From here on this node's derivative is what the user says."""
        if not callable(function):
            raise OperandError(f"{attribute} is a function, not {describe(function)}.")
        notes = self._note()
        if notes.own is None:
            notes.own = Own(self._op, forward=self._row.scalar if self._row else None)
            self._row = None
        return notes.own

    def _note(self) -> Notes:
        if self._notes is None:
            self._notes = Notes()
        return self._notes

    # --- differentiation --------------------------------------------------------------------------

    def backward(self) -> None:
        """Fill `grad` of every node this one depends on with its derivative.

        Gradients of leaves add to what stands there, until `zero_grad`; those of intermediate
        nodes are computed afresh, so calling it twice adds exactly the same gradient again. A
        gradient of zero adds nothing, whatever it would be multiplied with. If anything raises
        on the way, all gradients are as they were before.

        Raises:
            GraphError: an operation of the user's own has no `_backward`.
            NonFiniteError: inside `debug_nans`, a gradient becomes NaN or infinite.

        Examples:
            >>> from wengert import Value
            >>> x = Value(3.0)
            >>> (x * x).backward()
            >>> x.grad
            6.0
        """
        order = topological_order(self)
        before = [node._grad for node in order]
        ambient = AMBIENT.get()
        step = push_finite if ambient and ambient.debug_nans else push
        try:
            for node in order:
                node._grad = 0.0
            self._grad = 1.0
            for node in reversed(order):
                if node._operands:
                    step(node)
            for node, grad in zip(order, before, strict=True):
                if not node._operands:  # added once, so that twice is exactly the same again
                    node._grad += grad
        except BaseException:
            for node, grad in zip(order, before, strict=True):
                node._grad = grad
            raise

    def forward(self) -> Self:
        """Compute this node again from the leaves' data as it stands now, in place.

        Returns:
            This node, so that `L.forward().data` is the new number. If anything raises on the
            way, all data are as they were before.

        Raises:
            GraphError: an operation of the user's own cannot be computed again.
            NonFiniteError: inside `debug_nans`, a result becomes NaN or infinite.

        Examples:
            >>> from wengert import Value
            >>> x = Value(3.0)
            >>> y = x * x
            >>> x.data = 4.0
            >>> y.forward()
            Value(data=16.0)
        """
        order = topological_order(self)
        before = [node._data for node in order]
        ambient = AMBIENT.get()
        debug_nans = ambient is not None and ambient.debug_nans
        try:
            for node in order:
                operands = node._operands
                if operands:
                    numbers = [operand._data for operand in operands]
                    row = node._row
                    if row is None:
                        node._data = _number(node._forward(*numbers), "The result of _forward")
                    else:
                        node._data = row.scalar(*numbers)
                    if debug_nans and not isfinite(node._data):
                        raise made_non_finite(node)
        except BaseException:
            for node, data in zip(order, before, strict=True):
                node._data = data
            raise
        return self

    def zero_grad(self) -> None:
        """Set `grad` to 0 here and in every node this one depends on.

        Examples:
            >>> from wengert import Value
            >>> x = Value(3.0)
            >>> y = x * x
            >>> y.backward()
            >>> y.zero_grad()
            >>> x.grad
            0.0
        """
        for node in topological_order(self):
            node._grad = 0.0

    # --- as a Python number -----------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"Value(data={self._data!r})"

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else repr(self)

    def __bool__(self) -> bool:
        return bool(self._data)

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self._data == (other._data if isinstance(other, Value) else other)

    def __ne__(self, other: object) -> bool:
        return self._data != (other._data if isinstance(other, Value) else other)

    def __lt__(self, other: Any) -> bool:
        return _compare(operator.lt, "<", self, other)

    def __le__(self, other: Any) -> bool:
        return _compare(operator.le, "<=", self, other)

    def __gt__(self, other: Any) -> bool:
        return _compare(operator.gt, ">", self, other)

    def __ge__(self, other: Any) -> bool:
        return _compare(operator.ge, ">=", self, other)

    # --- copying ----------------------------------------------------------------------------------

    def __copy__(self) -> Self:
        """A node of its own with the same operands."""
        copy: Self = copies.copied(self)
        return copy

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """A copy of the whole graph below, shared parts shared in the copy too."""
        copy: Self = copies.deepcopied(self, memo)
        return copy

    def __reduce_ex__(self, protocol: Any) -> Any:
        return copies.reduced(self)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        copies.restore(self, state)

    _make_notes = Notes


_new: Callable[[type], Any] = object.__new__


def _number(number: Any, where: str) -> float:
    if isinstance(number, Value):
        raise LostDerivativeError(
            f"{where} takes a plain number, and a Value would lose its derivative there. "
            "Write x.data for its number."
        )
    if isinstance(number, np.ndarray) and number.ndim == 0:
        number = number.item()
    return to_float(number, where)


def _nodes(children: Any) -> tuple[Value, ...]:
    """The operands given to the constructor."""
    if isinstance(children, Value) or not isinstance(children, Iterable):
        raise OperandError(
            f"_children is a tuple of the operands, (x,) for one, not {describe(children)}."
        )
    operands = tuple(children)
    for operand in operands:
        if not isinstance(operand, Value):
            raise OperandError(
                f"_children are the operands, all of them Values, not {describe(operand)}."
            )
    return operands


def _compare(compare: Callable[[Any, Any], bool], symbol: str, node: Value, other: Any) -> bool:
    try:
        return compare(node._data, other._data if isinstance(other, Value) else other)
    except TypeError:
        raise OperandError(
            f"{symbol} compares a Value with a number or another Value, "
            f"not with {describe(other)}.{remedy(other)}"
        ) from None


def _lift(row: Primitive, args: tuple[Any, ...]) -> tuple[tuple[Value, ...], type]:
    """All arguments as Values, and the class of the result: a subclass wins over Value."""
    cls: type = Value
    for arg in args:
        if isinstance(arg, Value) and (cls is Value or issubclass(type(arg), cls)):
            cls = type(arg)
    return tuple(arg if isinstance(arg, Value) else _constant(arg, row) for arg in args), cls


def _constant(number: Any, row: Primitive) -> Value:
    leaf = _new(Value)
    leaf._data = _number(number, row.name)
    leaf._grad = 0.0
    leaf._operands = ()
    leaf._row = None
    leaf._notes = None
    if AMBIENT.get() is not None:
        _surround(leaf)
    return leaf


def _surround(node: Value) -> None:
    """Note on a new node what `scope` and `debug_nans` around it ask for."""
    ambient = AMBIENT.get()
    if ambient is None or not (ambient.scope or ambient.debug_nans):
        return
    notes = node._note()
    notes.scope = ambient.scope
    if ambient.debug_nans:
        notes.source = user_source()
        if node._operands and not isfinite(node._data):
            raise made_non_finite(node)


def _made_again(node: Value, maker: Maker, *data: float) -> float:
    """The value of an own operation at other data, by running the function that made it."""
    stand_ins: dict[int, Any] = {}
    for operand, number in zip(node._operands, data, strict=True):
        stand_ins[id(operand)] = copies.stand_in(operand, number)
    operands = [stand_ins[id(operand)] for operand in node._operands]
    made = maker.among(stand_ins).again(operands)
    if made is None:
        raise cannot_evaluate(node)
    return made
