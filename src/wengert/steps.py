"""Back-propagation and evaluation as a stream of steps, each small enough to redo by hand.

The stream only reads the graph: gradients that stand in it stay as they are.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from wengert.chain_rule import contributions
from wengert.dispatch import describe
from wengert.errors import GraphError, OperandError
from wengert.formula import Symbol, named, partial_symbols, symbol, tex_name, value_symbol
from wengert.graph import names, topological_order
from wengert.operand import local_partials
from wengert.value import Value

if TYPE_CHECKING:
    from wengert.program.program import Program
    from wengert.run.stream import ProgramStep


class Tex(str):
    """LaTeX that a notebook renders."""

    __slots__ = ()

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self}$"


@dataclass(frozen=True, slots=True, repr=False)
class BackwardStep:
    r"""What one node adds to the gradient of one of its operands.

    $$\bar x \mathrel{+}= \bar z\,\frac{\partial z}{\partial x}$$

    Attributes:
        node: the node z whose gradient is passed on.
        operand: the operand x that receives it.
        upstream: the gradient of the node, dL/dz.
        partial: the local derivative, dz/dx; for an operation of your own, what its closure adds
            divided by the upstream gradient.
        formula: the local derivative as a formula, "" for an operation of your own.
        contribution: what is added, upstream times partial.
        total: the gradient of the operand so far, this contribution included.
        first: whether nothing was added before.
        names: the names of root, node and operand.
    """

    node: Value
    operand: Value
    upstream: float
    partial: float
    formula: str
    formula_tex: str
    contribution: float
    total: float
    first: bool
    names: tuple[str, str, str]

    def __str__(self) -> str:
        root, node, operand = map(_bracketed, self.names)
        line = (
            f"∂{root}/∂{operand} {'=' if self.first else '+='} "
            f"∂{root}/∂{node} · {self._local or f'∂{node}/∂{operand}'} = "
            f"{self.upstream!r} · {self.partial!r} = {self.contribution!r}"
        )
        return line if self.first else f"{line}, together {self.total!r}"

    __repr__ = __str__

    @property
    def _local(self) -> str:
        """The partial as a formula, where ∂node/∂operand would mean the sum over several places."""
        if self.node.operands.count(self.operand) == 1:
            return ""
        return self.formula if " " not in self.formula else f"({self.formula})"

    @property
    def tex(self) -> Tex:
        """The step in LaTeX, with the formula of the local derivative; notebooks render it."""
        root, node, operand = map(tex_name, self.names)
        local = rf"\frac{{\partial {node}}}{{\partial {operand}}}"
        if self._local:
            local = rf"\left({self.formula_tex}\right)"
        elif self.formula_tex:
            local = rf"\underbrace{{{self.formula_tex}}}_{{{local}}}"
        return Tex(
            rf"\frac{{\partial {root}}}{{\partial {operand}}} "
            + ("= " if self.first else r"\mathrel{+}= ")
            + rf"\frac{{\partial {root}}}{{\partial {node}}} \cdot {local} = "
            + rf"{_tex_number(self.upstream)} \cdot {_tex_number(self.partial, inside=True)} = "
            + _tex_number(self.contribution)
        )

    def _repr_latex_(self) -> str:
        return self.tex._repr_latex_()


@dataclass(frozen=True, slots=True, repr=False)
class ForwardStep:
    """How one node is computed from its operands.

    Attributes:
        node: the node.
        formula: the operation on the operands' names.
        numbers: the same on their numbers.
        name: the node's name.
    """

    node: Value
    formula: Symbol
    numbers: Symbol
    name: str

    def __str__(self) -> str:
        return f"{self.name} = {self.formula.text} = {self.numbers.text} = {self.node.data!r}"

    __repr__ = __str__

    @property
    def tex(self) -> Tex:
        """The step in LaTeX; notebooks render it."""
        return Tex(
            f"{tex_name(self.name)} = {self.formula.tex} = {self.numbers.tex} = "
            + _tex_number(self.node.data)
        )

    def _repr_latex_(self) -> str:
        return self.tex._repr_latex_()


S = TypeVar("S")
Direction = Literal["backward", "forward"]
SHOWN = 50  # how many steps are shown at once


class Steps(Iterator[S]):
    """The steps still to come, made one by one; showing them does not use them up."""

    def __init__(self, make: Callable[[], Iterator[S]]) -> None:
        self._make, self._taken = make, 0
        self._stream: Iterator[S] = make()

    def __next__(self) -> S:
        step = next(self._stream)
        self._taken += 1
        return step

    def __repr__(self) -> str:
        coming = islice(self._make(), self._taken, None)
        shown = [str(step) for step in islice(coming, SHOWN)]
        more = ["…"] if next(coming, None) else []
        return "\n".join(shown + more) or "no steps"


@overload
def steps(root: Value) -> Steps[BackwardStep]: ...


@overload
def steps(
    root: Value, direction: Direction = "backward"
) -> Steps[BackwardStep] | Steps[ForwardStep]: ...


@overload
def steps(root: "Program", *args: Any) -> "Steps[ProgramStep]": ...


def steps(root: Any, *args: Any, direction: str = "backward") -> Any:
    """Every step of back-propagation, of an evaluation, or of a program, in order.

    Args:
        root: the Value to differentiate; or a Program, such as a derivative.
        *args: of a Program, its arguments. There is a step for each statement as it is done, by
            the names of the printed program, with the line of your code that it comes from.
        direction: of a Value, and there it may stand without its name: "backward" gives a step per
            operand of every node, from the root to the leaves; "forward" gives a step per
            operation, from the leaves to the root.

    Returns:
        An iterator of steps, which shows those to come. Print one, or show its `tex` in a notebook.

    Raises:
        OperandError: `root` is neither a Value nor a Program, or the arguments do not go with it.
        GraphError: `direction` is neither of the two.
        PathChanged: a Program takes another path for these arguments.

    Source: Griewank & Walther, Evaluating Derivatives, 2nd ed., section 3.2.

    Examples:
        >>> import wengert as wg
        >>> a, b = wg.Value(2.0, label="a"), wg.Value(-3.0, label="b")
        >>> L = a * b + a
        >>> L.label = "L"
        >>> for step in wg.steps(L):
        ...     print(step)
        ∂L/∂v1 = ∂L/∂L · ∂L/∂v1 = 1.0 · 1.0 = 1.0
        ∂L/∂a = ∂L/∂L · ∂L/∂a = 1.0 · 1.0 = 1.0
        ∂L/∂a += ∂L/∂v1 · ∂v1/∂a = 1.0 · -3.0 = -3.0, together -2.0
        ∂L/∂b = ∂L/∂v1 · ∂v1/∂b = 1.0 · 2.0 = 2.0
        >>> print(next(wg.steps(L, "forward")))
        v1 = a·b = 2.0·(-3.0) = -6.0
        >>> program = wg.grad(lambda x: x**3).program(2.0)
        >>> [step.formula for step in wg.steps(program, 2.0)]
        ['x * x', '3.0 * t1', 't2']
    """
    if not isinstance(root, Value):
        return _of_program(root, args)
    if len(args) > 1:
        raise OperandError(f"steps() of a Value takes a direction, and got {len(args)} arguments.")
    direction = args[0] if args else direction
    if direction == "backward":
        return Steps(partial(_backward, root))
    if direction == "forward":
        return Steps(partial(_forward, root))
    raise GraphError(f'direction is "backward" or "forward", not {direction!r}.')


def _of_program(root: Any, args: tuple[Any, ...]) -> "Steps[ProgramStep]":
    from wengert.program.program import Program
    from wengert.run.stream import program_steps

    if not isinstance(root, Program):
        raise OperandError(
            "steps() takes a Value, the result of a computation, or a Program and its arguments, "
            f"not {describe(root)}."
        )
    return Steps(partial(program_steps, root, root.bound(args, {})))


def _backward(root: Value) -> Iterator[BackwardStep]:
    order = topological_order(root)
    known = names(order)
    gradient = {root: 1.0}
    for node in reversed(order):
        if not node.operands:
            continue
        upstream = gradient[node]
        added = contributions(node, upstream)
        partials, formulas = _partials(node, known, upstream, added)
        for k, operand in enumerate(node.operands):
            first = operand not in gradient
            gradient[operand] = gradient.get(operand, 0.0) + added[k]
            yield BackwardStep(
                node, operand, upstream, partials[k], formulas[k].text, formulas[k].tex,
                added[k], gradient[operand], first, (known[root], known[node], known[operand]),
            )  # fmt: skip


def _partials(
    node: Value, known: dict[Value, str], upstream: float, added: list[float]
) -> tuple[list[float], list[Symbol]]:
    """The local derivatives of a node, as numbers and as formulas."""
    row = node._row
    if row is None:
        ratios = [each / upstream if upstream else 0.0 for each in added]
        return ratios, [Symbol("", "")] * len(added)
    numbers = local_partials(row, node.data, [operand.data for operand in node.operands])
    operands = [named(known[operand]) for operand in node.operands]
    return list(numbers), partial_symbols(row, named(known[node]), operands)


def _forward(root: Value) -> Iterator[ForwardStep]:
    order = topological_order(root)
    known = names(order)
    for node in order:
        if node.operands:
            operands = [named(known[operand]) for operand in node.operands]
            numbers = [_number(operand.data) for operand in node.operands]
            yield ForwardStep(node, _call(node, operands), _call(node, numbers), known[node])


def _call(node: Value, operands: list[Symbol]) -> Symbol:
    if node._row:
        return value_symbol(node._row, operands)
    text = ", ".join(each.text for each in operands)
    tex = ", ".join(each.tex for each in operands)
    return Symbol(f"{node._op}({text})", f"{tex_name(node._op)}({tex})")


def _bracketed(name: str) -> str:
    """A name as it stands below a derivative's bar."""
    return name if name.isidentifier() or "′" in name else f"({name})"


def _number(number: float) -> Symbol:
    return Symbol(repr(number), _tex_number(number), symbol(number).binds)


def _tex_number(number: float, inside: bool = False) -> str:
    """A number in LaTeX, in parentheses where a minus sign would follow an operator."""
    digits, _, exponent = repr(number).partition("e")
    tex = digits.replace("inf", r"\infty").replace("nan", r"\text{nan}")
    if exponent:
        tex += rf" \cdot 10^{{{int(exponent)}}}"
    return f"({tex})" if inside and tex.startswith("-") else tex
