"""Single lines of a printed program: structures, statements, operands."""

import math
from dataclasses import dataclass, field
from typing import Any

from wengert.dispatch import Family, Primitive
from wengert.errors import OperandError, ProgramError
from wengert.program.address import CONSTANT, INPUT, OUTPUT, VALUE, Address
from wengert.program.invariants import DEEPEST, LARGEST
from wengert.program.places import Block, Place
from wengert.program.spelling import (
    INFIX,
    NUMBERED,
    PREFIX,
    RESERVED,
    SUFFIX,
    TABLE_NAME,
    called,
    spelled_key,
)
from wengert.program.structure import ARRAY, DICT, FIXED, LIST, NUMBER, RECORD, TUPLE, Structure
from wengert.program.tokens import Tokens

MOST_PARTS = 1 << 20  # of a structure, written out
MOST_DIGITS = 4300  # of an integer that a person chose; Python reads no more
_WORDS = {"None": None, "True": True, "False": False}
_MEMORIES = {"value": VALUE, "const": CONSTANT, "input": INPUT, "output": OUTPUT}


# --- what stands in a text ------------------------------------------------------------------------


@dataclass(slots=True)
class Sum:
    """A place as it is written: affine in the counters, with at most one table entry."""

    constant: int
    strides: tuple[int, ...]
    table: int = 0
    inner: "Sum | None" = None


@dataclass(slots=True)
class Operand:
    """A number, or the name of a place."""

    line: int
    column: int
    number: float | None = None
    at: Sum | None = None  # of a number: which constant
    name: str = ""  # with all its dots; for a raw place, its memory
    raw: bool = False
    indices: list[Sum] | None = None
    place: Place | None = None  # of a constant


@dataclass(slots=True, eq=False)
class Line:
    """A statement."""

    line: int
    around: tuple["Nest", ...]
    kind: str  # "=", "+=" or "guard"
    row: Primitive | None
    operands: list[Operand]
    target: Operand | None = None
    name: str = ""
    label: str = ""
    source: str = ""
    memory: str = VALUE
    at: Sum | None = None
    aliases: list[Operand] = field(default_factory=list)
    place: Place | None = None
    address: Address | None = None


@dataclass(slots=True, eq=False)
class Nest:
    """A loop."""

    line: int
    counter: str
    around: tuple["Nest", ...] = ()
    count: int = 0
    by: int | None = None
    local: str = ""
    again: bool = False
    bodies: dict[str, list["Line | Nest"]] = field(default_factory=dict)
    condition: Operand | None = None
    block: Block | None = None


Part = Line | Nest


# --- the header -----------------------------------------------------------------------------------


class Structures:
    """Reads structures; with each goes the number of its parts, written out."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens

    def whole(self, depth: int = 0) -> tuple[Structure, int]:
        """A structure without a key."""
        tokens = self.tokens
        if tokens.takes("="):
            return Structure(FIXED, fixed=self._fixed()), 1
        for word, kind, closing in (("(", TUPLE, ")"), ("{", DICT, "}")):
            if tokens.takes(word):
                return self._parts(kind, closing, depth)
        for word, kind in (("list", LIST), ("record", RECORD)):
            if tokens.takes(word):
                tokens.take("(")
                return self._parts(kind, ")", depth)
        tokens.take("number")
        return self._array() if tokens.word == "[" else (Structure(NUMBER), 1)

    def _keyed(self, depth: int) -> tuple[Structure, int]:
        tokens = self.tokens
        if tokens.word == "[":
            return self._array()
        if tokens.kind != "string" and tokens.word in ("=", "(", "{", "list", "record"):
            return self.whole(depth)
        return Structure(NUMBER), 1

    def _parts(self, kind: str, closing: str, depth: int) -> tuple[Structure, int]:
        tokens = self.tokens
        if depth >= DEEPEST:
            tokens.fail(f"at most {DEEPEST} levels")
        keys: list[str | int] = []
        parts: list[Structure] = []
        weight = 1
        while not tokens.takes(closing):
            if parts:
                tokens.take(",")
            count = 1
            if tokens.kind == "number" and tokens.found[tokens.at + 1][1] == "*":
                count = tokens.integer()
                tokens.take("*")
                part, size = self.whole(depth + 1)
            elif self._is_keyless():
                part, size = self.whole(depth + 1)
            else:
                keys.append(self._key())
                part, size = self._keyed(depth + 1)
            weight += count * size
            if weight > MOST_PARTS:
                tokens.fail(f"at most {MOST_PARTS} parts")
            parts += [part] * count
        keyed = len(keys) == len(parts) and len(set(keys)) == len(keys)
        if not (keyed or (not keys and kind in (TUPLE, LIST))):
            tokens.fail("a key of its own for each part")
        return Structure(kind, keys=tuple(keys), parts=tuple(parts)), weight

    def _is_keyless(self) -> bool:
        tokens = self.tokens
        return tokens.kind != "string" and tokens.word in (
            "number",
            "list",
            "record",
            "=",
            "(",
            "{",
        )

    def _key(self) -> str | int:
        tokens = self.tokens
        if tokens.kind == "string":
            return tokens.quoted()
        if tokens.kind == "name" and "~" not in tokens.word and tokens.word not in RESERVED:
            return tokens.next()
        return tokens.integer(MOST_DIGITS)

    def _array(self) -> tuple[Structure, int]:
        tokens = self.tokens
        tokens.take("[")
        shape: list[int] = []
        while not tokens.takes("]"):
            if shape:
                tokens.take(",")
            shape.append(tokens.integer())
        if len(shape) > 32 or min(shape, default=0) < 0 or math.prod(shape) > LARGEST:
            tokens.fail("a shape of fewer elements")
        return Structure(ARRAY, tuple(shape)), 1

    def _fixed(self) -> Any:
        tokens = self.tokens
        if tokens.kind == "string":
            return tokens.quoted()
        if tokens.kind != "name" or tokens.word not in _WORDS:
            tokens.fail("None, True, False or a text")
        return _WORDS[tokens.next()]


# --- statements ---


class LineReader:
    """Reads one line with a statement on it."""

    def __init__(self, tokens: Tokens, around: tuple[Nest, ...], memory: str) -> None:
        self.tokens, self.around, self.memory = tokens, around, memory

    def read(self) -> Line:
        """The statement."""
        tokens = self.tokens
        kind = "guard" if tokens.takes("guard") else "="
        line = Line(tokens.line, self.around, kind, None, [], memory=self.memory)
        start = tokens.at
        while (head := self._defined()) is not None:
            operand, label = head
            if tokens.word == "+=" and kind == "=" and not (label or line.name or line.target):
                tokens.next()
                line.kind, line.target, line.operands = "+=", operand, [self.operand()]
                return line
            tokens.take("=")
            start = tokens.at
            if operand.name.partition(".")[0] == "out" or operand.raw:
                line.target = operand
            elif operand.indices is None:
                if line.name:
                    tokens.fail("one name")
                line.name = operand.name
                line.label = label or _label(operand.name)
            else:
                line.aliases.append(operand)
            if line.target and (line.name or line.aliases):
                tokens.fail("one place")
        tokens.at = start
        line.row, line.operands = self._formula()
        if kind == "guard":
            tokens.take("is")
            line.operands.append(self._expected())
        if tokens.takes("@"):
            line.memory, line.at = self._place()
        tokens.end()
        return line

    def _defined(self) -> tuple[Operand, str] | None:
        """What stands in front of the next "=", and its label; None if there is none."""
        tokens = self.tokens
        if tokens.at > tokens.last_assigned or tokens.kind != "name":
            return None
        operand = self.operand()
        label = tokens.quoted() if tokens.kind == "string" else ""
        return (operand, label) if tokens.word in ("=", "+=") and tokens.kind == "sign" else None

    def _expected(self) -> Operand:
        tokens = self.tokens
        for word, number in (("true", 1.0), ("false", 0.0)):
            if tokens.takes(word):
                tokens.at -= 1
                operand = Operand(tokens.line, tokens.column, number)
                tokens.next()
                return self._with_place(operand)
        return self.operand()

    def _place(self) -> tuple[str, Sum]:
        tokens = self.tokens
        if tokens.kind == "name" and tokens.word in ("value", "local"):
            operand = self.operand()
            if not operand.raw or not operand.indices:
                tokens.fail("a place")
            return operand.name, operand.indices[0]
        return self.memory, self._sum()

    # --- operations -------------------------------------------------------------------------------

    def _formula(self) -> tuple[Primitive | None, list[Operand]]:
        tokens = self.tokens
        if tokens.kind == "name" and tokens.found[tokens.at + 1][1] == "(":
            return self._call()
        if tokens.kind == "sign" and tokens.word in PREFIX and not tokens.starts_number():
            return PREFIX[tokens.next()], [self.operand()]
        first = self.operand()
        sign = tokens.word
        if tokens.kind != "sign" or sign in "@":
            return None, [first]
        if (sign, float) in SUFFIX or (sign, int) in SUFFIX:
            tokens.next()
            if tokens.starts_number():
                return self._power(sign), [first]
        elif sign in INFIX:
            tokens.next()
        else:
            tokens.fail("an operation")
        return INFIX[sign], [first, self.operand()]

    def _power(self, sign: str) -> Primitive:
        tokens = self.tokens
        digits = tokens.found[tokens.at + (tokens.word == "-")][1]
        kind = int if digits.isdecimal() else float
        return self._member(SUFFIX[sign, kind])

    def _member(self, family: Family) -> Primitive:
        tokens = self.tokens
        constant = tokens.integer() if family.kind is int else tokens.number()
        try:
            return family(constant)
        except OperandError as error:
            raise ProgramError(f"line {tokens.line}: {error}") from None

    def _call(self) -> tuple[Primitive, list[Operand]]:
        tokens = self.tokens
        row = called(tokens.word)
        if row is None:
            tokens.fail("an operation, or a rule made by wg.custom_rule")
        tokens.next()
        tokens.take("(")
        if isinstance(row, Family):
            row = self._member(row)
            tokens.take(",")
        operands = [self.operand()]
        while tokens.takes(","):
            operands.append(self.operand())
        if len(operands) != row.nin:
            tokens.fail(f"{row.nin} operands")
        tokens.take(")")
        return row, operands

    # --- operands ---------------------------------------------------------------------------------

    def operand(self) -> Operand:
        """A number, or the name of a place."""
        tokens = self.tokens
        operand = Operand(tokens.line, tokens.column)
        if tokens.starts_number():
            operand.number = tokens.number()
            return self._with_place(operand)
        if tokens.kind == "string":
            name = spelled_key(tokens.quoted())
        elif tokens.kind == "name":
            name = tokens.next()
        else:
            tokens.fail("an operand")
        if name == "local" or name in _MEMORIES:
            return self._raw(operand, name)
        while tokens.takes("."):
            name += f".{self._key()}"
        operand.name = name
        if tokens.word == "[" and tokens.kind == "sign":
            operand.indices = self._indices()
        return operand

    def _with_place(self, operand: Operand) -> Operand:
        tokens = self.tokens
        if tokens.word == "@" and tokens.found[tokens.at + 1][1] == "(":
            tokens.take("@")
            tokens.take("(")
            operand.at = self._sum()
            tokens.take(")")
        return operand

    def _raw(self, operand: Operand, name: str) -> Operand:
        tokens = self.tokens
        operand.raw = True
        if name == "local":
            tokens.take(".")
            operand.name = tokens.quoted() if tokens.kind == "string" else tokens.next()
        else:
            operand.name = _MEMORIES[name]
        operand.indices = self._indices()
        if len(operand.indices) != 1:
            tokens.fail("one place")
        return operand

    def _key(self) -> str:
        tokens = self.tokens
        if tokens.kind == "string":
            return spelled_key(tokens.quoted())
        if tokens.kind == "number":
            return tokens.next()  # also two keys with a point between
        return f"-{tokens.integer()}" if tokens.takes("-") else tokens.next()

    def _indices(self) -> list[Sum]:
        tokens = self.tokens
        tokens.take("[")
        found = [self._sum()]
        while tokens.takes(","):
            found.append(self._sum())
        tokens.take("]")
        return found

    def _sum(self, nested: bool = False) -> Sum:
        tokens = self.tokens
        total = Sum(0, ())
        strides = [0] * len(self.around)
        sign = -1 if tokens.takes("-") else 1
        while True:
            if tokens.kind == "number":
                number = sign * tokens.integer()
                if tokens.takes("*"):
                    strides[self._counter()] += number
                else:
                    total.constant += number
            elif TABLE_NAME.fullmatch(tokens.word) and not nested and not total.table and sign > 0:
                digits = tokens.next().removeprefix("table")
                total.table = int(digits) if len(digits) < 10 else 0
                tokens.take("[")
                total.inner = self._sum(nested=True)
                tokens.take("]")
            else:
                strides[self._counter()] += sign
            if tokens.takes("+"):
                sign = 1
            elif tokens.takes("-"):
                sign = -1
            else:
                break
        total.strides = tuple(strides)
        if max(map(abs, (total.constant, *strides))) > LARGEST:
            tokens.fail("smaller numbers before this")
        return total

    def _counter(self) -> int:
        tokens = self.tokens
        counters = [nest.counter for nest in self.around]
        if tokens.kind != "name" or tokens.word not in counters:
            tokens.fail("an integer or the counter of a loop")
        return counters.index(tokens.next())


def _label(name: str) -> str:
    return "" if NUMBERED.fullmatch(name) else name.partition("~")[0]
