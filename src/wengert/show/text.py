"""Text in pictures: what it says, how wide it is, and which characters may stand in it.

Widths are in columns of a monospace font, so that boxes can be measured without any font at hand.
"""

import unicodedata
from math import isfinite

ELLIPSIS = "…"
_INVISIBLE = {"Mn", "Me", "Cf"}  # combining marks and formatting characters take no room
_REPLACED = {"Cs", "Cn", "Co"}  # lone surrogates, unassigned and private characters
_BIDI = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")


def number(x: float, digits: int) -> str:
    """A number as pictures show it: fixed digits where these say it well, else a short form."""
    if not isfinite(x):
        return str(x)
    if x == 0.0 or 0.5 * 10.0**-digits <= abs(x) < 1e7:
        return f"{x:.{digits}f}"
    return f"{x:.{max(digits, 1)}g}"


def count(n: int, noun: str) -> str:
    """A number of things: 1 value, 1,234 values."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def clean(text: str) -> str:
    """The text with every character that XML forbids or that has no shape made visible."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_clean_character, text))


def _clean_character(character: str) -> str:
    code = ord(character)
    if code < 32:
        return chr(0x2400 + code)  # the symbol for the control character: ␀ ... ␟
    if code == 127:
        return "\u2421"
    category = unicodedata.category(character)
    if category == "Cc" or category in _REPLACED or character in _BIDI:
        return "\ufffd"
    return character


def columns(text: str) -> int:
    """How many columns of a monospace font the text takes; East Asian characters take two."""
    return len(text) if text.isascii() else sum(map(_columns_of, text))


def _columns_of(character: str) -> int:
    if unicodedata.category(character) in _INVISIBLE:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def shorten(text: str, limit: int) -> str:
    """The text if it takes at most `limit` columns, else its beginning and an ellipsis."""
    if len(text) <= 4 * limit and columns(text) <= limit:
        return text
    kept, taken = "", 0
    for character in text[: 4 * limit]:
        taken += _columns_of(character)
        if taken >= limit:
            break
        kept += character
    return kept + ELLIPSIS


def wrap(text: str, limit: int) -> list[str]:
    """The words of the text in lines of at most `limit` columns."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and columns(lines[-1]) + 1 + columns(word) <= limit:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return lines
