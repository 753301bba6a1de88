"""What the package shows: its names, their documentation, its version and its types."""

import ast
import inspect
import tomllib
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import wengert

PACKAGE = Path(wengert.__file__).parent


def test_all_is_complete() -> None:
    """That it is sorted, the linter sees to (RUF022). It leaves Python's own names alone."""
    for name in wengert.__all__:
        getattr(wengert, name)  # some are loaded when first asked for
    public = {
        name
        for name, thing in vars(wengert).items()
        if not name.startswith("_") and callable(thing) and not isinstance(thing, ModuleType)
    }
    assert len(set(wengert.__all__)) == len(wengert.__all__)
    assert public - set(wengert.__all__) == {"abs", "pow", "sum"}
    assert set(wengert.__all__) <= public


@pytest.mark.parametrize("name", wengert.__all__)
def test_every_public_name_is_documented(name: str) -> None:
    thing = getattr(wengert, name)
    documented = inspect.getdoc(thing)
    if not inspect.isclass(thing) and not inspect.isroutine(thing):
        assert thing.__doc__ is not type(thing).__doc__, "documented only as one of its kind"
    assert documented
    assert documented.splitlines()[0].rstrip().endswith((".", ":"))


@pytest.mark.parametrize("name", wengert.__all__)
def test_every_public_method_is_documented(name: str) -> None:
    thing = getattr(wengert, name)
    if not inspect.isclass(thing) or issubclass(thing, BaseException):
        return
    for member, what in vars(thing).items():
        if not member.startswith("_") and (callable(what) or isinstance(what, property)):
            assert inspect.getdoc(what), f"{name}.{member}"


def test_every_module_opens_with_its_job() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert tree.body, path
        assert ast.get_docstring(tree), path


def test_star_import_gives_exactly_the_list() -> None:
    namespace: dict[str, Any] = {}
    exec("from wengert import *", namespace)
    namespace.pop("__builtins__")
    assert sorted(namespace) == sorted(wengert.__all__)


def test_the_package_says_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()


def test_the_version_is_stated_once_and_is_that_of_the_distribution() -> None:
    project = tomllib.loads((PACKAGE.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" in project["project"]["dynamic"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "wengert.__version__"}
    assert wengert.__version__ == version("wengert")


@pytest.mark.parametrize("name", [name for name in wengert.__all__ if name.endswith("Error")])
def test_every_error_is_also_the_one_python_would_raise(name: str) -> None:
    error = getattr(wengert, name)
    assert issubclass(error, wengert.WengertError)
    builtin = (TypeError, ValueError, ArithmeticError, ImportError)
    assert issubclass(error, builtin) or error is wengert.WengertError
