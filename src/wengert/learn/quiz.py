"""A quiz: fill in the gradients by hand, one by one from the root, and be told right or wrong."""

import builtins
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from wengert.dispatch import describe
from wengert.errors import ExpressionError, GraphError, OperandError
from wengert.graph import names, topological_order
from wengert.learn.typed import Typed, typed
from wengert.proof.bounds import Bounds, bounds
from wengert.proof.diagnose import Use, likely_reason
from wengert.proof.nudge import local_slopes, record
from wengert.steps import BackwardStep, ForwardStep, steps
from wengert.value import Value

HELP = """\
Type the gradient: a number such as -2, 0.5, 1/2 or -3*2. Rounded is fine from two digits on.
  hint    the step of the chain rule, with its numbers; h will do
  answer  show the answer and go on
  skip    go on; the gradient stays 0
  quit    stop here; q will do"""


@dataclass(frozen=True, slots=True)
class Score:
    """How a quiz went.

    Attributes:
        total: how many gradients there were to fill.
        right: how many were answered right.
        first_try: how many of them at the first try and without a hint.
        hints: how many hints were given.
        shown: how many answers were shown.
        skipped: how many were skipped.
        wrong: how many wrong answers were given.
    """

    total: int
    right: int = 0
    first_try: int = 0
    hints: int = 0
    shown: int = 0
    skipped: int = 0
    wrong: int = 0

    def __str__(self) -> str:
        said = [f"{self.right} of {self.total} right, {self.first_try} at the first try"]
        if self.hints:
            said.append(_count(self.hints, "hint"))
        said += [f"{count} {what}" for count, what in ((self.shown, "shown"),
                 (self.skipped, "skipped")) if count]  # fmt: skip
        left = self.total - self.right - self.shown - self.skipped
        return ", ".join([*said, *([f"{left} left"] if left else [])]) + "."


@dataclass(frozen=True, slots=True)
class _Question:
    """One gradient to fill in."""

    node: Value
    name: str
    root: str
    true: float
    bounds: Bounds
    steps: Sequence[BackwardStep]
    users: Sequence[Use]
    others: Mapping[str, float]
    made: Mapping[int, str]

    @property
    def symbol(self) -> str:
        return f"∂{self.root}/∂{self.name}"

    def accepts(self, answer: Typed) -> bool:
        kinked = self.bounds.kinked and self.bounds.low < self.bounds.high
        return answer.means(self.true) or (
            kinked and self.bounds.low - 1e-9 <= answer.number <= self.bounds.high + 1e-9
        )


def quiz(
    root: Value,
    *,
    nodes: Iterable[Value] | None = None,
    constants: bool = False,
    input: Callable[[str], str] | None = None,  # noqa: A002 - the function it stands for
    output: Callable[[str], Any] = print,
) -> Score:
    """Ask for the gradient of each node, from the root back to the leaves, and grade the answers.

    The graph's own `grad` is the answer sheet: it is set to 0 at the start, and a gradient is
    filled in when it has been answered or shown, so a picture drawn in between shows how far one
    is. Ctrl-C and Ctrl-D end the quiz; what was filled in stays. Where asking fails, the gradients
    are what they were before.

    Args:
        root: the Value whose derivatives are asked for.
        nodes: the nodes to ask for; by default all but constants.
        constants: ask for leaves without a label too, such as the 2 in `2 * x`.
        input: asks one question and returns what was typed; the built-in `input` by default.
        output: shows a text.

    Returns:
        The `Score`, which is also shown at the end. Gradients that are not asked for, or that are
        not finite, are filled in on the way.

    Raises:
        GraphError: one of `nodes` is not in the graph, or an operation of your own has no
            `_backward` yet.
        OperandError: `root` is not a Value.

    Examples:
        >>> import wengert as wg
        >>> a, b = wg.Value(2.0, label="a"), wg.Value(-3.0, label="b")
        >>> L = a * b
        >>> L.label = "L"
        >>> typing = iter(["1", "2", "hint", "-3"])
        >>> score = wg.quiz(L, input=lambda question: next(typing))
        Fill in the gradients of L = -6.0: 3 numbers, from L back to the leaves. help lists what else to type.
        Right: ∂L/∂L = 1.0
        Right: ∂L/∂b = 2.0
        The chain rule: ∂L/∂a = ∂L/∂L · ∂L/∂a
          L = a·b, so ∂L/∂a = b = -3.0; and ∂L/∂L = 1.0
        Right: ∂L/∂a = -3.0
        3 of 3 right, 2 at the first try, 1 hint.
    """  # noqa: E501 - what the quiz says, as it says it
    read = input or builtins.input  # looked up now: notebooks put their own in its place
    questions = _questions(root)
    asked = _asked(questions, nodes, constants)
    finite = sum(id(each.node) in asked and isfinite(each.true) for each in questions)
    tally: Counter[str] = Counter(total=finite)
    before = [(each.node, each.node.grad) for each in questions]
    root.zero_grad()
    name = questions[0].name
    output(
        f"Fill in the gradients of {name} = {root.data!r}: {_count(finite, 'number')}, from {name} "
        "back to the leaves. help lists what else to type."
    )
    try:
        for question in questions:
            if id(question.node) not in asked:
                question.node.grad = question.true
            elif not isfinite(question.true):
                question.node.grad = question.true
                output(f"{question.symbol} is {question.true!r} here: filled in for you.")
            else:
                tally.update(_ask(question, tally, read, output))
    except (EOFError, KeyboardInterrupt):
        output("")
    except _Quit:
        pass
    except Exception:  # a front end that cannot ask, say: there was no quiz
        for node, grad in before:
            node.grad = grad
        raise
    score = Score(**tally)
    output(str(score))
    return score


class _Quit(Exception):  # noqa: N818 - not an error
    """The learner wants to stop."""


def _questions(root: Value) -> list[_Question]:
    """All gradients of the graph, from the root back, with their answers."""
    if not isinstance(root, Value):
        raise OperandError(
            f"quiz() takes a Value, the result of a computation, not {describe(root)}."
        )
    order = topological_order(root)
    known = names(order)
    to: dict[Value, list[BackwardStep]] = {node: [] for node in order}
    true = dict.fromkeys(order, 0.0) | {root: 1.0}
    made = {id(step.node): f"{step.name} = {step.formula.text}"
            for step in steps(root, "forward") if isinstance(step, ForwardStep)}  # fmt: skip
    for step in steps(root):
        if isinstance(step, BackwardStep):
            to[step.operand].append(step)
            true[step.operand] = step.total
    tape = record(root)
    limits = bounds(tape, local_slopes(tape))
    others = {known[node]: true[node] for node in order}
    return [
        _Question(node, known[node], known[root], true[node], limit, to[node],
                  [_use(step, known) for step in to[node]], others, made)
        for node, limit in reversed(list(zip(order, limits, strict=True)))
    ]  # fmt: skip


def _use(step: BackwardStep, known: Mapping[Value, str]) -> Use:
    others = [each for each in step.node.operands if each is not step.operand]
    return Use(
        user=step.names[1],
        local=step.partial,
        upstream=step.upstream,
        present=step.upstream,
        faulty=False,
        result=step.node.data,
        others=tuple((known[each], each.data) for each in others or [step.operand]),
    )


def _asked(
    questions: Sequence[_Question], nodes: Iterable[Value] | None, constants: bool
) -> set[int]:
    """Which nodes to ask for, by identity."""
    known = {id(question.node) for question in questions}
    if nodes is not None:
        wanted = list(nodes)
        for node in wanted:
            if id(node) not in known:
                raise GraphError(
                    f"nodes= are Values that the root depends on, and {describe(node)} is none. "
                    "Take them from the graph: root.operands, or trace(root)."
                )
        return {id(node) for node in wanted}
    return {
        id(question.node)
        for question in questions
        if constants or question.node.label or question.node.operands
    }


def _ask(
    question: _Question,
    tally: Counter[str],
    read: Callable[[str], str],
    output: Callable[[str], Any],
) -> tuple[str, ...]:
    """One question, until it is answered, shown or skipped; what that counts as."""
    clean = True
    while True:
        text = read(f"{question.symbol} = ").strip()
        match text.lower():
            case "":
                pass
            case "help" | "?":
                output(HELP)
            case "quit" | "exit" | "q":
                raise _Quit
            case "skip":
                output(f"Skipped: {question.symbol} stays 0.")
                return ("skipped",)
            case "answer":
                question.node.grad = question.true
                output("\n".join(_answer(question)))
                return ("shown",)
            case "hint" | "h":
                clean = False
                tally["hints"] += 1
                output("\n".join(_hint(question)))
            case _:
                try:
                    answer = typed(text)
                except ExpressionError as error:
                    output(str(error))
                    continue
                if question.accepts(answer):
                    question.node.grad = question.true
                    output(f"Right: {_told(question, answer)}")
                    return ("right", "first_try") if clean else ("right",)
                clean = False
                tally["wrong"] += 1
                output(f"Wrong: {_why(question, answer.number)}.")


def _told(question: _Question, answer: Typed) -> str:
    told = f"{question.symbol} = {question.true!r}"
    if answer.means(question.true):
        return told
    return f"here is a kink, with all slopes from {question.bounds}; by convention {told}"


def _why(question: _Question, answer: float) -> str:
    """The likely reason; the answer itself is not given away."""
    given = _Given(question.node.data, answer, question.true)
    others = {name: true for name, true in question.others.items() if name != question.name}
    leaf = not question.node.operands
    reason = likely_reason(given, question.users, leaf, 0, others, reveal=False)
    return reason or f"{question.symbol} is {_rule(question)}"


def _rule(question: _Question) -> str:
    """What the gradient is, in words and without numbers."""
    users = {step.node: step.names[1] for step in question.steps}
    if len(question.steps) == 1:
        (node,) = users
        return (
            f"the gradient of {users[node]} times the local derivative of {node._op} with respect "
            f"to {question.name}"
        )
    return (
        f"the sum over the uses of {question.name} (in {', '.join(users.values())}): each "
        f"contributes the gradient of its result times the local derivative there"
    )


@dataclass(frozen=True, slots=True)
class _Given:
    """A wrong answer."""

    data: float
    grad: float
    numeric: float


def _hint(question: _Question) -> list[str]:
    """The step of the chain rule without its result."""
    if not question.steps:
        return [f"{question.symbol} is the slope of {question.root} with respect to itself."]
    terms, lines = [], []
    for step in question.steps:
        root, user, operand = step.names
        terms.append(f"∂{root}/∂{user} · ∂{user}/∂{operand}")
        local = f"{step.formula} = " if step.formula and not _is_number(step.formula) else ""
        lines.append(
            f"  {question.made[id(step.node)]}, so ∂{user}/∂{operand} = {local}{step.partial!r}; "
            f"and ∂{root}/∂{user} = {step.upstream!r}"
        )
    return [f"The chain rule: {question.symbol} = {' + '.join(terms)}", *lines]


def _answer(question: _Question) -> list[str]:
    return [*map(str, question.steps)] or [f"{question.symbol} = {question.true!r}"]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
