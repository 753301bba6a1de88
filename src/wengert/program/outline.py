"""A printed program as a tree of lines, whose names do not mean anything yet."""

from collections.abc import Iterator
from typing import Any

from wengert.errors import ProgramError
from wengert.program.address import VALUE
from wengert.program.invariants import DEEPEST
from wengert.program.lines import Line, LineReader, Nest, Part, Structures
from wengert.program.spelling import TABLE_NAME
from wengert.program.tokens import Tokens, unquoted


class Reader:
    """Reads a whole text."""

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise ProgramError(f"A program is parsed from a text, not from {type(text).__name__}.")
        self.lines = text.split("\n")
        self.at = 0
        self.named: dict[str, Line] = {}
        self.values: int | None = None
        self.size: int | None = None  # of the constant memory
        self.shared = False
        self.told: list[tuple[int, list[float]]] = []  # constants, from a place on
        self.tables: list[list[int]] = []

        self._all()

    def _all(self) -> None:
        tokens = self._line(0)
        if tokens is None:
            raise ProgramError("line 1, column 1: expected 'program', found nothing.")
        tokens.take("program")
        self.name = tokens.quoted() if tokens.kind == "string" else tokens.next()
        structures = Structures(tokens)
        if tokens.word != "(":
            tokens.fail("'('")
        self.arguments, _ = structures.whole()
        tokens.take("->")
        self.results, _ = structures.whole()
        tokens.end()
        self.tree = self._block((), 0, VALUE)
        while tokens := self._line(0):
            self._data(tokens)

    def _line(self, depth: int) -> Tokens | None:
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
            tokens = Tokens(text, self.at)
            if indent > 4 * depth:
                tokens.fail(f"an indent of {4 * depth} spaces")
            return tokens
        return None

    def _block(self, around: tuple[Nest, ...], depth: int, memory: str) -> list[Part]:
        found: list[Part] = []
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
                line = LineReader(tokens, around, memory).read()
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

    def _is_data(self, tokens: Tokens) -> bool:
        if tokens.kind != "name":
            return False
        return tokens.word in ("values", "constants") or bool(TABLE_NAME.fullmatch(tokens.word))

    def _nest(self, tokens: Tokens, around: tuple[Nest, ...]) -> Nest:
        if len(around) >= DEEPEST:
            tokens.fail(f"at most {DEEPEST} loops inside each other")
        tokens.next()
        nest = Nest(tokens.line, tokens.word, around)
        if tokens.kind != "name" or any(nest.counter == other.counter for other in around):
            tokens.fail("the name of a new counter")
        tokens.next()
        tokens.take("in")
        return nest

    def _head(self, tokens: Tokens, nest: Nest) -> None:
        if tokens.takes("by"):
            nest.by = tokens.integer()
        nest.again = not nest.local and tokens.takes("again")
        tokens.take(":")
        tokens.end()

    def _for(
        self, tokens: Tokens, around: tuple[Nest, ...], depth: int, memory: str
    ) -> Nest:  # fmt: skip
        nest = self._nest(tokens, around)
        nest.count = tokens.integer()
        if nest.count < 0:
            tokens.at -= 1
            tokens.fail("a count that is not negative")
        self._head(tokens, nest)
        nest.bodies["body"] = self._block((*around, nest), depth + 1, memory)
        return nest

    def _while(
        self, tokens: Tokens, around: tuple[Nest, ...], depth: int, memory: str
    ) -> Nest:  # fmt: skip
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
                nest.condition = LineReader(part, inside, memory).operand()
            part.take(":")
            part.end()
            below = memory if name == "last" else nest.local
            nest.bodies[name] = self._block(inside, depth + 2, below)
        if nest.condition is None:
            raise ProgramError(f"line {nest.line}: this loop has no 'body if ...:'.")
        return nest

    # --- data -------------------------------------------------------------------------------------

    def _data(self, tokens: Tokens) -> None:
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


def _source(comment: str, tokens: Tokens) -> str:
    return unquoted(comment, tokens) if comment.startswith('"') else comment
