"""draw and draw_dot: the picture of a Value, to look at and to keep."""

import os
from collections.abc import Callable, Iterable
from functools import cached_property
from itertools import count as counter
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from wengert.dispatch import describe
from wengert.errors import DrawError, OperandError
from wengert.program.program import Program
from wengert.show.dot import dot_of
from wengert.show.output import graphviz, html_of, write
from wengert.show.place import place
from wengert.show.scene import Scene, scene_of
from wengert.show.shapes import Picture
from wengert.show.svg import svg_of
from wengert.show.text import count
from wengert.value import Value

_DRAWN = counter(1)


class Drawing:
    """A picture of a graph, as its numbers stood when it was drawn.

    A notebook shows it. In a script, save it, or take its text.

    Attributes:
        svg: the picture as SVG text.
        source: the graph as DOT text, for Graphviz.
    """

    def __init__(
        self,
        scene: Scene,
        *,
        rankdir: str = "LR",
        theme: str = "auto",
        engine: str = "wengert",
        form: str = "svg",
    ) -> None:
        self._scene = scene
        self._rankdir = rankdir
        self._theme = theme
        self._engine = engine
        self._form = form
        self._number = next(_DRAWN)

    @cached_property
    def source(self) -> str:
        """The graph as DOT text."""
        return dot_of(self._scene, self._rankdir)

    @cached_property
    def svg(self) -> str:
        """The picture as SVG text."""
        if self._engine == "dot":
            text = graphviz(self.source, "svg").decode()
            return text[text.index("<svg") :]
        identity = f"wg{self._number}-{crc32(self.source.encode()):08x}"
        return svg_of(self._picture, identity, self._theme)

    @cached_property
    def _picture(self) -> Picture:
        return place(self._scene, self._rankdir)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture to a file.

        Args:
            path: where to; its suffix says in which form: .svg, .png, .pdf, .html, or .dot or .gv
                for the text that Graphviz reads. A file that stands there is replaced, once the
                new one is complete.

        Raises:
            DrawError: the suffix is none of these, or the folder does not exist.
            MissingExtraError: .png or .pdf without matplotlib.

        Examples:
            >>> import os, tempfile
            >>> import wengert as wg
            >>> folder = tempfile.mkdtemp()
            >>> wg.draw(wg.Value(2.0) * 3.0).save(os.path.join(folder, "product.svg"))
            >>> os.listdir(folder)
            ['product.svg']
        """
        where = Path(path)
        write(where, self._bytes(where.suffix.lower().removeprefix("."), str(where)))

    def render(
        self,
        filename: str | os.PathLike[str] = "Digraph.gv",
        directory: str | os.PathLike[str] | None = None,
        view: bool = False,
        cleanup: bool = False,
        format: str | None = None,  # noqa: A002  (Graphviz calls it so)
    ) -> str:
        """Write the DOT text to a file and the picture beside it, as `graphviz.Digraph` does.

        Args:
            filename: where the DOT text goes; the picture's name has a dot and the format added.
            directory: the folder to write in.
            view: open the picture with the program that the system has for it.
            cleanup: leave the picture alone, without the DOT text.
            format: svg, png, pdf, html, dot or gv; by default the one given to `draw_dot`.

        Returns:
            The path of the picture.

        Raises:
            DrawError: the format is none of these, or the folder does not exist.
            MissingExtraError: png or pdf without matplotlib.

        Examples:
            >>> import os, tempfile
            >>> import wengert as wg
            >>> folder = tempfile.mkdtemp()
            >>> path = wg.draw_dot(wg.Value(2.0) * 3.0).render("product", folder)
            >>> sorted(os.listdir(folder))
            ['product', 'product.svg']
        """
        form = format or self._form
        source = Path(directory or "") / filename
        picture = source.with_name(f"{source.name}.{form}")
        write(picture, self._bytes(form.lower(), str(picture)))
        if not cleanup:
            write(source, self.source.encode())
        if view:
            import webbrowser  # it loads subprocess and more

            webbrowser.open(picture.resolve().as_uri())
        return str(picture)

    def pipe(
        self,
        format: str | None = None,  # noqa: A002
        encoding: str | None = None,
    ) -> Any:
        """The picture as bytes, or as text if an encoding is given.

        Args:
            format: svg, png, pdf, html, dot or gv; by default the one given to `draw_dot`.
            encoding: of the text, such as "utf-8".

        Returns:
            bytes, or str.

        Raises:
            DrawError: the format is none of these.
            MissingExtraError: png or pdf without matplotlib.

        Examples:
            >>> import wengert as wg
            >>> wg.draw_dot(wg.Value(2.0) * 3.0).pipe("svg")[:4]
            b'<svg'
        """
        form = (format or self._form).lower()
        data = self._bytes(form, form)
        return data.decode(encoding) if encoding else data

    def _bytes(self, form: str, asked: str) -> bytes:
        if form not in _FORMATS:
            *others, last = [f".{name}" for name in _FORMATS]
            raise DrawError(
                f"A picture can be written as {', '.join(others)} or {last}, not as {asked!r}."
            )
        return _FORMATS[form](self, form)

    def _page(self, form: str) -> bytes:
        if self._engine == "dot":
            return graphviz(self.source, form)
        from wengert.show.page import page_of

        return page_of(self._picture, form, self._theme)

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        scene = self._scene
        values = count(scene.values, "statement" if scene.program else "value")
        text = f"Drawing({values}, {count(scene.operations, 'operation')}"
        if scene.folds:
            text += f", drawn as {count(len(scene.cells), 'cell')}: {', '.join(scene.folds)} folded"
        return text + ")"


_FORMATS: dict[str, Callable[[Drawing, str], bytes]] = {
    "svg": lambda drawing, form: drawing.svg.encode(),
    "png": Drawing._page,
    "pdf": Drawing._page,
    "html": lambda drawing, form: html_of(drawing.svg).encode(),
    "dot": lambda drawing, form: drawing.source.encode(),
    "gv": lambda drawing, form: drawing.source.encode(),
}


def draw(
    root: Any,
    *,
    fold: str | bool = "auto",
    expand: str | Iterable[str] = (),
    max_cells: int = 300,
    digits: int = 4,
    rankdir: str = "LR",
    theme: str = "auto",
    engine: str = "wengert",
) -> Drawing:
    """The picture of everything that a Value depends on, or of a Program.

    Every value is a record of its label, data and gradient, and every operation a round node before
    its result. Scopes are frames. Of a Program, every statement is a cell and every loop is a frame
    that says how often it runs; what an iteration reads of an earlier one stands beside it. Past
    `max_cells` the graph is folded, and the picture says how.

    Args:
        root: a Value, a list or object array of Values, or a Program.
        fold: "auto" folds graphs of more than `max_cells` values; "scopes" shows each scope as one
            cell; "none" or False shows every value.
        expand: the scope or scopes that stay open, such as "layer1"; of a Program's loops, "loop1"
            and so on, in the order of the text.
        max_cells: the most cells that folding leaves.
        digits: decimals of data and gradients.
        rankdir: "LR" from left to right, "TB" from top to bottom.
        theme: "light", "dark", or "auto" for what the reader's system says.
        engine: "wengert", or "dot" to have Graphviz arrange the picture.

    Returns:
        A Drawing: shown by a notebook, saved with `.save("graph.svg")`.

    Raises:
        OperandError: `root` is not made of Values.
        DrawError: another argument is not one of those above.

    Examples:
        >>> import wengert as wg
        >>> a, b = wg.Value(2.0, label="a"), wg.Value(-3.0, label="b")
        >>> wg.draw(a * b)
        Drawing(3 values, 1 operation)
    """
    _one_of("fold", fold, ("auto", "scopes", "none", True, False))
    _one_of("rankdir", rankdir, ("LR", "TB"))
    _one_of("theme", theme, ("auto", "light", "dark"))
    _one_of("engine", engine, ("wengert", "dot"))
    _at_least("max_cells", max_cells, 1)
    _at_least("digits", digits, 0)
    how = {True: "auto", False: "none"}[fold] if isinstance(fold, bool) else fold
    if isinstance(root, Program):
        from wengert.show.program import scene_of_program

        scene = scene_of_program(root, how, _scopes(expand), max_cells)
    else:
        scene = scene_of(_roots(root), how, _scopes(expand), max_cells, digits)
    return Drawing(scene, rankdir=rankdir, theme=theme, engine=engine)


def draw_dot(
    root: Any,
    format: str = "svg",  # noqa: A002
    rankdir: str = "LR",
    **options: Any,
) -> Drawing:
    r"""The same picture as `draw`, under the lesson's name and with its arguments.

    Args:
        root: a Value, or a list or object array of Values.
        format: what `render` and `pipe` write by default: svg, png, pdf, html, dot or gv.
        rankdir: "LR" from left to right, "TB" from top to bottom.
        options: further arguments of `draw`.

    Returns:
        A Drawing, with `source`, `render` and `pipe` as `graphviz.Digraph` has them. Graphviz
        itself is not needed.

    Raises:
        OperandError: `root` is not made of Values.
        DrawError: another argument is not one of those above.

    Examples:
        >>> import wengert as wg
        >>> print(wg.draw_dot(wg.Value(2.0, label="a") ** 2).source)
        digraph {
          graph [rankdir=LR, fontname=monospace]
          node [fontname=monospace, fontsize=11, height=0.3]
          v0 [label="{ a | data\ 2.0000 | grad\ 0.0000 }", shape=record]
          v1 [label="{ data\ 4.0000 | grad\ 0.0000 }", shape=record, penwidth=2]
          v1op [label="**2", shape=ellipse]
          v1op -> v1
          v0 -> v1op
        }
        <BLANKLINE>
    """
    _one_of("format", format, tuple(_FORMATS))
    drawing = draw(root, rankdir=rankdir, **options)
    drawing._form = format
    return drawing


def _roots(root: Any) -> list[Value]:
    """The Values in what was passed, at any depth."""
    roots: list[Value] = []
    stack = [root]
    while stack:
        item = stack.pop()
        if isinstance(item, Value):
            roots.append(item)
        elif isinstance(item, list | tuple):
            stack += reversed(item)
        elif isinstance(item, np.ndarray) and item.dtype == object:
            stack += reversed(item.ravel().tolist())
        else:
            raise OperandError(
                f"A picture starts from a Value, a list or object array of Values, or a Program, "
                f"not from {describe(item)}."
            )
    if not roots:
        raise OperandError("A picture starts from at least one Value, and there is none in it.")
    return list(dict.fromkeys(roots))


def _scopes(expand: Any) -> list[str]:
    many = isinstance(expand, Iterable) and not isinstance(expand, str)
    names = list(expand) if many else [expand]
    if not all(isinstance(name, str) for name in names):
        raise DrawError(f"expand is a scope's name or a list of them, not {describe(expand)}.")
    return [name.strip("/") for name in names]


def _one_of(name: str, given: Any, known: tuple[Any, ...]) -> None:
    if not isinstance(given, str | bool) or given not in known:
        *others, last = [repr(value) for value in known]
        raise DrawError(f"{name} is {', '.join(others)} or {last}, not {describe(given)}.")


def _at_least(name: str, given: Any, least: int) -> None:
    if isinstance(given, bool) or not isinstance(given, int) or given < least:
        raise DrawError(f"{name} is an integer of at least {least}, not {describe(given)}.")
