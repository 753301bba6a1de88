import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from show_graphs import chain, lesson, network
from test_place import hostile

import wengert as wg
from wengert import DrawError, MissingExtraError, OperandError, Value
from wengert.show.drawing import Drawing, draw, draw_dot
from wengert.show.output import write

SIGNATURES = {
    "svg": b"<svg ",
    "png": b"\x89PNG\r\n\x1a\n",
    "pdf": b"%PDF-",
    "html": b"<!doctype html>",
    "dot": b"digraph {",
    "gv": b"digraph {",
}


@pytest.mark.parametrize("form", SIGNATURES)
def test_each_suffix_is_written_in_its_form(form: str, tmp_path: Path) -> None:
    path = tmp_path / f"picture.{form.upper()}"
    draw(lesson()).save(path)
    assert path.read_bytes().startswith(SIGNATURES[form])
    assert os.listdir(tmp_path) == [path.name]
    assert draw_dot(lesson()).pipe(form).startswith(SIGNATURES[form])


def test_unknown_suffixes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DrawError, match=r"\.svg, \.png, \.pdf, \.html, \.dot or \.gv"):
        draw(lesson()).save(tmp_path / "picture.jpeg")
    with pytest.raises(DrawError, match="picture"):
        draw(lesson()).save(str(tmp_path / "picture"))
    with pytest.raises(DrawError, match="bmp"):
        draw_dot(lesson()).pipe("bmp")
    assert not os.listdir(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DrawError, match=r"folder '.*nowhere' does not exist"):
        draw(lesson()).save(tmp_path / "nowhere" / "picture.svg")
    (tmp_path / "folder.svg").mkdir()
    with pytest.raises(DrawError, match="is a folder"):
        draw(lesson()).save(tmp_path / "folder.svg")


def test_a_failing_save_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "picture.svg"
    path.write_text("before")

    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:10])
        raise OSError("the disk is full")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="full"):
        draw(lesson()).save(path)
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["picture.svg"]


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"before")
    (tmp_path / "link").symlink_to(tmp_path / "there")
    write(tmp_path / "link", b"after")
    assert (tmp_path / "there").read_bytes() == b"after"
    assert (tmp_path / "link").is_symlink()


def test_pages_need_matplotlib(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for suffix in ("png", "pdf"):
        with pytest.raises(MissingExtraError, match=r"wengert\[plot\]"):
            draw(lesson()).save(tmp_path / f"picture.{suffix}")
    draw(lesson()).save(tmp_path / "picture.svg")


# --- what is drawn --------------------------------------------------------------------------------


def test_a_notebook_shows_the_svg_and_nothing_else() -> None:
    drawing = draw(lesson())
    assert drawing._repr_svg_() == drawing.svg
    for form in ("html", "png", "mimebundle"):
        assert not hasattr(drawing, f"_repr_{form}_")


def test_repr_says_what_there_is() -> None:
    assert repr(draw(lesson())) == "Drawing(7 values, 3 operations)"
    assert repr(draw(chain(1000))) == (
        "Drawing(2,003 values, 2,000 operations, drawn as 14 cells: 1 chain folded)"
    )


def test_a_drawing_keeps_the_numbers_of_its_moment() -> None:
    root = lesson()
    drawing = draw(root)
    root.zero_grad()
    assert "6.0000" in drawing.svg


def test_names_are_unique_but_otherwise_reproducible() -> None:
    one, other = draw(lesson()), draw(lesson())

    def names(drawing: Drawing) -> set[str]:
        return set(re.findall(r'id="([^"]+)"', drawing.svg)) | set(
            re.findall(r'<svg [^>]*class="([^"]+)"', drawing.svg)
        )

    assert not names(one) & names(other)

    def bare(drawing: Drawing) -> str:
        return re.sub(r"wg\d+-[0-9a-f]{8}", "", drawing.svg)

    assert bare(one) == bare(other)
    assert one.source == other.source


def test_several_roots_are_drawn_together() -> None:
    a = Value(2.0)
    b, c = a * 2.0, a + 1.0
    for roots in ([b, c], (b, [c]), np.array([b, c], dtype=object), [b, c, b]):
        assert repr(draw(roots)) == "Drawing(5 values, 2 operations)"
    assert draw([b, c]).source.count("penwidth=2") == 2


@pytest.mark.parametrize("root", [3.0, "L", None, [Value(1.0), 2.0], np.ones(3), lambda x: x])
def test_what_is_no_value_is_refused(root: Any) -> None:
    with pytest.raises(OperandError, match="picture starts from a Value"):
        draw(root)


def test_no_values_at_all_are_refused() -> None:
    with pytest.raises(OperandError, match="at least one"):
        draw([])


@pytest.mark.parametrize(
    "options",
    [
        {"fold": "always"},
        {"rankdir": "RL"},
        {"theme": 1},
        {"engine": "neato"},
        {"max_cells": 0},
        {"max_cells": 10.0},
        {"digits": -1},
        {"digits": True},
        {"expand": "layer9"},
        {"expand": 5},
        {"expand": [None]},
        {"expand": ["layer1", "layer9"]},
    ],
)
def test_unknown_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(DrawError, match=next(iter(options))):
        draw(network(2, 1), **options)


def test_unknown_scopes_are_refused_where_there_are_none() -> None:
    with pytest.raises(DrawError, match="no scopes"):
        draw(lesson(), expand="layer1")


def test_options_do_what_they_say() -> None:
    root = network(2, 2, 1)
    assert len(draw(root, fold="scopes")._scene.cells) == 4
    assert len(draw(root, fold="scopes", expand="/layer1/")._scene.cells) == 5
    assert draw(chain(500), fold=False)._scene.folds == []
    assert draw(chain(500), fold="none")._scene.folds == []
    assert draw(chain(500), fold=True)._scene.folds == ["1 chain"]
    assert "data\\ 2.0 " in draw(lesson(), digits=1).source
    assert draw(lesson(), rankdir="TB").svg != draw(lesson()).svg


def test_own_operations_are_drawn_like_any_other() -> None:
    x = Value(1.0, label="x")
    source = draw(Value(0.84, (x, x), "sinc")).source
    assert source.count("v0 -> v1op") == 2
    assert '"sinc"' in source
    assert '"?"' in draw(Value(0.84, (x,))).source


def test_the_html_page_stands_alone() -> None:
    page = draw(hostile()).pipe("html", "utf-8")
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    ElementTree.fromstring(page[page.index("<svg") : page.index("</html>")])


# --- as graphviz.Digraph --------------------------------------------------------------------------


def test_render_writes_the_source_and_the_picture(tmp_path: Path) -> None:
    path = draw_dot(lesson()).render(tmp_path / "graph")
    assert path == str(tmp_path / "graph.svg")
    assert sorted(os.listdir(tmp_path)) == ["graph", "graph.svg"]
    assert (tmp_path / "graph").read_text().startswith("digraph {")
    drawing = draw_dot(lesson(), format="png", rankdir="TB")
    assert drawing.render("other", tmp_path, cleanup=True).endswith("other.png")
    assert not (tmp_path / "other").exists()
    assert drawing.render("other", tmp_path, format="pdf").endswith("other.pdf")


def test_render_has_graphviz_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.chdir(tmp_path)
    assert draw_dot(lesson()).render(view=True) == "Digraph.gv.svg"
    assert sorted(os.listdir(tmp_path)) == ["Digraph.gv", "Digraph.gv.svg"]
    assert opened == [(tmp_path / "Digraph.gv.svg").resolve().as_uri()]


def test_draw_dot_refuses_unknown_formats() -> None:
    with pytest.raises(DrawError, match="format"):
        draw_dot(lesson(), format="jpeg")
    assert draw_dot(lesson()).pipe(encoding="utf-8").startswith("<svg")


# --- Graphviz -------------------------------------------------------------------------------------

FAKE = """#!{python}
import sys
source = sys.stdin.buffer.read()
{body}
"""


@pytest.fixture
def fake_dot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def install(body: str) -> None:
        program = tmp_path / "dot"
        program.write_text(FAKE.format(python=sys.executable, body=body))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))

    return install


def test_graphviz_draws_when_asked(fake_dot: Callable[[str], None]) -> None:
    fake_dot("print('<?xml version=\"1.0\"?>\\n<svg>', sys.argv[1], len(source), '</svg>', end='')")
    drawing = draw(lesson(), engine="dot")
    assert drawing.svg == f"<svg> -Tsvg {len(drawing.source)} </svg>"
    assert b"-Tpng" in drawing.pipe("png")
    assert b"-Tpdf" in drawing.pipe("pdf")


def test_graphviz_may_fail(fake_dot: Callable[[str], None]) -> None:
    fake_dot("print('Error: no such font', file=sys.stderr); sys.exit(1)")
    with pytest.raises(DrawError, match="no such font"):
        draw(lesson(), engine="dot").pipe("png")


def test_graphviz_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    drawing = draw(lesson(), engine="dot")
    with pytest.raises(DrawError, match="package graphviz .* needs nothing"):
        _ = drawing.svg
    assert drawing.pipe("dot").startswith(b"digraph")


def test_hostile_pictures_are_pages_too() -> None:
    with wg.scope("$x$"):
        root = hostile()
    for form in ("png", "pdf"):
        assert draw(root).pipe(form).startswith(SIGNATURES[form])
