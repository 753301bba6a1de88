"""The printed form read back: see docs/program-format.md for its grammar.

Reading goes in three steps: lines into a tree; what record order leaves out (`places.py`); names
into addresses. Nothing in a text is ever evaluated as code.
"""

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

from wengert.dispatch import Family, Primitive
from wengert.errors import OperandError, ProgramError
from wengert.program.address import CONSTANT, INPUT, OUTPUT, VALUE, Address, Lookup
from wengert.program.invariants import DEEPEST, LARGEST, checked, reach
from wengert.program.places import Block, Place, Placed, settle
from wengert.program.program import Program
from wengert.program.spelling import (
    CALLED,
    INFIX,
    NUMBERED,
    PREFIX,
    RESERVED,
    SIGNS,
    SUFFIX,
    TABLE_NAME,
    Leaf,
    leaves,
    spelled_key,
)
from wengert.program.statements import Accumulate, Assign, Guard, Loop, Statement, While
from wengert.program.structure import ARRAY, DICT, FIXED, LIST, NUMBER, RECORD, TUPLE, Structure

MOST_CONSTANTS = 1 << 25  # that a text may stand for; it can tell many in one line
MOST_DIGITS = 4300  # of an integer that a person chose; Python reads no more
MOST_PARTS = 1 << 20  # of a structure, written out

_SIGN = "|".join(map(re.escape, SIGNS))
_TOKENS = re.compile(
    r"[ ]*(?:(?P<comment>\#.*)"
    r"|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|(?:inf|nan)\b)"
    r"|(?P<name>[^\W\d]\w*(?:~\d+)?)"
    r'|(?P<string>"(?:[^"\\]|\\.)*")'
    rf"|(?P<sign>->|\+=|{_SIGN}|[-()\[\]{{}},:=.@*])"
    r"|(?P<end>$)|(?P<other>.))"
)
_WORDS = {"None": None, "True": True, "False": False}
_MEMORIES = {"value": VALUE, "const": CONSTANT, "input": INPUT, "output": OUTPUT}


def parsed(text: str) -> Program:
    """The program that was printed as `text`.

    Raises:
        ProgramError: the text is not that of a program; the message names line and column.
    """
    return checked(_Reader(text).program())


# --- what stands in a text ------------------------------------------------------------------------


@dataclass(slots=True)
class _Sum:
    """A place as it is written: affine in the counters, with at most one table entry."""

    constant: int
    strides: tuple[int, ...]
    table: int = 0
    inner: "_Sum | None" = None


@dataclass(slots=True)
class _Operand:
    """A number, or the name of a place."""

    line: int
    column: int
    number: float | None = None
    at: _Sum | None = None  # of a number: which constant
    name: str = ""  # with all its dots; for a raw place, its memory
    raw: bool = False
    indices: list[_Sum] | None = None
    place: Place | None = None  # of a constant


@dataclass(slots=True, eq=False)
class _Line:
    """A statement."""

    line: int
    around: tuple["_Nest", ...]
    kind: str  # "=", "+=" or "guard"
    row: Primitive | None
    operands: list[_Operand]
    target: _Operand | None = None
    name: str = ""
    label: str = ""
    source: str = ""
    memory: str = VALUE
    at: _Sum | None = None
    aliases: list[_Operand] = field(default_factory=list)
    place: Place | None = None
    address: Address | None = None


@dataclass(slots=True, eq=False)
class _Nest:
    """A loop."""

    line: int
    counter: str
    around: tuple["_Nest", ...] = ()
    count: int = 0
    by: int | None = None
    local: str = ""
    bodies: dict[str, list["_Line | _Nest"]] = field(default_factory=dict)
    condition: _Operand | None = None
    block: Block | None = None


_Part = _Line | _Nest


class _Tokens:
    """One line of text, token by token."""

    def __init__(self, text: str, line: int) -> None:
        self.line = line
        self.text = text
        self.found = [(m.lastgroup or "", m[m.lastgroup or 0], m.start(m.lastgroup or 0))
                      for m in _TOKENS.finditer(text)]  # fmt: skip
        self.at = 0

    @property
    def kind(self) -> str:
        return self.found[self.at][0]

    @property
    def word(self) -> str:
        return self.found[self.at][1]

    @property
    def column(self) -> int:
        return self.found[self.at][2] + 1

    @property
    def comment(self) -> str | None:
        """What stands behind the sign of a comment, once all before it has been read."""
        self.end()
        return self.word[1:].strip() if self.kind == "comment" else None

    def fail(self, expected: str) -> NoReturn:
        found = "the end of the line" if self.kind in ("end", "comment") else repr(self.word[:40])
        raise ProgramError(
            f"line {self.line}, column {self.column}: expected {expected}, found {found}."
        )

    def end(self) -> None:
        if self.kind not in ("end", "comment"):
            self.fail("the end of the line")

    def next(self) -> str:
        word = self.word
        if self.kind in ("end", "comment"):
            self.fail("more")
        self.at += 1
        return word

    def takes(self, word: str) -> bool:
        """Whether the next token is this one; if so, it is taken."""
        if self.word == word and self.kind in ("sign", "name"):
            self.at += 1
            return True
        return False

    def take(self, word: str) -> None:
        if not self.takes(word):
            self.fail(repr(word))

    def integer(self, digits: int = 18) -> int:
        negative = self.takes("-")
        word = self.word
        if self.kind != "number" or not word.isdecimal() or len(word) > digits:
            self.fail("an integer")
        self.at += 1
        return -int(word) if negative else int(word)

    def quoted(self) -> str:
        if self.kind != "string":
            self.fail("a text in quotes")
        return unquoted(self.next(), self)

    def starts_number(self) -> bool:
        if self.word == "-" and self.kind == "sign":
            following = self.found[self.at + 1]
            return following[0] == "number" and following[2] == self.column
        return self.kind == "number"

    def number(self) -> float:
        negative = self.takes("-")
        if self.kind != "number":
            self.fail("a number")
        number = float(self.next())
        return -number if negative else number


def unquoted(word: str, tokens: _Tokens) -> str:
    """What stands in quotes."""
    try:
        return str(json.loads(word))
    except ValueError:
        tokens.at -= 1
        tokens.fail("a text in quotes")


# --- the header -----------------------------------------------------------------------------------


class _Structures:
    """Reads structures; with each goes the number of its parts, written out."""

    def __init__(self, tokens: _Tokens) -> None:
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


# --- statements -----------------------------------------------------------------------------------


class _Reader:
    """Reads a whole text."""

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise ProgramError(f"A program is parsed from a text, not from {type(text).__name__}.")
        self.lines = text.split("\n")
        self.at = 0
        self.named: dict[str, _Line] = {}
        self.values: int | None = None
        self.size: int | None = None  # of the constant memory
        self.shared = False
        self.told: list[tuple[int, list[float]]] = []  # constants, from a place on
        self.tables: list[list[int]] = []

    def program(self) -> Program:
        """All of it."""
        tokens = self._line(0)
        if tokens is None:
            raise ProgramError("line 1, column 1: expected 'program', found nothing.")
        tokens.take("program")
        self.name = tokens.quoted() if tokens.kind == "string" else tokens.next()
        structures = _Structures(tokens)
        if tokens.word != "(":
            tokens.fail("'('")
        self.arguments, _ = structures.whole()
        tokens.take("->")
        self.results, _ = structures.whole()
        tokens.end()
        self.tree = self._block((), 0, VALUE)
        while tokens := self._line(0):
            self._data(tokens)
        return _Resolver(self).program()

    def _line(self, depth: int) -> _Tokens | None:
        """The next line, if it stands at this depth; deeper ones are errors."""
        while self.at < len(self.lines):
            text = self.lines[self.at].rstrip()
            bare = text.lstrip(" ")
            if not bare or bare[0] == "#":
                self.at += 1
                continue
            indent = len(text) - len(bare)
            if indent < 4 * depth:
                return None
            self.at += 1
            tokens = _Tokens(text, self.at)
            if indent > 4 * depth:
                tokens.fail(f"an indent of {4 * depth} spaces")
            return tokens
        return None

    def _block(self, around: tuple[_Nest, ...], depth: int, memory: str) -> list[_Part]:
        found: list[_Part] = []
        source = ""
        while tokens := self._line(depth):
            if depth == 0 and self._is_data(tokens):
                self.at -= 1
                break
            if tokens.word == "for":
                found.append(self._for(tokens, around, depth, memory))
            elif tokens.word == "while":
                found.append(self._while(tokens, around, depth, memory))
            else:
                line = _Statement(tokens, around, memory).read()
                comment = tokens.comment
                if line.target and line.kind != "+=":
                    line.source = _source(comment or "", tokens)
                else:
                    if comment:
                        source = "" if comment == "-" else _source(comment, tokens)
                    line.source = source
                if line.name and self.named.setdefault(line.name, line) is not line:
                    raise ProgramError(f"line {line.line}: {line.name} is defined twice.")
                found.append(line)
        return found

    def _is_data(self, tokens: _Tokens) -> bool:
        if tokens.kind != "name":
            return False
        return tokens.word in ("values", "constants") or bool(TABLE_NAME.fullmatch(tokens.word))

    def _nest(self, tokens: _Tokens, around: tuple[_Nest, ...]) -> _Nest:
        if len(around) >= DEEPEST:
            tokens.fail(f"at most {DEEPEST} loops inside each other")
        tokens.next()
        nest = _Nest(tokens.line, tokens.word, around)
        if tokens.kind != "name" or any(nest.counter == other.counter for other in around):
            tokens.fail("the name of a new counter")
        tokens.next()
        tokens.take("in")
        return nest

    def _head(self, tokens: _Tokens, nest: _Nest) -> None:
        if tokens.takes("by"):
            nest.by = tokens.integer()
        tokens.take(":")
        tokens.end()

    def _for(
        self, tokens: _Tokens, around: tuple[_Nest, ...], depth: int, memory: str
    ) -> _Nest:  # fmt: skip
        nest = self._nest(tokens, around)
        nest.count = tokens.integer()
        if nest.count < 0:
            tokens.at -= 1
            tokens.fail("a count that is not negative")
        self._head(tokens, nest)
        nest.bodies["body"] = self._block((*around, nest), depth + 1, memory)
        return nest

    def _while(
        self, tokens: _Tokens, around: tuple[_Nest, ...], depth: int, memory: str
    ) -> _Nest:  # fmt: skip
        nest = self._nest(tokens, around)
        nest.local = tokens.quoted() if tokens.kind == "string" else tokens.next()
        self._head(tokens, nest)
        inside = (*around, nest)
        while part := self._line(depth + 1):
            name = part.word
            if name not in ("first", "test", "body", "last") or name in nest.bodies:
                part.fail("one each of 'first', 'test', 'body' and 'last'")
            part.next()
            if name == "body":
                part.take("if")
                nest.condition = _Statement(part, inside, memory).operand()
            part.take(":")
            part.end()
            below = memory if name == "last" else nest.local
            nest.bodies[name] = self._block(inside, depth + 2, below)
        if nest.condition is None:
            raise ProgramError(f"line {nest.line}: this loop has no 'body if ...:'.")
        return nest

    # --- data -------------------------------------------------------------------------------------

    def _data(self, tokens: _Tokens) -> None:
        word = tokens.next()
        if word == "values" and self.values is None:
            self.values = tokens.integer()
        elif word == "constants" and self.size is None:
            self.size = tokens.integer()
            self.shared = tokens.takes("shared")
            self.told = [(start, self._numbers(text, float, line))
                         for start, text, line in self._rows()]  # fmt: skip
        elif word == f"table{len(self.tables) + 1}":
            tokens.take("[")
            size = tokens.integer()
            tokens.take("]")
            tokens.take("=")
            entries: list[int] = []
            for start, text, line in self._rows():
                if start != len(entries):
                    raise ProgramError(f"line {line}: expected entry {len(entries)} of {word}.")
                entries += self._numbers(text, int, line)
            if len(entries) != size:
                tokens.fail(f"{len(entries)}, which is the number of entries,")
            self.tables.append(entries)
        else:
            tokens.at -= 1
            tokens.fail("each of 'values', 'constants', 'table1', ... at most once, in this order")
        tokens.end()

    def _rows(self) -> Iterator[tuple[int, str, int]]:
        while self.at < len(self.lines):
            text = self.lines[self.at].rstrip()
            if text and not text.startswith("    "):
                return
            self.at += 1
            if text:
                start, colon, rest = text.partition(":")
                number = start.strip()
                if not colon or not number.isdecimal() or len(number) > 18:
                    raise ProgramError(f"line {self.at}, column 5: expected a place and ':'.")
                yield int(number), rest, self.at

    def _numbers(self, text: str, kind: Any, line: int) -> list[Any]:
        try:
            numbers = [kind(word) for word in text.split(",")]
        except ValueError:
            raise ProgramError(f"line {line}: expected numbers with commas.") from None
        if kind is int and any(abs(number) >= 1 << 62 for number in numbers):
            raise ProgramError(f"line {line}: expected numbers below 2**62.")
        return numbers


def _source(comment: str, tokens: _Tokens) -> str:
    return unquoted(comment, tokens) if comment.startswith('"') else comment


class _Statement:
    """Reads one line with a statement on it."""

    def __init__(self, tokens: _Tokens, around: tuple[_Nest, ...], memory: str) -> None:
        self.tokens, self.around, self.memory = tokens, around, memory

    def read(self) -> _Line:
        """The statement."""
        tokens = self.tokens
        kind = "guard" if tokens.takes("guard") else "="
        line = _Line(tokens.line, self.around, kind, None, [], memory=self.memory)
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

    def _defined(self) -> tuple[_Operand, str] | None:
        """What stands in front of the next "=", and its label; None if there is none."""
        tokens = self.tokens
        if tokens.kind != "name" or tokens.found[tokens.at + 1][1] == "(":
            return None
        operand = self.operand()
        label = tokens.quoted() if tokens.kind == "string" else ""
        return (operand, label) if tokens.word in ("=", "+=") and tokens.kind == "sign" else None

    def _expected(self) -> _Operand:
        tokens = self.tokens
        for word, number in (("true", 1.0), ("false", 0.0)):
            if tokens.takes(word):
                tokens.at -= 1
                operand = _Operand(tokens.line, tokens.column, number)
                tokens.next()
                return self._with_place(operand)
        return self.operand()

    def _place(self) -> tuple[str, _Sum]:
        tokens = self.tokens
        if tokens.kind == "name" and tokens.word in ("value", "local"):
            operand = self.operand()
            if not operand.raw or not operand.indices:
                tokens.fail("a place")
            return operand.name, operand.indices[0]
        return self.memory, self._sum()

    # --- operations -------------------------------------------------------------------------------

    def _formula(self) -> tuple[Primitive | None, list[_Operand]]:
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

    def _call(self) -> tuple[Primitive, list[_Operand]]:
        tokens = self.tokens
        row = CALLED.get(tokens.word)
        if row is None:
            tokens.fail("an operation")
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

    def operand(self) -> _Operand:
        """A number, or the name of a place."""
        tokens = self.tokens
        operand = _Operand(tokens.line, tokens.column)
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

    def _with_place(self, operand: _Operand) -> _Operand:
        tokens = self.tokens
        if tokens.word == "@" and tokens.found[tokens.at + 1][1] == "(":
            tokens.take("@")
            tokens.take("(")
            operand.at = self._sum()
            tokens.take(")")
        return operand

    def _raw(self, operand: _Operand, name: str) -> _Operand:
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

    def _indices(self) -> list[_Sum]:
        tokens = self.tokens
        tokens.take("[")
        found = [self._sum()]
        while tokens.takes(","):
            found.append(self._sum())
        tokens.take("]")
        return found

    def _sum(self, nested: bool = False) -> _Sum:
        tokens = self.tokens
        total = _Sum(0, ())
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


# --- from names to addresses ----------------------------------------------------------------------


class _Resolver:
    """Makes a program of what was read."""

    def __init__(self, reader: _Reader) -> None:
        self.reader = reader
        self.leaves = {
            INPUT: {leaf.name: leaf for leaf in leaves(reader.arguments)},
            OUTPUT: {leaf.name: leaf for leaf in leaves(reader.results, "out")},
        }
        self.starts = [0]
        for table in reader.tables:
            self.starts.append(self.starts[-1] + len(table))
        self.index = np.array([n for table in reader.tables for n in table], np.int64)
        self.fills: list[tuple[Address, list[int], float, int]] = []
        self.first: dict[bytes, int] = {}

    def program(self) -> Program:
        """The program."""
        reader = self.reader
        ends = settle(self._places(reader.tree))
        for line in reader.named.values():
            line.address = self._own(line)
        size = ends.get(CONSTANT, 0) if reader.size is None else reader.size
        if size > MOST_CONSTANTS:
            raise ProgramError(f"A text can stand for at most {MOST_CONSTANTS} constants.")
        for start, numbers in reader.told if reader.shared else ():
            for k, number in enumerate(numbers):
                self.first.setdefault(np.float64(number).tobytes(), start + k)
        statements = self._statements(reader.tree)
        values = ends.get(VALUE, 0) if reader.values is None else reader.values
        return Program(
            statements, values, self._constants(size), self.index, reader.arguments,
            reader.results, reader.name,
        )  # fmt: skip

    # --- what record order tells ------------------------------------------------------------------

    def _places(self, parts: Sequence[_Part]) -> list[Placed]:
        found: list[Placed] = []
        for part in parts:
            if isinstance(part, _Line):
                found += self._of_constants(part.operands)
                if part.kind != "+=" and part.target is None:
                    base = part.at.constant if part.at else None
                    moves = not (part.at and part.at.table)
                    part.place = Place(part.memory, base, moves)
                    found.append(part.place)
                continue
            inside: list[Placed] = []
            for name in ("first", "test", "body", "last"):
                if name == "body" and part.condition:
                    inside += self._of_constants([part.condition])
                inside += self._places(part.bodies.get(name, ()))
            count = 1 if part.local else part.count
            part.block = Block(count, inside, part.by, part.local)
            found.append(part.block)
        return found

    def _of_constants(self, operands: Sequence[_Operand]) -> list[Placed]:
        found: list[Placed] = []
        for operand in operands:
            stated = operand.at
            if operand.raw and operand.name == CONSTANT and operand.indices:
                stated = operand.indices[0]
            elif operand.number is None:
                continue
            operand.place = Place(CONSTANT, stated.constant if stated else None,
                                  not (stated and stated.table))  # fmt: skip
            found.append(operand.place)
        return found

    # --- addresses --------------------------------------------------------------------------------

    def _own(self, line: _Line) -> Address:
        """Where a statement that defines a value writes."""
        assert line.place is not None
        if line.at:
            return self._address(line.memory, 0, line.at, line.line)
        return Address(line.memory, line.place.expected, line.place.strides)

    def _address(self, memory: str, start: int, at: _Sum, line: int) -> Address:
        lookup = None
        if at.inner:
            if not 0 < at.table < len(self.starts):
                raise ProgramError(f"line {line}: there is no table of that number.")
            lookup = Lookup(self.starts[at.table - 1] + at.inner.constant, at.inner.strides)
        return Address(memory, start + at.constant, at.strides, lookup)

    def _operand(self, operand: _Operand, around: tuple[_Nest, ...]) -> Address:
        if operand.number is not None:
            return self._number(operand, operand.number, around)
        if operand.raw:
            assert operand.indices is not None
            return self._address(operand.name, 0, operand.indices[0], operand.line)
        if line := self.reader.named.get(operand.name):
            return self._of_value(operand, line, around)
        for memory, found in self.leaves.items():
            if leaf := found.get(operand.name):
                return self._of_leaf(operand, memory, leaf, around)
        raise self._error(operand, f"there is nothing called {operand.name[:80]!r}")

    def _error(self, operand: _Operand, what: str) -> ProgramError:
        return ProgramError(f"line {operand.line}, column {operand.column}: {what}.")

    def _number(self, operand: _Operand, number: float, around: tuple[_Nest, ...]) -> Address:
        still = (0,) * len(around)
        if self.reader.shared and operand.at is None:
            place = self.first.get(np.float64(number).tobytes())
            if place is None:
                raise self._error(operand, f"{number!r} is not among the constants")
            return Address(CONSTANT, place, still)
        if operand.at:
            address = self._address(CONSTANT, 0, operand.at, operand.line)
        else:
            assert operand.place is not None
            address = Address(CONSTANT, operand.place.expected, operand.place.strides)
        counts = [1 if nest.local else nest.count for nest in around]
        self.fills.append((address, counts, number, operand.line))
        return address

    def _of_value(self, operand: _Operand, line: _Line, around: tuple[_Nest, ...]) -> Address:
        target, given = line.address, operand.indices or []
        assert target is not None
        lead = len(line.around) - len(given)
        if lead < 0 or line.around[:lead] != around[:lead]:
            raise self._error(operand, f"{operand.name} takes {len(line.around)} indices here")
        if any(index.inner for index in given):
            raise self._error(operand, "a value has no index out of a table")
        own = [_Sum(0, tuple(int(d == k) for k in range(len(around)))) for d in range(lead)]
        indices = [*own, *given]
        base, strides = _moved(target.base, target.strides, indices, len(around))
        lookup = None
        if target.lookup:
            start, moved = target.lookup.start, target.lookup.strides
            lookup = Lookup(*_moved(start, moved, indices, len(around)))
        return Address(target.memory, base, strides, lookup)

    def _of_leaf(
        self, operand: _Operand, memory: str, leaf: Leaf, around: tuple[_Nest, ...]
    ) -> Address:
        given = operand.indices
        if leaf.shape is None and given is None:
            return Address(memory, leaf.start, (0,) * len(around))
        if leaf.shape is not None and given and len(given) == 1:
            return self._address(memory, leaf.start, given[0], operand.line)
        if leaf.shape is None or given is None or len(given) != len(leaf.shape):
            raise self._error(operand, f"{operand.name} has {len(leaf.shape or ())} dimensions")
        if any(index.inner for index in given):
            raise self._error(operand, "a table stands for all indices together")
        radices = [math.prod(leaf.shape[d + 1 :]) for d in range(len(leaf.shape))]
        base, strides = _moved(leaf.start, radices, given, len(around))
        return Address(memory, base, strides)

    # --- the program ------------------------------------------------------------------------------

    def _statements(self, parts: Sequence[_Part]) -> tuple[Statement, ...]:
        return tuple(map(self._statement, parts))

    def _statement(self, part: _Part) -> Statement:
        if isinstance(part, _Nest):
            bodies = {name: self._statements(body) for name, body in part.bodies.items()}
            if not part.local:
                return Loop(part.count, bodies["body"])
            return self._while(part, bodies)
        operands = tuple(self._operand(operand, part.around) for operand in part.operands)
        if part.target:
            target = self._operand(part.target, part.around)
        else:
            target = part.address or self._own(part)
            for alias in part.aliases:
                if not part.name and alias.name in self.reader.named:
                    part.label = self.reader.named[alias.name].label
                if self._operand(alias, part.around) != target:
                    raise self._error(alias, f"this is not what {alias.name} means there")
        if part.kind == "+=":
            return Accumulate(target, operands[0], part.label, part.source)
        if part.kind == "=":
            return Assign(target, part.row, operands, part.label, part.source)
        if part.row is None:
            raise ProgramError(f"line {part.line}: a guard is on an operation.")
        *read, expected = operands
        return Guard(target, part.row, tuple(read), expected, part.label, part.source)

    def _while(self, nest: _Nest, bodies: dict[str, tuple[Statement, ...]]) -> While:
        assert nest.condition is not None
        condition = self._operand(nest.condition, (*nest.around, nest))
        first, test, body, last = (bodies.get(n, ()) for n in ("first", "test", "body", "last"))
        return While(nest.local, first, test, condition, body, last)

    def _constants(self, size: int) -> Any:
        """The constant memory: what is told at the end, and what the statements tell."""
        room = sum(len(numbers) for _, numbers in self.reader.told)
        room += sum(_fill_size(address, counts) for address, counts, _, _ in self.fills)
        if size < 0 or size > room:
            raise ProgramError(f"constants: {size} are meant, and {room} at most are told.")
        constants = np.zeros(size)
        told = np.zeros(size, bool)
        for start, numbers in self.reader.told:
            if start + len(numbers) > size:
                raise ProgramError(f"constants: there are only {size}.")
            constants[start : start + len(numbers)] = numbers
            told[start : start + len(numbers)] = True
        bits = constants.view(np.int64)
        for address, counts, number, line in self.fills:
            low, high = reach(address, counts, self.index)
            if low < 0 or high >= size:
                raise ProgramError(f"line {line}: there are only {size} constants.")
            if math.prod(_moving(address, counts)) > 4 * size:
                raise ProgramError(f"line {line}: this is more often than there are constants.")
            places = address.all(_moving(address, counts), self.index)
            meant = np.float64(number).view(np.int64)
            if (told[places] & (bits[places] != meant)).any():
                raise ProgramError(f"line {line}: another number is told for this constant.")
            bits[places] = meant
            told[places] = True
        if not told.all():
            raise ProgramError(f"constants: number {int(np.argmin(told))} is not told.")
        return constants


def _moved(
    base: int, strides: Sequence[int], indices: Sequence[_Sum], width: int
) -> tuple[int, tuple[int, ...]]:
    """Where indices that are affine in counters lead, and how that moves with the counters."""
    moved = [0] * width
    for stride, index in zip(strides, indices, strict=True):
        base += stride * index.constant
        for k in range(width):
            moved[k] += stride * index.strides[k]
    return base, tuple(moved)


def _moving(address: Address, counts: Sequence[int]) -> list[int]:
    """The counts of those loops alone in which an address moves."""
    lookup = address.lookup.strides if address.lookup else (0,) * len(counts)
    return [n if s or t or not n else 1
            for n, s, t in zip(counts, address.strides, lookup, strict=True)]  # fmt: skip


def _fill_size(address: Address, counts: Sequence[int]) -> int:
    return min(math.prod(_moving(address, counts)), MOST_CONSTANTS)
