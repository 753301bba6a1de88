"""Where in the user's code something happens: file, line and the text of the call.

Errors and the debugging modes ask, and a recording once for each line.
"""

import linecache
import os
import sys
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from types import FrameType

import numpy as np

_LIBRARIES = tuple(f"{Path(file).parent}{os.sep}" for file in (__file__, np.__file__))


@dataclass(frozen=True, slots=True)
class Source:
    """A place in the user's code."""

    file: str
    line: int
    text: str  # the expression being evaluated there, "" where Python does not know it

    def __str__(self) -> str:
        return place_name(self.file, self.line)


@lru_cache(maxsize=1 << 12)  # code without loops of its own is at a new line again and again
def place_name(file: str, line: int) -> str:
    """A place as messages and printed programs show it."""
    return f"{file if file.startswith('<') else Path(file).name}:{line}"


def is_library(file: str) -> bool:
    """Whether a file is Wengert's own or NumPy's."""
    return file.startswith(_LIBRARIES)


def user_source() -> Source | None:
    """The innermost place on the stack that is neither Wengert's code nor NumPy's."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_library(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is None:
        return None
    file = frame.f_code.co_filename
    return Source(file, frame.f_lineno, _text(file, frame))


def user_level() -> int:
    """The `stacklevel` by which whoever calls this warns where the user's code is."""
    frame: FrameType | None = sys._getframe(1)
    level = 1
    while frame is not None and is_library(frame.f_code.co_filename):
        frame, level = frame.f_back, level + 1
    return level


def _text(file: str, frame: FrameType) -> str:
    place = frame.f_lasti // 2
    first, last, start, end = next(islice(frame.f_code.co_positions(), place, None))
    line = linecache.getline(file, frame.f_lineno)
    if first != last or start is None or end is None:
        return line.strip()
    return line.encode()[start:end].decode(errors="replace")
