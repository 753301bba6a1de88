"""The rows' own formulas in words: their values and partials, run on symbols instead of numbers.

Nothing is looked up: a row's partials are ordinary functions, and a `Symbol` that meets them
writes down what it sees, as plain text and as LaTeX.
"""

from collections.abc import Sequence
from typing import Any

from wengert.dispatch import Primitive
from wengert.operand import Operand
from wengert.primitives import equal, mul, neg, powi, select

_ATOM = 5  # binds as strongly as a name or a number
_POWER = 4
_OPENING = "({|⌊⌈[ "


class Symbol(Operand):
    """A piece of a formula.

    Args:
        text: as plain text.
        tex: in LaTeX.
        binds: how strongly it binds, from 1 (sums) to 5 (names and numbers).
    """

    __slots__ = ("binds", "tex", "text")

    def __init__(self, text: str, tex: str, binds: int = _ATOM) -> None:
        self.text = text
        self.tex = tex
        self.binds = binds

    def _apply(self, row: Primitive, args: tuple[Any, ...]) -> "Symbol":
        symbols = [symbol(arg) for arg in args]
        texts = [each.text for each in symbols]
        neutral = "" if row.facts.neutral is None else symbol(abs(row.facts.neutral)).text
        if row is equal and texts[0] == texts[1]:
            return symbol(1.0)
        if row is select and texts[0] == "1":
            return symbols[1]
        if len(texts) == 2 and texts[1] == neutral:
            return symbols[0]
        if len(texts) == 2 and texts[0] == neutral and row.facts.commutative:
            return symbols[1]
        if row is mul and texts[0] == texts[1]:
            return self._apply(powi(2), args[:1])
        if row is mul and texts[0] == "-1":
            return self._apply(neg, args[1:])
        if row.name == "powi" and row.params[0] in (0, 1):
            return symbols[0] if row.params[0] else symbol(1.0)
        return value_symbol(row, symbols)


def symbol(arg: Any) -> Symbol:
    """A number as a symbol; a symbol as it is."""
    if isinstance(arg, Symbol):
        return arg
    text = f"{arg:.6g}"
    return Symbol(text, text.replace("inf", r"\infty"), _ATOM if arg >= 0 else 2)


def _filled(row: Primitive, template: str, symbols: Sequence[Symbol], form: str) -> str:
    """The template with its operands, each in parentheses where it would else be misread."""
    pieces = []
    for k, each in enumerate(symbols):
        piece = getattr(each, form)
        place = template.find(f"{{{k}}}")
        before, after = template[:place], template[place + 3 :]
        closed = after[:1] in (*")}|⌋⌉],", "") or after.startswith(r"\right")
        enclosed = before.endswith(tuple(_OPENING[:-1])) and closed
        weaker = each.binds < row.binds and row is not select
        alike = each.binds == row.binds < _ATOM and not row.facts.commutative
        ambiguous = (k > 0 and (piece.startswith("-") or alike)) or (alike and row.binds == _POWER)
        pieces.append(f"({piece})" if (weaker or ambiguous) and not enclosed else piece)
    return template.format(*pieces)


def value_symbol(row: Primitive, operands: Sequence[Symbol]) -> Symbol:
    """The row's value as a formula of its operands."""
    return Symbol(
        _filled(row, row.text, operands, "text"), _filled(row, row.tex, operands, "tex"), row.binds
    )


def partial_symbols(row: Primitive, output: Symbol, operands: Sequence[Symbol]) -> list[Symbol]:
    """The row's partials as formulas of its output and operands, one per operand."""
    return [symbol(partial) for partial in row.partials(output, *operands)]


def value_text(row: Primitive, operands: Sequence[str] | None = None) -> str:
    """The row's value as plain text.

    Args:
        row: a primitive.
        operands: names for its operands; the row's own by default.

    Returns:
        For example "x·y".
    """
    return value_symbol(row, [named(name) for name in operands or row.operands]).text


def partial_texts(row: Primitive, operands: Sequence[str] | None = None) -> tuple[str, ...]:
    """The row's partials as plain text, the output being called z.

    Args:
        row: a primitive.
        operands: names for its operands; the row's own by default.

    Returns:
        One formula per operand, for example ("y", "x").
    """
    symbols = [named(name) for name in operands or row.operands]
    return tuple(each.text for each in partial_symbols(row, named("z"), symbols))


def named(name: str) -> Symbol:
    """A symbol for a name such as a label."""
    return Symbol(name, tex_name(name), _ATOM if name.isidentifier() else 1)


def tex_name(name: str) -> str:
    r"""A label in LaTeX: x1 becomes a subscript, and words stand upright.

    Examples:
        >>> tex_name("x1"), tex_name("loss"), tex_name("50%")
        ('x_{1}', '\\mathrm{loss}', '\\text{50\\%}')
    """
    primes = len(name) - len(name.rstrip("′"))
    stem = name.rstrip("′")
    letters = stem.rstrip("0123456789")
    digits = stem[len(letters) :]
    if letters.isalpha() and letters.isascii():
        base = letters if len(letters) == 1 else rf"\mathrm{{{letters}}}"
        tex = f"{base}_{{{digits}}}" if digits else base
    else:
        tex = rf"\text{{{''.join(_ESCAPES.get(c, c) for c in stem)}}}"
    return tex + "'" * primes


_ESCAPES = {c: "\\" + c for c in "{}$&#_%"} | {
    "\\": r"\textbackslash ", "^": r"\textasciicircum ", "~": r"\textasciitilde ",
}  # fmt: skip
