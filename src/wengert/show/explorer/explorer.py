"""explore: a page to hold a computation in one's hands."""

import os
from functools import cached_property
from pathlib import Path
from typing import Any

from wengert.dispatch import describe
from wengert.errors import DrawError
from wengert.show.explorer.behind import behind
from wengert.show.explorer.page import framed, page_of
from wengert.show.explorer.payload import Cap, fitted
from wengert.show.explorer.tape import Tape
from wengert.show.output import write
from wengert.show.text import count

CELLS = 30  # that are open at first, about
WIDEST = 150  # cells that one group shows
MOST = 1_000_000  # values in a page
BYTES = 24_000_000  # that they take in it


class Explorer:
    """A graph as a page, as its numbers stood when it was made.

    A notebook shows it. In a script, save it.

    Attributes:
        html: the page as text.
    """

    def __init__(self, whole: Tape, cap: Cap, height: int = 640) -> None:
        self._whole = whole
        self._cap = cap
        self._height = height

    @cached_property
    def _fitted(self) -> tuple[Tape, str]:
        return fitted(self._whole, CELLS, self._cap)

    @cached_property
    def html(self) -> str:
        """The page as text."""
        return page_of(*self._fitted)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page to a file, which any browser shows.

        Args:
            path: where to; the suffix is .html. A file that stands there is replaced, once the new
                one is complete.

        Raises:
            DrawError: the suffix is another one, or the folder does not exist.

        Examples:
            >>> import os, tempfile
            >>> import wengert as wg
            >>> folder = tempfile.mkdtemp()
            >>> wg.explore(wg.Value(2.0) * 3.0).save(os.path.join(folder, "product.html"))
            >>> os.listdir(folder)
            ['product.html']
        """
        where = Path(path)
        if where.suffix.lower() not in (".html", ".htm"):
            raise DrawError(f"A page is written as .html, not as {str(where)!r}.")
        write(where, self.html.encode())

    def _repr_html_(self) -> str:
        return framed(self.html, self._height)

    def __repr__(self) -> str:
        tape, _ = self._fitted
        text = f"Explorer({count(len(tape.ops), 'value')}"
        if tape.left_out:
            text += f", {tape.left_out:,} earlier ones left out"
        return text + ")"


def explore(
    target: Any, *args: Any, height: int = 640, most: int = MOST, live: bool = False
) -> Any:
    """The page on which a computation can be stepped, changed, checked and searched.

    It shows every value and gradient, goes through forward and backward step by step with the
    chain rule in symbols and numbers, computes everything anew when a leaf is moved, and checks
    each gradient numerically. It is one file, needs no network, and computes in the browser.

    Args:
        target: a Value or a list of Values; or a Program, or a function to be recorded as one.
        *args: the arguments of the latter two.
        height: of the frame in a notebook, in pixels.
        most: the most values that the page holds; they take 24 MB at most. Of more, the last ones
            are kept, nearest to the root, and the page says how many were left out; the gradients
            of those kept are exact.
        live: in a notebook, a widget in step with Python: a leaf that is moved on the page moves
            in Python, or a function's argument does, which `widget.arguments` gives;
            `widget.step` and `widget.selected` go both ways, `widget.move(leaf, number)` moves a
            leaf from Python, and `widget.refresh()` shows what was changed otherwise. What was
            left out comes when asked for. It needs the extra `widget`.

    Returns:
        An Explorer: shown by a notebook, saved with `.save("page.html")`; with `live`, a widget.

    Raises:
        OperandError: the target is none of these, or the arguments do not go with it.
        DrawError: `height` or `most` is not a positive integer.
        MissingExtraError: `live` without anywidget.

    Examples:
        >>> import wengert as wg
        >>> a, b = wg.Value(2.0, label="a"), wg.Value(-3.0, label="b")
        >>> wg.explore(a * b)
        Explorer(3 values)
        >>> wg.explore(lambda x, y: wg.sin(x) * y, 1.0, 2.0)
        Explorer(4 values)
    """
    for name, given in (("height", height), ("most", most)):
        if isinstance(given, bool) or not isinstance(given, int) or given < 1:
            raise DrawError(f"{name} is an integer of at least 1, not {describe(given)}.")
    shown, cap = behind(target, args, WIDEST), Cap(most, BYTES)
    if live:
        from wengert.show.explorer.live import live as widget  # anywidget is loaded there alone

        return widget(shown, height, CELLS, cap)
    return Explorer(shown.tape, cap, height)
