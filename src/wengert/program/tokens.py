"""One line of a printed program, token by token."""

import json
import re
from typing import NoReturn

from wengert.errors import ProgramError
from wengert.program.spelling import SIGNS

_SIGN = "|".join(map(re.escape, SIGNS))
_TOKENS = re.compile(
    r"[ ]*(?:(?P<comment>\#.*)"
    r"|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|(?:inf|nan)\b)"
    r"|(?P<name>[^\W\d]\w*(?:~\d+)?)"
    r'|(?P<string>"(?:[^"\\]|\\.)*")'
    rf"|(?P<sign>->|\+=|{_SIGN}|[-()\[\]{{}},:=.@*])"
    r"|(?P<end>$)|(?P<other>.))"
)


class Tokens:
    """One line of text, token by token."""

    def __init__(self, text: str, line: int) -> None:
        self.line = line
        self.text = text
        self.found = [(m.lastgroup or "", m[m.lastgroup or 0], m.start(m.lastgroup or 0))
                      for m in _TOKENS.finditer(text)]  # fmt: skip
        self.at = 0
        signs = [k for k, (_, word, _) in enumerate(self.found) if word in ("=", "+=")]
        self.last_assigned = signs[-1] if signs else -1

    @property
    def kind(self) -> str:
        """What the next token is: "name", "number", "string", "sign", "comment" or "end"."""
        return self.found[self.at][0]

    @property
    def word(self) -> str:
        """The next token."""
        return self.found[self.at][1]

    @property
    def column(self) -> int:
        """Where it stands."""
        return self.found[self.at][2] + 1

    @property
    def comment(self) -> str | None:
        """What stands behind the sign of a comment, once all before it has been read."""
        self.end()
        return self.word[1:].strip() if self.kind == "comment" else None

    def fail(self, expected: str) -> NoReturn:
        """Refuse the text, for what stands here."""
        found = "the end of the line" if self.kind in ("end", "comment") else repr(self.word[:40])
        raise ProgramError(
            f"line {self.line}, column {self.column}: expected {expected}, found {found}."
        )

    def end(self) -> None:
        """See to it that nothing follows but a comment."""
        if self.kind not in ("end", "comment"):
            self.fail("the end of the line")

    def next(self) -> str:
        """Take the next token, whatever it is."""
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
        """Take this token, which must be the next."""
        if not self.takes(word):
            self.fail(repr(word))

    def integer(self, digits: int = 18) -> int:
        """Take an integer of at most so many digits."""
        negative = self.takes("-")
        word = self.word
        if self.kind != "number" or not word.isdecimal() or len(word) > digits:
            self.fail("an integer")
        self.at += 1
        return -int(word) if negative else int(word)

    def quoted(self) -> str:
        """Take a text in quotes."""
        if self.kind != "string":
            self.fail("a text in quotes")
        return unquoted(self.next(), self)

    def starts_number(self) -> bool:
        """Whether a number follows, with its sign."""
        if self.word == "-" and self.kind == "sign":
            following = self.found[self.at + 1]
            return following[0] == "number" and following[2] == self.column
        return self.kind == "number"

    def number(self) -> float:
        """Take a number."""
        negative = self.takes("-")
        if self.kind != "number":
            self.fail("a number")
        number = float(self.next())
        return -number if negative else number


def unquoted(word: str, tokens: Tokens) -> str:
    """What stands in quotes."""
    try:
        return str(json.loads(word))
    except ValueError:
        tokens.at -= 1
        tokens.fail("a text in quotes")
