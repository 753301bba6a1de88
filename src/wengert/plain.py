"""Value: one scalar, how it was made, and its gradient.

Ordinary arithmetic on Values builds a graph: each result remembers its operands and the row of
the table that made it. `backward()` walks that graph from the result to the leaves and applies the
chain rule, with each row's partials taken at the operands' data as it stands then.
"""

import operator
from math import isfinite
from typing import Any, Self

from wengert.ambient import AMBIENT
from wengert.chain_rule import made_non_finite, push, push_finite
from wengert.dispatch import Primitive
from wengert.graph import topological_order
from wengert.node import Node, checked_number, compared, compared_as, surround
from wengert.operand import Operand

_new: Any = object.__new__


class Value(Node):
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

    _operands: tuple["Value", ...]

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
            surround(out)
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
            surround(out)
        return out

    _blank: Any = classmethod(_new)

    # --- what a node holds ------------------------------------------------------------------------

    @property
    def data(self) -> float:
        """The number."""
        return self._data

    @data.setter
    def data(self, number: Any) -> None:
        self._data = checked_number(number, "data")

    @property
    def grad(self) -> float:
        """The derivative of the last root with respect to this node."""
        return self._grad

    @grad.setter
    def grad(self, number: Any) -> None:
        self._grad = checked_number(number, "grad")

    @property
    def operands(self) -> tuple["Value", ...]:
        """The Values this one was computed from, in order; `a * a` has a twice."""
        return self._operands

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
                        node._data = checked_number(
                            node._forward(*numbers), "The result of _forward"
                        )
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

    def __bool__(self) -> bool:
        return bool(self._data)

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return compared_as(self, other, 2)

    def __ne__(self, other: object) -> bool:
        return compared_as(self, other, 3)

    def __lt__(self, other: Any) -> bool:
        return compared(operator.lt, "<", self, other)

    def __le__(self, other: Any) -> bool:
        return compared(operator.le, "<=", self, other)

    def __gt__(self, other: Any) -> bool:
        return compared(operator.gt, ">", self, other)

    def __ge__(self, other: Any) -> bool:
        return compared(operator.ge, ">=", self, other)


def _lift(row: Primitive, args: tuple[Any, ...]) -> tuple[tuple[Value, ...], type]:
    """All arguments as Values, and the class of the result: a subclass wins over Value."""
    cls: type = Value
    for arg in args:
        if isinstance(arg, Value) and (cls is Value or issubclass(type(arg), cls)):
            cls = type(arg)
    return tuple(arg if isinstance(arg, Value) else _constant(arg, row) for arg in args), cls


def _constant(number: Any, row: Primitive) -> Value:
    leaf: Value = _new(Value)
    leaf._data = checked_number(number, row.name)
    leaf._grad = 0.0
    leaf._operands = ()
    leaf._row = None
    leaf._notes = None
    if AMBIENT.get() is not None:
        surround(leaf)
    return leaf
