"""The rows of the table in JavaScript: their values as spelled, their partials as traced.

The value of a row is its C spelling, under JavaScript's names. Its partials are the
row's own, run once on operands that write down what is done to them, in the order in which Python
does it; so no derivative is stated twice. Whatever is neither in JavaScript's `Math` nor an
operator stands in the modules of `HELPERS`.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from wengert import special
from wengert.dispatch import Primitive
from wengert.operand import Operand

OPERANDS = ("x", "y", "w")
HELPERS = ("product.js", "special.js", "gamma.js")
IN_MATH = {
    name: name
    for name in (
        *("exp", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "asin", "acos"),
        *("atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "cbrt", "sqrt"),
        *("floor", "ceil", "trunc"),
    )
} | {"fabs": "abs"}  # as C calls them, and as JavaScript does
_CALLED = re.compile(r"\b([a-z_]\w*)\(")
_EXPORTED = re.compile(r"^export function (\w+)\(", re.MULTILINE)


class UnwritableError(Exception):
    """A row, or its partials, use what has no spelling in JavaScript."""


def number(value: float) -> str:
    """A double in JavaScript, bit for bit."""
    value = float(value)
    if value != value:
        return "NaN"
    text = repr(value).replace("inf", "Infinity")
    return f"({text})" if text.startswith("-") else text


@cache
def helpers() -> dict[str, str]:
    """The functions that stand beside the table, each with the module that it is in."""
    found = {}
    for module in HELPERS:
        text = (files("wengert.show.explorer") / "js" / module).read_text(encoding="utf-8")
        found.update(dict.fromkeys(_EXPORTED.findall(text), module))
    return found


def value_of(row: Primitive, operands: Sequence[str]) -> str:
    """The value of a row as a JavaScript expression of its operands, which are names or numbers.

    Raises:
        UnwritableError: the row has no spelling, as rules of the user's own have none.
    """
    template = row.c or row.c_near
    if not template:
        raise UnwritableError(row.name)

    def called(match: re.Match[str]) -> str:
        name = match[1]
        if name in IN_MATH:
            return f"Math.{IN_MATH[name]}("
        if name not in helpers():
            raise UnwritableError(name)
        return f"{name}("

    text = _CALLED.sub(called, template.replace("(double)", "+"))
    return text.format(*operands, *map(number, row.params))


class _Statements:
    """The statements that a row's partials come to; what is computed twice stands once."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._known: dict[str, str] = {}

    def name_of(self, expression: str) -> str:
        """A constant that holds the expression's value."""
        if expression not in self._known:
            self._known[expression] = f"t{len(self.lines)}"
            self.lines.append(f"const {self._known[expression]} = {expression};")
        return self._known[expression]


class _Text(Operand):
    """A number that JavaScript computes."""

    __slots__ = ("into", "js")

    def __init__(self, js: str, into: _Statements) -> None:
        self.js = js
        self.into = into

    def _apply(self, row: Primitive, args: tuple[Any, ...]) -> "_Text":
        return _Text(self.into.name_of(value_of(row, list(map(_spelled, args)))), self.into)


def _spelled(arg: Any) -> str:
    return arg.js if isinstance(arg, _Text) else number(arg)


def rule_of(row: Primitive) -> str:
    """A row as a JavaScript object with the functions `value` and `partials`.

    Raises:
        UnwritableError: it, or what its partials use, has no spelling.
    """
    names = OPERANDS[: row.nin]
    value = value_of(row, names)
    into = _Statements()
    partials = row.partials(_Text("z", into), *(_Text(name, into) for name in names))
    given = f"[{', '.join(map(_spelled, partials))}]"
    body = f"{{ {' '.join(into.lines)} return {given}; }}" if into.lines else given
    return (
        f"{{ value: ({', '.join(names)}) => {value}, "
        f"partials: ({', '.join(('z', *names))}) => {body} }}"
    )


def rules_module(rows: Iterable[Primitive | None]) -> str:
    """The module `rules.js`: the rule of each row, in order; null where there is none.

    Args:
        rows: rows of the table; None for an operation of the user's own.
    """
    rules = []
    for row in rows:
        try:
            rules.append(rule_of(row) if row else "null")
        except UnwritableError:
            rules.append("null")
    text = "\n".join(rules)
    used: dict[str, list[str]] = {}
    for name, module in helpers().items():
        if re.search(rf"\b{name}\(", text):
            used.setdefault(module, []).append(name)
    imports = "".join(
        f'import {{ {", ".join(names)} }} from "./{module}";\n' for module, names in used.items()
    )
    listed = "".join(f"  {rule},\n" for rule in rules)
    return f"{imports}export const rules = [\n{listed}];\n"


def tables_module() -> str:
    """The module `tables.js`: the numbers that `special.js` needs, which special.py states."""
    tables = {
        "bernoulli": [float(b) for b in special.BERNOULLI],
        "digammaZero": special.DIGAMMA_ZERO,
        "digammaSeries": special.digamma_series(),
        "lgammaAt1": special.lgamma_series(1.0),
        "lgammaAt2": special.lgamma_series(2.0),
    }
    return "".join(
        f"export const {name} = [{', '.join(map(number, numbers))}];\n"
        for name, numbers in tables.items()
    )
