"""Runs the lesson: each statement is shown, executed, and followed by what it really prints."""

import ast
import contextlib
import io
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from wengert.errors import DrawError
from wengert.learn.lesson import FLOWS, NEXT, Flow


@dataclass(frozen=True, slots=True)
class Shown:
    """One statement with what it printed and the picture it made."""

    code: str
    printed: str
    picture: str = ""  # a file name in the tour's folder


@dataclass(frozen=True, slots=True)
class Played:
    """A flow with everything its code showed."""

    number: int
    flow: Flow
    shown: tuple[Shown, ...]


def play(folder: Path, flows: Sequence[Flow] = FLOWS) -> Iterator[Played]:
    """Run the flows one after the other; their pictures go into `folder`.

    Args:
        folder: an existing folder.
        flows: the flows to run, in one namespace.

    Yields:
        Each flow with what it showed, as soon as it has run.
    """
    namespace: dict[str, Any] = {"__name__": "__lesson__"}
    for number, flow in enumerate(flows, 1):
        shown: list[Shown] = []
        for code, nodes in _statements(flow.code):
            name = f"{number:02}-{_slug(flow.title)}-{len(shown) + 1:02}.svg"
            shown.append(_run(code, nodes, namespace, folder, name))
        yield Played(number, flow, tuple(shown))


def tour(folder: Path | str = "tour") -> Path:
    """Walk through the lesson: print it, draw its pictures, and write an index page.

    Args:
        folder: where pictures and page go; it is made if need be.

    Returns:
        The path of the index page.

    Raises:
        DrawError: the folder cannot be written to.
        MissingExtraError: matplotlib, which plots the curves, is not installed.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DrawError(f"The tour cannot write to {folder}: {error.strerror}.") from error
    played = []
    for each in play(folder):
        print(_as_text(each))
        played.append(each)
    index = folder / "index.html"
    index.write_text(page(played), encoding="utf-8")
    print(f"\n{NEXT}\nEverything above, with its pictures: {index}")
    return index


def _statements(code: str) -> Iterator[tuple[str, list[ast.stmt]]]:
    """The code's statements with their source, those that share a line together."""
    lines = code.strip("\n").splitlines()
    group: list[ast.stmt] = []
    for node in ast.parse("\n".join(lines)).body:
        if group and node.lineno != group[-1].end_lineno:
            yield _source(lines, group), group
            group = []
        group.append(node)
    yield _source(lines, group), group


def _source(lines: list[str], group: list[ast.stmt]) -> str:
    return "\n".join(lines[group[0].lineno - 1 : group[-1].end_lineno])


def _run(
    code: str, nodes: list[ast.stmt], namespace: dict[str, Any], folder: Path, name: str
) -> Shown:
    """Execute statements as an interactive session would."""
    printed = io.StringIO()
    value = None
    with contextlib.redirect_stdout(printed):
        for node in nodes:
            if isinstance(node, ast.Expr):
                expression = ast.Expression(node.value)
                value = eval(compile(expression, "<lesson>", "eval"), namespace)
            else:
                module = ast.Module([node], type_ignores=[])
                exec(compile(module, "<lesson>", "exec"), namespace)
    picture = _picture(value, folder, name)
    text = printed.getvalue()
    if value is not None and not picture:
        text += f"{value!r}\n"
    return Shown(code, text, picture)


def _picture(value: Any, folder: Path, name: str) -> str:
    """Save what a notebook would show as a picture; "" for anything else."""
    if hasattr(value, "_repr_svg_"):
        value.save(folder / name)
        return name
    if hasattr(value, "get_figure"):
        figure = value.get_figure()
        figure.set_size_inches(6.4, 4.0)
        figure.savefig(folder / name, metadata={"Date": None})
        _close(figure)
        return name
    return ""


def _close(figure: Any) -> None:
    import matplotlib.pyplot as plt

    plt.close(figure)


def _as_text(played: Played) -> str:
    """A flow for the terminal."""
    title = f"{played.number}. {played.flow.title}"
    text = textwrap.fill(played.flow.text.replace("`", ""), 88)
    return f"\n{title}\n{'=' * len(title)}\n\n{text}\n\n{_session(played.shown, pictures=True)}"


def _session(shown: Sequence[Shown], pictures: bool) -> str:
    parts = []
    for each in shown:
        if each.code:
            first, *rest = each.code.splitlines()
            parts += [f">>> {first}", *(f"... {line}".rstrip() for line in rest)]
        if each.printed:
            parts.append(each.printed.rstrip("\n"))
        if each.picture and pictures:
            parts.append(f"[picture: {each.picture}]")
    return "\n".join(parts)


def markdown(played: Sequence[Played], pictures: str) -> str:
    """The lesson as a Markdown page; `pictures` is where its pictures are, seen from the page."""
    parts = []
    for each in played:
        parts += [f"## {each.number}. {each.flow.title}", each.flow.text]
        run: list[Shown] = []
        for shown in each.shown:
            run.append(shown)
            if shown.picture:
                parts.append(_fenced(run))
                parts.append(f"![{each.flow.title}]({pictures}/{shown.picture})")
                run = []
        if run:
            parts.append(_fenced(run))
    return "\n\n".join(parts) + "\n"


def _fenced(shown: Sequence[Shown]) -> str:
    return f"```pycon\n{_session(shown, pictures=False)}\n```"


_STYLE = """
:root { color-scheme: light dark; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
       font: 1rem/1.55 system-ui, sans-serif; }
pre { padding: .8rem 1rem; border-radius: 8px; overflow-x: auto; background: #8881;
      font: .85rem/1.45 ui-monospace, "DejaVu Sans Mono", monospace; }
img { max-width: 100%; border-radius: 8px; }
img.plot { background: white; }
h2 { margin-top: 2.6rem; }
"""


def page(played: Sequence[Played]) -> str:
    """The lesson as one HTML page beside its pictures."""
    parts = []
    for each in played:
        text = re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(each.flow.text, quote=False))
        parts.append(f"<h2>{each.number}. {escape(each.flow.title)}</h2>\n<p>{text}</p>")
        for shown in each.shown:
            session = _session([shown], pictures=False)
            if session:
                parts.append(f"<pre>{escape(session)}</pre>")
            if shown.picture:
                title = escape(each.flow.title)
                parts.append(f'<p><img src="{shown.picture}" alt="Picture: {title}"></p>')
    body = re.sub(r"</pre>\n<pre>", "\n", "\n".join(parts))
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>The lesson, by Wengert</title>\n<style>{_STYLE}</style>\n"
        f"<h1>The lesson</h1>\n{body}\n<h2>What next</h2>\n<pre>{escape(NEXT)}</pre>\n</html>\n"
    )


def _slug(title: str) -> str:
    return re.sub(r"[^a-z]+", "-", title.lower()).strip("-")
