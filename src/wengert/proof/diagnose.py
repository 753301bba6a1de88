"""Why a gradient is wrong: the mistakes people make with the chain rule, one function each.

Each function looks at one mistake and returns a sentence where the wrong number is what that
mistake gives, else "". The first that does is the likely reason. All numbers are numerical.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Protocol


class Wrong(Protocol):
    """A gradient that is not the derivative."""

    @property
    def data(self) -> float:
        """The node's number."""

    @property
    def grad(self) -> float:
        """The gradient that stands there."""

    @property
    def numeric(self) -> float:
        """What it should be."""


@dataclass(frozen=True, slots=True)
class Use:
    """One place where the node is an operand.

    Attributes:
        user: the name of the node that is computed from it.
        local: the derivative of the user with respect to it.
        upstream: the derivative of the root with respect to the user.
        present: the gradient that stands at the user now.
        faulty: whether that one is wrong itself.
        result: the user's data.
        others: the names and data of the user's other operands.
    """

    user: str
    local: float
    upstream: float
    present: float
    faulty: bool
    result: float
    others: tuple[tuple[str, float], ...] = ()

    @property
    def contribution(self) -> float:
        """What this use adds to the gradient."""
        return self.local * self.upstream


@dataclass(frozen=True, slots=True)
class Case:
    """All that is known of one wrong gradient."""

    data: float
    grad: float
    true: float
    uses: Sequence[Use]
    leaf: bool
    multiple: int
    others: Mapping[str, float]
    reveal: bool

    def equals(self, number: float) -> bool:
        """Whether the wrong gradient is this number."""
        return abs(self.grad - number) <= 1e-6 * max(abs(self.grad), abs(number))


def likely_reason(
    wrong: Wrong,
    uses: Sequence[Use],
    leaf: bool,
    multiple: int,
    others: Mapping[str, float],
    reveal: bool = True,
) -> str:
    """A sentence about the likely mistake, with its nodes and numbers.

    Args:
        wrong: data, gradient and true derivative of the node.
        uses: where the node is an operand.
        leaf: whether it has no operands itself.
        multiple: k where all wrong gradients of the graph are k times too large, else 0.
        others: the derivatives of the other nodes, by name.
        reveal: whether the sentence may say what the gradient should be.

    Returns:
        The sentence, without a full stop; "" where there is nothing to say.
    """
    case = Case(wrong.data, wrong.grad, wrong.numeric, uses, leaf, multiple, others, reveal)
    if not isfinite(case.grad):
        return _joined(f"the gradient is {case.grad!r}", _expected(case))
    if not isfinite(case.true):
        return ""
    for mistake in MISTAKES:
        reason = mistake(case)
        if reason:
            return reason
    return _expected(case)


def _of_the_root(case: Case) -> str:
    return "" if case.uses else "the gradient of the root is 1 by definition"


def _upstream_wrong(case: Case) -> str:
    faulty = [use.user for use in case.uses if use.faulty]
    if not faulty or not case.equals(sum(use.local * use.present for use in case.uses)):
        return ""
    whose = "gradient of " + " and ".join(dict.fromkeys(faulty))
    return f"the step here is right, but it starts from the {whose}, which is wrong: fix that first"


def _all_multiplied(case: Case) -> str:
    return _multiple(case) if case.multiple and case.equals(case.multiple * case.true) else ""


def _sign(case: Case) -> str:
    return "the sign is wrong" if case.equals(-case.true) else ""


def _overwritten(case: Case) -> str:
    if len(case.uses) < 2:
        return ""
    total = " + ".join(map(_number, (use.contribution for use in case.uses))).replace("+ -", "- ")
    advice = "the contributions of all uses add up"
    if case.reveal:
        advice += f": {total} = {case.true:.6g}"
    for use in case.uses:
        if case.equals(use.contribution):
            return f"this is what the use in {use.user} alone contributes; {advice}"
    for use in case.uses:
        if case.equals(case.true - use.contribution):
            return f"the use in {use.user} is missing; {advice}"
    return ""


def _local_alone(case: Case) -> str:
    if not case.equals(sum(use.local for use in case.uses)):
        return ""
    factors = " and ".join(f"that of {use.user}, {use.upstream:.6g}" for use in _distinct(case))
    return f"this is the local derivative alone; multiply it by the gradient upstream: {factors}"


def _upstream_alone(case: Case) -> str:
    if not case.equals(sum(use.upstream for use in case.uses)):
        return ""
    factors = " and ".join(f"∂{use.user}/∂(this node) = {use.local:.6g}" for use in _distinct(case))
    users = " and ".join(use.user for use in _distinct(case))
    return f"this is the gradient of {users} alone; multiply it by the local derivative, {factors}"


def _own_value(case: Case) -> str:
    for use in case.uses:
        for name, data in use.others:
            if _same(use.local, data) and case.equals(use.upstream * case.data):
                return (
                    f"multiplied by its own value {case.data:.6g}; the derivative of a product "
                    f"has the other operand's, {name} = {data:.6g}"
                )
    return ""


def _result_value(case: Case) -> str:
    for use in case.uses:
        if case.equals(use.upstream * use.result):
            return (
                f"multiplied by the value of {use.user}, {use.result:.6g}, in place of the local "
                f"derivative, {use.local:.6g}"
            )
    return ""


def _times(case: Case) -> str:
    """Twice or three times; more than that, for one node alone, is rather some other number."""
    return _multiple(case) if case.true and case.grad / case.true < 3.5 else ""


def _divided(case: Case) -> str:
    for use in case.uses:
        if use.local and case.equals(use.upstream / use.local):
            return f"divided by the local derivative {use.local:.6g}, where it multiplies"
        if use.upstream and case.equals(use.local / use.upstream):
            return f"divided by the gradient of {use.user}, {use.upstream:.6g}, where it multiplies"
    return "this is the reciprocal" if case.true and case.equals(1.0 / case.true) else ""


def _copied(case: Case) -> str:
    for name, number in case.others.items():
        if case.grad not in (0.0, 1.0) and case.equals(number):
            return _joined(f"this is the gradient of {name}", _expected(case))
    return ""


MISTAKES: Sequence[Callable[[Case], str]] = (
    _of_the_root,
    _upstream_wrong,
    _all_multiplied,
    _sign,
    _overwritten,
    _local_alone,
    _upstream_alone,
    _own_value,
    _times,
    _result_value,
    _divided,
    _copied,
)


def _multiple(case: Case) -> str:
    times = round(case.grad / case.true) if case.true else 0
    if times < 2 or times > 1000 or not case.equals(times * case.true):
        return ""
    said = f"this is {times} times the derivative"
    if case.leaf:
        return f"{said}: gradients of leaves add up, so call zero_grad() before backward()"
    return f"{said}: was it added more than once?"


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def _expected(case: Case) -> str:
    if not case.reveal:
        return ""
    if not case.uses:
        return f"it should be {case.true:.6g}"
    terms = [f"{_number(use.upstream)} · {_number(use.local)}" for use in case.uses]
    users = ", ".join(use.user for use in _distinct(case))
    return f"it should be {' + '.join(terms)} = {case.true:.6g}, by way of {users}"


def _distinct(case: Case) -> list[Use]:
    return list({(use.user, use.local): use for use in case.uses}.values())


def _number(number: float) -> str:
    return f"{number:.6g}"


def _same(x: float, y: float) -> bool:
    return abs(x - y) <= 1e-6 * max(abs(x), abs(y))
