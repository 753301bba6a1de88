"""Where in the user's code something happened."""

import linecache
from pathlib import Path
from typing import Any

import pytest

import wengert
from wengert import Value
from wengert.source import Source, user_source


class Teller(Value):
    """Reports from inside one of its operators where it was used."""

    def __neg__(self) -> Any:
        return user_source()

    def __abs__(self) -> Any:
        return Probe.run()


class Probe:
    run: Any = staticmethod(user_source)


def test_file_line_and_text_of_the_call() -> None:
    here = user_source()
    assert here is not None
    assert Path(here.file) == Path(__file__)
    assert here.text == "user_source()"
    assert str(here) == f"test_source.py:{here.line}"
    assert linecache.getline(__file__, here.line).strip() == "here = user_source()"


def test_a_call_over_several_lines_gives_its_first() -> None:
    here = (
        # a comment between
        user_source(
            # and one inside
        )
    )
    assert here is not None
    assert here.text == "user_source("


def test_text_is_cut_by_bytes_not_by_characters() -> None:
    πρώτο, here = "ψ", user_source()
    assert here is not None
    assert here.text == "user_source()"
    assert πρώτο


def run(code: str, file: str) -> Any:
    namespace: dict[str, Any] = {"user_source": user_source, "Teller": Teller}
    exec(compile(code, file, "exec"), namespace)
    return namespace["here"]


def test_code_without_a_file() -> None:
    here = run("here = user_source()", "<stdin>")
    assert here == Source("<stdin>", 1, "")
    assert str(here) == "<stdin>:1"


def test_frames_of_the_library_and_of_numpy_are_passed_over() -> None:
    package = Path(wengert.__file__).parent
    inner = run("def call(): return user_source()\nhere = call", str(package / "made_up.py"))
    source = inner()
    assert source.file == __file__


def test_a_neighbour_whose_name_begins_like_the_library_is_the_users() -> None:
    package = Path(wengert.__file__).parent
    file = str(package.parent / "wengert_lessons" / "first.py")
    assert run("here = user_source()", file).file == file


def test_a_stack_that_is_all_library_has_no_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wengert.source._LIBRARIES", ("/", "<"))
    assert user_source() is None


def test_python_without_columns_gives_the_line() -> None:
    code = compile("here = user_source()", __file__, "exec")
    columns = code.replace(co_linetable=_lines_only(code))
    namespace: dict[str, Any] = {"user_source": user_source}
    exec(columns, namespace)
    first_line = Path(__file__).read_text(encoding="utf-8").splitlines()[0]
    assert namespace["here"].text == first_line


def _lines_only(code: Any) -> bytes:
    """A location table that says line 1 and no columns for the whole code (PEP 626, kind 13)."""
    units = len(code.co_code) // 2
    table = bytearray()
    while units:
        run_length = min(units, 8)
        table += bytes([0x80 | (13 << 3) | (run_length - 1), 0])
        units -= run_length
    return bytes(table)
