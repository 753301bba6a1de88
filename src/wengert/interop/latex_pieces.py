"""The pieces of formulas in LaTeX: numbers, names with indices, and operations on them."""

import re
from collections.abc import Sequence

from wengert.dispatch import Primitive
from wengert.formula import Symbol, tex_name, value_symbol

SPACE = r",\,"
_SIMPLE = re.compile(r"\w+(_\{[^{}]*\})?'*|\\(mathrm|text)\{[^{}]*\}(_\{[^{}]*\})?|\(.*\)")
_PLACE = re.compile(r"(?P<name>[^\[\s]+)\[(?P<at>.*)\]")


class Piece(Symbol):
    r"""A formula, and whether it ends in a function's argument that nothing closes: `\sin x`."""

    __slots__ = ("open",)

    def __init__(self, tex: str, binds: int = 5, is_open: bool = False) -> None:
        super().__init__("", tex, binds)
        self.open = is_open


def applied(row: Primitive, operands: Sequence[Piece]) -> Piece:
    r"""An operation; what would be misread gets parentheses.

    Examples:
        >>> from wengert.primitives import mul, sin
        >>> x = Piece("x")
        >>> applied(mul, [applied(sin, [x]), x]).tex, applied(mul, [x, applied(sin, [x])]).tex
        ('(\\sin x) \\cdot x', 'x \\cdot \\sin x')
    """
    pieces = list(operands)
    first = pieces[0]
    base = row.binds == 4 and not _SIMPLE.fullmatch(first.tex)
    if base or (row.binds == 2 and row.nin == 2 and first.open and row.tex.startswith("{0}")):
        pieces[0] = Piece(f"({first.tex})")
    result = value_symbol(row, pieces)
    ends = row.tex.endswith((" {0}", " {1}", "-{0}")) and not result.tex.endswith(")")
    opens = ends and (row.binds == 5 or pieces[-1].open)
    return Piece(result.tex, result.binds, opens)


def number(literal: str) -> Piece:
    r"""A number, spelled as Python does.

    Examples:
        >>> number("2.0").tex, number("-1e-09").tex
        ('2', '-10^{-9}')
    """
    mantissa, _, exponent = literal.removesuffix(".0").partition("e")
    if exponent:
        power = f"10^{{{int(exponent)}}}"
        alone = mantissa in ("1", "-1")
        mantissa = mantissa.replace("1", power) if alone else rf"{mantissa} \cdot {power}"
    tex = mantissa.replace("inf", r"\infty").replace("nan", r"\mathrm{nan}")
    return Piece(tex, 2 if tex.startswith("-") or "cdot" in tex else 5)


def placed(text: str) -> str:
    r"""A name with indices, as programs are printed.

    Examples:
        >>> placed("w[i, 2*j + 1]"), placed("x[table1[k]]")
        ('w_{i,\\,2 j + 1}', 'x_{\\mathrm{table}_{1,\\,k}}')
    """
    match = _PLACE.fullmatch(text)
    if match is None:
        return tex_name(text)
    return indexed(match["name"], match["at"].split(", "))


def indexed(name: str, indices: Sequence[str]) -> str:
    """A name with indices behind the number that it may end with."""
    shown = [_PLACE.sub(lambda match: placed(match[0]), i).replace("*", " ") for i in indices]
    tex = tex_name(name)
    if not shown:
        return tex
    stem, below, own = tex.partition("_{")
    if not below or tex.startswith(r"\text"):
        return f"{tex}_{{{SPACE.join(shown)}}}"
    return f"{stem}_{{{SPACE.join([own.removesuffix('}'), *shown])}}}"
