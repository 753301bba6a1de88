"""How the printed form spells rows, names, numbers and structures; the parser reads the same.

All of it follows from the table of primitives: a row with an operator for its symbol stands
between its operands or in front of its only one, any other is called.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wengert.dispatch import Family, Primitive
from wengert.primitives import TABLE
from wengert.program.structure import ARRAY, DICT, FIXED, LIST, NUMBER, RECORD, TUPLE, Structure
from wengert.registry import rule_of

IDENTIFIER = re.compile(r"[^\W\d]\w*")
NUMBERED = re.compile(r"t\d+")  # how values without a label are called
RESERVED = frozenset(
    {
        *("program", "values", "constants", "shared", "number", "list", "record", "nan", "inf"),
        *("value", "const", "input", "output", "out", "local", "for", "in", "by"),
        *(
            "while",
            "first",
            "test",
            "body",
            "last",
            "if",
            "guard",
            "is",
            "true",
            "false",
            "True",
            "False",
            "None",
        ),
    }
)
TABLE_NAME = re.compile(r"table\d+")


def is_operator(symbol: str) -> bool:
    """Whether a symbol is made of signs alone."""
    return not re.search(r"[\w\s]", symbol)


def operator_of(row: Primitive) -> str:
    """The sign of a row; "==" where it is "=", which assigns."""
    return "==" if row.symbol == "=" else row.symbol


_ROWS = [row for row in TABLE.values() if isinstance(row, Primitive)]
_FAMILIES = [row for row in TABLE.values() if isinstance(row, Family)]
INFIX = {operator_of(row): row for row in _ROWS if row.nin == 2 and is_operator(row.symbol)}
PREFIX = {operator_of(row): row for row in _ROWS if row.nin == 1 and is_operator(row.symbol)}
# x**2 and x**0.5: a sign, and the constant behind it, whose type tells the family.
_SIGNS = {f.name: re.split(r"[\w\s.-]", next(iter(f)).symbol)[0] for f in _FAMILIES}
SUFFIX = {
    (sign, family.kind): family
    for family in _FAMILIES
    if (sign := _SIGNS[family.name]) and is_operator(sign)
}
CALLED = {
    row.symbol if IDENTIFIER.fullmatch(row.symbol) else row.name: row for row in _ROWS
} | {family.name: family for family in _FAMILIES}  # fmt: skip
_CALLS = {row: name for name, row in CALLED.items()}


def called(name: str) -> Primitive | Family | None:
    """The row or the family that is called by a name; a user's rule by its own."""
    return CALLED.get(name) or rule_of(name)


def is_free_name(name: str) -> bool:
    """Whether a user's rule can be called by a name."""
    return is_free(name) and not NUMBERED.fullmatch(name) and name not in CALLED


SIGNS = sorted({*INFIX, *PREFIX, *(sign for sign, _ in SUFFIX)}, key=len, reverse=True)


def is_number(operand: str) -> bool:
    """Whether an operand is spelled as a number."""
    return operand[0].isdigit() or operand[0] == "-" or operand[:3] in ("inf", "nan")


def formula(row: Primitive | None, operands: Sequence[str]) -> str:
    """An operation on operands; without a row, the operand itself."""
    if row is None:
        return operands[0]
    if row.params:
        constants = ", ".join(map(repr, row.params))
        sign = _SIGNS[row.name]
        if (sign, type(row.params[0])) in SUFFIX and not is_number(operands[0]):
            return f"{operands[0]}{sign}{constants}"
        return f"{row.name}({constants}, {', '.join(operands)})"
    sign = operator_of(row)
    if INFIX.get(sign) is row and not _is_suffix(sign, operands[1]):
        return f"{operands[0]} {sign} {operands[1]}"
    if PREFIX.get(sign) is row and not is_number(operands[0]):
        return f"{sign}{operands[0]}"
    return f"{_CALLS.get(row, row.name)}({', '.join(operands)})"


def _is_suffix(sign: str, operand: str) -> bool:
    return is_number(operand) and (sign, float) in SUFFIX


# --- names ----------------------------------------------------------------------------------------


def quoted(text: str) -> str:
    """A text in quotes, on one line."""
    return json.dumps(text, ensure_ascii=not text.isprintable())


def spelled_key(key: str | int) -> str:
    """A key of a structure: as it is where it is a name of its own, else in quotes."""
    if isinstance(key, int):
        return str(key)
    free = IDENTIFIER.fullmatch(key) and key not in RESERVED
    return key if free and not NUMBERED.fullmatch(key) else quoted(key)


def is_free(label: str) -> bool:
    """Whether a label can be the name of a value as it is."""
    free = IDENTIFIER.fullmatch(label) and not TABLE_NAME.fullmatch(label)
    return bool(free) and label not in RESERVED


@dataclass(frozen=True, slots=True)
class Leaf:
    """A number or an array in a structure, and where it begins among the structure's numbers."""

    name: str
    shape: tuple[int, ...] | None  # of an array
    start: int
    size: int


def leaves(structure: Structure, name: str = "") -> list[Leaf]:
    """What holds numbers in a structure, by the names that the printed form gives it."""
    found: list[Leaf] = []
    start = 0
    for full, leaf in _leaves(structure, name):
        found.append(Leaf(full, leaf.shape if leaf.kind == ARRAY else None, start, leaf.size))
        start += leaf.size
    return found


def _leaves(structure: Structure, name: str) -> Iterator[tuple[str, Structure]]:
    if structure.kind in (NUMBER, ARRAY):
        yield name, structure
    keys = structure.keys or range(len(structure.parts))
    for key, part in zip(keys, structure.parts, strict=True):
        below = spelled_key(key)
        yield from _leaves(part, f"{name}.{below}" if name else below)


# --- structures -----------------------------------------------------------------------------------

BRACKETS = {TUPLE: "()", LIST: "()", DICT: "{}", RECORD: "()"}
WORDS = {LIST: "list", RECORD: "record"}
REPEATED = 4  # as many equal parts in a row are written once, with their number


def spelled(structure: Structure, key: str | int | None = None) -> str:
    """A structure, behind its key where it stands under one."""
    name = "" if key is None else spelled_key(key)
    if structure.kind == NUMBER:
        return name or "number"
    if structure.kind == ARRAY:
        return f"{name or 'number'}[{', '.join(map(str, structure.shape))}]"
    if structure.kind == FIXED:
        fixed = structure.fixed
        return f"{name}={quoted(fixed) if isinstance(fixed, str) else repr(fixed)}"
    word = WORDS.get(structure.kind, "")
    brackets = BRACKETS[structure.kind]
    between = " " if name and word else ""
    return f"{name}{between}{word}{brackets[0]}{spelled_parts(structure)}{brackets[1]}"


def spelled_parts(structure: Structure) -> str:
    """The parts of a structure, with commas."""
    if structure.keys:
        return ", ".join(map(spelled, structure.parts, structure.keys))
    texts: list[tuple[str, int]] = []
    for text in map(spelled, structure.parts):
        if texts and texts[-1][0] == text:
            texts[-1] = text, texts[-1][1] + 1
        else:
            texts.append((text, 1))
    return ", ".join(
        f"{count}*{text}" if count >= REPEATED else ", ".join([text] * count)
        for text, count in texts
    )
