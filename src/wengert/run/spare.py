"""Memory for large results, used again once nobody has the results that were in it.

New memory comes from the system page by page, each cleared when it is first touched: for a cheap
function that takes as long as computing the results. An array that only this file refers to has
been given up by everybody else, which CPython's reference counts tell.
"""

import sys
from collections.abc import Sequence
from math import prod
from threading import Lock
from typing import Any

import numpy as np

from wengert.run.columns import LINE, address

SHORT = 512  # numbers of an array that may begin anywhere
LEAST = 1 << 20  # bytes of an array that is worth the trouble
MOST = 1 << 28  # bytes that one function keeps


class Spare:
    """The memory of one function's results."""

    def __init__(self) -> None:
        self._arrays: list[np.ndarray[Any, Any]] = []
        self._lock = Lock()

    def empty(self, shape: Sequence[int], ahead: int = 0) -> np.ndarray[Any, Any]:
        """An array of doubles, as `np.empty` makes it.

        But a short one, it begins so many numbers before a line of the processor's cache.
        """
        asked = prod(shape)
        if asked < SHORT:
            return np.empty(shape)
        found = self._found(asked + LINE)
        shift = -(address(found) // 8 + ahead) % LINE
        return found[shift : shift + asked].reshape(shape)

    def _found(self, size: int) -> np.ndarray[Any, Any]:
        """So many numbers in a row, if they are many of those that were given up."""
        if 8 * size < LEAST or not ALONE:
            return np.empty(size)
        with self._lock:
            counts = zip(self._arrays, _references(self._arrays), strict=True)
            free = [n for n, (a, count) in enumerate(counts) if a.size == size and count == ALONE]
            if free:
                return self._arrays[free[0]]
            found = np.empty(size)
            self._arrays.append(found)
            self._let_go()
            return found

    def _let_go(self) -> None:
        """Of the oldest, if there are too many."""
        while len(self._arrays) > 1 and sum(a.nbytes for a in self._arrays) > MOST:
            del self._arrays[0]


def _references(arrays: Sequence[np.ndarray[Any, Any]]) -> list[int]:
    """How many references there are to each, this question's own among them."""
    return [sys.getrefcount(array) for array in arrays]


ALONE = _references([np.empty(0)])[0] if hasattr(sys, "getrefcount") else 0
